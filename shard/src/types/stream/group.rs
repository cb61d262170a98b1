//! Groups: what a group has read, and what of that is pending.
//!
//! ```text
//! group     … key | version | 3 | name                   →   see `Group::encode`
//! consumer  … key | version | 4 | group (8) | name       →   see `consumer`
//! its name  … key | version | 5 | consumer (8)           →   name
//! nodes     … key | version | 6 | group (8) | tree | …   →   see `tree`
//!             tree 1: pending entries, id | consumer | delivered at | deliveries   (varints)
//!             tree 2: whose they are, consumer (8) | id
//! ```
//!
//! Groups and consumers have numbers, which are never used twice in a stream: what belongs to one
//! says the number and not the name. Records of the entries themselves begin with 1 or 2.

use bytes::Bytes;

use super::form::corrupted;
use super::group_nodes::{GroupNodes, Which};
use super::id::{KEY_BYTES, StreamId};
use super::store::Stream;
use crate::error::{CommandError, CommandResult};
use crate::keyspace::layout::RecordKey;
use crate::tree::{Order, Side, Tree};
use crate::types::packed;
use crate::view::View;

/// The first byte of a group's record name.
pub(super) const GROUP: u8 = 3;
/// Of a consumer's.
pub(super) const CONSUMER: u8 = 4;
/// Of the record with a consumer's name.
pub(super) const CONSUMER_NAME: u8 = 5;

/// Version of a group's record.
const VERSION: u8 = 1;

/// Pending entries are in order of ids.
const BY_ID: Order = Order::Prefix(KEY_BYTES);
/// Whose they are is in order of consumers, and of ids.
const BY_CONSUMER: Order = Order::Entry;

/// An entry that was delivered and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    /// The number of the consumer.
    pub(super) consumer: u64,
    pub(super) delivered_ms: u64,
    pub(super) deliveries: u64,
}

/// A group, open for a command. What is changed is the stream's only after [`Group::save`].
pub(super) struct Group {
    pub(super) name: Bytes,
    pub(super) number: u64,
    pub(super) last_id: StreamId,
    /// How many entries of the stream were read up to the last id, if that is known.
    pub(super) entries_read: Option<i64>,
    /// Number of consumers.
    pub(super) consumers: u64,
    pending: Tree,
    owned: Tree,
    /// What it counts for in the stream's bytes.
    counted_bytes: u64,
}

fn record_name(name: &[u8]) -> RecordKey {
    let mut record_name = RecordKey::from_slice(&[GROUP]);
    record_name.extend_from_slice(name);
    record_name
}

fn no_owner() -> CommandError {
    corrupted("pending entries and their owners do not agree")
}

/// Whose an entry is, as the tree has it.
fn owned_entry(consumer: u64, id: StreamId) -> [u8; 8 + KEY_BYTES] {
    let mut entry = [0; 8 + KEY_BYTES];
    entry[..8].copy_from_slice(&consumer.to_be_bytes());
    entry[8..].copy_from_slice(&id.key());
    entry
}

/// Refuses ids that are out of order: who goes on behind the last one would never end.
fn ascending(from: StreamId, ids: impl Iterator<Item = StreamId>) -> CommandResult {
    let mut least = Some(from);
    for id in ids {
        if least.is_none_or(|least| id < least) {
            return Err(corrupted("pending entries are out of order"));
        }
        least = id.next();
    }
    Ok(())
}

impl Pending {
    fn encode(&self, id: StreamId) -> Vec<u8> {
        let mut entry = id.key().to_vec();
        for number in [self.consumer, self.delivered_ms, self.deliveries] {
            packed::push_number(&mut entry, number);
        }
        entry
    }

    fn decode(entry: &[u8]) -> Result<(StreamId, Self), CommandError> {
        let decoded = || {
            let (id, rest) = StreamId::split(entry)?;
            let (consumer, rest) = packed::split_number(rest)?;
            let (delivered_ms, rest) = packed::split_number(rest)?;
            let (deliveries, rest) = packed::split_number(rest)?;
            rest.is_empty().then_some((id, Pending { consumer, delivered_ms, deliveries }))
        };
        decoded().ok_or_else(|| corrupted("a damaged pending entry"))
    }

    /// How long ago it was delivered.
    pub(super) fn idle_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.delivered_ms)
    }
}

impl Group {
    /// Opens the group with a name.
    pub(super) fn open(
        view: &mut View<'_>,
        stream: &Stream,
        name: &[u8],
    ) -> Result<Option<Group>, CommandError> {
        if stream.state.groups == 0 {
            return Ok(None);
        }
        let record = view.element(&stream.key, stream.version, &record_name(name))?;
        record.map(|record| Self::decode(name, &record)).transpose()
    }

