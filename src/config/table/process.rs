//! Rows about the process: sockets, clients, security, logging, measuring, the host.

use super::super::settings::MemoryShare;
use super::super::special::OutputLimit;
use super::super::value::{Kind, Value};
use super::super::words::{LogLevel, ProtectedAction, Supervision, Word};
use super::row::*;

const NO_TITLE: &str = "the process keeps the title it was started with";
const LOGS: &str = "the log goes to standard output or to the logfile, never to syslog";
const NO_IO_THREADS: &str = "every shard does its own input and output on its own thread";
const NO_OOM: &str = "the server leaves its out-of-memory score to the service manager";
const SIGNALS: &str =
    "SIGINT and SIGTERM end the server cleanly; there is no snapshot to save or to skip";
const NO_PINS: &str = "shard-cpu-pinning decides where threads run";
const NO_CRASH_LOG: &str = "of a crash nothing is told but the signal and the address";
const TIMERS: &str = "timers run when they are due, not at a fixed rate";
const NO_ACL: &str = "there are no users besides the default one";
const NO_JEMALLOC: &str = "the allocator has no such background work";

const OOM_WORDS: &[Word] =
    &[("no", "no"), ("yes", "yes"), ("relative", "yes"), ("absolute", "absolute")];
const SHUTDOWN_WORDS: &[Word] = &[
    ("default", "default"),
    ("save", "save"),
    ("nosave", "nosave"),
    ("now", "now"),
    ("force", "force"),
];
const FACILITY_WORDS: &[Word] = &[
    ("user", "user"),
    ("local0", "local0"),
    ("local1", "local1"),
    ("local2", "local2"),
    ("local3", "local3"),
    ("local4", "local4"),
    ("local5", "local5"),
    ("local6", "local6"),
    ("local7", "local7"),
];
const PUBSUB_WORDS: &[Word] = &[("allchannels", "allchannels"), ("resetchannels", "resetchannels")];

/// Output limits of the classes of clients that there are none of: replicas and pub/sub.
const WITHOUT_CLIENTS: [OutputLimit; 2] = [
    OutputLimit { hard_bytes: 256 << 20, soft_bytes: 64 << 20, soft_seconds: 60 },
    OutputLimit { hard_bytes: 32 << 20, soft_bytes: 8 << 20, soft_seconds: 60 },
];

