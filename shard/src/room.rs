//! Room in memory for values too big to be overlooked, over all threads: who is about to read one
//! from the disk, or to write one, reserves as much as that takes, and tries again later when there
//! is no room. Without it a few clients with a few big values at the same time could take more
//! memory than there is.
//!
//! One of those who wait holds a [`Claim`]: until it has what it asked for, nobody else gets more.
//! So a steady stream of small ones does not keep a big one waiting for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// See the module.
#[derive(Debug)]
pub struct Room {
    bytes_max: AtomicU64,
    used: AtomicU64,
    replies: AtomicU64,
    claims: Arc<Claims>,
}

impl Room {
    /// Room for so many bytes.
    pub fn new(bytes_max: u64) -> Arc<Self> {
        Arc::new(Self {
            bytes_max: AtomicU64::new(bytes_max),
            used: AtomicU64::new(0),
            replies: AtomicU64::new(0),
            claims: Arc::default(),
        })
    }

    /// Changes how much there is. What is reserved stays so.
    pub fn resize(&self, bytes_max: u64) {
        self.bytes_max.store(bytes_max, Ordering::Relaxed);
    }

    /// Where replies on their way to clients are counted: they leave less room.
    pub fn replies(&self) -> &AtomicU64 {
        &self.replies
    }

    /// To be the next to get room; `None` when somebody else is.
    pub fn claim(&self) -> Option<Claim> {
        self.claims.claim()
    }

    /// Whether somebody who has reserved nothing may find room for so many bytes.
    pub fn may_have_room_for(&self, bytes: u64) -> bool {
        self.fits(self.used.load(Ordering::Relaxed), 0, bytes)
    }

    /// Whether there is room for `bytes` more beside the `used` ones, of which somebody has `own`.
    fn fits(&self, used: u64, own: u64, bytes: u64) -> bool {
        let bytes_max = self.bytes_max.load(Ordering::Relaxed);
        let left = bytes_max.saturating_sub(self.replies.load(Ordering::Relaxed));
        used == own || used.saturating_add(bytes) <= left
    }
}

/// Who of those who wait is the next.
#[derive(Debug, Default)]
pub struct Claims(AtomicBool);

impl Claims {
    /// To be the next; `None` when somebody else is.
    pub fn claim(self: &Arc<Self>) -> Option<Claim> {
        (!self.0.swap(true, Ordering::Relaxed)).then(|| Claim(self.clone()))
    }
}

/// The right to be the next, until this is dropped.
#[derive(Debug)]
pub struct Claim(Arc<Claims>);

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
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
    claim: Option<Arc<Claim>>,
}

impl Reservation {
    /// Nothing yet, by who has a claim or not.
    pub fn with_claim(claim: Option<Arc<Claim>>) -> Self {
        Self { claim, room: None, bytes: 0, wanted: 0 }
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
    pub fn give_claim_up(&mut self) {
        self.claim = None;
    }

    /// Reserves so much more. Who has the room alone gets all it asks for at first, else a value
    /// bigger than the room could never be read, and then [`ALONE_SHARE`] times what there is.
    pub fn grow(&mut self, room: &Arc<Room>, bytes: u64) -> Reserved {
        let own = self.bytes;
        let bytes_max = room.bytes_max.load(Ordering::Relaxed);
        if own > 0 && own.saturating_add(bytes) > bytes_max.saturating_mul(ALONE_SHARE) {
            return Reserved::Never;
        }
        self.wanted = own.saturating_add(bytes);
        if self.claim.is_none() && room.claims.0.load(Ordering::Relaxed) {
            return Reserved::NotNow;
        }
        let grown = room.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
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
            room.used.fetch_sub(self.bytes, Ordering::Relaxed);
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
        room.replies().store(101, Ordering::Relaxed);
        let (mut one, mut other) = (Reservation::default(), Reservation::default());
        assert!(grow(&mut one, &room, 30) && !grow(&mut other, &room, 1));
    }

    #[test]
    fn nobody_overtakes_who_has_the_claim() {
        let room = Room::new(100);
        let mut small = Reservation::default();
        assert!(grow(&mut small, &room, 10));
        let claim = Arc::new(room.claim().unwrap());
        assert!(room.claim().is_none());
        let mut big = Reservation::with_claim(Some(claim.clone()));
        assert!(!grow(&mut big, &room, 99));
        assert_eq!(big.wanted(), 99);
        assert!(!grow(&mut small, &room, 1) && !grow(&mut Reservation::default(), &room, 1));
        drop(small);
        assert!(grow(&mut big, &room, 99));
        drop(claim);
        assert!(room.claim().is_none(), "its work has the claim, too");
        big.give_claim_up();
        assert!(room.claim().is_some());
        drop(big);
        assert!(grow(&mut Reservation::default(), &room, 1));
    }
}