    /// A group that is to be added to a stream which has none of that name.
    pub(super) fn create(stream: &mut Stream, name: &[u8], last_id: StreamId) -> Group {
        stream.state.groups = stream.state.groups.saturating_add(1);
        Group {
            name: Bytes::copy_from_slice(name),
            number: stream.new_number(),
            last_id,
            entries_read: None,
            consumers: 0,
            pending: Tree::new(BY_ID),
            owned: Tree::new(BY_CONSUMER),
            counted_bytes: 0,
        }
    }

    fn bytes(&self) -> u64 {
        self.name.len() as u64 + self.pending.entry_bytes() + self.owned.entry_bytes()
    }

    /// Version (1), then varints but for the roots: number, last id (2), entries read + 1 (0: not
    /// known), consumers, pending entries, bytes of both trees' entries (2), length of the first
    /// root; first root, second root.
    fn encode(&self) -> Vec<u8> {
        let mut record = vec![VERSION];
        packed::push_number(&mut record, self.number);
        self.last_id.pack(&mut record);
        let read = self.entries_read.and_then(|read| u64::try_from(read).ok());
        let read = read.map_or(0, |read| read + 1);
        let (pending, owned) = (&self.pending, &self.owned);
        let bytes = [pending.entry_bytes(), owned.entry_bytes()];
        for number in [read, self.consumers, pending.len(), bytes[0], bytes[1]] {
            packed::push_number(&mut record, number);
        }
        packed::push(&mut record, &pending.root());
        record.extend_from_slice(&owned.root());
        record
    }

    pub(super) fn decode(name: &[u8], record: &[u8]) -> Result<Group, CommandError> {
        let cut_off = || corrupted("the record of a group is cut off");
        let (&version, rest) = record.split_first().ok_or_else(cut_off)?;
        if version != VERSION {
            return Err(corrupted("the record of a group has an unknown version"));
        }
        let (number, rest) = packed::split_number(rest).ok_or_else(cut_off)?;
        let (last_id, mut rest) = StreamId::unpack(rest).ok_or_else(cut_off)?;
        let mut numbers = [0; 5];
        for number in &mut numbers {
            (*number, rest) = packed::split_number(rest).ok_or_else(cut_off)?;
        }
        let [read, consumers, len, pending_bytes, owned_bytes] = numbers;
        let (pending_root, owned_root) = packed::split(rest).ok_or_else(cut_off)?;
        let mut group = Group {
            name: Bytes::copy_from_slice(name),
            number,
            last_id,
            entries_read: read.checked_sub(1).map(u64::cast_signed),
            consumers,
            pending: Tree::open(BY_ID, pending_root, len, pending_bytes)?,
            owned: Tree::open(BY_CONSUMER, owned_root, len, owned_bytes)?,
            counted_bytes: 0,
        };
        group.counted_bytes = group.bytes();
        Ok(group)
    }

    /// Writes the group's record. The stream is to be saved too.
    pub(super) fn save(&mut self, view: &mut View<'_>, stream: &mut Stream) {
        let bytes = self.bytes();
        stream.count_group_bytes(self.counted_bytes, bytes);
        self.counted_bytes = bytes;
        let record = Bytes::from(self.encode());
        view.put_element(&stream.key, stream.version, &record_name(&self.name), record);
    }

    /// Takes away the group, without its consumers.
    pub(super) fn remove(mut self, view: &mut View<'_>, stream: &mut Stream) -> CommandResult {
        let mut nodes = GroupNodes::new(view, stream, (self.number, Which::Pending));
        self.pending.remove_range(&mut nodes, 0..u64::MAX)?;
        let mut nodes = GroupNodes::new(view, stream, (self.number, Which::Owned));
        self.owned.remove_range(&mut nodes, 0..u64::MAX)?;
        view.remove_element(&stream.key, stream.version, &record_name(&self.name));
        stream.count_group_bytes(self.counted_bytes, 0);
        stream.state.groups = stream.state.groups.saturating_sub(1);
        Ok(())
    }

    /// Number of pending entries.
    pub(super) fn pending_len(&self) -> u64 {
        self.pending.len()
    }

    /// What is known of a pending entry.
    pub(super) fn pending(
        &self,
        view: &mut View<'_>,
        stream: &Stream,
        id: StreamId,
    ) -> Result<Option<Pending>, CommandError> {
        let mut nodes = GroupNodes::new(view, stream, (self.number, Which::Pending));
        let found = self.pending.find(&mut nodes, &id.key())?;
        Ok(found.map(|entry| Pending::decode(&entry)).transpose()?.map(|(_, pending)| pending))
    }

