//! A sorted set as its commands see it, whichever of its two forms it has.
//!
//! Owns when a small set becomes large, and keeps the tree of a large one and its records of scores
//! in agreement. Changes are the key's only after [`SortedSet::save`], which every command that
//! changes a set must end with: it writes the head, and with it tells everyone that the key has
//! changed.

use std::ops::{ControlFlow, Range};

use bytes::Bytes;

use super::form;
use super::records::{SCORE, build, corrupted, decode_record, put_score, score_record};
use super::score;
use super::small::Small;
use crate::effects::Event;
use crate::engine::Direction;
use crate::error::{CommandError, CommandResult};
use crate::keyspace::head::{Body, Head, Kind};
use crate::keyspace::layout::RecordKey;
use crate::settings::Settings;
use crate::tree::{Side, Tree};
use crate::types::nodes::ElementNodes;
use crate::view::{Key, View};

/// A small set is read and written as a whole, so there is a limit to it whatever the settings
/// allow: writing this much takes about as long as a command may stay on the loop.
pub(super) const SMALL_BYTES_MAX: usize = 64 << 10;

/// Bytes of a small set that a search passes over in one unit of work. It looks at lengths mostly.
const SEARCHED_BYTES_PER_UNIT: u64 = 1024;

/// Bytes of members that are copied in one unit of work.
const COPIED_BYTES_PER_UNIT: u64 = 64;

/// Members of a large set that are visited in one unit of work, beside their bytes.
const VISITED_PER_UNIT: u64 = 8;

/// Members that are looked at in one go where each is then looked up, or removed, by itself.
pub(super) const PAGE_MEMBERS: u64 = 1024;

/// A sorted set, open for a command.
pub struct SortedSet {
    key: Key,
    pub(super) form: Form,
}

pub(super) enum Form {
    /// Inline in the head.
    Small(Small),
    /// In element records under this version.
    Large(u64, Tree),
}

impl SortedSet {
    /// Opens the sorted set at a key. `None`: there is nothing.
    pub fn open(view: &mut View<'_>, name: &[u8]) -> Result<Option<SortedSet>, CommandError> {
        let set = Self::open_or_create(view, name)?;
        Ok(set.key.exists().then_some(set))
    }

    /// Opens the sorted set at a key; an empty one when there is nothing.
    pub fn open_or_create(view: &mut View<'_>, name: &[u8]) -> Result<SortedSet, CommandError> {
        let key = view.open_kind(name, Kind::SortedSet)?;
        Self::of(key)
    }

    /// The sorted set at a key that is known to hold one, or nothing.
    pub(super) fn of(key: Key) -> Result<SortedSet, CommandError> {
        let form = match key.head.as_ref().map(|head| &head.body) {
            None => Form::Small(Small::new()),
            Some(Body::Inline(bytes)) => Form::Small(Small::decode(bytes.clone())?),
            Some(Body::Large(large, extension)) => {
                Form::Large(large.version, form::open(large, extension)?)
            }
        };
        Ok(SortedSet { key, form })
    }

    /// Whether there was a set when it was opened.
    pub fn existed(&self) -> bool {
        self.key.exists()
    }

    /// Number of members.
    pub fn len(&self, view: &mut View<'_>) -> Result<u64, CommandError> {
        match &self.form {
            Form::Small(small) => {
                view.charge(search_units(small))?;
                Ok(small.count()?)
            }
            Form::Large(_, tree) => Ok(tree.len()),
        }
    }

    /// Whether there are no members. Such a set cannot be kept: saving it deletes the key.
    pub fn is_empty(&self) -> bool {
        match &self.form {
            Form::Small(small) => small.is_empty(),
            Form::Large(_, tree) => tree.is_empty(),
        }
    }

    /// Bytes of all entries, more or less.
    pub(super) fn bytes(&self) -> u64 {
        match &self.form {
            Form::Small(small) => small.len_bytes() as u64,
            Form::Large(_, tree) => tree.entry_bytes(),
        }
    }

    /// The score of a member.
    pub fn score(&self, view: &mut View<'_>, member: &[u8]) -> Result<Option<f64>, CommandError> {
        match &self.form {
            Form::Small(small) => {
                view.charge(search_units(small))?;
                Ok(small.find(member)?.map(|found| found.score))
            }
            Form::Large(version, _) => {
                let record = view.element(&self.key, *version, &score_record(member))?;
                record.map(|record| decode_record(&record)).transpose()
            }
        }
    }

