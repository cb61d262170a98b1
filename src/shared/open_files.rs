//! Descriptors: how many the process may have, and who gets them. The databases' share is put aside
//! before the first client comes, so that no number of clients keeps a shard from opening a file,
//! which would stop its writes.
//!
//! As redis-server does it: the soft limit is raised as far as the hard one allows (never beyond),
//! and where that is not enough `maxclients` is lowered. Before that the databases keep fewer table
//! files open; they are well with few, only slower.

use std::fs;

use basalt_shard::engine::options::{OPEN_TABLES_MAX, OPEN_TABLES_MIN};
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::Config;
use crate::config::error::ConfigSetError;
use crate::config::runtime::{Change, ClientContext};

/// Of a shard beside its table files: RocksDB's own (10), log segments (18: those in use, and full
/// ones until they are synced), rings (4), the set of sockets (2), what wakes it (1), and some that
/// readers hold beyond the bound.
const PER_SHARD: u64 = 40;
/// Of the process, opened after the listening sockets and the log: two compactions, which hold all
/// their tables whatever the bound is (36 each, as many as make RocksDB stop writes), verifying
/// (24), signals (3), new addresses, connections on their way in and out, files read in one go.
const PROCESS: u64 = 120;
/// Where the limit cannot be known, as Redis assumes.
const LIMIT_UNKNOWN: u64 = 1024;
/// Of a server that is about to start: standard streams, listening sockets, log, lock.
pub(crate) const OPEN_AT_START: u64 = 8;

/// What descriptors are needed for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    /// Those that are open before a database is.
    pub(crate) open: u64,
    pub(crate) shards: u64,
    pub(crate) clients: u64,
}

/// How they are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Table files that a shard keeps open.
    pub(crate) tables: u64,
    /// All but the clients'.
    pub(crate) reserved: u64,
    pub(crate) clients: u64,
}

impl Demand {
    fn reserved(&self, tables: u64) -> u64 {
        self.open + PROCESS + self.shards * (PER_SHARD + tables)
    }

    /// With this nobody has to do with less.
    pub(crate) fn wanted(&self) -> u64 {
        self.reserved(OPEN_TABLES_MAX) + self.clients
    }

    /// With less no client could be served.
    pub(crate) fn least(&self) -> u64 {
        self.reserved(OPEN_TABLES_MIN) + 1
    }

    /// Divides `limit` descriptors: all clients that are asked for, and of what is left the
    /// databases, which get half at least if they need it. None: there are too few.
    pub(crate) fn divide(&self, limit: u64) -> Option<Plan> {
        let free = limit.checked_sub(self.least())? + 1;
        let half = limit.saturating_sub(self.open + PROCESS) / 2;
        let beside_clients = limit.saturating_sub(self.open + PROCESS + self.clients);
        let tables = (half.max(beside_clients) / self.shards.max(1)).saturating_sub(PER_SHARD);
        let tables = tables.clamp(OPEN_TABLES_MIN, OPEN_TABLES_MAX);
        let free = free - self.shards * (tables - OPEN_TABLES_MIN);
        Some(Plan { tables, reserved: self.reserved(tables), clients: self.clients.min(free) })
    }
}

/// The soft limit after an attempt to raise it.
struct Raised {
    before: u64,
    now: u64,
    /// Why it is lower than was asked for.
    why_not_more: String,
}

/// Raises the soft limit to `wanted`, or as far as the hard limit lets it.
fn raise(wanted: u64) -> Raised {
    let Ok((before, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        let why_not_more = format!("because of OS error: {}", Errno::last().desc());
        return Raised { before: LIMIT_UNKNOWN, now: LIMIT_UNKNOWN, why_not_more };
    };
    let mut why_not_more = format!("because of the hard limit of {hard}");
    let target = wanted.min(hard);
    let mut now = before;
    if target > before {
        match setrlimit(Resource::RLIMIT_NOFILE, target, hard) {
            Ok(()) => now = target,
            Err(error) => why_not_more = format!("because of OS error: {}", error.desc()),
        }
    }
    Raised { before, now, why_not_more }
}

/// What the databases were given at start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenFiles {
    reserved: u64,
}

impl OpenFiles {
    /// Lets CONFIG SET raise `maxclients`, if the system has room for so many.
    pub(crate) fn apply(&self, change: &Change) -> Result<(), ConfigSetError> {
        if !change.changed.contains(&"maxclients") {
            return Ok(());
        }
        let clients = u64::from(change.config.maxclients);
        let Raised { before, now, .. } = raise(self.reserved + clients);
        note_raised(before, now);
        let possible = now.saturating_sub(self.reserved);
        if clients <= possible {
            return Ok(());
        }
        let reason = format!(
            "The operating system is not able to handle the specified number of clients, try \
             with {possible}"
        );
        Err(ConfigSetError::failed("maxclients", reason))
    }
}

