//! One write: the request that carries it and the bytes it leaves. Both follow from the run, the
//! writer and the write's number alone, so that the file need not hold them.

use std::fmt;

use crate::command::Command;
use crate::family::Family;
use crate::rng::Rng;

/// Whether a ledger can tell what a command leaves.
pub(crate) fn can_record(command: Command) -> bool {
    use Command::{Append, Del, Expire, Hdel, Hset, Incr, Persist, Set};
    matches!(command, Set | Append | Del | Incr | Hset | Hdel | Expire | Persist)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) family: Family,
    /// The key's number within its family.
    pub(crate) key: u64,
    pub(crate) change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Set {
        size: u32,
        volatile: bool,
    },
    Append {
        size: u32,
    },
    Delete,
    Increment,
    /// Fields in a row, by one HSET.
    SetFields {
        first: u16,
        count: u16,
        size: u32,
    },
    DeleteField {
        field: u16,
    },
    Expire,
    Persist,
}

/// Which write it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) run: u64,
    pub(crate) writer: u32,
    pub(crate) number: u32,
}

/// 2100-01-01: no key expires while anybody looks.
const FIRST_DEADLINE_MS: u64 = 4_102_444_800_000;

impl Stamp {
    /// A value as it is to be found: `<writer>.<number>.`, with the field if it is one's, and
    /// letters that only this write has, `size` bytes of it all unless that is too few.
    pub(crate) fn value(self, field: Option<u16>, size: u32) -> Vec<u8> {
        let Stamp { run, writer, number } = self;
        let mut value = format!("{writer}.{number}.").into_bytes();
        if let Some(field) = field {
            value.extend_from_slice(format!("{}.", FieldName(field)).as_bytes());
        }
        let stream = u64::from(writer) << 48 | u64::from(field.unwrap_or(u16::MAX)) << 32;
        let mut rng = Rng::for_stream(run, stream | u64::from(number));
        while value.len() < size as usize {
            const LETTERS: &[u8; 64] =
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let bits = rng.next_u64();
            let left = (size as usize - value.len()).min(10);
            value.extend((0..left).map(|at| LETTERS[(bits >> (at * 6)) as usize & 63]));
        }
        value
    }

    /// In Unix milliseconds, another one for every write of a writer.
    pub(crate) fn deadline_ms(self) -> u64 {
        FIRST_DEADLINE_MS + u64::from(self.number)
    }
}

/// As in the other workloads.
pub(crate) struct FieldName(pub(crate) u16);

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "f{:04}", self.0)
    }
}

pub(crate) fn key_name(prefix: &str, family: Family, key: u64) -> String {
    format!("{prefix}{}{key:012}", family.name())
}

impl Write {
    pub(crate) fn append_request(&self, prefix: &str, stamp: Stamp, out: &mut Vec<u8>) {
        let key = key_name(prefix, self.family, self.key).into_bytes();
        let deadline = || stamp.deadline_ms().to_string().into_bytes();
        let arguments: Vec<Vec<u8>> = match self.change {
            Change::Set { size, volatile } => {
                let mut set = vec![b"SET".to_vec(), key, stamp.value(None, size)];
                if volatile {
                    set.extend([b"PXAT".to_vec(), deadline()]);
                }
                set
            }
            Change::Append { size } => {
                vec![b"APPEND".to_vec(), key, stamp.value(None, size)]
            }
            Change::Delete => vec![b"DEL".to_vec(), key],
            Change::Increment => vec![b"INCR".to_vec(), key],
            Change::SetFields { first, count, size } => {
                let mut set = vec![b"HSET".to_vec(), key];
                for field in first..first + count {
                    let name = FieldName(field).to_string().into_bytes();
                    set.extend([name, stamp.value(Some(field), size)]);
                }
                set
            }
            Change::DeleteField { field } => {
                vec![b"HDEL".to_vec(), key, FieldName(field).to_string().into_bytes()]
            }
            Change::Expire => vec![b"PEXPIREAT".to_vec(), key, deadline()],
            Change::Persist => vec![b"PERSIST".to_vec(), key],
        };
        append_request(&arguments, out);
    }
}

/// A request in RESP.
pub(super) fn append_request<A: AsRef<[u8]>>(arguments: &[A], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        let argument = argument.as_ref();
        out.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { run: 9, writer: 3, number: 17 };

    #[test]
    fn values_say_who_wrote_them_and_are_unlike_any_other() {
        let value = STAMP.value(None, 40);
        assert_eq!(value.len(), 40);
        assert!(value.starts_with(b"3.17."), "{value:?}");
        assert!(STAMP.value(Some(4), 40).starts_with(b"3.17.f0004."));
        assert_eq!(STAMP.value(None, 0), b"3.17.");
        let other = Stamp { run: 10, ..STAMP }.value(None, 40);
        assert_ne!(value, other);
    }

    #[test]
    fn requests_are_framed() {
        let text = |family, change| {
            let mut out = Vec::new();
            Write { family, key: 5, change }.append_request("p:", STAMP, &mut out);
            String::from_utf8(out).expect("text").replace("\r\n", " ")
        };
        let string = |change| text(Family::String, change);
        assert_eq!(
            string(Change::Set { size: 0, volatile: true }),
            "*5 $3 SET $14 p:000000000005 $5 3.17. $4 PXAT $13 4102444800017 "
        );
        assert_eq!(string(Change::Persist), "*2 $7 PERSIST $14 p:000000000005 ");
        assert_eq!(
            text(Family::Hash, Change::SetFields { first: 1, count: 2, size: 0 }),
            "*6 $4 HSET $19 p:hash:000000000005 $5 f0001 $11 3.17.f0001. \
             $5 f0002 $11 3.17.f0002. "
        );
        assert_eq!(
            text(Family::Hash, Change::DeleteField { field: 2 }),
            "*3 $4 HDEL $19 p:hash:000000000005 $5 f0002 "
        );
    }
}
