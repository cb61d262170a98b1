//! The compaction filter, over a real RocksDB: elements that belong to nobody any more give their
//! space back, and nothing else is dropped, not even when the power goes.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test fails the test")]

#[path = "common/mod.rs"]
#[expect(unreachable_pub, reason = "each test program uses its own part of it")]
mod common;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use basalt_shard::command::Args;
use basalt_shard::command::Run;
use basalt_shard::engine::options::{Budget, SharedResources};
use basalt_shard::engine::rocks::RocksEngine;
use basalt_shard::engine::{Direction, Engine, Family, LogAccess, Range, ReadTier, Site};
use basalt_shard::keyspace::cache::Touch;
use basalt_shard::keyspace::layout::ElementPrefix;
use basalt_shard::random::Random;
use basalt_shard::resp::{Protocol, ReplyBuffer};
use basalt_shard::settings::Settings;
use basalt_shard::shard::{Attempt, Call, Shard, run_in_sequence};
use basalt_shard::table::Table;
use basalt_shard::topology::Topology;

use common::Directory;

const FIELDS: usize = 1000;

struct TestShard {
    engine: Arc<RocksEngine>,
    topology: Arc<Topology>,
    shard: Shard,
    table: Table,
    settings: Settings,
}

impl TestShard {
    fn open(directory: &Path, epoch: u32) -> Self {
        let budget = Budget { block_cache_bytes: 8 << 20, write_buffer_bytes: 64 << 20, shards: 1 };
        let shared = SharedResources::new(budget).unwrap();
        let site = Site::alone(directory.to_owned(), u64::from(epoch));
        let engine = Arc::new(RocksEngine::open(site, &shared).unwrap().0);
        let topology = Arc::new(Topology::new(vec![engine.clone() as _], epoch));
        let shard = Shard::open(0, topology.clone(), 1 << 20, 1).unwrap();
        let table = Table::of_shards();
        Self { engine, topology, shard, table, settings: Settings::default() }
    }

    /// Runs a command given as words separated by spaces; the reply with `\r\n` as a space.
    fn run(&mut self, words: &str) -> String {
        let spans = common::spans(words);
        let args = Args::new(words.as_bytes(), &spans);
        let entry = self.table.lookup(args).unwrap();
        let Run::Shard(handler) = entry.run else { panic!("not a command of a shard") };
        let call = Call {
            spec: entry.spec,
            handler,
            args,
            databases: &[0],
            db: 0,
            touch: Touch::Yes,
            now_ms: 1_700_000_000_000,
            steady_ms: 0,
            settings: &self.settings,
        };
        let mut reply = ReplyBuffer::new(Protocol::Resp2);
        if self.shard.execute(&call, &mut reply) == Attempt::OffLoop {
            let mut random = Random::new(1);
            let calls = std::iter::once(call);
            let done =
                run_in_sequence(calls, &self.topology, &mut random, None, Protocol::Resp2, None);
            let done = done.expect("the disk always does");
            self.shard.commit(done.changes).map_err(|refused| refused.error).unwrap();
            reply = done.reply;
        }
        String::from_utf8_lossy(reply.as_bytes()).trim_end().replace("\r\n", " ")
    }

    /// A large hash whose values begin with `mark`.
    fn fill(&mut self, key: &str, mark: &str) {
        let pairs: Vec<String> =
            (0..FIELDS).map(|index| format!("f{index} {mark}{index}")).collect();
        self.run(&format!("HSET {key} {}", pairs.join(" ")));
    }

    /// Every element record on the disk: the key and the version that it belongs to.
    fn elements(&self) -> Vec<(Vec<u8>, u64)> {
        let range = Range {
            family: Family::Elements,
            lower: b"",
            upper: b"",
            direction: Direction::Forward,
            tier: ReadTier::Disk,
        };
        let mut found = Vec::new();
        let collect = &mut |element: &[u8], _: &[u8]| {
            let prefix = ElementPrefix::parse(element).expect("an element");
            found.push((prefix.head_key()[9..].to_vec(), prefix.version));
            ControlFlow::Continue(())
        };
        self.engine.range(range, collect).unwrap();
        found
    }

    fn elements_of(&self, key: &str) -> usize {
        self.elements().iter().filter(|(of, _)| of == key.as_bytes()).count()
    }
}

#[test]
fn compaction_drops_orphans_and_nothing_else() {
    let directory = Directory::new("orphans-drops");
    let mut shard = TestShard::open(&directory.0, 1);
    for key in ["live", "deleted", "overwritten", "again", "expired"] {
        shard.fill(key, "old");
    }
    // On the disk and in the memtable alike.
    shard.engine.compact(Family::Elements).unwrap();
    assert_eq!(shard.elements().len(), 5 * FIELDS);
    assert_eq!(shard.run("DEL deleted"), ":1");
    assert_eq!(shard.run("SET overwritten string"), "+OK");
    assert_eq!(shard.run("DEL again"), ":1");
    shard.fill("again", "new");
    assert_eq!(shard.run("PEXPIREAT expired 1"), ":1");
    assert_eq!(shard.run("HSET live more 1"), ":1");
    assert_eq!(shard.elements().len(), 6 * FIELDS + 1, "deleting costs nothing");

    shard.engine.compact(Family::Elements).unwrap();
    assert_eq!(shard.elements_of("live"), FIELDS + 1);
    assert_eq!(shard.elements_of("again"), FIELDS);
    assert_eq!(shard.elements().len(), 2 * FIELDS + 1);
    for (key, mark) in [("live", "old"), ("again", "new")] {
        let pairs = shard.run(&format!("HGETALL {key}"));
        let words: Vec<&str> = pairs.split(' ').skip(2).step_by(2).collect();
        for pair in words.chunks(2).filter(|pair| pair[0] != "more") {
            assert_eq!(pair[1], format!("{mark}{}", &pair[0][1..]));
        }
    }
    assert_eq!(shard.run("HLEN live"), format!(":{}", FIELDS + 1));

    // The same with everything on the disk, and after another start.
    shard.run("DEL live");
    shard.engine.close().unwrap();
    drop(shard);
    let mut shard = TestShard::open(&directory.0, 2);
    shard.engine.compact(Family::Elements).unwrap();
    assert_eq!((shard.elements_of("live"), shard.elements_of("again")), (0, FIELDS));
    assert_eq!(shard.run("HGET again f7"), "$4 new7");
}

/// What a power cut would leave of the database now.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let copied = to.join(file.file_name());
        if file.path().is_dir() {
            copy(&file.path(), &copied);
        } else if file.file_name() != "LOCK" {
            fs::copy(file.path(), copied).unwrap();
        }
    }
}

#[test]
fn a_deletion_that_is_taken_back_finds_its_elements() {
    let directory = Directory::new("orphans-taken-back");
    let after = Directory::new("orphans-taken-back-after");
    let mut shard = TestShard::open(&directory.0, 1);
    shard.fill("h", "old");
    shard.engine.compact(Family::Elements).unwrap();
    shard.engine.sync_log(LogAccess::Direct).unwrap();
    // Deleted, and compacted before anybody has made the deletion durable.
    shard.run("DEL h");
    shard.engine.compact(Family::Elements).unwrap();
    assert_eq!(shard.elements().len(), 0);
    copy(&directory.0, &after.0);
    drop(shard);

    let mut shard = TestShard::open(&after.0, 2);
    let count = shard.run("HLEN h");
    let found = shard.run("HKEYS h").split(' ').count() - 1;
    assert_eq!(count, format!(":{}", found / 2), "all of the hash or nothing");
}
