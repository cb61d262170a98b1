//! How messages reach a shard's thread: a channel, and one wake-up when the thread has nothing
//! else to do. A thread that is awake is never woken: before it goes to sleep it says so and looks
//! once more.
//!
//! The channel has no bound of its own. What can be in it is bounded by what makes messages: each
//! connection has at most one batch a shard under way, each transaction one lock and one commit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::router::message::Message;

/// The sending side: shared by all threads.
pub(crate) struct Mailbox {
    sender: Sender<Message>,
    receiver: Receiver<Message>,
    /// The receiving task has nothing to do and will not look again by itself.
    asleep: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Mailbox {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = unbounded();
        Self { sender, receiver, asleep: AtomicBool::new(false), waker: Mutex::new(None) }
    }

    /// Puts a message in and wakes the receiver if it sleeps.
    pub(crate) fn send(&self, message: Message) {
        // Cannot fail: the receiver lives as long as the mailbox.
        let _ = self.sender.send(message);
        self.wake();
    }

    /// Puts many messages in, with one wake-up at most.
    pub(crate) fn send_all(&self, messages: impl IntoIterator<Item = Message>) {
        for message in messages {
            let _ = self.sender.send(message);
        }
        self.wake();
    }

    fn wake(&self) {
        // Sequentially consistent, as is the store below: either this sees that the receiver
        // sleeps, or the receiver's last look sees the message.
        if self.asleep.swap(false, Ordering::SeqCst) {
            let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// The next message. For the receiving task only.
    pub(crate) fn poll_receive(&self, context: &mut Context<'_>) -> Poll<Message> {
        if let Ok(message) = self.receiver.try_recv() {
            return Poll::Ready(message);
        }
        {
            let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
            if !waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
                *waker = Some(context.waker().clone());
            }
        }
        self.asleep.store(true, Ordering::SeqCst);
        if let Ok(message) = self.receiver.try_recv() {
            self.asleep.store(false, Ordering::SeqCst);
            return Poll::Ready(message);
        }
        Poll::Pending
    }
}
