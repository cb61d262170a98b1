//! Waiting for room in memory for big values, from try to try.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use basalt_shard::error::CommandError;
use basalt_shard::room::{Place, Reservation};

use crate::execute::eviction;
use crate::execute::eviction::Needed;
use crate::execute::waiting::wait_in_line;
use crate::thread::shard_thread::ShardThread;

/// How long to wait for room in memory.
const ROOM_PATIENCE: Duration = Duration::from_secs(30);

/// There was no room for so many bytes.
pub(crate) struct Lack {
    pub(crate) bytes: u64,
}

/// Waiting for room in memory for big values, from try to try.
pub(crate) struct RoomWait {
    given_up: Instant,
    place: Option<Arc<Place>>,
}

impl RoomWait {
    /// To begin with.
    pub(crate) fn new() -> Self {
        Self { given_up: Instant::now() + ROOM_PATIENCE, place: None }
    }

    /// Its place in the line, once it stands there.
    pub(crate) fn place(&self) -> Option<Arc<Place>> {
        self.place.clone()
    }

    /// It has what it needs.
    pub(crate) fn leave_line(&mut self) {
        self.place = None;
    }

    /// Whether it has waited as long as may be.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.given_up
    }

    /// Waits until another try may find room, or is the last.
    pub(crate) async fn for_room(&mut self, shard_thread: &Rc<ShardThread>, lack: Lack) {
        let room = shard_thread.node.topology.room();
        if self.place.is_none() {
            self.place = room.line().join().map(Arc::new);
        }
        let Some(place) = &self.place else {
            // As many wait as may.
            self.given_up = Instant::now();
            return;
        };
        let may_go = || {
            let has_room = place.is_first() && room.may_have_room_for(lack.bytes);
            has_room.then_some(())
        };
        let lack_of_room = || eviction::Lack {
            bytes: lack.bytes.min(room.replies().load(Ordering::Relaxed)),
            needed: Needed::OfReplies,
            own_bytes: 0,
            is_urgent: false,
        };
        let how = (may_go, lack_of_room);
        wait_in_line(shard_thread, place, how, None, Some(self.given_up)).await;
    }
}

/// Runs `work` on a thread that may block, and again as long as it finds no room in memory for what
/// it gathers. `None`: it panicked.
pub(crate) async fn off_loop_with_room<T: Send + 'static>(
    shard_thread: &Rc<ShardThread>,
    work: impl Fn(&mut Reservation) -> Result<T, CommandError> + Send + Sync + 'static,
) -> Option<Result<T, CommandError>> {
    let work = Arc::new(work);
    let mut wait = RoomWait::new();
    loop {
        let (work, place) = (work.clone(), wait.place());
        let try_once = move || {
            let mut held = Reservation::at(place);
            let done = work(&mut held);
            (done, Lack { bytes: held.wanted() })
        };
        let (done, lack) = shard_thread.off_loop(try_once).await?;
        if !matches!(done, Err(CommandError::NoRoom)) || wait.is_over() {
            return Some(done);
        }
        wait.for_room(shard_thread, lack).await;
    }
}
