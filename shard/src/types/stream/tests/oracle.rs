//! Random programs of stream commands, run here and by a redis-server: replies have to be the
//! same, hot or cold, in RESP2 and in RESP3. Times are left out of the comparison, and so is what
//! later versions tell of consumers.

use crate::oracle::{Connection, Oracle, Random};
use crate::resp::Protocol;
use crate::testing::TestShard;

/// `$` and a letter stand for random arguments, see [`argument`].
const COMMANDS: &[&str] = &[
    "XADD $K $I f v",
    "XADD $K $I f v",
    "XADD $K $I f v",
    "XADD $K $I $F $V $F $V",
    "XADD $K $I $F $V",
    "XADD $K $I $F $V $F",
    "XADD $K NOMKSTREAM $I $F $V",
    "XADD $K MAXLEN $A $N $I $F $V",
    "XADD $K MAXLEN ~ $N LIMIT $N $I $F $V",
    "XADD $K MINID $A $R $I $F $V",
    "XADD $K $O $O $I $F $V",
    "XLEN $K",
    "XRANGE $K $R $R",
    "XRANGE $K - +",
    "XREVRANGE $K + -",
    "XRANGE $K $R $R COUNT $N",
    "XREVRANGE $K $R $R COUNT $N",
    "XRANGE $K $R $R $O $N",
    "XDEL $K $R",
    "XDEL $K $R $R $R $R",
    "XTRIM $K MAXLEN $A $N",
    "XTRIM $K MINID $A $R",
    "XTRIM $K MAXLEN ~ $N LIMIT $N",
    "XTRIM $K $O $A $N $O $N",
    "XSETID $K $R",
    "XSETID $K $R ENTRIESADDED $N MAXDELETEDID $R",
    "XSETID $K $R $O $N",
    "XREAD STREAMS $K $R",
    "XREAD COUNT $N STREAMS $K $K $R $R",
    "XREAD COUNT 2 STREAMS $K $K $R $",
    "XREAD $O $N STREAMS $K $R",
    "XREAD COUNT $N STREAMS $K $R $R",
    "XINFO STREAM $K",
    "XINFO STREAM $K FULL",
    "XINFO STREAM $K FULL COUNT $N",
    "XINFO STREAM $K $O $O $N",
    "XINFO GROUPS $K",
    "XINFO GROUPS $K",
    "XINFO CONSUMERS $K nosuch",
    "XGROUP CREATE $K $G $R",
    "XGROUP CREATE $K $G $",
    "XGROUP CREATE $K $G $R MKSTREAM",
    "XGROUP CREATE $K $G $R $O $N $O",
    "XGROUP CREATE $K $G $R ENTRIESREAD $N",
    "XGROUP SETID $K $G $R",
    "XGROUP SETID $K $G $R ENTRIESREAD $N",
    "XGROUP DESTROY $K $G",
    "XGROUP CREATECONSUMER $K $G $C",
    "XGROUP DELCONSUMER $K $G $C",
    "XREADGROUP GROUP $G $C STREAMS $K >",
    "XREADGROUP GROUP $G $C COUNT $N STREAMS $K >",
    "XREADGROUP GROUP $G $C COUNT $N STREAMS $K $K > $R",
    "XREADGROUP GROUP $G $C NOACK COUNT $N STREAMS $K >",
    "XREADGROUP GROUP $G $C COUNT $N STREAMS $K $R",
    "XREADGROUP GROUP $G $C $O $N STREAMS $K $R",
    "XACK $K $G $R",
    "XACK $K $G $R $R $R",
    "XPENDING $K $G",
    "XPENDING $K $G $R $R $N",
    "XPENDING $K $G - + 10 $C",
    "XPENDING $K $G IDLE $T - + 10 $C",
    "XPENDING $K $G $R $R",
    "XCLAIM $K $G $C $T $R $R",
    "XCLAIM $K $G $C 0 $R $R FORCE",
    "XCLAIM $K $G $C 0 $R $R JUSTID",
    "XCLAIM $K $G $C 0 $R TIME 1 RETRYCOUNT $N LASTID $R",
    "XCLAIM $K $G $C 0 $R IDLE $T FORCE JUSTID",
    "XCLAIM $K $G $C $T $R $O $N",
    "XAUTOCLAIM $K $G $C $T $R",
    "XAUTOCLAIM $K $G $C 0 $R COUNT $N",
    "XAUTOCLAIM $K $G $C 0 - COUNT 2 JUSTID",
    "XAUTOCLAIM $K $G $C 0 $R $O $N",
    "DEL $K",
    "SET k string",
    "RENAME $K $K",
    "COPY $K $K REPLACE",
    "TYPE $K",
    "OBJECT ENCODING $K",
];

