//! PFADD, PFCOUNT, PFMERGE.

use bytes::Bytes;

use super::size::REGISTERS;
use super::sketch::{self, FRONT_BYTES, Sketch};
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult};
use crate::keyspace::draft::StringDraft;
use crate::keyspace::head::RAW_STRING;
use crate::resp::ReplyBuffer;
use crate::types::string;
use crate::view::{Key, View};

/// PFCOUNT reads, and keeps what it found out.
const KEPT: &str = "RW because it may change the internal representation of the key, and propagate \
                    to replicas";

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("pfadd", -2, pfadd)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::Hyperloglog)
        .since("2.8.9")
        .summary("Adds elements to a HyperLogLog, which is made if it is not there")
        .complexity("O(1) to add every element.")
        .keys(&[KeySpec::one(1).change().insert()])
        .args(&[Arg::key("key", 0), Arg::string("element").optional().multiple()]),
    command("pfcount", -2, pfcount)
        .flags(READONLY | MAY_REPLICATE)
        .group(Group::Hyperloglog)
        .since("2.8.9")
        .summary("Estimates how many different elements were added to HyperLogLogs")
        .complexity(
            "O(1) with a very small average constant time when called with a single \
             key. O(N) with N being the number of keys, and much bigger constant \
             times, when called with multiple keys.",
        )
        .keys(&[KeySpec::range(1, -1, 1).change().access().note(KEPT)])
        .args(&[Arg::key("key", 0).multiple()]),
    command("pfmerge", -2, pfmerge)
        .flags(WRITE | DENYOOM)
        .group(Group::Hyperloglog)
        .since("2.8.9")
        .summary("Adds what was added to HyperLogLogs to another one")
        .complexity("O(N) to merge N HyperLogLogs, but with high constant times.")
        .keys(&[
            KeySpec::one(1).change().access().insert(),
            KeySpec::range(2, -1, 1).read().access(),
        ])
        .args(&[Arg::key("destkey", 0), Arg::key("sourcekey", 1).optional().multiple()]),
];

/// Units of work that going through all registers is.
const UNITS: u64 = 64;

/// Bytes of runs that are passed in one unit of work.
const PASSED_BYTES_PER_UNIT: usize = 256;

/// A HyperLogLog, open for a command.
pub(super) struct Opened {
    pub(super) key: Key,
    /// The string; `None`: there is nothing.
    string: Option<Bytes>,
}

impl Opened {
    pub(super) fn sketch(&self) -> Result<Option<Sketch>, CommandError> {
        self.string.as_ref().map(Sketch::of).transpose()
    }
}

/// Opens a key that must hold a HyperLogLog, or nothing.
pub(super) fn open(view: &mut View<'_>, name: &[u8]) -> Result<Opened, CommandError> {
    let key = string::open_parts(view, name)?;
    if !key.exists() {
        return Ok(Opened { key, string: None });
    }
    let bytes = string::length(&key);
    let front = view.string_part(&key, 0..FRONT_BYTES)?;
    sketch::check(&front, bytes)?;
    let string = view.string_part(&key, 0..bytes)?;
    string::charge_copy(view, bytes)?;
    Ok(Opened { key, string: Some(string) })
}

/// Gives the key its new state, which counts as so many changes. A string that somebody has SET and
/// that is kept as a short one is not any more, even if nothing else has changed.
pub(super) fn put(view: &mut View<'_>, opened: &Opened, sketch: &Sketch, changes: usize) {
    let parts = sketch.parts();
    let is_same = opened.string.as_ref().is_some_and(|old| {
        let (front, registers) = old.split_at(FRONT_BYTES.min(old.len()));
        parts == [front, registers]
    });
    let is_raw = opened.key.head.as_ref().is_some_and(|head| string::encoding(head) == "raw");
    if is_same && is_raw && changes == 0 {
        return;
    }
    let mut draft = StringDraft::new(opened.key.deadline_ms(), RAW_STRING, sketch.len_bytes());
    for part in parts {
        draft.push(part);
    }
    view.put_string(&opened.key, draft);
    view.count_changes(changes);
}

