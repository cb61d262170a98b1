//! Sorted sets in payloads of DUMP, from here to redis-server and back.

use super::{both_forms, check, chill};
use crate::oracle::{Oracle, bulk};
use crate::rdb::seal;
use crate::testing::TestShard;

fn payload(shard: &mut TestShard, name: &str) -> Vec<u8> {
    let reply = shard.run_bytes(&[b"DUMP", name.as_bytes()]);
    bulk(&reply).unwrap_or_else(|| panic!("{}", reply.escape_ascii())).to_vec()
}

fn restore(shard: &mut TestShard, name: &str, payload: &[u8], ttl: &str) -> String {
    let words = [b"RESTORE", name.as_bytes(), ttl.as_bytes(), payload, b"REPLACE"];
    String::from_utf8_lossy(&shard.run_bytes(&words)).trim_end().to_owned()
}

#[test]
fn sets_go_to_redis_and_come_back() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut redis = oracle.connect();
    for count in [1, 7, 128, 129, 3000] {
        let mut shard = TestShard::new();
        for number in 0..count {
            let score = ["-inf", "inf", "0", "-1.5", "2.25", "1e15", "7"][number % 7];
            shard.run(&format!("ZADD z {score} member-{}", number * 7919 % count));
        }
        let whole = [&b"ZRANGE"[..], b"z", b"0", b"-1", b"WITHSCORES"];
        let encoding = [&b"OBJECT"[..], b"ENCODING", b"z"];
        let (before, form) = (shard.run_bytes(&whole), shard.run_bytes(&encoding));
        chill(&mut shard);
        let ours = payload(&mut shard, "z");
        shard.engine.set_cold(false);
        let taken = redis.command(&[b"RESTORE", b"z", b"0", &ours, b"REPLACE"]);
        assert_eq!(taken, b"+OK\r\n", "{count}");
        assert_eq!(redis.command(&whole), before, "{count}");
        assert_eq!(redis.command(&encoding), form, "{count}");
        let theirs = redis.command(&[b"DUMP", b"z"]);
        shard.run("DEL z");
        assert_eq!(restore(&mut shard, "z", bulk(&theirs).unwrap(), "0"), "+OK", "{count}");
        assert_eq!(shard.run_bytes(&whole), before, "{count}");
        assert_eq!(shard.run_bytes(&encoding), form, "{count}");
        assert_eq!(shard.run("ZADD z 5 new"), ":1", "{count}");
    }
}

#[test]
fn a_set_is_restored_with_its_deadline_in_the_place_of_another() {
    for mut shard in both_forms() {
        shard.run("ZADD z 1 a 2 b");
        let payload = payload(&mut shard, "z");
        shard.run("SET other value");
        assert_eq!(restore(&mut shard, "other", &payload, "5000"), "+OK");
        check(
            &mut shard,
            &[
                ("PTTL other", ":5000"),
                ("ZRANGE other 0 -1 WITHSCORES", "*4 $1 a $1 1 $1 b $1 2"),
                ("ZREM z a b", ":2"),
                ("ZRANK other b", ":1"),
            ],
        );
    }
}

#[test]
fn what_is_no_set_is_refused_and_changes_nothing() {
    let mut shard = TestShard::new();
    shard.run("ZADD z 1 a");
    let two_a = b"\x05\x02\x01a\0\0\0\0\0\0\xf0\x3f\x01a\0\0\0\0\0\0\0\x40".to_vec();
    let not_a_number = b"\x05\x01\x01a\0\0\0\0\0\0\xf8\x7f".to_vec();
    for body in [two_a, not_a_number, b"\x05\x00".to_vec(), b"\x05\x02\x01a".to_vec()] {
        let reply = restore(&mut shard, "z", &seal(body.clone(), 10), "0");
        assert_eq!(reply, "-ERR Bad data format", "{}", body.escape_ascii());
        assert_eq!(shard.run("ZRANGE z 0 -1 WITHSCORES"), "*2 $1 a $1 1");
    }
}
