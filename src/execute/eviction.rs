//! Who goes when clients need memory that others hold: of those who do nothing with what they hold,
//! neither sending the rest of a request nor taking a reply, the one that holds most, and so on
//! until it is enough; but nobody who holds less than the one that it would be for. While nobody
//! needs it, everybody keeps what it holds.

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use basalt_shard::topology::ShardId;

use crate::client::Session;
use crate::client::progress::STALLED_AFTER_MS;
use crate::shared::client_memory::COUNTED_FROM;
use crate::thread::shard_thread::ShardThread;

/// What of the memory that clients hold is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needed {
    /// Whatever they hold.
    Any,
    /// What their replies hold.
    OfReplies,
}

/// A client that could go.
struct Holder {
    shard: ShardId,
    id: u64,
    bytes: u64,
    stalls_in_ms: u64,
    /// It goes already.
    is_leaving: bool,
}

/// What somebody lacks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lack {
    /// Bytes that are to become free.
    pub(crate) bytes: u64,
    pub(crate) needed: Needed,
    /// What it would hold itself then: nobody goes who holds less.
    pub(crate) own_bytes: u64,
    /// It is so much that also those go who do something, if they hold more.
    pub(crate) is_urgent: bool,
}

/// What came of it.
pub(crate) struct Made {
    /// All that was lacking is free, or will be at once.
    pub(crate) is_enough: bool,
    /// When to look again, unless it has come before.
    pub(crate) look_again: Duration,
}

/// Disconnects clients until what is lacking is free, or will be at once.
pub(crate) async fn make_room(shard_thread: &Rc<ShardThread>, lack: Lack) -> Made {
    let Lack { bytes, needed, own_bytes, is_urgent } = lack;
    let of_shards = shard_thread.on_every_shard(move |there| holders(there, needed)).await;
    let all = of_shards.into_iter().flatten();
    let big = all.filter(|holder| holder.is_leaving || holder.bytes >= own_bytes);
    let big = big.map(|holder| match is_urgent && holder.bytes > own_bytes {
        true => Holder { stalls_in_ms: 0, ..holder },
        false => holder,
    });
    let (going, freed, staying) = choose(big.collect(), bytes);
    for Holder { shard, id, .. } in going {
        shard_thread.on_shard(shard, move |there| evict(there, id)).await;
    }
    let look_again = Duration::from_millis(staying.unwrap_or(STALLED_AFTER_MS).max(1));
    Made { is_enough: freed >= bytes, look_again }
}

/// Who goes, what they hold with those who go already, and in how many milliseconds the next one
/// could go.
fn choose(holders: Vec<Holder>, bytes: u64) -> (Vec<Holder>, u64, Option<u64>) {
    let leaving = holders.iter().filter(|holder| holder.is_leaving);
    let mut freed: u64 = leaving.map(|holder| holder.bytes).sum();
    let staying = holders.into_iter().filter(|holder| !holder.is_leaving);
    let (mut stalled, busy): (Vec<_>, Vec<_>) =
        staying.partition(|holder| holder.stalls_in_ms == 0);
    stalled.sort_by_key(|holder| std::cmp::Reverse(holder.bytes));
    let mut going = Vec::new();
    for holder in stalled {
        if freed >= bytes {
            break;
        }
        freed += holder.bytes;
        going.push(holder);
    }
    (going, freed, busy.iter().map(|holder| holder.stalls_in_ms).min())
}

fn holders(shard_thread: &Rc<ShardThread>, needed: Needed) -> Vec<Holder> {
    let sessions = shard_thread.sessions.borrow();
    let holders = sessions.values().filter_map(|session| holder(shard_thread.id, session, needed));
    holders.collect()
}

/// `None`: it holds little, or has something done, or may not be disconnected for this.
fn holder(shard: ShardId, session: &Session, needed: Needed) -> Option<Holder> {
    let of_requests = match needed {
        Needed::Any => session.input_bytes.get(),
        Needed::OfReplies => 0,
    };
    let bytes = of_requests + session.output_bytes.get() + session.pushed_bytes.get();
    let (awaited, is_leaving) =
        (session.awaits_input.get() || session.awaits_reader.get(), session.killed.get());
    if bytes < COUNTED_FROM || session.no_evict.get() || !(awaited || is_leaving) {
        return None;
    }
    let has_done_its_part = || match session.awaits_input.get() {
        true => session.stream.has_much_to_read(),
        false => session.stream.has_room_to_write(),
    };
    let stalls_in_ms = match session.progress.stalls_in_ms() {
        // This thread has not come to it yet.
        0 if !is_leaving && has_done_its_part() => STALLED_AFTER_MS,
        other => other,
    };
    Some(Holder { shard, id: session.id, bytes: bytes as u64, stalls_in_ms, is_leaving })
}

/// One more client was closed for the memory that it holds, or wants.
pub(crate) fn count(shard_thread: &ShardThread) {
    shard_thread.node.telemetry.counters.clients_evicted.fetch_add(1, Ordering::Relaxed);
}

fn evict(shard_thread: &Rc<ShardThread>, id: u64) {
    let session = shard_thread.sessions.borrow().get(&id).cloned();
    if let Some(session) = session {
        let bytes = session.input_bytes.get() + session.output_bytes.get();
        let stalled = if session.awaits_input.get() { "its request" } else { "its replies" };
        count(shard_thread);
        tracing::warn!(client = id, bytes, stalled, "closed: others need the memory that it holds");
        session.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(id: u64, bytes: u64, stalls_in_ms: u64) -> Holder {
        Holder { shard: 0, id, bytes, stalls_in_ms, is_leaving: false }
    }

    fn chosen(holders: Vec<Holder>, bytes: u64) -> (Vec<u64>, Option<u64>) {
        let staying = holders.iter().filter(|holder| holder.stalls_in_ms == 0).count();
        let (going, freed, next) = choose(holders, bytes);
        assert!(freed >= bytes || going.len() == staying);
        (going.iter().map(|holder| holder.id).collect(), next)
    }

    #[test]
    fn the_stalled_ones_that_hold_most_go_and_no_more_than_is_needed() {
        let all = || vec![held(1, 10, 0), held(2, 30, 0), held(3, 50, 70), held(4, 20, 0)];
        assert_eq!(chosen(all(), 1), (vec![2], Some(70)));
        assert_eq!(chosen(all(), 31), (vec![2, 4], Some(70)));
        assert_eq!(chosen(all(), 1000), (vec![2, 4, 1], Some(70)));
        assert_eq!(chosen(all(), 0), (vec![], Some(70)));
        assert_eq!(chosen(vec![held(1, 10, 0)], 5), (vec![1], None));
        let leaving = Holder { is_leaving: true, ..held(5, 40, 0) };
        assert_eq!(chosen(vec![leaving, held(6, 40, 0)], 40), (vec![], None));
    }
}
