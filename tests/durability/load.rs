//! Clients that write new keys on both shards without a pause, and the note of what became of each;
//! and what INFO tells meanwhile. A value follows from its key, so that the note stays small.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{Client, Rng, Value};
use crate::files;

/// How long a test waits for what the server does by itself; more than is promised, for the tests
/// share the machine.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// What is known of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    There,
    Gone,
    /// The last command on it was answered with an error.
    Unknown,
}

pub struct Load {
    value_bytes: usize,
    stop: AtomicBool,
    fates: Mutex<BTreeMap<String, Fate>>,
    /// Acknowledged writes by shard.
    acknowledged: [AtomicU64; 2],
    errors: Mutex<BTreeMap<String, u64>>,
}

impl Load {
    pub fn new(value_bytes: usize) -> Self {
        Self {
            value_bytes,
            stop: AtomicBool::new(false),
            fates: Mutex::default(),
            acknowledged: Default::default(),
            errors: Mutex::default(),
        }
    }

    /// Writes until `stop` is called.
    pub fn write(&self, client: &mut Client, writer: usize) {
        for number in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let shard = number % 2;
            let key = files::key_of_shard(shard, &format!("{writer}:{number}"));
            let reply = self.set(client, &key);
            if reply.is_error() {
                *self.errors.lock().expect("no panic").entry(reply.text()).or_default() += 1;
                // A refused write costs nothing: without a pause this would be all refusals.
                sleep(Duration::from_millis(2));
            } else {
                self.acknowledged[shard].fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// One write, noted.
    pub fn set(&self, client: &mut Client, key: &str) -> Value {
        let reply = client.call(&[b"SET", key.as_bytes(), &self.value(key)]);
        self.note(key, &reply, Fate::There);
        reply
    }

    /// One deletion, noted.
    pub fn delete(&self, client: &mut Client, key: &str) -> Value {
        let reply = client.call(&["DEL", key]);
        self.note(key, &reply, Fate::Gone);
        reply
    }

    /// Several writes in one pipeline, noted.
    pub fn set_together(&self, client: &mut Client, keys: &[String]) -> Vec<Value> {
        let set = |key: &String| vec![b"SET".to_vec(), key.clone().into_bytes(), self.value(key)];
        let replies = client.pipeline(&keys.iter().map(set).collect::<Vec<_>>());
        for (key, reply) in keys.iter().zip(&replies) {
            self.note(key, reply, Fate::There);
        }
        replies
    }

    fn note(&self, key: &str, reply: &Value, fate: Fate) {
        let fate = if reply.is_error() { Fate::Unknown } else { fate };
        self.fates.lock().expect("no panic").insert(key.to_owned(), fate);
    }

    /// The value of a key, as good as random: what can be compressed fills no disk.
    pub fn value(&self, key: &str) -> Vec<u8> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Rng::new(hasher.finish()).bytes(self.value_bytes)
    }

    /// Deletes what is there, a hundred keys at a time.
    pub fn delete_all(&self, client: &mut Client) {
        let mut fates = self.fates.lock().expect("no panic");
        let keys: Vec<String> = fates.keys().cloned().collect();
        for chunk in keys.chunks(100) {
            let delete = |key: &String| vec!["DEL".to_owned(), key.clone()];
            let commands: Vec<Vec<String>> = chunk.iter().map(delete).collect();
            for (key, reply) in chunk.iter().zip(client.pipeline(&commands)) {
                assert!(!reply.is_error(), "DEL {key}: {reply:?}");
                fates.insert(key.clone(), Fate::Gone);
            }
        }
    }

    /// Lets `write` run anew.
    pub fn start_again(&self) {
        self.stop.store(false, Ordering::Relaxed);
    }

    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// How many writes a shard acknowledged.
    pub fn acknowledged(&self, shard: usize) -> u64 {
        self.acknowledged[shard].load(Ordering::Relaxed)
    }

    /// The error replies since the last time, with their counts.
    pub fn take_errors(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut *self.errors.lock().expect("no panic"))
    }

    /// Looks at every key; fails the test when one is not as it was acknowledged, or when there
    /// are others.
    pub fn check(&self, client: &mut Client, when: &str) {
        let fates = self.fates.lock().expect("no panic");
        let (mut wrong, mut present) = (Vec::new(), 0);
        let all: Vec<(&String, &Fate)> = fates.iter().collect();
        for chunk in all.chunks(100) {
            let gets: Vec<Vec<&str>> = chunk.iter().map(|(key, _)| vec!["GET", key]).collect();
            for ((key, fate), reply) in chunk.iter().zip(client.pipeline(&gets)) {
                let there = reply == Value::Bulk(self.value(key));
                let gone = reply == Value::NullBulk;
                present += i64::from(there);
                let right = match fate {
                    Fate::There => there,
                    Fate::Gone => gone,
                    Fate::Unknown => there || gone,
                };
                if !right {
                    wrong.push(format!("{key} must be {fate:?}: {reply:?}"));
                }
            }
        }
        let count = fates.len();
        assert!(wrong.is_empty(), "{when}, {} of {count} keys: {:#?}", wrong.len(), &wrong[..1]);
        assert_eq!(client.run("DBSIZE").int(), present, "{when}: DBSIZE");
        eprintln!("{when}: {count} keys are as they must be, {present} of them there");
    }
}

/// Ends the load also when the test fails, so that its threads can be joined.
pub struct StopOnDrop<'a>(pub &'a Load);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// INFO as fields.
pub fn info(client: &mut Client) -> BTreeMap<String, String> {
    let text = client.run("INFO everything").text();
    let fields = text.lines().filter_map(|line| line.trim_end().split_once(':'));
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What INFO says about the health of the logs, in one line.
pub fn health(client: &mut Client) -> String {
    let info = info(client);
    let field = |name: &str| info.get(name).map_or("(absent)", String::as_str).to_owned();
    let state = |shard: &str| {
        let line = field(shard);
        let state = line.split(',').find_map(|part| part.strip_prefix("state="));
        format!("{shard}={}", state.unwrap_or("(absent)"))
    };
    format!(
        "write_status={} log_status={} {} {} failures={} recoveries={}",
        field("aof_last_write_status"),
        field("log_status"),
        state("shard0"),
        state("shard1"),
        field("storage_failures"),
        field("storage_recoveries"),
    )
}

/// What INFO shows of a healthy server.
pub const WELL: [&str; 4] = ["write_status=ok", "log_status=ok", "shard0=ok", "shard1=ok"];

/// Lines with the time since the start, printed as they are noted.
pub struct Transcript(Instant);

impl Transcript {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn note(&self, text: &str) {
        eprintln!("{:8.3} s  {text}", self.0.elapsed().as_secs_f64());
    }

    /// Waits until INFO shows all of `wanted`, noting every change under way. Gives the time.
    pub fn wait_for(&self, client: &mut Client, wanted: &[&str]) -> Duration {
        let start = Instant::now();
        let mut last = String::new();
        loop {
            let now = health(client);
            if now != last {
                self.note(&now);
            }
            if wanted.iter().all(|part| now.contains(part)) {
                return start.elapsed();
            }
            let waited = start.elapsed();
            assert!(waited < WAIT_MAX, "INFO does not show {wanted:?} after {waited:?}: {now}");
            last = now;
            sleep(Duration::from_millis(20));
        }
    }
}
