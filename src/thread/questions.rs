//! Questions of one thread to others: the task that asks keeps an [`Asked`], and a [`ReplyTo`] goes
//! along with the question. Both are made at once and for one kind of answer, so that no other can
//! come.
//!
//! The answer lies ready in the place that both share; it counts from when the message comes that
//! says so. So it does not overtake what the other thread has sent before it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use basalt_shard::topology::ShardId;

/// What an asking task and those it asked share.
struct Exchange<T>(Mutex<State<T>>);

struct State<T> {
    answer: Option<T>,
    /// The message has come: the answer counts.
    has_arrived: bool,
    /// Of the asking task, for its own thread.
    waker: Option<Waker>,
}

impl<T> Exchange<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that an answer has arrived at, whatever it is.
trait Arrival: Send + Sync {
    fn arrive(&self);
}

impl<T: Send> Arrival for Exchange<T> {
    fn arrive(&self) {
        let mut state = self.state();
        state.has_arrived = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A new question of the thread of `origin`.
pub(crate) fn question<T: Send>(origin: ShardId) -> (Asked<T>, ReplyTo<T>) {
    let state = State { answer: None, has_arrived: false, waker: None };
    let exchange = Arc::new(Exchange(Mutex::new(state)));
    (Asked(exchange.clone()), ReplyTo { origin, exchange })
}

/// A question that waits for its answer. For the thread that asks.
pub(crate) struct Asked<T>(Arc<Exchange<T>>);

impl<T> Future for Asked<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.0.state();
        if state.has_arrived
            && let Some(answer) = state.answer.take()
        {
            return Poll::Ready(answer);
        }
        if !state.waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
            state.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl<T> Drop for Asked<T> {
    fn drop(&mut self) {
        // A waker is to be dropped on its own thread.
        self.0.state().waker = None;
    }
}

/// Where the answer to a question goes.
pub(crate) struct ReplyTo<T> {
    /// The shard whose thread asks.
    pub(crate) origin: ShardId,
    exchange: Arc<Exchange<T>>,
}

impl<T> Clone for ReplyTo<T> {
    fn clone(&self) -> Self {
        Self { origin: self.origin, exchange: self.exchange.clone() }
    }
}

impl<T: Send + 'static> ReplyTo<T> {
    /// Lays the answer ready; what comes out is to be sent to the thread of `origin`.
    pub(crate) fn answer(self, answer: T) -> Answer {
        self.exchange.state().answer = Some(answer);
        Answer(self.exchange)
    }
}

/// Says that the answer to a question lies ready.
pub(crate) struct Answer(Arc<dyn Arrival>);

impl Answer {
    /// It has come: the asking task goes on. For the thread that asks.
    pub(crate) fn arrive(self) {
        self.0.arrive();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn an_answer_counts_from_when_its_message_comes() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let (mut asked, reply_to) = question::<u64>(1);
        let mut poll = || Pin::new(&mut asked).poll(&mut context);
        assert!(poll().is_pending());
        let answer = std::thread::spawn(move || reply_to.answer(7)).join().unwrap();
        assert!(poll().is_pending(), "it has overtaken what was sent before it");
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        answer.arrive();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert_eq!(poll(), Poll::Ready(7));
    }

    #[test]
    fn who_asks_no_more_is_not_woken() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let (mut asked, reply_to) = question::<()>(0);
        assert!(Pin::new(&mut asked).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(asked);
        reply_to.answer(()).arrive();
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        drop(waker);
        assert_eq!(Arc::strong_count(&woken), 1, "a waker was kept");
    }
}
