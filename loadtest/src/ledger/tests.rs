//! The verdict on servers that lose and keep in every way; the server is the first writes of
//! each shard carried out here, after a specification of its own.

use super::content::{Content, Observed};
use super::judge::{Verdict, judge};
use super::write::{Change, FieldName, Stamp, Write, key_name};
use super::{Answers, Authors, DEFAULT_MIX, Ledger, Reply, Writer, prefix_of, slot};
use crate::args::tests::load_of;
use crate::family::Family;

const RUN: u64 = 77;
const SHARDS: usize = 2;
const WRITES: usize = 600;

/// A ledger as a run leaves it: write `n` is sent at `n` milliseconds, acknowledged at the next
/// half; the last ten writes are of unknown outcome.
fn ledger(seed: u64) -> Ledger {
    let seed = seed.to_string();
    let mix = ["--mix", DEFAULT_MIX, "-c", "3", "--keys", "30", "--fields", "20", "--seed", &seed];
    let load = load_of(&mix);
    let mut authors = Authors::new(&load, RUN, 0, 3).expect("valid");
    let mut answers = Vec::new();
    for connection in 0..3 {
        let mut replies = Vec::new();
        for n in 0..WRITES as u64 {
            authors.append_next(connection, n * 1_000_000, &mut Vec::new());
            replies.push(Reply { micros: n * 1_000 + 500, refused: false });
        }
        replies.truncate(WRITES - 10);
        answers.push(Answers { replies, lost_micros: Some(WRITES as u64 * 1_000) });
    }
    let writers = authors.into_writers(answers);
    Ledger { run: RUN, prefix: prefix_of(&load.key_prefix, RUN), began_unix_micros: 0, writers }
}

/// A server on which those writes have happened for which `happened(writer, shard, number)` holds.
fn server(ledger: &Ledger, happened: impl Fn(&Writer, usize, usize) -> bool) -> Observed {
    let mut contents = Observed::new();
    for writer in &ledger.writers {
        for (number, sent) in writer.writes.iter().enumerate() {
            let Write { family, key, change } = sent.write;
            let name = key_name(&ledger.prefix, family, key);
            let shard = slot::shard_of(name.as_bytes(), SHARDS);
            if happened(writer, shard, number) {
                let stamp = Stamp { run: RUN, writer: writer.id, number: number as u32 };
                apply(&mut contents, (family, key), change, stamp);
            }
        }
    }
    contents
}

fn apply(contents: &mut Observed, key: (Family, u64), change: Change, stamp: Stamp) {
    match change {
        Change::Delete => drop(contents.remove(&key)),
        Change::Expire | Change::Persist => {
            if let Some(content) = contents.get_mut(&key) {
                content.deadline_ms = (change == Change::Expire).then(|| stamp.deadline_ms());
            }
        }
        Change::DeleteField { field } => {
            if let Some(content) = contents.get_mut(&key) {
                content.fields.remove(FieldName(field).to_string().as_bytes());
                if content.fields.is_empty() {
                    contents.remove(&key);
                }
            }
        }
        Change::Set { size, volatile } => {
            let deadline_ms = volatile.then(|| stamp.deadline_ms());
            let value = Some(stamp.value(None, size));
            contents.insert(key, Content { value, deadline_ms, ..Content::default() });
        }
        Change::Append { size } => {
            let content = contents.entry(key).or_default();
            content.value.get_or_insert_default().extend(stamp.value(None, size));
        }
        Change::Increment => {
            let content = contents.entry(key).or_default();
            let text = String::from_utf8(content.value.take().unwrap_or_default()).expect("text");
            let number: i64 = if text.is_empty() { 0 } else { text.parse().expect("a number") };
            content.value = Some((number + 1).to_string().into_bytes());
        }
        Change::SetFields { first, count, size } => {
            let content = contents.entry(key).or_default();
            for field in first..first + count {
                let name = FieldName(field).to_string().into_bytes();
                content.fields.insert(name, stamp.value(Some(field), size));
            }
        }
    }
}

fn verdict(ledger: &Ledger, happened: impl Fn(&Writer, usize, usize) -> bool) -> Verdict {
    judge(ledger, &server(ledger, happened), SHARDS)
}

