//! What the commands do to a few keys in two databases, and what a server must reply.

use crate::common::Value;

/// Keys of one database; in turns of one and of the other of two shards.
pub const KEYS: usize = 10;
pub const DATABASES: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A short string.
    Short,
    /// A string that stands in pieces on the disk.
    Long,
    /// A hash with elements of its own on the disk.
    Hash,
}

/// A value; its bytes follow from this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Content {
    /// No other value of the writer has it.
    pub stamp: u64,
    pub form: Form,
}

/// What is under each key of each database.
pub type Slots = [[Option<Content>; KEYS]; DATABASES];

#[derive(Clone, Debug)]
pub enum Command {
    /// A hash is put only where nothing is.
    Put(usize, Content),
    /// MSET, or MSETNX. Short strings.
    PutAll {
        pairs: Vec<(usize, Content)>,
        only_if_free: bool,
    },
    /// DEL, or UNLINK.
    Delete {
        keys: Vec<usize>,
        verb: &'static str,
    },
    /// RENAME, or RENAMENX.
    Rename {
        from: usize,
        to: usize,
        only_if_free: bool,
    },
    Copy {
        from: usize,
        to: usize,
        db: usize,
        replace: bool,
    },
    /// To the other database.
    Move(usize),
    Flush,
    Swap,
}

/// A command in one of the writer's databases.
#[derive(Clone, Debug)]
pub struct Step {
    pub db: usize,
    pub command: Command,
}

/// What the databases hold. Who swaps them swaps their names alone.
#[derive(Clone, Debug, Default)]
pub struct State {
    slots: Slots,
    pub swapped: bool,
}

/// What a step came to.
pub struct Done {
    pub reply: Value,
    /// Databases (by what they hold, not by name) and keys, with what is there now.
    pub changes: Vec<(usize, usize, Option<Content>)>,
    /// A value went from the first key to the second.
    pub moved: Option<(usize, usize)>,
}

impl State {
    pub fn of(slots: Slots) -> Self {
        Self { slots, swapped: false }
    }

    /// What is under a key of a database with this name.
    pub fn get(&self, db: usize, key: usize) -> Option<Content> {
        self.slots[self.held_by(db)][key]
    }

    fn held_by(&self, db: usize) -> usize {
        db ^ usize::from(self.swapped)
    }

    /// The same slots, by what holds them.
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    pub fn apply(&mut self, step: &Step) -> Done {
        let ok = Value::Simple(b"OK".to_vec());
        let (db, other) = (self.held_by(step.db), self.held_by(step.db ^ 1));
        let mut moved = None;
        let mut changes = Vec::new();
        let here = self.slots[db];
        let reply = match &step.command {
            Command::Put(key, content) => {
                changes.push((db, *key, Some(*content)));
                match content.form {
                    Form::Hash => Value::Int(HASH_FIELDS as i64),
                    Form::Short | Form::Long => ok,
                }
            }
            Command::PutAll { pairs, only_if_free } => {
                let is_free = pairs.iter().all(|(key, _)| here[*key].is_none());
                if is_free || !only_if_free {
                    changes.extend(pairs.iter().map(|(key, content)| (db, *key, Some(*content))));
                }
                if *only_if_free { Value::Int(i64::from(is_free)) } else { ok }
            }
            Command::Delete { keys, .. } => {
                let there = keys.iter().filter(|key| here[**key].is_some());
                changes.extend(there.map(|key| (db, *key, None)));
                Value::Int(changes.len() as i64)
            }
            Command::Rename { from, to, only_if_free } => match here[*from] {
                None => Value::Error(b"ERR no such key".to_vec()),
                Some(_) if *only_if_free && here[*to].is_some() => Value::Int(0),
                content => {
                    changes.extend([(db, *from, None), (db, *to, content)]);
                    moved = Some((*from, *to));
                    if *only_if_free { Value::Int(1) } else { ok }
                }
            },
            Command::Copy { from, to, db: target, replace } => {
                let target = self.held_by(*target);
                let is_free = self.slots[target][*to].is_none();
                match here[*from] {
                    Some(content) if is_free || *replace => {
                        changes.push((target, *to, Some(content)));
                        Value::Int(1)
                    }
                    _ => Value::Int(0),
                }
            }
            Command::Move(key) => match here[*key] {
                Some(content) if self.slots[other][*key].is_none() => {
                    changes.extend([(db, *key, None), (other, *key, Some(content))]);
                    Value::Int(1)
                }
                _ => Value::Int(0),
            },
            Command::Flush => {
                changes.extend((0..KEYS).map(|key| (db, key, None)));
                ok
            }
            Command::Swap => {
                self.swapped = !self.swapped;
                ok
            }
        };
        for (db, key, content) in &changes {
            self.slots[*db][*key] = *content;
        }
        Done { reply, changes, moved }
    }
}

/// So many are not kept in the record of the key.
const HASH_FIELDS: usize = 600;
const LONG_BYTES: usize = 300 << 10;

impl Content {
    /// The value of a string.
    pub fn text(self) -> Vec<u8> {
        let stamp = format!("{}:", self.stamp).into_bytes();
        match self.form {
            Form::Long => stamp.iter().copied().cycle().take(LONG_BYTES).collect(),
            Form::Short | Form::Hash => stamp,
        }
    }

    /// The fields and values of a hash, in any order.
    pub fn fields(self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        (0..HASH_FIELDS).map(move |field| (format!("f{field}").into_bytes(), self.text()))
    }
}
