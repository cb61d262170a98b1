//! One file call after the other fails, or ends the process, under a scripted workload: start on
//! an empty directory, writes of every type, an orderly stop, another start, more writes. After
//! each, a start with a healthy disk finds everything that was acknowledged and nothing else.
//!
//! The short form takes a sample of the calls, the long form (`BASALT_EVERY_CALL=all`) every one.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::common::server::{NoStart, Options};
use crate::common::{Rng, Server, env, rng};
use crate::expected::{Effect, Expected};
use crate::script;
use crate::shim::{self, CRASH_STATUS, Fault, Shim};

/// Nothing may take longer than this: a start, a reply, a stop.
const HANG: Duration = Duration::from_secs(10);
/// So many cases in the short form.
const SAMPLE: usize = 40;
const FAULTS: [Fault; 5] =
    [Fault::Eio, Fault::Enospc, Fault::ShortWrite, Fault::Crash, Fault::TornWrite];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Times {
    Once,
    /// From the call on; for a fault that ends the process: in the next start again.
    Again,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    fault: Fault,
    call: u64,
    times: Times,
}

struct Laboratory {
    shim: Shim,
    seed: u64,
}

/// What a case came to.
struct Outcome {
    calls: u64,
    hits: u64,
    first_hit: String,
    complaints: Vec<String>,
}

impl Laboratory {
    fn new(seed: u64) -> Option<Self> {
        Some(Self { shim: Shim::new()?, seed })
    }

    /// The workload with the fault of `case`, or with none, and the look at what is left.
    fn run(&self, case: Option<Case>) -> Outcome {
        let _ = fs::remove_dir_all(self.shim.data());
        let (mut expected, mut complaints) = (Expected::default(), Vec::new());
        let mut rng = Rng::new(self.seed);
        self.shim.count_only(shim::ALL, "");
        if let Some(Case { fault, call, times }) = case {
            let count = if times == Times::Once || ends_process(fault) { 1 } else { u64::MAX };
            self.shim.arm(fault, call, count);
        }
        for part in 0..2 {
            self.live(part, case, &mut expected, &mut rng, &mut complaints);
            if let Some(Case { fault, call, times: Times::Again }) = case
                && ends_process(fault)
            {
                // Somewhere in the next start, and each time elsewhere.
                self.shim.arm(fault, self.shim.calls() + call % 61, 1);
            }
        }
        let (calls, hits) = (self.shim.calls(), self.shim.hits());
        self.shim.calm();
        look(&self.shim.data(), &mut expected, &mut complaints);
        Outcome { calls, hits, first_hit: self.shim.first_hit(), complaints }
    }

    /// One life of a server: start, writes, a look at everything, an orderly stop.
    fn live(
        &self,
        part: usize,
        case: Option<Case>,
        expected: &mut Expected,
        rng: &mut Rng,
        complaints: &mut Vec<String>,
    ) {
        let mut server = match Server::try_with(self.shim.around(options()), HANG) {
            Ok(server) => server,
            Err(NoStart { status, log }) => {
                complaints.extend(complaint_about_end("the start", status, &log, case));
                return;
            }
        };
        let mut client = server.client();
        client.set_timeout(HANG);
        let steps = script::steps(rng, part);
        let sent = script::run(&mut client, &steps, expected, rng, complaints);
        if sent.is_ok() {
            std::thread::sleep(Duration::from_millis(script::SOON_MS as u64));
            let findings = expected.check(&mut client);
            complaints.extend(findings.wrong.iter().map(|what| format!("while it runs: {what}")));
            let unexcused = |error: &&String| !error.contains("MISCONF") && case.is_none();
            complaints.extend(findings.errors.iter().filter(unexcused).cloned());
            server.signal("TERM");
        }
        let status = server.exit_within(HANG);
        complaints.extend(complaint_about_end("the server", status, &server.log(), case));
    }
}

fn options() -> Options {
    // So small that memtables are written out now and then.
    Options::default().appendfsync("always").set("write-buffer-size", "16mb")
}

fn ends_process(fault: Fault) -> bool {
    matches!(fault, Fault::Crash | Fault::TornWrite)
}

/// A process may end in order, by the fault, or because it says that it must.
fn complaint_about_end(
    who: &str,
    status: Option<ExitStatus>,
    log: &str,
    case: Option<Case>,
) -> Option<String> {
    let Some(status) = status else {
        return Some(format!("{who} hangs; its log:\n{log}"));
    };
    let crashed =
        status.code() == Some(CRASH_STATUS) && case.is_some_and(|c| ends_process(c.fault));
    let failed = status.code().is_some_and(|code| code > 0 && code != CRASH_STATUS);
    let explained = failed && case.is_some() && (log.contains("ERROR") || log.contains("FATAL"));
    let fine = status.success() || crashed || explained;
    if !fine || status.signal().is_some() || log.contains("panicked") {
        return Some(format!("{who} ended with {status}; its log:\n{log}"));
    }
    None
}

/// Starts on a healthy disk: everything must be there, and writes accepted on both shards.
fn look(data: &Path, expected: &mut Expected, complaints: &mut Vec<String>) {
    match Server::try_with(options().dir(data), HANG) {
        Ok(server) => {
            let mut client = server.client();
            client.set_timeout(HANG);
            for i in 0..4 {
                let step = script::set(3, &format!("probe:{i}"), b"value".to_vec());
                let done =
                    script::run(&mut client, &[step], expected, &mut Rng::new(0), complaints);
                if let Err(error) = done {
                    complaints.push(format!("after the restart: {error}"));
                }
            }
            let findings = expected.check(&mut client);
            complaints.extend(findings.all().iter().map(|what| format!("afterwards: {what}")));
        }
        Err(NoStart { status, log }) => {
            complaints.push(format!("it does not open again: {status:?}; its log:\n{log}"));
        }
    }
}

