//! Fields of large hashes in the hot cache: they are read from there, and never stale.

use bytes::Bytes;

use super::{check, chill, large};
use crate::effects::Event;
use crate::engine::{Engine, Family};
use crate::keyspace::layout;
use crate::testing::TestShard;

/// A shard with a large hash at `h`, all of whose fields are in the cache.
fn hot_shard() -> TestShard {
    let mut shard = TestShard::new();
    shard.settings.hash_max_listpack_entries = 0;
    check(&mut shard, &[("HSET h a 1 b 2 c 3", ":3"), ("HMGET h a b c", "*3 $1 1 $1 2 $1 3")]);
    shard
}

/// Reads the fields without the engine, then without the cache.
#[track_caller]
fn check_fields(shard: &mut TestShard, key: &str, expected: &str) {
    let line = format!("HMGET {key} a b c");
    shard.engine.set_cold(false);
    assert_eq!(shard.run(&line), expected, "hot");
    shard.shard.cache().clear();
    assert_eq!(shard.run(&line), expected, "cold");
}

#[test]
fn hot_fields_need_no_engine() {
    let mut shard = hot_shard();
    shard.engine.set_cold(true);
    check(
        &mut shard,
        &[
            ("HGET h a", "$1 1"),
            ("HMGET h c b", "*2 $1 3 $1 2"),
            ("HEXISTS h b", ":1"),
            ("HSTRLEN h b", ":1"),
            ("HINCRBY h a 41", ":42"),
            ("HSET h b two", ":0"),
            ("HGET h a", "$2 42"),
            ("HGET h b", "$3 two"),
            ("HDEL h c", ":1"),
        ],
    );
    assert_eq!(shard.shard.statistics.off_loop_runs, 0);
    // Whether a field is missing only the engine knows.
    assert_eq!(shard.run("HGET h c"), "$-1");
    assert_eq!(shard.shard.statistics.off_loop_runs, 1);
}

#[test]
fn fields_that_were_set_are_hot() {
    let mut shard = hot_shard();
    shard.run("HSET h d 4");
    shard.engine.set_cold(true);
    assert_eq!(shard.run("HGET h d"), "$1 4");
    assert_eq!(shard.shard.statistics.off_loop_runs, 0);
}

#[test]
fn every_change_shows() {
    for (commands, expected) in [
        (&["HSET h a x d 4"][..], "*3 $1 x $1 2 $1 3"),
        (&["HDEL h a c"], "*3 $-1 $1 2 $-1"),
        (&["HINCRBY h b -7"], "*3 $1 1 $2 -5 $1 3"),
        (&["HINCRBYFLOAT h b 0.5"], "*3 $1 1 $3 2.5 $1 3"),
        (&["HSETNX h a x"], "*3 $1 1 $1 2 $1 3"),
        (&["DEL h"], "*3 $-1 $-1 $-1"),
        (&["DEL h", "HSET h a new"], "*3 $3 new $-1 $-1"),
        (&["SET h x", "DEL h", "HSET h c new"], "*3 $-1 $-1 $3 new"),
        (&["RENAME h i"], "*3 $-1 $-1 $-1"),
        (&["RENAME h i", "HSET i a x", "RENAME i h"], "*3 $1 x $1 2 $1 3"),
        (&["COPY h i", "HSET i a x", "DEL i"], "*3 $1 1 $1 2 $1 3"),
        (&["HDEL h a b c", "HSET h b new"], "*3 $-1 $3 new $-1"),
        (&["PEXPIRE h 10"], "*3 $-1 $-1 $-1"),
        (&["PEXPIREAT h 1", "HSET h b new"], "*3 $-1 $3 new $-1"),
    ] {
        for cold in [false, true] {
            let mut shard = hot_shard();
            for command in commands {
                shard.engine.set_cold(cold);
                shard.run(command);
                // What the next command finds is hot again.
                shard.run("HMGET h a b c");
                shard.run("HMGET i a b c");
            }
            if commands[0].starts_with("PEXPIRE ") {
                shard.now_ms += 10;
            }
            check_fields(&mut shard, "h", expected);
        }
    }
}

#[test]
fn nothing_is_left_of_a_flushed_database() {
    let mut shard = hot_shard();
    shard.shard.flush_database(0).unwrap();
    check_fields(&mut shard, "h", "*3 $-1 $-1 $-1");
}

/// The elements of a bulk load are not taken in, but those that are there are kept up to date,
/// piece by piece.
#[test]
fn a_long_commit_tells_the_cache_of_every_field() {
    let mut shard = hot_shard();
    let load: Vec<String> = (0..1000).map(|number| format!("f{number} v")).collect();
    let before = shard.shard.cache().len();
    shard.run(&format!("HSET h a new {} c new", load.join(" ")));
    assert_eq!(shard.shard.statistics.off_loop_runs, 1);
    assert_eq!(shard.shard.cache().len(), before);
    shard.engine.set_cold(true);
    assert_eq!(shard.run("HMGET h a b c"), "*3 $3 new $1 2 $3 new");
    assert_eq!(shard.shard.statistics.off_loop_runs, 1, "hot");
    shard.engine.set_cold(false);

    let (_, changes) = shard.changes_of(|view| {
        let mut hash = crate::types::hash::Hash::open(view, b"h").unwrap().unwrap();
        for field in [b"a", b"b", b"c"] {
            hash.set(view, field, b"piecewise").unwrap();
        }
        hash.save(view, Event::HSET);
    });
    let mut commit = shard.shard.begin_commit(changes).ok().unwrap();
    let written = commit.write();
    let mut finish = shard.shard.end_write(commit, written).ok().unwrap();
    let mut pieces = 1;
    while !shard.shard.finish_commit(&mut finish, 1) {
        pieces += 1;
    }
    assert_eq!(pieces, 4, "the head and three fields");
    check_fields(&mut shard, "h", "*3 $9 piecewise $9 piecewise $9 piecewise");
}

/// The elements of a version that no head names may stay in the cache: nobody asks for them.
#[test]
fn orphans_in_the_cache_are_harmless() {
    let mut shard = hot_shard();
    let old = large(&shard, "h").unwrap().version;
    shard.run("DEL h");
    assert!(shard.shard.cache().element(old, &element(b"a")).is_some());
    check(&mut shard, &[("HSET h b 2", ":1"), ("HGET h a", "$-1"), ("HGET h b", "$1 2")]);
    assert_ne!(large(&shard, "h").unwrap().version, old);
}

#[test]
fn what_is_hot_is_not_read_again() {
    let mut shard = hot_shard();
    // Behind the server's back, to tell the cache from the engine.
    let key = layout::head_key(0, b"h");
    let version = large(&shard, "h").unwrap().version;
    let mut record_key = layout::element_prefix(&key, version);
    record_key.extend_from_slice(&element(b"a"));
    let other = Bytes::from_static(b"other");
    shard.engine.write(&mut |writes| writes.put(Family::Elements, &record_key, &other)).unwrap();
    assert_eq!(shard.run("HGET h a"), "$1 1");
    chill(&mut shard);
    assert_eq!(shard.run("HGET h a"), "$5 other");
}

fn element(field: &[u8]) -> Vec<u8> {
    [&layout::hash(field).to_be_bytes(), field].concat()
}
