//! The deadline that SET, SETEX, PSETEX and GETEX give a key.

use crate::error::{CommandError, text};
use crate::number;

/// What a command says about the deadline; times are still text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Expiry<'a> {
    /// Nothing.
    #[default]
    Unstated,
    /// KEEPTTL.
    Keep,
    /// PERSIST.
    Persist,
    /// EX: in so many seconds.
    InSeconds(&'a [u8]),
    /// PX: in so many milliseconds.
    InMillis(&'a [u8]),
    /// EXAT: at this second.
    AtSecond(&'a [u8]),
    /// PXAT: at this millisecond.
    AtMilli(&'a [u8]),
}

impl Expiry<'_> {
    /// Whether `self` may be stated after `earlier`: only the same option may be repeated.
    pub(super) fn may_follow(&self, earlier: &Expiry<'_>) -> bool {
        *earlier == Expiry::Unstated
            || std::mem::discriminant(self) == std::mem::discriminant(earlier)
    }

    /// The deadline in ms since 1970, `None` when no time is stated. `invalid` is the error for a
    /// time that cannot be one.
    pub(super) fn deadline(
        &self,
        now_ms: u64,
        invalid: &'static str,
    ) -> Result<Option<u64>, CommandError> {
        let (time, unit_ms, start_ms) = match self {
            Expiry::Unstated | Expiry::Keep | Expiry::Persist => return Ok(None),
            Expiry::InSeconds(time) => (time, 1000, now_ms),
            Expiry::InMillis(time) => (time, 1, now_ms),
            Expiry::AtSecond(time) => (time, 1000, 0),
            Expiry::AtMilli(time) => (time, 1, 0),
        };
        let time = number::parse_i64(time).ok_or(text::NOT_AN_INTEGER)?;
        // The limit is that of Redis, whose times are signed.
        u64::try_from(time)
            .ok()
            .filter(|time| *time > 0)
            .and_then(|time| time.checked_mul(unit_ms))
            .and_then(|time| time.checked_add(start_ms))
            .filter(|deadline| i64::try_from(*deadline).is_ok())
            .map(Some)
            .ok_or_else(|| invalid.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_deadlines_or_errors() {
        const INVALID: &str = "ERR invalid";
        let deadline = |expiry: Expiry<'_>| expiry.deadline(5_000, INVALID);
        assert_eq!(deadline(Expiry::Keep), Ok(None));
        assert_eq!(deadline(Expiry::InSeconds(b"2")), Ok(Some(7_000)));
        assert_eq!(deadline(Expiry::InMillis(b"2")), Ok(Some(5_002)));
        assert_eq!(deadline(Expiry::AtSecond(b"2")), Ok(Some(2_000)));
        assert_eq!(deadline(Expiry::AtMilli(b"2")), Ok(Some(2)));
        let last = b"9223372036854775807".as_slice();
        assert_eq!(deadline(Expiry::AtMilli(last)), Ok(Some(i64::MAX as u64)));
        for invalid in [
            Expiry::InSeconds(b"0"),
            Expiry::InSeconds(b"-1"),
            Expiry::InSeconds(b"9223372036854775"),
            Expiry::InSeconds(last),
            Expiry::InMillis(last),
            Expiry::AtSecond(b"9223372036854776"),
            Expiry::AtMilli(b"-9223372036854775808"),
        ] {
            assert_eq!(deadline(invalid), Err(INVALID.into()), "{invalid:?}");
        }
        assert_eq!(deadline(Expiry::InMillis(b"1.5")), Err(text::NOT_AN_INTEGER.into()));
    }
}
