//! Writers, and what became of what they sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::model::{Command, Content, DATABASES, Form, KEYS, State, Step};
use crate::common::{Client, Rng, Server, Value, resp};
use crate::files;

/// How long a load may take to begin.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Each has databases of its own.
pub const WRITERS_MAX: usize = 6;

/// What one writer did.
pub struct Deeds {
    pub before: State,
    pub steps: Vec<Step>,
    /// When the first steps were acknowledged, one after the other; the others were not.
    pub acknowledged: Vec<Instant>,
    pub ended: Instant,
    /// The error reply that was the end: the disk failed.
    pub refusal: Option<String>,
    /// A reply that was wrong.
    pub complaint: Option<String>,
}

pub struct Load {
    writers: Vec<JoinHandle<Deeds>>,
    has_begun: Arc<AtomicBool>,
}

impl Load {
    /// Starts a writer for each of these states, and waits until one has an acknowledgement.
    pub fn start(server: &Server, rng: &mut Rng, before: &[State]) -> Self {
        let has_begun = Arc::<AtomicBool>::default();
        let address = server.address();
        let writers = before.iter().enumerate().map(|(number, state)| {
            let pipeline = *rng.pick(&[1, 1, 3, 12]);
            let rng = Rng::new(rng.next());
            let (state, has_begun) = (state.clone(), has_begun.clone());
            std::thread::spawn(move || {
                Writer::new(number, rng, state, pipeline).run(address, &has_begun)
            })
        });
        let load = Self { writers: writers.collect(), has_begun };
        let deadline = Instant::now() + TIMEOUT;
        while !load.has_begun.load(Ordering::Relaxed) {
            assert!(Instant::now() < deadline, "the load does not begin");
            std::thread::sleep(Duration::from_millis(1));
        }
        load
    }

    /// Waits for the writers' ends, which the server's is.
    pub fn finish(self) -> Vec<Deeds> {
        self.writers.into_iter().map(|writer| writer.join().expect("a writer")).collect()
    }
}

struct Writer {
    number: usize,
    rng: Rng,
    state: State,
    pipeline: usize,
    next_stamp: u64,
}

impl Writer {
    fn new(number: usize, mut rng: Rng, state: State, pipeline: usize) -> Self {
        // Stamps of one round are not those of another.
        let next_stamp = rng.next() >> 20 << 16;
        Self { number, rng, state, pipeline, next_stamp }
    }

    fn run(mut self, address: SocketAddr, has_begun: &AtomicBool) -> Deeds {
        let mut deeds = Deeds {
            before: self.state.clone(),
            steps: Vec::new(),
            acknowledged: Vec::new(),
            ended: Instant::now(),
            refusal: None,
            complaint: None,
        };
        if let Ok(mut client) = Client::connect(address) {
            while self.send(&mut client, &mut deeds) && deeds.complaint.is_none() {
                has_begun.store(true, Ordering::Relaxed);
            }
        }
        deeds.ended = Instant::now();
        deeds
    }

    /// One pipeline. False: the server is gone.
    fn send(&mut self, client: &mut Client, deeds: &mut Deeds) -> bool {
        let db = self.rng.below(DATABASES);
        let mut request = resp::encode_request(&["SELECT", &self.name_of(db)]);
        let mut expected = vec![Value::Simple(b"OK".to_vec())];
        let first = deeds.steps.len();
        for _ in 0..self.pipeline {
            let step = Step { db, command: self.command(db) };
            request.extend(resp::encode_request(&self.arguments(&step)));
            expected.push(self.state.apply(&step).reply);
            deeds.steps.push(step);
        }
        if client.try_write_raw(&request).is_err() {
            return false;
        }
        for (index, expected) in expected.into_iter().enumerate() {
            let Ok(reply) = client.try_read() else { return false };
            if reply.is_error() && reply.text().starts_with("MISCONF") {
                deeds.refusal = Some(reply.text());
                return false;
            }
            if reply != expected {
                let step = index.checked_sub(1).map(|index| &deeds.steps[first + index]);
                deeds.complaint = Some(format!("{step:?}: {reply:?}, expected {expected:?}"));
                return false;
            }
            if index > 0 {
                deeds.acknowledged.push(Instant::now());
            }
        }
        true
    }

    fn name_of(&self, db: usize) -> String {
        (self.number * DATABASES + db).to_string()
    }

