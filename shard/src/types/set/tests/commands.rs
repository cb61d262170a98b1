//! What the commands on one set answer. The replies are those of redis-server.

use super::{both_forms, check, chill, sorted};
use crate::resp::Protocol;
use crate::testing::TestShard;

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

#[test]
fn members_are_added_found_and_removed() {
    for mut shard in both_forms() {
        check(
            &mut shard,
            &[
                ("SADD s a b a", ":2"),
                ("SADD s b c", ":1"),
                ("SCARD s", ":3"),
                ("SISMEMBER s a", ":1"),
                ("SISMEMBER s x", ":0"),
                ("SMISMEMBER s a x c", "*3 :1 :0 :1"),
                ("SREM s a x a", ":1"),
                ("SISMEMBER s a", ":0"),
                ("SCARD s", ":2"),
            ],
        );
        assert_eq!(sorted(&shard.run("SMEMBERS s")), ["b", "c"]);
        shard.protocol = Protocol::Resp3;
        assert!(shard.run("SMEMBERS s").starts_with("~2 "));
        assert_eq!(shard.run("SMISMEMBER s b x"), "*2 :1 :0");
    }
}

#[test]
fn a_set_that_is_not_there_is_empty() {
    let mut shard = TestShard::new();
    let dialogue = [
        ("SCARD n", ":0"),
        ("SISMEMBER n a", ":0"),
        ("SMISMEMBER n a b", "*2 :0 :0"),
        ("SMEMBERS n", "*0"),
        ("SREM n a", ":0"),
        ("SPOP n", "$-1"),
        ("SPOP n 3", "*0"),
        ("SRANDMEMBER n", "$-1"),
        ("SRANDMEMBER n 3", "*0"),
        ("SRANDMEMBER n -3", "*0"),
        ("SMOVE n m a", ":0"),
        ("SSCAN n 0", "*2 $1 0 *0"),
        ("SSCAN n 7 NONSENSE", "*2 $1 0 *0"),
    ];
    check(&mut shard, &dialogue);
    chill(&mut shard);
    check(&mut shard, &dialogue);
    shard.protocol = Protocol::Resp3;
    check(
        &mut shard,
        &[
            ("SMEMBERS n", "~0"),
            ("SPOP n", "_"),
            ("SPOP n 3", "~0"),
            ("SRANDMEMBER n", "_"),
            ("SRANDMEMBER n 3", "*0"),
            ("EXISTS n", ":0"),
        ],
    );
}

#[test]
fn a_small_set_has_an_order() {
    let mut shard = TestShard::new();
    check(
        &mut shard,
        &[
            ("SADD i 30 -7 5000000000 4", ":4"),
            ("SMEMBERS i", "*4 $2 -7 $1 4 $2 30 $10 5000000000"),
            ("SADD i x", ":1"),
            ("SADD i 0", ":1"),
            ("SREM i 4", ":1"),
            ("SMEMBERS i", "*5 $2 -7 $2 30 $10 5000000000 $1 x $1 0"),
        ],
    );
}

#[test]
fn members_are_any_bytes() {
    for mut shard in both_forms() {
        let odd = [&b""[..], b"\0", b"\r\n", &[0xff; 300], b"007", b"-0", b"7"];
        for member in odd {
            assert_eq!(shard.run_bytes(&[b"SADD", b"s", member]), b":1\r\n");
        }
        chill(&mut shard);
        for member in odd {
            assert_eq!(shard.run_bytes(&[b"SISMEMBER", b"s", member]), b":1\r\n");
        }
        assert_eq!(shard.run_bytes(&[b"SREM", b"s", odd[0], odd[1], odd[2], b"0"]), b":3\r\n");
        assert_eq!(shard.run("SCARD s"), ":4");
    }
}

#[test]
fn a_member_moves_from_one_set_to_another() {
    for mut shard in both_forms() {
        check(
            &mut shard,
            &[
                ("SADD a 1 2 x", ":3"),
                ("SADD b 2", ":1"),
                ("SMOVE a b 1", ":1"),
                ("SMOVE a b 1", ":0"),
                ("SMOVE a b 2", ":1"),
                ("SCARD a", ":1"),
                ("SCARD b", ":2"),
                ("SMOVE a a x", ":1"),
                ("SMOVE a a y", ":0"),
                ("PEXPIRE a 5000", ":1"),
                ("SMOVE a c x", ":1"),
                ("EXISTS a", ":0"),
                ("SMEMBERS c", "*1 $1 x"),
                ("PTTL c", ":-1"),
                ("SET other v", "+OK"),
                ("SMOVE n other x", ":0"),
                ("SMOVE c other x", WRONG_TYPE),
                ("SMOVE other c x", WRONG_TYPE),
                ("SMOVE other other x", WRONG_TYPE),
                ("SCARD c", ":1"),
            ],
        );
    }
}

