//! Small sets, inline in the head record. Format version 1; version 2 is in `integers`.
//!
//! ```text
//! byte 0   format version
//! then for every member, in the order in which they came:
//!          bytes (varint) | member …                               see `types::packed`
//! ```
//!
//! Pure bytes and values; limits and counting are the business of `form` and `store`. Decoding
//! never trusts the bytes: anything unexpected is [`EngineError::Corrupted`].

use std::borrow::Cow;

use bytes::Bytes;

use super::integers::{self, Integers};
use crate::engine::EngineError;
use crate::number;
use crate::types::packed::{self, Buffer};

const FORMAT: u8 = 1;

/// Members in their packed form.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    buffer: Buffer,
}

/// A small set in its encoding.
#[derive(Clone, Debug)]
pub(super) enum SmallSet {
    Integers(Integers),
    Packed(Packed),
}

fn corrupted(what: &str) -> EngineError {
    EngineError::Corrupted(format!("small set: {what}"))
}

/// What looking for a member of a packed set found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Search {
    pub(super) is_member: bool,
    /// Members that there are.
    pub(super) count: u64,
}

impl Packed {
    /// A set without members, which must get one before it is stored.
    pub(super) fn new() -> Self {
        Self { buffer: Buffer::Shared(Bytes::from_static(&[FORMAT])) }
    }

    /// Length of the encoding.
    pub(super) fn len_bytes(&self) -> usize {
        self.buffer.bytes().len()
    }

    /// The members in order. After an error there are no more.
    fn members(&self) -> Members<'_> {
        Members { bytes: self.buffer.bytes(), at: 1 }
    }

    /// Looks for a member. Passes all.
    pub(super) fn search(&self, wanted: &[u8]) -> Result<Search, EngineError> {
        let mut search = Search { is_member: false, count: 0 };
        for member in self.members() {
            search.count += 1;
            search.is_member |= member? == wanted;
        }
        Ok(search)
    }

    /// Adds a member that is not there.
    pub(super) fn push(&mut self, member: &[u8]) {
        packed::push(self.buffer.bytes_mut(), member);
    }

    fn remove(&mut self, member: &[u8]) -> Result<bool, EngineError> {
        let mut members = self.members();
        loop {
            let start = members.at;
            match members.next().transpose()? {
                Some(found) if found == member => {
                    let end = members.at;
                    self.buffer.bytes_mut().drain(start..end);
                    return Ok(true);
                }
                Some(_) => {}
                None => return Ok(false),
            }
        }
    }
}

impl SmallSet {
    /// Takes over the body of a record. Its members are looked at when they are needed.
    pub(super) fn decode(body: Bytes) -> Result<Self, EngineError> {
        match body.first() {
            Some(&FORMAT) if body.len() > 1 => {
                Ok(SmallSet::Packed(Packed { buffer: Buffer::Shared(body) }))
            }
            Some(&FORMAT) => Err(corrupted("no members")),
            Some(&integers::FORMAT) => Ok(SmallSet::Integers(Integers::decode(body)?)),
            _ => Err(corrupted("unknown format version")),
        }
    }

    /// The body of a record.
    pub(super) fn encode(self) -> Bytes {
        match self {
            SmallSet::Integers(set) => set.encode(),
            SmallSet::Packed(set) => set.buffer.into_bytes(),
        }
    }

    /// Length of the encoding.
    pub(super) fn len_bytes(&self) -> usize {
        match self {
            SmallSet::Integers(set) => set.len_bytes(),
            SmallSet::Packed(set) => set.len_bytes(),
        }
    }

