//! Room in memory for values too big to be overlooked, over all threads: who is about to read one
//! from the disk, or to write one, reserves as much as that takes, and tries again later when there
//! is no room. Without it a few clients with a few big values at the same time could take more
//! memory than there is.
//!
//! Those who wait stand in a [`Line`]: until the first of them has what it asked for, nobody else
//! gets more. So a steady stream of small ones does not keep a big one waiting for ever.

mod line;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use line::{Line, Place};

/// See the module.
#[derive(Debug)]
pub struct Room {
    bytes_max: AtomicU64,
    used: AtomicU64,
    replies: AtomicU64,
    line: Arc<Line>,
}

impl Room {
    /// Room for so many bytes.
    pub fn new(bytes_max: u64) -> Arc<Self> {
        Arc::new(Self {
            bytes_max: AtomicU64::new(bytes_max),
            used: AtomicU64::new(0),
            replies: AtomicU64::new(0),
            line: Arc::default(),
        })
    }

    /// Changes how much there is. What is reserved stays so.
    pub fn resize(&self, bytes_max: u64) {
        self.bytes_max.store(bytes_max, Ordering::SeqCst);
        self.line.wake_next();
    }

    /// Where replies on their way to clients are counted: they leave less room. Whoever makes it
    /// less wakes the line.
    pub fn replies(&self) -> &AtomicU64 {
        &self.replies
    }

    /// Those who wait for room.
    pub fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Whether somebody who has reserved nothing may find room for so many bytes.
    pub fn may_have_room_for(&self, bytes: u64) -> bool {
        self.fits(self.used.load(Ordering::SeqCst), 0, bytes)
    }

    /// Whether there is room for `bytes` more beside the `used` ones, of which somebody has `own`.
    /// One alone has room for anything, but not when replies that wait take all of it.
    fn fits(&self, used: u64, own: u64, bytes: u64) -> bool {
        let bytes_max = self.bytes_max.load(Ordering::SeqCst);
        let replies = self.replies.load(Ordering::SeqCst);
        let left = bytes_max.saturating_sub(replies);
        (used == own && replies <= bytes_max) || used.saturating_add(bytes) <= left
    }
}

/// A value of the size of the room can be overwritten by another one: the old one is read, and the
/// new one counts twice.
const ALONE_SHARE: u64 = 4;

/// How an attempt to reserve ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    Yes,
    /// Others have the room; later there may be some.
    NotNow,
    /// It takes far more than there is.
    Never,
}

/// What one piece of work has reserved, until this is dropped.
#[derive(Debug, Default)]
pub struct Reservation {
    room: Option<Arc<Room>>,
    bytes: u64,
    /// What it would have come to when there was no room.
    wanted: u64,
    place: Option<Arc<Place>>,
}

impl Reservation {
    /// Nothing yet, by who stands in the line or not.
    pub fn at(place: Option<Arc<Place>>) -> Self {
        Self { place, room: None, bytes: 0, wanted: 0 }
    }

    /// Bytes that are reserved.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that it needs, at least, as far as is known.
    pub fn wanted(&self) -> u64 {
        self.wanted
    }

    /// It has what it needs: somebody else may be the next.
    pub fn leave_line(&mut self) {
        self.place = None;
    }

