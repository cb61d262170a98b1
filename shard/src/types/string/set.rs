//! Setting whole strings: SET and the older commands that are special cases of it.

use super::expiry::Expiry;
use super::options::{Condition, SetOptions};
use super::value;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::keyspace::draft::StringDraft;
use crate::keyspace::head::Kind;
use crate::resp::ReplyBuffer;
use crate::view::{Key, View};

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("set", -3, set)
        .flags(WRITE | DENYOOM)
        .group(Group::String)
        .summary("Sets the string at a key, whatever was there before")
        .keys(&[KeySpec::one(1)
            .change()
            .access()
            .update()
            .by_options(flags_of_set)
            .note("RW and ACCESS due to the optional `GET` argument")])
        .args(&[
            Arg::key("key", 0),
            Arg::string("value"),
            Arg::one_of(
                "condition",
                &[
                    Arg::word("nx", "NX"),
                    Arg::word("xx", "XX"),
                    Arg::string("ifeq-value").after("IFEQ").since("8.4.0"),
                    Arg::string("ifne-value").after("IFNE").since("8.4.0"),
                    Arg::integer("ifdeq-digest").after("IFDEQ").since("8.4.0"),
                    Arg::integer("ifdne-digest").after("IFDNE").since("8.4.0"),
                ],
            )
            .since("2.6.12")
            .optional(),
            Arg::word("get", "GET").since("6.2.0").optional(),
            Arg::one_of(
                "expiration",
                &[
                    Arg::integer("seconds").after("EX").since("2.6.12"),
                    Arg::integer("milliseconds").after("PX").since("2.6.12"),
                    Arg::unix_time("unix-time-seconds").after("EXAT").since("6.2.0"),
                    Arg::unix_time("unix-time-milliseconds").after("PXAT").since("6.2.0"),
                    Arg::word("keepttl", "KEEPTTL").since("6.0.0"),
                ],
            )
            .optional(),
        ]),
    command("setnx", 3, setnx)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::String)
        .summary("Sets the string at a key that does not exist yet")
        .deprecated("2.6.12", "`SET` with the `NX` argument")
        .keys(&[KeySpec::one(1).overwrite().insert()])
        .args(&[Arg::key("key", 0), Arg::string("value")]),
    command("setex", 4, setex)
        .flags(WRITE | DENYOOM)
        .group(Group::String)
        .since("2.0.0")
        .summary("Sets the string at a key together with its time to live in seconds")
        .deprecated("2.6.12", "`SET` with the `EX` argument")
        .keys(&[KeySpec::one(1).overwrite().update()])
        .args(&[Arg::key("key", 0), Arg::integer("seconds"), Arg::string("value")]),
    command("psetex", 4, psetex)
        .flags(WRITE | DENYOOM)
        .group(Group::String)
        .since("2.6.0")
        .summary("Sets the string at a key together with its time to live in milliseconds")
        .deprecated("2.6.12", "`SET` with the `PX` argument")
        .keys(&[KeySpec::one(1).overwrite().update()])
        .args(&[Arg::key("key", 0), Arg::integer("milliseconds"), Arg::string("value")]),
    command("getset", 3, getset)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::String)
        .summary("Sets the string at a key and returns the old one")
        .deprecated("6.2.0", "`SET` with the `!GET` argument")
        .keys(&[KeySpec::one(1).change().access().update()])
        .args(&[Arg::key("key", 0), Arg::string("value")]),
];

const INVALID_EXPIRE_SET: &str = "ERR invalid expire time in 'set' command";
const INVALID_EXPIRE_SETEX: &str = "ERR invalid expire time in 'setex' command";
const INVALID_EXPIRE_PSETEX: &str = "ERR invalid expire time in 'psetex' command";

