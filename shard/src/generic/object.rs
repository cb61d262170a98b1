//! OBJECT: how a value is kept and used, in Redis's terms. Basalt counts no references; what is
//! said about them is what holds for a value that nobody shares. Uses are known of the keys in the
//! hot cache; a key that is not there counts as not used since the server started.

use crate::command::Args;
use crate::command::row::*;
use crate::error::{CommandError, CommandResult};
use crate::keyspace::access::Access;
use crate::keyspace::head::{Body, Head, Kind};
use crate::number;
use crate::resp::ReplyBuffer;
use crate::types;
use crate::view::{Key, View};

/// The rows of this file.
pub(super) const ROWS: &[Command] =
    &[container("object", SUBCOMMANDS).since("2.2.3").summary("Looks into how a value is kept")];

const SUBCOMMANDS: &[Command] = &[
    command("encoding", 3, encoding)
        .flags(READONLY)
        .categories(category::KEYSPACE)
        .since("2.2.3")
        .summary("Tells how a value is encoded")
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::one(2).read()])
        .args(&[Arg::key("key", 0)]),
    command("freq", 3, freq)
        .flags(READONLY | TELLS_USES)
        .categories(category::KEYSPACE)
        .since("4.0.0")
        .summary("Tells how often a key is used")
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::one(2).read()])
        .args(&[Arg::key("key", 0)]),
    command("help", 2, help)
        .flags(LOADING | STALE)
        .categories(category::KEYSPACE)
        .since("6.2.0")
        .summary("Lists the subcommands"),
    command("idletime", 3, idletime)
        .flags(READONLY | TELLS_USES)
        .categories(category::KEYSPACE)
        .since("2.2.3")
        .summary("Tells how long a key was not used, in seconds")
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::one(2).read()])
        .args(&[Arg::key("key", 0)]),
    command("refcount", 3, refcount)
        .flags(READONLY)
        .categories(category::KEYSPACE)
        .since("2.2.3")
        .summary("Tells how many references to a value there are")
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::one(2).read()])
        .args(&[Arg::key("key", 0)]),
];

const NOT_LFU: &str = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. \
     Please note that when switching between policies at runtime LRU and LFU data will take some \
     time to adjust.";
const IS_LFU: &str = "ERR An LFU maxmemory policy is selected, idle time not tracked. \
     Please note that when switching between policies at runtime LRU and LFU data will take some \
     time to adjust.";

/// Redis keeps one object for each of these integers, and says so by an endless number of
/// references.
const SHARED_INTEGERS: std::ops::Range<i64> = 0..10_000;
const ENDLESS_REFERENCES: i64 = i32::MAX as i64;

const HELP: &[&str] = &[
    "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "ENCODING <key>",
    "    Tell how the value at <key> is encoded.",
    "FREQ <key>",
    "    Tell how often <key> is used, on a logarithmic scale.",
    "IDLETIME <key>",
    "    Tell for about how many seconds <key> was not used.",
    "REFCOUNT <key>",
    "    Tell how many references to the value at <key> there are.",
    "HELP",
    "    Print this help.",
];

/// Opens a key to tell something about it: that it is not there is no event.
fn look_at(view: &mut View<'_>, name: &[u8]) -> Result<Key, CommandError> {
    let key = view.open_head_untouched(name)?;
    view.tell_nothing();
    Ok(key)
}

/// Redis's name of the way in which a value is kept.
fn encoding_of(head: &Head) -> &'static str {
    match head.kind {
        Kind::String => types::string::encoding(head),
        Kind::Hash => types::hash::encoding(head),
        Kind::List => types::list::encoding(head),
        Kind::Set => types::set::encoding(head),
        Kind::SortedSet => types::zset::encoding(head),
        Kind::Stream => "stream",
    }
}

pub(super) fn encoding(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    match look_at(view, args.get(2))?.head {
        Some(head) => reply.bulk(encoding_of(&head).as_bytes()),
        None => reply.null(),
    }
    Ok(())
}

pub(super) fn refcount(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    match look_at(view, args.get(2))?.head {
        Some(head) if is_shared(&head) => reply.integer(ENDLESS_REFERENCES),
        Some(_) => reply.integer(1),
        None => reply.null(),
    }
    Ok(())
}

fn is_shared(head: &Head) -> bool {
    match &head.body {
        Body::Inline(value) if head.kind == Kind::String && encoding_of(head) == "int" => {
            number::parse_i64(value).is_some_and(|value| SHARED_INTEGERS.contains(&value))
        }
        _ => false,
    }
}

pub(super) fn idletime(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let Some(access) = access_of(view, args.get(2))? else {
        reply.null();
        return Ok(());
    };
    if view.settings().lfu.is_some() {
        return Err(IS_LFU.into());
    }
    let idle_s = access.idle_s(view.steady_ms());
    reply.integer(i64::from(idle_s));
    Ok(())
}

pub(super) fn freq(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let Some(access) = access_of(view, args.get(2))? else {
        reply.null();
        return Ok(());
    };
    let Some(lfu) = view.settings().lfu else { return Err(NOT_LFU.into()) };
    reply.integer(i64::from(access.frequency(view.steady_ms(), lfu)));
    Ok(())
}

/// What is known of the uses of a key; `None`: there is no such key.
fn access_of(view: &mut View<'_>, name: &[u8]) -> Result<Option<Access>, CommandError> {
    let access = view.access_of(name);
    Ok(look_at(view, name)?.exists().then_some(access))
}