pub(super) static ROWS: &[Directive] = &[
    // Sockets.
    Directive::new("bind", Kind::Addresses, "127.0.0.1 -::1")
        .live(|s, v| {
            if let Value::Addresses(addresses) = v {
                s.bind.clone_from(addresses)
            }
        })
        .doc(
            "Addresses to listen on; -ADDRESS may be missing on this host. Only this host by \
             default, where Redis without a file listens everywhere.",
        ),
    integer("port", "6379", 0, 65_535)
        .live(|s, v| s.port = v.number())
        .doc("TCP port to listen on; 0 turns TCP off."),
    yes_no("protected-mode", "yes")
        .live(|s, v| s.protected_mode = v.yes())
        .doc("While there is no password, refuse clients from other hosts."),
    integer("tcp-backlog", "511", 0, INT_MAX)
        .immutable()
        .live(|s, v| s.tcp_backlog = v.number())
        .doc("Connections that may wait to be accepted."),
    integer("tcp-keepalive", "300", 0, INT_MAX)
        .live(|s, v| s.tcp_keepalive_seconds = v.number())
        .doc("Seconds between TCP keepalive probes; 0 sends none."),
    integer("timeout", "0", 0, INT_MAX)
        .live(|s, v| s.timeout_seconds = v.number())
        .doc("Close clients that are idle for so many seconds; 0 never does."),
    text("unixsocket", "")
        .immutable()
        .live(|s, v| s.unixsocket = v.path())
        .doc("Path of a Unix socket to listen on."),
    Directive::new("unixsocketperm", Kind::Octal { max: 0o777 }, "0")
        .immutable()
        .live(|s, v| s.unixsocketperm = v.number())
        .doc("Permissions of the Unix socket, octal; 0 leaves them to the umask."),
    integer("socket-mark-id", "0", 0, UINT_MAX)
        .immutable()
        .reported("sockets are not marked for the firewall")
        .doc("Mark for the sockets of this server."),
    text("bind-source-addr", "")
        .reported("the server opens no connections of its own")
        .doc("Address from which to connect to other servers."),
    // Clients.
    integer("maxclients", "10000", 1, UINT_MAX)
        .live(|s, v| s.maxclients = v.number())
        .doc("Connections at one time."),
    Directive::new("maxmemory-clients", Kind::MemoryOrPercent, "0")
        .live(|s, v| {
            s.maxmemory_clients = match v {
                Value::Percent(percent) => MemoryShare::Percent(*percent),
                other => MemoryShare::Bytes(other.bytes()),
            }
        })
        .doc(
            "Memory that all clients together may use, in bytes or as a share of maxmemory; 0 is \
             a fifth of maxmemory.",
        ),
    memory("client-query-buffer-limit", "1073741824", 1 << 20, BYTES_MAX)
        .live(|s, v| s.client_query_buffer_limit = v.bytes())
        .doc("Bytes that one client may have sent and not yet had executed."),
    Directive::new(
        "client-output-buffer-limit",
        Kind::OutputLimits,
        "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
    )
    .live(|s, v| s.client_output_buffer_limit = v.output_limits())
    .caveat(|v| {
        let (limits, [replica, pubsub]) = (v.output_limits(), WITHOUT_CLIENTS);
        ((limits.replica, limits.pubsub) != (replica, pubsub))
            .then_some("there are neither replicas nor pub/sub clients that it could limit")
    })
    .doc(
        "Disconnect a client whose waiting replies exceed the hard limit, or the soft one for \
         so many seconds. Without a limit of their own normal clients have that of all together \
         (maxmemory-clients).",
    ),
    memory("proto-max-bulk-len", "512mb", 1 << 20, BYTES_MAX)
        .live(|s, v| s.proto_max_bulk_len = v.bytes())
        .doc("Longest string in a request."),
    integer("databases", "16", 1, 256).immutable().live(|s, v| s.databases = v.number()).doc(
        "Databases for SELECT; at most 256, for a key has one byte for the number of its \
             own.",
    ),
    integer("tracking-table-max-keys", "1000000", 0, LONG_MAX)
        .reported("there is no client-side caching")
        .doc("Keys remembered for client-side caching; 0 sets no limit."),
    // Security.
    text("requirepass", "")
        .secret()
        .live(|s, v| s.requirepass = v.text().map(<[u8]>::to_vec))
        .doc("Password of the default user; empty means none."),
    word("enable-protected-configs", "no", ProtectedAction::WORDS)
        .immutable()
        .live(|s, v| s.enable_protected_configs.set(v.word()))
        .doc(
            "Who may change directives that can harm the host: no, yes, or local for clients \
             from this host.",
        ),
    word("enable-debug-command", "no", ProtectedAction::WORDS)
        .immutable()
        .live(|s, v| s.enable_debug_command.set(v.word()))
        .doc("Who may use DEBUG: no, yes, or local."),
    word("enable-module-command", "no", ProtectedAction::WORDS)
        .immutable()
        .reported("there are no modules")
        .doc("Who may use MODULE: no, yes, or local."),
    text("aclfile", "").immutable().only_default(NO_ACL).doc("File with the users."),
    integer("acllog-max-len", "128", 0, LONG_MAX).reported(NO_ACL).doc("Entries kept by ACL LOG."),
    word("acl-pubsub-default", "resetchannels", PUBSUB_WORDS)
        .reported(NO_ACL)
        .doc("Channels that a new user may use."),
    // The process and its log.
    yes_no("daemonize", "no")
        .immutable()
        .live(|s, v| s.daemonize = v.yes())
        .doc("Go to the background; who started the server has its terminal back when it serves."),
    word("supervised", "no", Supervision::WORDS)
        .immutable()
        .live(|s, v| s.supervised.set(v.word()))
        .doc("Tell a service manager when the server is ready and when it stops."),
    text("pidfile", "")
        .immutable()
        .live(|s, v| s.pidfile = v.path())
        .doc("File to write the process id to; in the background /var/run/basalt.pid without it."),
    text("logfile", "")
        .immutable()
        .live(|s, v| s.logfile = v.path())
        .doc("File to log to; empty means standard output."),
    word("loglevel", "notice", LogLevel::WORDS)
        .live(|s, v| s.loglevel.set(v.word()))
        .doc("How much is logged."),
    yes_no("syslog-enabled", "no").immutable().reported(LOGS).doc("Log to syslog."),
    text("syslog-ident", "basalt").immutable().reported(LOGS).doc("Name in syslog."),
    word("syslog-facility", "local0", FACILITY_WORDS)
        .immutable()
        .reported(LOGS)
        .doc("Facility in syslog."),
    yes_no("always-show-logo", "no")
        .immutable()
        .reported("there is no logo")
        .doc("Print a logo at start."),
    yes_no("set-proc-title", "yes")
        .immutable()
        .reported(NO_TITLE)
        .doc("Show what the server is doing in its process title."),
    text("proc-title-template", "{title} {listen-addr} {server-mode}")
        .check(title_template)
        .reported(NO_TITLE)
        .doc("What the process title shows."),
    yes_no("crash-log-enabled", "yes")
        .live(|s, v| s.crash_log_enabled = v.yes())
        .doc("Tell in the log of a crash."),
    yes_no("crash-memcheck-enabled", "yes")
        .reported(NO_CRASH_LOG)
        .doc("Test memory after a crash."),
    yes_no("use-exit-on-panic", "no")
        .hidden()
        .reported("a panic ends a task, and the process goes on")
        .doc("Exit instead of abort."),
    integer("shutdown-timeout", "10", 0, INT_MAX)
        .reported("a shutdown has no replicas to wait for")
        .doc("Seconds that SHUTDOWN waits for replicas that lag."),
    Directive::new("shutdown-on-sigint", Kind::Words(SHUTDOWN_WORDS), "default")
        .check(shutdown_words)
        .reported(SIGNALS)
        .doc("How SIGINT ends the server."),
    Directive::new("shutdown-on-sigterm", Kind::Words(SHUTDOWN_WORDS), "default")
        .check(shutdown_words)
        .reported(SIGNALS)
        .doc("How SIGTERM ends the server."),
    integer("watchdog-period", "0", 0, INT_MAX)
        .hidden()
        .reported("LATENCY and SLOWLOG tell what was slow")
        .doc("Log a stack trace when the server hangs for so many milliseconds."),
    // Measuring.
    integer("slowlog-log-slower-than", "10000", -1, LONG_MAX)
        .live(|s, v| s.slowlog_log_slower_than_us = v.number())
        .doc("Microseconds from which a command is put into SLOWLOG; -1 turns it off."),
    integer("slowlog-max-len", "128", 0, LONG_MAX)
        .live(|s, v| s.slowlog_max_len = v.number())
        .doc("Entries that SLOWLOG keeps."),
    integer("latency-monitor-threshold", "0", 0, LONG_MAX)
        .live(|s, v| s.latency_monitor_threshold_ms = v.number())
        .doc("Milliseconds from which LATENCY records an event; 0 turns it off."),
    yes_no("latency-tracking", "yes")
        .live(|s, v| s.latency_tracking = v.yes())
        .doc("Keep a latency histogram per command."),
    Directive::new("latency-tracking-info-percentiles", Kind::Percentiles, "50 99 99.9")
        .live(|s, v| {
            if let Value::Percentiles(percentiles) = v {
                s.latency_tracking_info_percentiles.clone_from(percentiles);
            }
        })
        .doc("Percentiles that INFO latencystats shows."),
    // The host.
    integer("hz", "10", 0, INT_MAX)
        .check(|value| match value {
            // A hint rather than a bound: Redis takes any number and keeps one from 1 to 500.
            Value::Integer(hz) => Ok(Value::Integer(hz.clamp(1, 500))),
            other => Ok(other),
        })
        .reported(TIMERS)
        .doc("How often background work runs, per second."),
    yes_no("dynamic-hz", "yes").reported(TIMERS).doc("Raise hz with the number of clients."),
    integer("io-threads", "1", 1, 128)
        .immutable()
        .reported(NO_IO_THREADS)
        .doc("Threads for input and output."),
    yes_no("io-threads-do-reads", "no")
        .immutable()
        .reported(NO_IO_THREADS)
        .doc("Whether those threads also read."),
    text("server_cpulist", "").immutable().reported(NO_PINS).doc("Cores for the server."),
    text("bio_cpulist", "").immutable().reported(NO_PINS).doc("Cores for background threads."),
    text("aof_rewrite_cpulist", "")
        .immutable()
        .reported(NO_PINS)
        .doc("Cores for rewriting the append-only file."),
    text("bgsave_cpulist", "").immutable().reported(NO_PINS).doc("Cores for snapshots."),
    yes_no("disable-thp", "yes")
        .immutable()
        .reported("the server never forks, so transparent huge pages do it little harm")
        .doc("Switch transparent huge pages off."),
    word("oom-score-adj", "no", OOM_WORDS).reported(NO_OOM).doc("Adjust the out-of-memory score."),
    Directive::new("oom-score-adj-values", Kind::OomScores, "0 200 800")
        .reported(NO_OOM)
        .doc("Scores for a primary, a replica and a child process."),
    yes_no("jemalloc-bg-thread", "yes")
        .reported(NO_JEMALLOC)
        .doc("Let the allocator give memory back from a thread of its own."),
    text("ignore-warnings", "")
        .reported("no check of the host stops the start")
        .doc("Names of start-up checks that may fail."),
    text("locale-collate", "")
        .reported("strings are compared by their bytes")
        .doc("Locale for comparing strings in scripts."),
];

