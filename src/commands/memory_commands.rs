//! MEMORY on the process as a whole: what the allocator and the system say. MEMORY USAGE, which is
//! about a key, is a command of the shards.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use basalt_shard::resp::ReplyBuffer;

use crate::client::Session;
use crate::commands::replies::help;
use crate::commands::row::*;
use crate::telemetry::usage;
use crate::telemetry::usage::Memory;
use crate::thread::node::Node;
use crate::thread::process_command::{LaterContext, LaterReply};
use crate::thread::shard_thread::ShardThread;
use crate::upkeep::expiry;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[more_of("memory", SUBCOMMANDS)];

const SUBCOMMANDS: &[Command] = &[
    command("doctor", 2, Later(doctor))
        .group(Group::Server)
        .since("4.0.0")
        .summary("Reports what may be wrong with the use of memory")
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]),
    command("help", 2, Now(|context| help(context.reply, "MEMORY", HELP)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .since("4.0.0")
        .summary("Lists the subcommands"),
    command("malloc-stats", 2, Later(malloc_stats))
        .group(Group::Server)
        .since("4.0.0")
        .summary("Reports the statistics of the allocator")
        .complexity("Depends on the allocator")
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]),
    command("purge", 2, Later(purge))
        .group(Group::Server)
        .since("4.0.0")
        .summary("Makes the allocator give memory back")
        .complexity("Depends on the allocator")
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
    command("stats", 2, Later(stats))
        .group(Group::Server)
        .since("4.0.0")
        .summary("Reports what memory is used for")
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]),
];

const HELP: &[&str] = &[
    "DOCTOR",
    "    Report what may be wrong with the use of memory.",
    "MALLOC-STATS",
    "    Report the statistics of the allocator.",
    "PURGE",
    "    Make the allocator give memory back.",
    "STATS",
    "    Tell what memory is used for.",
    "USAGE <key> [SAMPLES <count>]",
    "    Tell how many bytes a key and its value take.",
];

const FAILED: &[u8] = b"ERR the command failed in the server; this is a bug, please report it";

/// What the process uses, and for what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Use {
    memory: Memory,
    peak: u64,
    startup: u64,
    budget: u64,
    clients: u64,
    /// What the logs have not given to the kernel.
    log_buffers: u64,
    /// Logical database, keys.
    databases: Vec<(usize, u64)>,
}

impl Use {
    async fn gather(shard_thread: &Rc<ShardThread>) -> Option<Self> {
        let clients = shard_thread.on_every_shard(client_bytes).await.into_iter().sum();
        let node = shard_thread.node.clone();
        let memory =
            shard_thread.off_loop(move || usage::note_peak(&node.telemetry.counters)).await?;
        let node: &Node = &shard_thread.node;
        let shards = 0..node.topology.shards();
        let log_buffers =
            shards.map(|shard| node.topology.engine(shard).log_backlog_bytes().0).sum();
        let mut databases = Vec::new();
        for (db, physical) in shard_thread.databases().iter().enumerate() {
            let counted = expiry::live_keys(shard_thread, *physical).await;
            let keys = counted.unwrap_or_else(|_| node.key_count(*physical)).keys;
            databases.extend((keys > 0).then_some((db, keys)));
        }
        Some(Self {
            memory,
            peak: node.telemetry.counters.memory_peak.load(Ordering::Relaxed),
            startup: node.telemetry.counters.memory_startup.load(Ordering::Relaxed),
            budget: node.storage.memory_plan().budget,
            clients,
            log_buffers,
            databases,
        })
    }

    /// What is not cached data.
    fn overhead(&self) -> u64 {
        self.startup + self.clients
    }

    fn dataset(&self) -> u64 {
        self.memory.allocated.saturating_sub(self.overhead())
    }
}

