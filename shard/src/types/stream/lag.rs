//! How far a group is in its stream. That is known as long as nothing was deleted from among what
//! it has not read yet, and can be found out at the ends.

use super::form::State;
use super::group::Group;
use super::id::StreamId;
use super::store::Stream;

/// How many entries a group has not read yet, if that is known.
pub(super) fn of(stream: &Stream, group: &Group) -> Option<i64> {
    let state = &stream.state;
    if state.entries_added == 0 {
        return Some(0);
    }
    let read = match group.entries_read {
        Some(read) if !has_gap_behind(stream, group.last_id) => read,
        _ => estimated_read(stream, group.last_id)?,
    };
    Some(state.entries_added.cast_signed().wrapping_sub(read))
}

/// How many entries a group has read when it has read the one with an id.
pub(super) fn read_up_to(stream: &Stream, group: &Group, id: StreamId) -> Option<i64> {
    match group.entries_read {
        Some(read) if !has_gap_behind(stream, id) => Some(read.saturating_add(1)),
        read if stream.state.entries_added == 0 => read,
        _ => estimated_read(stream, id),
    }
}

/// Whether an entry was deleted from among those from `id` on.
fn has_gap_behind(stream: &Stream, id: StreamId) -> bool {
    let State { first_id, max_deleted_id, .. } = stream.state;
    stream.len() > 0
        && max_deleted_id != StreamId::ZERO
        && first_id <= max_deleted_id
        && id <= max_deleted_id
}

/// How many entries were ever added up to an id, where that can be told.
fn estimated_read(stream: &Stream, id: StreamId) -> Option<i64> {
    let State { last_id, first_id, max_deleted_id, entries_added, .. } = stream.state;
    let (added, len) = (entries_added.cast_signed(), stream.len().cast_signed());
    if entries_added == 0 {
        return Some(0);
    }
    if id == last_id || stream.len() == 0 && id < last_id {
        return Some(added);
    }
    let has_gaps = max_deleted_id != StreamId::ZERO && max_deleted_id >= first_id;
    if id > last_id || has_gaps || id > first_id {
        return None;
    }
    Some(added.wrapping_sub(len).wrapping_add(i64::from(id == first_id)))
}