/// Checks the braces of a template, the names in them, and that it shows something even where the
/// title and the mode are empty.
fn title_template(value: Value) -> Result<Value, String> {
    const VARIABLES: [&str; 7] =
        ["listen-addr", "config-file", "port", "tls-port", "title", "server-mode", "unixsocket"];
    const NEVER_EMPTY: usize = 4;
    let invalid = || Err("template format is invalid or contains unknown variables".to_string());
    let Value::Text(bytes) = &value else { return Ok(value) };
    let mut rest = bytes.as_slice();
    let mut shows = false;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'{' {
            shows |= *first != b' ';
        } else if let [b'{', tail @ ..] = rest {
            shows = true;
            rest = tail;
        } else {
            let Some(end) = rest.iter().position(|byte| *byte == b'}') else { return invalid() };
            let name = &rest[..end];
            let known = VARIABLES.iter().position(|variable| variable.as_bytes() == name);
            let Some(known) = known else { return invalid() };
            shows |= known < NEVER_EMPTY;
            rest = &rest[end + 1..];
        }
    }
    if shows { Ok(value) } else { invalid() }
}

fn shutdown_words(value: Value) -> Result<Value, String> {
    match &value {
        Value::Words(words) if words.contains(&"save") && words.contains(&"nosave") => {
            Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into())
        }
        _ => Ok(value),
    }
}
