//! A shard in memory for the tests of handlers: run a command given as words, look at the raw
//! reply. A command that the loop would not do runs again off it, as in the server.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use crate::command::{Args, Run};
use crate::effects::Classes;
use crate::engine::map_engine::MemoryEngine;
use crate::keyspace::cache::Touch;
use crate::keyspace::dirty::Ticket;
use crate::keyspace::head::{Head, Kind};
use crate::random::Random;
use crate::resp::{Protocol, ReplyBuffer, Span};
use crate::settings::Settings;
use crate::shard::{Attempt, Call, Sequence, Shard, run_in_sequence};
use crate::table::Table;
use crate::topology::Topology;
use crate::view::{Changes, Context, Told, View};

/// When test shards start, in ms since 1970.
const START_MS: u64 = 1_700_000_000_000;

/// See the module.
pub(crate) struct TestShard {
    pub(crate) engine: Arc<MemoryEngine>,
    pub(crate) shard: Shard,
    pub(crate) settings: Settings,
    pub(crate) now_ms: u64,
    pub(crate) protocol: Protocol,
    /// The logical database of the commands.
    pub(crate) db: usize,
    /// What the last reply has to wait for.
    pub(crate) ticket: Ticket,
    pub(crate) topology: Arc<Topology>,
    /// For runs off the loop.
    random: Random,
    pub(crate) table: Table,
    databases: Vec<u8>,
}

impl TestShard {
    pub(crate) fn new() -> Self {
        let engine = Arc::new(MemoryEngine::default());
        let topology = Arc::new(Topology::new(vec![engine.clone() as _], 1));
        let shard = Shard::open(0, topology.clone(), 1 << 20, 42).unwrap();
        Self {
            engine,
            shard,
            settings: Settings::default(),
            now_ms: START_MS,
            protocol: Protocol::Resp2,
            db: 0,
            ticket: 0,
            topology,
            random: Random::new(7),
            table: Table::of_shards(),
            databases: (0..16).collect(),
        }
    }

    /// Puts a key of a type that the commands under test do not take.
    pub(crate) fn put_other_type(&mut self, name: &str) {
        self.with_view(|view| {
            let key = view.open(name.as_bytes()).unwrap();
            view.put(&key, &Head::inline(Kind::Stream, Bytes::from_static(b"a stream")));
        });
    }

    /// The head of a key, as it is stored.
    pub(crate) fn head(&mut self, name: &str) -> Option<Head> {
        self.with_view(|view| view.open(name.as_bytes()).unwrap().head)
    }

    /// Runs a command given as words separated by spaces; the raw reply with `\r\n` as a space.
    pub(crate) fn run(&mut self, words: &str) -> String {
        let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
        let reply = self.run_bytes(&words);
        String::from_utf8_lossy(&reply).trim_end().replace("\r\n", " ")
    }

    /// Runs a command; the raw reply.
    pub(crate) fn run_bytes(&mut self, words: &[&[u8]]) -> Vec<u8> {
        let mut frame = Vec::new();
        let mut spans = Vec::new();
        for word in words {
            spans.push(Span { start: frame.len() as u32, len: word.len() as u32 });
            frame.extend_from_slice(word);
        }
        let args = Args::new(&frame, &spans);
        let entry = self.table.lookup(args).expect("a command of a shard");
        assert!(entry.spec.accepts(args.len()), "wrong number of arguments: {words:?}");
        let Run::Shard(handler) = entry.run else { panic!("not a command of a shard") };
        let call = Call {
            spec: entry.spec,
            handler,
            args,
            databases: &self.databases,
            db: self.db,
            touch: Touch::Yes,
            now_ms: self.now_ms,
            steady_ms: self.now_ms - START_MS,
            settings: &self.settings,
        };
        let mut reply = ReplyBuffer::new(self.protocol);
        self.shard.set_time(self.now_ms - START_MS);
        match self.shard.execute(&call, &mut reply) {
            Attempt::Done(ticket) => {
                self.ticket = ticket;
                reply.take()
            }
            Attempt::OffLoop => {
                let calls = std::iter::once(call);
                let mut done = run_in_sequence(
                    calls,
                    &self.topology,
                    &mut self.random,
                    None,
                    self.protocol,
                    None,
                )
                .expect("the disk always does");
                self.shard.warm(done.loaded);
                self.shard.commit(done.changes).map_err(|refused| refused.error).unwrap();
                done.reply.take()
            }
            other => format!("({other:?})").into_bytes(),
        }
    }

