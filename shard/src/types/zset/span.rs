//! Which ranks a range of a sorted set is.
//!
//! By score it is two looks into the order. By member it is the same where all scores are equal,
//! which is what such ranges are for. Where they are not, small sets answer as Redis's do, which
//! look from the beginning (or the end) for the first member that is not before the range; in large
//! ones the place is halved down to, as Redis's depends on chance.

use std::ops::Range;

use super::bounds::{Bounds, MemberBound, MemberRange, ScoreRange};
use super::score;
use super::small::Small;
use super::store::{Form, SortedSet};
use crate::error::CommandError;
use crate::tree::{Damaged, Side};
use crate::view::View;

/// How much of a range is wanted: so many are left out at its beginning, and then so many taken.
/// Where it begins is a matter of the direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) skip: u64,
    pub(super) take: u64,
}

impl Part {
    /// All of it.
    pub(super) const ALL: Part = Part { skip: 0, take: u64::MAX };

    fn of(self, ranks: Range<u64>, toward: Side) -> Range<u64> {
        match toward {
            Side::Back => {
                let start = ranks.start.saturating_add(self.skip).min(ranks.end);
                start..start.saturating_add(self.take).min(ranks.end)
            }
            Side::Front => {
                let end = ranks.end.saturating_sub(self.skip).max(ranks.start);
                end.saturating_sub(self.take).max(ranks.start)..end
            }
        }
    }
}

impl SortedSet {
    /// The ranks of a part of a range, which is gone through in a direction.
    pub(super) fn span(
        &self,
        view: &mut View<'_>,
        bounds: &Bounds<'_>,
        toward: Side,
        part: Part,
    ) -> Result<Range<u64>, CommandError> {
        let ranks = match bounds {
            Bounds::Ranks(start, stop) => {
                let len = self.len(view)?;
                let ranks = of_indices(*start, *stop, len);
                match toward {
                    Side::Back => ranks,
                    Side::Front => len - ranks.end..len - ranks.start,
                }
            }
            Bounds::Scores(range) => {
                let start = self.rank_of(view, &range.from)?;
                start..self.rank_of(view, &range.to)?.max(start)
            }
            Bounds::Members(range) if range.is_void() => 0..0,
            Bounds::Members(range) => match &self.form {
                Form::Small(small) => {
                    let ranks = of_members(small, range, toward, part.skip)?;
                    return Ok(Part { skip: 0, ..part }.of(ranks, toward));
                }
                Form::Large(_, tree) => self.span_of_members(view, range, tree.len())?,
            },
        };
        Ok(part.of(ranks, toward))
    }

    /// The same of all of a range, from its beginning.
    pub(super) fn whole_span(
        &self,
        view: &mut View<'_>,
        bounds: &Bounds<'_>,
    ) -> Result<Range<u64>, CommandError> {
        self.span(view, bounds, Side::Back, Part::ALL)
    }

    /// The ranks of scores from `min` on and before `max`.
    pub fn ranks_of_scores(
        &self,
        view: &mut View<'_>,
        (min, max): (f64, f64),
    ) -> Result<Range<u64>, CommandError> {
        let range = ScoreRange::between((min, false), (max, false));
        self.whole_span(view, &Bounds::Scores(range))
    }

    /// The ranks of members in a large set.
    fn span_of_members(
        &self,
        view: &mut View<'_>,
        range: &MemberRange<'_>,
        len: u64,
    ) -> Result<Range<u64>, CommandError> {
        if len == 0 {
            return Ok(0..0);
        }
        let (least, _) = self.at(view, 0)?;
        let (greatest, _) = self.at(view, len - 1)?;
        let (start, end) = if score::ordinal(least) == score::ordinal(greatest) {
            (self.place(view, least, range.min, true)?, self.place(view, least, range.max, false)?)
        } else {
            let start = self.halve(view, len, |member| !range.has_begun(member))?;
            (start, self.halve(view, len, |member| range.goes_on(member))?)
        };
        Ok(start..end.max(start))
    }

