//! What the tests of failing disks do to a server: a repeatable sequence of writes of every type
//! over all shards, sent in pipelines, and the note of what was acknowledged.

use std::io;

use crate::common::resp::encode_request;
use crate::common::{Client, Rng, Value};
use crate::expected::{Bytes, Content, Effect, Expected, Step, now_ms};

/// A deadline that no test lives to see.
const YEAR_2100_MS: i64 = 4_102_444_800_000;
/// A deadline that is over before anything is compared.
pub const SOON_MS: i64 = 40;
const PIPELINE_MAX: usize = 12;
const FOREVER: i64 = -1;

fn step(db: usize, line: &str, effects: Vec<(Bytes, Effect)>) -> Step {
    let args = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    Step { db, args, effects }
}

fn text(value: &[u8]) -> Content {
    Content::Text(value.to_vec())
}

pub fn set(db: usize, key: &str, value: Bytes) -> Step {
    let effects = vec![(key.into(), Effect::Put(text(&value), FOREVER))];
    Step { db, args: vec![b"SET".to_vec(), key.into(), value], effects }
}

fn delete(db: usize, keys: &[String]) -> Step {
    let effects = keys.iter().map(|key| (key.clone().into_bytes(), Effect::Delete)).collect();
    step(db, &format!("DEL {}", keys.join(" ")), effects)
}

/// One HSET of many fields.
fn put_fields(db: usize, key: &str, prefix: &str, count: usize) -> Step {
    let mut line = format!("HSET {key}");
    let mut effects = Vec::new();
    for i in 0..count {
        let (field, value) = (format!("{prefix}:{i}"), format!("value:{i}"));
        line.push_str(&format!(" {field} {value}"));
        effects.push((key.into(), Effect::PutField(field.into(), value.into())));
    }
    step(db, &line, effects)
}

/// A few dozen commands, the same for the same `rng`; `part` gives the keys their names, and later
/// parts work on keys of earlier ones too.
pub fn steps(rng: &mut Rng, part: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let some_part = |rng: &mut Rng| rng.below(part + 1);
    let mut texts = Vec::new();
    for i in 0..8 {
        let count = rng.below(100);
        texts.push(rng.bytes(count));
        steps.push(set(0, &format!("text:{part}:{i}"), texts[i].clone()));
    }
    for i in 0..4 {
        steps.push(put_fields(0, &format!("hash:{part}:{i}"), "field", 1 + rng.below(5)));
    }
    // Too large for one record: its elements are records of their own.
    steps.push(put_fields(0, &format!("large:{part}"), "field", 700));
    let pairs: Vec<(String, String)> =
        (0..6).map(|i| (format!("many:{part}:{i}"), format!("value:{i}"))).collect();
    let words: Vec<String> = pairs.iter().map(|(key, value)| format!("{key} {value}")).collect();
    let put = |(key, value): (String, String)| {
        (key.into_bytes(), Effect::Put(text(value.as_bytes()), FOREVER))
    };
    let line = format!("MSET {}", words.join(" "));
    steps.push(step(0, &line, pairs.into_iter().map(put).collect()));
    for _ in 0..4 {
        let (part, i) = (some_part(rng), rng.below(4));
        let count = 1 + rng.below(9) as i64;
        let key = format!("count:{part}:{i}");
        steps.push(step(
            0,
            &format!("INCRBY {key} {count}"),
            vec![(key.into(), Effect::Add(count))],
        ));
        let key = format!("text:{part}:{i}");
        steps.push(step(
            0,
            &format!("APPEND {key} tail"),
            vec![(key.into(), Effect::Append(b"tail".to_vec()))],
        ));
        let key = format!("hash:{part}:{i}");
        steps.push(step(
            0,
            &format!("HDEL {key} field:0"),
            vec![(key.into(), Effect::DeleteField(b"field:0".to_vec()))],
        ));
        let key = format!("many:{part}:{i}");
        let end = YEAR_2100_MS + rng.below(1_000_000) as i64;
        let line = format!("PEXPIREAT {key} {end}");
        steps.push(step(0, &line, vec![(key.into(), Effect::End(end))]));
    }
    let key = format!("bit:{part}");
    let byte = Effect::Put(text(&[1]), FOREVER);
    steps.push(step(0, &format!("SETBIT {key} 7 1"), vec![(key.into(), byte)]));
    let end = now_ms() + SOON_MS;
    for i in 0..3 {
        let key = format!("short:{part}:{i}");
        let effect = Effect::Put(text(b"value"), end);
        steps.push(step(0, &format!("SET {key} value PXAT {end}"), vec![(key.into(), effect)]));
    }
    // Enough for the memtables of a small write buffer to be written out.
    for i in 0..8 {
        steps.push(set(1, &format!("big:{part}:{i}"), rng.bytes(20_000)));
    }
    let gone = [format!("text:{part}:7"), format!("hash:{part}:3"), format!("many:{part}:5")];
    steps.push(delete(0, &gone));
    steps.push(delete(0, &[format!("large:{}", some_part(rng))]));
    for (i, value) in texts.iter().enumerate().take(7).skip(4) {
        let (old, new) = (format!("text:{part}:{i}"), format!("moved:{part}:{i}"));
        let put = Effect::Put(text(value), FOREVER);
        let effects = vec![(old.clone().into(), Effect::Delete), (new.clone().into(), put)];
        steps.push(step(0, &format!("RENAME {old} {new}"), effects));
    }
    for i in 0..4 {
        steps.push(set(2, &format!("flushed:{part}:{i}"), b"value".to_vec()));
    }
    steps.push(step(2, "FLUSHDB", Vec::new()));
    steps.push(set(2, &format!("after:{part}"), b"value".to_vec()));
    steps
}

