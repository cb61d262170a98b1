//! Where records stand: the keys of every family. Format version 1. Integers are big-endian, so
//! that byte order is numeric order.
//!
//! ```text
//! heads      db (1) | position (8) | key …
//! elements   db (1) | position (8) | key bytes (4) | key … | version (8) | element …
//! expiry     db (1) | deadline, ms since 1970 (8) | key …            (value: empty)
//! meta       'c' | db (1) | slot (2)      keys (8) | keys with a deadline (8), little-endian
//!            'i'                          the shard's identity, see `Shard::open`
//! ```
//!
//! `position` is the key's Redis Cluster slot in the top 14 bits and 50 bits of its hash below: a
//! slot is one contiguous range. Its top 53 bits are a SCAN cursor (see [`super::cursor`]), which
//! so means the same after a restart and on another machine. `db` is the physical database; SWAPDB
//! swaps which logical number stands for it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use siphasher::sip::SipHasher13;
use smallvec::SmallVec;

/// A key of a family, on the stack for keys of ordinary length.
pub type RecordKey = SmallVec<[u8; 64]>;

/// Number of hash slots, as in Redis Cluster.
pub const SLOTS: u16 = 16384;

/// Bits of a position below the slot.
pub const HASH_BITS: u32 = 50;

/// Bytes before the key in a head's record key.
pub const HEAD_PREFIX_BYTES: usize = 9;

/// The hash slot of `key`: CRC16 of the part between the first `{` and the next `}` when that is
/// not empty, else of the whole key.
pub fn slot(key: &[u8]) -> u16 {
    let tag = match key.iter().position(|byte| *byte == b'{') {
        Some(open) => match key[open + 1..].iter().position(|byte| *byte == b'}') {
            Some(length) if length > 0 => &key[open + 1..open + 1 + length],
            _ => key,
        },
        None => key,
    };
    crc16::State::<crc16::XMODEM>::calculate(tag) % SLOTS
}

/// 64 bits of a hash that is the same on every machine. SipHash with a fixed key: good enough
/// that nobody's key names collide by accident.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0x6261_7361_6c74, 0x706f_7369_7469_6f6e);
    hasher.write(bytes);
    hasher.finish()
}

/// The position of `key`; see the module.
pub fn position(key: &[u8]) -> u64 {
    (u64::from(slot(key)) << HASH_BITS) | (hash(key) >> (64 - HASH_BITS))
}

/// The slot in a position.
pub fn slot_of(position: u64) -> u16 {
    // 14 bits remain: the conversion cannot fail.
    (position >> HASH_BITS) as u16
}

/// Hashes record keys of heads, and the names under which keys are locked, by the position in
/// them, which is a hash already.
#[derive(Clone, Copy, Default)]
pub struct PositionHasher(u64);

impl Hasher for PositionHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // The first nine bytes are the position and either the database or a byte of the name.
        let (front, rest) = bytes.split_at(bytes.len().min(HEAD_PREFIX_BYTES));
        let mut padded = [0; 16];
        padded[..front.len()].copy_from_slice(front);
        let number = u128::from_be_bytes(padded);
        let mixed = (number >> 64) as u64 ^ (number as u64).rotate_left(8) ^ rest.len() as u64;
        // The slot's bits stand highest and repeat; spread the hash below them upwards.
        self.0 = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }

    fn write_usize(&mut self, _length: usize) {}
}

/// A map by such keys.
pub type PositionMap<V> = HashMap<RecordKey, V, BuildHasherDefault<PositionHasher>>;

/// An empty map keeps room for this many keys, which busy clients with pipelines fill again and
/// again; more is for a single big command.
const KEYS_KEPT: usize = 16 << 10;

/// Gives the memory of a map back in which there were many keys and are none now. Whether it did.
pub fn release_if_empty<V>(map: &mut PositionMap<V>) -> bool {
    let is_idle = map.is_empty() && map.capacity() > KEYS_KEPT;
    if is_idle {
        *map = PositionMap::default();
    }
    is_idle
}

/// Record key of the head of `key`.
pub fn head_key(db: u8, key: &[u8]) -> RecordKey {
    head_key_at(db, position(key), key)
}

/// Record key of a head at a known position; an empty `key` gives the lower bound of the position.
pub fn head_key_at(db: u8, position: u64, key: &[u8]) -> RecordKey {
    let mut record = RecordKey::with_capacity(HEAD_PREFIX_BYTES + key.len());
    record.push(db);
    record.extend_from_slice(&position.to_be_bytes());
    record.extend_from_slice(key);
    record
}

/// Splits a head's record key into db, position and key. `None`: not such a key.
pub fn parse_head_key(record: &[u8]) -> Option<(u8, u64, &[u8])> {
    let (db, rest) = record.split_first()?;
    let (position, key) = rest.split_first_chunk::<8>()?;
    Some((*db, u64::from_be_bytes(*position), key))
}

