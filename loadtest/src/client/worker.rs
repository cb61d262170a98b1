//! One client thread: opens its connections, waits for the start, and keeps them busy in a
//! closed or an open loop until the time or the requests are used up.
//!
//! Closed loop: a connection sends as many requests as its depth at once, waits for all replies,
//! and sends again; the server sets the pace. Open loop: requests come due by the schedule and
//! go to the connections in turn, at most the depth in flight on each; while all are full, due
//! requests wait, and that wait is part of their latency.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventFlags};
use rustix::io::Errno;

use super::connection::{Connection, Lost};
use super::in_flight::InFlight;
use super::tally::Tally;
use crate::error::{Failure, Result};
use crate::histogram::Latencies;
use crate::ledger::Answers;
use crate::rate::Schedule;
use crate::server::Greeting;
use crate::workload::Workload;

/// What one worker is to do.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) addr: SocketAddr,
    pub(crate) greeting: Greeting,
    pub(crate) connections: usize,
    pub(crate) depth: usize,
    pub(crate) pacing: Loop,
    pub(crate) timeout: Duration,
    pub(crate) spin: bool,
    /// How much time one row of the timeline covers.
    pub(crate) interval: Duration,
}

#[derive(Debug)]
pub(crate) enum Loop {
    Closed,
    Open(Schedule),
}

/// The common start of all workers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Go {
    pub(crate) start: Instant,
    pub(crate) warm_up: Duration,
    /// How long to measure; `None`: until the requests are used up.
    pub(crate) duration: Option<Duration>,
    /// This worker's share of the measured requests, where their number is given.
    pub(crate) requests: Option<u64>,
}

/// What a worker shows of itself while it runs; the progress line adds them up.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) replies: AtomicU64,
    pub(crate) errors: AtomicU64,
    /// The longest latency since it was last taken.
    pub(crate) longest_nanos: AtomicU64,
}

pub(crate) struct Worker<'a> {
    plan: Plan,
    workload: Workload,
    progress: &'a Progress,
    epoch: Instant,
    poll: OwnedFd,
    events: Vec<Event>,
    buffer: Vec<u8>,
    connections: Vec<Connection>,
    /// Connections of an open loop that can take a request, the longest unused first.
    spare: VecDeque<usize>,
    is_spare: Vec<bool>,
    /// Connections of an open loop that were given requests in this turn.
    unflushed: Vec<usize>,
    /// Whether requests are being sent: false before the start and after the end.
    issuing: bool,
    measure_from: u64,
    measure_until: u64,
    requests_left: Option<u64>,
    next_sweep: u64,
    last_reply_count: u64,
    last_reply_at: u64,
    /// The interval under way.
    interval: u64,
    tally: Tally,
}

/// As much as a socket's receive buffer usually holds.
const READ_BYTES: usize = 64 * 1024;
const EVENTS_MAX: usize = 256;
/// How often timeouts are looked for and lost connections opened again.
const SWEEP_NANOS: u64 = 100_000_000;
/// How long an open loop may go on sending what came due before the end and still waits.
const OVERTIME_NANOS: u64 = 1_000_000_000;

