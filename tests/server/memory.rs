//! The memory budget: what a small one leaves for the process to do, that it is kept, and that INFO
//! says where memory goes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::common::server::Options;
use crate::common::{Client, Server};

const MB: u64 = 1 << 20;

/// What the process may have in memory beyond `maxmemory`: the pages of the program itself, which
/// are on the disk, too, and what the allocator has not given back yet.
const BEYOND_BUDGET: u64 = 48 * MB;

fn fields(client: &mut Client, section: &str) -> BTreeMap<String, String> {
    let text = client.run(&format!("INFO {section}")).text();
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn number(fields: &BTreeMap<String, String>, name: &str) -> u64 {
    fields.get(name).and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name}"))
}

fn load(client: &mut Client, keys: usize, value_bytes: usize) {
    let value = "v".repeat(value_bytes);
    for first in (0..keys).step_by(500) {
        let sets: Vec<Vec<String>> = (first..first + 500)
            .map(|number| vec!["SET".into(), format!("key:{number}"), value.clone()])
            .collect();
        let replies = client.pipeline(&sets);
        assert!(replies.iter().all(|reply| reply.text() == "OK"), "{:?}", replies.first());
    }
}

#[test]
fn a_small_budget_is_enough_and_is_kept() {
    let server = Server::with(Options::default().set("maxmemory", "64mb").shards(2));
    let mut client = server.client();
    // Far more than all memtables hold.
    load(&mut client, 100_000, 1000);
    let memory = fields(&mut client, "memory");
    let (rss, budget) = (number(&memory, "used_memory_rss"), number(&memory, "maxmemory"));
    assert_eq!(budget, 64 * MB);
    assert!(rss < budget + BEYOND_BUDGET, "{memory:#?}");
    assert!(number(&memory, "memory_write_buffers") < 20 * MB, "{memory:#?}");
    for number in (0..100_000).step_by(997) {
        assert_eq!(client.run(&format!("STRLEN key:{number}")).int(), 1000);
    }
}

#[test]
fn info_says_where_memory_goes() {
    let server = Server::with(Options::default().set("maxmemory", "512mb").shards(2));
    let mut client = server.client();
    load(&mut client, 20_000, 1000);
    let memory = fields(&mut client, "memory");
    let values = 20_000 * 1000;
    let hot_cache = number(&memory, "memory_hot_cache");
    assert!((values..2 * values).contains(&hot_cache), "{memory:#?}");
    // On its way to the disk a write may be here twice, or have left.
    let write_buffers = number(&memory, "memory_write_buffers");
    assert!((MB..3 * values).contains(&write_buffers), "{memory:#?}");
    let parts = ["hot_cache", "copies", "block_cache", "write_buffers", "table_readers", "clients"];
    let known: u64 = ["at_start", "other"]
        .iter()
        .chain(&parts)
        .map(|part| number(&memory, &format!("memory_{part}")))
        .sum();
    // A value on its way to the disk may count twice, being in the hot cache, too.
    let used = number(&memory, "used_memory");
    assert!((used..used + write_buffers + 8 * MB).contains(&known), "{memory:#?}");
}

