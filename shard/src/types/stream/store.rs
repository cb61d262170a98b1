//! A stream as its commands see it.
//!
//! Owns what a stream knows of itself, and keeps it in agreement with the entries. Changes are the
//! key's only after [`Stream::save`], which every command that changes a stream, or one of its
//! groups, must end with: it writes the head, and with it tells everyone that the key has changed.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::entry::{self, Entry, Pair};
use super::form::{self, State, corrupted};
use super::id::StreamId;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult};
use crate::keyspace::head::{Body, Kind};
use crate::settings::Settings;
use crate::tree::{Side, Tree};
use crate::types::nodes::ElementNodes;
use crate::view::{Key, View};

/// Bytes of an entry that are written or copied in one unit of work.
const COPIED_BYTES_PER_UNIT: u64 = 64;

/// A stream, open for a command.
pub(super) struct Stream {
    pub(super) key: Key,
    pub(super) version: u64,
    pub(super) state: State,
    tree: Tree,
}

impl Stream {
    /// Opens the stream at a key. `None`: there is nothing.
    pub(super) fn open(view: &mut View<'_>, name: &[u8]) -> Result<Option<Stream>, CommandError> {
        Self::of(view.open_kind(name, Kind::Stream)?)
    }

    /// An empty stream that takes the place of whatever is at a key, deadline and all.
    pub(super) fn in_place_of(view: &mut View<'_>, mut key: Key) -> Stream {
        key.head = None;
        let version = view.new_version();
        Stream { key, version, state: State::default(), tree: Tree::new(form::ORDER) }
    }

    /// The stream at a key that is known to hold one, or nothing.
    pub(super) fn of(key: Key) -> Result<Option<Stream>, CommandError> {
        let (version, (state, tree)) = match key.head.as_ref().map(|head| &head.body) {
            None => return Ok(None),
            Some(Body::Inline(_)) => return Err(corrupted("no version")),
            Some(Body::Large(large, extension)) => (large.version, form::open(large, extension)?),
        };
        Ok(Some(Stream { key, version, state, tree }))
    }

    /// Opens the stream at a key; an empty one when there is nothing, unless `may_create` is false.
    pub(super) fn open_or_create(
        view: &mut View<'_>,
        name: &[u8],
        may_create: bool,
    ) -> Result<Option<Stream>, CommandError> {
        let key = view.open_kind(name, Kind::Stream)?;
        if key.exists() || !may_create {
            return Self::of(key);
        }
        Ok(Some(Self::in_place_of(view, key)))
    }

    /// Number of entries.
    pub(super) fn len(&self) -> u64 {
        self.tree.len()
    }

    /// Bytes of all records, more or less.
    pub(super) fn bytes(&self) -> u64 {
        self.tree.entry_bytes().saturating_add(self.state.group_bytes)
    }

    /// Gives the key its new state, with the deadline it had. `events` is what has happened.
    pub(super) fn save(&self, view: &mut View<'_>, events: &[Event]) -> CommandResult {
        self.save_until(view, self.key.deadline_ms(), events)
    }

    /// The same, with another deadline or none.
    pub(super) fn save_until(
        &self,
        view: &mut View<'_>,
        deadline_ms: Option<u64>,
        events: &[Event],
    ) -> CommandResult {
        let head = form::head(self.version, &self.state, &self.tree)?;
        view.put(&self.key, &head.with_deadline(deadline_ms));
        for event in events {
            view.tell(*event, &self.key);
        }
        Ok(())
    }

    /// A number for a group or a consumer, never used before in this stream.
    pub(super) fn new_number(&mut self) -> u64 {
        self.state.numbers = self.state.numbers.saturating_add(1);
        self.state.numbers
    }

    /// What was counted as so many bytes of a group is now so many.
    pub(super) fn count_group_bytes(&mut self, before: u64, after: u64) {
        let others = self.state.group_bytes.saturating_sub(before);
        self.state.group_bytes = others.saturating_add(after);
    }