/// What a SET does to its key: with some options it looks at the value that is there.
fn flags_of_set(args: Args<'_>) -> Flags {
    const LOOKS_FIRST: [&str; 5] = ["get", "ifeq", "ifne", "ifdeq", "ifdne"];
    let looks = (3..args.len()).any(|index| LOOKS_FIRST.iter().any(|word| args.is(index, word)));
    if looks {
        key_flag::RW | key_flag::ACCESS | key_flag::UPDATE
    } else {
        key_flag::OW | key_flag::UPDATE
    }
}

/// SET key value [NX | XX | IFEQ value | IFNE value | IFDEQ digest | IFDNE digest] [GET]
/// [EX seconds | PX milliseconds | EXAT time | PXAT time | KEEPTTL]
pub(super) fn set(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let options = SetOptions::parse(args)?;
    let stated = options.expiry.deadline(view.now_ms(), INVALID_EXPIRE_SET)?;
    let new = args.get(2);
    value::charge_copy(view, new.len())?;
    let name = args.get(1);
    view.count_lookups(options.get);
    let key = if options.needs_value() { view.open(name)? } else { view.open_head(name)? };
    if options.get {
        reply_old(view, &key, reply)?;
        // Redis looks it up twice: to get it, and to set it.
        view.use_again(&key);
    }
    if holds(view, options.condition, &key)? {
        let deadline = if options.expiry == Expiry::Keep { key.deadline_ms() } else { stated };
        view.put_string(&key, StringDraft::of(new, deadline));
        tell_set(view, &key, stated);
        if !options.get {
            reply.ok();
        }
    } else if !options.get {
        reply.null();
    }
    Ok(())
}

/// A key was set, with a deadline if one was stated. One that had passed already is over at once.
fn tell_set(view: &mut View<'_>, key: &Key, stated: Option<u64>) {
    view.tell(Event::SET, key);
    if let Some(deadline_ms) = stated {
        view.tell(Event::EXPIRE, key);
        if deadline_ms <= view.now_ms() {
            view.tell(Event::EXPIRED, key);
        }
    }
}

/// Whether SET may set.
fn holds(view: &mut View<'_>, condition: Condition<'_>, key: &Key) -> Result<bool, CommandError> {
    let comparison = match condition {
        Condition::Always => return Ok(true),
        Condition::Absent => return Ok(!key.exists()),
        Condition::Present => return Ok(key.exists()),
        Condition::Compares(comparison) => comparison,
    };
    if !key.exists() {
        return Ok(comparison.holds_for_nothing());
    }
    let current = value::value(key).ok_or(text::WRONG_TYPE)?;
    comparison.holds(view, current)
}

/// Writes the value before the change as the reply. What is no string is an error.
fn reply_old(view: &mut View<'_>, key: &Key, reply: &mut ReplyBuffer) -> CommandResult {
    match &key.head {
        None => reply.null(),
        Some(head) if head.kind != Kind::String => return Err(text::WRONG_TYPE.into()),
        Some(_) => {
            let old = value::bytes(key);
            value::charge_copy(view, old.len())?;
            reply.bulk(old);
        }
    }
    Ok(())
}

/// SETNX key value
pub(super) fn setnx(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let new = args.get(2);
    value::charge_copy(view, new.len())?;
    let key = view.open_head(args.get(1))?;
    if key.exists() {
        reply.integer(0);
    } else {
        view.put_string(&key, StringDraft::of(new, None));
        view.tell(Event::SET, &key);
        reply.integer(1);
    }
    Ok(())
}

/// SETEX key seconds value
pub(super) fn setex(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let expiry = Expiry::InSeconds(args.get(2));
    set_expiring(view, args, expiry, INVALID_EXPIRE_SETEX, reply)
}

/// PSETEX key milliseconds value
pub(super) fn psetex(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let expiry = Expiry::InMillis(args.get(2));
    set_expiring(view, args, expiry, INVALID_EXPIRE_PSETEX, reply)
}