    /// Runs commands one after the other as one, over these shards, with nothing committed.
    pub(crate) fn sequence(&self, topology: &Topology, lines: &[&str]) -> Sequence {
        let of_words = |line: &&str| {
            let (mut frame, mut spans) = (Vec::new(), Vec::new());
            for word in line.split(' ') {
                spans.push(Span { start: frame.len() as u32, len: word.len() as u32 });
                frame.extend_from_slice(word.as_bytes());
            }
            (frame, spans)
        };
        let requests: Vec<(Vec<u8>, Vec<Span>)> = lines.iter().map(of_words).collect();
        let calls = requests.iter().map(|(frame, spans)| {
            let args = Args::new(frame, spans);
            let entry = self.table.lookup(args).expect("a command of a shard");
            let Run::Shard(handler) = entry.run else { panic!("not a command of a shard") };
            Call {
                spec: entry.spec,
                handler,
                args,
                databases: &self.databases,
                db: self.db,
                touch: Touch::Yes,
                now_ms: self.now_ms,
                steady_ms: self.now_ms - START_MS,
                settings: &self.settings,
            }
        });
        run_in_sequence(calls, topology, &mut Random::new(7), None, self.protocol, None)
            .expect("the disk always does")
    }

    /// Does what no command does: works on a view with the disk, whose changes are committed.
    pub(crate) fn with_view<T>(&mut self, work: impl FnOnce(&mut View<'_>) -> T) -> T {
        let (outcome, changes) = self.changes_of(work);
        self.shard.commit(changes).map_err(|refused| refused.error).unwrap();
        outcome
    }

    /// The same, with the changes not committed.
    pub(crate) fn changes_of<T>(&self, work: impl FnOnce(&mut View<'_>) -> T) -> (T, Changes) {
        let mut random = Random::new(7);
        let context = Context {
            topology: &self.topology,
            settings: &self.settings,
            databases: &self.databases,
            db: self.db,
            now_ms: self.now_ms,
            steady_ms: self.now_ms - START_MS,
            touch: Touch::Yes,
        };
        let mut view = View::off_loop(context, &mut random);
        let outcome = work(&mut view);
        (outcome, view.finish().changes)
    }
}

impl TestShard {
    /// Has all events told from now on.
    pub(crate) fn listen(&mut self) {
        let classes = [
            Classes::KEYSPACE,
            Classes::GENERIC,
            Classes::STRING,
            Classes::HASH,
            Classes::LIST,
            Classes::STREAM,
            Classes::EXPIRED,
            Classes::NEW,
            Classes::KEY_MISS,
        ];
        let listening = self.topology.listening();
        listening.set_classes(classes.into_iter().fold(Classes::default(), Classes::and));
        listening.add_subscription();
    }

    /// What was told since the last time, with the batches: as "1 set key".
    pub(crate) fn told(&mut self) -> Vec<String> {
        let events = &mut self.shard.listeners.events;
        let all = std::iter::from_fn(|| events.pop(Ticket::MAX));
        let shown = |(ticket, told): (Ticket, Told)| {
            let key = String::from_utf8_lossy(&told.key).into_owned();
            format!("{ticket} {} {key}", told.event.name)
        };
        all.map(shown).collect()
    }
}

/// The keys that views opened and changed on this thread, to compare with those that commands
/// declare.
#[derive(Default)]
pub(crate) struct TouchedKeys {
    pub(crate) opened: BTreeSet<Vec<u8>>,
    pub(crate) changed: BTreeSet<Vec<u8>>,
}

thread_local! {
    static TOUCHED: RefCell<TouchedKeys> = RefCell::default();
}

impl TouchedKeys {
    pub(crate) fn note_opened(key: &[u8]) {
        TOUCHED.with_borrow_mut(|touched| touched.opened.insert(key.to_vec()));
    }

    pub(crate) fn note_changed(key: &[u8]) {
        TOUCHED.with_borrow_mut(|touched| touched.changed.insert(key.to_vec()));
    }

    /// Those since the last time.
    pub(crate) fn take() -> Self {
        TOUCHED.take()
    }
}