    fn content(&mut self, form: Form) -> Content {
        self.next_stamp += 1;
        Content { stamp: self.next_stamp, form }
    }

    /// So many different keys.
    fn keys(&mut self, count: usize) -> Vec<usize> {
        let mut keys: Vec<usize> = (0..KEYS).collect();
        (0..count).map(|_| keys.swap_remove(self.rng.below(keys.len()))).collect()
    }

    /// A key that mostly has a value.
    fn source(&mut self, db: usize) -> usize {
        let keys = self.keys(KEYS);
        let there = keys.iter().find(|key| self.state.get(db, **key).is_some());
        if self.rng.percent(5) { keys[0] } else { *there.unwrap_or(&keys[0]) }
    }

    fn command(&mut self, db: usize) -> Command {
        let only_if_free = self.rng.percent(25);
        match self.rng.below(1000) {
            0..450 => {
                let from = self.source(db);
                let to = (from + 1 + self.rng.below(KEYS - 1)) % KEYS;
                Command::Rename { from, to, only_if_free }
            }
            450..530 => {
                let (from, target) = (self.source(db), self.rng.below(DATABASES));
                let to = (from + 1 + self.rng.below(KEYS - 1)) % KEYS;
                Command::Copy { from, to, db: target, replace: self.rng.percent(50) }
            }
            530..680 => {
                let count = 2 + self.rng.below(4);
                let keys = self.keys(count);
                let pairs = keys.into_iter().map(|key| (key, self.content(Form::Short)));
                Command::PutAll { pairs: pairs.collect(), only_if_free }
            }
            680..760 => {
                let count = 1 + self.rng.below(3);
                let verb = if self.rng.percent(50) { "DEL" } else { "UNLINK" };
                Command::Delete { keys: self.keys(count), verb }
            }
            760..840 => Command::Move(self.source(db)),
            840..843 => Command::Swap,
            843..848 => Command::Flush,
            weight => {
                let key = self.rng.below(KEYS);
                let form = match weight {
                    848..851 => Form::Long,
                    851..870 if self.state.get(db, key).is_none() => Form::Hash,
                    _ => Form::Short,
                };
                Command::Put(key, self.content(form))
            }
        }
    }

    fn arguments(&self, step: &Step) -> Vec<Vec<u8>> {
        let words = |verb: &str, keys: &[usize]| -> Vec<Vec<u8>> {
            let keys = keys.iter().map(|key| name(*key).into_bytes());
            std::iter::once(verb.as_bytes().to_vec()).chain(keys).collect()
        };
        let verb = |plain: &str, only_if_free: bool| {
            if only_if_free { format!("{plain}NX") } else { plain.to_owned() }
        };
        match &step.command {
            Command::Put(key, content) if content.form == Form::Hash => {
                let mut words = words("HSET", &[*key]);
                words.extend(content.fields().flat_map(|(field, value)| [field, value]));
                words
            }
            Command::Put(key, content) => {
                let mut words = words("SET", &[*key]);
                words.push(content.text());
                words
            }
            Command::PutAll { pairs, only_if_free } => {
                let mut words = words(&verb("MSET", *only_if_free), &[]);
                let pairs = pairs.iter();
                words.extend(pairs.flat_map(|(key, value)| [name(*key).into(), value.text()]));
                words
            }
            Command::Delete { keys, verb } => words(verb, keys),
            Command::Rename { from, to, only_if_free } => {
                words(&verb("RENAME", *only_if_free), &[*from, *to])
            }
            Command::Copy { from, to, db, replace } => {
                let mut words = words("COPY", &[*from, *to]);
                words.extend([b"DB".to_vec(), self.name_of(*db).into()]);
                words.extend(replace.then(|| b"REPLACE".to_vec()));
                words
            }
            Command::Move(key) => {
                let mut words = words("MOVE", &[*key]);
                words.push(self.name_of(step.db ^ 1).into());
                words
            }
            Command::Flush => words("FLUSHDB", &[]),
            Command::Swap => {
                let mut words = words("SWAPDB", &[]);
                words.extend((0..DATABASES).map(|db| self.name_of(db).into()));
                words
            }
        }
    }
}

/// The name of a key.
pub fn name(key: usize) -> String {
    files::key_of_shard(key % 2, &key.to_string())
}

/// The shard of a key.
pub fn shard_of(key: usize, shards: usize) -> usize {
    if shards == 1 { 0 } else { key % 2 }
}
