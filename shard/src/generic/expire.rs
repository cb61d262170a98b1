//! Setting when a key vanishes.

use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult};
use crate::resp::ReplyBuffer;
use crate::view::View;

use super::transfer;

/// When EXPIRE and its relatives do anything.
const CONDITION: Arg = Arg::one_of(
    "condition",
    &[Arg::word("nx", "NX"), Arg::word("xx", "XX"), Arg::word("gt", "GT"), Arg::word("lt", "LT")],
)
.since("7.0.0")
.optional();

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("expire", -3, expire)
        .flags(WRITE | FAST)
        .categories(category::KEYSPACE)
        .summary("Lets a key vanish after a number of seconds")
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[Arg::key("key", 0), Arg::integer("seconds"), CONDITION]),
    command("pexpire", -3, pexpire)
        .flags(WRITE | FAST)
        .categories(category::KEYSPACE)
        .since("2.6.0")
        .summary("Lets a key vanish after a number of milliseconds")
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[Arg::key("key", 0), Arg::integer("milliseconds"), CONDITION]),
    command("expireat", -3, expireat)
        .flags(WRITE | FAST)
        .categories(category::KEYSPACE)
        .since("1.2.0")
        .summary("Lets a key vanish at a Unix time in seconds")
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[Arg::key("key", 0), Arg::unix_time("unix-time-seconds"), CONDITION]),
    command("pexpireat", -3, pexpireat)
        .flags(WRITE | FAST)
        .categories(category::KEYSPACE)
        .since("2.6.0")
        .summary("Lets a key vanish at a Unix time in milliseconds")
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[Arg::key("key", 0), Arg::unix_time("unix-time-milliseconds"), CONDITION]),
];

/// How one of the four commands counts time.
struct Form {
    name: &'static str,
    /// Milliseconds in its unit.
    unit_ms: i64,
    /// Whether it counts from now rather than from 1970.
    from_now: bool,
}

const EXPIRE: Form = Form { name: "expire", unit_ms: 1000, from_now: true };
const PEXPIRE: Form = Form { name: "pexpire", unit_ms: 1, from_now: true };
const EXPIREAT: Form = Form { name: "expireat", unit_ms: 1000, from_now: false };
const PEXPIREAT: Form = Form { name: "pexpireat", unit_ms: 1, from_now: false };

/// The options, each of which must hold for anything to happen.
#[derive(Default)]
struct Condition {
    only_without_deadline: bool,
    only_with_deadline: bool,
    only_later: bool,
    only_earlier: bool,
}

impl Condition {
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let mut condition = Condition::default();
        for index in 3..args.len() {
            if args.is(index, "nx") {
                condition.only_without_deadline = true;
            } else if args.is(index, "xx") {
                condition.only_with_deadline = true;
            } else if args.is(index, "gt") {
                condition.only_later = true;
            } else if args.is(index, "lt") {
                condition.only_earlier = true;
            } else {
                // As Redis prints it: a NUL ends the text.
                let option = args.get(index).split(|byte| *byte == 0).next().unwrap_or_default();
                let option = String::from_utf8_lossy(option);
                return Err(CommandError::reply(format!("ERR Unsupported option {option}")));
            }
        }
        let others = condition.only_with_deadline || condition.only_later || condition.only_earlier;
        if condition.only_without_deadline && others {
            return Err(
                "ERR NX and XX, GT or LT options at the same time are not compatible".into()
            );
        }
        if condition.only_later && condition.only_earlier {
            return Err("ERR GT and LT options at the same time are not compatible".into());
        }
        Ok(condition)
    }

    /// A key without a deadline lives forever, which is later than anything.
    fn holds(&self, current_ms: Option<u64>, deadline_ms: i64) -> bool {
        let current_ms = current_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
        match current_ms {
            None => !self.only_with_deadline && !self.only_later,
            Some(current_ms) => {
                !(self.only_without_deadline
                    || (self.only_later && deadline_ms <= current_ms)
                    || (self.only_earlier && deadline_ms >= current_ms))
            }
        }
    }
}

/// The deadline that argument 2 states, in ms since 1970. Negative ones are in order: they are
/// past.
fn deadline(view: &View<'_>, args: Args<'_>, form: &Form) -> Result<i64, CommandError> {
    let base_ms = if form.from_now { i64::try_from(view.now_ms()).unwrap_or(i64::MAX) } else { 0 };
    args.integer(2)?.checked_mul(form.unit_ms).and_then(|ms| ms.checked_add(base_ms)).ok_or_else(
        || CommandError::reply(format!("ERR invalid expire time in '{}' command", form.name)),
    )
}

fn set_deadline(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
    form: &Form,
) -> CommandResult {
    let condition = Condition::parse(args)?;
    let deadline_ms = deadline(view, args, form)?;
    let key = view.open_place(args.get(1))?;
    let Some(head) = &key.head else {
        reply.integer(0);
        return Ok(());
    };
    if !condition.holds(head.deadline_ms, deadline_ms) {
        reply.integer(0);
        return Ok(());
    }
    match u64::try_from(deadline_ms) {
        Ok(deadline_ms) if deadline_ms > view.now_ms() => {
            transfer::charge_record(view, head)?;
            view.put(&key, &head.clone().with_deadline(Some(deadline_ms)));
            view.tell(Event::EXPIRE, &key);
        }
        _ => {
            view.remove(&key);
            view.tell(Event::DEL, &key);
        }
    }
    reply.integer(1);
    Ok(())
}

