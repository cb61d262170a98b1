//! What a server may hold, by what it acknowledged: for each key the states that are possible.
//! One state as long as every command was acknowledged; a command whose fate is unknown (an error
//! reply, or none) leaves the state without it and the state with it. What a server is then seen
//! to hold must be one of them, in every key, and it must hold nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::common::resp::Text;
use crate::common::{Client, Value};

/// Every unknown command may double them.
const STATES_MAX: usize = 1_000;
/// What ends is counted as gone a moment later.
const SIZE_TIMEOUT: Duration = Duration::from_secs(5);

pub type Bytes = Vec<u8>;
/// A key and the number of its database.
pub type Key = (usize, Bytes);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Content {
    Text(Bytes),
    Hash(BTreeMap<Bytes, Bytes>),
}

/// What is under a key, and when it ends (-1: never); `None` for no key.
pub type State = Option<(Content, i64)>;

/// What a command does to one key, whatever is there.
#[derive(Clone, Debug)]
pub enum Effect {
    Put(Content, i64),
    Delete,
    PutField(Bytes, Bytes),
    DeleteField(Bytes),
    Append(Bytes),
    Add(i64),
    End(i64),
}

impl Effect {
    fn apply(&self, state: State) -> State {
        let (content, end) = match (self, state) {
            (Effect::Put(content, end), _) => return Some((content.clone(), *end)),
            (Effect::Delete, _) | (Effect::DeleteField(_) | Effect::End(_), None) => return None,
            (Effect::PutField(..), None) => (Content::Hash(BTreeMap::new()), -1),
            (Effect::Append(_), None) => (Content::Text(Vec::new()), -1),
            (Effect::Add(_), None) => (Content::Text(b"0".to_vec()), -1),
            (_, Some(state)) => state,
        };
        match (self, content) {
            (Effect::PutField(field, value), Content::Hash(mut hash)) => {
                hash.insert(field.clone(), value.clone());
                Some((Content::Hash(hash), end))
            }
            (Effect::DeleteField(field), Content::Hash(mut hash)) => {
                hash.remove(field);
                (!hash.is_empty()).then_some((Content::Hash(hash), end))
            }
            (Effect::Append(tail), Content::Text(mut text)) => {
                text.extend_from_slice(tail);
                Some((Content::Text(text), end))
            }
            (Effect::Add(count), Content::Text(text)) => {
                let number = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
                let sum: i64 = number.unwrap_or(0) + count;
                Some((Content::Text(sum.to_string().into_bytes()), end))
            }
            (Effect::End(end), content) => Some((content, *end)),
            (effect, content) => panic!("the script does {effect:?} to {content:?}"),
        }
    }
}

/// One command of a test's script and what it does.
#[derive(Clone, Debug)]
pub struct Step {
    pub db: usize,
    pub args: Vec<Bytes>,
    pub effects: Vec<(Bytes, Effect)>,
}

#[derive(Clone, Default)]
pub struct Expected {
    keys: BTreeMap<Key, BTreeSet<State>>,
    /// All states that ever were possible: what an older copy of the data may show.
    past: BTreeMap<Key, BTreeSet<State>>,
    /// Old and new names of values, one of which each must have.
    moves: Vec<(Key, Key)>,
}

/// What was found wrong.
#[derive(Default, Debug)]
pub struct Findings {
    /// Keys that are lost, wrong, or came from nowhere.
    pub wrong: Vec<String>,
    /// Commands that were answered with an error, or not at all.
    pub errors: Vec<String>,
}

impl Findings {
    pub fn all(self) -> Vec<String> {
        [self.wrong, self.errors].concat()
    }
}