    /// Number of members before a bound, where all have this score. An excluded member stands
    /// before where a range begins, and not before where one ends.
    fn place(
        &self,
        view: &mut View<'_>,
        common: f64,
        bound: MemberBound<'_>,
        is_begin: bool,
    ) -> Result<u64, CommandError> {
        let (member, is_behind) = match bound {
            MemberBound::Least => (&b""[..], false),
            MemberBound::Included(member) => (member, !is_begin),
            MemberBound::Excluded(member) => (member, is_begin),
            MemberBound::Greatest => return self.len(view),
        };
        let mut key = score::entry(common, member);
        if is_behind {
            // The next member that there can be.
            key.push(0);
        }
        self.rank_of(view, &key)
    }

    /// Number of members up to the last of which `is_before` holds, if it holds of all before it.
    fn halve(
        &self,
        view: &mut View<'_>,
        len: u64,
        is_before: impl Fn(&[u8]) -> bool,
    ) -> Result<u64, CommandError> {
        let (mut low, mut high) = (0, len);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before(&self.at(view, middle)?.1) { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }
}

/// The ranks from one index to another, both included; negative ones count from the end.
fn of_indices(start: i64, stop: i64, len: u64) -> Range<u64> {
    let from_front = |index: i64| match u64::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => len.checked_sub(index.unsigned_abs()),
    };
    let start = from_front(start).unwrap_or(0);
    let end = from_front(stop).map_or(0, |stop| stop.saturating_add(1).min(len));
    if start < end { start..end } else { 0..0 }
}

/// The ranks of members in a small set, after so many are skipped.
fn of_members(
    small: &Small,
    range: &MemberRange<'_>,
    toward: Side,
    skip: u64,
) -> Result<Range<u64>, Damaged> {
    let members: Vec<&[u8]> =
        small.members().map(|found| Ok(found?.member)).collect::<Result<_, Damaged>>()?;
    let (Some(first), Some(last)) = (members.first(), members.last()) else { return Ok(0..0) };
    if !range.has_begun(last) || !range.goes_on(first) {
        return Ok(0..0);
    }
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let ranks = match toward {
        Side::Back => {
            let start = members.iter().position(|member| range.has_begun(member));
            let start = start.filter(|start| range.goes_on(members[*start]));
            let start = start.map_or(members.len(), |start| start.saturating_add(skip));
            let rest = members.get(start..).unwrap_or_default();
            let count = rest.iter().take_while(|member| range.goes_on(member)).count();
            start..start.saturating_add(count)
        }
        Side::Front => {
            let end = members.iter().rposition(|member| range.goes_on(member));
            let end = end.filter(|end| range.has_begun(members[*end]));
            let end = end.map_or(0, |end| (end + 1).saturating_sub(skip));
            let rest = members.get(..end).unwrap_or_default();
            let count = rest.iter().rev().take_while(|member| range.has_begun(member)).count();
            end - count..end
        }
    };
    Ok(ranks.start as u64..ranks.end as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_count_from_either_end() {
        for (start, stop, ranks) in [
            (0, -1, 0..5),
            (0, 99, 0..5),
            (1, 3, 1..4),
            (-2, -1, 3..5),
            (-99, 1, 0..2),
            (3, 2, 0..0),
            (5, 9, 0..0),
            (0, -6, 0..0),
            (i64::MIN, i64::MAX, 0..5),
        ] {
            assert_eq!(of_indices(start, stop, 5), ranks, "{start} {stop}");
        }
        assert_eq!(of_indices(0, -1, 0), 0..0);
    }

    #[test]
    fn a_part_begins_where_the_direction_says() {
        let part = Part { skip: 1, take: 2 };
        assert_eq!((part.of(2..9, Side::Back), part.of(2..9, Side::Front)), (3..5, 6..8));
        let part = Part { skip: 9, take: 2 };
        assert!(part.of(2..9, Side::Back).is_empty() && part.of(2..9, Side::Front).is_empty());
        assert_eq!(Part::ALL.of(2..9, Side::Front), 2..9);
    }
}