/// The prefix of all elements of one version of a collection.
pub fn element_prefix(head_key: &[u8], version: u64) -> RecordKey {
    let key_bytes = (head_key.len() - HEAD_PREFIX_BYTES) as u32;
    let mut record = RecordKey::with_capacity(head_key.len() + 12);
    record.extend_from_slice(&head_key[..HEAD_PREFIX_BYTES]);
    record.extend_from_slice(&key_bytes.to_be_bytes());
    record.extend_from_slice(&head_key[HEAD_PREFIX_BYTES..]);
    record.extend_from_slice(&version.to_be_bytes());
    record
}

/// The collection and version that an element belongs to, read from its record key.
#[derive(Debug, PartialEq, Eq)]
pub struct ElementPrefix<'a> {
    position_and_db: &'a [u8],
    key: &'a [u8],
    /// Version of the collection.
    pub version: u64,
}

impl<'a> ElementPrefix<'a> {
    /// Reads the prefix of an element's record key. `None`: not such a key.
    pub fn parse(record: &'a [u8]) -> Option<Self> {
        let (position_and_db, rest) = record.split_at_checked(HEAD_PREFIX_BYTES)?;
        let (key_bytes, rest) = rest.split_first_chunk::<4>()?;
        let (key, rest) = rest.split_at_checked(u32::from_be_bytes(*key_bytes) as usize)?;
        let (version, _) = rest.split_first_chunk::<8>()?;
        Some(Self { position_and_db, key, version: u64::from_be_bytes(*version) })
    }

    /// Record key of the collection's head.
    pub fn head_key(&self) -> RecordKey {
        let mut record = RecordKey::from_slice(self.position_and_db);
        record.extend_from_slice(self.key);
        record
    }

    /// The bytes of `record` (the key this was parsed from) that name collection and version.
    pub fn bytes<'r>(&self, record: &'r [u8]) -> &'r [u8] {
        &record[..HEAD_PREFIX_BYTES + 4 + self.key.len() + 8]
    }
}

/// Record key of a deadline.
pub fn expiry_key(db: u8, deadline_ms: u64, key: &[u8]) -> RecordKey {
    let mut record = RecordKey::with_capacity(9 + key.len());
    record.push(db);
    record.extend_from_slice(&deadline_ms.to_be_bytes());
    record.extend_from_slice(key);
    record
}

/// Splits a deadline's record key into db, deadline and key.
pub fn parse_expiry_key(record: &[u8]) -> Option<(u8, u64, &[u8])> {
    parse_head_key(record)
}

/// Record key of a slot's counts.
pub fn counts_key(db: u8, slot: u16) -> [u8; 4] {
    let [high, low] = slot.to_be_bytes();
    [b'c', db, high, low]
}

/// Record key of the shard's identity.
pub const IDENTITY_KEY: &[u8] = b"i";

/// The smallest byte string that is greater than every string starting with `prefix`; empty when
/// there is none.
pub fn prefix_end(prefix: &[u8]) -> RecordKey {
    let mut end = RecordKey::from_slice(prefix);
    while let Some(last) = end.last_mut() {
        if *last < u8::MAX {
            *last += 1;
            return end;
        }
        end.pop();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis_cluster() {
        // Values that `CLUSTER KEYSLOT` of redis-server answers.
        for (key, expected) in
            [("foo", 12182), ("bar", 5061), ("{user1000}.following", 3443), ("", 0)]
        {
            assert_eq!(slot(key.as_bytes()), expected, "{key}");
        }
        assert_eq!(slot(b"foo{}{bar}"), slot(b"foo{}{bar}"));
        assert_eq!(slot(b"{user1000}.a"), slot(b"user1000"));
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
        assert_eq!(slot(b"foo{bar}{zap}"), slot(b"bar"));
    }

    #[test]
    fn positions_and_record_keys_keep_their_bytes() {
        let golden = head_key(3, b"foo");
        assert_eq!(golden[0], 3);
        assert_eq!(slot_of(position(b"foo")), 12182);
        assert_eq!(position(b"foo"), 0xbe5b_2e46_d4b4_22e8);
        assert_eq!(&golden[9..], b"foo");
        let (db, at, key) = parse_head_key(&golden).unwrap();
        assert_eq!((db, at, key), (3, position(b"foo"), b"foo".as_slice()));
    }

    #[test]
    fn an_element_names_its_head() {
        let head = head_key(1, b"some key");
        let mut element = element_prefix(&head, 77);
        element.extend_from_slice(b"field");
        let prefix = ElementPrefix::parse(&element).unwrap();
        assert_eq!(prefix.version, 77);
        assert_eq!(prefix.head_key(), head);
        assert_eq!(prefix.bytes(&element), &element_prefix(&head, 77)[..]);
        for cut in 0..prefix.bytes(&element).len() {
            assert_eq!(ElementPrefix::parse(&element[..cut]), None);
        }
    }

    #[test]
    fn the_end_of_a_prefix_follows_all_that_starts_with_it() {
        assert_eq!(&prefix_end(b"ab")[..], b"ac");
        assert_eq!(&prefix_end(b"a\xff")[..], b"b");
        assert!(prefix_end(b"\xff\xff").is_empty());
    }
}
