//! What the commands answer, in both forms.

use super::{array, both_forms, check, chill, words};
use crate::resp::Protocol;
use crate::testing::TestShard;

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_AN_INTEGER: &str = "-ERR value is not an integer or out of range";
const NOT_POSITIVE: &str = "-ERR value is out of range, must be positive";
const SYNTAX: &str = "-ERR syntax error";

#[test]
fn what_is_pushed_is_popped_at_either_end() {
    for mut shard in both_forms() {
        check(
            &mut shard,
            &[
                ("RPUSH l a b c", ":3"),
                ("LPUSH l x y", ":5"),
                ("LRANGE l 0 -1", "*5 $1 y $1 x $1 a $1 b $1 c"),
                ("LPOP l", "$1 y"),
                ("RPOP l", "$1 c"),
                ("LPOP l 2", "*2 $1 x $1 a"),
                ("RPUSH l c d", ":3"),
                ("RPOP l 2", "*2 $1 d $1 c"),
                ("RPOP l 0", "*0"),
                ("RPOP l 99", "*1 $1 b"),
                ("EXISTS l", ":0"),
                ("LPOP l", "$-1"),
                ("LPOP l 0", "*-1"),
                ("RPOP l 5", "*-1"),
                ("LPUSHX l a", ":0"),
                ("RPUSHX l a b", ":0"),
                ("EXISTS l", ":0"),
                ("RPUSH l a", ":1"),
                ("LPUSHX l b c", ":3"),
                ("RPUSHX l d", ":4"),
                ("LRANGE l 0 -1", "*4 $1 c $1 b $1 a $1 d"),
                ("LPOP l -1", NOT_POSITIVE),
                ("LPOP l x", NOT_POSITIVE),
                ("LPOP nosuch x", NOT_POSITIVE),
                ("LPOP l 1 2", "-ERR wrong number of arguments for 'lpop' command"),
                ("RPOP l 1 2", "-ERR wrong number of arguments for 'rpop' command"),
            ],
        );
    }
}

#[test]
fn what_is_not_there_is_null_in_either_protocol() {
    let mut shard = TestShard::new();
    shard.protocol = Protocol::Resp3;
    for command in
        ["LPOP n", "RPOP n 3", "LINDEX n 0", "LMOVE n m LEFT LEFT", "LMPOP 1 n LEFT", "LPOS n a"]
    {
        assert_eq!(shard.run(command), "_", "{command}");
    }
    check(&mut shard, &[("LRANGE n 0 -1", "*0"), ("LLEN n", ":0"), ("LPOS n a COUNT 0", "*0")]);
}

#[test]
fn parts_and_places_are_read() {
    for mut shard in both_forms() {
        shard.run(&format!("RPUSH l {}", words("e", 0..100)));
        for is_cold in [false, true] {
            if is_cold {
                chill(&mut shard);
            }
            for (start, stop, expected) in [
                (0, -1, 0..100),
                (0, 0, 0..1),
                (-1, -1, 99..100),
                (-3, -2, 97..99),
                (10, 19, 10..20),
                (-1000, 3, 0..4),
                (98, 1000, 98..100),
                (5, 4, 0..0),
                (100, 200, 0..0),
                (-1, -2, 0..0),
                (0, -101, 0..0),
                (i64::MIN, i64::MAX, 0..100),
                (i64::MAX, i64::MAX, 0..0),
            ] {
                let reply = shard.run(&format!("LRANGE l {start} {stop}"));
                assert_eq!(reply, array(&words("e", expected)), "{start} {stop}");
            }
            check(
                &mut shard,
                &[
                    ("LLEN l", ":100"),
                    ("LINDEX l 0", "$2 e0"),
                    ("LINDEX l 57", "$3 e57"),
                    ("LINDEX l -1", "$3 e99"),
                    ("LINDEX l -100", "$2 e0"),
                    ("LINDEX l 100", "$-1"),
                    ("LINDEX l -101", "$-1"),
                    ("LINDEX l -9223372036854775808", "$-1"),
                    ("LINDEX l x", NOT_AN_INTEGER),
                    ("LINDEX nosuch x", "$-1"),
                    ("LRANGE l x 1", NOT_AN_INTEGER),
                    ("LRANGE nosuch 0 x", NOT_AN_INTEGER),
                ],
            );
        }
    }
}

