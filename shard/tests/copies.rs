//! Copies of another shard's keys: what they answer, and what ends them.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

#[path = "common/mod.rs"]
#[expect(dead_code, unreachable_pub, reason = "each test program uses its own part of it")]
mod common;

use std::sync::Arc;

use basalt_shard::command::Args;
use basalt_shard::command::Run;
use basalt_shard::engine::map_engine::MemoryEngine;
use basalt_shard::keyspace::cache::Touch;
use basalt_shard::keyspace::copies::Copies;
use basalt_shard::keyspace::layout;
use basalt_shard::locks::{Mode, Scope};
use basalt_shard::resp::{Protocol, ReplyBuffer};
use basalt_shard::settings::Settings;
use basalt_shard::shard::{Attempt, Call, Shard};
use basalt_shard::table::Table;
use basalt_shard::topology::Topology;

/// Two shards, and what the second keeps of the first.
struct Two {
    owner: Shard,
    reader: Shard,
    copies: Copies,
    table: Table,
    settings: Settings,
    now_ms: u64,
}

/// A key of the first shard.
const KEY: &str = "bar";

impl Two {
    fn new() -> Self {
        let engines = (0..2).map(|_| Arc::new(MemoryEngine::default()) as _).collect();
        let topology = Arc::new(Topology::new(engines, 1));
        assert_eq!(topology.shard_of(KEY.as_bytes()), 0);
        let open = |shard| Shard::open(shard, topology.clone(), 1 << 20, 1).unwrap();
        let (owner, reader) = (open(0), open(1));
        let table = Table::of_shards();
        let (copies, settings) = (Copies::new(1 << 20), Settings::default());
        Self { owner, reader, copies, table, settings, now_ms: 1_700_000_000_000 }
    }

    fn with_call<T>(
        &mut self,
        words: &str,
        run: impl FnOnce(&Call<'_>, &mut Shard, &mut Shard, &mut Copies) -> T,
    ) -> T {
        let spans = common::spans(words);
        let args = Args::new(words.as_bytes(), &spans);
        let entry = self.table.lookup(args).unwrap();
        let Run::Shard(handler) = entry.run else { panic!("not a command of a shard") };
        let (spec, now_ms, settings) = (entry.spec, self.now_ms, &self.settings);
        let (databases, touch) = (&[0], Touch::Yes);
        let (db, steady_ms) = (0, 0);
        let call = Call { spec, handler, args, databases, db, touch, now_ms, steady_ms, settings };
        run(&call, &mut self.owner, &mut self.reader, &mut self.copies)
    }

    /// Has the owner run a command; whether the reader then has a copy of what it read.
    fn run(&mut self, words: &str) -> bool {
        self.with_call(words, |call, owner, _, copies| {
            let mut reply = ReplyBuffer::new(Protocol::Resp2);
            let attempt = owner.execute(call, &mut reply);
            assert!(matches!(attempt, Attempt::Done(_)), "{words}: {attempt:?}");
            let copy = owner.copy(call);
            let is_copied = copy.is_some();
            copy.into_iter().for_each(|copy| copies.insert(copy));
            is_copied
        })
    }

    /// Whether the owner gives a copy away of what it has just read.
    fn may_copy(&mut self, words: &str) -> bool {
        self.with_call(words, |call, owner, _, _| owner.copy(call).is_some())
    }

    /// What the reader answers without asking.
    fn read(&mut self, words: &str) -> Option<String> {
        self.with_call(words, |call, _, reader, copies| {
            let mut reply = ReplyBuffer::new(Protocol::Resp2);
            let is_answered = reader.read_copy(call, copies, &mut reply);
            assert_eq!(is_answered, !reply.as_bytes().is_empty());
            let text = String::from_utf8_lossy(reply.as_bytes()).trim_end().replace("\r\n", " ");
            is_answered.then_some(text)
        })
    }
}

#[test]
fn a_copy_answers_until_its_key_changes() {
    let mut two = Two::new();
    assert!(!two.run("SET bar 1"), "a write is no read");
    assert_eq!(two.read("GET bar"), None);
    assert!(two.run("GET bar"));
    assert_eq!(two.read("GET bar").unwrap(), "$1 1");
    assert_eq!(two.read("STRLEN bar").unwrap(), ":1");
    assert!(two.read("HGET bar f").unwrap().starts_with("-WRONGTYPE"));
    assert_eq!(two.read("GET baz"), None);
    assert_eq!(two.read("SET bar 2"), None);
    assert_eq!(two.read("EXISTS bar"), None, "it could have more keys");
    two.run("SET bar 22");
    assert_eq!(two.read("GET bar"), None);
    two.run("STRLEN bar");
    assert_eq!(two.read("GET bar").unwrap(), "$2 22");
    two.run("DEL bar");
    assert_eq!(two.read("GET bar"), None);
    assert!(!two.run("GET bar"), "there is nothing to copy");
}

#[test]
fn a_copy_ends_with_its_deadline() {
    let mut two = Two::new();
    two.run("SET bar 1 PX 10");
    two.run("GET bar");
    assert_eq!(two.read("PTTL bar").unwrap(), ":10");
    two.now_ms += 11;
    assert_eq!(two.read("GET bar").unwrap(), "$-1");
}

#[test]
fn a_copy_ends_when_its_key_is_locked_to_be_written() {
    let mut two = Two::new();
    two.run("SET bar 1");
    two.run("GET bar");
    let named = |name: &[u8], mode| {
        let mut key = layout::RecordKey::from_slice(&layout::position(name).to_be_bytes());
        key.extend_from_slice(name);
        vec![(key, mode)]
    };
    let key = |mode| named(b"bar", mode);
    let (shared, _) = two.owner.locks.lock(Scope::Keys(key(Mode::Shared)));
    let (other, _) = two.owner.locks.lock(Scope::Keys(named(b"foo", Mode::Exclusive)));
    assert_eq!(two.read("GET bar").unwrap(), "$1 1");
    assert!(two.run("GET bar"), "who reads it off the loop, or writes another, is in nobody's way");
    two.owner.locks.unlock(other);
    let (writer, _) = two.owner.locks.lock(Scope::Keys(key(Mode::Exclusive)));
    assert!(!two.may_copy("GET bar"), "a writer waits for it");
    two.owner.locks.unlock(shared);
    assert!(!two.may_copy("GET bar"), "a writer has it");
    assert_eq!(two.read("GET bar"), None);
    two.owner.locks.unlock(writer);
    two.run("GET bar");
    assert!(two.read("GET bar").is_some());
    let (everything, _) = two.owner.locks.lock(Scope::Everything);
    assert_eq!(two.read("GET bar"), None);
    two.owner.locks.unlock(everything);
    two.run("GET bar");
    two.owner.flush_database(0).unwrap();
    assert_eq!(two.read("GET bar"), None);
}

#[test]
fn what_is_not_durable_is_not_copied() {
    let mut two = Two::new();
    two.run("SET bar 1");
    two.run("GET bar");
    two.owner.track_dirty(true);
    assert_eq!(two.read("GET bar"), None);
    assert!(!two.run("GET bar"));
    two.owner.settle(1);
    assert!(two.run("GET bar"));
    two.run("SET bar 2");
    assert!(!two.run("GET bar"));
    two.owner.settle(2);
    assert!(two.run("GET bar"));
    assert_eq!(two.read("GET bar").unwrap(), "$1 2");
}
