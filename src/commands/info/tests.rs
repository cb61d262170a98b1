//! Which sections are shown, how fields are written, and that none of Redis's is missing.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use basalt_shard::engine::options::SharedMemory;
use basalt_shard::keyspace::hot_keys::HotKey;
use basalt_shard::resp::Span;

use super::*;
use crate::commands::info::facts::{Host, Logs, OfShard, Process};
use crate::commands::info::keyspace::Database;
use crate::config::memory_plan::MemoryPlan;
use crate::config::{Config, Surroundings};
use crate::shared::memory_shares::Shares;
use crate::telemetry::command_statistics::{CommandStatistics, OfCommand};
use crate::telemetry::usage::Memory;

fn facts() -> Facts {
    let mut stdin = std::io::empty();
    let mut surroundings =
        Surroundings { start_dir: "/".into(), stdin: &mut stdin, matches: |_, _| false };
    let config = Config::load(&[], &mut surroundings).unwrap().0;
    Facts {
        memory_plan: MemoryPlan::new(&config, 2, 1 << 30).unwrap(),
        shares: Shares::default(),
        config: Arc::new(config),
        process: Process::default(),
        host: Host::default(),
        logs: Logs::default(),
        shards: vec![OfShard::default(), OfShard::default()],
        hot_keys: Vec::new(),
        commands: Vec::new(),
        errors: Default::default(),
        errors_total: 0,
        databases: Vec::new(),
    }
}

fn titles(words: &[&str]) -> Vec<&'static str> {
    let (mut frame, mut spans) = (Vec::new(), Vec::new());
    for word in ["INFO"].iter().chain(words) {
        spans.push(Span { start: frame.len() as u32, len: word.len() as u32 });
        frame.extend_from_slice(word.as_bytes());
    }
    selected(Args::new(&frame, &spans)).iter().map(|section| section.name).collect()
}

fn show(section: &str, facts: &Facts) -> String {
    let sections: Vec<_> = SECTIONS.iter().filter(|known| known.name == section).collect();
    String::from_utf8(render(&sections, facts)).unwrap()
}

#[track_caller]
fn check(section: &str, facts: &Facts, lines: &[&str]) {
    let shown = show(section, facts);
    for line in lines {
        assert!(shown.contains(&format!("\r\n{line}\r\n")), "{line} in {shown}");
    }
}

#[test]
fn sections_are_chosen_by_name() {
    let names = |shown: fn(Shown) -> bool| -> Vec<_> {
        SECTIONS.iter().filter(|s| shown(s.shown)).map(|s| s.name).collect()
    };
    let by_default = names(|shown| shown == Shown::ByDefault);
    let all = names(|shown| shown != Shown::ByName);
    assert_eq!(titles(&[]), by_default);
    assert_eq!(titles(&["DEFAULT"]), by_default);
    assert_eq!(titles(&["all"]), all);
    assert_eq!(titles(&["everything"]), all);
    assert_eq!(titles(&["Memory", "SERVER", "memory"]), ["server", "memory"]);
    assert_eq!(titles(&["nothing"]), [""; 0]);
    assert_eq!(titles(&["nothing", "cpu"]), ["cpu"]);
    assert!(titles(&["default", "commandstats"]).contains(&"commandstats"));
    assert_eq!(titles(&["HotKeys"]), ["hotkeys"]);
    assert!(!all.contains(&"hotkeys"));
    assert!(!by_default.contains(&"commandstats") && !by_default.contains(&"latencystats"));
}

#[test]
fn sections_are_parted_by_empty_lines() {
    let facts = facts();
    let sections: Vec<_> =
        SECTIONS.iter().filter(|s| ["modules", "cluster"].contains(&s.name)).collect();
    let shown = String::from_utf8(render(&sections, &facts)).unwrap();
    assert_eq!(shown, "# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n");
}

