//! The loop never blocks: whatever a client asks for, and however much of it, the shard's thread
//! comes back to its sockets soon.
//!
//! What is asserted is the processor time of the longest turn of a loop, as INFO tells it: other
//! programs on the machine do not count. How long a second client waited is printed.
//! `BASALT_TURNS_SCALE` multiplies the sizes (default 1, which a test can afford).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::common::server::Options;
use crate::common::{Client, Server, Value, env};

/// The most processor time a turn may take. Wide: what is meant is 10 ms, and a busy machine makes
/// everything slower; without care the steps below take hundreds.
const TURN_CPU_US_MAX: u64 = 100_000;

/// What a client does, and its name.
type Step = (&'static str, fn(&mut Bench));

struct Bench {
    server: Server,
    client: Client,
    scale: usize,
}

impl Bench {
    fn new(options: Options) -> Self {
        let server = Server::with(options);
        let mut client = server.client();
        client.set_timeout(Duration::from_secs(120));
        Self { server, client, scale: env::number("BASALT_TURNS_SCALE", 1) as usize }
    }

    fn keys(&self) -> usize {
        40_000 * self.scale
    }

    /// One command: a word, and as many times what `part` makes of a number.
    fn many(&mut self, first: &[&str], part: impl Fn(usize) -> Vec<String>) -> Value {
        let mut words: Vec<String> = first.iter().map(|word| (*word).to_owned()).collect();
        words.extend((0..self.keys()).flat_map(part));
        self.client.call(&words)
    }

    /// Many small keys, in pipelines.
    fn fill(&mut self, options: &[&str]) {
        for start in (0..self.keys()).step_by(1000) {
            let commands: Vec<Vec<String>> = (start..start + 1000)
                .map(|number| {
                    let key = format!("small:{number}");
                    let words = ["SET", &key, "some value of it"];
                    words.iter().chain(options).map(|word| (*word).to_owned()).collect()
                })
                .collect();
            self.client.pipeline(&commands);
        }
    }

    fn big_string(&self) -> Vec<u8> {
        vec![b'x'; self.scale * (64 << 20)]
    }

    fn step(&mut self, (name, run): Step) -> Option<String> {
        self.client.ok("CONFIG RESETSTAT");
        let waited = {
            let done = AtomicBool::new(false);
            let address = self.server.address();
            std::thread::scope(|scope| {
                let other = scope.spawn(|| longest_wait(address, &done));
                run(self);
                done.store(true, Ordering::Relaxed);
                other.join().expect("the second client")
            })
        };
        // The turn that is not over yet counts when the next begins.
        self.client.run("PING");
        let [wall, cpu, slept] =
            ["loop_turn_max_usec", "loop_turn_max_cpu_usec", "loop_turns_over_10ms_slept"]
                .map(|field| self.info(field));
        eprintln!(
            "{name:28} longest turn {wall:7} us, cpu {cpu:6} us, {slept} slept; \
             the other client waited {waited:?}"
        );
        (cpu > TURN_CPU_US_MAX).then(|| format!("{name}: {cpu} us"))
    }

    fn info(&mut self, field: &str) -> u64 {
        let info = self.client.run("INFO storage");
        let line = info.text().lines().find_map(|line| {
            line.strip_prefix(field)?.strip_prefix(':').map(str::trim).map(str::to_owned)
        });
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{field} in {info:?}"))
    }

    fn run(&mut self, steps: &[Step]) {
        let failures: Vec<String> = steps.iter().filter_map(|step| self.step(*step)).collect();
        assert!(failures.is_empty(), "turns over {TURN_CPU_US_MAX} us: {failures:#?}");
    }
}

/// How long a client had to wait for the answer to a small command, at worst.
fn longest_wait(address: SocketAddr, done: &AtomicBool) -> Duration {
    let connect = || {
        let mut client = Client::connect(address).expect("connect to the server");
        client.set_timeout(Duration::from_secs(120));
        client
    };
    let mut client = connect();
    let mut longest = Duration::ZERO;
    while !done.load(Ordering::Relaxed) {
        let asked = Instant::now();
        match client.try_pipeline(&[vec!["GET", "nobody:writes:this"]]) {
            Ok(_) => longest = longest.max(asked.elapsed()),
            // Some step kills all clients.
            Err(_) => client = connect(),
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    longest
}

const MANY_KEYS: &[Step] = &[
    ("MSET of many keys", |bench| {
        bench.many(&["MSET"], |i| vec![format!("many:{i}"), "value".to_owned()]);
    }),
    ("MGET of many keys", |bench| {
        bench.many(&["MGET"], |i| vec![format!("many:{i}")]);
    }),
    ("EXISTS of many keys", |bench| {
        bench.many(&["EXISTS"], |i| vec![format!("many:{i}")]);
    }),
    ("DEL of many keys", |bench| {
        let keys = bench.keys();
        assert_eq!(bench.many(&["DEL"], |i| vec![format!("many:{i}")]).int(), keys as i64);
    }),
    ("FLUSHDB of what is deleted", |bench| bench.client.ok("FLUSHDB")),
    ("a long pipeline of SETs", |bench| bench.fill(&[])),
    ("KEYS *", |bench| {
        let keys = bench.keys();
        assert_eq!(bench.client.run("KEYS *").items().len(), keys);
    }),
    ("SCAN with a big COUNT", |bench| {
        bench.client.run("SCAN 0 COUNT 100000000");
    }),
    ("FLUSHALL", |bench| bench.client.ok("FLUSHALL")),
    ("SETs with a deadline", |bench| bench.fill(&["PX", "1500"])),
    ("all of them expire", |bench| {
        let patience = Instant::now() + Duration::from_secs(60);
        while bench.client.run("DBSIZE").int() > 0 && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
        // They are gone for everybody at once, and removed later.
        std::thread::sleep(Duration::from_secs(1));
    }),
];

const BIG_VALUES: &[Step] = &[
    ("HSET of many fields", |bench| {
        bench.many(&["HSET", "hash"], |i| vec![format!("field:{i}"), "value".to_owned()]);
    }),
    ("HGETALL", |bench| {
        let fields = bench.keys();
        assert_eq!(bench.client.run("HGETALL hash").items().len(), 2 * fields);
    }),
    ("COPY of a big hash", |bench| assert_eq!(bench.client.run("COPY hash copy").int(), 1)),
    ("HDEL of many fields", |bench| {
        bench.many(&["HDEL", "hash"], |i| vec![format!("field:{i}")]);
    }),
    ("ZADD of many members", |bench| {
        bench.many(&["ZADD", "zset"], |i| vec![(i % 977).to_string(), format!("member:{i}")]);
    }),
    ("ZRANGE of all of them", |bench| {
        let members = bench.keys();
        assert_eq!(bench.client.run("ZRANGE zset 0 -1").items().len(), members);
    }),
    ("ZUNIONSTORE and ZINTERSTORE of big sorted sets", |bench| {
        let members = bench.keys() as i64;
        assert_eq!(bench.client.run("ZUNIONSTORE zcopy 2 zset nothing").int(), members);
        assert_eq!(bench.client.run("ZINTERSTORE zother 2 zset zcopy").int(), members);
    }),
    ("GEORADIUS of everything", |bench| {
        bench.client.run("GEORADIUS zset 0 0 30000 km");
    }),
    ("ZREMRANGEBYSCORE of a half, and ZPOPMIN of the rest", |bench| {
        bench.client.run("ZREMRANGEBYSCORE zset 0 500");
        bench.client.run("ZPOPMIN zset 100000000");
    }),
    ("DEL of a big hash", |bench| assert_eq!(bench.client.run("DEL copy").int(), 1)),
    ("SET of a big string", |bench| {
        let value = bench.big_string();
        bench.client.call(&[b"SET".as_slice(), b"big", &value]);
    }),
    ("GET of a big string", |bench| {
        let length = bench.big_string().len();
        let Value::Bulk(value) = bench.client.run("GET big") else { panic!("not a string") };
        assert_eq!(value.len(), length);
    }),
    ("STRLEN, TYPE, TTL", |bench| {
        for command in ["STRLEN", "TYPE", "TTL", "EXISTS"] {
            bench.client.run(&format!("{command} big"));
        }
    }),
    ("APPEND", |bench| {
        bench.client.run("APPEND big more");
    }),
    ("SETRANGE", |bench| {
        bench.client.run("SETRANGE big 1000 other");
    }),
    ("GETRANGE", |bench| {
        bench.client.run("GETRANGE big 1000 10000000");
    }),
    ("SETBIT", |bench| {
        bench.client.run("SETBIT big 8000001 1");
    }),
    ("BITCOUNT, BITPOS", |bench| {
        bench.client.run("BITCOUNT big");
        bench.client.run("BITPOS big 1 -1");
    }),
    ("BITOP", |bench| {
        bench.client.run("BITOP NOT other big");
    }),
    ("RENAME", |bench| bench.client.ok("RENAME other another")),
    ("LCS", |bench| {
        let text: String = (0..3000).map(|i| char::from(b'a' + (i * i % 23) as u8)).collect();
        bench.client.run(&format!("MSET one {text} two {text}x"));
        bench.client.run("LCS one two IDX");
    }),
    ("GETDEL, DEL", |bench| {
        bench.client.run("GETDEL another");
        bench.client.run("DEL big");
    }),
];

const CLIENTS: &[Step] = &[
    ("many clients", |bench| {
        let clients: Vec<Client> = (0..2000).map(|_| bench.server.client()).collect();
        for command in ["CLIENT LIST", "INFO everything", "LATENCY HISTOGRAM", "COMMAND DOCS"] {
            bench.client.run(command);
        }
        bench.client.run("CLIENT KILL TYPE normal SKIPME yes");
        drop(clients);
    }),
    ("a pipeline under MONITOR", |bench| {
        let mut monitor = bench.server.client();
        monitor.ok("MONITOR");
        std::thread::scope(|scope| {
            scope.spawn(|| while monitor.try_read().is_ok() {});
            bench.fill(&[]);
            bench.client.run("CLIENT KILL TYPE normal SKIPME yes");
        });
    }),
];

#[test]
fn commands_on_many_keys_do_not_keep_the_loop() {
    Bench::new(Options::default().shards(1)).run(MANY_KEYS);
}

#[test]
fn commands_over_two_shards_do_not_keep_the_loops() {
    Bench::new(Options::default().shards(2)).run(MANY_KEYS);
}

#[test]
fn big_values_do_not_keep_the_loop() {
    Bench::new(Options::default().shards(1)).run(BIG_VALUES);
}

#[test]
fn many_clients_do_not_keep_the_loop() {
    Bench::new(Options::default().shards(1)).run(CLIENTS);
}

#[test]
fn turns_are_told_by_latency_and_forgotten_by_resetstat() {
    let mut bench = Bench::new(Options::default().shards(2).set("blocking-threads", "3"));
    assert_eq!(bench.info("blocking_pool_threads"), 6);
    bench.client.ok("CONFIG SET latency-monitor-threshold 1");
    let patience = Instant::now() + Duration::from_secs(60);
    // Thousands of keys are looked up in one turn: that takes a millisecond and more.
    while bench.client.run("LATENCY HISTORY loop-turn").items().is_empty() {
        assert!(Instant::now() < patience, "no turn took a millisecond");
        bench.many(&["EXISTS"], |i| vec![format!("many:{i}")]);
        std::thread::sleep(Duration::from_millis(110));
    }
    let event = bench.client.run("LATENCY LATEST").items();
    assert!(event.iter().any(|event| event.items()[0].text() == "loop-turn"), "{event:?}");
    assert!(bench.client.run("LATENCY DOCTOR").text().contains("- loop-turn: "));
    let before = bench.info("loop_turns");
    assert!(before > 0 && bench.info("loop_turn_max_usec") > 0);
    bench.client.ok("CONFIG RESETSTAT");
    assert!(bench.info("loop_turns") < before);
}
