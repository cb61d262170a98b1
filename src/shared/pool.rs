//! Threads that may block: cache misses, long commands, file work. Jobs wait in one queue; what
//! can be in it is bounded by the commands under way.
//!
//! Whoever has nothing to do sleeps at once: on a host with few cores it would take from the shards
//! what it spends on looking. And the one that fell asleep last is woken first, so that no more
//! threads take turns than are needed, and what they need is in the processor's caches.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

type Work = Box<dyn FnOnce() + Send>;

/// Stack of a blocking thread.
const STACK_BYTES: usize = 512 << 10;

/// See the module.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    threads: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    busy: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// Work for which no thread was free.
    waiting: VecDeque<Work>,
    /// Threads without work, the latest last.
    idle: Vec<Arc<Seat>>,
    has_ended: bool,
}

/// Where a thread without work sleeps, and is given some.
#[derive(Default)]
struct Seat {
    work: Mutex<Option<Work>>,
    bell: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seat {
    /// Wakes the thread up for `work`.
    fn give(&self, work: Work) {
        *lock(&self.work) = Some(work);
        self.bell.notify_one();
    }
}

impl Shared {
    /// Work for the thread of `seat`, which waits until there is some. `None`: there will be none.
    fn next(&self, seat: &Arc<Seat>) -> Option<Work> {
        {
            let mut state = lock(&self.state);
            if let Some(work) = state.waiting.pop_front() {
                return Some(work);
            }
            if state.has_ended {
                return None;
            }
            state.idle.push(seat.clone());
        }
        let mut work = lock(&seat.work);
        loop {
            if work.is_some() {
                return work.take();
            }
            work = seat.bell.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Pool {
    /// Starts `threads` threads.
    pub(crate) fn start(threads: usize) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let threads = threads.max(1);
        for number in 0..threads {
            let shared = shared.clone();
            std::thread::Builder::new()
                .name(format!("blocking-{number}"))
                .stack_size(STACK_BYTES)
                .spawn(move || {
                    let seat = Arc::<Seat>::default();
                    while let Some(work) = shared.next(&seat) {
                        shared.busy.fetch_add(1, Ordering::Relaxed);
                        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
                            tracing::error!("work off the loop panicked; this is a bug");
                        }
                        shared.busy.fetch_sub(1, Ordering::Relaxed);
                    }
                })?;
        }
        Ok(Self { shared, threads })
    }

    /// Runs `work` on one of the threads.
    pub(crate) fn run(&self, work: impl FnOnce() + Send + 'static) {
        let work: Work = Box::new(work);
        let mut state = lock(&self.shared.state);
        match state.idle.pop() {
            Some(seat) => {
                drop(state);
                seat.give(work);
            }
            None => state.waiting.push_back(work),
        }
    }

    /// Number of threads.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Work that waits, and work under way.
    pub(crate) fn load(&self) -> (usize, usize) {
        (lock(&self.shared.state).waiting.len(), self.shared.busy.load(Ordering::Relaxed))
    }
}

impl Drop for Pool {
    /// The threads end when they have done what there is.
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        state.has_ended = true;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        idle.iter().for_each(|seat| seat.give(Box::new(|| ())));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn all_work_is_done_and_threads_end_with_the_pool() {
        let pool = Pool::start(3).unwrap();
        let (sender, receiver) = mpsc::channel();
        for number in 0..1000 {
            let sender = sender.clone();
            pool.run(move || {
                assert_ne!(number, 500, "a panic ends the work only");
                sender.send(number).unwrap();
            });
        }
        let mut done: Vec<_> = (0..999).map(|_| receiver.recv_timeout(PATIENCE).unwrap()).collect();
        done.sort_unstable();
        assert!(done.into_iter().eq((0..1000).filter(|number| *number != 500)));
        // Each thread holds what is shared.
        let shared = Arc::downgrade(&pool.shared);
        drop(pool);
        let deadline = std::time::Instant::now() + PATIENCE;
        while shared.strong_count() > 0 {
            assert!(std::time::Instant::now() < deadline, "a thread goes on");
            std::thread::yield_now();
        }
    }

    #[test]
    fn as_many_run_at_once_as_there_are_threads() {
        let pool = Pool::start(4).unwrap();
        let barrier = Arc::new(std::sync::Barrier::new(4));
        let (sender, receiver) = mpsc::channel();
        for _ in 0..4 {
            let (barrier, sender) = (barrier.clone(), sender.clone());
            pool.run(move || {
                barrier.wait();
                sender.send(()).unwrap();
            });
        }
        (0..4).for_each(|_| receiver.recv_timeout(PATIENCE).unwrap());
    }
}