#[test]
fn memory_is_shown_for_machines_and_people() {
    let mut facts = facts();
    facts.host.memory = Memory {
        allocated: 3 << 20,
        active: 4 << 20,
        resident: 5 << 20,
        metadata: 1 << 18,
        rss: 6 << 20,
        program: 2 << 20,
    };
    facts.host.engine_memory = SharedMemory {
        block_cache_bytes: 1 << 18,
        block_cache_pinned_bytes: 1 << 10,
        memtable_bytes: 1 << 16,
    };
    facts.host.engine = vec![("table_reader_bytes", 1 << 14), ("write_buffer_bytes", 1 << 16)];
    facts.shards[0].cache_bytes = 1 << 16;
    facts.process.memory_startup = 1 << 20;
    facts.process.memory_peak = 4 << 20;
    facts.shards[1].client_bytes = 1 << 19;
    check(
        "memory",
        &facts,
        &[
            "used_memory:3145728",
            "used_memory_human:3.00M",
            "used_memory_rss:6291456",
            "used_memory_peak_perc:75.00%",
            "used_memory_overhead:1572864",
            "used_memory_dataset:1572864",
            "used_memory_dataset_perc:75.00%",
            "maxmemory:1073741824",
            "maxmemory_human:1.00G",
            "maxmemory_policy:noeviction",
            "mem_fragmentation_ratio:2.00",
            "mem_fragmentation_bytes:3145728",
            "mem_clients_normal:524288",
            "memory_hot_cache:65536",
            "memory_block_cache:262144",
            "memory_block_cache_pinned:1024",
            "memory_write_buffers:131072",
            "memory_table_readers:16384",
            "memory_clients:524288",
            "memory_at_start:1048576",
            // What is left of 3 MB.
            "memory_other:1097728",
            "memory_fragments:1048576",
            "memory_unused_pages:786432",
            "memory_allocator:262144",
            "memory_program:2097152",
        ],
    );
}

#[test]
fn hot_keys_are_shown_in_order_and_safe_to_print() {
    let key = |name: &[u8], db, is_cut, per_second| HotKey {
        db,
        name: name.to_vec(),
        is_cut,
        per_second,
    };
    let mut facts = facts();
    facts.hot_keys = vec![
        hot_keys::OfShard { top: vec![key(b"a", 0, false, 10.4)], uses_per_second: 100.0 },
        hot_keys::OfShard {
            top: vec![
                key(b"b\r\n# \xff\"", 3, true, 50.0),
                key(b"a", 0, false, 5.0),
                key(b"", 0, false, 1.0),
            ],
            uses_per_second: 300.0,
        },
    ];
    assert_eq!(
        show("hotkeys", &facts),
        "# Hotkeys\r\n\
         hotkeys_sampled_one_in:64\r\n\
         hotkeys_key_uses_per_sec:400\r\n\
         hotkey0:db=3,uses_per_sec=50,share=12.50%,key=\"b\\r\\n# \\xff\\\"\"...\r\n\
         hotkey1:db=0,uses_per_sec=15,share=3.85%,key=\"a\"\r\n\
         hotkey2:db=0,uses_per_sec=1,share=0.25%,key=\"\"\r\n"
    );
}

#[test]
fn shards_are_added_up() {
    let mut facts = facts();
    for (shard, number) in facts.shards.iter_mut().zip([1, 10]) {
        shard.commands = number;
        shard.storage.keyspace_hits = 2 * number;
        shard.cache_hits = 3 * number;
        shard.changes_made = 3 * number;
        shard.client_input_max = number;
        shard.processor_time.user_us = 600_000 * number;
        shard.rates = [number as f64, 1024.0, 0.0, 0.0];
    }
    facts.logs = Logs { syncs: 7, latency_us: [1, 2, 3], pending: 5, failed: 1, ..Logs::default() };
    facts.host.engine = vec![("memtable_bytes", 9)];
    let database = |db, keys, expires, mean_ttl_ms| Database { db, keys, expires, mean_ttl_ms };
    facts.databases = vec![database(0, 5, 1, 1_500), database(3, 2, 0, 0)];
    check(
        "stats",
        &facts,
        &[
            "total_commands_processed:11",
            "instantaneous_ops_per_sec:11",
            "instantaneous_input_kbps:2.00",
            "keyspace_hits:22",
        ],
    );
    check("clients", &facts, &["client_recent_max_input_buffer:10"]);
    check("cpu", &facts, &["used_cpu_user_main_thread:6.600000"]);
    check("persistence", &facts, &["aof_last_write_status:err", "rdb_changes_since_last_save:33"]);
    check(
        "storage",
        &facts,
        &[
            "shards:2",
            "durability:always",
            "log_status:err",
            "log_syncs:7",
            "log_sync_usec_p99:2",
            "batches_not_durable:5",
            "hot_cache_hits:33",
            "engine_memtable_bytes:9",
        ],
    );
    let keyspace =
        "# Keyspace\r\ndb0:keys=5,expires=1,avg_ttl=1500\r\ndb3:keys=2,expires=0,avg_ttl=0";
    assert_eq!(show("keyspace", &facts).trim_end(), keyspace);
}