/// Caches grow into what clients and write buffers leave.
#[test]
fn caches_have_what_others_leave() {
    let server = Server::with(Options::default().set("maxmemory", "256mb").shards(2));
    let mut client = server.client();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let storage = fields(&mut client, "storage");
        let grown = |cache: &str| {
            let planned = number(&storage, &format!("budget_{cache}_bytes"));
            number(&storage, &format!("share_{cache}_bytes")) > planned + 4 * MB
        };
        if grown("hot_cache") && grown("block_cache") {
            break;
        }
        assert!(Instant::now() < deadline, "{storage:#?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn info_tells_what_a_byte_costs() {
    let server = Server::with(Options::default().set("maxmemory", "32mb").shards(1));
    let mut client = server.client();
    load(&mut client, 40_000, 1000);
    for number in (0..40_000).step_by(40) {
        assert_eq!(client.run(&format!("STRLEN key:{number}")).int(), 1000);
    }
    let storage = fields(&mut client, "storage");
    let ratio = |name: &str| storage[name].parse::<f64>().unwrap();
    // The log alone is once.
    assert!((1.0..50.0).contains(&ratio("write_amplification")), "{storage:#?}");
    assert!(ratio("space_amplification") >= 0.9, "{storage:#?}");
    assert!((0.1..50.0).contains(&ratio("read_amplification")), "{storage:#?}");
    // Of the same bytes the values compress well.
    assert!(number(&storage, "flushed_bytes") > 100_000, "{storage:#?}");
    assert!(number(&storage, "engine_log_written_bytes") > 40 * 1_000_000, "{storage:#?}");
}

#[test]
fn sizes_change_at_run_time() {
    let server = Server::with(Options::default().set("maxmemory", "512mb").shards(2));
    let mut client = server.client();
    load(&mut client, 40_000, 1000);
    let before = number(&fields(&mut client, "memory"), "memory_hot_cache");
    assert!(before > 40 * MB, "{before}");
    client.ok("CONFIG SET hot-cache-size 8mb block-cache-size 16mb");
    let deadline = Instant::now() + Duration::from_secs(30);
    while number(&fields(&mut client, "memory"), "memory_hot_cache") > 8 * MB {
        assert!(Instant::now() < deadline, "the hot cache stays large");
    }
    let storage = fields(&mut client, "storage");
    assert_eq!(number(&storage, "budget_hot_cache_bytes"), 8 * MB);
    assert_eq!(number(&storage, "budget_block_cache_bytes"), 16 * MB);
    for key in (0..40_000).step_by(7) {
        assert_eq!(client.run(&format!("STRLEN key:{key}")).int(), 1000);
    }
    let memory = fields(&mut client, "memory");
    assert!(number(&memory, "memory_hot_cache") <= 8 * MB, "{memory:#?}");
    assert!(number(&memory, "memory_block_cache") <= 17 * MB, "{memory:#?}");
    client.ok("CONFIG SET maxmemory 1gb hot-cache-size 100mb block-cache-size 0");
    load(&mut client, 40_000, 1000);
    let memory = fields(&mut client, "memory");
    assert_eq!(number(&memory, "maxmemory"), 1024 * MB);
    assert!(number(&memory, "memory_hot_cache") > 40 * MB, "{memory:#?}");
    let buffers = |client: &mut Client| number(&fields(client, "memory"), "memory_write_buffers");
    load(&mut client, 40_000, 1000);
    assert!(buffers(&mut client) > 8 * MB, "{}", buffers(&mut client));
    client.ok("CONFIG SET write-buffer-size 4mb");
    // Tables and memtables that are large already go first.
    let deadline = Instant::now() + Duration::from_secs(30);
    while buffers(&mut client) > 5 * MB {
        assert!(
            Instant::now() < deadline,
            "the write buffers stay large: {}",
            buffers(&mut client)
        );
        load(&mut client, 10_000, 1000);
    }
    let storage = fields(&mut client, "storage");
    assert_eq!(number(&storage, "budget_write_buffer_bytes"), 4 * MB);
    let error = client.run("CONFIG SET hot-cache-size 2gb");
    assert!(error.is_error() && format!("{error:?}").contains("hot-cache-size"), "{error:?}");
}

/// Requests that fit one after the other are all taken, whenever they come.
#[test]
fn requests_that_do_not_fit_together_wait_for_each_other() {
    const CLIENTS: usize = 6;
    let bound = Options::default().set("maxmemory-clients", "8mb").set("maxmemory", "256mb");
    let server = Server::with(bound.shards(2));
    let value = vec![b'v'; 5 << 20];
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (value, mut client) = (&value, server.client());
            scope.spawn(move || {
                let key = format!("key:{number}");
                // Half of it, then the rest, so that all are under way at once.
                let request = crate::common::resp::encode_request(&[b"SET", key.as_bytes(), value]);
                let (one, other) = request.split_at(request.len() / 2);
                client.write_raw(one);
                std::thread::sleep(Duration::from_millis(300));
                client.write_raw(other);
                assert_eq!(client.read().text(), "OK");
            });
        }
    });
    let mut client = server.client();
    for number in 0..CLIENTS {
        assert_eq!(client.run(&format!("STRLEN key:{number}")).int(), 5 << 20);
    }
    // One that will never fit is told so before it has all come.
    let mut greedy = server.client();
    let _ = greedy.try_write_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9000000\r\n");
    let _ = greedy.try_write_raw(&vec![b'x'; 1 << 20]);
    let error = b"-ERR the request does not fit the memory for clients (maxmemory-clients, \
                  maxmemory)\r\n";
    greedy.assert_closes_with(error);
}