impl Expected {
    /// Notes what became of a step. Unknown: an error reply, or no reply. What a step does to one
    /// key is done whole or not at all.
    pub fn note(&mut self, step: &Step, acknowledged: bool) {
        if step.args[0] == b"RENAME" {
            let [old, new] = [1, 2].map(|index| (step.db, step.args[index].clone()));
            if self.keys.get(&old).is_some_and(|states| !states.contains(&None)) {
                self.moves.push((old, new));
            }
        }
        let mut of_keys: BTreeMap<&Bytes, Vec<&Effect>> = BTreeMap::new();
        for (key, effect) in &step.effects {
            of_keys.entry(key).or_default().push(effect);
        }
        for (key, effects) in of_keys {
            let at = (step.db, key.clone());
            let apply_all = |state: &State| {
                effects.iter().fold(state.clone(), |state, effect| effect.apply(state))
            };
            let old = self.keys.remove(&at).unwrap_or_else(|| BTreeSet::from([None]));
            let mut new: BTreeSet<State> = old.iter().map(apply_all).collect();
            let past = self.past.entry(at.clone()).or_insert_with(|| BTreeSet::from([None]));
            past.extend(new.iter().cloned());
            if !acknowledged {
                new.extend(old);
            }
            assert!(new.len() <= STATES_MAX, "the script leaves too much open");
            self.keys.insert(at, new);
        }
    }

    /// Every key that was ever touched, for commands that act on whole databases.
    pub fn keys_of(&self, db: usize) -> Vec<Bytes> {
        self.keys.keys().filter(|(of, _)| *of == db).map(|(_, key)| key.clone()).collect()
    }

    /// The logical databases change places, with everything in them.
    pub fn swap(&mut self, one: usize, other: usize) {
        let swapped = |db: usize| match db {
            _ if db == one => other,
            _ if db == other => one,
            _ => db,
        };
        for map in [&mut self.keys, &mut self.past] {
            let old = std::mem::take(map);
            map.extend(old.into_iter().map(|((db, key), states)| ((swapped(db), key), states)));
        }
        for (old, new) in &mut self.moves {
            (old.0, new.0) = (swapped(old.0), swapped(new.0));
        }
    }

    /// The same, but any state of the past will do: for data that lost its newest part.
    pub fn with_any_past(&self) -> Self {
        Self { keys: self.past.clone(), past: self.past.clone(), moves: Vec::new() }
    }

    /// Says something untrue about one key, for a test of the tests.
    pub fn tamper(&mut self) {
        let state = self.keys.values_mut().find(|states| !states.contains(&None));
        let untrue = Some((Content::Text(b"never written".to_vec()), -1));
        *state.expect("a key that exists") = BTreeSet::from([untrue]);
    }

    /// Drops a key, so that the server holds one from nowhere; for a test of the tests.
    pub fn forget_one(&mut self) {
        let certain = self.keys.iter().find(|(_, states)| !states.contains(&None));
        let key = certain.expect("a key that exists").0.clone();
        self.keys.remove(&key);
    }

    /// Compares everything the server holds. What is seen is from then on the only possible state:
    /// a later look must show the same.
    pub fn check(&mut self, client: &mut Client) -> Findings {
        let mut findings = Findings::default();
        let databases: BTreeSet<usize> = self.keys.keys().map(|(db, _)| *db).collect();
        for db in databases {
            if let Err(error) = self.check_database(client, db, &mut findings) {
                findings.errors.push(format!("no reply: {error}"));
                break;
            }
        }
        findings
    }