    /// Whether there are no members.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            SmallSet::Integers(set) => set.len() == 0,
            SmallSet::Packed(set) => set.len_bytes() <= 1,
        }
    }

    /// Number of members.
    pub(super) fn count(&self) -> Result<u64, EngineError> {
        match self {
            SmallSet::Integers(set) => Ok(set.len() as u64),
            SmallSet::Packed(set) => {
                let mut count = 0;
                for member in set.members() {
                    member?;
                    count += 1;
                }
                Ok(count)
            }
        }
    }

    /// All members: integers in their order, others in the order in which they came.
    pub(super) fn members(&self) -> Result<Vec<Cow<'_, [u8]>>, EngineError> {
        match self {
            SmallSet::Integers(set) => {
                let text = |value| Cow::Owned(number::format_i64(value).as_bytes().to_vec());
                Ok(set.iter().map(text).collect())
            }
            SmallSet::Packed(set) => set.members().map(|it| it.map(Cow::Borrowed)).collect(),
        }
    }

    /// The member at an index below the number of them, in the order of [`SmallSet::members`].
    pub(super) fn nth(&self, index: usize) -> Result<Bytes, EngineError> {
        let member = match self {
            SmallSet::Integers(set) if index < set.len() => {
                Some(Bytes::copy_from_slice(number::format_i64(set.at(index)).as_bytes()))
            }
            SmallSet::Integers(_) => None,
            SmallSet::Packed(set) => {
                let member = set.members().nth(index).transpose()?;
                member.map(|member| set.buffer.part(member))
            }
        };
        member.ok_or_else(|| corrupted("fewer members than it has"))
    }

    /// Whether something is a member.
    pub(super) fn contains(&self, member: &[u8]) -> Result<bool, EngineError> {
        match self {
            SmallSet::Integers(set) => {
                Ok(number::parse_i64(member).is_some_and(|value| set.contains(value)))
            }
            SmallSet::Packed(set) => {
                for found in set.members() {
                    if found? == member {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    /// Removes a member; whether it was there.
    pub(super) fn remove(&mut self, member: &[u8]) -> Result<bool, EngineError> {
        match self {
            SmallSet::Integers(set) => {
                Ok(number::parse_i64(member).is_some_and(|value| set.remove(value)))
            }
            SmallSet::Packed(set) => set.remove(member),
        }
    }

    /// Keeps the members for which `keeps` says so; it is asked about each in order.
    pub(super) fn retain(
        &mut self,
        mut keeps: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), EngineError> {
        match self {
            SmallSet::Integers(set) => {
                let kept: Vec<i64> = set
                    .iter()
                    .filter(|value| keeps(number::format_i64(*value).as_bytes()))
                    .collect();
                *set = Integers::of(&kept);
            }
            SmallSet::Packed(set) => {
                let mut kept = Packed::new();
                for member in set.members() {
                    let member = member?;
                    if keeps(member) {
                        kept.push(member);
                    }
                }
                *set = kept;
            }
        }
        Ok(())
    }
}

/// Iterator over the members of a packed set.
struct Members<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<&'a [u8], EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        match packed::split(rest) {
            Some((member, rest)) => {
                self.at = self.bytes.len() - rest.len();
                Some(Ok(member))
            }
            None => {
                self.at = self.bytes.len();
                Some(Err(corrupted("a member is cut off")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(members: &[&str]) -> Packed {
        let mut set = Packed::new();
        for member in members {
            set.push(member.as_bytes());
        }
        set
    }

    fn listing(set: &SmallSet) -> String {
        let members = set.members().unwrap();
        let shown: Vec<String> = members.iter().map(|it| it.escape_ascii().to_string()).collect();
        shown.join(" ")
    }

    #[test]
    fn members_keep_their_bytes() {
        let golden = b"\x01\x01a\x00\x0212";
        let made = SmallSet::Packed(packed(&["a", "", "12"]));
        assert_eq!(&made.encode()[..], golden);
        let read = SmallSet::decode(Bytes::from_static(golden)).unwrap();
        assert_eq!(listing(&read), "a  12");
        assert_eq!(&read.encode()[..], golden);
        let long = "x".repeat(200);
        let made = SmallSet::Packed(packed(&[&long])).encode();
        assert_eq!(&made[..4], b"\x01\xc8\x01x");
    }

    #[test]
    fn members_are_found_and_removed_in_place() {
        let stored = SmallSet::Packed(packed(&["a", "bb", "c"])).encode();
        let set = packed(&["a", "bb", "c"]);
        assert_eq!(set.search(b"bb"), Ok(Search { is_member: true, count: 3 }));
        assert_eq!(set.search(b"b"), Ok(Search { is_member: false, count: 3 }));
        for mut set in [SmallSet::decode(stored.clone()).unwrap(), SmallSet::Packed(set)] {
            assert_eq!((set.contains(b"c"), set.contains(b"")), (Ok(true), Ok(false)));
            assert_eq!((set.remove(b"bb"), set.remove(b"bb")), (Ok(true), Ok(false)));
            assert_eq!((listing(&set).as_str(), set.count()), ("a c", Ok(2)));
            set.retain(|member| member == b"c").unwrap();
            assert_eq!(listing(&set), "c");
            assert!(!set.is_empty() && set.remove(b"c").unwrap() && set.is_empty());
        }
        let mut integers = SmallSet::Integers(Integers::of(&[-5, 7, 1 << 40]));
        assert_eq!((integers.contains(b"7"), integers.contains(b"07")), (Ok(true), Ok(false)));
        integers.retain(|member| member != b"7").unwrap();
        assert_eq!(listing(&integers), "-5 1099511627776");
        assert_eq!((integers.remove(b"x"), integers.remove(b"-5")), (Ok(false), Ok(true)));
    }

    #[test]
    fn damaged_bytes_are_refused() {
        for bytes in [&b""[..], b"\x01", b"\x03\x01a", b"\x00", b"\x02\x02"] {
            assert!(SmallSet::decode(Bytes::copy_from_slice(bytes)).is_err(), "{bytes:x?}");
        }
        let whole = SmallSet::Packed(packed(&["member"])).encode();
        for cut in 2..whole.len() {
            let mut damaged = SmallSet::decode(whole.slice(..cut)).unwrap();
            assert!(damaged.count().is_err() && damaged.members().is_err(), "cut at {cut}");
            assert!(damaged.contains(b"x").is_err() && damaged.remove(b"x").is_err());
            assert!(damaged.retain(|_| true).is_err());
        }
    }
}
