//! What the server has done: INFO's sections Stats and CPU.

use crate::telemetry::usage::ProcessorTime;

use crate::commands::info::facts::{Facts, OfShard};
use crate::commands::info::text::{Text, ratio};

pub(super) fn stats(facts: &Facts, out: &mut Text) {
    out.section("Stats");
    traffic(facts, out);
    out.field("rejected_connections", facts.process.connections_rejected);
    out.fields(&["sync_full", "sync_partial_ok", "sync_partial_err"], 0);
    keys(facts, out);
    channels(facts, out);
    absent(out);
    out.field("total_error_replies", facts.errors_total);
    out.field("dump_payload_sanitizations", 0);
    out.field("total_reads_processed", facts.sum(|shard| shard.reads));
    out.field("total_writes_processed", facts.sum(|shard| shard.writes));
    out.fields(
        &[
            "io_threaded_reads_processed",
            "io_threaded_writes_processed",
            "reply_buffer_shrinks",
            "reply_buffer_expands",
        ],
        0,
    );
    loops(facts, out);
}

/// One of the rates, over all shards.
fn rate(facts: &Facts, which: usize) -> f64 {
    facts.shards.iter().map(|shard| shard.rates[which]).sum()
}

fn traffic(facts: &Facts, out: &mut Text) {
    let kilobytes = |which: usize| format!("{:.2}", rate(facts, which) / 1024.0);
    out.field("total_connections_received", facts.process.connections_received);
    out.field("total_commands_processed", facts.sum(|shard| shard.commands));
    out.field("instantaneous_ops_per_sec", rate(facts, 0) as u64);
    out.field("total_net_input_bytes", facts.sum(|shard| shard.input_bytes));
    out.field("total_net_output_bytes", facts.sum(|shard| shard.output_bytes));
    out.fields(&["total_net_repl_input_bytes", "total_net_repl_output_bytes"], 0);
    out.field("instantaneous_input_kbps", kilobytes(1));
    out.field("instantaneous_output_kbps", kilobytes(2));
    out.fields(&["instantaneous_input_repl_kbps", "instantaneous_output_repl_kbps"], "0.00");
}

fn keys(facts: &Facts, out: &mut Text) {
    out.field("expired_keys", facts.sum(|shard| shard.storage.expired_keys));
    // Those that are gone for everybody and not removed yet. Nothing caps the time for that.
    let (due, expires) = (facts.sum(|shard| shard.due), facts.sum(|shard| shard.expires));
    out.field("expired_stale_perc", ratio(100 * due, expires));
    out.field("expired_time_cap_reached_count", 0);
    out.field("expire_cycle_cpu_milliseconds", facts.sum(|shard| shard.expire_ns) / 1_000_000);
    // Memory is a cache of what is on disk: nothing is ever evicted from the data.
    out.field("evicted_keys", 0);
    out.field("evicted_clients", facts.process.clients_evicted);
    out.fields(&["total_eviction_exceeded_time", "current_eviction_exceeded_time"], 0);
    out.field("keyspace_hits", facts.sum(|shard| shard.storage.keyspace_hits));
    out.field("keyspace_misses", facts.sum(|shard| shard.storage.keyspace_misses));
}

/// Every shard knows all patterns.
fn channels(facts: &Facts, out: &mut Text) {
    let patterns = facts.shards.first().map_or(0, |shard| shard.patterns);
    out.field("pubsub_channels", facts.sum(|shard| shard.channels));
    out.field("pubsub_patterns", patterns);
    out.field("pubsubshard_channels", facts.sum(|shard| shard.shard_channels));
}

/// What there is none of here.
fn absent(out: &mut Text) {
    out.fields(
        &[
            "latest_fork_usec",
            "total_forks",
            "migrate_cached_sockets",
            "slave_expires_tracked_keys",
            "active_defrag_hits",
            "active_defrag_misses",
            "active_defrag_key_hits",
            "active_defrag_key_misses",
            "total_active_defrag_time",
            "current_active_defrag_time",
            "tracking_total_keys",
            "tracking_total_items",
            "tracking_total_prefixes",
            "unexpected_error_replies",
        ],
        0,
    );
}

/// The shards' loops together: a cycle is a turn in which something was to be done, its duration
/// the thread's processor time.
fn loops(facts: &Facts, out: &mut Text) {
    let turns = facts.sum(|shard| shard.turns);
    let duration_us = shards_time(facts).total_us();
    let commands_ns: u64 = facts.commands.iter().map(|(_, of)| of.nanoseconds).sum();
    out.field("eventloop_cycles", turns);
    out.field("eventloop_duration_sum", duration_us);
    out.field("eventloop_duration_cmd_sum", commands_ns / 1000);
    out.field("instantaneous_eventloop_cycles_per_sec", rate(facts, 3) as u64);
    let mean_us = duration_us.checked_div(turns).unwrap_or(0);
    out.field("instantaneous_eventloop_duration_usec", mean_us);
}

fn shards_time(facts: &Facts) -> ProcessorTime {
    let times = facts.shards.iter().map(|shard: &OfShard| shard.processor_time);
    times.fold(ProcessorTime::default(), ProcessorTime::plus)
}

/// Where Redis has one main thread, this has the threads of the shards.
pub(super) fn cpu(facts: &Facts, out: &mut Text) {
    let seconds =
        |microseconds: u64| format!("{}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000);
    out.section("CPU");
    for (suffix, time) in [
        ("", facts.host.of_process),
        ("_children", facts.host.of_children),
        ("_main_thread", shards_time(facts)),
    ] {
        out.field(&format!("used_cpu_sys{suffix}"), seconds(time.system_us));
        out.field(&format!("used_cpu_user{suffix}"), seconds(time.user_us));
    }
}