    /// Number of members before a member, and its score.
    pub fn rank(
        &self,
        view: &mut View<'_>,
        member: &[u8],
    ) -> Result<Option<(u64, f64)>, CommandError> {
        match &self.form {
            Form::Small(small) => {
                view.charge(search_units(small))?;
                Ok(small.find(member)?.map(|found| (found.rank, found.score)))
            }
            Form::Large(version, tree) => {
                let Some(score) = self.score(view, member)? else { return Ok(None) };
                let mut nodes = ElementNodes::new(view, &self.key, *version);
                let sought = tree.seek(&mut nodes, &score::entry(score, member))?;
                if !sought.is_found {
                    return Err(corrupted("a member has no entry"));
                }
                Ok(Some((sought.rank, score)))
            }
        }
    }

    /// Number of entries that are less than `key`, the beginning of an entry.
    pub(super) fn rank_of(&self, view: &mut View<'_>, key: &[u8]) -> Result<u64, CommandError> {
        match &self.form {
            Form::Small(small) => {
                view.charge(search_units(small))?;
                Ok(small.rank_of(key)?)
            }
            Form::Large(version, tree) => {
                Ok(tree.seek(&mut ElementNodes::new(view, &self.key, *version), key)?.rank)
            }
        }
    }

    /// The score and the member of a rank, which there is.
    pub(super) fn at(&self, view: &mut View<'_>, rank: u64) -> Result<(f64, Bytes), CommandError> {
        let missing = || corrupted("a member is missing");
        match &self.form {
            Form::Small(small) => {
                view.charge(search_units(small))?;
                let found = small.members().nth(rank as usize).ok_or_else(missing)??;
                Ok((found.score, Bytes::copy_from_slice(found.member)))
            }
            Form::Large(version, tree) => {
                let mut nodes = ElementNodes::new(view, &self.key, *version);
                let entry = tree.get(&mut nodes, rank)?.ok_or_else(missing)?;
                let (score, _) = score::split(&entry)?;
                Ok((score, entry.slice(score::SCORE_BYTES..)))
            }
        }
    }

    /// Accounts for going through so many members. Done first, so that what cannot be finished on
    /// the loop is not begun there.
    pub fn charge_walk(&self, view: &mut View<'_>, count: u64) -> CommandResult {
        view.charge(match &self.form {
            Form::Small(small) => copy_units(small.len_bytes() as u64),
            Form::Large(_, tree) => {
                let average_bytes = tree.entry_bytes() / tree.len().max(1);
                let bytes = average_bytes.saturating_mul(count.min(tree.len()));
                copy_units(bytes).saturating_add(count / VISITED_PER_UNIT)
            }
        })
    }

    /// Visits the members of these ranks with their scores, the first of them first if it goes
    /// `toward` the back, until `visit` breaks.
    pub fn walk(
        &self,
        view: &mut View<'_>,
        ranks: Range<u64>,
        toward: Side,
        mut visit: impl FnMut(&[u8], f64) -> ControlFlow<()>,
    ) -> CommandResult {
        match &self.form {
            Form::Small(small) => {
                view.charge(search_units(small))?;
                let found = small.members().skip(ranks.start as usize);
                let found = found.take(ranks.end.saturating_sub(ranks.start) as usize);
                let mut found = found.collect::<Result<Vec<_>, _>>()?;
                if toward == Side::Front {
                    found.reverse();
                }
                for one in found {
                    if visit(one.member, one.score).is_break() {
                        break;
                    }
                }
                Ok(())
            }
            Form::Large(version, tree) => {
                let mut nodes = ElementNodes::new(view, &self.key, *version);
                let mut result = Ok(());
                tree.range(&mut nodes, ranks, toward, |entry| match score::split(entry) {
                    Ok((score, member)) => visit(member, score),
                    Err(damaged) => {
                        result = Err(damaged.into());
                        ControlFlow::Break(())
                    }
                })?;
                result
            }
        }
    }