#[test]
fn other_types_are_refused_before_anything_else_happens() {
    let mut shard = TestShard::new();
    shard.run("SET s v");
    for command in [
        "SADD s a",
        "SREM s a",
        "SCARD s",
        "SISMEMBER s a",
        "SMISMEMBER s a",
        "SMEMBERS s",
        "SPOP s",
        "SPOP s 0",
        "SPOP s 3",
        "SRANDMEMBER s",
        "SRANDMEMBER s 0",
        "SSCAN s 0",
        "SSCAN s 0 NONSENSE",
        "SUNION n s",
        "SINTER n s",
        "SDIFF n s",
        "SINTERCARD 2 n s",
        "SUNIONSTORE d n s",
        "SINTERSTORE d n s",
        "SDIFFSTORE d n s",
    ] {
        assert_eq!(shard.run(command), WRONG_TYPE, "{command}");
    }
    let not_positive = "-ERR value is out of range, must be positive";
    check(
        &mut shard,
        &[
            ("SPOP s x", not_positive),
            ("SPOP s -1", not_positive),
            ("SPOP s 1 x", "-ERR syntax error"),
            ("SRANDMEMBER s x", "-ERR value is not an integer or out of range"),
            ("SRANDMEMBER s 1 x", "-ERR syntax error"),
            ("SSCAN s x", "-ERR invalid cursor"),
            ("GET s", "$1 v"),
            ("EXISTS d", ":0"),
        ],
    );
}

#[test]
fn changes_keep_the_deadline() {
    for mut shard in both_forms() {
        shard.run("SADD s a b c d 1");
        shard.run("PEXPIRE s 1000");
        chill(&mut shard);
        for change in ["SADD s e", "SREM s a", "SPOP s", "SPOP s 2"] {
            shard.run(change);
            assert_eq!(shard.run("PTTL s"), ":1000", "{change}");
        }
        shard.now_ms += 1000;
        check(&mut shard, &[("SCARD s", ":0"), ("SADD s x", ":1"), ("PTTL s", ":-1")]);
    }
}

#[test]
fn the_last_member_takes_the_key_with_it() {
    for mut shard in both_forms() {
        for (removal, reply) in
            [("SREM s b a x", ":2"), ("SPOP s 2", ""), ("SPOP s 99", ""), ("SPOP s;SPOP s", "")]
        {
            shard.run("SADD s a b");
            for command in removal.split(';') {
                let answer = shard.run(command);
                assert!(reply.is_empty() || answer == reply, "{command}: {answer}");
            }
            assert_eq!(super::head(&shard, "s"), None, "{removal}");
            assert_eq!(shard.shard.key_counts().get(0).keys, 0);
        }
    }
}

/// What makes a reply too long ends the work on it, too.
#[test]
fn a_reply_that_does_not_fit_is_an_error() {
    let [_, mut shard] = both_forms();
    let members: String = (0..700).map(|number| format!(" member:{number}")).collect();
    shard.run(&format!("SADD s{members}"));
    shard.run(&format!("SADD t{members} one-more"));
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        shard.protocol = protocol;
        for line in [
            "SMEMBERS s",
            "SSCAN s 0 COUNT 700",
            "SRANDMEMBER s 650",
            "SRANDMEMBER s -9000000",
            "SUNION s t",
            "SINTER s t",
            "SDIFF t n",
            "SPOP s 5000",
            "SPOP s 690",
            "SPOP s 400",
        ] {
            shard.settings.reply_bytes_max = 2000;
            let error = "-ERR the reply does not fit the memory for clients (maxmemory)";
            assert_eq!(shard.run(line), error, "{line}");
            shard.settings.reply_bytes_max = usize::MAX;
            assert_eq!(shard.run("SCARD s"), ":700", "{line}");
        }
    }
}
