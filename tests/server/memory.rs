//! The memory budget: what a small one leaves for the process to do, that it is kept, and that INFO
//! says where memory goes.

use std::collections::BTreeMap;

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
    for consumer in ["memory_hot_cache", "memory_write_buffers"] {
        let bytes = number(&memory, consumer);
        assert!((values..2 * values).contains(&bytes), "{consumer}: {memory:#?}");
    }
    let parts = ["hot_cache", "block_cache", "write_buffers", "table_readers", "clients"];
    let known: u64 = ["at_start", "other"]
        .iter()
        .chain(&parts)
        .map(|part| number(&memory, &format!("memory_{part}")))
        .sum();
    // What is counted here and there is not asked for at the same moment.
    assert!(known.abs_diff(number(&memory, "used_memory")) < 8 * MB, "{memory:#?}");
}
