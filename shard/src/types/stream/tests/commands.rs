//! What later versions of Redis do than the one that the random programs are compared with, forms
//! of replies, and what becomes of the keys.

use super::{check, chill, elements, head};
use crate::keyspace::head::{Body, Extension, Head, Kind, Large};
use crate::resp::Protocol;
use crate::testing::TestShard;

#[test]
fn consumers_are_seen_whether_they_get_anything_or_not() {
    let mut shard = TestShard::new();
    check(
        &mut shard,
        &[
            ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
            ("XREADGROUP GROUP g c STREAMS s >", "*-1"),
            ("XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "*-1"),
        ],
    );
    shard.now_ms += 50;
    check(
        &mut shard,
        &[
            ("XINFO CONSUMERS s g", "*1 *8 $4 name $1 c $7 pending :0 $4 idle :50 $8 inactive :-1"),
            ("XADD s 1-1 f v", "$3 1-1"),
            ("XREADGROUP GROUP g c STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-1 *2 $1 f $1 v"),
        ],
    );
    shard.now_ms += 20;
    check(
        &mut shard,
        &[
            ("XREADGROUP GROUP g c STREAMS s >", "*-1"),
            ("XINFO CONSUMERS s g", "*1 *8 $4 name $1 c $7 pending :1 $4 idle :0 $8 inactive :20"),
            ("XPENDING s g - + 10", "*1 *4 $3 1-1 $1 c :20 :1"),
            ("XCLAIM s g d 100 1-1", "*0"),
            ("XAUTOCLAIM s g e 100 0", "*3 $3 0-0 *0 *0"),
            ("XCLAIM s g d 20 1-1 JUSTID", "*1 $3 1-1"),
            ("XPENDING s g - + 10", "*1 *4 $3 1-1 $1 d :0 :1"),
            ("XPENDING s g", "*4 :1 $3 1-1 $3 1-1 *1 *2 $1 d $1 1"),
            ("XGROUP DELCONSUMER s g e", ":0"),
            ("XGROUP DELCONSUMER s g d", ":1"),
            ("XPENDING s g", "*4 :0 $-1 $-1 *-1"),
        ],
    );
    let shown = shard.run("XINFO STREAM s FULL");
    let consumer = "$9 consumers *1 *10 $4 name $1 c $9 seen-time :1700000000070 $11 active-time \
                    :1700000000050 $9 pel-count :0 $7 pending *0";
    assert!(shown.ends_with(consumer), "{shown}");
}

#[test]
fn replies_are_maps_in_resp3() {
    let mut shard = TestShard::new();
    shard.protocol = Protocol::Resp3;
    check(
        &mut shard,
        &[
            ("XADD s 1-1 f v", "$3 1-1"),
            ("XREAD STREAMS s 0", "%1 $1 s *1 *2 $3 1-1 *2 $1 f $1 v"),
            ("XREAD STREAMS s 1-1", "_"),
            ("XREAD BLOCK 10 STREAMS s $", "_"),
            ("XRANGE s - + COUNT 0", "_"),
        ],
    );
}

#[test]
fn empty_streams_stay() {
    let mut shard = TestShard::new();
    check(
        &mut shard,
        &[
            ("XADD s 1-1 f v", "$3 1-1"),
            ("XDEL s 1-1 1-1", ":1"),
            ("XLEN s", ":0"),
            ("EXISTS s", ":1"),
            ("XRANGE s - +", "*0"),
            (
                "XADD s 1-1 f v",
                "-ERR The ID specified in XADD is equal or smaller than the \
              target stream top item",
            ),
            ("XADD s 1-* f v", "$3 1-2"),
            ("COPY s t", ":1"),
            ("RENAME t u", "+OK"),
            ("XRANGE u - +", "*1 *2 $3 1-2 *2 $1 f $1 v"),
            ("TYPE u", "+stream"),
            ("OBJECT ENCODING u", "$6 stream"),
            ("XADD u * f v", "$15 1700000000000-0"),
            ("XLEN s", ":1"),
            ("XADD nosuch NOMKSTREAM * f v", "$-1"),
        ],
    );
}

#[test]
fn groups_go_with_all_that_belongs_to_them() {
    let mut shard = TestShard::new();
    shard.run("XADD s 1-1 f v");
    let (bytes, records) = (shard.run("MEMORY USAGE s"), elements(&shard));
    for group in ["g", "h"] {
        shard.run(&format!("XGROUP CREATE s {group} 0"));
        for number in 2..200 {
            shard.run(&format!("XADD s {number}-{group} f v"));
            shard.run(&format!("XREADGROUP GROUP {group} c{} STREAMS s >", number % 3));
        }
    }
    assert!(elements(&shard) > records + 10);
    shard.run("XTRIM s MINID 2");
    check(
        &mut shard,
        &[
            ("XPENDING s g", "*4 :1 $3 1-1 $3 1-1 *1 *2 $2 c2 $1 1"),
            ("XGROUP DESTROY s g", ":1"),
            ("XGROUP DESTROY s g", ":0"),
            ("XGROUP DESTROY s h", ":1"),
            (
                "XGROUP DESTROY t h",
                "-ERR The XGROUP subcommand requires the key to exist. Note \
              that for CREATE you may want to use the MKSTREAM option to create an empty stream \
              automatically.",
            ),
            ("XADD s 1000-1 f v", "$6 1000-1"),
        ],
    );
    assert_eq!(elements(&shard), records);
    assert_ne!(bytes, "$-1");
}

#[test]
fn what_is_damaged_is_an_error() {
    let mut shard = TestShard::new();
    let damaged = |shard: &mut TestShard, head: &Head| {
        shard.with_view(|view| {
            let key = view.open(b"s").unwrap();
            view.put(&key, head);
        });
        for line in ["XLEN s", "XADD s * f v", "XINFO STREAM s", "XDEL s 1-1", "DUMP s"] {
            let reply = shard.run(line);
            assert!(reply.starts_with("-CORRUPTED") || line == "XLEN s", "{line}: {reply}");
        }
        shard.run("DEL s");
    };
    damaged(&mut shard, &Head::inline(Kind::Stream, "a stream".into()));
    let large = Large { version: 77, count: 3, bytes: 300 };
    damaged(&mut shard, &Head::large(Kind::Stream, large));
    let cut_off = Extension::new(1, &[0; 30]).unwrap();
    damaged(&mut shard, &Head::extended(Kind::Stream, large, cut_off));
    // Nodes that are missing.
    shard.run("XADD s 1-1 f v");
    shard.run("XADD s 2-1 f v");
    let Some(Head { body: Body::Large(large, extension), .. }) = head(&shard, "s") else {
        panic!("a stream is a tree")
    };
    let elsewhere = Large { version: large.version + 1000, ..large };
    damaged(&mut shard, &Head::extended(Kind::Stream, elsewhere, extension));
}

#[test]
fn cold_streams_are_read_from_the_disk() {
    let mut shard = TestShard::new();
    for number in 1..=300 {
        shard.run(&format!("XADD s {number}-0 f v"));
    }
    shard.run("XGROUP CREATE s g 0");
    chill(&mut shard);
    check(
        &mut shard,
        &[
            ("XLEN s", ":300"),
            ("XRANGE s 150 150-0", "*1 *2 $5 150-0 *2 $1 f $1 v"),
            ("XREVRANGE s + - COUNT 1", "*1 *2 $5 300-0 *2 $1 f $1 v"),
            ("XREADGROUP GROUP g c COUNT 1 STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v"),
            ("XACK s g 1-0", ":1"),
        ],
    );
}

#[test]
fn what_happens_is_told() {
    let mut shard = TestShard::new();
    shard.listen();
    for line in [
        "XADD s 1-1 f v",
        "XADD s MAXLEN 1 2-1 f v",
        "XGROUP CREATE s g 0",
        "XREADGROUP GROUP g c STREAMS s >",
        "XREADGROUP GROUP g c STREAMS s >",
        "XACK s g 2-1",
        "XGROUP SETID s g 0",
        "XGROUP CREATECONSUMER s g c",
        "XGROUP DELCONSUMER s g c",
        "XGROUP DESTROY s g",
        "XSETID s 9",
        "XDEL s 2-1",
        "XTRIM s MAXLEN 0",
        "XADD s 10-0 f v",
        "XTRIM s MAXLEN 0",
        "XGROUP CREATE t g 0 MKSTREAM",
        "XACK nosuch g 1",
    ] {
        shard.run(line);
    }
    let told = shard.told();
    let told: Vec<&str> =
        told.iter().filter_map(|line| line.split_once(' ')).map(|(_, event)| event).collect();
    assert_eq!(
        told,
        [
            "new s",
            "xadd s",
            "xadd s",
            "xtrim s",
            "xgroup-create s",
            "xgroup-createconsumer s",
            "xgroup-setid s",
            "xgroup-delconsumer s",
            "xgroup-destroy s",
            "xsetid s",
            "xdel s",
            "xadd s",
            "xtrim s",
            "new t",
            "xgroup-create t",
            "keymiss nosuch"
        ]
    );
}