pub(super) fn expire(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    set_deadline(view, args, reply, &EXPIRE)
}

pub(super) fn pexpire(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    set_deadline(view, args, reply, &PEXPIRE)
}

pub(super) fn expireat(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    set_deadline(view, args, reply, &EXPIREAT)
}

pub(super) fn pexpireat(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    set_deadline(view, args, reply, &PEXPIREAT)
}

#[cfg(test)]
mod tests {
    use crate::testing::TestShard;

    const NOW_MS: u64 = 1_700_000_000_000;

    #[test]
    fn each_command_counts_in_its_own_way() {
        let mut shard = TestShard::new();
        for (line, deadline_ms) in [
            ("EXPIRE a 10", NOW_MS + 10_000),
            ("PEXPIRE a 10", NOW_MS + 10),
            ("EXPIREAT a 1800000000", 1_800_000_000_000),
            ("PEXPIREAT a 1800000000001", 1_800_000_000_001),
        ] {
            for cold in [false, true] {
                shard.engine.set_cold(false);
                shard.run("SET a 1");
                shard.shard.cache().clear();
                shard.engine.set_cold(cold);
                assert_eq!(shard.run(line), ":1", "{line}");
                assert_eq!(shard.run("PEXPIRETIME a"), format!(":{deadline_ms}"), "{line}");
                assert_eq!(shard.run("GET a"), "$1 1", "{line}");
                assert_eq!(shard.shard.key_counts().get(0).expires, 1);
            }
        }
        assert_eq!(shard.run("EXPIRE nosuch 10"), ":0");
    }

    #[test]
    fn a_deadline_that_has_passed_deletes() {
        let mut shard = TestShard::new();
        for line in [
            "EXPIRE a 0",
            "EXPIRE a -1",
            "EXPIRE a -9223372036854775",
            "PEXPIRE a -9223372036854775808",
            "EXPIREAT a 1",
            "PEXPIREAT a 1700000000000",
            "PEXPIREAT a -9223372036854775808",
        ] {
            shard.run("SET a 1");
            assert_eq!(shard.run(line), ":1", "{line}");
            assert_eq!(shard.run("EXISTS a"), ":0", "{line}");
            assert_eq!(shard.run(line), ":0", "{line}");
            assert_eq!(shard.shard.key_counts().get(0).keys, 0);
        }
    }

    #[test]
    fn conditions_look_at_the_deadline_there_is() {
        // The deadline before (0: none), the command, and the deadline after.
        let mut shard = TestShard::new();
        for (before, options, done) in [
            (0, "NX", true),
            (0, "XX", false),
            (0, "GT", false),
            (0, "LT", true),
            (0, "XX GT", false),
            (0, "XX LT", false),
            (100, "NX", false),
            (100, "nx NX", false),
            (100, "XX", true),
            (100, "GT", true),
            (100, "LT", false),
            (200, "gt", false),
            (200, "lt", false),
            (300, "GT", false),
            (300, "LT", true),
            (300, "LT LT xx", true),
            (100, "GT XX", true),
        ] {
            shard.run("SET a 1");
            if before > 0 {
                shard.run(&format!("PEXPIRE a {before}"));
            }
            let done_reply = format!(":{}", u8::from(done));
            assert_eq!(shard.run(&format!("PEXPIRE a 200 {options}")), done_reply, "{options}");
            let after = match (done, before) {
                (true, _) => 200,
                (false, 0) => -1,
                (false, before) => before,
            };
            assert_eq!(shard.run("PTTL a"), format!(":{after}"), "{before} {options}");
        }
        shard.run("SET a 1");
        shard.run("PEXPIRE a 100");
        assert_eq!(shard.run("PEXPIRE a -1 GT"), ":0");
        assert_eq!(shard.run("PEXPIRE a -1 LT"), ":1", "a deleting deadline is compared too");
        assert_eq!(shard.run("EXISTS a"), ":0");
    }

    #[test]
    fn errors_come_in_the_order_of_redis() {
        let mut shard = TestShard::new();
        for (line, error) in [
            ("EXPIRE nosuch x foo", "ERR Unsupported option foo"),
            (
                "EXPIRE nosuch x NX GT",
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ),
            (
                "EXPIRE nosuch x XX LT GT",
                "ERR GT and LT options at the same time are not compatible",
            ),
            ("EXPIRE nosuch x", "ERR value is not an integer or out of range"),
            ("EXPIRE nosuch 9223372036854775", "ERR invalid expire time in 'expire' command"),
            ("EXPIRE nosuch 9223372036854776", "ERR invalid expire time in 'expire' command"),
            ("EXPIRE nosuch -9223372036854776", "ERR invalid expire time in 'expire' command"),
            ("PEXPIRE nosuch 9223372036854775807", "ERR invalid expire time in 'pexpire' command"),
            ("EXPIREAT nosuch 9223372036854776", "ERR invalid expire time in 'expireat' command"),
        ] {
            assert_eq!(shard.run(line), format!("-{error}"), "{line}");
        }
        shard.run("SET a 1");
        assert_eq!(shard.run("EXPIREAT a 9223372036854775"), ":1");
        assert_eq!(shard.run("PEXPIRETIME a"), ":9223372036854775000");
        assert_eq!(shard.run("PEXPIREAT a 9223372036854775807"), ":1");
        assert_eq!(shard.run("PEXPIRETIME a"), ":9223372036854775807");
        assert_eq!(shard.run("EXPIRETIME a"), ":9223372036854776");
        assert_eq!(shard.run("GET a"), "$1 1");
    }
}
