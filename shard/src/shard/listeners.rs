//! Who listens to what is committed. Everybody is told in the order of the commits, each commit
//! whole: who listens belongs here, and is fed by [`Listeners::hear`] alone.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use crate::keyspace::dirty::Ticket;
use crate::view::{Effects, Told};

/// See the module.
#[derive(Default)]
pub struct Listeners {
    /// Changes since the start, as Redis counts what a snapshot would be without: by commands, that
    /// is; a key whose time came is none.
    changes_made: u64,
    /// For those who have subscribed.
    pub events: EventQueue,
}

impl Listeners {
    /// What has happened beside changes of `keys` keys, all of it committed as batch `ticket`, or
    /// seen in what was committed by then.
    pub(super) fn hear(&mut self, effects: Effects, keys: usize, ticket: Ticket) {
        let Effects { events, count } = effects;
        self.changes_made += count.unwrap_or(keys as u64);
        if !events.is_empty() {
            self.events.push(events, ticket);
        }
    }

    /// Changes since the start.
    pub fn changes_made(&self) -> u64 {
        self.changes_made
    }
}

/// Nothing is committed while events of so many bytes wait. Who reads a key that is not there waits
/// as well, if he would tell one more.
const BYTES_MAX: usize = 4 << 20;

/// Bytes that an event takes beside the key's name.
const EVENT_BYTES: usize = size_of::<(Ticket, Told)>();

/// Events that wait until their batches are durable, in the order of the commits.
#[derive(Default)]
pub struct EventQueue {
    waiting: VecDeque<(Ticket, Told)>,
    bytes: usize,
    /// Of who waits for the next one.
    waker: Option<Waker>,
}

impl EventQueue {
    fn push(&mut self, events: Vec<Told>, ticket: Ticket) {
        // One of a reader may depend on less than what waits already; it does not go ahead.
        let newest = self.waiting.back().map_or(0, |(ticket, _)| *ticket);
        let ticket = ticket.max(newest);
        self.bytes += events.iter().map(bytes).sum::<usize>();
        self.waiting.extend(events.into_iter().map(|told| (ticket, told)));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Whether who has more to tell has to wait.
    pub fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX
    }

    /// The batch that the first event belongs to, as soon as there is one. For one task.
    pub fn poll_first(&mut self, context: &Context<'_>) -> Poll<Ticket> {
        if let Some((ticket, _)) = self.waiting.front() {
            return Poll::Ready(*ticket);
        }
        self.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// Takes the first event, with its batch, if that is this one or one before.
    pub fn pop(&mut self, ticket: Ticket) -> Option<(Ticket, Told)> {
        let first = self.waiting.pop_front_if(|(of, _)| *of <= ticket)?;
        self.bytes -= bytes(&first.1);
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        Some(first)
    }
}

fn bytes(told: &Told) -> usize {
    EVENT_BYTES + told.key.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::{Classes, Event};

    fn told(key: &'static str) -> Told {
        let key = bytes::Bytes::from_static(key.as_bytes());
        Told { shard: 0, event: Event::SET, db: 0, key, wanted: Classes::KEYEVENT }
    }

    fn hear(listeners: &mut Listeners, keys: &[&'static str], ticket: Ticket) {
        let events = keys.iter().map(|key| told(key)).collect();
        listeners.hear(Effects { events, count: None }, keys.len(), ticket);
    }

    #[test]
    fn events_come_out_in_order_and_with_their_batches() {
        let mut listeners = Listeners::default();
        let context = Context::from_waker(Waker::noop());
        assert_eq!(listeners.events.poll_first(&context), Poll::Pending);
        hear(&mut listeners, &["a", "b"], 5);
        hear(&mut listeners, &["read"], 3);
        hear(&mut listeners, &["c"], 6);
        assert_eq!(listeners.changes_made(), 4);
        assert_eq!(listeners.events.poll_first(&context), Poll::Ready(5));
        assert_eq!(listeners.events.pop(4), None);
        let taken: Vec<(Ticket, Told)> = std::iter::from_fn(|| listeners.events.pop(5)).collect();
        assert_eq!(taken, [(5, told("a")), (5, told("b")), (5, told("read"))]);
        assert_eq!(listeners.events.poll_first(&context), Poll::Ready(6));
        assert_eq!(listeners.events.pop(6), Some((6, told("c"))));
        assert_eq!(listeners.events.bytes, 0);
    }

    #[test]
    fn the_queue_is_full_by_bytes() {
        let mut listeners = Listeners::default();
        while !listeners.events.is_full() {
            hear(&mut listeners, &["key"], 1);
        }
        assert!(listeners.events.waiting.len() > BYTES_MAX / 200);
        assert!(listeners.events.pop(1).is_some() && !listeners.events.is_full());
    }
}