impl<'a> Worker<'a> {
    pub(crate) fn new(plan: Plan, workload: Workload, progress: &'a Progress) -> Result<Self> {
        Ok(Worker {
            workload,
            progress,
            epoch: Instant::now(),
            poll: epoll::create(CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(EVENTS_MAX),
            buffer: vec![0; READ_BYTES],
            connections: (0..plan.connections).map(|i| Connection::new(i as u64)).collect(),
            spare: VecDeque::with_capacity(plan.connections),
            is_spare: vec![false; plan.connections],
            unflushed: Vec::with_capacity(plan.connections),
            issuing: false,
            measure_from: u64::MAX,
            measure_until: u64::MAX,
            requests_left: None,
            next_sweep: 0,
            last_reply_count: 0,
            last_reply_at: 0,
            interval: 0,
            tally: Tally::new(),
            plan,
        })
    }

    /// Opens all connections; none may fail here.
    pub(crate) fn connect(&mut self) -> Result<()> {
        let now = self.now();
        for index in 0..self.connections.len() {
            self.connections[index]
                .open(&self.poll, &self.plan.addr, now)
                .map_err(|lost| self.refused(lost))?;
        }
        let deadline = now + nanos(self.plan.timeout);
        while !self.connections.iter().all(Connection::is_ready) {
            if self.now() > deadline {
                return Err(Failure::new(format!(
                    "{}: {} connections not open after {:?}",
                    self.plan.addr,
                    self.connections.iter().filter(|c| !c.is_ready()).count(),
                    self.plan.timeout
                )));
            }
            self.wait(SWEEP_NANOS)?;
            for at in 0..self.events.len() {
                let event = self.events[at];
                self.serve(event).map_err(|(_, lost)| self.refused(lost))?;
            }
        }
        Ok(())
    }

    /// Waits for the start, runs, and gives what was counted. No start: the run was called off.
    /// Gives each interval's latencies as soon as it is over.
    pub(crate) fn run(
        mut self,
        start: &Receiver<Go>,
        interval_over: impl Fn(u64, Latencies),
    ) -> Result<Tally> {
        let Ok(go) = start.recv() else { return Ok(self.tally) };
        self.begin(go);
        while self.issuing || self.connections.iter().any(|c| !c.in_flight.is_empty()) {
            let now = self.now();
            self.end_if_over(now);
            self.issue_due(now);
            let interval = now / nanos(self.plan.interval).max(1);
            if interval > self.interval {
                interval_over(self.interval, self.tally.take_recent());
                self.interval = interval;
            }
            if now >= self.next_sweep {
                self.sweep(now)?;
            }
            self.wait(self.idle_nanos())?;
            for at in 0..self.events.len() {
                let event = self.events[at];
                if let Err((index, lost)) = self.serve(event) {
                    self.lose(index, lost);
                }
            }
            self.show();
        }
        interval_over(self.interval, self.tally.take_recent());
        if let Workload::Recorded(authors) = self.workload {
            let answers = std::mem::take(&mut self.tally.answers);
            self.tally.writers = authors.into_writers(answers);
        }
        Ok(self.tally)
    }

    fn begin(&mut self, go: Go) {
        // One clock for all workers: the common start is its zero.
        self.epoch = go.start;
        let now = self.now();
        self.measure_from = nanos(go.warm_up);
        if let Some(duration) = go.duration {
            self.measure_until = self.measure_from + nanos(duration);
        }
        self.requests_left = go.requests;
        self.next_sweep = now + SWEEP_NANOS;
        self.last_reply_at = now;
        if self.workload.is_recorded() {
            self.tally.answers.resize_with(self.connections.len(), Answers::default);
        }
        self.issuing = go.requests != Some(0);
        for index in 0..self.connections.len() {
            self.connections[index].last_progress = now;
            if let Err(lost) = self.go_on(index, now) {
                self.lose(index, lost);
            }
        }
    }

    /// Takes note of the end of the time.
    fn end_if_over(&mut self, now: u64) {
        if !self.issuing {
            return;
        }
        match &mut self.plan.pacing {
            Loop::Closed => self.issuing = now < self.measure_until,
            Loop::Open(schedule) => {
                let all_sent = schedule.due() >= self.measure_until;
                if all_sent || now > self.measure_until.saturating_add(OVERTIME_NANOS) {
                    self.issuing = false;
                    while schedule.due() < self.measure_until {
                        self.tally.unsent += 1;
                        schedule.advance();
                    }
                }
            }
        }
    }

    /// A connection is ready and may have room: give it work, or make it known as spare.
    fn go_on(&mut self, index: usize, now: u64) -> std::result::Result<(), Lost> {
        if !self.issuing || !self.connections[index].is_ready() {
            return Ok(());
        }
        match self.plan.pacing {
            Loop::Closed if self.connections[index].in_flight.is_empty() => {
                self.send_batch(index, now)
            }
            Loop::Closed => Ok(()),
            Loop::Open(_) => {
                let room = self.connections[index].in_flight.len() < self.plan.depth;
                if room && !self.is_spare[index] {
                    self.is_spare[index] = true;
                    self.spare.push_back(index);
                }
                Ok(())
            }
        }
    }

    fn send_batch(&mut self, index: usize, now: u64) -> std::result::Result<(), Lost> {
        if now >= self.measure_until {
            self.issuing = false;
            return Ok(());
        }
        let measured = now >= self.measure_from;
        let mut count = self.plan.depth;
        if let Some(left) = self.requests_left.as_mut().filter(|_| measured) {
            count = count.min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= count as u64;
            self.issuing = *left > 0;
        }
        let connection = &mut self.connections[index];
        for _ in 0..count {
            let command = self.workload.append_next(index, now, &mut connection.output);
            let request = InFlight { command, connection: index, measured, intended: now };
            connection.in_flight.push_back(request);
        }
        connection.last_progress = now;
        connection.flush(&self.poll)
    }

    /// Open loop: sends all that is due, as far as there are connections with room.
    fn issue_due(&mut self, now: u64) {
        let Loop::Open(schedule) = &mut self.plan.pacing else { return };
        if !self.issuing {
            return;
        }
        while schedule.due() <= now && schedule.due() < self.measure_until {
            let Some(index) = self.spare.pop_front() else { break };
            self.is_spare[index] = false;
            let connection = &mut self.connections[index];
            if !connection.is_ready() {
                continue;
            }
            let intended = schedule.due();
            schedule.advance();
            let measured = intended >= self.measure_from;
            if measured {
                self.tally.send_delay.saturating_record(now - intended);
            }
            let command = self.workload.append_next(index, now, &mut connection.output);
            if connection.in_flight.is_empty() {
                connection.last_progress = now;
            }
            let request = InFlight { command, connection: index, measured, intended };
            connection.in_flight.push_back(request);
            self.unflushed.push(index);
            if connection.in_flight.len() < self.plan.depth {
                self.is_spare[index] = true;
                self.spare.push_back(index);
            }
        }
        while let Some(index) = self.unflushed.pop() {
            if let Err(lost) = self.connections[index].flush(&self.poll) {
                self.lose(index, lost);
            }
        }
    }

    /// How long there is nothing to do but wait for the sockets.
    fn idle_nanos(&self) -> u64 {
        if self.plan.spin {
            return 0;
        }
        let now = self.now();
        let mut until = self.next_sweep;
        if let (Loop::Open(schedule), true) = (&self.plan.pacing, self.issuing)
            && !self.spare.is_empty()
        {
            until = until.min(schedule.due());
        }
        until.saturating_sub(now)
    }

    fn wait(&mut self, nanos: u64) -> Result<()> {
        self.events.clear();
        let timeout = Timespec {
            tv_sec: (nanos / 1_000_000_000) as i64,
            tv_nsec: (nanos % 1_000_000_000) as i64,
        };
        let room = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.poll, room, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn serve(&mut self, event: Event) -> std::result::Result<(), (usize, Lost)> {
        let index = event.data.u64() as usize;
        let flags = event.flags;
        let epoch = self.epoch;
        let now = || nanos(epoch.elapsed());
        let connection = &mut self.connections[index];
        let mut result = Ok(());
        if flags.contains(EventFlags::OUT) {
            result = connection.writable(&self.poll, &self.plan.greeting);
        }
        if result.is_ok() && flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            result = connection.receive(&mut self.buffer, now, &mut self.tally);
        }
        if result.is_ok() {
            // After a read, its time serves for the next sending too.
            let read_at = connection.last_progress;
            let now = if flags.contains(EventFlags::OUT) { now() } else { read_at };
            result = self.go_on(index, now);
        }
        result.map_err(|lost| (index, lost))
    }

    /// Accounts for a lost connection; the sweep opens it again.
    fn lose(&mut self, index: usize, lost: Lost) {
        let now = self.now();
        let errors = &mut self.tally.errors;
        match lost {
            Lost::Connect(_) => errors.connect_failures += 1,
            Lost::Closed(_) => errors.disconnects += 1,
            Lost::Protocol => errors.protocol += 1,
            Lost::Greeting(text) => errors.reply(text.as_bytes()),
        }
        let connection = &mut self.connections[index];
        errors.lost_requests += connection.in_flight.len() as u64;
        connection.in_flight.clear();
        connection.close(now);
        self.gone(index, now);
    }

    /// A connection is closed. In a recorded run it stays so: what it had in flight may happen
    /// later than what a new connection sends.
    fn gone(&mut self, index: usize, now: u64) {
        self.tally.lost(index, now);
        let all_are = || self.connections.iter().all(|c| c.down_since().is_some());
        if self.workload.is_recorded() && all_are() {
            self.issuing = false;
        }
    }

    /// Gives up silent connections and opens lost ones again.
    fn sweep(&mut self, now: u64) -> Result<()> {
        self.next_sweep = now + SWEEP_NANOS;
        let timeout = nanos(self.plan.timeout);
        for index in 0..self.connections.len() {
            let connection = &mut self.connections[index];
            if connection.is_waiting() && now.saturating_sub(connection.last_progress) > timeout {
                if !connection.is_ready() {
                    self.tally.errors.connect_failures += 1;
                }
                while let Some(request) = connection.in_flight.pop_front() {
                    self.tally.timed_out(request, now);
                }
                connection.close(now);
                self.gone(index, now);
            }
            let connection = &mut self.connections[index];
            let rested = connection.down_since().is_some_and(|since| now >= since + SWEEP_NANOS);
            if rested
                && self.issuing
                && !self.workload.is_recorded()
                && let Err(lost) = connection.open(&self.poll, &self.plan.addr, now)
            {
                self.lose(index, lost);
            }
        }
        if self.tally.replies > self.last_reply_count {
            self.last_reply_count = self.tally.replies;
            self.last_reply_at = now;
        }
        // A run by time ends by itself; one by requests would wait for a dead server for ever.
        if self.requests_left.is_some() && now - self.last_reply_at > timeout.saturating_mul(3) {
            return Err(Failure::new(format!(
                "{}: no reply for {:?}; the run is given up",
                self.plan.addr,
                self.plan.timeout * 3
            )));
        }
        Ok(())
    }

    fn show(&mut self) {
        self.progress.replies.store(self.tally.replies, Relaxed);
        if self.tally.longest_recent > 0 {
            self.progress.longest_nanos.fetch_max(self.tally.longest_recent, Relaxed);
            self.tally.longest_recent = 0;
        }
        self.progress.errors.store(self.tally.errors.total(), Relaxed);
    }

    fn now(&self) -> u64 {
        nanos(self.epoch.elapsed())
    }

    fn refused(&self, lost: Lost) -> Failure {
        let why = match lost {
            Lost::Connect(text) | Lost::Closed(text) => text,
            Lost::Protocol => "the answer is no RESP".to_owned(),
            Lost::Greeting(text) => format!("login refused: {text}"),
        };
        Failure::new(format!("{}: {why}", self.plan.addr))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
