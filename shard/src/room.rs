//! Room in memory for values too big to be overlooked, over all threads: who is about to read one
//! from the disk reserves as much as it will take, and tries again later when there is no room.
//! Without it a few clients that ask for a few big values at the same time could take more memory
//! than there is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// See the module.
#[derive(Debug)]
pub struct Room {
    bytes_max: AtomicU64,
    used: AtomicU64,
}

impl Room {
    /// Room for so many bytes.
    pub fn new(bytes_max: u64) -> Arc<Self> {
        Arc::new(Self { bytes_max: AtomicU64::new(bytes_max), used: AtomicU64::new(0) })
    }

    /// Changes how much there is. What is reserved stays so.
    pub fn resize(&self, bytes_max: u64) {
        self.bytes_max.store(bytes_max, Ordering::Relaxed);
    }

    /// Bytes that are reserved.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

/// What one piece of work has reserved, until this is dropped.
#[derive(Debug, Default)]
pub struct Reservation {
    room: Option<Arc<Room>>,
    bytes: u64,
}

impl Reservation {
    /// Reserves so much more; whether there is room. Who has the room alone gets all it asks for:
    /// else a value bigger than the room could never be read.
    pub fn grow(&mut self, room: &Arc<Room>, bytes: u64) -> bool {
        let bytes_max = room.bytes_max.load(Ordering::Relaxed);
        let own = self.bytes;
        let grown = room.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            let after = used.saturating_add(bytes);
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
}
