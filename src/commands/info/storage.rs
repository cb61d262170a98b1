//! The data and its disk: INFO's sections Persistence, and Basalt's own, Storage.
//!
//! In Storage, what is summed over the shards stands first, then a line for each shard. The names
//! that begin with `engine_` are the storage engine's own.

use crate::commands::info::facts::{Facts, OfShard};
use crate::commands::info::text::{Text, ratio};
use crate::runtime::TurnTotals;

/// There are no snapshots and no forks: to save is to make durable. The log of writes is what
/// Redis calls its append-only file, and it is always on.
pub(super) fn persistence(facts: &Facts, out: &mut Text) {
    let logs = &facts.logs;
    out.section("Persistence");
    out.fields(
        &[
            "loading",
            "async_loading",
            "current_cow_peak",
            "current_cow_size",
            "current_cow_size_age",
        ],
        0,
    );
    out.field("current_fork_perc", "0.00");
    out.fields(&["current_save_keys_processed", "current_save_keys_total"], 0);
    // Since the start, as nothing is ever saved that way: what is not on the disk yet is
    // `batches_not_durable`.
    out.field("rdb_changes_since_last_save", facts.sum(|shard| shard.changes_made));
    let save = &facts.process.save;
    out.field("rdb_bgsave_in_progress", u8::from(save.is_under_way));
    out.field("rdb_last_save_time", save.done_s);
    out.field("rdb_last_bgsave_status", word(save.is_well));
    out.field("rdb_last_bgsave_time_sec", save.took_s);
    out.field("rdb_current_bgsave_time_sec", save.taking_s);
    out.field("rdb_saves", save.done);
    out.fields(
        &["rdb_last_cow_size", "rdb_last_load_keys_expired", "rdb_last_load_keys_loaded"],
        0,
    );
    let rewrite = &facts.process.rewrite;
    out.field("aof_enabled", 1);
    out.field("aof_rewrite_in_progress", u8::from(rewrite.is_under_way));
    out.field("aof_rewrite_scheduled", 0);
    out.field("aof_last_rewrite_time_sec", rewrite.took_s);
    out.field("aof_current_rewrite_time_sec", rewrite.taking_s);
    out.field("aof_last_bgrewrite_status", word(rewrite.is_well));
    out.field("aof_rewrites", rewrite.done);
    out.field("aof_rewrites_consecutive_failures", 0);
    out.field("aof_last_write_status", status(facts));
    out.fields(&["aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"], 0);
    out.field("aof_current_size", facts.host.log_bytes());
    out.fields(&["aof_base_size", "aof_pending_rewrite"], 0);
    out.field("aof_buffer_length", logs.buffered_bytes);
    out.field("aof_pending_bio_fsync", logs.pending_shards);
    out.field("aof_delayed_fsync", 0);
}

fn status(facts: &Facts) -> &'static str {
    word(facts.logs.failed == 0 && !facts.logs.disk_full)
}

fn word(is_well: bool) -> &'static str {
    if is_well { "ok" } else { "err" }
}

pub(super) fn storage(facts: &Facts, out: &mut Text) {
    out.section("Storage");
    out.field("storage_engine", "rocksdb");
    out.field("shards", facts.shards.len());
    log(facts, out);
    budget(facts, out);
    out.field("hot_cache_bytes", facts.sum(|shard| shard.cache_bytes));
    out.field("hot_cache_entries", facts.sum(|shard| shard.cache_entries));
    out.field("hot_cache_hits", facts.sum(|shard| shard.cache_hits));
    out.field("hot_cache_misses", facts.sum(|shard| shard.cache_misses));
    out.field("off_loop_runs", facts.sum(|shard| shard.storage.off_loop_runs));
    out.field("write_stalls", facts.sum(|shard| shard.storage.stalls));
    out.field("batches_written", facts.sum(|shard| shard.storage.batches));
    out.field("hops", facts.sum(|shard| shard.hops));
    out.field("transactions", facts.sum(|shard| shard.transactions));
    loop_turns(facts, out);
    let (waiting, busy) = facts.process.pool_load;
    out.field("blocking_pool_threads", facts.process.pool_threads);
    out.field("blocking_pool_waiting", waiting);
    out.field("blocking_pool_busy", busy);
    scrub(facts, out);
    amplification(facts, out);
    for (name, value) in &facts.host.engine {
        out.field(&format!("engine_{name}"), value);
    }
    for (number, shard) in facts.shards.iter().enumerate() {
        out.field(&format!("shard{number}"), of_shard(shard));
    }
}

