//! One writer's writes to one shard, and the cut that explains what is left of them.

use std::collections::BTreeMap;
use std::collections::hash_map::{Entry, HashMap};

use super::content::{Content, Observed};
use super::register::{Register, State, Step};
use super::slot::shard_of;
use super::write::{Change, FieldName, Stamp, Write, key_name};
use super::{Ledger, Writer};
use crate::family::Family;

/// Where one writer's writes to one shard end, as far as they survived.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) writer: u32,
    /// Acknowledged writes behind the cut, and when the first of them was acknowledged.
    pub(super) lost: usize,
    pub(super) first_lost_micros: Option<u64>,
    /// Writes that surely survived without having been acknowledged.
    pub(super) kept: usize,
    /// When the last write was sent that surely survived.
    pub(super) last_kept_sent_micros: Option<u64>,
}

#[derive(Default)]
pub(super) struct Part<'a> {
    /// Their numbers within the writer. A cut is how many of these have happened.
    writes: Vec<usize>,
    keys: HashMap<(Family, u64), Key<'a>>,
}

/// What of a key is judged by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Which {
    /// A string with its deadline, or a counter.
    Value,
    Field(u16),
    /// Of a hash.
    Deadline,
}

struct Key<'a> {
    family: Family,
    name: String,
    content: Option<&'a Content>,
    registers: BTreeMap<Which, Register>,
}

/// A writer's writes by shard, all of them gone through.
pub(super) fn parts_of<'a>(
    ledger: &Ledger,
    writer: &Writer,
    observed: &'a Observed,
    shards: usize,
) -> Vec<Part<'a>> {
    let mut parts: Vec<Part> = (0..shards).map(|_| Part::default()).collect();
    let mut shard_by_key: HashMap<(Family, u64), usize> = HashMap::new();
    for (index, sent) in writer.writes.iter().enumerate() {
        let Write { family, key, change } = sent.write;
        let name = || key_name(&ledger.prefix, family, key);
        let shard = *shard_by_key
            .entry((family, key))
            .or_insert_with(|| shard_of(name().as_bytes(), shards));
        let part = &mut parts[shard];
        part.writes.push(index);
        let position = part.writes.len();
        let key = match part.keys.entry((family, key)) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let content = observed.get(&(family, key));
                entry.insert(Key { family, name: name(), content, registers: BTreeMap::new() })
            }
        };
        let stamp = Stamp { run: ledger.run, writer: writer.id, number: index as u32 };
        // A hash's deadline stands and falls with the field written right before.
        let is_second = family == Family::Hash && change == Change::Expire;
        let refused =
            writer.was_refused(index) || is_second && index > 0 && writer.was_refused(index - 1);
        for (which, step) in key.steps(change, stamp) {
            key.register(which).step(position, &step, refused);
        }
    }
    parts
}

impl Key<'_> {
    fn steps(&self, change: Change, stamp: Stamp) -> Vec<(Which, Step)> {
        let is_hash = self.family == Family::Hash;
        let deadline_of = if is_hash { Which::Deadline } else { Which::Value };
        match change {
            Change::Set { size, volatile } => {
                let value = Some(stamp.value(None, size));
                let deadline_ms = volatile.then(|| stamp.deadline_ms());
                vec![(Which::Value, Step::Put(State { value, deadline_ms }))]
            }
            Change::Append { size } => {
                vec![(Which::Value, Step::Append(stamp.value(None, size)))]
            }
            Change::Increment => vec![(Which::Value, Step::Increment)],
            Change::Delete if is_hash => {
                self.registers.keys().map(|&which| (which, Step::Remove)).collect()
            }
            Change::Delete => vec![(Which::Value, Step::Remove)],
            Change::SetFields { first, count, size } => (first..first + count)
                .map(|field| {
                    let value = stamp.value(Some(field), size);
                    (Which::Field(field), Step::Put(State::of(value)))
                })
                .collect(),
            Change::DeleteField { field } => vec![(Which::Field(field), Step::Remove)],
            // The hash is there: whoever sets its deadline has written a field right before.
            Change::Expire if is_hash => {
                let deadline = stamp.deadline_ms().to_string().into_bytes();
                vec![(Which::Deadline, Step::Put(State::of(deadline)))]
            }
            Change::Expire => vec![(deadline_of, Step::Expire(stamp.deadline_ms()))],
            Change::Persist if is_hash => vec![(Which::Deadline, Step::Remove)],
            Change::Persist => vec![(deadline_of, Step::Persist)],
        }
    }

    fn register(&mut self, which: Which) -> &mut Register {
        let content = self.content;
        self.registers.entry(which).or_insert_with(|| Register::new(observed(content, which)))
    }

    /// What is there that no write ever put there.
    fn unexpected(&self) -> Option<String> {
        let content = self.content?;
        let name = &self.name;
        let is_hash = self.family == Family::Hash;
        if is_hash != content.value.is_none() || is_hash == content.fields.is_empty() {
            return Some(format!("{name} has another type"));
        }
        let fields = self.registers.keys().filter_map(|which| match which {
            Which::Field(field) => Some(FieldName(*field).to_string().into_bytes()),
            _ => None,
        });
        let known = fields.filter(|field| content.fields.contains_key(field)).count();
        if known < content.fields.len() {
            return Some(format!("{name} has fields that were never written"));
        }
        let has_deadline = self.registers.contains_key(&Which::Deadline);
        if is_hash && content.deadline_ms.is_some() && !has_deadline {
            return Some(format!("{name} has a deadline that was never set"));
        }
        None
    }
}