#[test]
fn elements_are_replaced_and_put_beside_others() {
    for mut shard in both_forms() {
        check(
            &mut shard,
            &[
                ("LSET l 0 a", "-ERR no such key"),
                ("LSET l x a", "-ERR no such key"),
                ("LINSERT l BEFORE a b", ":0"),
                ("LINSERT l beside a b", SYNTAX),
                ("RPUSH l a b c b", ":4"),
                ("LSET l 0 A", "+OK"),
                ("LSET l -1 B", "+OK"),
                ("LSET l 4 x", "-ERR index out of range"),
                ("LSET l -5 x", "-ERR index out of range"),
                ("LSET l x x", NOT_AN_INTEGER),
                ("LINSERT l before b 1", ":5"),
                ("LINSERT l AFTER b 2", ":6"),
                ("LINSERT l after B end", ":7"),
                ("LINSERT l before A start", ":8"),
                ("LINSERT l before nosuch x", ":-1"),
                ("LRANGE l 0 -1", &array("start A 1 b 2 c B end")),
            ],
        );
    }
}

#[test]
fn elements_are_removed_by_value() {
    for mut shard in both_forms() {
        for (command, removed, left) in [
            ("LREM l 0 a", 4, "b c b b"),
            ("LREM l 1 a", 1, "b a c a b a b"),
            ("LREM l 3 a", 3, "b c b a b"),
            ("LREM l -1 a", 1, "a b a c a b b"),
            ("LREM l -3 a", 3, "a b c b b"),
            ("LREM l 99 b", 3, "a a c a a"),
            ("LREM l -99 b", 3, "a a c a a"),
            ("LREM l -9223372036854775808 b", 3, "a a c a a"),
            ("LREM l 0 nosuch", 0, "a b a c a b a b"),
        ] {
            shard.run("DEL l");
            shard.run("RPUSH l a b a c a b a b");
            assert_eq!(shard.run(command), format!(":{removed}"), "{command}");
            assert_eq!(shard.run("LRANGE l 0 -1"), array(left), "{command}");
        }
        check(
            &mut shard,
            &[
                ("DEL l", ":1"),
                ("RPUSH l a a", ":2"),
                ("LREM l 2 a", ":2"),
                ("EXISTS l", ":0"),
                ("LREM l 0 a", ":0"),
                ("LREM l x a", NOT_AN_INTEGER),
            ],
        );
    }
}

#[test]
fn lists_are_trimmed() {
    for mut shard in both_forms() {
        for (range, left) in [
            ("0 -1", 0..9),
            ("1 -2", 1..8),
            ("0 0", 0..1),
            ("-2 -1", 7..9),
            ("-100 100", 0..9),
            ("3 100", 3..9),
            ("5 4", 0..0),
            ("9 100", 0..0),
            ("0 -100", 0..0),
        ] {
            shard.run("DEL l");
            shard.run(&format!("RPUSH l {}", words("e", 0..9)));
            assert_eq!(shard.run(&format!("LTRIM l {range}")), "+OK");
            assert_eq!(shard.run("LRANGE l 0 -1"), array(&words("e", left.clone())), "{range}");
            assert_eq!(shard.run("EXISTS l"), format!(":{}", i32::from(!left.is_empty())));
        }
        check(&mut shard, &[("LTRIM nosuch 0 1", "+OK"), ("LTRIM nosuch 0 x", NOT_AN_INTEGER)]);
    }
}

#[test]
fn positions_are_found() {
    const NO_RANK: &str = "-ERR RANK can't be zero: use 1 to start from the first match, 2 from \
                           the second ... or use negative to start from the end of the list";
    for mut shard in both_forms() {
        shard.run("RPUSH l a b c 1 2 3 c c");
        check(
            &mut shard,
            &[
                ("LPOS l a", ":0"),
                ("LPOS l c", ":2"),
                ("LPOS l c RANK 1", ":2"),
                ("LPOS l c rank 2", ":6"),
                ("LPOS l c RANK 4", "$-1"),
                ("LPOS l c RANK -1", ":7"),
                ("LPOS l c RANK -3", ":2"),
                ("LPOS l c COUNT 0", "*3 :2 :6 :7"),
                ("LPOS l c COUNT 2", "*2 :2 :6"),
                ("LPOS l c COUNT 2 RANK 2", "*2 :6 :7"),
                ("LPOS l c RANK -1 COUNT 2", "*2 :7 :6"),
                ("LPOS l c COUNT 0 RANK -2", "*2 :6 :2"),
                ("LPOS l c COUNT 9 RANK 9", "*0"),
                ("LPOS l x COUNT 0", "*0"),
                ("LPOS l x", "$-1"),
                ("LPOS l c MAXLEN 2", "$-1"),
                ("LPOS l c MAXLEN 3", ":2"),
                ("LPOS l c COUNT 0 MAXLEN 7", "*2 :2 :6"),
                ("LPOS l c RANK -1 COUNT 0 MAXLEN 2", "*2 :7 :6"),
                ("LPOS l c MAXLEN 0 RANK -3", ":2"),
                ("LPOS nosuch c COUNT 1", "*0"),
                ("LPOS nosuch c", "$-1"),
                ("LPOS l c RANK 0", NO_RANK),
                ("LPOS l c RANK x", NOT_AN_INTEGER),
                ("LPOS l c RANK", SYNTAX),
                ("LPOS l c COUNT -1", "-ERR COUNT can't be negative"),
                ("LPOS l c MAXLEN x", "-ERR MAXLEN can't be negative"),
                ("LPOS l c RANK 1 WRONG 2", SYNTAX),
                (
                    "LPOS l c RANK -9223372036854775808",
                    "-ERR value is out of range, value must between -9223372036854775807 and \
                     9223372036854775807",
                ),
            ],
        );
    }
}

