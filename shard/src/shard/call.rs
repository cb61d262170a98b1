//! A command to run, and the keys that it needs.

use crate::command::{Args, BeginSearch, CommandSpec, FindKeys, Handler, key_flag, keys};
use crate::keyspace::cache::Touch;
use crate::keyspace::layout::{self, RecordKey};
use crate::locks::{Mode, Scope};
use crate::settings::Settings;
use crate::topology::{ShardId, Topology};
use crate::view::Context;

/// A command to run.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Its description.
    pub spec: &'static CommandSpec,
    /// Its handler.
    pub handler: Handler,
    /// Its arguments.
    pub args: Args<'a>,
    /// Which physical database stands for each logical one.
    pub databases: &'a [u8],
    /// The connection's logical database.
    pub db: usize,
    /// Whether it counts as a use of its keys (CLIENT NO-TOUCH).
    pub touch: Touch,
    /// Now, in ms since 1970.
    pub now_ms: u64,
    /// The clock of uses, in ms since the process started; nobody sets it.
    pub steady_ms: u64,
    /// Thresholds and limits.
    pub settings: &'a Settings,
}

impl<'a> Call<'a> {
    pub(super) fn context(&self, topology: &'a Topology) -> Context<'a> {
        Context {
            topology,
            settings: self.settings,
            databases: self.databases,
            db: self.db,
            now_ms: self.now_ms,
            steady_ms: self.steady_ms,
            touch: self.touch,
        }
    }

    /// The key of a command that reads exactly one, its first argument.
    pub(super) fn copyable_key(&self) -> Option<&'a [u8]> {
        let [key] = self.spec.keys else { return None };
        let is_first = matches!(
            (key.begin, key.find),
            (BeginSearch::Index(1), FindKeys::Range { last: 0, .. })
        );
        (is_first && self.spec.only_reads()).then(|| self.args.get(1))
    }

    /// The locks that this command needs, with the shard of each: every key once, exclusive when
    /// the command may change it.
    pub fn locks(&self, topology: &Topology) -> Vec<(ShardId, RecordKey, Mode)> {
        let mut found = Vec::new();
        // Arguments that do not have the form of keys lead to an error reply; nothing to lock.
        let _ = keys::extract(self.spec, self.args, &mut found);
        let mut locks: Vec<(ShardId, RecordKey, Mode)> = Vec::with_capacity(found.len());
        for key in found {
            let says_reads = key.flags & (key_flag::RO | key_flag::CHANGES) == key_flag::RO;
            let reads = self.spec.only_reads() || says_reads;
            let mode = if reads { Mode::Shared } else { Mode::Exclusive };
            let name = self.args.get(key.index);
            let position = layout::position(name);
            let shard = topology.shard_of_slot(layout::slot_of(position));
            locks.push((shard, lock_key(position, name), mode));
        }
        locks.sort_by(|left, right| {
            (left.0, &left.1, left.2 == Mode::Shared).cmp(&(
                right.0,
                &right.1,
                right.2 == Mode::Shared,
            ))
        });
        // Of equal keys the first, which is the exclusive one if there is any.
        locks.dedup_by(|later, first| later.0 == first.0 && later.1 == first.1);
        locks
    }
}

/// What a key is locked under: its position and name, whatever the database (MOVE and COPY touch
/// the same name in two).
pub(super) fn lock_key(position: u64, name: &[u8]) -> RecordKey {
    let mut key = RecordKey::from_slice(&position.to_be_bytes());
    key.extend_from_slice(name);
    key
}

/// The scope of the locks of one shard out of those of a command.
pub fn scope_of(locks: &[(ShardId, RecordKey, Mode)], shard: ShardId) -> Scope {
    Scope::Keys(
        locks
            .iter()
            .filter(|(owner, _, _)| *owner == shard)
            .map(|(_, key, mode)| (key.clone(), *mode))
            .collect(),
    )
}
