//! Which of a thread's sockets can be read or written: one epoll set a thread, itself watched by
//! the thread's ring.
//!
//! A ring can watch every socket by itself, but one request at a time for each: a poll to be set
//! up, completed and freed for every command. An edge-triggered epoll set is told of a socket once.
//! So the ring has one poll under way for the whole set; when that completes, the set says which
//! sockets are ready, and their tasks are woken.
//!
//! Falling asleep in the ring and waking up takes a dozen system calls of the executor's. A thread
//! that has something to do again within a millisecond dozes instead: it waits for the set itself,
//! and goes to the ring every few milliseconds, for the sake of timers.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use slab::Slab;

use crate::runtime;
use crate::runtime::Bell;

/// Sockets that one look at the set tells of.
const EVENTS_MAX: usize = 256;
/// What the set calls the bell.
const BELL: u64 = u64::MAX;
/// How long a thread dozes before it goes to sleep.
const DOZE_MS: isize = 1;
/// How long it goes on without the ring.
const RING_EVERY: Duration = Duration::from_millis(2);
/// The shortest sleep there is.
const GLANCE: Duration = Duration::from_micros(1);
/// Times that tasks which are ready have their turn before the sockets are looked at again.
const ROUNDS: usize = 3;
/// How long to wait when the ring cannot watch the set, for want of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(1);

/// One of the two directions of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// What is known of one direction of a socket.
struct Readiness {
    /// A try is worth it: nobody has found yet that it would block.
    is_ready: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl Readiness {
    fn new() -> Self {
        Self { is_ready: Cell::new(true), waiting: RefCell::default() }
    }

    fn note(&self) {
        self.is_ready.set(true);
        if let Some(waker) = self.waiting.borrow_mut().take() {
            waker.wake();
        }
    }
}

/// What is known of a socket.
struct Known {
    read: Readiness,
    write: Readiness,
    /// The other side has ended it, or it failed: reading never blocks, and there is no more news.
    has_ended: Cell<bool>,
}

impl Known {
    fn of(&self, direction: Direction) -> &Readiness {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    fn note(&self, flags: EpollFlags) {
        let failed = flags.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR);
        if failed || flags.contains(EpollFlags::EPOLLRDHUP) {
            self.has_ended.set(true);
        }
        if self.has_ended.get() || flags.contains(EpollFlags::EPOLLIN) {
            self.read.note();
        }
        if failed || flags.contains(EpollFlags::EPOLLOUT) {
            self.write.note();
        }
    }
}

/// A socket's place in its thread's set, until it is dropped.
pub(crate) struct Registered {
    known: Rc<Known>,
    place: usize,
}

impl Registered {
    /// Puts a socket into the set of the calling thread. When the socket is closed it leaves it.
    pub(crate) fn new(socket: BorrowedFd<'_>) -> io::Result<Self> {
        SOCKETS.with(|sockets| sockets.add(socket))
    }

    /// Whether the other side has ended it, or it failed.
    pub(crate) fn has_ended(&self) -> bool {
        self.known.has_ended.get()
    }

    /// Whether it is worth a try.
    pub(crate) fn is_ready(&self, direction: Direction) -> bool {
        self.known.of(direction).is_ready.get()
    }

    /// A try has done less than it could have: the next one would block.
    pub(crate) fn exhausted(&self, direction: Direction) {
        // An end that has come behind the last bytes is not told once more.
        if direction == Direction::Write || !self.known.has_ended.get() {
            self.known.of(direction).is_ready.set(false);
        }
    }

    /// A try would have blocked: `waker` is woken when it would not.
    pub(crate) fn blocked(&self, direction: Direction, waker: &Waker) {
        let readiness = self.known.of(direction);
        readiness.is_ready.set(false);
        let mut waiting = readiness.waiting.borrow_mut();
        if !waiting.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *waiting = Some(waker.clone());
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        SOCKETS.with(|sockets| sockets.places.borrow_mut().try_remove(self.place));
    }
}

#[derive(Default)]
struct Sockets {
    epoll: OnceCell<Epoll>,
    places: RefCell<Slab<Rc<Known>>>,
}

thread_local! {
    static SOCKETS: Sockets = Sockets::default();
}

impl Sockets {
    fn epoll(&self) -> io::Result<&Epoll> {
        if let Some(epoll) = self.epoll.get() {
            return Ok(epoll);
        }
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        Ok(self.epoll.get_or_init(|| epoll))
    }

