//! One run against one server: starts the workers, shows progress, takes the server's CPU time
//! at both ends of the measured part, and puts everything together.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::args::LoadArgs;
use crate::client::{Errors, Go, Loop, Plan, Progress, Tally, Worker};
use crate::error::{Failure, Result};
use crate::histogram::{Latencies, Summary};
use crate::ledger::{self, Authors, Ledger};
use crate::process::{self, CpuTime, Memory};
use crate::progress::{Line, Moment, Snapshot};
use crate::rate::Schedule;
use crate::rng::Rng;
use crate::server::{Greeting, Server};
use crate::timeline::Timeline;
use crate::workload::{Mixed, Prefill, Workload};

/// The figures of one run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) elapsed: Duration,
    /// Replies to measured requests.
    pub(crate) requests: u64,
    pub(crate) overall: Summary,
    pub(crate) commands: Vec<(&'static str, Summary)>,
    pub(crate) nils: u64,
    pub(crate) errors: Errors,
    /// Open loop: how late requests were sent, and how many never.
    pub(crate) send_delay: Option<Summary>,
    pub(crate) unsent: u64,
    pub(crate) server_cpu: Option<CpuTime>,
    pub(crate) server_memory: Option<Memory>,
    /// The busiest client thread's share of a CPU.
    pub(crate) client_busy: f64,
    pub(crate) timeline: Vec<Moment>,
    /// Where one was asked for.
    pub(crate) ledger: Option<Ledger>,
}