    /// Reserves so much more. Who has the room alone gets all it asks for at first, else a value
    /// bigger than the room could never be read, and then [`ALONE_SHARE`] times what there is.
    pub fn grow(&mut self, room: &Arc<Room>, bytes: u64) -> Reserved {
        let own = self.bytes;
        let bytes_max = room.bytes_max.load(Ordering::SeqCst);
        if own > 0 && own.saturating_add(bytes) > bytes_max.saturating_mul(ALONE_SHARE) {
            return Reserved::Never;
        }
        self.wanted = own.saturating_add(bytes);
        let is_next = || self.place.as_ref().is_some_and(|place| place.is_first());
        if !room.line.is_empty() && !is_next() {
            return Reserved::NotNow;
        }
        let grown = room.used.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |used| {
            room.fits(used, own, bytes).then_some(used.saturating_add(bytes))
        });
        if grown.is_err() {
            return Reserved::NotNow;
        }
        self.bytes += bytes;
        self.room.get_or_insert_with(|| room.clone());
        Reserved::Yes
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(room) = &self.room {
            room.used.fetch_sub(self.bytes, Ordering::SeqCst);
            room.line.wake_next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether there was room.
    fn grow(reservation: &mut Reservation, room: &Arc<Room>, bytes: u64) -> bool {
        reservation.grow(room, bytes) == Reserved::Yes
    }

    #[test]
    fn what_does_not_fit_beside_others_waits_and_alone_it_goes() {
        let room = Room::new(100);
        let mut one = Reservation::default();
        let mut other = Reservation::default();
        assert!(grow(&mut one, &room, 60) && grow(&mut other, &room, 40));
        assert!(!grow(&mut one, &room, 1) && !grow(&mut other, &room, 1));
        assert!(!room.may_have_room_for(1));
        drop(other);
        assert!(room.may_have_room_for(40) && !room.may_have_room_for(41));
        // Alone.
        assert!(grow(&mut one, &room, 100));
        assert_eq!((one.bytes(), one.wanted()), (160, 160));
        assert!(!grow(&mut Reservation::default(), &room, 1));
        drop(one);
        assert!(grow(&mut Reservation::default(), &room, 1000), "a single value of any size");
        assert!(room.may_have_room_for(1000));
        room.resize(10);
        let (mut one, mut other) = (Reservation::default(), Reservation::default());
        assert!(grow(&mut one, &room, 5) && !grow(&mut other, &room, 6));
        assert!(grow(&mut other, &room, 5));
    }

    #[test]
    fn one_that_takes_far_more_than_there_is_need_not_wait() {
        let room = Room::new(100);
        let mut one = Reservation::default();
        assert_eq!(one.grow(&room, 350), Reserved::Yes);
        assert_eq!(one.grow(&room, 51), Reserved::Never);
        assert_eq!(one.grow(&room, 50), Reserved::Yes);
        assert_eq!(Reservation::default().grow(&room, 1), Reserved::NotNow);
    }

    #[test]
    fn replies_that_nobody_takes_leave_room_for_one() {
        let room = Room::new(100);
        room.replies().store(60, Ordering::Relaxed);
        let (mut one, mut other) = (Reservation::default(), Reservation::default());
        assert!(grow(&mut one, &room, 30) && !grow(&mut other, &room, 20));
        assert!(grow(&mut other, &room, 10));
        drop((one, other));
        room.replies().store(100, Ordering::Relaxed);
        let (mut one, mut other) = (Reservation::default(), Reservation::default());
        assert!(grow(&mut one, &room, 30) && !grow(&mut other, &room, 1));
        drop((one, other));
        room.replies().store(101, Ordering::Relaxed);
        assert!(!grow(&mut Reservation::default(), &room, 1), "the next one would be one more");
    }

    #[test]
    fn nobody_overtakes_the_first_in_the_line() {
        let room = Room::new(100);
        let mut small = Reservation::default();
        assert!(grow(&mut small, &room, 10));
        let first = Arc::new(room.line().join().unwrap());
        let second = Arc::new(room.line().join().unwrap());
        let mut big = Reservation::at(Some(first.clone()));
        let mut other = Reservation::at(Some(second.clone()));
        assert!(!grow(&mut big, &room, 99));
        assert_eq!(big.wanted(), 99);
        assert!(!grow(&mut small, &room, 1) && !grow(&mut Reservation::default(), &room, 1));
        assert!(!grow(&mut other, &room, 1));
        drop(small);
        assert!(grow(&mut big, &room, 99));
        drop(first);
        assert!(!second.is_first(), "the first one's work has its place, too");
        big.leave_line();
        assert!(second.is_first() && grow(&mut other, &room, 1));
        other.leave_line();
        drop((second, other));
        drop(big);
        assert!(grow(&mut Reservation::default(), &room, 1));
    }
}
