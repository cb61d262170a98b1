//! Rows about what is on disk: the data directory, durability, and Redis's snapshot and
//! append-only files.

use super::super::value::{Kind, Value};
use super::super::words::Durability;
use super::row::*;

const NO_SNAPSHOTS: &str = "every write is on disk already, so no snapshots are taken at intervals";
const NO_RDB: &str = "the data is kept in a database, not in a snapshot file";
const NO_AOF: &str =
    "the data is kept in a database with a log of its own, not in an append-only file";

pub(super) static ROWS: &[Directive] = &[
    Directive::new("dir", Kind::Directory, "./")
        .protected()
        .fixed()
        .not_while_loading()
        .live(|s, v| s.dir = v.path().unwrap_or_default())
        .doc("The directory with the data; relative paths of other directives start there."),
    word("appendfsync", "always", Durability::WORDS).live(|s, v| s.appendfsync.set(v.word())).doc(
        "When a write is forced to disk: always (before its reply), everysec, or no. \
             Always by default, where Redis has everysec.",
    ),
    yes_no("appendonly", "yes")
        .not_while_loading()
        .reported("every write is logged before its reply, and that cannot be turned off")
        .doc("Keep a log of writes. Always so here, hence the default."),
    Directive::new("save", Kind::Save, "")
        .reported(NO_SNAPSHOTS)
        .doc("Take a snapshot after so many seconds if there were so many changes."),
    text("dbfilename", "dump.rdb")
        .protected()
        .check(|value| {
            plain_file_name(value).map_err(|_| "dbfilename can't be a path, just a filename".into())
        })
        .reported(NO_RDB)
        .doc("Name of the snapshot file."),
    yes_no("rdbcompression", "yes").reported(NO_RDB).doc("Compress snapshots."),
    yes_no("rdbchecksum", "yes").immutable().reported(NO_RDB).doc("Put a checksum into snapshots."),
    yes_no("rdb-del-sync-files", "no").reported(NO_RDB).doc("Delete snapshots made for replicas."),
    yes_no("rdb-save-incremental-fsync", "yes").reported(NO_RDB).doc("Sync a snapshot bit by bit."),
    integer("rdb-key-save-delay", "0", i32::MIN as i64, INT_MAX)
        .hidden()
        .reported(NO_RDB)
        .doc("Microseconds to wait after each key of a snapshot."),
    integer("key-load-delay", "0", i32::MIN as i64, INT_MAX)
        .hidden()
        .reported(NO_RDB)
        .doc("Microseconds to wait after each key that is loaded."),
    integer("loading-process-events-interval-bytes", "2097152", 1024, INT_MAX)
        .hidden()
        .reported(NO_RDB)
        .doc("Bytes loaded between two looks at the clients."),
    yes_no("stop-writes-on-bgsave-error", "yes")
        .reported(NO_SNAPSHOTS)
        .doc("Refuse writes when a snapshot failed."),
    text("appendfilename", "appendonly.aof")
        .immutable()
        .check(|value| named(value, "appendfilename", "filename"))
        .reported(NO_AOF)
        .doc("Base name of the append-only files."),
    text("appenddirname", "appendonlydir")
        .immutable()
        .check(|value| named(value, "appenddirname", "dirname"))
        .reported(NO_AOF)
        .doc("Directory of the append-only files."),
    yes_no("no-appendfsync-on-rewrite", "no").reported(NO_AOF).doc("Do not sync during a rewrite."),
    integer("auto-aof-rewrite-percentage", "100", 0, INT_MAX)
        .reported(NO_AOF)
        .doc("Growth in percent that starts a rewrite."),
    memory("auto-aof-rewrite-min-size", "64mb", 0, BYTES_MAX)
        .reported(NO_AOF)
        .doc("Size below which no rewrite starts."),
    yes_no("aof-rewrite-incremental-fsync", "yes")
        .reported(NO_AOF)
        .doc("Sync a rewrite bit by bit."),
    yes_no("aof-load-truncated", "yes").reported(NO_AOF).doc("Accept a file whose end is cut off."),
    yes_no("aof-use-rdb-preamble", "yes").reported(NO_AOF).doc("Start the file with a snapshot."),
    yes_no("aof-timestamp-enabled", "no").reported(NO_AOF).doc("Put times into the file."),
    yes_no("aof-disable-auto-gc", "no").hidden().reported(NO_AOF).doc("Keep files out of use."),
];

fn named(value: Value, directive: &str, what: &str) -> Result<Value, String> {
    if matches!(&value, Value::Text(name) if name.is_empty()) {
        return Err(format!("{directive} can't be empty"));
    }
    plain_file_name(value).map_err(|_| format!("{directive} can't be a path, just a {what}"))
}