#[test]
fn commands_and_errors_are_shown_as_by_redis() {
    let mut facts = facts();
    let mut statistics = CommandStatistics::new(2);
    statistics.count(0, 1_000, b"+OK\r\n");
    statistics.count(0, 1_000, b"-WRONGTYPE x\r\n");
    statistics.reject(Some(1), b"-NO:AUTH x\r\n");
    let names = ["get", "config|set"];
    facts.commands =
        statistics.commands().map(|(id, of)| (names[id].to_owned(), of.clone())).collect();
    facts.errors = statistics.errors().clone();
    facts.errors_total = statistics.total_errors();
    facts.commands[0].1.nanoseconds = 25_000;
    check(
        "commandstats",
        &facts,
        &[
            "cmdstat_get:calls=2,usec=25,usec_per_call=12.50,rejected_calls=0,failed_calls=1",
            "cmdstat_config|set:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0",
        ],
    );
    check("errorstats", &facts, &["errorstat_NO_AUTH:count=1", "errorstat_WRONGTYPE:count=1"]);
    check("stats", &facts, &["total_error_replies:2"]);

    let mut histogram = hdrhistogram::Histogram::new_with_bounds(1, 1_000_000_000, 2).unwrap();
    histogram.record(5_000).unwrap();
    facts.commands[0].1 =
        OfCommand { latency_ns: Some(Box::new(histogram)), ..OfCommand::default() };
    // A microsecond value of two digits, as redis-server prints for the same duration.
    check(
        "latencystats",
        &facts,
        &["latency_percentiles_usec_get:p50=5.023,p99=5.023,p99.9=5.023"],
    );
}

/// Redis 7.2's fields that 7.0 has not.
const SINCE_7_2: &[&str] = &[
    "Clients/total_blocking_keys",
    "Clients/total_blocking_keys_on_nokey",
    "Server/listener0",
    "Stats/eventloop_cycles",
    "Stats/eventloop_duration_cmd_sum",
    "Stats/eventloop_duration_sum",
    "Stats/instantaneous_eventloop_cycles_per_sec",
    "Stats/instantaneous_eventloop_duration_usec",
];

/// `Section/field` in order; fields whose names come from commands and errors are left out.
fn names(info: &str) -> Vec<String> {
    let mut section = "";
    let mut names = Vec::new();
    for line in info.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            section = title;
        } else if let Some((name, _)) = line.split_once(':')
            && !["Commandstats", "Errorstats", "Latencystats", "Keyspace"].contains(&section)
        {
            names.push(format!("{section}/{name}"));
        }
    }
    names
}

/// `None` when redis-server is not installed.
fn info_of_redis() -> Option<String> {
    let folder = std::env::temp_dir().join(format!("basalt-info-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let server = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "yes", "--unixsocket", "socket"])
        .current_dir(&folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let info = server.ok().map(|mut server| {
        let answer = std::panic::catch_unwind(|| ask_for_info(&folder.join("socket")));
        server.kill().unwrap();
        server.wait().unwrap();
        answer
    });
    std::fs::remove_dir_all(&folder).unwrap();
    info.map(|answer| answer.unwrap())
}

fn ask_for_info(socket: &std::path::Path) -> String {
    let patience = Instant::now() + Duration::from_secs(10);
    let mut stream = loop {
        match UnixStream::connect(socket) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < patience, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(b"INFO everything\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut length = String::new();
    reader.read_line(&mut length).unwrap();
    let bytes: u64 = length.trim_start_matches('$').trim().parse().unwrap();
    let mut info = String::new();
    reader.take(bytes).read_to_string(&mut info).unwrap();
    info
}

#[test]
fn every_field_of_redis_is_there_in_its_order() {
    let all: Vec<_> = SECTIONS.iter().collect();
    let ours = names(&String::from_utf8(render(&all, &facts())).unwrap());
    for name in SINCE_7_2 {
        assert!(ours.iter().any(|own| own == name), "{name}");
    }
    let Some(info) = info_of_redis() else {
        println!("skipped: redis-server is not installed");
        return;
    };
    let theirs = names(&info);
    assert!(theirs.len() > 150, "{info}");
    let common: Vec<_> = ours.iter().filter(|name| theirs.contains(name)).cloned().collect();
    assert_eq!(common, theirs);
}
