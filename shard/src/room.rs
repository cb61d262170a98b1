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

    /// Bytes that are reserved.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Where replies on their way to clients are counted: they leave less room.
    pub fn replies(&self) -> &AtomicU64 {
        &self.replies
    }

    /// To be the next to get room; `None` when somebody else is.
    pub fn claim(&self) -> Option<Claim> {
        self.claims.claim()
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

/// What one piece of work has reserved, until this is dropped.
#[derive(Debug, Default)]
pub struct Reservation {
    room: Option<Arc<Room>>,
    bytes: u64,
    claim: Option<Arc<Claim>>,
}

impl Reservation {
    /// Nothing yet, by who has a claim or not.
    pub fn with_claim(claim: Option<Arc<Claim>>) -> Self {
        Self { room: None, bytes: 0, claim }
    }

    /// Reserves so much more; whether there is room. Who has the room alone gets all it asks for:
    /// else a value bigger than the room could never be read. But not while replies alone take all
    /// of it.
    pub fn grow(&mut self, room: &Arc<Room>, bytes: u64) -> bool {
        if self.claim.is_none() && room.claims.0.load(Ordering::Relaxed) {
            return false;
        }
        let bytes_max = room.bytes_max.load(Ordering::Relaxed);
        let replies = room.replies.load(Ordering::Relaxed);
        if replies > bytes_max {
            return false;
        }
        let own = self.bytes;
        let grown = room.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            let after = used.saturating_add(bytes);
            let bytes_max = bytes_max - replies;
            (used == own || after <= bytes_max).then_some(after)
        });
        if grown.is_err() {
            return false;
        }
        self.bytes += bytes;
        self.room.get_or_insert_with(|| room.clone());
        true
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

    #[test]
    fn what_does_not_fit_beside_others_waits_and_alone_it_goes() {
        let room = Room::new(100);
        let mut one = Reservation::default();
        let mut other = Reservation::default();
        assert!(one.grow(&room, 60) && other.grow(&room, 40));
        assert!(!one.grow(&room, 1) && !other.grow(&room, 1));
        drop(other);
        assert_eq!(room.used(), 60);
        // Alone.
        assert!(one.grow(&room, 500));
        assert!(!Reservation::default().grow(&room, 1));
        drop(one);
        assert_eq!(room.used(), 0);
        room.resize(10);
        let (mut one, mut other) = (Reservation::default(), Reservation::default());
        assert!(one.grow(&room, 5) && !other.grow(&room, 6) && other.grow(&room, 5));
    }

    #[test]
    fn replies_that_nobody_takes_leave_no_room() {
        let room = Room::new(100);
        room.replies().store(60, Ordering::Relaxed);
        let (mut one, mut other) = (Reservation::default(), Reservation::default());
        assert!(one.grow(&room, 30) && !other.grow(&room, 20) && other.grow(&room, 10));
        drop((one, other));
        assert!(Reservation::default().grow(&room, 1000), "alone");
        room.replies().store(101, Ordering::Relaxed);
        assert!(!Reservation::default().grow(&room, 1));
    }

    #[test]
    fn nobody_overtakes_who_has_the_claim() {
        let room = Room::new(100);
        let mut small = Reservation::default();
        assert!(small.grow(&room, 10));
        let claim = Arc::new(room.claim().unwrap());
        assert!(room.claim().is_none());
        let mut big = Reservation::with_claim(Some(claim.clone()));
        assert!(!big.grow(&room, 99));
        assert!(!small.grow(&room, 1) && !Reservation::default().grow(&room, 1));
        drop(small);
        assert!(big.grow(&room, 99));
        drop(claim);
        assert!(room.claim().is_none(), "its work has the claim, too");
        drop(big);
        assert!(room.claim().is_some());
        assert!(Reservation::default().grow(&room, 1));
    }
}
