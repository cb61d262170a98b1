//! Streams that DUMP takes out of here go into redis-server, and the other way round.

use crate::oracle::{Oracle, Random, bulk};
use crate::testing::TestShard;

/// Everything that both tell of a stream.
const QUESTIONS: &[&str] = &["XRANGE s - +", "XINFO GROUPS s", "XPENDING s g", "XPENDING s h"];

/// Makes a stream with groups; the commands, the same for both.
fn program(random: &mut Random) -> Vec<String> {
    let mut lines = Vec::new();
    // More than are read: 7.0 cannot be told of a consumer that never got anything.
    for number in 1..=random.below(200) + 250 {
        let field = if random.below(5) == 0 { "other" } else { "field" };
        lines.push(format!("XADD s {number}-{} {field} {}", random.below(5), random.below(9999)));
    }
    for group in ["g", "h"] {
        lines.push(format!("XGROUP CREATE s {group} {}", random.below(20)));
        for _ in 0..10 {
            let (name, count) = (random.below(4), random.below(20) + 1);
            let reader = format!("GROUP {group} c{name} COUNT {count}");
            lines.push(format!("XREADGROUP {reader} STREAMS s >"));
        }
    }
    lines.push(format!("XDEL s {}", random.below(50)));
    lines
}

#[test]
fn streams_go_to_redis_and_come_back() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut random = Random::new();
    let mut redis = oracle.connect();
    let words =
        |line: &'static str| -> Vec<&'static [u8]> { line.split(' ').map(str::as_bytes).collect() };
    for _ in 0..10 {
        let (mut here, mut back) = (TestShard::new(), TestShard::new());
        for line in program(&mut random) {
            here.run(&line);
        }
        let payload = here.run_bytes(&[b"DUMP", b"s"]);
        redis.command(&[b"DEL", b"s"]);
        let restore: &[&[u8]] = &[b"RESTORE", b"s", b"0", bulk(&payload).unwrap()];
        assert_eq!(redis.command(restore), b"+OK\r\n");
        let payload = redis.command(&[b"DUMP", b"s"]);
        let restore: &[&[u8]] = &[b"RESTORE", b"s", b"0", bulk(&payload).unwrap()];
        assert_eq!(back.run_bytes(restore), b"+OK\r\n");
        for question in QUESTIONS {
            let question = words(question);
            let answer = here.run_bytes(&question);
            assert_eq!(answer, redis.command(&question));
            assert_eq!(answer, back.run_bytes(&question));
        }
    }
}
