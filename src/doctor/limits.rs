//! What the process may have: files and locked memory. Limits are those of the doctor's own
//! process; a service manager may give the server others.

use basalt_shard::engine::options::OPEN_TABLES_MAX;

use crate::doctor::finding::Finding;
use crate::doctor::subject::Subject;
use crate::shared::open_files::{Demand, OPEN_AT_START};

/// As the server divides them at start, with the soft limit raised to the hard one.
pub(super) fn open_files(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "open-files";
    let Some(limit) = subject.host.hard_limit("Max open files") else {
        return Finding::skip(CHECK, "the limit is not known");
    };
    let clients = u64::from(subject.config.maxclients);
    let demand = Demand { open: OPEN_AT_START, shards: subject.shards as u64, clients };
    let wanted = demand.wanted();
    let fix = format!(
        "LimitNOFILE={wanted} in the service, or ulimit -Hn {wanted}; or a lower maxclients"
    );
    let seen = format!("{limit} files, for {clients} clients and {} shards", subject.shards);
    let finding = match demand.divide(limit) {
        None => {
            let least = demand.least();
            let why = format!("the server does not start with less than {least}");
            Finding::fail(CHECK, seen, &why, fix)
        }
        Some(plan) if plan.clients < clients => {
            let why = format!(
                "maxclients will be reduced to {}, for the databases need {}",
                plan.clients, plan.reserved
            );
            Finding::warn(CHECK, seen, &why, fix)
        }
        Some(plan) if plan.tables < OPEN_TABLES_MAX => {
            let why = format!(
                "a shard keeps {} table files open in place of {OPEN_TABLES_MAX}: more data than \
                 they hold is read slower",
                plan.tables
            );
            Finding::warn(CHECK, seen, &why, fix)
        }
        Some(_) => Finding::ok(CHECK, seen),
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
        // Two shards and 10 000 clients: 257 at least, 11 232 are wanted.
        for (limit, expected) in [
            ("256", Level::Fail),
            ("257", Level::Warn),
            ("11231", Level::Warn),
            ("11232", Level::Ok),
            ("unlimited", Level::Ok),
        ] {
            // The soft limit is raised by the server.
            let line = format!("Max open files            100    {limit}   files\n");
            assert_eq!(level(&line, open_files), expected, "{limit}");
        }
        let few_clients = Fixture::with(
            &[("proc/self/limits", "Max open files  1024  1024  files\n")],
            &["--maxclients", "100"],
        );
        let finding = few_clients.check(open_files);
        assert_eq!(finding.level, Level::Warn);
        assert!(finding.why.contains("358 table files"), "{finding:?}");
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
