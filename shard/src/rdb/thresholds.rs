//! Where packed encodings end.

/// Up to which size values have packed encodings, named as Redis's directives.
#[derive(Clone, Debug)]
pub struct Thresholds {
    pub hash_max_listpack_entries: usize,
    pub hash_max_listpack_value: usize,
    pub zset_max_listpack_entries: usize,
    pub zset_max_listpack_value: usize,
    pub set_max_intset_entries: usize,
    pub stream_node_max_entries: usize,
    pub stream_node_max_bytes: usize,
    /// `list-max-listpack-size`, in bytes.
    pub list_max_listpack_bytes: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            set_max_intset_entries: 512,
            stream_node_max_entries: 100,
            stream_node_max_bytes: 4096,
            list_max_listpack_bytes: 8192,
        }
    }
}
