//! A hash as its commands see it, whichever of its two forms it has.
//!
//! Owns when a small hash becomes large, and keeps a large one's number of fields and bytes
//! exact: every change of an element knows what was there before. Changes are the key's only
//! after [`Hash::save`], which every command that changes a hash must end with: it writes the
//! head, and with it tells everyone that the key has changed.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::encoding::{Set, SmallHash};
use crate::effects::Event;
use crate::engine::EngineError;
use crate::error::CommandError;
use crate::keyspace::head::{Body, Head, Kind, Large};
use crate::types::hashed::{Elements, copy_units, corrupted, element};
use crate::types::packed;
use crate::view::{Key, View};

/// A small hash is read and written as a whole, so there is a limit to it whatever the settings
/// allow: writing this much takes about as long as a command may stay on the loop.
const SMALL_BYTES_MAX: usize = 64 << 10;

/// Bytes of a small hash that a search passes over in one unit of work. It looks at lengths
/// mostly.
const SEARCHED_BYTES_PER_UNIT: u64 = 1024;

/// A hash, open for a command.
pub struct Hash {
    key: Key,
    pub(super) form: Form,
}

pub(super) enum Form {
    /// Inline in the head.
    Small(SmallHash),
    /// In element records.
    Large(Large),
}

impl Form {
    fn of(body: &Body) -> Result<Form, EngineError> {
        Ok(match body {
            Body::Inline(bytes) => Form::Small(SmallHash::decode(bytes.clone())?),
            Body::Large(large, extension) if extension.is_none() => Form::Large(*large),
            Body::Large(..) => {
                return Err(EngineError::Corrupted("hash: unknown extension".into()));
            }
        })
    }
}

impl Hash {
    /// Opens the hash at a key. `None`: there is nothing.
    pub fn open(view: &mut View<'_>, name: &[u8]) -> Result<Option<Hash>, CommandError> {
        let hash = Self::open_or_create(view, name)?;
        Ok(hash.key.exists().then_some(hash))
    }

    /// Opens the hash at a key; an empty one when there is nothing.
    pub fn open_or_create(view: &mut View<'_>, name: &[u8]) -> Result<Hash, CommandError> {
        Self::at(view.open_kind(name, Kind::Hash)?)
    }

    /// The hash at a key that is open and holds one, or nothing.
    pub(super) fn at(key: Key) -> Result<Hash, CommandError> {
        let form = match &key.head {
            Some(head) => Form::of(&head.body)?,
            None => Form::Small(SmallHash::new()),
        };
        Ok(Hash { key, form })
    }

    /// An empty hash that takes the place of whatever is at a key, deadline and all.
    pub(super) fn in_place_of(mut key: Key) -> Hash {
        key.head = None;
        Hash { key, form: Form::Small(SmallHash::new()) }
    }

    /// Number of fields.
    pub fn len(&self, view: &mut View<'_>) -> Result<u64, CommandError> {
        match &self.form {
            Form::Small(small) => {
                view.charge(search_units(small))?;
                Ok(small.count()?)
            }
            Form::Large(large) => Ok(large.count),
        }
    }

    /// Whether there are no fields. Such a hash cannot be kept: saving it deletes the key.
    pub fn is_empty(&self) -> bool {
        match &self.form {
            Form::Small(small) => small.is_empty(),
            Form::Large(large) => large.count == 0,
        }
    }

    /// The value of a field.
    pub fn get(&self, view: &mut View<'_>, field: &[u8]) -> Result<Option<Bytes>, CommandError> {
        match &self.form {
            Form::Small(small) => {
                view.charge(search_units(small))?;
                Ok(small.get(field)?)
            }
            Form::Large(large) => view.element(&self.key, large.version, &element(field)),
        }
    }

