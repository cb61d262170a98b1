//! LATENCY: spikes that the latency monitor has kept, and how the durations of commands are
//! spread.

use std::sync::{MutexGuard, PoisonError};

use basalt_shard::command::Args;
use basalt_shard::resp::ReplyBuffer;
use basalt_shard::table::CommandId;
use hdrhistogram::Histogram;

use crate::clock::now_us;
use crate::commands::latency_graph::graph;
use crate::commands::replies::{Failure, answer, help};
use crate::commands::row::*;
use crate::telemetry::command_statistics::CommandStatistics;
use crate::telemetry::latency::{Event, LatencyMonitor};
use crate::thread::node::Node;
use crate::thread::process_command::{LaterContext, LaterReply, ProcessContext, Table};

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[container("latency", SUBCOMMANDS)
    .group(Group::Server)
    .since("2.8.13")
    .summary("Looks at how long things take")];

const SUBCOMMANDS: &[Command] = &[
    command("doctor", 2, Now(doctor))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("2.8.13")
        .summary("Reports on the latency in words")
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"]),
    command("graph", 3, Now(|context| answer(context, draw)))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("2.8.13")
        .summary("Draws the latency of an event")
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .args(&[Arg::string("event")]),
    command("help", 2, Now(|context| help(context.reply, "LATENCY", HELP)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .since("2.8.13")
        .summary("Lists the subcommands"),
    command("histogram", -2, Later(histogram))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("7.0.0")
        .summary("Tells how the times of commands are spread")
        .complexity("O(N) for N commands")
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .args(&[Arg::string("COMMAND").optional().multiple()]),
    command("history", 3, Now(history))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("2.8.13")
        .summary("Lists the samples of an event")
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .args(&[Arg::string("event")]),
    command("latest", 2, Now(latest))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("2.8.13")
        .summary("Lists the latest sample of every event")
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"]),
    command("reset", -2, Now(reset))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("2.8.13")
        .summary("Forgets the samples of events")
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .args(&[Arg::string("event").optional().multiple()]),
];

const HELP: &[&str] = &[
    "DOCTOR",
    "    Report on the latency in words.",
    "GRAPH <event>",
    "    Draw the latest spikes of <event>.",
    "HISTOGRAM [<command> ...]",
    "    Tell how the durations of commands are spread, of all commands or of those named: calls,",
    "    and how many took at most so many microseconds.",
    "HISTORY <event>",
    "    List the spikes of <event>: time in seconds, milliseconds.",
    "LATEST",
    "    List the latest spike of every event: name, time, milliseconds, most milliseconds ever.",
    "RESET [<event> ...]",
    "    Forget the spikes of all events or of those named.",
];

fn monitor(node: &Node) -> MutexGuard<'_, LatencyMonitor> {
    node.telemetry.latency.lock().unwrap_or_else(PoisonError::into_inner)
}

fn number(reply: &mut ReplyBuffer, value: u64) {
    reply.integer(i64::try_from(value).unwrap_or(i64::MAX));
}

/// The event that argument `index` names.
fn event(context: &ProcessContext<'_>, index: usize) -> Option<(&'static str, Event)> {
    let name = std::str::from_utf8(context.args.get(index)).ok()?;
    let monitor = monitor(&context.shard_thread.node);
    monitor.events.get_key_value(name).map(|(name, event)| (*name, event.clone()))
}

fn latest(context: &mut ProcessContext<'_>) {
    let monitor = monitor(&context.shard_thread.node);
    context.reply.array(monitor.events.len());
    for (name, event) in &monitor.events {
        let (time_s, worst_ms) = event.samples.back().copied().unwrap_or_default();
        context.reply.array(4);
        context.reply.bulk(name.as_bytes());
        for value in [time_s, worst_ms, event.max_ms] {
            number(context.reply, value);
        }
    }
}

fn history(context: &mut ProcessContext<'_>) {
    let samples = event(context, 2).map(|(_, event)| event.samples).unwrap_or_default();
    context.reply.array(samples.len());
    for (time_s, worst_ms) in samples {
        context.reply.array(2);
        number(context.reply, time_s);
        number(context.reply, worst_ms);
    }
}

fn reset(context: &mut ProcessContext<'_>) {
    let mut monitor = monitor(&context.shard_thread.node);
    let before = monitor.events.len();
    if context.args.len() == 2 {
        monitor.events.clear();
    } else {
        let named = |name: &str| context.args.iter_from(2).any(|word| word == name.as_bytes());
        monitor.events.retain(|name, _| !named(name));
    }
    let forgotten = before - monitor.events.len();
    number(context.reply, forgotten as u64);
}

fn draw(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let Some((name, event)) = event(context, 2) else {
        let text = "ERR No samples available for event '%'";
        return Err(Failure::quoting(text, context.args.get(2)));
    };
    let text = graph(name, &event, now_us() / 1_000_000);
    context.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn doctor(context: &mut ProcessContext<'_>) {
    let threshold_ms = context.shard_thread.config().latency_monitor_threshold_ms;
    let report = if threshold_ms == 0 {
        "Latency monitoring is disabled. CONFIG SET latency-monitor-threshold <milliseconds> \
         enables it; SLOWLOG and LATENCY HISTOGRAM tell about commands without it.\n"
            .into()
    } else {
        let monitor = monitor(&context.shard_thread.node);
        report(&monitor, threshold_ms, now_us() / 1_000_000)
    };
    context.reply.verbatim("txt", report.as_bytes());
}

/// What the spikes say, and what can be done.
fn report(monitor: &LatencyMonitor, threshold_ms: u64, now_s: u64) -> String {
    if monitor.events.is_empty() {
        return format!(
            "Nothing has taken {threshold_ms} milliseconds or longer since the monitoring began.\n"
        );
    }
    let mut report = String::from("Events that took long:\n");
    for (name, event) in &monitor.events {
        let count = event.samples.len() as u64;
        let sum_ms: u64 = event.samples.iter().map(|(_, worst_ms)| worst_ms).sum();
        let (last_s, last_ms) = event.samples.back().copied().unwrap_or_default();
        report.push_str(&format!(
            "- {name}: {count} spikes, {} ms on average, {} ms at worst; the latest took \
             {last_ms} ms, {} seconds ago.\n",
            sum_ms / count.max(1),
            event.max_ms,
            now_s.saturating_sub(last_s),
        ));
    }
    report.push_str(
        "What to look at:\n\
         - SLOWLOG GET names the commands, if slowlog-log-slower-than is low enough.\n\
         - KEYS, and commands over whole large collections, take their time: the SCAN commands \
         do the same in pieces.\n\
         - loop-turn: a shard served nobody for so long; the log says what ran, and whether the \
         thread was busy, slept, or had no core. INFO storage counts them.\n\
         - With appendfsync always a write waits for the disk: INFO storage tells how long its \
         syncs take.\n",
    );
    report
}

/// The commands that LATENCY HISTOGRAM is asked for, as often as they are named; a container
/// stands for its subcommands too.
fn asked(table: &Table, args: Args<'_>) -> Vec<CommandId> {
    if args.len() == 2 {
        return table.entries().map(|entry| entry.id).collect();
    }
    let mut ids = Vec::new();
    for entry in args.iter_from(2).filter_map(|name| table.by_full_name(name)) {
        ids.push(entry.id);
        ids.extend(table.subcommands(entry).map(|sub| sub.id));
    }
    ids
}

fn histogram(mut context: LaterContext) -> LaterReply {
    Box::pin(async move {
        let node = context.shard_thread.node.clone();
        let ids = asked(&node.table, context.args());
        let of_shards =
            context.shard_thread.on_every_shard(|there| there.statistics.borrow().clone()).await;
        let mut statistics = CommandStatistics::new(node.table.len());
        for of_shard in &of_shards {
            statistics.add(of_shard);
        }
        let known: Vec<(&str, &Histogram<u64>)> = ids
            .iter()
            .filter_map(|id| {
                let latency_ns = statistics.of(*id)?.latency_ns.as_deref()?;
                Some((node.table.entry(*id).full_name.as_str(), latency_ns))
            })
            .collect();
        context.reply.map(known.len());
        for (name, latency_ns) in known {
            context.reply.bulk(name.as_bytes());
            show(latency_ns, &mut context.reply);
        }
        context.reply
    })
}

/// How many took at most 1, 2, 4, 8, 16, 33, 66 ... microseconds: powers of two in 1024
/// nanoseconds, where the number grew.
fn buckets(latency_ns: &Histogram<u64>) -> Vec<(u64, u64)> {
    let mut buckets: Vec<(u64, u64)> = Vec::new();
    let mut known = 0;
    let mut bound_ns = 1024;
    while known < latency_ns.len() {
        // The histogram does not tell values apart up to here.
        let last_ns = latency_ns.highest_equivalent(bound_ns);
        let count = latency_ns.count_between(0, last_ns);
        if count > known {
            buckets.push((last_ns / 1000, count));
            known = count;
        }
        bound_ns *= 2;
    }
    buckets
}

fn show(latency_ns: &Histogram<u64>, reply: &mut ReplyBuffer) {
    reply.map(2);
    reply.bulk(b"calls");
    number(reply, latency_ns.len());
    reply.bulk(b"histogram_usec");
    let buckets = buckets(latency_ns);
    reply.map(buckets.len());
    for (bound_us, count) in buckets {
        number(reply, bound_us);
        number(reply, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_redis() {
        let mut histogram = Histogram::new_with_bounds(1, 1_000_000_000, 2).unwrap();
        assert_eq!(buckets(&histogram), []);
        for ns in [1, 1_000, 1_024, 5_000, 20_000, 20_001, 1_000_000, 1_000_000_000] {
            histogram.record(ns).unwrap();
        }
        let expected = [(1, 3), (8, 4), (33, 6), (1_056, 7), (1_082_130, 8)];
        assert_eq!(buckets(&histogram), expected);
    }

    #[test]
    fn the_doctor_names_every_event() {
        let mut monitor = LatencyMonitor::default();
        assert!(report(&monitor, 100, 50).contains("Nothing has taken 100 milliseconds"));
        monitor.add("command", 10, 200);
        monitor.add("command", 20, 100);
        monitor.add("fast-command", 30, 150);
        let report = report(&monitor, 100, 50);
        assert!(report.contains("- command: 2 spikes, 150 ms on average, 200 ms at worst"));
        assert!(report.contains("the latest took 150 ms, 20 seconds ago"), "{report}");
    }
}
