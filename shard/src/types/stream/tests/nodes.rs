//! Trimming by nodes, and the numbers that streams keep of them, against redis-server: streams of
//! many nodes, made by XADD alone and with deletions.

use super::check;
use crate::oracle::{Oracle, Random};
use crate::testing::TestShard;

#[test]
fn whole_nodes_go_where_redis_has_them() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut random = Random::new();
    let (mut redis, mut shard) = (oracle.connect(), TestShard::new());
    let sizes = [1, 10, 62, 63, 64, 130, 500, 4000, 5000];
    for round in 0..20 {
        redis.command(&[b"DEL", b"s"]);
        shard.run("DEL s");
        let size = sizes[random.below(sizes.len())];
        let mut id = 0;
        for _ in 0..20 {
            let mut run = |words: &[&[u8]]| {
                let (here, there) = (shard.run_bytes(words), redis.command(words));
                let shown = words.join(&b' ').escape_ascii().to_string();
                assert_eq!(here, there, "round {round}, {}", &shown[..shown.len().min(100)]);
            };
            for _ in 0..random.below(60) {
                id += 1 + random.below(300) as u64;
                let id = format!("{}-{}", id / 3, id % 3);
                let value = vec![b'v'; random.below(2 * size) + 1];
                let field = if random.below(9) == 0 { &b"other"[..] } else { b"field" };
                run(&[b"XADD", b"s", id.as_bytes(), field, &value]);
            }
            let len = random.below(150).to_string();
            let from = (id / 3).saturating_sub(random.below(3000) as u64).to_string();
            match random.below(5) {
                0 => run(&[b"XTRIM", b"s", b"MAXLEN", b"~", len.as_bytes()]),
                1 => run(&[b"XTRIM", b"s", b"MINID", b"~", from.as_bytes()]),
                2 => run(&[b"XTRIM", b"s", b"MAXLEN", b"~", b"5", b"LIMIT", len.as_bytes()]),
                3 => run(&[b"XTRIM", b"s", b"MAXLEN", len.as_bytes()]),
                _ => run(&[b"XTRIM", b"s", b"MINID", from.as_bytes()]),
            }
            run(&[b"XRANGE", b"s", b"-", b"+"]);
        }
    }
}

#[test]
fn a_node_of_a_hundred_entries_goes_as_a_whole() {
    let mut shard = TestShard::new();
    for number in 1..=250 {
        shard.run(&format!("XADD s {number}-0 f v"));
    }
    check(
        &mut shard,
        &[
            ("XTRIM s MAXLEN ~ 151", ":0"),
            ("XTRIM s MAXLEN ~ 150", ":100"),
            ("XTRIM s MINID ~ 200", ":0"),
            ("XDEL s 101-0 150-0", ":2"),
            ("XTRIM s MINID ~ 201", ":98"),
            ("XTRIM s MAXLEN ~ 1", ":0"),
            ("XTRIM s MAXLEN ~ 0", ":50"),
            ("XLEN s", ":0"),
            ("EXISTS s", ":1"),
            ("XTRIM s MAXLEN 0", ":0"),
        ],
    );
}