fn client_bytes(shard_thread: &Rc<ShardThread>) -> u64 {
    let sessions = shard_thread.sessions.borrow();
    let bytes = sessions.values().map(|session| {
        size_of::<Session>() + session.input_bytes.get() + session.output_bytes.get()
    });
    bytes.sum::<usize>() as u64
}

fn stats(mut context: LaterContext) -> LaterReply {
    Box::pin(async move {
        match Use::gather(&context.shard_thread).await {
            Some(found) => show(&found, &mut context.reply),
            None => context.reply.error(FAILED),
        }
        context.reply
    })
}

/// A map with the names of Redis 7.2.
struct Fields<'a> {
    reply: &'a mut ReplyBuffer,
    count: usize,
}

impl Fields<'_> {
    fn name(&mut self, name: &str) {
        self.reply.bulk(name.as_bytes());
        self.count += 1;
    }

    fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        self.reply.integer(i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn double(&mut self, name: &str, value: f64) {
        self.name(name);
        self.reply.double(value);
    }

    /// How much `outer` is more than `inner`.
    fn pair(&mut self, name: &str, (ratio, bytes): (&str, &str), outer: u64, inner: u64) {
        self.double(&format!("{name}{ratio}"), outer as f64 / inner.max(1) as f64);
        self.name(&format!("{name}{bytes}"));
        let difference = i128::from(outer) - i128::from(inner);
        self.reply.integer(i64::try_from(difference).unwrap_or(i64::MAX));
    }
}

fn show(found: &Use, reply: &mut ReplyBuffer) {
    let Use { memory, .. } = found;
    let header = reply.deferred_map();
    let mut fields = Fields { reply, count: 0 };
    fields.number("peak.allocated", found.peak);
    fields.number("total.allocated", memory.allocated);
    fields.number("startup.allocated", found.startup);
    fields.number("replication.backlog", 0);
    fields.number("clients.slaves", 0);
    fields.number("clients.normal", found.clients);
    fields.number("cluster.links", 0);
    fields.number("aof.buffer", found.log_buffers);
    fields.number("lua.caches", 0);
    fields.number("functions.caches", 0);
    // Keys live on disk: no tables of all keys are kept in memory.
    for (db, _) in &found.databases {
        fields.name(&format!("db.{db}"));
        let tables = ["overhead.hashtable.main", "overhead.hashtable.expires"].map(str::as_bytes);
        fields.reply.map(tables.len());
        for table in tables {
            fields.reply.bulk(table);
            fields.reply.integer(0);
        }
    }
    let keys: u64 = found.databases.iter().map(|(_, keys)| keys).sum();
    let dataset = found.dataset();
    let net = memory.allocated.saturating_sub(found.startup);
    fields.number("overhead.total", found.overhead());
    fields.number("keys.count", keys);
    fields.number("keys.bytes-per-key", net.checked_div(keys).unwrap_or(0));
    fields.number("dataset.bytes", dataset);
    fields.double("dataset.percentage", dataset as f64 * 100.0 / net.max(1) as f64);
    fields.double("peak.percentage", memory.allocated as f64 * 100.0 / found.peak.max(1) as f64);
    fields.number("allocator.allocated", memory.allocated);
    fields.number("allocator.active", memory.active);
    fields.number("allocator.resident", memory.resident);
    let suffixes = (".ratio", ".bytes");
    fields.pair("allocator-fragmentation", suffixes, memory.active, memory.allocated);
    fields.pair("allocator-rss", suffixes, memory.resident, memory.active);
    fields.pair("rss-overhead", suffixes, memory.rss, memory.resident);
    fields.pair("fragmentation", ("", ".bytes"), memory.rss, memory.allocated);
    let count = fields.count;
    reply.finish_map(header, count);
}

fn doctor(mut context: LaterContext) -> LaterReply {
    Box::pin(async move {
        match Use::gather(&context.shard_thread).await {
            Some(found) => context.reply.verbatim("txt", report(&found).as_bytes()),
            None => context.reply.error(FAILED),
        }
        context.reply
    })
}

