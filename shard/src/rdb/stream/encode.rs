//! Writing streams: entries are packed into nodes as they come; of a group its consumers and
//! pending entries are gathered, as their numbers stand in front of them.

use super::super::item::{Consumer, Fields, Group, Item, Pending, StreamId};
use super::super::listpack;
use super::super::output::{LaterLength, push_length, push_string};
use super::super::thresholds::Thresholds;
use super::{PARTS_WITH_OWN_FIELDS, PARTS_WITH_SAME_FIELDS, SAME_FIELDS, Version};

/// See the module.
pub(in super::super) struct StreamEncoder {
    nodes: LaterLength,
    nodes_count: u64,
    node: Option<Node>,
    length: u64,
    first_id: StreamId,
    /// Where the number of groups stands, as soon as the stream's state is written.
    groups: Option<LaterLength>,
    groups_count: u64,
    group: Option<GatheredGroup>,
    /// Where the times stand at which consumers were active.
    active_times: Vec<usize>,
    /// One of them says something.
    needs_active_times: bool,
}

struct Node {
    master: StreamId,
    /// The fields of the first entry.
    shared: Vec<Box<[u8]>>,
    entries: listpack::Builder,
    count: usize,
}

#[derive(Default)]
struct GatheredGroup {
    pending: Vec<Pending>,
    consumers: Vec<GatheredConsumer>,
}

struct GatheredConsumer {
    name: Box<[u8]>,
    seen_ms: u64,
    active_ms: Option<u64>,
    pending: Vec<StreamId>,
}

impl StreamEncoder {
    pub(in super::super) fn new(out: &mut Vec<u8>) -> Self {
        Self {
            nodes: LaterLength::reserve(out),
            nodes_count: 0,
            node: None,
            length: 0,
            first_id: StreamId::ZERO,
            groups: None,
            groups_count: 0,
            group: None,
            active_times: Vec::new(),
            needs_active_times: false,
        }
    }

    /// The next item.
    pub(in super::super) fn put(
        &mut self,
        out: &mut Vec<u8>,
        thresholds: &Thresholds,
        item: Item<'_>,
    ) {
        match item {
            Item::Entry { id, fields } => self.entry(out, thresholds, id, fields),
            Item::Stream(state) => {
                self.end_node(out);
                self.nodes.set(out, self.nodes_count);
                push_length(out, self.length);
                push_id(out, state.last_id);
                push_id(out, self.first_id);
                push_id(out, state.max_deleted_id);
                push_length(out, state.entries_added);
                self.groups = Some(LaterLength::reserve(out));
            }
            Item::Group(Group { name, last_id, entries_read }) => {
                self.end_group(out);
                self.groups_count += 1;
                push_string(out, name);
                push_id(out, last_id);
                push_length(out, entries_read.unwrap_or(u64::MAX));
                self.group = Some(GatheredGroup::default());
            }
            Item::Consumer(Consumer { name, seen_ms, active_ms }) => {
                if let Some(group) = &mut self.group {
                    let (name, pending) = (name.into(), Vec::new());
                    group.consumers.push(GatheredConsumer { name, seen_ms, active_ms, pending });
                }
            }
            Item::Pending(pending) => {
                let Some(group) = &mut self.group else { return };
                if let Some(owner) = group.consumers.get_mut(pending.consumer) {
                    owner.pending.push(pending.id);
                    group.pending.push(pending);
                }
            }
            _ => {}
        }
    }

    fn entry(
        &mut self,
        out: &mut Vec<u8>,
        thresholds: &Thresholds,
        id: StreamId,
        fields: Fields<'_>,
    ) {
        let is_full = self.node.as_ref().is_some_and(|node| {
            node.count >= thresholds.stream_node_max_entries
                || node.entries.len_bytes() >= thresholds.stream_node_max_bytes
        });
        if is_full {
            self.end_node(out);
        }
        if self.length == 0 {
            self.first_id = id;
        }
        self.length += 1;
        self.node.get_or_insert_with(|| Node::new(id, fields)).entry(id, fields);
    }