/// PFADD key [element …]
pub(super) fn pfadd(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let opened = open(view, args.get(1))?;
    let bytes_max = view.settings().hll_sparse_max_bytes;
    let mut changes = 0;
    let mut sketch = match opened.sketch()? {
        Some(sketch) => sketch,
        None => {
            changes = 1;
            Sketch::new()
        }
    };
    for element in args.iter_from(2) {
        view.charge(1 + runs_units(&sketch))?;
        string::charge_copy(view, element.len())?;
        changes += usize::from(sketch.add(element, bytes_max)?);
    }
    if changes > 0 {
        sketch.forget_estimate();
    }
    put(view, &opened, &sketch, changes);
    if changes > 0 {
        view.tell(Event::PFADD, &opened.key);
    }
    reply.integer(i64::from(changes > 0));
    Ok(())
}

/// Units of work that finding a register is.
fn runs_units(sketch: &Sketch) -> u64 {
    if sketch.is_dense() { 0 } else { (sketch.len_bytes() / PASSED_BYTES_PER_UNIT) as u64 }
}

/// PFCOUNT key [key …]
pub(super) fn pfcount(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    view.count_lookups(true);
    let estimate = if args.len() == 2 {
        count_one(view, args.get(1))?
    } else {
        let mut highest = vec![0; REGISTERS];
        for name in args.iter_from(1) {
            merge(view, name, &mut highest)?;
        }
        sketch::estimate_of(&highest)
    };
    reply.integer(estimate.cast_signed());
    Ok(())
}

/// The estimate of one HyperLogLog, which is kept in it.
fn count_one(view: &mut View<'_>, name: &[u8]) -> Result<u64, CommandError> {
    let opened = open(view, name)?;
    let Some(mut sketch) = opened.sketch()? else { return Ok(0) };
    if let Some(estimate) = sketch.cached() {
        put(view, &opened, &sketch, 0);
        return Ok(estimate);
    }
    view.charge(UNITS)?;
    let estimate = sketch.estimate()?;
    sketch.cache(estimate);
    put(view, &opened, &sketch, 1);
    Ok(estimate)
}

/// Raises each of `highest` to what it is in the HyperLogLog at a key, if there is one.
fn merge(view: &mut View<'_>, name: &[u8], highest: &mut [u8]) -> Result<Opened, CommandError> {
    let opened = open(view, name)?;
    if let Some(sketch) = opened.sketch()? {
        view.charge(UNITS)?;
        sketch.raise_all(highest)?;
    }
    Ok(opened)
}

/// PFMERGE destination [source …]
pub(super) fn pfmerge(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let mut highest = vec![0; REGISTERS];
    view.count_lookups(true);
    let destination = merge(view, args.get(1), &mut highest)?;
    let mut sketch = destination.sketch()?.unwrap_or_else(Sketch::new);
    let mut is_dense = sketch.is_dense();
    for name in args.iter_from(2) {
        let source = merge(view, name, &mut highest)?;
        is_dense |= source.sketch()?.is_some_and(|sketch| sketch.is_dense());
    }
    view.count_lookups(false);
    // Redis looks it up twice: to read it, and to change it.
    view.use_again(&destination.key);
    if is_dense {
        sketch.make_dense()?;
    }
    let bytes_max = view.settings().hll_sparse_max_bytes;
    for (index, value) in highest.into_iter().enumerate() {
        if value > 0 {
            view.charge(runs_units(&sketch))?;
            sketch.raise(index, value, bytes_max)?;
        }
    }
    sketch.forget_estimate();
    put(view, &destination, &sketch, 1);
    view.tell(Event::PFADD, &destination.key);
    reply.ok();
    Ok(())
}