    fn add(&self, socket: BorrowedFd<'_>) -> io::Result<Registered> {
        let known = Rc::new(Known {
            read: Readiness::new(),
            write: Readiness::new(),
            has_ended: Cell::new(false),
        });
        let place = self.places.borrow_mut().insert(known.clone());
        let flags = EpollFlags::EPOLLIN
            | EpollFlags::EPOLLOUT
            | EpollFlags::EPOLLRDHUP
            | EpollFlags::EPOLLET;
        let registered = Registered { known, place };
        self.epoll()?.add(socket, EpollEvent::new(flags, place as u64))?;
        Ok(registered)
    }

    fn watch_bell(&self, bell: &Bell) -> io::Result<()> {
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        Ok(self.epoll()?.add(bell, EpollEvent::new(flags, BELL))?)
    }

    /// Waits so long until a socket has become ready, or the bell has rung, and wakes the tasks of
    /// all such sockets. Returns how many of all these there were.
    fn look(&self, events: &mut [EpollEvent], mut wait_ms: isize) -> io::Result<usize> {
        let epoll = self.epoll()?;
        let mut seen = 0;
        loop {
            let count = match epoll.wait(events, wait_ms) {
                Err(nix::errno::Errno::EINTR) => 0,
                other => other?,
            };
            let places = self.places.borrow();
            for event in &events[..count] {
                // A place may be another socket's by now: that one is tried in vain, once.
                if let Some(known) =
                    usize::try_from(event.data()).ok().and_then(|at| places.get(at))
                {
                    known.note(event.events());
                }
            }
            seen += count;
            wait_ms = 0;
            if count < events.len() {
                return Ok(seen);
            }
        }
    }
}

/// Wakes the tasks of this thread's sockets when they are ready, for ever; and by `look`, which
/// says whether it did, the task that `bell` rings for.
pub(crate) async fn watch(bell: &Bell, look: impl Fn() -> bool) {
    let mut watcher = Watcher { events: vec![EpollEvent::empty(); EVENTS_MAX], bell, look };
    let mut is_reported = false;
    while let Err(error) = SOCKETS.with(|sockets| sockets.watch_bell(bell)) {
        if !std::mem::replace(&mut is_reported, true) {
            tracing::error!(%error, "a shard cannot be woken yet, and looks by itself");
        }
        (watcher.look)();
        runtime::sleep(PAUSE).await;
    }
    loop {
        let (fell_asleep, polls) = (Instant::now(), runtime::polls());
        watcher.sleep().await;
        // Unless others ran meanwhile.
        if runtime::polls() == polls + 1 {
            runtime::has_slept(fell_asleep);
        }
        let woke_up = Instant::now();
        let may_doze = woke_up - fell_asleep < Duration::from_millis(DOZE_MS as u64);
        if watcher.stay_awake(woke_up + RING_EVERY, may_doze).await.is_err() {
            runtime::sleep(PAUSE).await;
        }
    }
}

struct Watcher<'a, Look> {
    events: Vec<EpollEvent>,
    bell: &'a Bell,
    look: Look,
}

impl<Look: Fn() -> bool> Watcher<'_, Look> {
    /// Waits in the ring until there is something to do for the tasks of sockets or of the bell.
    async fn sleep(&self) {
        self.bell.fall_asleep();
        if (self.look)() {
            // Through the ring anyway: timers wait there, and the end of the thread.
            runtime::sleep(GLANCE).await;
        } else {
            let set = SOCKETS.with(|sockets| sockets.epoll()?.0.try_clone());
            match set {
                Ok(set) => runtime::readable(set).await,
                Err(_) => runtime::sleep(PAUSE).await,
            }
        }
        self.bell.wake_up();
    }

    /// Looks what there is to do, until `until`, or until it is time to sleep.
    async fn stay_awake(&mut self, until: Instant, may_doze: bool) -> io::Result<()> {
        let mut wait_ms = 0;
        let mut fell_asleep = until;
        loop {
            if wait_ms > 0 {
                self.bell.fall_asleep();
                if (self.look)() {
                    wait_ms = 0;
                }
                fell_asleep = Instant::now();
            }
            let seen = SOCKETS.with(|sockets| sockets.look(&mut self.events, wait_ms));
            self.bell.wake_up();
            if wait_ms > 0 {
                runtime::has_slept(fell_asleep);
            }
            runtime::begin_turn();
            if seen? == 0 && wait_ms > 0 {
                return Ok(());
            }
            (self.look)();
            // Those who were woken, and then the end of the turn, for which they have asked.
            let mut is_quiet = false;
            for _ in 0..ROUNDS {
                is_quiet = is_quiet || runtime::give_others_their_turn().await;
            }
            if Instant::now() >= until || (is_quiet && !may_doze) {
                return Ok(());
            }
            wait_ms = if is_quiet { DOZE_MS } else { 0 };
        }
    }
}
