//! What the commands answer. The replies are those of redis-server.

use super::{both_forms, check, chill};
use crate::resp::Protocol;
use crate::testing::TestShard;

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

#[test]
fn fields_are_set_and_read() {
    for mut shard in both_forms() {
        check(
            &mut shard,
            &[
                ("HSET h a 1 b 2 a 3", ":2"),
                ("HGET h a", "$1 3"),
                ("HSET h a 4 c 5", ":1"),
                ("HMSET h d 6 d 77", "+OK"),
                ("HMGET h a x d a", "*4 $1 4 $-1 $2 77 $1 4"),
                ("HLEN h", ":4"),
                ("HEXISTS h a", ":1"),
                ("HEXISTS h x", ":0"),
                ("HSTRLEN h d", ":2"),
                ("HSTRLEN h x", ":0"),
                ("HSETNX h a 9", ":0"),
                ("HSETNX h e 9", ":1"),
                ("HGET h a", "$1 4"),
                ("HGET h x", "$-1"),
                ("HDEL h a a x", ":1"),
                ("HLEN h", ":4"),
            ],
        );
    }
}

#[test]
fn a_hash_that_is_not_there_is_empty() {
    let mut shard = TestShard::new();
    let dialogue = [
        ("HGET n a", "$-1"),
        ("HMGET n a b", "*2 $-1 $-1"),
        ("HLEN n", ":0"),
        ("HEXISTS n a", ":0"),
        ("HSTRLEN n a", ":0"),
        ("HGETALL n", "*0"),
        ("HKEYS n", "*0"),
        ("HVALS n", "*0"),
        ("HDEL n a", ":0"),
        ("HRANDFIELD n", "$-1"),
        ("HRANDFIELD n 3", "*0"),
        ("HRANDFIELD n -3 WITHVALUES", "*0"),
        ("HSCAN n 0", "*2 $1 0 *0"),
        ("HSCAN n 7 NONSENSE", "*2 $1 0 *0"),
    ];
    check(&mut shard, &dialogue);
    chill(&mut shard);
    check(&mut shard, &dialogue);
    shard.protocol = Protocol::Resp3;
    check(
        &mut shard,
        &[("HGET n a", "_"), ("HGETALL n", "%0"), ("HKEYS n", "*0"), ("HRANDFIELD n", "_")],
    );
}

#[test]
fn a_small_hash_keeps_the_order_of_its_fields() {
    let mut shard = TestShard::new();
    check(
        &mut shard,
        &[
            ("HSET h b 1 a 2 c 3", ":3"),
            ("HSET h b 9", ":0"),
            ("HDEL h a", ":1"),
            ("HSET h a 4", ":1"),
            ("HKEYS h", "*3 $1 b $1 c $1 a"),
            ("HVALS h", "*3 $1 9 $1 3 $1 4"),
            ("HGETALL h", "*6 $1 b $1 9 $1 c $1 3 $1 a $1 4"),
        ],
    );
    shard.protocol = Protocol::Resp3;
    assert_eq!(shard.run("HGETALL h"), "%3 $1 b $1 9 $1 c $1 3 $1 a $1 4");
}

#[test]
fn fields_and_values_are_any_bytes() {
    for mut shard in both_forms() {
        let odd = [&b""[..], b"\0", b"\r\n", &[0xff; 300]];
        for (index, field) in odd.iter().enumerate() {
            let set = shard.run_bytes(&[b"HSET", b"h", field, odd[(index + 1) % odd.len()]]);
            assert_eq!(set, b":1\r\n");
        }
        chill(&mut shard);
        for (index, field) in odd.iter().enumerate() {
            let value = odd[(index + 1) % odd.len()];
            let mut expected = format!("${}\r\n", value.len()).into_bytes();
            expected.extend_from_slice(value);
            expected.extend_from_slice(b"\r\n");
            assert_eq!(shard.run_bytes(&[b"HGET", b"h", field]), expected);
        }
        assert_eq!(shard.run_bytes(&[b"HDEL", b"h", odd[0], odd[1], odd[2]]), b":3\r\n");
        assert_eq!(shard.run("HLEN h"), ":1");
    }
}

#[test]
fn integers_are_counted_with() {
    for mut shard in both_forms() {
        check(
            &mut shard,
            &[
                ("HINCRBY h n 5", ":5"),
                ("HINCRBY h n -7", ":-2"),
                ("HGET h n", "$2 -2"),
                ("HSET h top 9223372036854775807 text x1 spaced 1.0", ":3"),
                ("HINCRBY h top 1", "-ERR increment or decrement would overflow"),
                ("HINCRBY h top -9223372036854775808", ":-1"),
                ("HINCRBY h text 1", "-ERR hash value is not an integer"),
                ("HINCRBY h spaced 1", "-ERR hash value is not an integer"),
                ("HINCRBY h n x", "-ERR value is not an integer or out of range"),
                ("HINCRBY h n 9223372036854775808", "-ERR value is not an integer or out of range"),
                ("HLEN h", ":4"),
            ],
        );
    }
}

