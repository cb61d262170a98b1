//! Reading what everything in the format is made of: bytes, lengths and strings.

use super::error::{CUT_OFF, Damage, Failure};
use super::item::Sink;
use super::lzf;
use crate::number;

/// Where bytes come from. A payload is one; a file through a buffer can be.
pub trait Source {
    /// How many more there are at most. Nothing that announces more is believed.
    fn left(&self) -> u64;

    /// The next `len` bytes, lent until more are asked for. Room for them must grow with the bytes
    /// that come, whatever `len` is.
    fn take(&mut self, len: usize) -> Result<&[u8], Damage>;
}

impl Source for &[u8] {
    fn left(&self) -> u64 {
        self.len() as u64
    }

    fn take(&mut self, len: usize) -> Result<&[u8], Damage> {
        let (taken, rest) = self.split_at_checked(len).ok_or(CUT_OFF)?;
        *self = rest;
        Ok(taken)
    }
}

/// A number that stands before something.
enum Length {
    /// How many.
    Plain(u64),
    /// A string is encoded in this way.
    Special(u8),
}

/// What the first bytes of a string say.
enum Header {
    Plain(usize),
    Integer(i64),
    Compressed { bytes: usize, len: usize },
}

/// Reads from a [`Source`].
pub struct Input<S> {
    source: S,
    string_bytes_max: usize,
}

impl<S: Source> Input<S> {
    /// A reader that takes no longer string, unpacked, than `string_bytes_max`.
    pub fn new(source: S, string_bytes_max: usize) -> Self {
        Self { source, string_bytes_max }
    }

    /// How many more bytes there are at most.
    pub fn left(&self) -> u64 {
        self.source.left()
    }

    /// Reads as many bytes as `out` has.
    pub(super) fn fill(&mut self, out: &mut [u8]) -> Result<(), Damage> {
        out.copy_from_slice(self.source.take(out.len())?);
        Ok(())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let mut array = [0; N];
        self.fill(&mut array)?;
        Ok(array)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damage> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u64_le(&mut self) -> Result<u64, Damage> {
        self.array().map(u64::from_le_bytes)
    }

    fn length_or_special(&mut self) -> Result<Length, Damage> {
        let first = self.byte()?;
        let low = first & 0x3f;
        Ok(match first >> 6 {
            0 => Length::Plain(u64::from(low)),
            1 => Length::Plain(u64::from(low) << 8 | u64::from(self.byte()?)),
            2 => Length::Plain(match low {
                0 => u64::from(u32::from_be_bytes(self.array()?)),
                1 => u64::from_be_bytes(self.array()?),
                _ => return Err(Damage("a length of unknown form")),
            }),
            _ => Length::Special(low),
        })
    }

    /// A number in the form of a length.
    pub(super) fn length(&mut self) -> Result<u64, Damage> {
        match self.length_or_special()? {
            Length::Plain(length) => Ok(length),
            Length::Special(_) => Err(Damage("an encoded string where a number belongs")),
        }
    }

    /// How many things follow, of which each takes `bytes_min` bytes or more.
    pub(super) fn count(&mut self, bytes_min: u64) -> Result<usize, Damage> {
        let count = self.length()?;
        let fits = count.checked_mul(bytes_min).is_some_and(|bytes| bytes <= self.left());
        if fits { usize::try_from(count).map_err(|_| CUT_OFF) } else { Err(CUT_OFF) }
    }

    fn string_bytes(&mut self) -> Result<usize, Damage> {
        let length = self.length()?;
        self.fitting(length)
    }

    fn fitting(&self, length: u64) -> Result<usize, Damage> {
        let length = usize::try_from(length).ok().filter(|length| *length <= self.string_bytes_max);
        length.ok_or(Damage("a string longer than any may be"))
    }

    fn string_header(&mut self) -> Result<Header, Damage> {
        let special = match self.length_or_special()? {
            Length::Plain(length) => return Ok(Header::Plain(self.fitting(length)?)),
            Length::Special(special) => special,
        };
        Ok(match special {
            0 => Header::Integer(i64::from(i8::from_le_bytes(self.array()?))),
            1 => Header::Integer(i64::from(i16::from_le_bytes(self.array()?))),
            2 => Header::Integer(i64::from(i32::from_le_bytes(self.array()?))),
            3 => {
                let bytes = self.string_bytes()?;
                let len = self.string_bytes()?;
                if bytes as u64 > self.left() {
                    return Err(CUT_OFF);
                }
                if len > lzf::unpacked_bytes_max(bytes) {
                    return Err(Damage("a string that cannot be packed so densely"));
                }
                Header::Compressed { bytes, len }
            }
            _ => return Err(Damage("a string of unknown encoding")),
        })
    }

    /// The next string: lent from the source, or made in `scratch`.
    pub(super) fn string<'b, K: Sink>(
        &'b mut self,
        scratch: &'b mut Vec<u8>,
        sink: &mut K,
    ) -> Result<&'b [u8], Failure<K::Error>> {
        match self.string_header()? {
            Header::Plain(len) => Ok(self.source.take(len)?),
            packed => {
                self.unpack(&packed, scratch, sink)?;
                Ok(scratch)
            }
        }
    }

    /// The next string, copied to `out`, so that another one can be read beside it.
    pub(super) fn string_into<K: Sink>(
        &mut self,
        out: &mut Vec<u8>,
        sink: &mut K,
    ) -> Result<(), Failure<K::Error>> {
        let header = self.string_header()?;
        self.unpack(&header, out, sink)
    }

    fn unpack<K: Sink>(
        &mut self,
        header: &Header,
        out: &mut Vec<u8>,
        sink: &mut K,
    ) -> Result<(), Failure<K::Error>> {
        out.clear();
        match *header {
            Header::Plain(len) => out.extend_from_slice(self.source.take(len)?),
            Header::Integer(value) => out.extend_from_slice(number::format_i64(value).as_bytes()),
            Header::Compressed { bytes, len } => {
                sink.expect(len as u64).map_err(Failure::Sink)?;
                lzf::decompress(self.source.take(bytes)?, len, out)?;
            }
        }
        Ok(())
    }
}