fn log(facts: &Facts, out: &mut Text) {
    let logs = &facts.logs;
    out.field("durability", facts.config.appendfsync.word());
    out.field("log_status", status(facts));
    out.field("log_failed_shards", logs.failed);
    out.field("storage_failures", logs.failures);
    out.field("storage_recoveries", logs.recoveries);
    out.field("disk_full", u8::from(logs.disk_full));
    out.field("disk_reserve_held_bytes", logs.reserve_held_bytes);
    out.field("log_bytes", facts.host.log_bytes());
    out.field("log_syncs", logs.syncs);
    for (name, values) in
        [("log_sync_usec", logs.latency_us), ("log_sync_batches", logs.group_batches)]
    {
        for (which, value) in ["p50", "p99", "max"].iter().zip(values) {
            out.field(&format!("{name}_{which}"), value);
        }
    }
    out.field("batches_not_durable", logs.pending);
    out.field("bytes_not_durable", logs.pending_bytes);
}

/// How long the shards' loops were busy without a look at their sockets. Of turns over 10 ms it is
/// known what the thread did: it was busy, or slept (waiting for the disk or another thread), or
/// had to wait for its core.
fn loop_turns(facts: &Facts, out: &mut Text) {
    let mut turns = TurnTotals::default();
    facts.shards.iter().for_each(|shard| turns.add(&shard.loop_turns));
    out.field("loop_turns", turns.wall_us.len());
    out.field("loop_turns_over_10ms", turns.long);
    out.field("loop_turns_over_10ms_cpu", turns.long_by_cpu);
    out.field("loop_turns_over_10ms_slept", turns.long_by_sleep);
    out.field("loop_turn_max_usec", turns.wall_us_max);
    out.field("loop_turn_max_cpu_usec", turns.cpu_us_max);
    out.field("loop_turn_p999_usec", turns.wall_us.value_at_quantile(0.999));
}

/// Verifying what is on disk.
fn scrub(facts: &Facts, out: &mut Text) {
    let status = &facts.process.scrub;
    out.field("scrub_in_progress", u8::from(status.is_running));
    out.field("scrub_last_pass_time", status.last_pass_s);
    out.field("scrub_passes", status.passes);
    out.field("scrub_bytes_verified", status.bytes);
    out.field("scrub_errors", status.errors);
    if !status.last_error.is_empty() {
        // One line, whatever an error says.
        out.field("scrub_last_error", status.last_error.replace(['\r', '\n'], " "));
    }
}

/// What a byte written, a byte stored and a lookup cost: bytes written to the disk for each byte of
/// the clients' writes, since the start; bytes of table files for each byte of data that is alive;
/// blocks read from the disk for each lookup that memory did not answer.
fn amplification(facts: &Facts, out: &mut Text) {
    let (traffic, host) = (facts.host.traffic, &facts.host);
    let written =
        traffic.flushed_bytes + traffic.compacted_bytes + host.of_engine("log_written_bytes");
    out.field("write_amplification", ratio(written, host.of_engine("log_appended_bytes")));
    let (tables, alive) = (host.of_engine("sst_bytes"), host.of_engine("live_data_bytes"));
    out.field("space_amplification", ratio(tables, alive));
    let lookups = host.of_engine("disk_lookups");
    out.field("read_amplification", ratio(traffic.blocks_read, lookups));
    out.field("flushed_bytes", traffic.flushed_bytes);
    out.field("compacted_bytes", traffic.compacted_bytes);
    out.field("blocks_read", traffic.blocks_read);
}

/// How `maxmemory` is divided.
fn budget(facts: &Facts, out: &mut Text) {
    let plan = facts.memory_plan;
    out.field("budget_bytes", plan.budget);
    out.field("budget_fixed_bytes", plan.fixed);
    out.field("budget_clients_bytes", plan.clients);
    out.field("budget_hot_cache_bytes", plan.hot_cache);
    out.field("budget_block_cache_bytes", plan.block_cache);
    out.field("budget_write_buffer_bytes", plan.write_buffers);
    // What the caches may have at the moment, with what others leave, or without what they took.
    out.field("share_hot_cache_bytes", facts.shares.hot_cache);
    out.field("share_block_cache_bytes", facts.shares.block_cache);
}

fn of_shard(shard: &OfShard) -> String {
    format!(
        "state={},keys={},clients={},commands={},batches={},hot_cache_bytes={},\
         hot_cache_entries={},off_loop_runs={},stalls={},hops={},cpu_usec={},turns_over_10ms={},\
         turns_over_10ms_cpu={},turns_over_10ms_slept={},turn_max_usec={},turn_max_cpu_usec={}",
        shard.state,
        shard.keys,
        shard.clients,
        shard.commands,
        shard.storage.batches,
        shard.cache_bytes,
        shard.cache_entries,
        shard.storage.off_loop_runs,
        shard.storage.stalls,
        shard.hops,
        shard.processor_time.total_us(),
        shard.loop_turns.long,
        shard.loop_turns.long_by_cpu,
        shard.loop_turns.long_by_sleep,
        shard.loop_turns.wall_us_max,
        shard.loop_turns.cpu_us_max,
    )
}