#[test]
fn numbers_are_counted_with() {
    for mut shard in both_forms() {
        check(
            &mut shard,
            &[
                ("HINCRBYFLOAT h n 0.1", "$3 0.1"),
                ("HINCRBYFLOAT h n 0.2", "$3 0.3"),
                ("HINCRBYFLOAT h n 2e2", "$5 200.3"),
                ("HGET h n", "$5 200.3"),
                ("HSET h text abc big inf", ":2"),
                ("HINCRBYFLOAT h text 1", "-ERR hash value is not a float"),
                ("HINCRBYFLOAT h big 1", "-ERR increment would produce NaN or Infinity"),
                ("HINCRBYFLOAT h n x", "-ERR value is not a valid float"),
                ("HINCRBYFLOAT h n nan", "-ERR value is not a valid float"),
                ("HINCRBYFLOAT h n inf", "-ERR value is NaN or Infinity"),
                ("HINCRBYFLOAT h n -200.3", "$1 0"),
            ],
        );
    }
}

#[test]
fn a_failed_command_leaves_no_key() {
    let mut shard = TestShard::new();
    check(
        &mut shard,
        &[
            ("HINCRBY h n x", "-ERR value is not an integer or out of range"),
            ("HINCRBYFLOAT h n inf", "-ERR value is NaN or Infinity"),
            ("HSET h a 1 b", "-ERR wrong number of arguments for 'hset' command"),
            ("HMSET h a 1 b", "-ERR wrong number of arguments for 'hmset' command"),
        ],
    );
    assert_eq!(super::head(&shard, "h"), None);
}

#[test]
fn other_types_are_refused_after_bad_arguments() {
    let mut shard = TestShard::new();
    shard.run("SET s v");
    for command in [
        "HSET s a 1",
        "HMSET s a 1",
        "HSETNX s a 1",
        "HGET s a",
        "HMGET s a",
        "HDEL s a",
        "HLEN s",
        "HEXISTS s a",
        "HSTRLEN s a",
        "HGETALL s",
        "HKEYS s",
        "HVALS s",
        "HINCRBY s a 1",
        "HINCRBYFLOAT s a 1",
        "HSCAN s 0",
        "HSCAN s 0 NONSENSE",
        "HRANDFIELD s",
        "HRANDFIELD s 0",
    ] {
        assert_eq!(shard.run(command), WRONG_TYPE, "{command}");
    }
    check(
        &mut shard,
        &[
            ("HSET s a 1 b", "-ERR wrong number of arguments for 'hset' command"),
            ("HINCRBY s a x", "-ERR value is not an integer or out of range"),
            ("HINCRBYFLOAT s a x", "-ERR value is not a valid float"),
            ("HSCAN s x", "-ERR invalid cursor"),
            ("HRANDFIELD s x", "-ERR value is not an integer or out of range"),
            ("HRANDFIELD s 1 x", "-ERR syntax error"),
            ("GET s", "$1 v"),
        ],
    );
}

/// What makes a reply too long ends the work on it, too.
#[test]
fn a_reply_that_does_not_fit_is_an_error() {
    let [_, mut shard] = both_forms();
    for number in 0..700 {
        shard.run(&format!("HSET h field:{number} {number}"));
    }
    let fields: String = (0..700).map(|number| format!(" field:{number}")).collect();
    let lines = [
        "HGETALL h".to_owned(),
        "HKEYS h".to_owned(),
        "HVALS h".to_owned(),
        "HSCAN h 0 COUNT 700".to_owned(),
        "HRANDFIELD h 650".to_owned(),
        "HRANDFIELD h -9000000".to_owned(),
        "HRANDFIELD h -9000000 WITHVALUES".to_owned(),
        format!("HMGET h{fields}"),
    ];
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        shard.protocol = protocol;
        for line in &lines {
            shard.settings.reply_bytes_max = 2000;
            let error = "-ERR the reply does not fit the memory for clients (maxmemory)";
            assert_eq!(shard.run(line), error, "{line}");
            shard.settings.reply_bytes_max = usize::MAX;
            if !line.contains("-9") {
                assert!(shard.run(line).len() > 2000, "{line}");
            }
        }
    }
}
