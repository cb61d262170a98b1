//! Who waits for room: a line with a bound. The first in it is the next to get room, and keeps its
//! place until it has all that it needs; so it is never overtaken for ever.
//!
//! Nobody looks again and again: who waits leaves a waker at its place, and is woken when there is
//! more room, or when somebody before it has left. One is woken at a time; when it leaves it wakes
//! the one behind it. Whoever leaves a waker has to look once more before it sleeps: the room may
//! have come just before.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// As many may wait.
const WAITING_MAX: usize = 4096;

/// See the module.
#[derive(Debug, Default)]
pub struct Line {
    queue: Mutex<Queue>,
    /// How many stand in it, to be looked at without the lock.
    length: AtomicUsize,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    last_number: u64,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    /// `None`: it is not asleep.
    waker: Option<Waker>,
}

impl Line {
    /// A place at the end. `None`: too many wait already.
    pub fn join(self: &Arc<Self>) -> Option<Place> {
        let mut queue = self.lock();
        if queue.waiting.len() >= WAITING_MAX {
            return None;
        }
        queue.last_number += 1;
        let number = queue.last_number;
        queue.waiting.push_back(Waiting { number, waker: None });
        self.length.store(queue.waiting.len(), Ordering::SeqCst);
        drop(queue);
        Some(Place { line: self.clone(), number })
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.length.load(Ordering::SeqCst) == 0
    }

    /// There is more room: wakes the first of those who sleep.
    pub fn wake_next(&self) {
        if self.is_empty() {
            return;
        }
        let waker = self.lock().waiting.iter_mut().find_map(|waiting| waiting.waker.take());
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a line, until this is dropped.
#[derive(Debug)]
pub struct Place {
    line: Arc<Line>,
    number: u64,
}

impl Place {
    /// Whether it is the next to get room.
    pub fn is_first(&self) -> bool {
        self.line.lock().waiting.front().is_some_and(|first| first.number == self.number)
    }

    /// Whether, of those who sleep, it is the next.
    pub fn is_next_sleeper(&self) -> bool {
        let queue = self.line.lock();
        let next = queue.waiting.iter().find(|waiting| waiting.waker.is_some());
        next.is_some_and(|next| next.number == self.number)
    }

    /// Falls asleep, to be woken by `waker`, or is awake.
    pub fn sleep(&self, waker: Option<Waker>) {
        let mut queue = self.line.lock();
        if let Some(own) = queue.waiting.iter_mut().find(|other| other.number == self.number) {
            own.waker = waker;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queue = self.line.lock();
        queue.waiting.retain(|waiting| waiting.number != self.number);
        self.line.length.store(queue.waiting.len(), Ordering::SeqCst);
        drop(queue);
        self.line.wake_next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;
    use std::task::Wake;

    #[derive(Default)]
    struct Woken(AtomicU64);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn asleep(place: &Place) -> Arc<Woken> {
        let woken = Arc::new(Woken::default());
        place.sleep(Some(woken.clone().into()));
        woken
    }

    fn times(woken: &Woken) -> u64 {
        woken.0.load(Ordering::SeqCst)
    }

    #[test]
    fn one_is_woken_at_a_time_and_wakes_the_next_when_it_leaves() {
        let line = Arc::new(Line::default());
        line.wake_next();
        let places: Vec<Place> = (0..3).map(|_| line.join().unwrap()).collect();
        assert!(places[0].is_first() && !places[1].is_first());
        // The first has what it wants, and keeps its place.
        let (second, third) = (asleep(&places[1]), asleep(&places[2]));
        assert!(places[1].is_next_sleeper() && !places[2].is_next_sleeper());
        line.wake_next();
        assert_eq!((times(&second), times(&third)), (1, 0));
        let mut places = places.into_iter();
        drop(places.next());
        assert_eq!((times(&second), times(&third)), (1, 1), "the second is awake already");
        let rest: Vec<Place> = places.collect();
        assert!(rest[0].is_first() && !line.is_empty());
        drop(rest);
        assert!(line.is_empty());
    }

    #[test]
    fn the_line_has_a_bound() {
        let line = Arc::new(Line::default());
        let places: Vec<Place> = (0..WAITING_MAX).map(|_| line.join().unwrap()).collect();
        assert!(line.join().is_none());
        drop(places);
        assert!(line.join().is_some());
    }
}