fn argument(kind: u8, last: &mut usize, random: &mut Random) -> Vec<u8> {
    let choices: &[&str] = match kind {
        b'K' => &["s", "s", "s", "s", "t", "k"],
        b'F' => &["a", "b", "12", "", "a field that is somewhat longer"],
        b'V' => &["", "0", "-5", "300", "70000", "3000000000", "5000000000", "007", "abc", LONG],
        b'G' => &["g", "g", "h"],
        b'C' => &["c", "d", "e"],
        b'A' => &["=", "~", "~"],
        b'T' => &["0", "0", "-1", "50000000", "x"],
        b'N' => &["0", "1", "2", "3", "5", "12", "-1", "-5", "x"],
        b'O' => &[
            "MAXLEN",
            "minid",
            "~",
            "LIMIT",
            "NOMKSTREAM",
            "count",
            "BLOCK",
            "NOACK",
            "GROUP",
            "FULL",
            "MKSTREAM",
            "ENTRIESREAD",
            "ENTRIESADDED",
            "JUSTID",
            "TIME",
            "RETRYCOUNT",
            "7",
            "x",
        ],
        b'R' => &["-", "+", "0", "(0", "(5-1", "0-0", "1-", "x", "7", "18446744073709551615"],
        b'I' => &["1", "5-1", "5-*", "0-0", "0-*", "x", "-", "18446744073709551615-*"],
        other => panic!("no arguments called {}", char::from(other)),
    };
    if kind == b'I' && random.below(12) > 0 {
        *last += random.below(3) + 1;
        let text = match random.below(3) {
            0 => format!("{}-*", *last / 2),
            _ => format!("{}-{}", *last / 2, *last % 2),
        };
        return text.into_bytes();
    }
    if kind == b'R' && random.below(5) > 0 {
        let id = last.saturating_sub(random.below(40));
        let exclusive = if random.below(10) == 0 { "(" } else { "" };
        return format!("{exclusive}{}-{}", id / 2, id % 2).into_bytes();
    }
    random.pick(choices).as_bytes().to_vec()
}

const LONG: &str = "a value of which few make a node, as nodes of this test are of few bytes";

/// A reply without what need not be the same.
fn comparable(command: &[&[u8]], reply: &[u8]) -> String {
    let text = String::from_utf8_lossy(reply).into_owned();
    let is_full = command[0] == b"XINFO" && text.contains("seen-time");
    let mut lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
    for at in 0..lines.len() {
        if is_full && lines[at] == "active-time" {
            lines[at - 1..at + 2].fill(String::new());
        }
        let follows_nodes = at > 0 && lines[at - 1].starts_with("radix-tree-");
        let is_time = lines[at].starts_with(':') && lines[at].len() > 12;
        if follows_nodes || is_time && is_full {
            lines[at] = ":".into();
        }
    }
    if is_full {
        // The maps of consumers have one pair more.
        for at in 0..lines.len() {
            if lines[at] == "seen-time" {
                lines[at - 6] = "map of a consumer".into();
            }
        }
    }
    if command[0] == b"XPENDING" && command.len() > 3 {
        let mut is_idle = true;
        for line in lines.iter_mut().filter(|line| line.starts_with(':')) {
            if is_idle {
                *line = ":".into();
            }
            is_idle = !is_idle;
        }
    }
    lines.retain(|line| !line.is_empty());
    lines.join(" ")
}

struct Programs {
    redis: Connection,
    shard: TestShard,
    program: Vec<String>,
}

impl Programs {
    fn run(&mut self, words: &[&[u8]]) {
        self.program.push(words.join(&b' ').escape_ascii().to_string());
        let here = comparable(words, &self.shard.run_bytes(words));
        let there = comparable(words, &self.redis.command(words));
        let last = self.program.len().saturating_sub(40);
        assert_eq!(here, there, "after {:#?}", &self.program[last..]);
    }

    fn run_random(&mut self, random: &mut Random) {
        self.redis.command(&[b"FLUSHALL"]);
        self.program.clear();
        let mut last = 10;
        for _ in 0..400 {
            let words: Vec<Vec<u8>> = random
                .pick(COMMANDS)
                .split(' ')
                .map(|word| match word.as_bytes() {
                    [b'$', kind] => argument(*kind, &mut last, random),
                    other => other.to_vec(),
                })
                .collect();
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            let is_cold = random.below(4) == 0;
            if is_cold {
                self.shard.shard.cache().clear();
            }
            self.shard.engine.set_cold(is_cold);
            self.run(&words);
            if words[0] == b"XGROUP" {
                // Later versions add a consumer even where it gets nothing.
                for consumer in [b"c", b"d", b"e"] {
                    self.run(&[b"XGROUP", b"CREATECONSUMER", words[2], words[3], consumer]);
                }
            }
        }
    }
}

#[test]
fn random_programs_do_what_redis_does() {
    let limits = ["--stream-node-max-entries", "5", "--stream-node-max-bytes", "200"];
    let Some(oracle) = Oracle::start(&limits) else { return };
    let mut random = Random::new();
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        let mut redis = oracle.connect();
        if protocol == Protocol::Resp3 {
            redis.command(&[b"HELLO", b"3"]);
        }
        let mut programs = Programs { redis, shard: TestShard::new(), program: Vec::new() };
        for _ in 0..20 {
            let mut shard = TestShard::new();
            shard.protocol = protocol;
            shard.settings.stream_node_max_entries = 5;
            shard.settings.stream_node_max_bytes = 200;
            programs.shard = shard;
            programs.run_random(&mut random);
        }
    }
}