    /// Sets a field; whether it is new. A hash that outgrows the settings becomes large.
    pub fn set(
        &mut self,
        view: &mut View<'_>,
        field: &[u8],
        value: &[u8],
    ) -> Result<bool, CommandError> {
        let settings = view.settings();
        if let Form::Small(small) = &mut self.form {
            let added_bytes = field.len() + value.len() + 2 * packed::LENGTH_BYTES_MAX;
            let fits = field.len().max(value.len()) <= settings.hash_max_listpack_value
                && small.len_bytes() + added_bytes <= SMALL_BYTES_MAX;
            if fits {
                view.charge(search_units(small))?;
                let Set { is_new, count } = small.set(field, value)?;
                if count > settings.hash_max_listpack_entries as u64 {
                    self.enlarge(view)?;
                }
                return Ok(is_new);
            }
        }
        let mut large = self.enlarge(view)?;
        let element = element(field);
        let old = view.element(&self.key, large.version, &element)?;
        let value_bytes = value.len() as u64;
        view.charge(copy_units(value_bytes))?;
        match &old {
            Some(old) => large.bytes = large.bytes.saturating_sub(old.len() as u64),
            None => {
                large.count += 1;
                large.bytes = large.bytes.saturating_add(field.len() as u64);
            }
        }
        large.bytes = large.bytes.saturating_add(value_bytes);
        view.put_element(&self.key, large.version, &element, Bytes::copy_from_slice(value));
        self.form = Form::Large(large);
        Ok(old.is_none())
    }

    /// Removes a field; whether it was there.
    pub fn remove(&mut self, view: &mut View<'_>, field: &[u8]) -> Result<bool, CommandError> {
        let large = match &mut self.form {
            Form::Small(small) => {
                view.charge(search_units(small))?;
                return Ok(small.remove(field)?);
            }
            Form::Large(large) => large,
        };
        let element = element(field);
        let Some(old) = view.element(&self.key, large.version, &element)? else {
            return Ok(false);
        };
        let removed_bytes = field.len() as u64 + old.len() as u64;
        large.count = large.count.checked_sub(1).ok_or_else(|| corrupted("too many fields"))?;
        large.bytes = large.bytes.saturating_sub(removed_bytes);
        view.remove_element(&self.key, large.version, &element);
        Ok(true)
    }

    /// Gives the key its new state: the head of this hash with the deadline it had, or nothing
    /// when no field is left. `event` is what has happened to its fields.
    pub fn save(self, view: &mut View<'_>, event: Event) {
        let deadline_ms = self.key.deadline_ms();
        self.save_until(view, deadline_ms, event);
    }

    /// The same, with another deadline or none.
    pub(super) fn save_until(self, view: &mut View<'_>, deadline_ms: Option<u64>, event: Event) {
        if self.is_empty() {
            view.remove(&self.key);
            view.tell(event, &self.key);
            view.tell(Event::DEL, &self.key);
            return;
        }
        let head = match self.form {
            Form::Small(small) => Head::inline(Kind::Hash, small.encode()),
            Form::Large(large) => Head::large(Kind::Hash, large),
        };
        view.put(&self.key, &head.with_deadline(deadline_ms));
        view.tell(event, &self.key);
    }

    /// Visits all fields: of a small hash in the order in which they came, of a large one in the
    /// order of their positions; until `visit` breaks.
    pub fn for_each(
        &self,
        view: &mut View<'_>,
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), CommandError> {
        match &self.form {
            Form::Small(small) => {
                view.charge(copy_units(small.len_bytes() as u64))?;
                for pair in small.pairs() {
                    let pair = pair?;
                    if visit(pair.field, pair.value).is_break() {
                        break;
                    }
                }
                Ok(())
            }
            Form::Large(large) => self.elements(*large).for_each(view, visit),
        }
    }

    /// The fields of this hash, which is large.
    pub(super) fn elements(&self, large: Large) -> Elements<'_> {
        Elements { key: &self.key, large }
    }

    /// Makes the hash large if it is not.
    fn enlarge(&mut self, view: &mut View<'_>) -> Result<Large, CommandError> {
        let small = match &self.form {
            Form::Small(small) => small,
            Form::Large(large) => return Ok(*large),
        };
        let mut large = Large { version: view.new_version(), count: 0, bytes: 0 };
        for pair in small.pairs() {
            let pair = pair?;
            let value = Bytes::copy_from_slice(pair.value);
            view.put_element(&self.key, large.version, &element(pair.field), value);
            large.count += 1;
            large.bytes += pair.field.len() as u64 + pair.value.len() as u64;
        }
        self.form = Form::Large(large);
        Ok(large)
    }
}

fn search_units(small: &SmallHash) -> u64 {
    small.len_bytes() as u64 / SEARCHED_BYTES_PER_UNIT
}