    /// The members of these ranks, copied.
    pub(super) fn page(
        &self,
        view: &mut View<'_>,
        ranks: Range<u64>,
    ) -> Result<Vec<(f64, Bytes)>, CommandError> {
        let mut members = Vec::new();
        self.walk(view, ranks, Side::Back, |member, score| {
            members.push((score, Bytes::copy_from_slice(member)));
            ControlFlow::Continue(())
        })?;
        Ok(members)
    }

    /// So many members are about to be added, of which this is the first: the set becomes large if
    /// they are too many for a small one.
    pub(super) fn expect(
        &mut self,
        view: &mut View<'_>,
        first: &[u8],
        count: usize,
    ) -> CommandResult {
        let settings = view.settings();
        let is_long = self.is_empty() && first.len() > settings.zset_max_listpack_value;
        if is_long || count > settings.zset_max_listpack_entries {
            self.enlarge(view)?;
        }
        Ok(())
    }

    /// Adds what is not a member yet.
    pub(super) fn insert(
        &mut self,
        view: &mut View<'_>,
        member: &[u8],
        score: f64,
    ) -> CommandResult {
        let entry = score::entry(score, member);
        if let Form::Small(small) = &mut self.form {
            view.charge(search_units(small))?;
            let bytes = small.len_bytes() + entry.len();
            if fits_small(view.settings(), small.count()? + 1, member.len(), bytes) {
                return Ok(small.insert(&entry)?);
            }
        }
        self.enlarge(view)?;
        let Form::Large(version, tree) = &mut self.form else { return Ok(()) };
        view.charge(copy_units(member.len() as u64))?;
        put_score(view, (&self.key, *version), member, score);
        if !tree.insert(&mut ElementNodes::new(view, &self.key, *version), &entry)? {
            return Err(corrupted("an entry is of no member"));
        }
        Ok(())
    }

    /// Gives a member another score than the one that it has.
    pub(super) fn change(
        &mut self,
        view: &mut View<'_>,
        member: &[u8],
        (old, new): (f64, f64),
    ) -> CommandResult {
        match &mut self.form {
            Form::Small(small) => {
                view.charge(search_units(small))?;
                small.remove(member)?;
                Ok(small.insert(&score::entry(new, member))?)
            }
            Form::Large(version, tree) => {
                view.charge(copy_units(member.len() as u64))?;
                put_score(view, (&self.key, *version), member, new);
                let mut nodes = ElementNodes::new(view, &self.key, *version);
                let was_there = tree.remove(&mut nodes, &score::entry(old, member))?.is_some();
                let is_new = tree.insert(&mut nodes, &score::entry(new, member))?;
                if was_there && is_new {
                    return Ok(());
                }
                Err(corrupted("scores and entries do not agree"))
            }
        }
    }

    /// Removes a member; the score that it had.
    pub fn remove(
        &mut self,
        view: &mut View<'_>,
        member: &[u8],
    ) -> Result<Option<f64>, CommandError> {
        if let Form::Small(small) = &mut self.form {
            view.charge(search_units(small))?;
            return Ok(small.remove(member)?);
        }
        let Some(score) = self.score(view, member)? else { return Ok(None) };
        if let Form::Large(version, tree) = &mut self.form {
            view.remove_element(&self.key, *version, &score_record(member));
            let mut nodes = ElementNodes::new(view, &self.key, *version);
            if tree.remove(&mut nodes, &score::entry(score, member))?.is_none() {
                return Err(corrupted("a member has no entry"));
            }
        }
        Ok(Some(score))
    }

    /// Removes the members of these ranks, which there are.
    pub(super) fn remove_ranks(&mut self, view: &mut View<'_>, ranks: Range<u64>) -> CommandResult {
        let mut start = ranks.start;
        if self.is_part_of_large(view, &ranks)? {
            view.charge(ranks.end - ranks.start)?;
            while start < ranks.end {
                let end = ranks.end.min(start + PAGE_MEMBERS);
                let page = self.page(view, start..end)?;
                self.remove_scores(view, &page);
                start = end;
            }
        }
        self.cut(view, ranks)
    }

    /// The same of members that were read already.
    pub(super) fn remove_page(
        &mut self,
        view: &mut View<'_>,
        ranks: Range<u64>,
        members: &[(f64, Bytes)],
    ) -> CommandResult {
        if self.is_part_of_large(view, &ranks)? {
            self.remove_scores(view, members);
        }
        self.cut(view, ranks)
    }