const SEEDS: std::ops::Range<u64> = 0..40;

#[test]
fn nothing_is_lost_where_all_acknowledged_writes_have_happened() {
    for seed in SEEDS {
        let ledger = ledger(seed);
        for kept in [0, 3, 10] {
            let verdict = verdict(&ledger, |_, _, number| number < WRITES - 10 + kept);
            assert_eq!(verdict.violations, [""; 0], "seed {seed}");
            assert_eq!((verdict.lost, verdict.acknowledged), (0, 3 * (WRITES - 10)));
            assert!(verdict.kept <= 3 * kept, "{} of {kept}", verdict.kept);
        }
    }
}

#[test]
fn a_lost_end_is_counted_and_dated() {
    for seed in SEEDS {
        let ledger = ledger(seed);
        let verdict = verdict(&ledger, |_, shard, number| shard == 0 || number < 500);
        assert_eq!(verdict.violations, [""; 0], "seed {seed}");
        // 90 acknowledged writes of each writer, those of one shard; a change without effect, such
        // as a second DEL, is no loss.
        assert!((90..180).contains(&verdict.lost), "seed {seed}: {}", verdict.lost);
        let oldest = (WRITES as u64 - 500) * 1_000;
        assert!((oldest - 12_000..=oldest).contains(&verdict.oldest_lost_micros));
    }
}

#[test]
fn one_lost_write_among_survivors_is_a_violation() {
    let mut seen = 0;
    for seed in SEEDS {
        let ledger = ledger(seed);
        for hole in [100, 300, 400] {
            let verdict = verdict(&ledger, |writer, _, number| writer.id != 1 || number != hole);
            // The write may have been overwritten since, which leaves no trace.
            seen += usize::from(!verdict.violations.is_empty());
            assert!(verdict.violations.len() <= 1, "seed {seed}: {:?}", verdict.violations);
        }
    }
    assert!(seen > 20, "only {seen} holes were seen");
}

#[test]
fn a_hole_between_writers_of_one_shard_is_a_violation() {
    let ledger = ledger(1);
    let alike = verdict(&ledger, |_, _, number| number < 400);
    assert_eq!(alike.violations, [""; 0]);
    let uneven = verdict(&ledger, |writer, _, number| number < 400 || writer.id == 2);
    assert_eq!(uneven.violations.len(), SHARDS, "{:?}", uneven.violations);
    assert!(uneven.violations[0].contains("a hole: writer"), "{:?}", uneven.violations);
}

#[test]
fn values_that_nobody_wrote_are_violations() {
    type Damage = fn(&mut Content);
    let damages: [(Family, Damage); 6] = [
        (Family::String, |content| {
            if let Some(byte) = content.value.as_mut().and_then(|value| value.last_mut()) {
                *byte ^= 1;
            }
        }),
        (Family::String, |content| content.deadline_ms = Some(1)),
        (Family::Counter, |content| content.value = Some(b"1000000".to_vec())),
        (Family::Hash, |content| content.deadline_ms = Some(1)),
        (Family::Hash, |content| drop(content.fields.insert(b"f9999".to_vec(), Vec::new()))),
        (Family::Hash, |content| *content = Content { value: Some(vec![]), ..Content::default() }),
    ];
    let ledger = ledger(2);
    for (index, (family, damage)) in damages.into_iter().enumerate() {
        let mut observed = server(&ledger, |_, _, _| true);
        let victim = observed.iter_mut().find(|((of, _), _)| *of == family).expect("a key");
        damage(victim.1);
        let verdict = judge(&ledger, &observed, SHARDS);
        assert_eq!(verdict.violations.len(), 1, "{index}: {:?}", verdict.violations);
    }
}

#[test]
fn a_refused_write_may_have_happened_or_not() {
    for seed in SEEDS {
        let mut ledger = ledger(seed);
        for writer in &mut ledger.writers {
            writer.replies.iter_mut().step_by(7).for_each(|reply| reply.refused = true);
        }
        for happens in [true, false] {
            let verdict =
                verdict(&ledger, |writer, _, number| happens || !writer.was_refused(number));
            assert_eq!(verdict.violations, [""; 0], "seed {seed}");
            assert_eq!(verdict.lost, 0, "seed {seed}");
        }
    }
}