    fn end_node(&mut self, out: &mut Vec<u8>) {
        if let Some(node) = self.node.take() {
            self.nodes_count += 1;
            push_string(out, &node.master.to_bytes());
            push_string(out, &node.finish());
        }
    }

    fn end_group(&mut self, out: &mut Vec<u8>) {
        let Some(group) = self.group.take() else { return };
        push_length(out, group.pending.len() as u64);
        for pending in group.pending {
            out.extend_from_slice(&pending.id.to_bytes());
            out.extend_from_slice(&pending.delivered_ms.to_le_bytes());
            push_length(out, pending.deliveries);
        }
        push_length(out, group.consumers.len() as u64);
        for consumer in group.consumers {
            const NEVER: u64 = u64::MAX;
            push_string(out, &consumer.name);
            out.extend_from_slice(&consumer.seen_ms.to_le_bytes());
            self.needs_active_times |= consumer.active_ms != Some(consumer.seen_ms);
            self.active_times.push(out.len());
            out.extend_from_slice(&consumer.active_ms.unwrap_or(NEVER).to_le_bytes());
            push_length(out, consumer.pending.len() as u64);
            for id in consumer.pending {
                out.extend_from_slice(&id.to_bytes());
            }
        }
    }

    /// Writes what is left, and tells which layout it is.
    pub(in super::super) fn finish(mut self, out: &mut Vec<u8>) -> Version {
        self.end_group(out);
        if let Some(groups) = &self.groups {
            groups.set(out, self.groups_count);
        }
        if self.needs_active_times {
            return Version::ActiveTimes;
        }
        // Without them older versions of Redis read it, too.
        let (mut kept, mut from) = (0, 0);
        for at in self.active_times.into_iter().chain([out.len()]) {
            out.copy_within(from..at, kept);
            kept += at - from;
            from = at + size_of::<u64>();
        }
        out.truncate(kept);
        Version::Counts
    }
}

fn push_id(out: &mut Vec<u8>, id: StreamId) {
    push_length(out, id.ms);
    push_length(out, id.seq);
}

impl Node {
    /// A node that begins with such an entry, which is not in it yet.
    fn new(master: StreamId, fields: Fields<'_>) -> Self {
        let mut shared = Vec::new();
        fields.for_each(|field, _| shared.push(field.into()));
        Self { master, shared, entries: listpack::Builder::new(), count: 0 }
    }

    fn entry(&mut self, id: StreamId, fields: Fields<'_>) {
        let mut names = self.shared.iter();
        let mut is_same = fields.count() == self.shared.len();
        fields.for_each(|field, _| is_same &= names.next().is_some_and(|name| **name == *field));
        let entries = &mut self.entries;
        entries.push_integer(if is_same { SAME_FIELDS } else { 0 });
        entries.push_integer(id.ms.wrapping_sub(self.master.ms) as i64);
        entries.push_integer(id.seq.wrapping_sub(self.master.seq) as i64);
        let parts = if is_same {
            fields.for_each(|_, value| entries.push(value));
            fields.count() + PARTS_WITH_SAME_FIELDS
        } else {
            entries.push_integer(fields.count() as i64);
            fields.for_each(|field, value| {
                entries.push(field);
                entries.push(value);
            });
            2 * fields.count() + PARTS_WITH_OWN_FIELDS
        };
        entries.push_integer(parts as i64);
        self.count += 1;
    }

    fn finish(&self) -> Vec<u8> {
        let mut packed = listpack::Builder::new();
        packed.push_integer(self.count as i64);
        packed.push_integer(0);
        packed.push_integer(self.shared.len() as i64);
        for field in &self.shared {
            packed.push(field);
        }
        packed.push_integer(0);
        packed.append(&self.entries);
        packed.finish()
    }
}
