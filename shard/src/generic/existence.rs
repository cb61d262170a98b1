//! Deleting keys, counting them, and telling their type.

use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult};
use crate::resp::ReplyBuffer;
use crate::view::{Key, View};

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("del", -2, del)
        .flags(WRITE)
        .categories(category::KEYSPACE)
        .summary("Deletes keys")
        .complexity("O(N) for N keys, whatever their values")
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .keys(&[KeySpec::range(1, -1, 1).remove().delete()])
        .args(&[Arg::key("key", 0).multiple()]),
    command("unlink", -2, del)
        .flags(WRITE | FAST)
        .categories(category::KEYSPACE)
        .since("4.0.0")
        .summary("Deletes keys; the same as DEL, which never waits for the values either")
        .complexity("O(N) for N keys, whatever their values")
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .keys(&[KeySpec::range(1, -1, 1).remove().delete()])
        .args(&[Arg::key("key", 0).multiple()]),
    command("exists", -2, exists)
        .flags(READONLY | FAST)
        .categories(category::KEYSPACE)
        .summary("Counts those of the given keys that exist")
        .complexity("O(N) for N keys")
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .keys(&[KeySpec::range(1, -1, 1).read()])
        .args(&[Arg::key("key", 0).multiple()]),
    command("type", 2, type_name)
        .flags(READONLY | FAST)
        .categories(category::KEYSPACE)
        .summary("Tells the type of the value at a key")
        .keys(&[KeySpec::one(1).read()])
        .args(&[Arg::key("key", 0)]),
    command("touch", -2, touch)
        .flags(READONLY | FAST)
        .categories(category::KEYSPACE)
        .since("3.2.1")
        .summary("Counts those of the given keys that exist and marks them as used")
        .complexity("O(N) for N keys")
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .keys(&[KeySpec::range(1, -1, 1).read()])
        .args(&[Arg::key("key", 0).multiple()]),
];

/// DEL and UNLINK. Elements of large collections are left to compactions either way, so there is
/// nothing for UNLINK to put off.
pub(super) fn del(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    view.charge(args.skip(1).len() as u64)?;
    let mut deleted = 0;
    for name in args.iter_from(1) {
        let key = view.open_head(name)?;
        if key.exists() {
            view.remove(&key);
            view.tell(Event::DEL, &key);
            deleted += 1;
        }
    }
    reply.integer(deleted);
    Ok(())
}

/// EXISTS. A key that is named twice counts twice.
pub(super) fn exists(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    count(view, args, reply, View::open_head_untouched)
}

/// TOUCH: EXISTS as a use of the keys.
pub(super) fn touch(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    count(view, args, reply, View::open_head_to_touch)
}

fn count<'v>(
    view: &mut View<'v>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
    open: impl Fn(&mut View<'v>, &[u8]) -> Result<Key, CommandError>,
) -> CommandResult {
    view.charge(args.skip(1).len() as u64)?;
    let mut found = 0;
    for name in args.iter_from(1) {
        found += i64::from(open(view, name)?.exists());
    }
    reply.integer(found);
    Ok(())
}

pub(super) fn type_name(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let key = view.open_head_untouched(args.get(1))?;
    reply.simple(key.head.map_or("none", |head| head.kind.name()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestShard;

    #[test]
    fn keys_are_counted_as_often_as_they_are_named() {
        let mut shard = TestShard::new();
        shard.run("SET a 1");
        shard.run("SET b 2");
        for cold in [false, true] {
            shard.shard.cache().clear();
            shard.engine.set_cold(cold);
            assert_eq!(shard.run("EXISTS a"), ":1");
            assert_eq!(shard.run("EXISTS a b a nosuch"), ":3");
            assert_eq!(shard.run("TOUCH a a nosuch"), ":2");
            assert_eq!(shard.run("TYPE a"), "+string");
            assert_eq!(shard.run("TYPE nosuch"), "+none");
        }
    }

    #[test]
    fn a_key_is_deleted_once() {
        for command in ["DEL", "UNLINK"] {
            let mut shard = TestShard::new();
            shard.run("SET a 1");
            shard.run("SET b 2");
            shard.shard.cache().clear();
            shard.engine.set_cold(true);
            assert_eq!(shard.run(&format!("{command} a a nosuch b")), ":2");
            assert_eq!(shard.run("EXISTS a b"), ":0");
            assert_eq!(shard.shard.key_counts().get(0).keys, 0);
        }
    }

    #[test]
    fn an_expired_key_is_not_there() {
        let mut shard = TestShard::new();
        shard.run("SET a 1");
        shard.run("PEXPIRE a 10");
        shard.now_ms += 10;
        assert_eq!(shard.run("EXISTS a"), ":0");
        assert_eq!(shard.run("TYPE a"), "+none");
        assert_eq!(shard.run("DEL a"), ":0");
    }

    #[test]
    fn more_keys_than_the_loop_has_time_for_are_deleted_elsewhere() {
        let mut shard = TestShard::new();
        let names: Vec<String> = (0..2000).map(|number| format!("k{number}")).collect();
        for name in &names {
            shard.run(&format!("SET {name} x"));
        }
        assert_eq!(shard.shard.statistics.off_loop_runs, 0);
        assert_eq!(shard.run(&format!("EXISTS {}", names.join(" "))), ":2000");
        assert_eq!(shard.run(&format!("DEL {}", names.join(" "))), ":2000");
        assert_eq!(shard.shard.statistics.off_loop_runs, 2);
        assert_eq!(shard.shard.key_counts().get(0).keys, 0);
    }
}
