//! What the process may have: files and locked memory. Limits are those of the doctor's own
//! process; a service manager may give the server others.

use super::Subject;
use super::finding::Finding;

/// Of a shard: table files (`max_open_files`) and those of verifying, the log, rings, pipes.
const FILES_PER_SHARD: u64 = 512 + 20 + 48;
/// Of the process: listening sockets, configuration, the log's file.
const FILES: u64 = 32;

pub(super) fn open_files(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "open-files";
    let Some(limit) = subject.host.limit("Max open files") else {
        return Finding::skip(CHECK, "the limit is not known");
    };
    let databases = FILES + FILES_PER_SHARD * subject.shards as u64;
    let clients = u64::from(subject.config.maxclients);
    let wanted = databases + clients;
    let fix = format!(
        "LimitNOFILE={wanted} in the service, or ulimit -n {wanted}; or a lower maxclients"
    );
    let seen = format!("{limit} files, for {clients} clients and {databases} of the databases");
    let finding = if limit < databases {
        let why = "the databases alone may need more: a table file that cannot be opened stops \
                   its shard's writes";
        Finding::fail(CHECK, seen, why, fix)
    } else if limit < wanted {
        let why = "before maxclients is reached no connection is accepted any more, and clients \
                   may have taken the files that the databases need for writing";
        Finding::warn(CHECK, seen, why, fix)
    } else {
        Finding::ok(CHECK, seen)
    };
    finding.with_numbers(&[("limit", limit), ("wanted", wanted)])
}

/// With less a loop does not start.
const LOCKED_BYTES_MIN: u64 = 512 << 10;

pub(super) fn locked_memory(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "locked-memory";
    let Some(limit) = subject.host.limit("Max locked memory") else {
        return Finding::skip(CHECK, "the limit is not known");
    };
    let wanted = LOCKED_BYTES_MIN * subject.shards as u64;
    let seen = match limit {
        u64::MAX => "no limit".to_owned(),
        _ => format!("{} KiB for {} shards", limit >> 10, subject.shards),
    };
    let fix = "LimitMEMLOCK=infinity in the service, or ulimit -l unlimited";
    let finding = if limit < LOCKED_BYTES_MIN {
        Finding::fail(CHECK, seen, "a loop's rings need 512 KiB at least", fix)
    } else if limit < wanted {
        let why = "rings and their buffers count against it, 512 KiB a shard at most";
        Finding::warn(CHECK, seen, why, fix)
    } else {
        Finding::ok(CHECK, seen)
    };
    finding.with_numbers(&[("limit_bytes", limit), ("wanted_bytes", wanted)])
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::super::tests::Fixture;
    use super::*;

    fn level(line: &str, check: fn(&Subject<'_>) -> Finding) -> Level {
        Fixture::new(&[("proc/self/limits", line)]).check(check).level
    }

    #[test]
    fn files() {
        // Two shards and 10 000 clients: 1192 and 11 192 files.
        for (limit, expected) in [
            ("1191", Level::Fail),
            ("1192", Level::Warn),
            ("11191", Level::Warn),
            ("11192", Level::Ok),
            ("unlimited", Level::Ok),
        ] {
            let line = format!("Max open files            {limit}    524288   files\n");
            assert_eq!(level(&line, open_files), expected, "{limit}");
        }
        assert_eq!(level("", open_files), Level::Skip);
    }

    #[test]
    fn locked() {
        for (limit, expected) in [
            ("65536", Level::Fail),
            ("524288", Level::Warn),
            ("1048576", Level::Ok),
            ("unlimited", Level::Ok),
        ] {
            let line = format!("Max locked memory         {limit}    unlimited   bytes\n");
            assert_eq!(level(&line, locked_memory), expected, "{limit}");
        }
    }
}
