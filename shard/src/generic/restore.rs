//! RESTORE: a value out of bytes that DUMP made, here or in Redis. They may come from anybody:
//! `rdb` is where nothing about them is believed.
//!
//! IDLETIME and FREQ are checked and have no effect: uses are counted from here on.

use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::rdb::{self, DumpError, Type};
use crate::resp::ReplyBuffer;
use crate::types;
use crate::types::restored::Restored;
use crate::view::{Key, View};

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[command("restore", -4, restore)
    .flags(WRITE | DENYOOM)
    .categories(category::KEYSPACE | category::DANGEROUS)
    .since("2.6.0")
    .summary("Puts in a value that DUMP took out, here or from a Redis")
    .complexity("O(N) for the bytes of the value")
    .keys(&[KeySpec::one(1).overwrite().update()])
    .args(&[
        Arg::key("key", 0),
        Arg::integer("ttl"),
        Arg::string("serialized-value"),
        Arg::word("replace", "REPLACE").since("3.0.0").optional(),
        Arg::word("absttl", "ABSTTL").since("5.0.0").optional(),
        Arg::integer("seconds").after("IDLETIME").since("5.0.0").optional(),
        Arg::integer("frequency").after("FREQ").since("5.0.0").optional(),
    ])
    .history(&[
        ("3.0.0", "Replaces what is there."),
        ("5.0.0", "Takes a time of day as deadline."),
        ("5.0.0", "Takes how the key was used."),
    ])];

const BUSY_KEY: &str = "BUSYKEY Target key name already exists.";
const INVALID_TTL: &str = "ERR Invalid TTL value, must be >= 0";
const INVALID_IDLE_TIME: &str = "ERR Invalid IDLETIME value, must be >= 0";
const INVALID_FREQUENCY: &str = "ERR Invalid FREQ value, must be >= 0 and <= 255";
const WRONG_VERSION_OR_CHECKSUM: &str = "ERR DUMP payload version or checksum are wrong";

/// Bytes of a payload whose checksum is verified in one unit of work.
const VERIFIED_BYTES_PER_UNIT: u64 = 64;

/// RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
pub(super) fn restore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let options = Options::parse(args)?;
    let key = view.open_head(args.get(1))?;
    if key.exists() && !options.replace {
        return Err(BUSY_KEY.into());
    }
    let ttl_ms = u64::try_from(args.integer(2)?).map_err(|_| INVALID_TTL)?;
    let base_ms = if options.ttl_is_absolute { 0 } else { view.now_ms() };
    let deadline_ms = (ttl_ms > 0).then(|| base_ms.saturating_add(ttl_ms));
    let payload = args.get(3);
    view.charge(payload.len() as u64 / VERIFIED_BYTES_PER_UNIT)?;
    let dump = rdb::open(payload).map_err(|error| match error {
        DumpError::VersionOrChecksum => WRONG_VERSION_OR_CHECKSUM,
        DumpError::Value(_) => text::BAD_PAYLOAD,
    })?;
    let kind = dump.kind();
    let value = Restored::new(dump, deadline_ms);
    let is_replaced = key.exists();
    if is_replaced {
        // Not told: what comes is told as new.
        view.remove(&key);
    }
    if deadline_ms.is_some_and(|deadline_ms| deadline_ms <= view.now_ms()) {
        value.items(view, |_, _| Ok(true))?;
        if is_replaced {
            view.tell(Event::DEL, &key);
        }
    } else {
        put(view, key, kind, &value)?;
    }
    reply.ok();
    Ok(())
}

/// Puts a value in the place of what is at `key`: a type takes part here.
fn put(view: &mut View<'_>, key: Key, kind: Type, value: &Restored<'_>) -> CommandResult {
    match kind {
        Type::String => types::string::restore(view, &key, value),
        Type::Hash => types::hash::restore(view, key, value),
        Type::List => types::list::restore(view, key, value),
        Type::Set => types::set::restore(view, key, value),
        Type::SortedSet => types::zset::restore(view, &key, value),
        Type::Stream => types::stream::restore(view, key, value),
    }
}

#[derive(Default)]
struct Options {
    replace: bool,
    ttl_is_absolute: bool,
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let mut options = Options::default();
        let (mut has_idle_time, mut has_frequency) = (false, false);
        let mut index = 4;
        while index < args.len() {
            let has_value = index + 1 < args.len();
            if args.is(index, "replace") {
                options.replace = true;
            } else if args.is(index, "absttl") {
                options.ttl_is_absolute = true;
            } else if args.is(index, "idletime") && has_value && !has_frequency {
                index += 1;
                has_idle_time = true;
                if args.integer(index)? < 0 {
                    return Err(INVALID_IDLE_TIME.into());
                }
            } else if args.is(index, "freq") && has_value && !has_idle_time {
                index += 1;
                has_frequency = true;
                if !(0..=255).contains(&args.integer(index)?) {
                    return Err(INVALID_FREQUENCY.into());
                }
            } else {
                return Err(text::SYNTAX.into());
            }
            index += 1;
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests;
