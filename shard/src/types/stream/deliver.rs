//! Delivering the entries of a stream to a consumer: new ones, or again those that it has not
//! acknowledged.

use super::consumer::Consumer;
use super::entry;
use super::form::corrupted;
use super::group::{Group, Pending};
use super::id::StreamId;
use super::lag;
use super::range;
use super::store::Stream;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult};
use crate::resp::ReplyBuffer;
use crate::tree::Side;
use crate::view::View;

/// Pending entries that are looked at in one go.
pub(super) const PAGE_ENTRIES: u64 = 256;

/// Whose reading it is.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) group: &'a [u8],
    pub(super) consumer: &'a [u8],
    /// Nothing becomes pending.
    pub(super) no_ack: bool,
}

/// A delivery from one stream.
pub(super) struct Delivery<'a> {
    reader: Reader<'a>,
    stream: Stream,
    group: Group,
    consumer: Consumer,
    is_new: bool,
    changes: usize,
}

impl<'a> Delivery<'a> {
    /// Opens the group of a stream, and its consumer, who is seen now and added if need be.
    pub(super) fn open(
        view: &mut View<'_>,
        mut stream: Stream,
        reader: Reader<'a>,
    ) -> Result<Self, CommandError> {
        let group = Group::open(view, &stream, reader.group)?;
        let mut group = group.ok_or_else(|| corrupted("a group is missing"))?;
        let opened = Consumer::open_or_create(view, &mut stream, &mut group, reader.consumer)?;
        let (consumer, is_new) = opened;
        Ok(Self { reader, stream, group, consumer, is_new, changes: usize::from(is_new) })
    }

    /// Whether something is to be answered: always, where old entries are asked for.
    pub(super) fn has_any(
        &self,
        view: &mut View<'_>,
        start: StreamId,
    ) -> Result<bool, CommandError> {
        if start != StreamId::MAX {
            return Ok(true);
        }
        let last = self.stream.last_entry_id(view)?;
        Ok(last.is_some_and(|last| last > self.group.last_id))
    }

    /// Answers with the entries behind `start`; with what is new to the group if that is the
    /// greatest id.
    pub(super) fn write(
        &mut self,
        view: &mut View<'_>,
        (start, count): (StreamId, u64),
        reply: &mut ReplyBuffer,
    ) -> CommandResult {
        self.changes += 1;
        let header = reply.deferred_array();
        let len = match start {
            StreamId::MAX => self.write_new(view, count, reply)?,
            start => self.write_again(view, (start, count), reply)?,
        };
        reply.finish_array(header, len);
        Ok(())
    }

    fn write_new(
        &mut self,
        view: &mut View<'_>,
        count: u64,
        reply: &mut ReplyBuffer,
    ) -> Result<usize, CommandError> {
        let Some(first) = self.group.last_id.next() else { return Ok(0) };
        let mut delivered = Vec::new();
        self.stream.range(view, (first, StreamId::MAX), Side::Back, |entry| {
            entry.write(reply)?;
            delivered.push(entry.id);
            Ok(range::goes_on(delivered.len(), count, reply))
        })?;
        let now_ms = view.now_ms();
        let number = self.consumer.number;
        let after = Pending { consumer: number, delivered_ms: now_ms, deliveries: 1 };
        for id in &delivered {
            self.group.entries_read = lag::read_up_to(&self.stream, &self.group, *id);
            self.group.last_id = *id;
            if self.reader.no_ack {
                continue;
            }
            // It may be pending: XGROUP SETID goes back too.
            let before = self.group.pending(view, &self.stream, *id)?;
            self.group.put_pending(view, &self.stream, *id, (before, after))?;
            self.consumer.active_ms = Some(now_ms);
        }
        Ok(delivered.len())
    }

    fn write_again(
        &mut self,
        view: &mut View<'_>,
        (start, count): (StreamId, u64),
        reply: &mut ReplyBuffer,
    ) -> Result<usize, CommandError> {
        let (mut len, mut from) = (0, start.next());
        while let Some(first) = from
            && len < count
            && !reply.is_over()
        {
            let wanted = PAGE_ENTRIES.min(count - len);
            let owner = Some(self.consumer.number);
            let page = self.group.page(view, &self.stream, owner, (first, wanted))?;
            from = page.last().and_then(|(id, _)| id.next());
            len += page.len() as u64;
            for (id, pending) in page {
                self.write_one_again(view, id, pending, reply)?;
            }
        }
        Ok(len as usize)
    }

    fn write_one_again(
        &mut self,
        view: &mut View<'_>,
        id: StreamId,
        pending: Pending,
        reply: &mut ReplyBuffer,
    ) -> CommandResult {
        let Some(entry) = self.stream.find(view, id)? else {
            reply.array(2);
            reply.bulk(&id.text());
            reply.null_array();
            return Ok(());
        };
        entry::decode(&entry)?.write(reply)?;
        let deliveries = pending.deliveries.saturating_add(1);
        let again = Pending { delivered_ms: view.now_ms(), deliveries, ..pending };
        self.group.put_pending(view, &self.stream, id, (Some(pending), again))
    }

    /// Gives everything its new state; how many changes that were.
    pub(super) fn save(mut self, view: &mut View<'_>) -> Result<usize, CommandError> {
        self.consumer.save(view, &self.stream, &self.group);
        self.group.save(view, &mut self.stream);
        let events = [Event::XGROUP_CREATECONSUMER];
        self.stream.save(view, &events[..usize::from(self.is_new)])?;
        Ok(self.changes)
    }
}