fn note_raised(before: u64, now: u64) {
    if now > before {
        tracing::info!(
            "Increased maximum number of open files to {now} (it was originally set to {before})."
        );
    }
}

/// Makes room for the databases of `shards` shards and for the clients. Gives the configuration, in
/// which `maxclients` may be lower, and the table files that a shard may keep open.
pub(crate) fn reserve(config: Config, shards: usize) -> Result<(Config, OpenFiles, u64), String> {
    // Whoever started the server may have left it descriptors of their own.
    let open = fs::read_dir("/proc/self/fd").map_or(OPEN_AT_START, |open| open.count() as u64);
    let clients = u64::from(config.maxclients);
    let demand = Demand { open, shards: shards as u64, clients };
    let wanted = demand.wanted();
    let Raised { before, now, why_not_more } = raise(wanted);
    note_raised(before, now);
    let Some(Plan { tables, reserved, clients: possible }) = demand.divide(now) else {
        return Err(format!(
            "Your current 'ulimit -n' of {now} is not enough for the server to start: the \
             databases of {shards} shards and one client need {}. Please increase your open file \
             limit to at least {wanted}, which is enough for {clients} clients.",
            demand.least(),
        ));
    };
    let open_files = OpenFiles { reserved };
    if now < wanted {
        tracing::warn!(
            "You requested maxclients of {clients} requiring at least {wanted} max file \
             descriptors."
        );
        tracing::warn!("Server can't set maximum open files to {wanted} {why_not_more}.");
    }
    if tables < OPEN_TABLES_MAX {
        tracing::warn!(
            "A shard keeps at most {tables} table files open in place of {OPEN_TABLES_MAX}: more \
             data than they hold is read slower."
        );
    }
    if possible == clients {
        return Ok((config, open_files, tables));
    }
    tracing::warn!(
        "Current maximum open files is {now}. maxclients has been reduced to {possible} to \
         compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'."
    );
    let lowered = possible.to_string();
    let pair = (b"maxclients".as_slice(), lowered.as_bytes());
    let change = config.with_set(&[pair], ClientContext::default());
    let change = change.map_err(|error| String::from_utf8_lossy(&error.reply()).into_owned())?;
    Ok((change.config, open_files, tables))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(clients: u64) -> Demand {
        Demand { open: 8, shards: 2, clients }
    }

    #[test]
    fn with_enough_nobody_does_with_less() {
        let demand = demand(10_000);
        assert_eq!(demand.wanted(), 128 + 2 * 552 + 10_000);
        let all = Plan { tables: 512, reserved: 1232, clients: 10_000 };
        assert_eq!(demand.divide(demand.wanted()), Some(all));
        assert_eq!(demand.divide(u64::MAX), Some(all));
    }

    #[test]
    fn with_less_the_databases_do_with_half() {
        let one_less = demand(10_000).divide(demand(10_000).wanted() - 1);
        assert_eq!(one_less, Some(Plan { tables: 512, reserved: 1232, clients: 9999 }));
        // Half of 896 is less than they want; clients get the other half.
        let plan = demand(10_000).divide(1024);
        assert_eq!(plan, Some(Plan { tables: 184, reserved: 576, clients: 448 }));
        // What clients do not ask for is the databases'.
        let plan = demand(100).divide(1024);
        assert_eq!(plan, Some(Plan { tables: 358, reserved: 924, clients: 100 }));
    }

    #[test]
    fn with_too_few_there_is_no_plan() {
        let demand = demand(10_000);
        let least = demand.least();
        assert_eq!(demand.divide(least - 1), None);
        assert_eq!(demand.divide(0), None);
        assert_eq!(demand.divide(least).map(|plan| (plan.tables, plan.clients)), Some((24, 1)));
    }

    #[test]
    fn a_plan_never_exceeds_its_limit() {
        for shards in [1, 2, 7, 64] {
            for clients in [1, 50, 1000, 10_000, u64::from(u32::MAX)] {
                for limit in (0..70_000).step_by(61) {
                    let demand = Demand { open: 9, shards, clients };
                    let Some(plan) = demand.divide(limit) else {
                        assert!(limit < demand.least(), "{demand:?} {limit}");
                        continue;
                    };
                    assert!(plan.reserved + plan.clients <= limit, "{demand:?} {limit} {plan:?}");
                    assert!((1..=clients).contains(&plan.clients), "{demand:?} {limit} {plan:?}");
                    assert_eq!(plan.reserved, demand.reserved(plan.tables));
                }
            }
        }
    }
}