/// What may be wrong.
fn report(found: &Use) -> String {
    /// Below this nothing is worth a remark.
    const SMALL_BYTES: u64 = 32 << 20;
    let Use { memory, peak, budget, clients, .. } = found;
    if memory.rss < SMALL_BYTES {
        return "The process uses very little memory: there is nothing to report.\n".into();
    }
    let mut findings = String::new();
    if memory.rss > *budget {
        findings.push_str(&format!(
            "- The process has {} bytes in memory, more than its budget of {budget}. Allow fewer \
             or less demanding clients, or raise maxmemory.\n",
            memory.rss
        ));
    }
    // A peak of one and a half times is worth knowing when sizing a host.
    if *peak > memory.allocated.saturating_add(memory.allocated / 2) {
        findings.push_str(&format!(
            "- At its peak the process used {peak} bytes, now {}. The allocator gives memory \
             back by and by; MEMORY PURGE does it at once.\n",
            memory.allocated
        ));
    }
    if memory.active > memory.allocated.saturating_add(memory.allocated / 2) {
        findings.push_str(&format!(
            "- Memory is fragmented: {} bytes are in pages that hold {} bytes.\n",
            memory.active, memory.allocated
        ));
    }
    if *clients > budget / 5 {
        findings.push_str(&format!(
            "- Clients use {clients} bytes, more than the fifth of the budget that is theirs. \
             CLIENT LIST shows who (omem, qbuf).\n"
        ));
    }
    if findings.is_empty() {
        return "Nothing is wrong with the use of memory.\n".into();
    }
    format!("What was found:\n{findings}")
}

fn purge(mut context: LaterContext) -> LaterReply {
    Box::pin(async move {
        match context.shard_thread.off_loop(usage::purge).await {
            Some(()) => context.reply.ok(),
            None => context.reply.error(FAILED),
        }
        context.reply
    })
}

fn malloc_stats(mut context: LaterContext) -> LaterReply {
    Box::pin(async move {
        match context.shard_thread.off_loop(usage::allocator_report).await {
            Some(report) => context.reply.verbatim("txt", report.as_bytes()),
            None => context.reply.error(FAILED),
        }
        context.reply
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt_shard::resp::Protocol;

    fn example() -> Use {
        Use {
            memory: Memory {
                allocated: 100 << 20,
                active: 110 << 20,
                resident: 120 << 20,
                rss: 130 << 20,
                ..Memory::default()
            },
            peak: 125 << 20,
            startup: 10 << 20,
            budget: 512 << 20,
            clients: 1 << 20,
            log_buffers: 0,
            databases: vec![(0, 3), (9, 1)],
        }
    }

    #[test]
    fn stats_are_well_formed() {
        let mut reply = ReplyBuffer::new(Protocol::Resp3);
        show(&example(), &mut reply);
        let text = String::from_utf8_lossy(reply.as_bytes()).into_owned();
        assert!(text.starts_with("%29\r\n"), "{text}");
        for part in [
            "keys.count\r\n:4\r\n",
            "peak.percentage\r\n,80\r\n",
            "db.9\r\n%2\r\n",
            "allocator-rss.bytes\r\n:10485760\r\n",
            "fragmentation\r\n,1.3\r\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn the_doctor_finds_what_is_wrong() {
        let check = |change: fn(&mut Use), expected: &str| {
            let mut found = example();
            change(&mut found);
            let report = report(&found);
            assert!(report.contains(expected), "{expected}: {report}");
        };
        check(|_| {}, "Nothing is wrong");
        check(|found| found.memory.rss = 1 << 20, "very little");
        check(|found| found.budget = 100 << 20, "more than its budget");
        check(|found| found.peak = 200 << 20, "At its peak");
        check(|found| found.memory.active = 200 << 20, "fragmented");
        check(|found| found.clients = 110 << 20, "Clients use");
    }
}