#[test]
fn elements_move_between_lists() {
    for mut shard in both_forms() {
        shard.run("RPUSH a 1 2 3 4");
        check(
            &mut shard,
            &[
                ("LMOVE a b LEFT RIGHT", "$1 1"),
                ("LMOVE a b right left", "$1 4"),
                ("RPOPLPUSH a b", "$1 3"),
                ("LRANGE b 0 -1", "*3 $1 3 $1 4 $1 1"),
                ("LMOVE a b LEFT LEFT", "$1 2"),
                ("EXISTS a", ":0"),
                ("LMOVE a b LEFT LEFT", "$-1"),
                ("RPOPLPUSH a b", "$-1"),
                ("LMOVE b b LEFT RIGHT", "$1 2"),
                ("RPOPLPUSH b b", "$1 2"),
                ("LMOVE b b RIGHT RIGHT", "$1 1"),
                ("LRANGE b 0 -1", "*4 $1 2 $1 3 $1 4 $1 1"),
                ("LMOVE b c UP LEFT", SYNTAX),
                ("LMOVE b c LEFT DOWN", SYNTAX),
                ("RPUSH one x", ":1"),
                ("RPOPLPUSH one one", "$1 x"),
                ("LRANGE one 0 -1", "*1 $1 x"),
                ("SET s string", "+OK"),
                ("LMOVE b s LEFT LEFT", WRONG_TYPE),
                ("LMOVE s b LEFT LEFT", WRONG_TYPE),
                // What is not there is told before what is wrong with the other one.
                ("LMOVE nosuch s LEFT LEFT", "$-1"),
                ("LLEN b", ":4"),
            ],
        );
    }
}

#[test]
fn the_first_list_that_is_there_is_popped() {
    const NO_KEYS: &str = "-ERR numkeys should be greater than 0";
    const NO_COUNT: &str = "-ERR count should be greater than 0";
    for mut shard in both_forms() {
        shard.run("RPUSH a 1 2 3 4 5");
        shard.run("RPUSH b 6");
        shard.run("SET s string");
        check(
            &mut shard,
            &[
                ("LMPOP 1 a LEFT", "*2 $1 a *1 $1 1"),
                ("LMPOP 2 nosuch a right COUNT 2", "*2 $1 a *2 $1 5 $1 4"),
                ("LMPOP 2 a b LEFT COUNT 10", "*2 $1 a *2 $1 2 $1 3"),
                ("LMPOP 2 a b LEFT COUNT 10", "*2 $1 b *1 $1 6"),
                ("LMPOP 2 a b LEFT COUNT 10", "*-1"),
                ("LMPOP 2 a s LEFT", WRONG_TYPE),
                ("LMPOP 0 a LEFT", NO_KEYS),
                ("LMPOP x a LEFT", NO_KEYS),
                ("LMPOP -1 a LEFT", NO_KEYS),
                ("LMPOP 2 a LEFT", SYNTAX),
                ("LMPOP 9223372036854775807 a LEFT", SYNTAX),
                ("LMPOP 1 a MIDDLE", SYNTAX),
                ("LMPOP 1 a LEFT COUNT", SYNTAX),
                ("LMPOP 1 a LEFT COUNT 0", NO_COUNT),
                ("LMPOP 1 a LEFT COUNT x", NO_COUNT),
                ("LMPOP 1 a LEFT COUNT 1 COUNT 1", SYNTAX),
                ("LMPOP 1 a LEFT COUNT x COUNT 1", NO_COUNT),
                ("LMPOP 1 a LEFT NUMBER 1", SYNTAX),
            ],
        );
    }
}