#[test]
fn a_client_that_is_killed_while_it_waits_for_memory_hangs_nobody() {
    let bound = Options::default().set("maxmemory-clients", "8mb").set("maxmemory", "256mb");
    let server = Server::with(bound.shards(1));
    let mut client = server.client();
    // One of them is the next to get memory, whichever; the others wait.
    for spared in 0..4 {
        let mut waiting: Vec<Client> = (0..4).map(|_| server.client()).collect();
        let ids: Vec<i64> =
            waiting.iter_mut().map(|waiting| waiting.run("CLIENT ID").int()).collect();
        for waiting in &mut waiting {
            waiting.write_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6000000\r\n");
            waiting.write_raw(&vec![b'x'; 3 << 20]);
        }
        std::thread::sleep(Duration::from_millis(200));
        for id in ids.iter().enumerate().filter(|(index, _)| *index != spared) {
            assert_eq!(client.run(&format!("CLIENT KILL ID {}", id.1)).int(), 1);
        }
        let mut spared = waiting.remove(spared);
        waiting.iter_mut().for_each(|killed| killed.assert_closes_with(b""));
        spared.write_raw(&vec![b'x'; 6_000_000 - (3 << 20)]);
        spared.write_raw(b"\r\n");
        assert_eq!(spared.read().text(), "OK");
    }
}

/// A pipeline of big reads on which nobody waits is read a piece at a time.
#[test]
fn a_pipeline_of_big_replies_is_not_gathered() {
    let server = Server::with(Options::default().set("maxmemory", "64mb").shards(2));
    let mut client = server.client();
    let value = vec![b'v'; 2 << 20];
    for number in 0..8 {
        assert_eq!(client.call(&[b"SET", format!("key:{number}").as_bytes(), &value]).text(), "OK");
    }
    let (reads, writes) = ("GET key:NN\r\n", "SET other:NN 1\r\nGET key:NN\r\n");
    for commands in [reads, writes, "MGET key:NN key:MM\r\n"] {
        let pipeline: String = (0..40)
            .map(|number| {
                let (one, other) = ((number % 8).to_string(), ((number + 3) % 8).to_string());
                commands.replace("NN", &one).replace("MM", &other)
            })
            .collect();
        client.write_raw(pipeline.as_bytes());
        for _ in 0..pipeline.lines().count() {
            let reply = client.read();
            let values = match &reply {
                crate::common::resp::Value::Array(values) => values.clone(),
                reply => vec![reply.clone()],
            };
            for value in values {
                assert!(value.text() == "OK" || value.bytes().len() == 2 << 20, "{commands}");
            }
        }
    }
    let memory = fields(&mut client, "memory");
    let peak = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let peak = peak.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let peak_kb: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(peak_kb << 10 < 150 * MB, "{peak} {memory:#?}");
}

/// A client that sends, or asks for, more than there is room for gets an error; others go on.
#[test]
fn clients_together_have_a_bound() {
    let bound = Options::default().set("maxmemory-clients", "8mb").set("maxmemory", "256mb");
    let server = Server::with(bound.shards(1));
    let mut client = server.client();
    let mut greedy: Vec<Client> = (0..8).map(|_| server.client()).collect();
    let mut refused = 0;
    for greedy in &mut greedy {
        // Never the end of it: what has come must be kept.
        let _ = greedy.try_write_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000000\r\n");
        let _ = greedy.try_write_raw(&vec![b'x'; 3 << 20]);
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while refused == 0 {
        assert!(Instant::now() < deadline, "{:#?}", fields(&mut client, "clients"));
        let connected = number(&fields(&mut client, "clients"), "connected_clients");
        // One more may be on its way out.
        refused = (8 + 1_u64).saturating_sub(connected);
    }
    let held = number(&fields(&mut client, "memory"), "memory_clients");
    assert!(held < 12 * MB, "{held}");
    client.ok("SET small 1");
    drop(greedy);

    // A reply that is longer than all memory for clients.
    client.ok("CONFIG SET maxmemory 32mb");
    for number in 0..200 {
        client.call(&["HSET".into(), "big".into(), format!("f{number}"), "v".repeat(60_000)]);
    }
    client.fails("HGETALL big", "ERR the reply does not fit the memory for clients (maxmemory)");
    assert_eq!(client.run("HLEN big").int(), 200);
}

#[test]
fn an_idle_connection_costs_little() {
    const CONNECTIONS: u64 = 400;
    let server = Server::with(Options::default().shards(2));
    let mut client = server.client();
    let before = number(&fields(&mut client, "memory"), "used_memory");
    let mut idle: Vec<Client> = (0..CONNECTIONS).map(|_| server.client()).collect();
    for client in &mut idle {
        client.run("PING");
    }
    let each =
        number(&fields(&mut client, "memory"), "used_memory").saturating_sub(before) / CONNECTIONS;
    assert!(each < 10 << 10, "{each} bytes");
}
