//! What the server is: INFO's sections Server, Replication, Modules, Cluster.

use crate::client::REDIS_VERSION;

use crate::commands::info::facts::Facts;
use crate::commands::info::text::Text;

/// Bits of the clock of least recent use, which counts seconds.
const LRU_CLOCK_BITS: u32 = 24;

pub(super) fn server(facts: &Facts, out: &mut Text) {
    let process = &facts.process;
    let hz = facts.config.value_of("hz").unwrap_or_default();
    let hz = String::from_utf8_lossy(&hz);
    out.section("Server");
    out.field("redis_version", REDIS_VERSION);
    out.field("server_name", "basalt");
    out.field("basalt_version", env!("CARGO_PKG_VERSION"));
    out.field("redis_git_sha1", "00000000");
    out.field("redis_git_dirty", 0);
    out.field("redis_build_id", concat!("basalt-", env!("CARGO_PKG_VERSION")));
    out.field("redis_mode", "standalone");
    out.field("os", &facts.host.system);
    out.field("arch_bits", usize::BITS);
    out.field("monotonic_clock", "POSIX clock_gettime");
    out.field("multiplexing_api", "io_uring");
    out.field("atomicvar_api", "c11-builtin");
    out.field("gcc_version", "0.0.0");
    out.field("process_id", std::process::id());
    out.field("process_supervised", process.supervisor.word());
    out.field("run_id", &process.run_id);
    out.field("tcp_port", facts.config.port);
    out.field("server_time_usec", process.now_us);
    out.field("uptime_in_seconds", process.uptime_s);
    out.field("uptime_in_days", process.uptime_s / (24 * 3600));
    out.fields(&["hz", "configured_hz"], hz);
    out.field("lru_clock", (process.now_us / 1_000_000) & ((1 << LRU_CLOCK_BITS) - 1));
    out.field("executable", &facts.host.executable);
    out.field("config_file", &process.config_file);
    out.field("io_threads_active", 0);
    listeners(facts, out);
}

fn listeners(facts: &Facts, out: &mut Text) {
    let config = &facts.config;
    let mut listeners = Vec::new();
    if config.port != 0 {
        let binds: String = config.bind.iter().map(|address| format!(",bind={address}")).collect();
        listeners.push(format!("name=tcp{binds},port={}", config.port));
    }
    if let Some(path) = &config.unixsocket {
        listeners.push(format!("name=unix,bind={}", path.display()));
    }
    for (number, listener) in listeners.iter().enumerate() {
        out.field(&format!("listener{number}"), listener);
    }
}

/// There is no replication: this server is the only one.
pub(super) fn replication(facts: &Facts, out: &mut Text) {
    let backlog = facts.config.value_of("repl-backlog-size").unwrap_or_default();
    out.section("Replication");
    out.field("role", "master");
    out.field("connected_slaves", 0);
    out.field("master_failover_state", "no-failover");
    out.field("master_replid", &facts.process.data_id);
    out.field("master_replid2", "0".repeat(40));
    out.field("master_repl_offset", 0);
    out.field("second_repl_offset", -1);
    out.field("repl_backlog_active", 0);
    out.field("repl_backlog_size", String::from_utf8_lossy(&backlog));
    out.fields(&["repl_backlog_first_byte_offset", "repl_backlog_histlen"], 0);
}

/// There are none.
pub(super) fn modules(_facts: &Facts, out: &mut Text) {
    out.section("Modules");
}

pub(super) fn cluster(_facts: &Facts, out: &mut Text) {
    out.section("Cluster");
    out.field("cluster_enabled", 0);
}