fn observed(content: Option<&Content>, which: Which) -> State {
    let Some(content) = content else { return State::default() };
    match which {
        Which::Value => State { value: content.value.clone(), deadline_ms: content.deadline_ms },
        Which::Field(field) => {
            let value = content.fields.get(FieldName(field).to_string().as_bytes());
            State { value: value.cloned(), deadline_ms: None }
        }
        Which::Deadline => {
            let text = content.deadline_ms.map(|deadline_ms| deadline_ms.to_string().into_bytes());
            State { value: text, deadline_ms: None }
        }
    }
}

impl Part<'_> {
    /// The best cut, or why there is none.
    pub(super) fn cut(mut self, writer: &Writer) -> Result<Cut, String> {
        if let Some(unexpected) = self.keys.values().find_map(Key::unexpected) {
            return Err(unexpected);
        }
        let count = self.writes.len();
        // How many registers each cut explains, as differences from one cut to the next.
        let mut explained = vec![0i64; count + 2];
        let mut registers = 0;
        for register in self.keys.values_mut().flat_map(|key| key.registers.values_mut()) {
            registers += 1;
            for &(from, until) in register.finish(count) {
                explained[from] += 1;
                explained[until] -= 1;
            }
        }
        let mut sum = 0;
        let mut cuts = (0..=count).filter(|&cut| {
            sum += explained[cut];
            sum == registers
        });
        let Some(least) = cuts.next() else { return Err(self.explain(writer)) };
        let best = cuts.last().unwrap_or(least);
        let (kept, behind) = (&self.writes[..least], &self.writes[best..]);
        let acknowledged = |index: &&usize| writer.acknowledged(**index).is_some();
        let first_lost = behind.iter().find_map(|&index| writer.acknowledged(index));
        Ok(Cut {
            writer: writer.id,
            lost: behind.iter().filter(acknowledged).count(),
            first_lost_micros: first_lost,
            kept: kept.iter().filter(|index| !acknowledged(index)).count(),
            last_kept_sent_micros: kept.last().map(|&index| writer.writes[index].micros),
        })
    }

    /// Names what does not go together.
    fn explain(&self, writer: &Writer) -> String {
        let all = || {
            let registers = |key| {
                let Key { registers, .. }: &Key = key;
                registers.iter().map(move |(which, register)| (key, *which, register))
            };
            self.keys.values().flat_map(registers)
        };
        let describe = |position: usize| match position.checked_sub(1) {
            None => "before any write".to_owned(),
            Some(at) => {
                let number = self.writes[at];
                let reply = match writer.replies.get(number) {
                    Some(reply) if reply.refused => "refused".to_owned(),
                    Some(reply) => format!("acknowledged at {} us", reply.micros),
                    None => "never answered".to_owned(),
                };
                let sent = writer.writes[number].micros;
                format!("write {number} (sent at {sent} us, {reply})")
            }
        };
        let strange = all().find(|(.., register)| register.matches().is_empty());
        if let Some((key, which, register)) = strange {
            return format!(
                "{} {which:?} is {}, which no writes leave; the last of them, {}, leaves {}",
                key.name,
                text(Some(register.observed())),
                describe(register.last_step()),
                text(register.last_state()),
            );
        }
        // The one that needs the most writes, and the one that needs the fewest.
        let first = |register: &Register| register.matches().first().map_or(0, |&(from, _)| from);
        let last = |register: &Register| register.matches().last().map_or(0, |&(_, until)| until);
        let newest = all().max_by_key(|(.., register)| first(register));
        let oldest = all().min_by_key(|(.., register)| last(register));
        let (Some((new_key, new, newest)), Some((old_key, old, oldest))) = (newest, oldest) else {
            return "nothing was written".to_owned();
        };
        format!(
            "a hole: {} {new:?} is as after {}, while {} {old:?} is as before {}",
            new_key.name,
            describe(first(newest)),
            old_key.name,
            describe(last(oldest).min(self.writes.len())),
        )
    }
}

/// A state for people; long values are cut.
fn text(state: Option<&State>) -> String {
    const SHOWN_BYTES_MAX: usize = 40;
    let Some(State { value, deadline_ms }) = state else { return "anything".to_owned() };
    let Some(value) = value else { return "absent".to_owned() };
    let shown = &value[..value.len().min(SHOWN_BYTES_MAX)];
    let mut text = format!("{:?} ({} bytes", String::from_utf8_lossy(shown), value.len());
    if let Some(deadline_ms) = deadline_ms {
        text.push_str(&format!(", deadline {deadline_ms}"));
    }
    text + ")"
}