    /// Adds an entry with these fields and values, whose id is greater than the last one.
    pub(super) fn append(
        &mut self,
        view: &mut View<'_>,
        id: StreamId,
        pairs: &[Pair<'_>],
    ) -> CommandResult {
        let bytes: usize = pairs.iter().map(|(field, value)| field.len() + value.len()).sum();
        view.expect_value(bytes)?;
        view.charge(bytes as u64 / COPIED_BYTES_PER_UNIT)?;
        let begins_node = self.state.tail.take(view.settings(), id, pairs);
        let entry = entry::encode(id, begins_node, pairs);
        let mut nodes = ElementNodes::new(view, &self.key, self.version);
        self.tree.push(&mut nodes, Side::Back, &entry)?;
        self.state.entries_added = self.state.entries_added.saturating_add(1);
        self.state.last_id = id;
        if self.len() == 1 {
            self.state.first_id = id;
        }
        Ok(())
    }

    /// Deletes the entry with an id. Whether it was there.
    pub(super) fn delete(
        &mut self,
        view: &mut View<'_>,
        id: StreamId,
    ) -> Result<bool, CommandError> {
        let mut nodes = ElementNodes::new(view, &self.key, self.version);
        let sought = self.tree.seek(&mut nodes, &id.key())?;
        if !sought.is_found {
            return Ok(false);
        }
        let rank = sought.rank;
        let gone = self.tree.remove_at(&mut nodes, rank)?;
        let gone = gone.ok_or_else(|| corrupted("an entry is missing"))?;
        let next = if rank < self.len() { self.tree.get(&mut nodes, rank)? } else { None };
        if let Some(next) = next {
            let entry = entry::decode(&next)?;
            if rank == 0 {
                self.state.first_id = entry.id;
            } else if entry::decode(&gone)?.begins_node && !entry.begins_node {
                let entry = entry::beginning_node(&next);
                self.tree.replace_at(&mut nodes, rank, &entry)?;
            }
        }
        self.state.tail.note_deleted(id);
        if rank < self.state.front {
            self.state.front -= 1;
        }
        self.state.max_deleted_id = self.state.max_deleted_id.max(id);
        self.forget_if_empty();
        Ok(true)
    }

    /// Removes so many entries, which there are, from the front.
    pub(super) fn remove_front(&mut self, view: &mut View<'_>, count: u64) -> CommandResult {
        let mut nodes = ElementNodes::new(view, &self.key, self.version);
        self.tree.remove_range(&mut nodes, 0..count)?;
        self.state.tail.keep(self.len());
        self.state.front = self.state.front.saturating_sub(count);
        if let Some(first) = self.tree.get(&mut nodes, 0)? {
            self.state.first_id = entry::decode(&first)?.id;
        }
        self.forget_if_empty();
        Ok(())
    }

    fn forget_if_empty(&mut self) {
        if self.len() == 0 {
            self.state.first_id = StreamId::ZERO;
            self.state.front = 0;
        }
    }

    /// Number of entries with lesser ids.
    pub(super) fn rank_of(&self, view: &mut View<'_>, id: StreamId) -> Result<u64, CommandError> {
        let mut nodes = ElementNodes::new(view, &self.key, self.version);
        Ok(self.tree.seek(&mut nodes, &id.key())?.rank)
    }

    /// The id of the entry with this rank.
    pub(super) fn id_at(&self, view: &mut View<'_>, rank: u64) -> Result<StreamId, CommandError> {
        let mut nodes = ElementNodes::new(view, &self.key, self.version);
        let entry = self.tree.get(&mut nodes, rank)?;
        let entry = entry.ok_or_else(|| corrupted("an entry is missing"))?;
        Ok(entry::decode(&entry)?.id)
    }

    /// The id of the last entry.
    pub(super) fn last_entry_id(
        &self,
        view: &mut View<'_>,
    ) -> Result<Option<StreamId>, CommandError> {
        match self.len().checked_sub(1) {
            Some(rank) => Ok(Some(self.id_at(view, rank)?)),
            None => Ok(None),
        }
    }

    /// The entry with this id, encoded.
    pub(super) fn find(
        &self,
        view: &mut View<'_>,
        id: StreamId,
    ) -> Result<Option<Bytes>, CommandError> {
        let mut nodes = ElementNodes::new(view, &self.key, self.version);
        self.tree.find(&mut nodes, &id.key())
    }

    /// Visits the entries with ids from `first` to `last`, the first of them first if it goes
    /// `toward` the back, until `visit` breaks.
    pub(super) fn range(
        &self,
        view: &mut View<'_>,
        (first, last): (StreamId, StreamId),
        toward: Side,
        mut visit: impl FnMut(&Entry<'_>) -> Result<ControlFlow<()>, CommandError>,
    ) -> CommandResult {
        if first > last {
            return Ok(());
        }
        let mut nodes = ElementNodes::new(view, &self.key, self.version);
        let mut cursor = match (toward, last.next()) {
            (Side::Back, _) => self.tree.cursor_at_key(&mut nodes, &first.key(), toward)?,
            (Side::Front, Some(end)) => self.tree.cursor_at_key(&mut nodes, &end.key(), toward)?,
            (Side::Front, None) => self.tree.cursor_at_rank(&mut nodes, self.len(), toward)?,
        };
        while let Some(bytes) = {
            let mut nodes = ElementNodes::new(view, &self.key, self.version);
            cursor.next(&mut nodes)?
        } {
            let entry = entry::decode(bytes)?;
            if entry.id < first || entry.id > last {
                break;
            }
            view.charge(1 + bytes.len() as u64 / COPIED_BYTES_PER_UNIT)?;
            if visit(&entry)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Number of entries in the node that begins at this rank.
    pub(super) fn node_len(&self, view: &mut View<'_>, rank: u64) -> Result<u64, CommandError> {
        let last_node = self.len() - self.state.tail.len().min(self.len());
        let end = if rank >= last_node { self.len() } else { last_node };
        if rank == 0 && self.state.front > 0 && self.state.front <= end {
            return Ok(self.state.front);
        }
        if end == self.len() && self.state.tail.len() > 0 {
            return Ok(end.saturating_sub(rank));
        }
        let mut len = 1;
        let mut result: CommandResult = Ok(());
        let mut nodes = ElementNodes::new(view, &self.key, self.version);
        let ranks = rank.saturating_add(1)..end;
        self.tree.range(&mut nodes, ranks, Side::Back, |bytes| match entry::decode(bytes) {
            Ok(entry) if entry.begins_node => ControlFlow::Break(()),
            Ok(_) => {
                len += 1;
                ControlFlow::Continue(())
            }
            Err(damaged) => {
                result = Err(damaged.into());
                ControlFlow::Break(())
            }
        })?;
        result.map(|()| len)
    }

    /// Number of nodes that Redis would have, if all but the last one have as many entries as they
    /// may.
    pub(super) fn nodes_at_least(&self, settings: &Settings) -> u64 {
        let last = self.state.tail.len();
        let full = self.len().saturating_sub(last);
        let full = match settings.stream_node_max_entries {
            0 => u64::from(full > 0),
            entries_max => full.div_ceil(entries_max),
        };
        full + u64::from(last > 0)
    }
}
