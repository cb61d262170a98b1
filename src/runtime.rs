//! The executor of a shard's thread: the thin layer over glommio. Nothing else names the crate.

mod bell;
mod courtesy;
mod turn_clock;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use basalt_shard::table::CommandId;
use glommio::{LocalExecutorBuilder, Placement};

use crate::sys;
pub(crate) use bell::Bell;
use courtesy::Courtesy;
use turn_clock::TurnClock;
pub(crate) use turn_clock::{LONG as LONG_TURN, LongTurn, TurnTotals, Usage};

/// Entries of a thread's rings. More requests than this wait for their turn in a queue.
const RING_ENTRIES: usize = 256;

/// How long tasks that are always ready again may run before the sockets have their turn: a task
/// that yields goes to the end of the queue, and the rings are looked at when the queue is empty.
const SOCKETS_EVERY: Duration = Duration::from_millis(5);
/// A task that sleeps this long is not ready: the queue can become empty.
const PAUSE: Duration = Duration::from_micros(50);

/// When the executor is to leave tasks that are ready alone and look at the rings: never, that is
/// what [`yield_now`] does. If this timer has run out before the executor comes to its first task
/// (the thread lost its core in between), glommio 0.9 takes that for having nothing to do, and
/// sleeps until something happens on a socket, whatever waits to be run.
const PREEMPT_AFTER: Duration = Duration::from_secs(3600);

/// Registered I/O memory of an executor. File I/O is RocksDB's; glommio only needs a little.
const IO_MEMORY_BYTES: usize = 64 << 10;

/// Starts a thread named `name` that runs `make()` to its end on an executor of its own.
pub(crate) fn start<F>(
    name: &str,
    cpu: Option<usize>,
    make: impl FnOnce() -> F + Send + 'static,
) -> Result<std::thread::JoinHandle<()>, String>
where
    F: Future<Output = ()> + 'static,
{
    let placement = cpu.map_or(Placement::Unbound, Placement::Fixed);
    let thread_name = name.to_owned();
    let (report, started) = crossbeam_channel::bounded(1);
    let handle = std::thread::Builder::new()
        .name(thread_name.clone())
        .spawn(move || {
            sys::take_short_slices();
            let executor = LocalExecutorBuilder::new(placement)
                .name(&thread_name)
                .ring_depth(RING_ENTRIES)
                .preempt_timer(PREEMPT_AFTER)
                .io_memory(IO_MEMORY_BYTES)
                .make();
            match executor {
                Ok(executor) => {
                    let _ = report.send(Ok(()));
                    let run = || executor.run(async move { timed("messages", make()).await });
                    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
                        // A shard that nobody runs would keep its clients waiting for ever; after
                        // a restart everything acknowledged is there.
                        tracing::error!("the executor of {thread_name} failed: aborting");
                        std::process::abort();
                    }
                }
                Err(error) => {
                    let _ = report.send(Err(error.to_string()));
                }
            }
        })
        .map_err(|error| error.to_string())?;
    match started.recv() {
        Ok(Ok(())) => Ok(handle),
        Ok(Err(error)) => Err(format!(
            "io_uring is not available here: {error}. Basalt needs Linux 5.8 or newer, \
             kernel.io_uring_disabled = 0, at least 512 KiB of locked memory a shard \
             (ulimit -l), and in containers a seccomp profile that allows io_uring."
        )),
        Err(_) => Err("the thread ended before it started".into()),
    }
}

/// Runs `future` on this thread, beside the others. A panic in it ends only itself. `task` is what
/// it is called when it keeps the thread too long.
pub(crate) fn spawn(task: &'static str, future: impl Future<Output = ()> + 'static) {
    glommio::spawn_local(timed(task, contained(future))).detach();
}

thread_local! {
    static CLOCK: RefCell<TurnClock> = RefCell::new(TurnClock::new(Instant::now()));
    /// Polls of tasks so far.
    static POLLS: Cell<u64> = const { Cell::new(0) };
    static COURTESY: RefCell<Courtesy> = RefCell::new(Courtesy::new(Instant::now()));
}