    /// Whether the records of members have to go one by one: those of a large set that goes as a
    /// whole become orphans.
    fn is_part_of_large(
        &self,
        view: &mut View<'_>,
        ranks: &Range<u64>,
    ) -> Result<bool, CommandError> {
        let is_large = matches!(self.form, Form::Large(..));
        Ok(is_large && ranks.end.saturating_sub(ranks.start) < self.len(view)?)
    }

    fn remove_scores(&self, view: &mut View<'_>, members: &[(f64, Bytes)]) {
        if let Form::Large(version, _) = &self.form {
            for (_, member) in members {
                view.remove_element(&self.key, *version, &score_record(member));
            }
        }
    }

    /// Removes the entries of these ranks.
    fn cut(&mut self, view: &mut View<'_>, ranks: Range<u64>) -> CommandResult {
        match &mut self.form {
            Form::Small(small) => Ok(small.remove_ranks(&ranks)?),
            Form::Large(_, tree) if ranks == (0..tree.len()) => {
                self.form = Form::Small(Small::new());
                Ok(())
            }
            Form::Large(version, tree) => {
                tree.remove_range(&mut ElementNodes::new(view, &self.key, *version), ranks)?;
                Ok(())
            }
        }
    }

    /// Gives the key its new state: the head of this set with the deadline it had, or nothing
    /// when no member is left. `event` is what has happened to its members.
    pub fn save(self, view: &mut View<'_>, event: Event) -> CommandResult {
        if self.is_empty() {
            view.remove(&self.key);
            view.tell(event, &self.key);
            view.tell(Event::DEL, &self.key);
            return Ok(());
        }
        let head = match &self.form {
            Form::Small(small) => Head::inline(Kind::SortedSet, small.encode()),
            Form::Large(version, tree) => form::head(*version, tree)?,
        };
        view.put(&self.key, &head.with_deadline(self.key.deadline_ms()));
        view.tell(event, &self.key);
        Ok(())
    }

    /// Visits the members of a large set whose positions are in `first..=last`, in their order,
    /// until `visit` breaks. It gets the position, the member and the score.
    pub(super) fn walk_positions(
        &self,
        view: &mut View<'_>,
        version: u64,
        first: u64,
        mut visit: impl FnMut(u64, &[u8], f64) -> ControlFlow<()>,
    ) -> CommandResult {
        let mut from = RecordKey::from_slice(&[SCORE]);
        from.extend_from_slice(&first.to_be_bytes());
        let range = (&from[..], &[SCORE + 1][..]);
        let mut result = Ok(());
        view.elements(&self.key, version, range, Direction::Forward, |element, record| {
            let position = element.get(1..).and_then(|name| name.split_first_chunk());
            match (position, decode_record(record)) {
                (Some((position, member)), Ok(score)) => {
                    visit(u64::from_be_bytes(*position), member, score)
                }
                _ => {
                    result = Err(corrupted("a damaged record of a score"));
                    ControlFlow::Break(())
                }
            }
        })?;
        result
    }

    /// Makes the set large if it is not.
    fn enlarge(&mut self, view: &mut View<'_>) -> CommandResult {
        if let Form::Small(small) = &self.form {
            let members = small.members().collect::<Result<Vec<_>, _>>()?;
            let members = members.iter().map(|found| (found.score, found.member));
            let (version, tree) = build(view, &self.key, members)?;
            self.form = Form::Large(version, tree);
        }
        Ok(())
    }
}

/// Whether a set may be small that has so many members, of which one is so long, and so many bytes.
pub(super) fn fits_small(settings: &Settings, count: u64, longest: usize, bytes: usize) -> bool {
    count <= settings.zset_max_listpack_entries as u64
        && longest <= settings.zset_max_listpack_value
        && bytes <= SMALL_BYTES_MAX
}

fn search_units(small: &Small) -> u64 {
    small.len_bytes() as u64 / SEARCHED_BYTES_PER_UNIT
}

/// Units of work that copying so many bytes of members is.
pub(super) fn copy_units(bytes: u64) -> u64 {
    bytes / COPIED_BYTES_PER_UNIT
}
