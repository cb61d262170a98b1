//! Which shard has a key: the 16384 slots of Redis Cluster, dealt out evenly and in order.

const SLOTS: usize = 16384;

pub(super) fn shard_of(key: &[u8], shards: usize) -> usize {
    slot_of(key) * shards / SLOTS
}

fn slot_of(key: &[u8]) -> usize {
    usize::from(crc16(hash_tag(key))) % SLOTS
}

/// What stands between the first brace and the next closing one, unless that is nothing.
fn hash_tag(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|&byte| byte == b'{') else { return key };
    let rest = &key[open + 1..];
    match rest.iter().position(|&byte| byte == b'}') {
        Some(length) if length > 0 => &rest[..length],
        _ => key,
    }
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    const POLYNOMIAL: u16 = 0x1021;
    let mut crc = 0u16;
    for &byte in bytes {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ POLYNOMIAL };
        }
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis_cluster() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot_of(b"foo"), 12182);
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"user1000"));
        assert_eq!(slot_of(b"foo{}{bar}"), usize::from(crc16(b"foo{}{bar}")) % SLOTS);
    }

    #[test]
    fn shards_are_ranges_of_slots() {
        assert_eq!(shard_of(b"foo", 1), 0);
        assert_eq!(shard_of(b"foo", 2), 1);
        assert_eq!(shard_of(b"foo", 16384), 12182);
    }
}
