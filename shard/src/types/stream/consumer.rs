//! Consumers of a group, and lists of consumers and groups.
//!
//! ```text
//! record   version (1) | number | seen at | active at + 1 (0: never)      (varints, ms since 1970)
//! ```

use std::ops::ControlFlow;

use bytes::Bytes;

use super::form::corrupted;
use super::group::{CONSUMER, CONSUMER_NAME, GROUP, Group};
use super::store::Stream;
use crate::engine::Direction;
use crate::error::{CommandError, CommandResult};
use crate::keyspace::layout::RecordKey;
use crate::types::packed;
use crate::view::View;

/// Version of a consumer's record.
const VERSION: u8 = 1;

/// What the records of a consumer count for beside its name, which stands there twice.
const RECORD_BYTES: u64 = 32;

/// A consumer of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Consumer {
    pub(super) name: Bytes,
    pub(super) number: u64,
    /// When it last tried to read or claim.
    pub(super) seen_ms: u64,
    /// When entries were last delivered to it.
    pub(super) active_ms: Option<u64>,
}

fn prefix(group: u64) -> RecordKey {
    let mut prefix = RecordKey::from_slice(&[CONSUMER]);
    prefix.extend_from_slice(&group.to_be_bytes());
    prefix
}

fn record_name(group: u64, name: &[u8]) -> RecordKey {
    let mut record_name = prefix(group);
    record_name.extend_from_slice(name);
    record_name
}

fn name_record(number: u64) -> RecordKey {
    let mut name = RecordKey::from_slice(&[CONSUMER_NAME]);
    name.extend_from_slice(&number.to_be_bytes());
    name
}

fn counted_bytes(name: &[u8]) -> u64 {
    RECORD_BYTES + 2 * name.len() as u64
}

impl Consumer {
    fn encode(&self) -> Bytes {
        let mut record = vec![VERSION];
        let active = self.active_ms.map_or(0, |active_ms| active_ms.saturating_add(1));
        for number in [self.number, self.seen_ms, active] {
            packed::push_number(&mut record, number);
        }
        Bytes::from(record)
    }

    fn decode(name: &[u8], record: &[u8]) -> Result<Self, CommandError> {
        let decoded = || {
            let rest = record.strip_prefix(&[VERSION])?;
            let (number, rest) = packed::split_number(rest)?;
            let (seen_ms, rest) = packed::split_number(rest)?;
            let (active, rest) = packed::split_number(rest)?;
            let name = Bytes::copy_from_slice(name);
            let active_ms = active.checked_sub(1);
            rest.is_empty().then_some(Consumer { name, number, seen_ms, active_ms })
        };
        decoded().ok_or_else(|| corrupted("a damaged record of a consumer"))
    }

    /// The consumer with a name.
    pub(super) fn open(
        view: &mut View<'_>,
        stream: &Stream,
        group: &Group,
        name: &[u8],
    ) -> Result<Option<Consumer>, CommandError> {
        if group.consumers == 0 {
            return Ok(None);
        }
        let record_name = record_name(group.number, name);
        let record = view.element(&stream.key, stream.version, &record_name)?;
        record.map(|record| Self::decode(name, &record)).transpose()
    }

    /// The same, seen now; one that is not there is added. Whether it was.
    pub(super) fn open_or_create(
        view: &mut View<'_>,
        stream: &mut Stream,
        group: &mut Group,
        name: &[u8],
    ) -> Result<(Consumer, bool), CommandError> {
        let seen_ms = view.now_ms();
        if let Some(consumer) = Self::open(view, stream, group, name)? {
            return Ok((Consumer { seen_ms, ..consumer }, false));
        }
        let number = stream.new_number();
        let name = Bytes::copy_from_slice(name);
        view.put_element(&stream.key, stream.version, &name_record(number), name.clone());
        group.consumers = group.consumers.saturating_add(1);
        stream.count_group_bytes(0, counted_bytes(&name));
        Ok((Consumer { name, number, seen_ms, active_ms: None }, true))
    }

    /// Writes the consumer's record. Group and stream are to be saved too.
    pub(super) fn save(&self, view: &mut View<'_>, stream: &Stream, group: &Group) {
        let record_name = record_name(group.number, &self.name);
        view.put_element(&stream.key, stream.version, &record_name, self.encode());
    }

    /// Takes away the records of the consumer, of which nothing is pending any more.
    pub(super) fn remove(&self, view: &mut View<'_>, stream: &mut Stream, group: &mut Group) {
        let record_name = record_name(group.number, &self.name);
        view.remove_element(&stream.key, stream.version, &record_name);
        view.remove_element(&stream.key, stream.version, &name_record(self.number));
        group.consumers = group.consumers.saturating_sub(1);
        stream.count_group_bytes(counted_bytes(&self.name), 0);
    }
}

/// The name of the consumer with a number.
pub(super) fn name_of(
    view: &mut View<'_>,
    stream: &Stream,
    number: u64,
) -> Result<Bytes, CommandError> {
    let name = view.element(&stream.key, stream.version, &name_record(number))?;
    name.ok_or_else(|| corrupted("a consumer has no name"))
}

/// All consumers of a group, in order of their names.
pub(super) fn consumers(
    view: &mut View<'_>,
    stream: &Stream,
    group: &Group,
) -> Result<Vec<Consumer>, CommandError> {
    let mut found = Vec::new();
    if group.consumers > 0 {
        let (from, to) = (prefix(group.number), prefix(group.number.saturating_add(1)));
        list(view, stream, (&from, &to), |name, record| {
            found.push(Consumer::decode(name, record)?);
            Ok(())
        })?;
    }
    Ok(found)
}

/// All groups of a stream, in order of their names.
pub(super) fn groups(view: &mut View<'_>, stream: &Stream) -> Result<Vec<Group>, CommandError> {
    let mut found = Vec::new();
    if stream.state.groups > 0 {
        list(view, stream, (&[GROUP], &[GROUP + 1]), |name, record| {
            found.push(Group::decode(name, record)?);
            Ok(())
        })?;
    }
    Ok(found)
}

/// Visits the records from one name to another, with what is behind the first name in theirs.
fn list(
    view: &mut View<'_>,
    stream: &Stream,
    (from, to): (&[u8], &[u8]),
    mut visit: impl FnMut(&[u8], &[u8]) -> CommandResult,
) -> CommandResult {
    let mut result = Ok(());
    let range = (from, to);
    view.elements(&stream.key, stream.version, range, Direction::Forward, |name, record| {
        result = match name.get(from.len()..) {
            Some(name) => visit(name, record),
            None => Err(corrupted("a record with a short name")),
        };
        if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    result
}