/// Runs the steps in pipelines and notes their fates. Gives complaints: replies that no fault
/// excuses, and hangs. The connection's end is an error; steps that were not sent leave no trace.
pub fn run(
    client: &mut Client,
    steps: &[Step],
    expected: &mut Expected,
    rng: &mut Rng,
    complaints: &mut Vec<String>,
) -> io::Result<()> {
    let mut rest = steps;
    while !rest.is_empty() {
        let count = 1 + rng.below(PIPELINE_MAX);
        let (now, later) = rest.split_at(count.min(rest.len()));
        rest = later;
        run_together(client, now, expected, complaints)?;
    }
    Ok(())
}

fn run_together(
    client: &mut Client,
    steps: &[Step],
    expected: &mut Expected,
    complaints: &mut Vec<String>,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    for step in steps {
        bytes.extend(encode_request(&[b"SELECT".to_vec(), step.db.to_string().into_bytes()]));
        bytes.extend(encode_request(&step.args));
    }
    let mut outcome = client.try_write_raw(&bytes);
    for step in steps {
        // A FLUSHDB acts on what is there at its turn.
        let mut step = step.clone();
        if step.args[0] == b"FLUSHDB" {
            let all = expected.keys_of(step.db).into_iter();
            step.effects = all.map(|key| (key, Effect::Delete)).collect();
        }
        let reply = outcome.and_then(|()| client.try_read()).and_then(|_| client.try_read());
        let acknowledged = reply.as_ref().is_ok_and(|reply| !reply.is_error());
        expected.note(&step, acknowledged);
        outcome = match reply {
            Ok(reply) => {
                complaints.extend(complaint(&step, &reply));
                Ok(())
            }
            Err(error) => {
                if error.kind() == io::ErrorKind::WouldBlock {
                    complaints.push(format!("no reply to {}", name(&step)));
                }
                Err(error)
            }
        };
    }
    outcome
}

/// What is wrong with an error reply to a write while the disk fails, if anything.
fn complaint(step: &Step, reply: &Value) -> Option<String> {
    const EXCUSED: [&str; 2] = [
        "MISCONF Errors writing to the AOF file: Input/output error",
        "MISCONF Errors writing to the AOF file: No space left on device",
    ];
    // The write of what is to be renamed may have failed.
    let is_missing = step.args[0] == b"RENAME" && reply.text() == "ERR no such key";
    let excused = !reply.is_error() || is_missing || EXCUSED.contains(&reply.text().as_str());
    (!excused).then(|| format!("{} is answered {reply:?}", name(step)))
}

fn name(step: &Step) -> String {
    let words = step.args.iter().take(2).map(|word| String::from_utf8_lossy(word).into_owned());
    words.collect::<Vec<_>>().join(" ")
}