/// `future`, with its polls timed for the clock of the thread's turns.
async fn timed(task: &'static str, future: impl Future<Output = ()>) {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        // The executor counts the runs of its queue, and starts the count anew when it is asked:
        // none since the last poll says that the rings were not looked at in between.
        if glommio::executor().executor_stats().scheduler_runs() > 0 {
            begin_turn();
        }
        POLLS.set(POLLS.get() + 1);
        let polled = future.as_mut().poll(context);
        CLOCK.with_borrow_mut(|clock| clock.end_poll(task, Instant::now(), Usage::of_thread));
        polled
    })
    .await;
}

/// The same for a task without which the thread is of no use: a panic in it ends the process, which
/// after a restart has everything that was acknowledged.
pub(crate) fn spawn_vital(task: &'static str, future: impl Future<Output = ()> + 'static) {
    glommio::spawn_local(timed(task, async move {
        contained(future).await;
        tracing::error!("{task} has ended: aborting");
        std::process::abort();
    }))
    .detach();
}

/// For the clock: the thread has looked at its sockets.
pub(crate) fn begin_turn() {
    CLOCK.with_borrow_mut(|clock| clock.begin_turn(Instant::now(), Usage::of_thread));
}

/// For the clock: the current task ran a command that took so long.
pub(crate) fn note_command(command: CommandId, nanoseconds: u64) {
    CLOCK.with_borrow_mut(|clock| clock.ran(command, nanoseconds));
}

/// The turns of this thread so far.
pub(crate) fn turns() -> TurnTotals {
    CLOCK.with_borrow(|clock| clock.totals.clone())
}

/// The longest turn of this thread since the last time.
pub(crate) fn take_worst_turn() -> Option<LongTurn> {
    CLOCK.with_borrow_mut(TurnClock::take_worst)
}

/// Counts the turns of this thread from zero again.
pub(crate) fn reset_turns() {
    CLOCK.with_borrow_mut(TurnClock::reset);
}

/// `future`, with a panic in it logged instead of passed on: one bad command must not take the
/// core down with everybody's connections.
async fn contained(future: impl Future<Output = ()> + 'static) {
    use futures_lite::FutureExt;
    if std::panic::AssertUnwindSafe(future).catch_unwind().await.is_err() {
        tracing::error!("a task panicked and was ended; this is a bug, please report it");
    }
}

/// Waits until `descriptor` can be read.
///
/// glommio has that for its own streams only: a stream that is made over a descriptor has the ring
/// poll it, and tries to receive from it when the poll has completed. That this fails where it is
/// no socket does not matter.
pub(crate) async fn readable(descriptor: OwnedFd) {
    let mut stream = sys::stream_over(descriptor);
    let _ = futures_lite::AsyncReadExt::read(&mut stream, &mut [0]).await;
}

/// Waits for `time`.
pub(crate) async fn sleep(time: Duration) {
    glommio::timer::sleep(time).await;
}

/// The thread had nothing to do since `fell_asleep`.
pub(crate) fn has_slept(fell_asleep: Instant) {
    COURTESY.with_borrow_mut(|courtesy| courtesy.has_slept(fell_asleep.elapsed()));
}

/// At the end of a turn: lets other threads have the core, if they want it for a short time.
pub(crate) fn give_way() {
    COURTESY.with_borrow_mut(|courtesy| {
        courtesy.end_of_turn(Instant::now(), || {
            std::thread::yield_now();
            Instant::now()
        });
    });
}

/// Polls of this thread's tasks so far, the current one included.
pub(crate) fn polls() -> u64 {
    POLLS.get()
}

/// Lets every task that is ready run once, and says that there was none.
pub(crate) async fn give_others_their_turn() -> bool {
    let before = polls();
    futures_lite::future::yield_now().await;
    polls() == before + 1
}

/// Lets the other tasks of this thread, and the sockets, have their turn.
pub(crate) async fn yield_now() {
    let turn = CLOCK.with_borrow(|clock| clock.age(Instant::now()));
    if turn < SOCKETS_EVERY {
        futures_lite::future::yield_now().await;
    } else {
        glommio::timer::sleep(PAUSE).await;
    }
}
