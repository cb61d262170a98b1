//! What stands in a log segment: its header block and the groups of batches behind it.
//!
//! ```text
//! segment  header, one block of 4096 bytes, then groups one behind the other
//!
//! header   0 "basaltlg"   8 format u32 = 2   12 shard u32   16 data set, 40 hex digits
//!          56 generation u64   64 bytes of the segment u64   72 salt u64
//!          80 CRC-32C of 0..80, u32   zeros
//!
//! group    0 CRC-32C u32 of everything behind it, begun with the salt
//!          4 kind u32 = 0x67727031 ("grp1")   8 bytes of the batches u64
//!          16 first batch u64   24 last batch u64   32 newest batch known to be durable u64
//!          40 batches: bytes u64, then the batch as `engine/batch.rs` encodes it
//!          zeros up to a multiple of 8
//! ```
//!
//! Integers are little-endian. A segment is used again under a new generation without being wiped:
//! as every checksum begins with a random number of this use, neither what it held before nor what
//! a client wrote into a value passes for groups.
//!
//! Every group says what was known to be durable when it was written. So a reader that meets bytes
//! which are no group can tell damage from the end: if a later group says that what should stand
//! here was durable, it was damaged; if none does, it never was acknowledged as durable.

/// Number of a batch, from 1 on, without gaps, for the life of a data set.
pub type Lsn = u64;

/// Unit of writing: offsets and lengths of writes are multiples of it.
pub const BLOCK_BYTES: usize = 4096;
/// Bytes of a group before its batches.
pub const GROUP_HEADER_BYTES: usize = 40;
/// Groups begin at multiples of this.
pub const GROUP_ALIGNMENT: usize = 8;

/// More batches than a shard can write in a lifetime.
const LSN_MAX: Lsn = 1 << 60;

const MAGIC: &[u8; 8] = b"basaltlg";
const FORMAT: u32 = 2;
const GROUP_KIND: u32 = 0x6772_7031;
const HEADER_CHECKED_BYTES: usize = 80;

/// Whose log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The data set's name.
    pub data_set: [u8; 40],
    /// Number of the shard in it.
    pub shard: u32,
}

/// The header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Whose it is.
    pub identity: Identity,
    /// Number of the segment in the order of use.
    pub generation: u64,
    /// Length of the segment, header included.
    pub bytes: u64,
    /// A random number: checksums of the groups begin with it.
    pub salt: u64,
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

impl SegmentHeader {
    /// The header block.
    pub fn encode(&self) -> Vec<u8> {
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        block.extend_from_slice(MAGIC);
        block.extend_from_slice(&FORMAT.to_le_bytes());
        block.extend_from_slice(&self.identity.shard.to_le_bytes());
        block.extend_from_slice(&self.identity.data_set);
        block.extend_from_slice(&self.generation.to_le_bytes());
        block.extend_from_slice(&self.bytes.to_le_bytes());
        block.extend_from_slice(&self.salt.to_le_bytes());
        let checksum = crc32c::crc32c(&block);
        block.extend_from_slice(&checksum.to_le_bytes());
        block.resize(BLOCK_BYTES, 0);
        block
    }

    /// Reads a header block; the error says what is wrong with it.
    pub fn decode(block: &[u8]) -> Result<Self, String> {
        if block.get(..8) != Some(MAGIC) {
            return Err("it does not begin as a log segment does".into());
        }
        let damaged = || "its header is damaged".to_owned();
        let checked = block.get(..HEADER_CHECKED_BYTES).ok_or_else(damaged)?;
        if u32_at(block, HEADER_CHECKED_BYTES) != Some(crc32c::crc32c(checked)) {
            return Err(damaged());
        }
        match u32_at(block, 8) {
            Some(FORMAT) => {}
            other => {
                return Err(format!(
                    "its format is version {}, this server reads version {FORMAT}",
                    other.unwrap_or(0)
                ));
            }
        }
        let data_set = block[16..56].try_into().map_err(|_| damaged())?;
        Ok(Self {
            identity: Identity { data_set, shard: u32_at(block, 12).ok_or_else(damaged)? },
            generation: u64_at(block, 56).ok_or_else(damaged)?,
            bytes: u64_at(block, 64).ok_or_else(damaged)?,
            salt: u64_at(block, 72).ok_or_else(damaged)?,
        })
    }
}

/// The header of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupHeader {
    /// Its first batch.
    pub first: Lsn,
    /// Its last batch.
    pub last: Lsn,
    /// The newest batch that was known to be durable when the group was written.
    pub durable: Lsn,
}

/// Bytes that a group with `payload` bytes of batches takes.
pub fn group_bytes(payload: usize) -> usize {
    (GROUP_HEADER_BYTES + payload).next_multiple_of(GROUP_ALIGNMENT)
}

fn checksum(salt: u64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), bytes)
}