fn set_expiring(
    view: &mut View<'_>,
    args: Args<'_>,
    expiry: Expiry<'_>,
    invalid: &'static str,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let deadline = expiry.deadline(view.now_ms(), invalid)?;
    let new = args.get(3);
    value::charge_copy(view, new.len())?;
    let key = view.open_head(args.get(1))?;
    view.put_string(&key, StringDraft::of(new, deadline));
    tell_set(view, &key, deadline);
    reply.ok();
    Ok(())
}

/// GETSET key value
pub(super) fn getset(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let new = args.get(2);
    value::charge_copy(view, new.len())?;
    view.count_lookups(true);
    let key = value::open(view, args.get(1))?;
    reply_old(view, &key, reply)?;
    view.use_again(&key);
    view.put_string(&key, StringDraft::of(new, None));
    view.tell(Event::SET, &key);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::keyspace::pieces::{BIG_BYTES, PIECE_BYTES};
    use crate::resp::Protocol;
    use crate::testing::TestShard;

    #[test]
    fn a_string_comes_back_hot_and_cold() {
        let mut shard = TestShard::new();
        assert_eq!(shard.run("GET a"), "$-1");
        assert_eq!(shard.run("SET a 1"), "+OK");
        assert_eq!(shard.run("GET a"), "$1 1");
        shard.shard.cache().clear();
        shard.engine.set_cold(true);
        assert_eq!(shard.run("GET a"), "$1 1");
        assert_eq!(shard.run("SET b 2"), "+OK");
        assert_eq!(shard.run("GET b"), "$1 2");
        shard.protocol = Protocol::Resp3;
        assert_eq!(shard.run("GET c"), "_");
    }

    #[test]
    fn set_compares_before_it_sets() {
        let mut shard = TestShard::new();
        assert_eq!(shard.run("SET a 1 IFEQ x"), "$-1");
        assert_eq!(shard.run("SET a 1 IFDEQ short"), "$-1");
        assert_eq!(shard.run("GET a"), "$-1");
        assert_eq!(shard.run("SET a hello IFNE x"), "+OK");
        assert_eq!(shard.run("SET b hello IFDNE short"), "+OK");
        assert_eq!(shard.run("SET a 2 IFEQ other"), "$-1");
        assert_eq!(shard.run("SET a 2 IFNE hello GET"), "$5 hello");
        assert_eq!(shard.run("SET a 2 IFDEQ 9555e8555c62dcfe"), "$-1");
        assert_eq!(
            shard.run("SET a 2 IFDNE short GET"),
            "-ERR must be exactly 16 hexadecimal characters"
        );
        assert_eq!(shard.run("GET a"), "$5 hello");
        assert_eq!(shard.run("SET a 2 ifdeq 9555E8555C62DCFD get"), "$5 hello");
        assert_eq!(shard.run("SET a 3 IFEQ 2 EX 100"), "+OK");
        assert_eq!(shard.head("a").unwrap().deadline_ms, Some(shard.now_ms + 100_000));
        assert_eq!(shard.run("SET a 4 KEEPTTL IFDNE 9555e8555c62dcfd"), "+OK");
        assert_eq!(shard.head("a").unwrap().deadline_ms, Some(shard.now_ms + 100_000));
        assert_eq!(shard.run("GET a"), "$1 4");
        for options in ["IFEQ 4 NX", "XX IFEQ 4", "IFEQ 4 IFNE 5", "IFEQ 4 IFEQ 5", "IFEQ", "NX XX"]
        {
            assert_eq!(shard.run(&format!("SET a 5 {options}")), "-ERR syntax error", "{options}");
        }
        shard.put_other_type("l");
        assert!(shard.run("SET l 5 IFNE x").starts_with("-WRONGTYPE"));
        assert!(shard.run("SET l 5 GET").starts_with("-WRONGTYPE"));
        assert_eq!(shard.run("SET l 5"), "+OK");
    }

    #[test]
    fn a_deadline_in_the_past_leaves_nothing_to_see() {
        let mut shard = TestShard::new();
        assert_eq!(shard.run("SET a 1 PXAT 1"), "+OK");
        assert_eq!(shard.run("GET a"), "$-1");
        assert_eq!(shard.run("SETNX a 2"), ":1");
        assert_eq!(shard.run("GETEX a EXAT 1"), "$1 2");
        assert!(shard.head("a").is_none());
    }

    #[test]
    fn big_values_come_back_whole_from_their_pieces() {
        let mut shard = TestShard::new();
        for len in [BIG_BYTES - 3, BIG_BYTES, BIG_BYTES + 1, 3 * PIECE_BYTES - 2, 1_000_003] {
            let value: Vec<u8> = (0..len).map(|at| (at / 7) as u8).collect();
            assert_eq!(shard.run_bytes(&[b"SET", b"a", &value, b"PX", b"5000"]), b"+OK\r\n");
            assert_eq!(
                shard.run_bytes(&[b"APPEND", b"a", b"end"]),
                format!(":{}\r\n", len + 3).as_bytes()
            );
            shard.run("RENAME a b");
            shard.shard.cache().clear();
            let reply = shard.run_bytes(&[b"GET", b"b"]);
            let expected = [&value[..], b"end"].concat();
            let start = reply.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            assert!(reply[start..reply.len() - 2] == expected, "{len} bytes");
            assert_eq!(shard.run("PTTL b"), ":5000");
            assert_eq!(shard.run("TYPE b"), "+string");
            assert_eq!(shard.run("GET a"), "$-1");
            assert_eq!(shard.run("SET b short"), "+OK");
            assert_eq!(shard.run("GET b"), "$5 short");
        }
    }

    /// Whoever deletes or overwrites many big values, or asks for their heads, reads none of them.
    #[test]
    fn heads_of_big_values_need_no_room_and_no_pieces() {
        let mut shard = TestShard::new();
        let value = vec![b'x'; BIG_BYTES];
        for number in 0..8 {
            shard.run_bytes(&[b"SET", format!("k{number}").as_bytes(), &value, b"PX", b"5000"]);
        }
        let all = "k0 k1 k2 k3 k4 k5 k6 k7";
        shard.topology.room().resize(1);
        shard.shard.cache().clear();
        let before = shard.shard.statistics.off_loop_runs;
        assert_eq!(shard.run(&format!("EXISTS {all}")), ":8");
        assert_eq!(shard.run(&format!("TOUCH {all}")), ":8");
        assert_eq!(shard.run("TYPE k0"), "+string");
        assert_eq!(shard.run("PTTL k0"), ":5000");
        assert_eq!(shard.run("SET k0 1 KEEPTTL"), "+OK");
        assert_eq!(shard.run("PTTL k0"), ":5000");
        assert_eq!(shard.run("SETNX k1 1"), ":0");
        assert_eq!(shard.run("MSET k1 1 k2 2"), "+OK");
        assert_eq!(shard.run("SETEX k3 7 3"), "+OK");
        assert_eq!(shard.run("MGET k0 k1 k2 k3"), "*4 $1 1 $1 1 $1 2 $1 3");
        assert_eq!(shard.run(&format!("DEL {all}")), ":8");
        assert_eq!(shard.run(&format!("EXISTS {all}")), ":0");
        assert_eq!(shard.shard.statistics.off_loop_runs, before);
    }

    #[test]
    fn large_values_are_copied_off_the_loop() {
        let mut shard = TestShard::new();
        let value = vec![b'x'; 1 << 20];
        assert_eq!(shard.run_bytes(&[b"SET", b"a", &value]), b"+OK\r\n");
        let before = shard.shard.statistics.off_loop_runs;
        let reply = shard.run_bytes(&[b"GET", b"a"]);
        assert_eq!(reply.len(), 10 + value.len() + 2);
        assert_eq!(shard.shard.statistics.off_loop_runs, before + 1);
    }
}
