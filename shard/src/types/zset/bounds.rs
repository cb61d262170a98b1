//! What commands say about ranges: by rank, by score and by member.

use super::score::{self, SCORE_BYTES};
use crate::error::CommandError;
use crate::number;

const NOT_SCORES: &str = "ERR min or max is not a float";
const NOT_MEMBERS: &str = "ERR min or max not valid string range item";

/// A range, as a command says it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bounds<'a> {
    /// From one rank to another, both included; negative ones count from the end.
    Ranks(i64, i64),
    Scores(ScoreRange),
    Members(MemberRange<'a>),
}

/// Which entries have a score in a range: those from `from` on and before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScoreRange {
    pub(super) from: [u8; SCORE_BYTES],
    pub(super) to: [u8; SCORE_BYTES],
}

impl ScoreRange {
    /// Reads `1`, `(1`, `-inf` …
    pub(super) fn parse(min: &[u8], max: &[u8]) -> Result<Self, CommandError> {
        let (min, is_min_out) = score_bound(min).ok_or(NOT_SCORES)?;
        let (max, is_max_out) = score_bound(max).ok_or(NOT_SCORES)?;
        Ok(Self::between((min, is_min_out), (max, !is_max_out)))
    }

    /// From `min` on, or from behind it; to before `max`, or behind it.
    pub(super) fn between(
        (min, is_from_behind): (f64, bool),
        (max, is_to_behind): (f64, bool),
    ) -> Self {
        let place = |score, is_behind| score::ordinal(score) + u64::from(is_behind);
        Self {
            from: place(min, is_from_behind).to_be_bytes(),
            to: place(max, is_to_behind).to_be_bytes(),
        }
    }
}

/// A bound, and whether it is left out itself. As C's `strtod` reads it: up to a NUL, with spaces
/// before it; nothing at all is zero.
fn score_bound(text: &[u8]) -> Option<(f64, bool)> {
    let (text, is_out) = match text {
        [b'(', rest @ ..] => (rest, true),
        _ => (text, false),
    };
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some((0.0, is_out));
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let spaces = text.iter().take_while(|byte| is_space(byte)).count();
    Some((number::parse_f64_saturating(&text[spaces..])?, is_out))
}

/// Members from one to another, if all have the same score.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemberRange<'a> {
    pub(super) min: MemberBound<'a>,
    pub(super) max: MemberBound<'a>,
}

/// Where members begin, or end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemberBound<'a> {
    /// Before all members.
    Least,
    /// At a member.
    Included(&'a [u8]),
    /// The same, without it.
    Excluded(&'a [u8]),
    /// Behind all members.
    Greatest,
}

impl<'a> MemberRange<'a> {
    /// Reads `-`, `+`, `[member` and `(member`.
    pub(super) fn parse(min: &'a [u8], max: &'a [u8]) -> Result<Self, CommandError> {
        let bound = |text| member_bound(text).ok_or(NOT_MEMBERS);
        Ok(Self { min: bound(min)?, max: bound(max)? })
    }

    /// Whether a member is not before the range.
    pub(super) fn has_begun(&self, member: &[u8]) -> bool {
        match self.min {
            MemberBound::Least => true,
            MemberBound::Included(min) => member >= min,
            MemberBound::Excluded(min) => member > min,
            MemberBound::Greatest => false,
        }
    }

    /// Whether a member is not behind the range.
    pub(super) fn goes_on(&self, member: &[u8]) -> bool {
        match self.max {
            MemberBound::Least => false,
            MemberBound::Included(max) => member <= max,
            MemberBound::Excluded(max) => member < max,
            MemberBound::Greatest => true,
        }
    }

    /// Whether no member can be in it, whatever there is.
    pub(super) fn is_void(&self) -> bool {
        use MemberBound::{Excluded, Greatest, Included, Least};
        match (self.min, self.max) {
            (Included(min), Included(max)) => min > max,
            (Included(min) | Excluded(min), Included(max) | Excluded(max)) => min >= max,
            (Greatest, _) | (_, Least) => true,
            (Least, _) | (_, Greatest) => false,
        }
    }
}

fn member_bound(text: &[u8]) -> Option<MemberBound<'_>> {
    match text {
        [b'[', rest @ ..] => Some(MemberBound::Included(rest)),
        [b'(', rest @ ..] => Some(MemberBound::Excluded(rest)),
        [b'-'] | [b'-', 0, ..] => Some(MemberBound::Least),
        [b'+'] | [b'+', 0, ..] => Some(MemberBound::Greatest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_scores_are_read_as_strtod_does() {
        for (text, bound) in [
            (&b"1.5"[..], Some((1.5, false))),
            (b"(1.5", Some((1.5, true))),
            (b"-inf", Some((f64::NEG_INFINITY, false))),
            (b"(+inf", Some((f64::INFINITY, true))),
            (b"1e400", Some((f64::INFINITY, false))),
            (b" 2", Some((2.0, false))),
            (b"", Some((0.0, false))),
            (b"(", Some((0.0, true))),
            (b"3\0x", Some((3.0, false))),
            (b"0x10", Some((16.0, false))),
            (b"x", None),
            (b"nan", None),
            (b"1 ", None),
            (b" ", None),
            (b"((1", None),
        ] {
            assert_eq!(score_bound(text), bound, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn bounds_of_members_are_read_as_redis_does() {
        for (text, bound) in [
            (&b"["[..], Some(MemberBound::Included(b""))),
            (b"[a", Some(MemberBound::Included(b"a"))),
            (b"(a", Some(MemberBound::Excluded(b"a"))),
            (b"-", Some(MemberBound::Least)),
            (b"+\0x", Some(MemberBound::Greatest)),
            (b"+x", None),
            (b"", None),
            (b"a", None),
        ] {
            assert_eq!(member_bound(text), bound, "{}", text.escape_ascii());
        }
    }
}