    /// Makes an entry pending, or changes how it is; `before` is how it was.
    pub(super) fn put_pending(
        &mut self,
        view: &mut View<'_>,
        stream: &Stream,
        id: StreamId,
        (before, after): (Option<Pending>, Pending),
    ) -> CommandResult {
        let mut nodes = GroupNodes::new(view, stream, (self.number, Which::Pending));
        self.pending.insert(&mut nodes, &after.encode(id))?;
        let owner = before.map(|before| before.consumer);
        if owner == Some(after.consumer) {
            return Ok(());
        }
        let mut nodes = GroupNodes::new(view, stream, (self.number, Which::Owned));
        if let Some(owner) = owner {
            let was = self.owned.remove(&mut nodes, &owned_entry(owner, id))?;
            was.ok_or_else(no_owner)?;
        }
        self.owned.insert(&mut nodes, &owned_entry(after.consumer, id))?;
        Ok(())
    }

    /// An entry is pending no more.
    pub(super) fn remove_pending(
        &mut self,
        view: &mut View<'_>,
        stream: &Stream,
        id: StreamId,
        pending: &Pending,
    ) -> CommandResult {
        let mut nodes = GroupNodes::new(view, stream, (self.number, Which::Pending));
        self.pending.remove(&mut nodes, &id.key())?.ok_or_else(no_owner)?;
        let mut nodes = GroupNodes::new(view, stream, (self.number, Which::Owned));
        let was = self.owned.remove(&mut nodes, &owned_entry(pending.consumer, id))?;
        was.map(|_| ()).ok_or_else(no_owner)
    }

    /// Number of pending entries of a consumer.
    pub(super) fn owned_len(
        &self,
        view: &mut View<'_>,
        stream: &Stream,
        consumer: u64,
    ) -> Result<u64, CommandError> {
        let mut nodes = GroupNodes::new(view, stream, (self.number, Which::Owned));
        let end = consumer.saturating_add(1).to_be_bytes();
        self.owned.count_between(&mut nodes, &consumer.to_be_bytes(), &end)
    }

    /// The first pending entries with ids from `from` on, up to so many: of all consumers, or of
    /// one.
    pub(super) fn page(
        &self,
        view: &mut View<'_>,
        stream: &Stream,
        consumer: Option<u64>,
        (from, count): (StreamId, u64),
    ) -> Result<Vec<(StreamId, Pending)>, CommandError> {
        let mut page = Vec::new();
        if let Some(consumer) = consumer {
            for id in self.owned_page(view, stream, consumer, (from, count))? {
                let pending = self.pending(view, stream, id)?;
                page.push((id, pending.ok_or_else(no_owner)?));
            }
            return Ok(page);
        }
        let tree = (self.number, Which::Pending);
        let mut nodes = GroupNodes::new(view, stream, tree);
        let mut cursor = self.pending.cursor_at_key(&mut nodes, &from.key(), Side::Back)?;
        while (page.len() as u64) < count {
            let Some(entry) = cursor.next(&mut nodes)? else { break };
            page.push(Pending::decode(entry)?);
        }
        ascending(from, page.iter().map(|(id, _)| *id))?;
        view.charge(page.len() as u64)?;
        Ok(page)
    }

    fn owned_page(
        &self,
        view: &mut View<'_>,
        stream: &Stream,
        consumer: u64,
        (from, count): (StreamId, u64),
    ) -> Result<Vec<StreamId>, CommandError> {
        let mut page = Vec::new();
        let mut nodes = GroupNodes::new(view, stream, (self.number, Which::Owned));
        let start = owned_entry(consumer, from);
        let mut cursor = self.owned.cursor_at_key(&mut nodes, &start, Side::Back)?;
        while (page.len() as u64) < count {
            let Some(entry) = cursor.next(&mut nodes)? else { break };
            let Some(id) = entry.strip_prefix(&start[..8]) else { break };
            let (id, _) = StreamId::split(id).ok_or_else(|| corrupted("a cut off owner"))?;
            page.push(id);
        }
        ascending(from, page.iter().copied())?;
        view.charge(page.len() as u64)?;
        Ok(page)
    }

    /// The id of the first or the last pending entry.
    pub(super) fn edge(
        &self,
        view: &mut View<'_>,
        stream: &Stream,
        side: Side,
    ) -> Result<Option<StreamId>, CommandError> {
        let Some(last) = self.pending.len().checked_sub(1) else { return Ok(None) };
        let rank = if side == Side::Front { 0 } else { last };
        let mut nodes = GroupNodes::new(view, stream, (self.number, Which::Pending));
        let entry = self.pending.get(&mut nodes, rank)?;
        let entry = entry.ok_or_else(|| corrupted("a pending entry is missing"))?;
        Ok(Some(Pending::decode(&entry)?.0))
    }
}
