//! Running commands one after the other as one, and what comes of it.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::{CommandError, refuse_if_over, write_error};
use crate::keyspace::cache::HotCache;
use crate::keyspace::layout::RecordKey;
use crate::random::Random;
use crate::resp::{Protocol, ReplyBuffer};
use crate::room::{Place, Reservation};
use crate::shard::Call;
use crate::topology::{ShardId, Topology};
use crate::view::{Changes, LOADED_BYTES_MAX, Outcome, USED_MAX, Use, View};

/// The outcome of commands that ran one after the other, outside of
/// [`crate::shard::Shard::execute`].
pub struct Sequence {
    /// The replies.
    pub reply: ReplyBuffer,
    /// Where each reply ends.
    pub ends: Vec<usize>,
    /// All changes together, to be committed on the owners' threads.
    pub changes: Changes,
    /// Records that were read from disk, for the hot cache.
    pub loaded: Vec<(ShardId, RecordKey, Bytes)>,
    /// Room for the big values among them, and among the changes.
    pub held: Reservation,
    /// There was none for one more: nothing of this counts, and it is to be tried again.
    pub lacks_room: bool,
    /// Keys that reading lookups found, and did not find.
    pub lookups: (u64, u64),
    /// Keys that were used and whose hot cache was not at hand.
    pub used: Vec<Use>,
}

/// Replies of several commands together are not longer than this and the last of them: they are
/// to leave before more are made.
pub const REPLIES_BYTES_MAX: usize = 256 << 10;
/// Nor do they hold much more room than this for big values: what they wrote is to be committed
/// first.
const HELD_BYTES_MAX: u64 = 4 << 20;

/// Runs commands one after the other, each seeing the changes of those before it. Their keys must
/// be locked. With the hot cache of the loop that runs them: over memory only, and `None` when
/// that does not do. Without it: with the disk, on a thread that may block. At a `place` of the
/// line they may be the next to get room for big values. When the replies have become long, or
/// what was read and written much, or the next changes cannot be one with those before, it stops:
/// the sequence has fewer replies than there are commands.
pub fn run_in_sequence<'a>(
    calls: impl Iterator<Item = Call<'a>>,
    topology: &Topology,
    random: &mut Random,
    mut cache: Option<(ShardId, &mut HotCache)>,
    protocol: Protocol,
    place: Option<Arc<Place>>,
) -> Option<Sequence> {
    let mut sequence = Sequence::new(protocol, Reservation::at(place));
    let mut loaded_bytes = 0;
    for call in calls {
        let start = sequence.reply.len();
        let is_long = start >= REPLIES_BYTES_MAX || sequence.held.bytes() >= HELD_BYTES_MAX;
        if is_long && !sequence.ends.is_empty() {
            break;
        }
        sequence.reply.limit(start.saturating_add(call.settings.reply_bytes_max));
        let context = call.context(topology);
        let view = match &mut cache {
            Some((home, cache)) => View::on_loop(context, random, *home, cache),
            None => View::off_loop(context, random),
        };
        let held = std::mem::take(&mut sequence.held);
        let is_read = call.spec.only_reads();
        let mut view = view.of_read(is_read).after(&sequence.changes).holding(held);
        let result = (call.handler)(&mut view, call.args, &mut sequence.reply);
        let Outcome { changes, failure, loaded, held, lookups, used, .. } = view.finish();
        sequence.lookups.0 += lookups.0;
        sequence.lookups.1 += lookups.1;
        let more = USED_MAX.saturating_sub(sequence.used.len());
        sequence.used.extend(used.into_iter().take(more));
        sequence.held = held;
        let result = failure.map_or(result, Err);
        match result {
            Ok(()) if sequence.reply.is_over() => refuse_if_over(&mut sequence.reply, start),
            Ok(()) if !sequence.changes.can_absorb(&changes) => {
                sequence.reply.truncate(start);
                break;
            }
            Ok(()) => {
                sequence.changes.absorb(changes);
                loaded_bytes += loaded.iter().map(|(_, _, record)| record.len()).sum::<usize>();
                if loaded_bytes <= LOADED_BYTES_MAX {
                    sequence.loaded.extend(loaded);
                }
            }
            Err(CommandError::OffLoop | CommandError::NoRoom) if cache.is_some() => return None,
            Err(CommandError::NoRoom) => {
                sequence.reply.truncate(start);
                sequence.lacks_room = true;
                return Some(sequence);
            }
            Err(error) => {
                sequence.reply.truncate(start);
                write_error(&error, &mut sequence.reply);
                sequence.changes.absorb(changes.undone());
            }
        }
        sequence.ends.push(sequence.reply.len());
    }
    Some(sequence)
}

impl Sequence {
    /// Nothing yet.
    pub(super) fn new(protocol: Protocol, held: Reservation) -> Self {
        Self {
            reply: ReplyBuffer::new(protocol),
            ends: Vec::new(),
            changes: Changes::default(),
            loaded: Vec::new(),
            held,
            lacks_room: false,
            lookups: (0, 0),
            used: Vec::new(),
        }
    }

    /// So many commands that found no room for the big values that they would have to do with.
    pub fn without_room(commands: usize, protocol: Protocol) -> Self {
        let mut sequence = Self::new(protocol, Reservation::default());
        for _ in 0..commands {
            write_error(&CommandError::NoRoom, &mut sequence.reply);
            sequence.ends.push(sequence.reply.len());
        }
        sequence
    }
}
