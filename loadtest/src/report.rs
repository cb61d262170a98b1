//! Results for people: plain text tables on standard output.

use std::fmt::Write;

use crate::args::LoadArgs;
use crate::error::Result;
use crate::histogram::Summary;
use crate::process::Memory;
use crate::run::Outcome;
use crate::server::Server;

/// Above this share of a CPU it is the client thread that sets the pace.
const CLIENT_BUSY_MAX: f64 = 0.95;

/// One line that says what server this is.
pub(crate) fn server_line(server: &Server) -> String {
    let version = server.version.as_deref().unwrap_or("unknown");
    let pid = match server.pid {
        Some(pid) => format!("pid {pid}"),
        None => "process not visible from here".to_owned(),
    };
    format!("{} at {}, redis_version {version}, {pid}", server.name, server.addr)
}

/// One line that says what load this is.
pub(crate) fn load_line(load: &LoadArgs) -> Result<String> {
    let pacing = match load.rate {
        None => "closed loop".to_owned(),
        Some(rate) => format!("open loop, {rate} requests/s"),
    };
    let sizes = load.values().sizes;
    let size = if sizes.min == sizes.max {
        sizes.min.to_string()
    } else {
        format!("{}-{}", sizes.min, sizes.max)
    };
    Ok(format!(
        "{pacing}, {} connections, depth {}, client threads {}; {}; \
         {} keys, {}; values of {size} bytes; seed {}",
        load.connections,
        load.pipeline,
        load.threads,
        load.mix()?.describe(),
        load.keys,
        format!("{:?}", load.distribution).to_lowercase(),
        load.seed,
    ))
}

/// The whole report of one run.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    let mut text = latency_table(outcome);
    let line = |text: &mut String, line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(
        &mut text,
        format!(
            "throughput {:.0} ops/s over {:.2} s; client thread {:.0}% busy",
            outcome.throughput(),
            outcome.elapsed.as_secs_f64(),
            outcome.client_busy * 100.0
        ),
    );
    if let Some((user, system)) = outcome.cpu_per_operation() {
        let used = outcome.server_cpu.unwrap_or_default().total();
        let cores = used.as_secs_f64() / outcome.elapsed.as_secs_f64();
        let total = user + system;
        line(
            &mut text,
            format!(
                "server CPU {total:.2} us/op (user {user:.2}, system {system:.2}), {cores:.2} cores"
            ),
        );
    }
    if let Some(memory) = &outcome.server_memory {
        line(&mut text, format!("server memory {}", memory_text(memory)));
    }
    if let Some(delay) = outcome.send_delay {
        line(
            &mut text,
            format!(
                "sent after the intended time by: p50 {:.1} us, p99 {:.1} us, max {:.1} us",
                delay.p50, delay.p99, delay.max
            ),
        );
    }
    for warning in warnings(outcome) {
        line(&mut text, warning);
    }
    text
}

pub(crate) fn memory_text(memory: &Memory) -> String {
    let megabytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let mut text = format!("RSS {:.1} MB", megabytes(memory.rss));
    if let Some(pss) = memory.pss {
        // Writing to a string cannot fail.
        let _ = write!(text, ", PSS {:.1} MB", megabytes(pss));
    }
    text
}

fn latency_table(outcome: &Outcome) -> String {
    let mut text = format!("{:<8} {:>11} {:>10}", "us", "requests", "ops/s");
    for (name, _) in Summary::default().times() {
        let _ = write!(text, " {name:>9}");
    }
    text.push('\n');
    let rows = [("all", outcome.overall)];
    let several = outcome.commands.len() > 1;
    let commands = outcome.commands.iter().copied().filter(|_| several);
    for (name, summary) in rows.into_iter().chain(commands) {
        let throughput = summary.count as f64 / outcome.elapsed.as_secs_f64();
        let _ = write!(text, "{name:<8} {:>11} {throughput:>10.0}", summary.count);
        for (_, time) in summary.times() {
            let _ = write!(text, " {time:>9.1}");
        }
        text.push('\n');
    }
    text
}

/// Whatever makes the figures worth less than they look.
pub(crate) fn warnings(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    let errors = &outcome.errors;
    for (prefix, (count, example)) in &errors.replies {
        lines.push(format!("ERRORS: {count} replies {prefix}, such as: {example}"));
    }
    let others = [
        ("failed attempts to connect", errors.connect_failures),
        ("connections lost", errors.disconnects),
        ("connections dropped for bytes that are no RESP", errors.protocol),
        ("requests timed out", errors.timeouts),
        ("requests lost with their connection", errors.lost_requests),
    ];
    for (what, count) in others.into_iter().filter(|&(_, count)| count > 0) {
        lines.push(format!("ERRORS: {count} {what}"));
    }
    if outcome.unsent > 0 {
        lines.push(format!(
            "OVERLOAD: {} requests came due and were never sent; the latencies are lower bounds",
            outcome.unsent
        ));
    }
    // In an open loop the client's own lateness shows in the delay of sending.
    if outcome.send_delay.is_none() && outcome.client_busy > CLIENT_BUSY_MAX {
        lines.push(format!(
            "CLIENT BOUND: a client thread was {:.0}% busy; the server may be able to do more",
            outcome.client_busy * 100.0
        ));
    }
    if outcome.nils > 0 {
        let share = outcome.nils as f64 * 100.0 / outcome.requests.max(1) as f64;
        lines.push(format!(
            "nil replies: {} ({share:.1}%): these keys were not there",
            outcome.nils
        ));
    }
    lines
}
