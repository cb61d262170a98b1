//! Payloads of DUMP: one value, the version of the format, and a checksum over both.

use crc::{CRC_64_REDIS, Crc, Table};

use super::decode::{self, Format, Type};
use super::encode::Encoded;
use super::error::{Damage, Failure};
use super::input::Input;
use super::item::Sink;

/// The version (2 bytes) and the checksum (8 bytes) behind the value.
const VERSION_BYTES: usize = 2;
const CHECKSUM_BYTES: usize = 8;

/// Redis 8.10's version of the format, and Valkey 9's. What is between is neither's.
const REDIS_VERSION_MAX: u16 = 15;
const VALKEY_VERSION: u16 = 80;

const CHECKSUM: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_REDIS);

/// Why a payload cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DumpError {
    /// It is too short, of an unknown version, or its checksum is wrong.
    VersionOrChecksum,
    /// It holds no value of a known type.
    Value(Damage),
}

/// A payload whose version and checksum are right.
#[derive(Clone, Copy, Debug)]
pub struct Dump<'a> {
    kind: Type,
    tag: u8,
    format: Format,
    body: &'a [u8],
}

/// Looks at what stands around the value.
pub fn open(payload: &[u8]) -> Result<Dump<'_>, DumpError> {
    let wrong = DumpError::VersionOrChecksum;
    let (summed, checksum) = payload.split_last_chunk::<CHECKSUM_BYTES>().ok_or(wrong)?;
    let (value, version) = summed.split_last_chunk::<VERSION_BYTES>().ok_or(wrong)?;
    let format = match u16::from_le_bytes(*version) {
        0..=REDIS_VERSION_MAX => Format::Redis,
        VALKEY_VERSION => Format::Valkey,
        _ => return Err(wrong),
    };
    if CHECKSUM.checksum(summed) != u64::from_le_bytes(*checksum) {
        return Err(wrong);
    }
    let nothing = DumpError::Value(Damage("a payload without a value"));
    let (&tag, body) = value.split_first().ok_or(nothing)?;
    let kind = Type::of(tag, format).map_err(DumpError::Value)?;
    Ok(Dump { kind, tag, format, body })
}

impl Dump<'_> {
    /// What type of value it holds.
    pub fn kind(&self) -> Type {
        self.kind
    }

    /// Hands the items of the value to `sink`. No string of it may be longer than
    /// `string_bytes_max`, and nothing may stand behind it.
    pub fn read<K: Sink>(
        &self,
        string_bytes_max: usize,
        sink: &mut K,
    ) -> Result<(), Failure<K::Error>> {
        let mut input = Input::new(self.body, string_bytes_max);
        decode::decode((self.tag, self.format), &mut input, sink)?;
        if input.left() > 0 {
            return Err(Damage("something behind the value").into());
        }
        Ok(())
    }
}

impl Encoded {
    /// The payload of DUMP that holds this value.
    pub fn into_payload(self) -> Vec<u8> {
        seal(self.bytes, self.version)
    }
}

/// Puts version and checksum behind a value: the type byte and what follows it.
pub fn seal(mut payload: Vec<u8>, version: u16) -> Vec<u8> {
    payload.extend_from_slice(&version.to_le_bytes());
    let checksum = CHECKSUM.checksum(&payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    payload
}
