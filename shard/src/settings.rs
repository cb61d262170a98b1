//! The settings that change what commands do. A snapshot; replaced as a whole on CONFIG SET.

use crate::keyspace::access::LfuSettings;

/// Limits and thresholds, named as Redis's directives.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `proto-max-bulk-len`: also the longest string a command may make.
    pub proto_max_bulk_len: usize,
    /// `hash-max-listpack-entries`: a hash with more fields is large.
    pub hash_max_listpack_entries: usize,
    /// `hash-max-listpack-value`: a longer field or value makes the hash large.
    pub hash_max_listpack_value: usize,
    /// `set-max-intset-entries`: a set of more integers is large.
    pub set_max_intset_entries: usize,
    /// `set-max-listpack-entries`: a set with more members is large.
    pub set_max_listpack_entries: usize,
    /// `set-max-listpack-value`: a longer member makes the set large.
    pub set_max_listpack_value: usize,
    /// `hll-sparse-max-bytes`: a longer HyperLogLog is dense.
    pub hll_sparse_max_bytes: usize,
    /// `list-max-listpack-size`: up to which size OBJECT ENCODING calls a list a listpack.
    pub list_max_listpack_size: i32,
    /// `zset-max-listpack-entries`: a sorted set with more members is large.
    pub zset_max_listpack_entries: usize,
    /// `zset-max-listpack-value`: a longer member makes the sorted set large.
    pub zset_max_listpack_value: usize,
    /// `stream-node-max-entries`: `~` trims streams by nodes of so many entries (0: any number).
    pub stream_node_max_entries: u64,
    /// `stream-node-max-bytes`: and of so many bytes (0: any number).
    pub stream_node_max_bytes: u64,
    /// A longer reply of a command that runs off the loop is an error instead.
    pub reply_bytes_max: usize,
    /// How uses of keys are counted, if `maxmemory-policy` goes by how often they are used.
    pub lfu: Option<LfuSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            proto_max_bulk_len: 512 << 20,
            hash_max_listpack_entries: 128,
            hash_max_listpack_value: 64,
            set_max_intset_entries: 512,
            set_max_listpack_entries: 128,
            set_max_listpack_value: 64,
            hll_sparse_max_bytes: 3000,
            list_max_listpack_size: -2,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            stream_node_max_entries: 100,
            stream_node_max_bytes: 4096,
            reply_bytes_max: usize::MAX,
            lfu: None,
        }
    }
}