/// The header of a group with these batches, in a segment with this salt.
pub fn encode_group_header(
    header: &GroupHeader,
    salt: u64,
    payload: &[u8],
) -> [u8; GROUP_HEADER_BYTES] {
    let mut bytes = [0; GROUP_HEADER_BYTES];
    bytes[4..8].copy_from_slice(&GROUP_KIND.to_le_bytes());
    bytes[8..16].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes[16..24].copy_from_slice(&header.first.to_le_bytes());
    bytes[24..32].copy_from_slice(&header.last.to_le_bytes());
    bytes[32..40].copy_from_slice(&header.durable.to_le_bytes());
    let sum = crc32c::crc32c_append(checksum(salt, &bytes[4..]), payload);
    bytes[..4].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// The group at the beginning of `bytes`, its batches, and the bytes it takes. `None`: there is
/// none, or it is damaged.
pub fn decode_group(bytes: &[u8], salt: u64) -> Option<(GroupHeader, &[u8], usize)> {
    if u32_at(bytes, 4)? != GROUP_KIND {
        return None;
    }
    let length = usize::try_from(u64_at(bytes, 8)?).ok()?;
    let end = GROUP_HEADER_BYTES.checked_add(length)?;
    let checked = bytes.get(4..end)?;
    if u32_at(bytes, 0)? != checksum(salt, checked) {
        return None;
    }
    let header = GroupHeader {
        first: u64_at(bytes, 16)?,
        last: u64_at(bytes, 24)?,
        durable: u64_at(bytes, 32)?,
    };
    let highest = header.last.max(header.durable);
    if header.first == 0 || header.last < header.first || highest > LSN_MAX {
        return None;
    }
    Some((header, &bytes[GROUP_HEADER_BYTES..end], group_bytes(length)))
}

/// Appends a batch to those of a group: what `fill` appends. Returns its length. On an error
/// nothing is appended.
pub fn push_batch<E>(
    payload: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<usize, E> {
    let start = payload.len();
    payload.extend_from_slice(&[0; 8]);
    if let Err(error) = fill(payload) {
        payload.truncate(start);
        return Err(error);
    }
    let length = payload.len() - start - 8;
    payload[start..start + 8].copy_from_slice(&(length as u64).to_le_bytes());
    Ok(length)
}

/// The batches of a group, one after the other. `None`: there is something else.
pub fn batches(mut payload: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    while !payload.is_empty() {
        let length = usize::try_from(u64_at(payload, 0)?).ok()?;
        let batch = payload.get(8..length.checked_add(8)?)?;
        found.push(batch);
        payload = &payload[8 + length..];
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: Identity = Identity { data_set: [b'a'; 40], shard: 3 };

    #[test]
    fn a_header_is_these_bytes_and_no_others() {
        let header = SegmentHeader { identity: IDENTITY, generation: 5, bytes: 1 << 20, salt: 9 };
        let block = header.encode();
        let mut golden = b"basaltlg\x02\0\0\0\x03\0\0\0".to_vec();
        golden.extend([b'a'; 40]);
        golden.extend(b"\x05\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\x09\0\0\0\0\0\0\0\x51\xfc\xb7\xaa");
        assert_eq!(block[..84], golden[..], "{:02x?}", &block[80..84]);
        assert_eq!(block.len(), BLOCK_BYTES);
        assert_eq!(SegmentHeader::decode(&block), Ok(header));
        for at in 0..84 {
            let mut damaged = block.clone();
            damaged[at] ^= 0x40;
            assert!(SegmentHeader::decode(&damaged).is_err(), "byte {at}");
        }
        assert!(SegmentHeader::decode(&block[..78]).is_err());
        assert!(SegmentHeader::decode(b"").is_err());
    }

    fn push(payload: &mut Vec<u8>, batch: &[u8]) {
        let fill = |payload: &mut Vec<u8>| {
            payload.extend_from_slice(batch);
            Ok::<_, ()>(())
        };
        assert_eq!(push_batch(payload, fill), Ok(batch.len()));
    }

    fn group(salt: u64) -> Vec<u8> {
        let mut payload = Vec::new();
        push(&mut payload, b"first");
        push(&mut payload, b"");
        let refused = |payload: &mut Vec<u8>| {
            payload.extend_from_slice(b"refused");
            Err(())
        };
        assert_eq!(push_batch(&mut payload, refused), Err(()));
        let header = GroupHeader { first: 7, last: 8, durable: 6 };
        let mut bytes = encode_group_header(&header, salt, &payload).to_vec();
        bytes.extend(&payload);
        bytes.resize(group_bytes(payload.len()), 0);
        bytes
    }

    #[test]
    fn a_group_is_these_bytes_and_no_others() {
        let bytes = group(5);
        let golden =
            b"1prg\x15\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0\
            \x05\0\0\0\0\0\0\0first\0\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(bytes[4..], golden[..]);
        let (header, payload, length) = decode_group(&bytes, 5).unwrap();
        assert_eq!(header, GroupHeader { first: 7, last: 8, durable: 6 });
        assert_eq!(batches(payload).unwrap(), [&b"first"[..], b""]);
        assert_eq!(length, bytes.len());
    }

    #[test]
    fn a_damaged_group_and_one_of_another_segment_are_none() {
        let bytes = group(5);
        assert!(decode_group(&bytes, 4).is_none());
        for at in 0..GROUP_HEADER_BYTES + 21 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(decode_group(&damaged, 5).is_none(), "byte {at}");
        }
        for length in 0..GROUP_HEADER_BYTES + 21 {
            assert!(decode_group(&bytes[..length], 5).is_none(), "{length} bytes");
        }
        assert!(batches(b"\xff\xff\xff\xff\xff\xff\xff\xffx").is_none());
        assert!(batches(b"\x05\0\0\0\0\0\0\0four").is_none());
    }
}