impl Outcome {
    pub(crate) fn throughput(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    /// Microseconds of the server's CPU per operation: user and system.
    pub(crate) fn cpu_per_operation(&self) -> Option<(f64, f64)> {
        let cpu = self.server_cpu.filter(|_| self.requests > 0)?;
        let per_operation = |time: Duration| time.as_secs_f64() * 1e6 / self.requests as f64;
        Some((per_operation(cpu.user), per_operation(cpu.system)))
    }
}

/// The measured run; with a run's number it keeps a ledger.
pub(crate) fn measure(server: &Server, load: &LoadArgs, run: Option<u64>) -> Result<Outcome> {
    let threads = load.threads;
    let jobs = (0..threads)
        .map(|thread| {
            let pacing = match load.rate {
                None => Loop::Closed,
                Some(rate) => {
                    // A stream of its own, so that the rate does not change the requests.
                    let rng = Rng::for_stream(!load.seed, thread as u64);
                    Loop::Open(Schedule::new(load.arrivals, rate, thread, threads, rng))
                }
            };
            let connections = share(u64::from(load.connections), thread, threads) as usize;
            let workload = match run {
                None => Workload::Mixed(Mixed::new(load, thread)?),
                Some(run) => Workload::Recorded(Authors::new(load, run, thread, connections)?),
            };
            Ok(Job {
                plan: Plan {
                    addr: server.socket,
                    greeting: Greeting::new(&load.login),
                    connections,
                    depth: load.pipeline as usize,
                    pacing,
                    timeout: load.timeout,
                    spin: load.spin,
                    interval: load.interval,
                },
                workload,
                cpu: cpu_of(load, thread),
                requests: load.requests.map(|total| share(total, thread, threads)),
            })
        })
        .collect::<Result<Vec<Job>>>()?;
    let mut span =
        Span { warm_up: load.warm_up, duration: Some(load.duration), interval: load.interval };
    let mut jobs = jobs;
    match (load.requests, load.rate) {
        // A schedule says how long a number of requests takes.
        (Some(total), Some(rate)) => {
            span.duration = Some(Duration::from_secs_f64(total as f64 / rate));
            jobs.iter_mut().for_each(|job| job.requests = None);
        }
        (Some(_), None) => span.duration = None,
        (None, _) => {}
    }
    let line = Line::new(&server.name, load.quiet);
    let mut raw = execute(jobs, span, server.pid, line)?;
    let ledger = run.map(|run| Ledger {
        run,
        prefix: ledger::prefix_of(&load.key_prefix, run),
        began_unix_micros: raw.began_unix_micros,
        writers: std::mem::take(&mut raw.tally.writers),
    });
    Ok(Outcome { ledger, ..raw.into_outcome(server, load.rate.is_some()) })
}

/// Writes all keys. An error here ends the run: a load on half a data set would mislead.
pub(crate) fn prefill(server: &Server, load: &LoadArgs) -> Result<(u64, Duration)> {
    const DEPTH: usize = 64;
    const CONNECTIONS_MAX: usize = 16;
    let threads = load.threads.min(CONNECTIONS_MAX);
    let connections = (load.connections as usize).min(CONNECTIONS_MAX);
    let jobs = (0..threads)
        .map(|thread| {
            let (workload, count) = Prefill::new(load, thread, threads)?;
            Ok(Job {
                plan: Plan {
                    addr: server.socket,
                    greeting: Greeting::new(&load.login),
                    connections: share(connections as u64, thread, threads) as usize,
                    depth: DEPTH,
                    pacing: Loop::Closed,
                    timeout: load.timeout,
                    spin: false,
                    interval: load.interval,
                },
                workload: Workload::Prefill(workload),
                cpu: cpu_of(load, thread),
                requests: Some(count),
            })
        })
        .collect::<Result<Vec<Job>>>()?;
    let span = Span { warm_up: Duration::ZERO, duration: None, interval: load.interval };
    let line = Line::new(&format!("{} prefill", server.name), load.quiet);
    let run = execute(jobs, span, None, line)?;
    if run.tally.errors.total() > 0 {
        return Err(Failure::new(format!(
            "{}: the prefill met errors: {:?}",
            server.addr, run.tally.errors
        )));
    }
    Ok((run.tally.measured, run.elapsed))
}

/// One worker's work.
struct Job {
    plan: Plan,
    workload: Workload,
    cpu: Option<usize>,
    requests: Option<u64>,
}

#[derive(Clone, Copy)]
struct Span {
    warm_up: Duration,
    duration: Option<Duration>,
    interval: Duration,
}

struct Raw {
    began_unix_micros: u64,
    tally: Tally,
    elapsed: Duration,
    cpu: Option<CpuTime>,
    client_busy: f64,
    timeline: Vec<Moment>,
}

impl Raw {
    fn into_outcome(self, server: &Server, open_loop: bool) -> Outcome {
        let Raw { tally, elapsed, cpu, client_busy, timeline, .. } = self;
        Outcome {
            elapsed,
            requests: tally.measured,
            overall: tally.latencies.overall(),
            commands: tally.latencies.commands().map(|(c, summary)| (c.name(), summary)).collect(),
            nils: tally.nils,
            errors: tally.errors,
            send_delay: open_loop.then(|| Summary::of(&tally.send_delay)),
            unsent: tally.unsent,
            server_cpu: cpu,
            server_memory: server.pid.and_then(|pid| process::memory(pid).ok()),
            client_busy,
            timeline,
            ledger: None,
        }
    }
}

/// What a worker reports to the thread that runs it all.
enum Report {
    Connected,
    /// What the worker with this number counted in an interval.
    Interval(usize, u64, Box<Latencies>),
    /// The worker with this number has ended.
    Done(usize, Box<Tally>, Duration),
    Failed(Failure),
}

fn share(total: u64, thread: usize, threads: usize) -> u64 {
    let (thread, threads) = (thread as u64, threads as u64);
    total / threads + u64::from(thread < total % threads)
}

fn cpu_of(load: &LoadArgs, thread: usize) -> Option<usize> {
    let cpus = load.cpus.as_ref()?;
    Some(cpus[thread % cpus.len()])
}

fn execute(jobs: Vec<Job>, span: Span, pid: Option<u32>, line: Line) -> Result<Raw> {
    let progress: Vec<Progress> = jobs.iter().map(|_| Progress::default()).collect();
    thread::scope(|scope| {
        let (report, reports) = mpsc::channel();
        let mut starts: Vec<(Sender<Go>, Option<u64>)> = Vec::new();
        for (number, (job, progress)) in jobs.into_iter().zip(&progress).enumerate() {
            let (start, started) = mpsc::channel();
            starts.push((start, job.requests));
            let report = report.clone();
            scope.spawn(move || {
                let last =
                    work(number, job, progress, &report, &started).unwrap_or_else(Report::Failed);
                // Nobody listens any more when another worker has failed before.
                let _ = report.send(last);
            });
        }
        // Leaving this scope early drops the senders, which calls off workers that wait.
        for _ in 0..starts.len() {
            if let Report::Failed(failure) = receive(&reports)? {
                return Err(failure);
            }
        }
        let (begin, began_unix_micros) = (Instant::now(), ledger::unix_micros(SystemTime::now()));
        for (start, requests) in &starts {
            let go = Go {
                start: begin,
                warm_up: span.warm_up,
                duration: span.duration,
                requests: *requests,
            };
            let _ = start.send(go);
        }
        let raw = supervise(begin, span, pid, line, &progress, &reports)?;
        Ok(Raw { began_unix_micros, ..raw })
    })
}

fn work(
    number: usize,
    job: Job,
    progress: &Progress,
    report: &Sender<Report>,
    started: &Receiver<Go>,
) -> Result<Report> {
    if let Some(cpu) = job.cpu {
        process::pin_thread(cpu)
            .map_err(|error| Failure::new(format!("cannot run on CPU {cpu}: {error}")))?;
    }
    process::sharpen_timers()?;
    let mut worker = Worker::new(job.plan, job.workload, progress)?;
    worker.connect()?;
    let _ = report.send(Report::Connected);
    let before = process::thread_cpu();
    let tally = worker.run(started, |interval, latencies| {
        let _ = report.send(Report::Interval(number, interval, Box::new(latencies)));
    })?;
    Ok(Report::Done(number, Box::new(tally), process::thread_cpu().saturating_sub(before)))
}

fn receive(reports: &Receiver<Report>) -> Result<Report> {
    reports.recv().map_err(|_| Failure::new("a client thread has died"))
}

/// From the start to the last worker's end.
fn supervise(
    begin: Instant,
    span: Span,
    pid: Option<u32>,
    mut line: Line,
    progress: &[Progress],
    reports: &Receiver<Report>,
) -> Result<Raw> {
    let cpu_now = || pid.and_then(|pid| process::cpu(pid).ok());
    let measure_from = begin + span.warm_up;
    let measure_until = span.duration.map(|duration| measure_from + duration);
    let (mut cpu_before, mut cpu_after) = (None, None);
    let mut ticks = 1;
    let mut timeline = Timeline::new(progress.len());
    let mut left = progress.len();
    let mut tally = Tally::new();
    let mut busiest = Duration::ZERO;
    while left > 0 {
        let now = Instant::now();
        if cpu_before.is_none() && now >= measure_from {
            cpu_before = Some(cpu_now());
        }
        if cpu_after.is_none() && measure_until.is_some_and(|until| now >= until) {
            cpu_after = Some(cpu_now());
        }
        let tick = begin + span.interval * ticks;
        if now >= tick {
            ticks += 1;
            line.tick(now - begin, span.warm_up, &snapshot(progress));
            continue;
        }
        let mut wake = tick;
        for (taken, at) in
            [(cpu_before.is_some(), Some(measure_from)), (cpu_after.is_some(), measure_until)]
        {
            wake = if taken { wake } else { wake.min(at.unwrap_or(wake)) };
        }
        match reports.recv_timeout(wake.saturating_duration_since(now)) {
            Ok(Report::Interval(worker, interval, part)) => {
                timeline.add(worker, interval, &part);
            }
            Ok(Report::Done(worker, part, cpu)) => {
                left -= 1;
                timeline.end(worker);
                tally.merge(*part);
                busiest = busiest.max(cpu);
            }
            Ok(Report::Failed(failure)) => return Err(failure),
            Ok(Report::Connected) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::new("a client thread has died"));
            }
        }
    }
    let end = Instant::now();
    let cpu_after = cpu_after.unwrap_or_else(cpu_now);
    let cpu = cpu_before.flatten().zip(cpu_after).map(|(before, after)| after - before);
    let elapsed = span.duration.unwrap_or_else(|| end.saturating_duration_since(measure_from));
    let client_busy = busiest.as_secs_f64() / (end - begin).as_secs_f64();
    let timeline = line.finish(timeline.finish());
    Ok(Raw { began_unix_micros: 0, tally, elapsed, cpu, client_busy, timeline })
}

fn snapshot(progress: &[Progress]) -> Snapshot {
    let mut sum = Snapshot::default();
    for worker in progress {
        sum.replies += worker.replies.load(Relaxed);
        sum.errors += worker.errors.load(Relaxed);
        let longest = worker.longest_nanos.swap(0, Relaxed);
        sum.longest_nanos = sum.longest_nanos.max(longest);
    }
    sum
}
