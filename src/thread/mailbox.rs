//! How messages reach a shard's thread: a channel, and a bell for when the thread sleeps.
//!
//! The channel has no bound of its own. What can be in it is bounded by what makes messages: each
//! connection has at most one batch a shard under way, each transaction one lock and one commit.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::runtime::Bell;

/// The sending side: shared by all threads.
pub(crate) struct Mailbox<M> {
    sender: Sender<M>,
    receiver: Receiver<M>,
    bell: Bell,
    /// Of the receiving task, for its own thread.
    waker: Mutex<Option<Waker>>,
}

impl<M> Mailbox<M> {
    pub(crate) fn new() -> io::Result<Self> {
        let (sender, receiver) = unbounded();
        Ok(Self { sender, receiver, bell: Bell::new()?, waker: Mutex::new(None) })
    }

    /// Puts a message in and wakes the receiving thread if it sleeps.
    pub(crate) fn send(&self, message: M) {
        // Cannot fail: the receiver lives as long as the mailbox.
        let _ = self.sender.send(message);
        self.bell.ring();
    }

    /// Puts many messages in, with one wake-up at most.
    pub(crate) fn send_all(&self, messages: impl IntoIterator<Item = M>) {
        for message in messages {
            let _ = self.sender.send(message);
        }
        self.bell.ring();
    }

    /// Rung when a message comes while the receiving thread sleeps.
    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// The next message. For the receiving task only, which [`Mailbox::look`] wakes.
    pub(crate) fn poll_receive(&self, context: &mut Context<'_>) -> Poll<M> {
        if let Ok(message) = self.receiver.try_recv() {
            return Poll::Ready(message);
        }
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if !waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Whether there are messages; then the receiving task is woken. For the receiving thread only,
    /// before each time that it looks for other things to do, and after it fell asleep.
    pub(crate) fn look(&self) -> bool {
        let has_messages = !self.receiver.is_empty();
        if has_messages {
            let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(waker) = &*waker {
                waker.wake_by_ref();
            }
        }
        has_messages
    }
}