pub(super) fn help(_: &mut View<'_>, _: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    reply.array(HELP.len());
    for line in HELP {
        reply.simple(line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::access::LfuSettings;
    use crate::resp::Protocol;
    use crate::testing::TestShard;

    #[test]
    fn strings_are_told_as_redis_keeps_them() {
        let mut shard = TestShard::new();
        for (value, encoding, references) in [
            ("0", "$3 int", 2_147_483_647),
            ("9999", "$3 int", 2_147_483_647),
            ("10000", "$3 int", 1),
            ("-1", "$3 int", 1),
            ("hello", "$6 embstr", 1),
            ("007", "$6 embstr", 1),
            ("a string of more than forty-four bytes, by just one".split_at(45).0, "$3 raw", 1),
        ] {
            shard.engine.set_cold(false);
            shard.run_bytes(&[b"SET", b"a", value.as_bytes()]);
            shard.shard.cache().clear();
            shard.engine.set_cold(true);
            assert_eq!(shard.run("OBJECT ENCODING a"), encoding, "{value}");
            assert_eq!(shard.run("OBJECT REFCOUNT a"), format!(":{references}"), "{value}");
        }
    }

    #[test]
    fn collections_are_told_by_their_size() {
        use crate::keyspace::head::Large;
        let large = Large { version: 1, count: 1, bytes: 1 };
        for (kind, small_name, large_name) in [
            // Without what says that it is not long.
            (Kind::List, "listpack", "quicklist"),
            (Kind::Hash, "listpack", "hashtable"),
            (Kind::SortedSet, "listpack", "skiplist"),
        ] {
            assert_eq!(encoding_of(&Head::inline(kind, bytes::Bytes::new())), small_name);
            assert_eq!(encoding_of(&Head::large(kind, large)), large_name);
        }
    }

    const LFU: Option<LfuSettings> = Some(LfuSettings { log_factor: 0, decay_minutes: 1 });

    #[test]
    fn the_policy_decides_which_use_is_told() {
        let mut shard = TestShard::new();
        shard.run("SET a 1");
        assert_eq!(shard.run("OBJECT IDLETIME a"), ":0");
        assert_eq!(shard.run("OBJECT FREQ a"), format!("-{NOT_LFU}"));
        assert_eq!(shard.run("OBJECT FREQ nosuch"), "$-1");
        shard.settings.lfu = LFU;
        assert_eq!(shard.run("OBJECT IDLETIME a"), format!("-{IS_LFU}"));
        assert_eq!(shard.run("OBJECT FREQ a"), ":5");
        shard.protocol = Protocol::Resp3;
        for subcommand in ["ENCODING", "FREQ", "IDLETIME", "REFCOUNT"] {
            assert_eq!(shard.run(&format!("OBJECT {subcommand} nosuch")), "_");
        }
    }

    #[test]
    fn only_uses_end_idleness() {
        let mut shard = TestShard::new();
        shard.now_ms += 100_000;
        shard.run("SET a 1");
        shard.run("HSET h f v");
        shard.now_ms += 10_000;
        for question in
            ["OBJECT ENCODING a", "OBJECT REFCOUNT a", "TYPE a", "TTL a", "EXISTS a", "PTTL a"]
        {
            shard.run(question);
            assert_eq!(shard.run("OBJECT IDLETIME a"), ":10", "{question}");
        }
        for used in ["GET a", "STRLEN a", "TOUCH a", "APPEND a x"] {
            shard.run(used);
            assert_eq!(shard.run("OBJECT IDLETIME a"), ":0", "{used}");
            shard.now_ms += 5_000;
            assert_eq!(shard.run("OBJECT IDLETIME a"), ":5", "{used}");
        }
        assert_eq!(shard.run("OBJECT IDLETIME h"), ":30");
        shard.run("HGET h f");
        assert_eq!(shard.run("OBJECT IDLETIME h"), ":0");
        // What is only on the disk was not used since the start, as far as anybody knows.
        for cold in [false, true] {
            shard.shard.cache().clear();
            shard.engine.set_cold(cold);
            assert_eq!(shard.run("OBJECT IDLETIME a"), ":130", "{cold}");
            assert_eq!(shard.run("OBJECT IDLETIME a"), ":130", "asking is no use");
        }
        shard.run("GET a");
        assert_eq!(shard.run("OBJECT IDLETIME a"), ":0");
    }

    #[test]
    fn uses_are_counted_and_forgotten() {
        let mut shard = TestShard::new();
        shard.settings.lfu = LFU;
        shard.shard.cache().clock.set_lfu(LFU);
        shard.run("SET a 1");
        for _ in 0..7 {
            shard.run("GET a");
        }
        assert_eq!(shard.run("OBJECT FREQ a"), ":12");
        shard.run("SET a another");
        assert_eq!(shard.run("OBJECT FREQ a"), ":13", "it is the key that is used");
        shard.now_ms += 4 * 60_000;
        assert_eq!(shard.run("OBJECT FREQ a"), ":9");
        shard.run("DEL a");
        shard.run("SET a 1");
        assert_eq!(shard.run("OBJECT FREQ a"), ":5");
        shard.shard.cache().clear();
        assert_eq!(shard.run("OBJECT FREQ a"), ":0");
    }

    #[test]
    fn help_is_a_list_of_lines() {
        let help = TestShard::new().run("OBJECT HELP");
        assert!(help.starts_with("*11 +OBJECT <subcommand> "), "{help}");
        assert!(help.ends_with("+HELP +    Print this help."), "{help}");
    }
}