    fn check_database(
        &mut self,
        client: &mut Client,
        db: usize,
        findings: &mut Findings,
    ) -> io::Result<()> {
        let select = format!("SELECT {db}");
        let select = client.try_pipeline(&[select.split(' ').collect()])?.remove(0);
        assert!(!select.is_error(), "{select:?}");
        let keys = self.keys_of(db);
        let mut present = 0;
        // A key whose deadline is in the past is not there.
        let now = now_ms();
        for chunk in keys.chunks(500) {
            for (key, seen) in chunk.iter().zip(observe(client, chunk)?) {
                let name = format!("{} in database {db}", Text(key));
                let seen = match seen {
                    Ok(seen) => seen,
                    Err(error) => {
                        findings.errors.push(format!("{name}: {error}"));
                        continue;
                    }
                };
                present += usize::from(seen.is_some());
                let states = self.keys.get_mut(&(db, key.clone())).expect("an expected key");
                let possible: BTreeSet<State> =
                    states.iter().map(|state| without_ended(state, now)).collect();
                if possible.contains(&seen) {
                    *states = BTreeSet::from([seen]);
                } else {
                    let possible: Vec<String> = possible.iter().map(shown).collect();
                    let (seen, possible) = (shown(&seen), possible.join(", or "));
                    findings.wrong.push(format!("{name} is {seen}; expected {possible}"));
                }
            }
        }
        let is_gone = |key: &Key| self.keys[key].iter().all(Option::is_none);
        for (old, new) in self.moves.iter().filter(|(old, _)| old.0 == db) {
            if is_gone(old) && is_gone(new) {
                let names = format!("{} and {}", Text(&old.1), Text(&new.1));
                findings.wrong.push(format!("{names}: the value is under neither name"));
            }
        }
        let listed = client.try_pipeline(&[vec!["KEYS", "*"]])?.remove(0);
        let mut size = client.try_pipeline(&[vec!["DBSIZE"]])?.remove(0);
        // What is wrong anyway need not be waited for.
        let patience = if findings.wrong.is_empty() { SIZE_TIMEOUT } else { Duration::ZERO };
        let deadline = Instant::now() + patience;
        while matches!(size, Value::Int(size) if size > present as i64) && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(50));
            size = client.try_pipeline(&[vec!["DBSIZE"]])?.remove(0);
        }
        for reply in [&listed, &size] {
            if reply.is_error() {
                findings.errors.push(format!("database {db}: {reply:?}"));
            }
        }
        if let Value::Array(items) = &listed {
            for item in items {
                if !self.keys.contains_key(&(db, item.bytes().to_vec())) {
                    findings.wrong.push(format!("{item:?} in database {db} is from nowhere"));
                }
            }
            if items.len() != present && findings.errors.is_empty() {
                findings.wrong.push(format!("KEYS lists {} of {present} keys", items.len()));
            }
        }
        if let Value::Int(size) = size
            && size != present as i64
            && findings.errors.is_empty()
        {
            findings.wrong.push(format!("DBSIZE of {db} is {size}, keys there: {present}"));
        }
        Ok(())
    }
}

fn without_ended(state: &State, now: i64) -> State {
    state.clone().filter(|(_, end)| *end == -1 || *end > now)
}

/// The states of keys as the server shows them, or its error reply.
fn observe(client: &mut Client, keys: &[Bytes]) -> io::Result<Vec<Result<State, String>>> {
    let kinds: Vec<Vec<&[u8]>> = keys.iter().map(|key| vec![&b"TYPE"[..], key]).collect();
    let kinds = client.try_pipeline(&kinds)?;
    let looks = keys.iter().zip(&kinds).flat_map(|(key, kind)| {
        let look: &[u8] = match kind {
            Value::Simple(name) if name == b"hash" => b"HGETALL",
            _ => b"GET",
        };
        [vec![look, key.as_slice()], vec![b"PEXPIRETIME", key]]
    });
    let looks = client.try_pipeline(&looks.collect::<Vec<_>>())?;
    let states = looks.chunks(2).zip(kinds).map(|(pair, kind)| match (&pair[0], &pair[1]) {
        _ if kind.is_error() => Err(format!("{kind:?}")),
        (error, _) | (_, error) if error.is_error() => Err(format!("{error:?}")),
        (Value::NullBulk, Value::Int(-2)) => Ok(None),
        (Value::Bulk(text), Value::Int(end)) => Ok(Some((Content::Text(text.clone()), *end))),
        (hash @ Value::Array(_), Value::Int(end)) => {
            let field =
                |(field, value): (Value, Value)| (field.bytes().into(), value.bytes().into());
            Ok(Some((Content::Hash(hash.pairs().into_iter().map(field).collect()), *end)))
        }
        (content, end) => Err(format!("{kind:?}, {content:?} and {end:?} together")),
    });
    Ok(states.collect())
}

fn shown(state: &State) -> String {
    match state {
        None => "not there".to_owned(),
        Some((Content::Text(text), end)) => {
            format!("\"{:.60}\" until {end}", Text(text).to_string())
        }
        Some((Content::Hash(hash), end)) => {
            let fields: Vec<String> = hash
                .iter()
                .take(4)
                .map(|(f, v)| format!("{}={:.20}", Text(f), Text(v).to_string()))
                .collect();
            format!("a hash of {} ({}) until {end}", hash.len(), fields.join(" "))
        }
    }
}

pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    now.as_millis() as i64
}
