//! What one command sees and changes.
//!
//! A handler works on a [`View`]: it opens keys, reads their heads and elements, and puts new ones.
//! Nothing reaches the engine: writes collect in [`Changes`], which the handler's own reads see,
//! and which is either committed as one batch or thrown away. On the loop the view reads memory
//! only; when that is not enough the handler ends with `OffLoop` and runs again elsewhere.

mod account;
mod changes;
mod effects;
mod elements;
mod gate;
mod holding;
mod key;
mod opening;
mod overlay;
mod pieces;
mod records;
mod told;
mod uses;
mod writes;

use bytes::Bytes;

use crate::error::CommandError;
use crate::keyspace::cache::{HotCache, Touch};
use crate::keyspace::dirty::{DirtyKeys, Ticket};
use crate::keyspace::layout::RecordKey;
use crate::random::Random;
use crate::room::Reservation;
use crate::settings::Settings;
use crate::topology::{ShardId, Topology};

use account::Account;
use gate::Gate;
use holding::Holding;
use overlay::Overlay;
use records::Records;
use uses::Lookups;

pub use changes::{Before, Changes, HeadChange, IntoElements};
pub use key::Key;
pub(crate) use records::LOADED_BYTES_MAX;
pub use told::{Effects, Told};
pub(crate) use uses::USED_MAX;
pub use uses::Use;

/// What a command runs with, beside its arguments.
pub struct Context<'a> {
    /// All shards.
    pub topology: &'a Topology,
    /// Thresholds and limits.
    pub settings: &'a Settings,
    /// Which physical database stands for each logical one.
    pub databases: &'a [u8],
    /// The logical database that the connection selected.
    pub db: usize,
    /// Now, in ms since 1970.
    pub now_ms: u64,
    /// The clock of uses, in ms since the process started.
    pub steady_ms: u64,
    /// Whether the client's commands count as uses of keys (CLIENT NO-TOUCH).
    pub touch: Touch,
}

/// See the module. Its parts have an owner each, and its methods stand by subject: opening keys in
/// `opening`, elements in `elements`, parts of big strings in `pieces`, changing keys in `writes`,
/// telling of it in `effects`.
pub struct View<'a> {
    context: Context<'a>,
    random: &'a mut Random,
    records: Records<'a>,
    overlay: Overlay<'a>,
    account: Account,
    gate: Gate<'a>,
    lookups: Lookups,
    holding: Holding<'a>,
}

/// What came of a run.
pub struct Outcome {
    /// What was changed.
    pub changes: Changes,
    /// Why nothing of this run counts: there was no room for a value to be written.
    pub failure: Option<CommandError>,
    /// The records that were read from disk, for the hot cache.
    pub loaded: Vec<(ShardId, RecordKey, Bytes)>,
    /// The room that these, and the changes, take.
    pub held: Reservation,
    /// The newest batch among those that wrote what was seen and that are not durable.
    pub gate: Ticket,
    /// Keys that reading lookups found, and did not find, for INFO.
    pub lookups: (u64, u64),
    /// Keys that were used and whose hot cache was not at hand, for their owners.
    pub used: Vec<Use>,
    /// The value of the copy was read.
    pub uses_copy: bool,
}

impl<'a> View<'a> {
    /// A view for a command on the loop of the shard that owns `cache`: memory only.
    pub fn on_loop(
        context: Context<'a>,
        random: &'a mut Random,
        shard: ShardId,
        cache: &'a mut HotCache,
    ) -> Self {
        let records = Records::on_loop(context.topology, shard, cache);
        Self::over(records, Account::of_loop(), context, random)
    }

    /// A view for a command that reads one key, whose record is given: `OffLoop` if it needs more.
    pub fn of_copy(
        context: Context<'a>,
        random: &'a mut Random,
        record_key: &'a RecordKey,
        record: &'a Bytes,
    ) -> Self {
        let records = Records::of_copy(context.topology, record_key, record);
        Self::over(records, Account::of_loop(), context, random).of_read(true)
    }

    /// A view for a thread that may block.
    pub fn off_loop(context: Context<'a>, random: &'a mut Random) -> Self {
        let records = Records::off_loop(context.topology);
        Self::over(records, Account::off_loop(), context, random)
    }

    fn over(
        records: Records<'a>,
        account: Account,
        context: Context<'a>,
        random: &'a mut Random,
    ) -> Self {
        let holding = Holding::new(
            context.topology.room(),
            records.is_on_loop(),
            context.settings.reply_bytes_max,
        );
        Self {
            context,
            random,
            records,
            overlay: Overlay::default(),
            account,
            gate: Gate::default(),
            lookups: Lookups::default(),
            holding,
        }
    }

    /// The same, on top of changes that are not committed yet.
    #[must_use]
    pub fn after(mut self, earlier: &'a Changes) -> Self {
        self.overlay = Overlay::above(earlier);
        self
    }

    /// The same, noting which batches the reply has to wait for.
    #[must_use]
    pub fn gated_by(mut self, dirty: &'a DirtyKeys) -> Self {
        self.gate = Gate::before(dirty);
        self
    }

    /// The same, for a command that only reads, or not.
    #[must_use]
    pub fn of_read(mut self, is_read: bool) -> Self {
        self.records.is_read = is_read;
        self.lookups.are_counted = is_read;
        self
    }

    /// The same, with room that its sequence has reserved already.
    #[must_use]
    pub fn holding(mut self, held: Reservation) -> Self {
        self.holding.reservation = held;
        self
    }

    /// What came of it.
    pub fn finish(self) -> Outcome {
        Outcome {
            changes: self.overlay.changes,
            failure: self.holding.failure,
            loaded: self.records.loaded,
            held: self.holding.reservation,
            gate: self.gate.ticket(),
            lookups: (self.lookups.hits, self.lookups.misses),
            used: self.lookups.used,
            uses_copy: self.lookups.uses_copy,
        }
    }

    /// Now, in ms since 1970. The same throughout a command.
    pub fn now_ms(&self) -> u64 {
        self.context.now_ms
    }

    /// The clock by which uses of keys are noted, in ms since the process started.
    pub fn steady_ms(&self) -> u64 {
        self.context.steady_ms
    }

    /// Thresholds and limits.
    pub fn settings(&self) -> &'a Settings {
        self.context.settings
    }

    /// Random numbers.
    pub fn random(&mut self) -> &mut Random {
        self.random
    }

    /// The logical database of the connection.
    pub fn db(&self) -> usize {
        self.context.db
    }

    /// Number of logical databases.
    pub fn databases(&self) -> usize {
        self.context.databases.len()
    }

    /// Accounts for `units` of work: records visited, or multiples of 64 bytes touched. Ends the
    /// run on the loop when it was too much.
    pub fn charge(&mut self, units: u64) -> Result<(), CommandError> {
        self.account.charge(units)
    }

    /// A value of so many bytes is about to be made: reserves room, if it is big. Twice, as the log
    /// takes a copy.
    pub fn expect_value(&mut self, bytes: usize) -> Result<(), CommandError> {
        self.holding.expect_value(bytes)
    }

    /// So many bytes are about to be gathered beside the reply: reserves room, if they are many.
    pub fn expect_work(&mut self, bytes: u64) -> Result<(), CommandError> {
        self.holding.expect_work(bytes)
    }
}
