//! Streams in DUMP and RESTORE.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::consumer::{Consumer, consumers, groups};
use super::deliver::PAGE_ENTRIES;
use super::entry::Pair;
use super::form::corrupted;
use super::group::{Group, Pending};
use super::id::StreamId;
use super::store::Stream;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::rdb::{self, Encoded, Encoder, Fields, Item, Thresholds, Type};
use crate::tree::{Damaged, Side};
use crate::types::restored::Restored;
use crate::view::{Key, View};

impl From<StreamId> for rdb::StreamId {
    fn from(id: StreamId) -> Self {
        Self { ms: id.ms, seq: id.seq }
    }
}

impl From<rdb::StreamId> for StreamId {
    fn from(id: rdb::StreamId) -> Self {
        Self { ms: id.ms, seq: id.seq }
    }
}

/// The stream at an open key, in Redis's format.
pub fn dump(
    view: &mut View<'_>,
    key: Key,
    thresholds: &Thresholds,
) -> Result<Encoded, CommandError> {
    let stream = Stream::of(key)?.ok_or_else(|| corrupted("nothing there"))?;
    // What is written is about as long, and it is written twice.
    view.expect_work(stream.bytes().saturating_mul(2))?;
    let mut encoder = Encoder::new(Type::Stream, stream.len(), thresholds);
    let all = (StreamId::ZERO, StreamId::MAX);
    stream.range(view, all, Side::Back, |entry| {
        let mut pairs = Vec::new();
        entry.for_each(|pair| pairs.push(pair))?;
        encoder.put(Item::Entry { id: entry.id.into(), fields: Fields::of(&pairs) });
        Ok(ControlFlow::Continue(()))
    })?;
    encoder.put(Item::Stream(rdb::StreamState {
        last_id: stream.state.last_id.into(),
        max_deleted_id: stream.state.max_deleted_id.into(),
        entries_added: stream.state.entries_added,
    }));
    for group in groups(view, &stream)? {
        dump_group(view, &stream, &group, &mut encoder)?;
    }
    encoder.finish().map_err(|damage| corrupted(damage.0))
}

fn dump_group(
    view: &mut View<'_>,
    stream: &Stream,
    group: &Group,
    encoder: &mut Encoder<'_>,
) -> CommandResult {
    encoder.put(Item::Group(rdb::Group {
        name: &group.name,
        last_id: group.last_id.into(),
        entries_read: group.entries_read.and_then(|read| u64::try_from(read).ok()),
    }));
    let mut numbers = HashMap::new();
    for (index, consumer) in consumers(view, stream, group)?.into_iter().enumerate() {
        numbers.insert(consumer.number, index);
        let Consumer { name, seen_ms, active_ms, .. } = consumer;
        encoder.put(Item::Consumer(rdb::Consumer { name: &name, seen_ms, active_ms }));
    }
    let mut from = Some(StreamId::ZERO);
    while let Some(first) = from {
        let page = group.page(view, stream, None, (first, PAGE_ENTRIES))?;
        from = page.last().and_then(|(id, _)| id.next());
        for (id, Pending { consumer, delivered_ms, deliveries }) in page {
            let consumer = numbers.get(&consumer).ok_or(Damaged("an entry is nobody's"))?;
            encoder.put(Item::Pending(rdb::Pending {
                id: id.into(),
                consumer: *consumer,
                delivered_ms,
                deliveries,
            }));
        }
    }
    Ok(())
}

/// Puts the stream in the place of what is at `key`.
pub fn restore(view: &mut View<'_>, key: Key, value: &Restored<'_>) -> CommandResult {
    let mut restoring =
        Restoring { stream: Stream::in_place_of(view, key), group: None, consumers: Vec::new() };
    value.items(view, |view, item| restoring.take(view, item))?;
    restoring.end_group(view);
    restoring.stream.save_until(view, value.deadline_ms(), &[Event::RESTORE])
}

/// A stream that is made of items.
struct Restoring {
    stream: Stream,
    group: Option<Group>,
    /// The numbers of the group's consumers.
    consumers: Vec<u64>,
}

impl Restoring {
    fn take(&mut self, view: &mut View<'_>, item: Item<'_>) -> Result<bool, CommandError> {
        match item {
            Item::Entry { id, fields } => {
                let mut owned: Vec<(Vec<u8>, Vec<u8>)> = Vec::with_capacity(fields.count());
                fields.for_each(|field, value| owned.push((field.to_vec(), value.to_vec())));
                let pairs: Vec<Pair<'_>> =
                    owned.iter().map(|(field, value)| (&field[..], &value[..])).collect();
                self.stream.append(view, id.into(), &pairs)?;
                Ok(true)
            }
            Item::Stream(state) => {
                let own = &mut self.stream.state;
                own.last_id = own.last_id.max(state.last_id.into());
                own.max_deleted_id = state.max_deleted_id.into();
                own.entries_added = state.entries_added;
                Ok(true)
            }
            Item::Group(group) => self.begin_group(view, &group),
            Item::Consumer(consumer) => self.add_consumer(view, &consumer),
            Item::Pending(pending) => self.add_pending(view, &pending),
            _ => Err(text::BAD_PAYLOAD.into()),
        }
    }

    fn begin_group(
        &mut self,
        view: &mut View<'_>,
        given: &rdb::Group<'_>,
    ) -> Result<bool, CommandError> {
        self.end_group(view);
        if Group::open(view, &self.stream, given.name)?.is_some() {
            return Ok(false);
        }
        let mut group = Group::create(&mut self.stream, given.name, given.last_id.into());
        group.entries_read = given.entries_read.and_then(|read| i64::try_from(read).ok());
        self.group = Some(group);
        Ok(true)
    }

    fn end_group(&mut self, view: &mut View<'_>) {
        if let Some(mut group) = self.group.take() {
            group.save(view, &mut self.stream);
        }
        self.consumers.clear();
    }

    fn add_consumer(
        &mut self,
        view: &mut View<'_>,
        given: &rdb::Consumer<'_>,
    ) -> Result<bool, CommandError> {
        let group = self.group.as_mut().ok_or(text::BAD_PAYLOAD)?;
        let opened = Consumer::open_or_create(view, &mut self.stream, group, given.name)?;
        let (mut consumer, is_new) = opened;
        consumer.seen_ms = given.seen_ms;
        consumer.active_ms = given.active_ms;
        consumer.save(view, &self.stream, group);
        self.consumers.push(consumer.number);
        Ok(is_new)
    }

    fn add_pending(
        &mut self,
        view: &mut View<'_>,
        given: &rdb::Pending,
    ) -> Result<bool, CommandError> {
        let group = self.group.as_mut().ok_or(text::BAD_PAYLOAD)?;
        let consumer = *self.consumers.get(given.consumer).ok_or(text::BAD_PAYLOAD)?;
        let rdb::Pending { id, delivered_ms, deliveries, .. } = *given;
        let after = Pending { consumer, delivered_ms, deliveries };
        group.put_pending(view, &self.stream, id.into(), (None, after))?;
        Ok(true)
    }
}
