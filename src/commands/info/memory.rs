//! Memory: INFO's section Memory. `maxmemory` is the budget that the caches, write buffers and
//! clients share; `used_memory` is what the allocator gave out.

use crate::commands::info::facts::Facts;
use crate::commands::info::text::{Text, difference, human, percent, ratio};

pub(super) fn memory(facts: &Facts, out: &mut Text) {
    out.section("Memory");
    used(facts, out);
    out.bytes("total_system_memory", facts.host.system_memory);
    scripts(out);
    out.bytes("maxmemory", facts.memory_plan.budget);
    out.field("maxmemory_policy", facts.config.maxmemory_policy.word());
    allocator(facts, out);
    buffers(facts, out);
    out.field("mem_allocator", &facts.host.allocator);
    out.fields(&["active_defrag_running", "lazyfree_pending_objects", "lazyfreed_objects"], 0);
    consumers(facts, out);
}

/// Where it goes: the lines up to `other` come to what is allocated, all of them to what the
/// process has in memory, as far as the system has given it the pages. A value that is in the hot
/// cache and on its way to the disk is there once and counts in both lines.
fn consumers(facts: &Facts, out: &mut Text) {
    let (memory, engine) = (facts.host.memory, facts.host.engine_memory);
    let startup = facts.process.memory_startup;
    let parts = [
        ("hot_cache", facts.sum(|shard| shard.cache_bytes)),
        ("copies", facts.sum(|shard| shard.copies_bytes)),
        ("block_cache", engine.block_cache_bytes),
        ("write_buffers", engine.memtable_bytes + facts.host.write_buffer_bytes()),
        ("table_readers", facts.host.table_reader_bytes()),
        ("clients", facts.sum(|shard| shard.client_bytes)),
        ("at_start", startup),
    ];
    for (name, bytes) in parts {
        out.field(&format!("memory_{name}"), bytes);
    }
    let known: u64 = parts.iter().map(|(_, bytes)| bytes).sum();
    // Work off the loops, buffers of logs, flushes and compactions.
    out.field("memory_other", memory.allocated.saturating_sub(known));
    out.field("memory_fragments", memory.active.saturating_sub(memory.allocated));
    let unused = memory.resident.saturating_sub(memory.active + memory.metadata);
    out.field("memory_unused_pages", unused);
    out.field("memory_allocator", memory.metadata);
    out.field("memory_program", memory.program);
    // A part of the block cache's line, not one more.
    out.field("memory_block_cache_pinned", engine.block_cache_pinned_bytes);
}

fn used(facts: &Facts, out: &mut Text) {
    let memory = facts.host.memory;
    let startup = facts.process.memory_startup;
    let peak = facts.process.memory_peak.max(memory.allocated);
    let overhead = startup + facts.sum(|shard| shard.client_bytes);
    let dataset = memory.allocated.saturating_sub(overhead);
    out.bytes("used_memory", memory.allocated);
    out.bytes("used_memory_rss", memory.rss);
    out.bytes("used_memory_peak", peak);
    out.field("used_memory_peak_perc", percent(memory.allocated, peak));
    out.field("used_memory_overhead", overhead);
    out.field("used_memory_startup", startup);
    // The data lives on disk: this is what is cached of it, and what is not yet in its files.
    out.field("used_memory_dataset", dataset);
    let net = memory.allocated.saturating_sub(startup);
    out.field("used_memory_dataset_perc", percent(dataset, net));
    out.field("allocator_allocated", memory.allocated);
    out.field("allocator_active", memory.active);
    out.field("allocator_resident", memory.resident);
}

/// There are no scripts and no functions.
fn scripts(out: &mut Text) {
    out.fields(&["used_memory_lua", "used_memory_vm_eval"], 0);
    out.field("used_memory_lua_human", human(0));
    out.fields(
        &[
            "used_memory_scripts_eval",
            "number_of_cached_scripts",
            "number_of_functions",
            "number_of_libraries",
            "used_memory_vm_functions",
        ],
        0,
    );
    out.bytes("used_memory_vm_total", 0);
    out.field("used_memory_functions", 0);
    out.bytes("used_memory_scripts", 0);
}

fn allocator(facts: &Facts, out: &mut Text) {
    let memory = facts.host.memory;
    let pairs = [
        ("allocator_frag", memory.active, memory.allocated),
        ("allocator_rss", memory.resident, memory.active),
        ("rss_overhead", memory.rss, memory.resident),
        ("mem_fragmentation", memory.rss, memory.allocated),
    ];
    for (name, outer, inner) in pairs {
        out.field(&format!("{name}_ratio"), ratio(outer, inner));
        out.field(&format!("{name}_bytes"), difference(outer, inner));
    }
}

fn buffers(facts: &Facts, out: &mut Text) {
    out.fields(
        &[
            "mem_not_counted_for_evict",
            "mem_replication_backlog",
            "mem_total_replication_buffers",
            "mem_clients_slaves",
        ],
        0,
    );
    out.field("mem_clients_normal", facts.sum(|shard| shard.client_bytes));
    out.field("mem_cluster_links", 0);
    out.field("mem_aof_buffer", facts.logs.buffered_bytes);
}
