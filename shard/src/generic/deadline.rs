//! Telling when a key vanishes, and taking its deadline away.

use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult};
use crate::resp::ReplyBuffer;
use crate::view::View;

use super::transfer;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("ttl", 2, ttl)
        .flags(READONLY | FAST)
        .categories(category::KEYSPACE)
        .summary("Tells in how many seconds a key vanishes")
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[Arg::key("key", 0)]),
    command("pttl", 2, pttl)
        .flags(READONLY | FAST)
        .categories(category::KEYSPACE)
        .since("2.6.0")
        .summary("Tells in how many milliseconds a key vanishes")
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[Arg::key("key", 0)]),
    command("expiretime", 2, expiretime)
        .flags(READONLY | FAST)
        .categories(category::KEYSPACE)
        .since("7.0.0")
        .summary("Tells at what Unix time, in seconds, a key vanishes")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[Arg::key("key", 0)]),
    command("pexpiretime", 2, pexpiretime)
        .flags(READONLY | FAST)
        .categories(category::KEYSPACE)
        .since("7.0.0")
        .summary("Tells at what Unix time, in milliseconds, a key vanishes")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[Arg::key("key", 0)]),
    command("persist", 2, persist)
        .flags(WRITE | FAST)
        .categories(category::KEYSPACE)
        .since("2.2.0")
        .summary("Takes the deadline off a key")
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[Arg::key("key", 0)]),
];

/// What the commands that ask for a deadline answer when there is no key, or no deadline.
const NO_KEY: i64 = -2;
const NO_DEADLINE: i64 = -1;

/// Answers what `show` makes of the deadline and of now, both in ms since 1970.
fn tell(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
    show: fn(u64, u64) -> u64,
) -> CommandResult {
    let key = view.open_head_untouched(args.get(1))?;
    reply.integer(match (key.exists(), key.deadline_ms()) {
        (false, _) => NO_KEY,
        (true, None) => NO_DEADLINE,
        (true, Some(deadline_ms)) => {
            i64::try_from(show(deadline_ms, view.now_ms())).unwrap_or(i64::MAX)
        }
    });
    Ok(())
}

fn rounded_to_seconds(ms: u64) -> u64 {
    ms.saturating_add(500) / 1000
}

pub(super) fn ttl(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    tell(view, args, reply, |deadline, now| rounded_to_seconds(deadline.saturating_sub(now)))
}

pub(super) fn pttl(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    tell(view, args, reply, u64::saturating_sub)
}

pub(super) fn expiretime(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    tell(view, args, reply, |deadline, _| rounded_to_seconds(deadline))
}

pub(super) fn pexpiretime(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    tell(view, args, reply, |deadline, _| deadline)
}

pub(super) fn persist(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    reply.integer(i64::from(take_deadline(view, args.get(1))?));
    Ok(())
}

fn take_deadline(view: &mut View<'_>, name: &[u8]) -> Result<bool, CommandError> {
    let key = view.open_place(name)?;
    match &key.head {
        Some(head) if head.deadline_ms.is_some() => {
            transfer::charge_record(view, head)?;
            view.put(&key, &head.clone().with_deadline(None));
            view.tell(Event::PERSIST, &key);
            Ok(true)
        }
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestShard;

    #[test]
    fn deadlines_are_told_in_every_unit() {
        let mut shard = TestShard::new();
        shard.run("SET a 1");
        for command in ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"] {
            assert_eq!(shard.run(&format!("{command} nosuch")), ":-2");
            assert_eq!(shard.run(&format!("{command} a")), ":-1");
        }
        shard.run("PEXPIRE a 10500");
        for cold in [false, true] {
            shard.shard.cache().clear();
            shard.engine.set_cold(cold);
            assert_eq!(shard.run("TTL a"), ":11");
            assert_eq!(shard.run("PTTL a"), ":10500");
            assert_eq!(shard.run("EXPIRETIME a"), ":1700000011");
            assert_eq!(shard.run("PEXPIRETIME a"), ":1700000010500");
        }
        shard.now_ms += 10_001;
        assert_eq!(shard.run("TTL a"), ":0", "less than half a second is rounded off");
        assert_eq!(shard.run("PTTL a"), ":499");
        shard.now_ms += 499;
        assert_eq!(shard.run("PTTL a"), ":-2");
    }

    #[test]
    fn persist_takes_the_deadline_alone() {
        let mut shard = TestShard::new();
        shard.run("SET a 1");
        assert_eq!(shard.run("PERSIST a"), ":0");
        assert_eq!(shard.run("PERSIST nosuch"), ":0");
        shard.run("EXPIRE a 10");
        assert_eq!(shard.shard.key_counts().get(0).expires, 1);
        shard.shard.cache().clear();
        shard.engine.set_cold(true);
        assert_eq!(shard.run("PERSIST a"), ":1");
        assert_eq!(shard.run("TTL a"), ":-1");
        assert_eq!(shard.run("GET a"), "$1 1");
        assert_eq!(shard.shard.key_counts().get(0).expires, 0);
    }
}