#[test]
fn other_types_are_refused() {
    let mut shard = TestShard::new();
    shard.put_other_type("s");
    for command in [
        "LPUSH s a",
        "RPUSH s a",
        "LPUSHX s a",
        "RPUSHX s a",
        "LPOP s",
        "RPOP s 0",
        "LRANGE s 0 1",
        "LLEN s",
        "LINDEX s x",
        "LSET s x a",
        "LINSERT s BEFORE a b",
        "LREM s 0 a",
        "LTRIM s 0 1",
        "LPOS s a",
        "RPOPLPUSH s a",
        "LMPOP 2 nosuch s LEFT",
    ] {
        assert_eq!(shard.run(command), WRONG_TYPE, "{command}");
    }
    shard.run("RPUSH l a");
    for command in ["GET l", "HGET l f"] {
        assert_eq!(shard.run(command), WRONG_TYPE, "{command}");
    }
    assert_eq!(shard.run("TYPE l"), "+list");
}

#[test]
fn elements_are_any_bytes() {
    for mut shard in both_forms() {
        let elements: [&[u8]; 7] =
            [b"", b"\xff", b"\xff\x00", b"\xff\x01\x02\x03", b"\xfe", b"\r\n", b"\0"];
        let mut call: Vec<&[u8]> = vec![b"RPUSH", b"l"];
        call.extend(elements);
        assert_eq!(shard.run_bytes(&call), b":7\r\n");
        for (index, element) in elements.iter().enumerate() {
            let expected =
                [format!("${}\r\n", element.len()).as_bytes(), element, b"\r\n"].concat();
            let index = index.to_string();
            assert_eq!(shard.run_bytes(&[b"LINDEX", b"l", index.as_bytes()]), expected);
            let found = shard.run_bytes(&[b"LPOS", b"l", element]);
            assert_eq!(found, format!(":{index}\r\n").as_bytes());
        }
        for element in elements {
            assert_eq!(shard.run_bytes(&[b"LREM", b"l", b"1", element]), b":1\r\n");
        }
        assert_eq!(shard.run("EXISTS l"), ":0");
    }
}

#[test]
fn what_happens_to_lists_is_told() {
    let mut shard = TestShard::new();
    shard.listen();
    for (command, told) in [
        ("RPUSH l a b c d e f", &["new l", "rpush l"][..]),
        ("LPUSHX l x y", &["lpush l"]),
        ("LPUSHX nosuch a", &[]),
        ("LSET l 0 z", &["lset l"]),
        ("LINSERT l BEFORE a x", &["linsert l"]),
        ("LINSERT l BEFORE nosuch x", &[]),
        ("LREM l 0 nosuch", &[]),
        ("LREM l 1 x", &["lrem l"]),
        ("LTRIM l 0 -1", &["ltrim l"]),
        ("LTRIM l 1 -1", &["ltrim l"]),
        ("LPOP l", &["lpop l"]),
        ("RPOP l 2", &["rpop l"]),
        ("LPOP l 0", &[]),
        ("LMOVE l m LEFT RIGHT", &["new m", "rpush m", "lpop l"]),
        ("RPOPLPUSH m m", &["lpush m", "rpop m"]),
        ("LMOVE m l RIGHT LEFT", &["lpush l", "rpop m", "del m"]),
        ("LMPOP 2 m l RIGHT COUNT 2", &["rpop l"]),
        ("LTRIM l 5 6", &["ltrim l", "del l"]),
    ] {
        shard.told();
        shard.run(command);
        let found = shard.told();
        let found: Vec<&str> =
            found.iter().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
        assert_eq!(found, told, "{command}");
    }
}

#[test]
fn changes_count_as_in_redis() {
    let mut shard = TestShard::new();
    for (command, changes) in [
        ("RPUSH l a b c d e", 5),
        ("LPUSHX l a", 1),
        ("LPUSHX nosuch a", 0),
        ("LSET l 0 b", 1),
        ("LINSERT l BEFORE a x", 1),
        ("LINSERT l BEFORE nosuch x", 0),
        ("LREM l 0 b", 2),
        ("LREM l 0 nosuch", 0),
        ("LTRIM l 0 3", 1),
        ("LTRIM l 0 100", 0),
        ("LPOP l", 1),
        ("LMOVE l m LEFT LEFT", 1),
        ("RPOPLPUSH m m", 1),
        ("LPOP l 0", 0),
        ("LMPOP 1 l LEFT COUNT 9", 2),
        ("RPOP m 9", 1),
    ] {
        let before = shard.shard.listeners.changes_made();
        shard.run(command);
        assert_eq!(shard.shard.listeners.changes_made() - before, changes, "{command}");
    }
}