fn run_cases(laboratory: &Laboratory, cases: impl Iterator<Item = Case>) {
    let start = Instant::now();
    let (mut count, mut hits, mut failed) = (0, 0, Vec::new());
    for case in cases {
        let outcome = laboratory.run(Some(case));
        count += 1;
        hits += u64::from(outcome.hits > 0);
        if !outcome.complaints.is_empty() {
            const SHOWN_MAX: usize = 5;
            let Outcome { first_hit, mut complaints, .. } = outcome;
            let left_out = complaints.len().saturating_sub(SHOWN_MAX);
            complaints.truncate(SHOWN_MAX);
            let complaints = complaints.join("\n    ");
            let complaints = format!("{complaints}\n    ({left_out} more)");
            failed.push(format!("{case:?} ({first_hit}):\n    {complaints}"));
            eprintln!("FAILED {}", failed.last().expect("just pushed"));
        }
    }
    eprintln!("{count} cases, {hits} with a fault met, {:?}", start.elapsed());
    assert!(failed.is_empty(), "{} of {count} cases failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn every_file_call_may_fail() {
    let seed = rng::seed("BASALT_EVERY_CALL_SEED");
    eprintln!("BASALT_EVERY_CALL_SEED={seed}");
    let Some(laboratory) = Laboratory::new(seed) else { return };
    let untouched = laboratory.run(None);
    assert!(untouched.complaints.is_empty(), "without a fault: {:#?}", untouched.complaints);
    eprintln!("the workload makes {} file calls", untouched.calls);
    let times = [Times::Once, Times::Again];
    if std::env::var("BASALT_EVERY_CALL").as_deref() == Ok("all") {
        let first = env::number("BASALT_EVERY_CALL_FROM", 1);
        let calls = first..=untouched.calls;
        let cases = calls.flat_map(|call| {
            FAULTS
                .iter()
                .flat_map(move |fault| times.map(|times| (*fault, times)))
                .map(move |(fault, times)| Case { fault, call, times })
        });
        run_cases(&laboratory, cases);
    } else {
        let mut rng = Rng::new(seed);
        let cases = (0..SAMPLE).map(|_| Case {
            fault: *rng.pick(&FAULTS),
            call: 1 + rng.next() % untouched.calls,
            times: *rng.pick(&times),
        });
        run_cases(&laboratory, cases);
    }
}

/// Memtables so small that every other write makes the engine write one out: writers may have to
/// wait, but on a healthy disk nobody is refused.
#[test]
fn tiny_write_buffers_refuse_nothing() {
    let server =
        Server::with(Options::default().appendfsync("always").set("write-buffer-size", "1mb"));
    let (mut expected, mut complaints) = (Expected::default(), Vec::new());
    let mut client = server.client();
    let mut rng = Rng::new(1);
    for part in 0..3 {
        let steps = script::steps(&mut rng, part);
        script::run(&mut client, &steps, &mut expected, &mut rng, &mut complaints).expect("run");
    }
    std::thread::sleep(Duration::from_millis(script::SOON_MS as u64));
    complaints.extend(expected.check(&mut client).all());
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// A disk that lies must be found out, or the tests above prove nothing.
#[test]
fn a_lying_disk_is_found_out() {
    let Some(laboratory) = Laboratory::new(1) else { return };
    let shim = &laboratory.shim;
    let options = Options::default().appendfsync("always");
    let mut server = Server::with(shim.around(options));
    let (mut expected, mut complaints) = (Expected::default(), Vec::new());
    let steps: Vec<_> =
        (0..20).map(|i| script::set(0, &format!("key:{i}"), b"value".to_vec())).collect();
    let mut client = server.client();
    let mut rng = Rng::new(1);
    script::run(&mut client, &steps[..10], &mut expected, &mut rng, &mut complaints).expect("run");
    shim.fail_all(Fault::Lie, shim::WRITE | shim::SYNC, "");
    script::run(&mut client, &steps[10..], &mut expected, &mut rng, &mut complaints).expect("run");
    assert!(shim.hits() > 0, "the server writes nothing for ten acknowledged writes");
    assert!(complaints.is_empty(), "{complaints:?}");
    server.kill9();
    shim.calm();
    look(&shim.data(), &mut expected, &mut complaints);
    assert!(!complaints.is_empty(), "acknowledged writes that were never written are not missed");
}

/// An untrue expectation must be noticed too, in each of its kinds.
#[test]
fn the_comparison_notices_what_is_missing_wrong_or_too_much() {
    let server = Server::with(Options::default().appendfsync("always"));
    let (mut expected, mut complaints) = (Expected::default(), Vec::new());
    let mut client = server.client();
    let mut rng = Rng::new(1);
    let steps = script::steps(&mut rng, 0);
    script::run(&mut client, &steps, &mut expected, &mut rng, &mut complaints).expect("run");
    std::thread::sleep(Duration::from_millis(script::SOON_MS as u64));
    assert_eq!(expected.clone().check(&mut client).all(), complaints);
    let mut wrong = expected.clone();
    wrong.tamper();
    assert_eq!(wrong.check(&mut client).wrong.len(), 1);
    let mut too_much = expected.clone();
    too_much.forget_one();
    assert!(!too_much.check(&mut client).wrong.is_empty());
    let mut missing = expected.clone();
    let mut step = script::set(0, "never sent", b"value".to_vec());
    missing.note(&step, true);
    assert!(!missing.check(&mut client).wrong.is_empty());
    // A deletion whose fate is unknown allows both, and no more.
    step.effects[0].1 = Effect::Delete;
    missing.note(&step, false);
    assert!(missing.check(&mut client).wrong.is_empty());
}
