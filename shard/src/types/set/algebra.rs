//! Which members the union, the intersection and the difference of sets have.
//!
//! Either the members of one set are looked for in the others, or all sets are gone through at once
//! ([`Merge`]): whichever costs less. A look into a large set costs as much as going past many of
//! its members.

use std::collections::HashSet;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::merge::{self, Merge};
use super::store::{Form, Set, small_members};
use crate::error::CommandError;
use crate::keyspace::layout::RecordKey;
use crate::number;
use crate::view::View;

/// Members that a walk passes in the time of one look into a large set.
const WALKED_PER_LOOK: u64 = 16;

/// Members of several sets, large ones among them, that are gathered in the order of the sets, as
/// the form of a set that is made of them may depend on it.
const GATHERED_MAX: u64 = 1024;

/// Bytes of members that are looked for in one go.
const PAGE_BYTES: usize = 32 << 10;

type Outcome = Result<(), CommandError>;

fn is_large(set: &Set) -> bool {
    matches!(set.form, Form::Large(_))
}

/// Accounts for going through all of these sets.
fn charge_all(view: &mut View<'_>, sets: &[&Set]) -> Outcome {
    for set in sets {
        if let Form::Large(large) = &set.form {
            set.elements(*large).charge_all(view)?;
        }
    }
    Ok(())
}

/// The members of the large ones among these sets, all together.
fn large_members(sets: &[&Set]) -> u64 {
    let counts = sets.iter().map(|set| match &set.form {
        Form::Large(large) => large.count,
        Form::Small(_) => 0,
    });
    counts.fold(0, u64::saturating_add)
}

/// Whether to go through all sets rather than to look for `count` members in all but the first.
fn is_merge_cheaper(sets: &[&Set], count: u64) -> bool {
    let Some((first, others)) = sets.split_first() else { return false };
    let looks = others.iter().filter(|set| is_large(set)).count() as u64;
    is_large(first)
        && count.saturating_mul(looks).saturating_mul(WALKED_PER_LOOK) > large_members(sets)
}

/// The members that are in any of the sets, each once.
pub(super) fn union(
    view: &mut View<'_>,
    sets: &[&Set],
    mut visit: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> Outcome {
    let mut total = 0u64;
    for set in sets {
        total = total.saturating_add(set.len(view)?);
    }
    if total > GATHERED_MAX && sets.iter().any(|set| is_large(set)) {
        charge_all(view, sets)?;
        let mut merge = Merge::new(view, sets)?;
        while let Some(merged) = merge.next(view)? {
            if visit(&merged.member).is_break() {
                break;
            }
        }
        return Ok(());
    }
    view.charge(total)?;
    let mut seen: HashSet<Bytes> = HashSet::new();
    let mut in_order = Vec::new();
    for set in sets {
        set.for_each(view, |member| {
            if !seen.contains(member) {
                let member = Bytes::copy_from_slice(member);
                seen.insert(member.clone());
                in_order.push(member);
            }
            ControlFlow::Continue(())
        })?;
    }
    // Integers alone come in their order, as from a set of theirs.
    if sets.iter().all(|set| set.is_of_integers()) {
        in_order.sort_by_cached_key(|member| number::parse_i64(member));
    }
    for member in in_order {
        if visit(&member).is_break() {
            break;
        }
    }
    Ok(())
}

/// The members that are in all of the sets, in the order of the smallest one.
pub(super) fn intersection(
    view: &mut View<'_>,
    sets: &[&Set],
    mut visit: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> Outcome {
    let mut sized = Vec::with_capacity(sets.len());
    for set in sets {
        sized.push((set.len(view)?, *set));
    }
    sized.sort_by_key(|(count, _)| *count);
    let smallest = sized.first().map_or(0, |(count, _)| *count);
    let sets: Vec<&Set> = sized.into_iter().map(|(_, set)| set).collect();
    if is_merge_cheaper(&sets, smallest) {
        charge_all(view, &sets)?;
        let mut merge = Merge::new(view, &sets)?;
        while let Some(merged) = merge.next(view)? {
            if merged.times == sets.len() && visit(&merged.member).is_break() {
                break;
            }
        }
        return Ok(());
    }
    let Some((first, others)) = sets.split_first() else { return Ok(()) };
    for_each_looked_for(view, first, others, |view, member| {
        for other in others {
            if !other.contains(view, member)? {
                return Ok(ControlFlow::Continue(()));
            }
        }
        Ok(visit(member))
    })
}

/// How Redis finds a difference, which shows in the form of the set that becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subtraction {
    /// Members of the first set are looked for in the others.
    Looking,
    /// All members of the first set are added, and those of the others are removed.
    Removing,
}

/// Redis's choice for these sets, of which `None` is one that is not there.
pub(super) fn subtraction(
    view: &mut View<'_>,
    sets: &[Option<Set>],
) -> Result<Subtraction, CommandError> {
    let Some(Some(first)) = sets.first() else { return Ok(Subtraction::Looking) };
    let first = first.len(view)?;
    let (mut looking, mut removing) = (0u64, 0u64);
    for set in sets.iter().flatten() {
        looking = looking.saturating_add(first);
        removing = removing.saturating_add(set.len(view)?);
    }
    Ok(if looking / 2 <= removing { Subtraction::Looking } else { Subtraction::Removing })
}

/// The members of the first set; whether each is in none of the others.
pub(super) fn difference(
    view: &mut View<'_>,
    sets: &[&Set],
    mut visit: impl FnMut(&[u8], bool) -> ControlFlow<()>,
) -> Outcome {
    let Some((first, others)) = sets.split_first() else { return Ok(()) };
    let count = first.len(view)?;
    if is_merge_cheaper(sets, count) {
        charge_all(view, sets)?;
        let mut merge = Merge::new(view, sets)?;
        while let Some(merged) = merge.next(view)? {
            if merged.in_first && visit(&merged.member, merged.times == 1).is_break() {
                break;
            }
        }
        return Ok(());
    }
    // The more members a set has, the more likely it has this one.
    let mut sized = Vec::with_capacity(others.len());
    for set in others {
        sized.push((set.len(view)?, *set));
    }
    sized.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let others: Vec<&Set> = sized.into_iter().map(|(_, set)| set).collect();
    for_each_looked_for(view, first, &others, |view, member| {
        for other in &others {
            if other.contains(view, member)? {
                return Ok(visit(member, false));
            }
        }
        Ok(visit(member, true))
    })
}

/// Visits the members of a set, each of which is looked for in other sets.
fn for_each_looked_for(
    view: &mut View<'_>,
    set: &Set,
    others: &[&Set],
    mut visit: impl FnMut(&mut View<'_>, &[u8]) -> Result<ControlFlow<()>, CommandError>,
) -> Outcome {
    let count = set.len(view)?;
    // Not begun on the loop when it cannot be finished there.
    view.charge(count.saturating_mul(others.len() as u64))?;
    let large = match &set.form {
        Form::Small(small) => {
            for member in small_members(view, small)? {
                if visit(view, &member)?.is_break() {
                    break;
                }
            }
            return Ok(());
        }
        Form::Large(large) => *large,
    };
    charge_all(view, &[set])?;
    let mut next = Some(RecordKey::new());
    while let Some(from) = next {
        let (page, behind) = merge::page(view, set.elements(large), &from, PAGE_BYTES)?;
        for (_, member) in page {
            if visit(view, &member)?.is_break() {
                return Ok(());
            }
        }
        next = behind;
    }
    Ok(())
}
