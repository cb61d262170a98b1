//! A set as its commands see it, whichever of its forms it has.
//!
//! Keeps a large one's number of members and bytes exact: every change of an element knows what
//! was there before. Changes are the key's only after [`Set::save`], which every command that
//! changes a set must end with: it writes the head, and with it tells everyone that the key has
//! changed.

use std::borrow::Cow;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::encoding::{Packed, Search, SmallSet};
use super::form::{self, Shape, Size};
use super::integers::Integers;
use crate::effects::Event;
use crate::error::CommandError;
use crate::keyspace::head::{Body, Head, Kind, Large};
use crate::number;
use crate::types::drawing::{self, Urn};
use crate::types::hashed::{Elements, copy_units, corrupted, element};
use crate::view::{Key, View};

/// Bytes of a small set that a search passes over in one unit of work. It looks at lengths
/// mostly.
const SEARCHED_BYTES_PER_UNIT: u64 = 1024;

/// A set, open for a command.
pub struct Set {
    key: Key,
    pub(super) form: Form,
}

pub(super) enum Form {
    /// Inline in the head.
    Small(SmallSet),
    /// In element records.
    Large(Large),
}

impl Set {
    /// Opens the set at a key. `None`: there is nothing.
    pub fn open(view: &mut View<'_>, name: &[u8]) -> Result<Option<Set>, CommandError> {
        let set = Self::open_or_create(view, name)?;
        Ok(set.key.exists().then_some(set))
    }

    /// An empty set, to stand in the place of what is at an open key.
    pub(super) fn in_place_of(key: Key) -> Set {
        Set { key, form: Form::Small(SmallSet::Packed(Packed::new())) }
    }

    /// Opens the set at a key; an empty one when there is nothing.
    pub fn open_or_create(view: &mut View<'_>, name: &[u8]) -> Result<Set, CommandError> {
        Self::at(view.open_kind(name, Kind::Set)?)
    }

    /// The set at an open key; an empty one when there is nothing.
    pub fn at(key: Key) -> Result<Set, CommandError> {
        let form = match &key.head {
            Some(Head { body: Body::Inline(bytes), .. }) => {
                Form::Small(SmallSet::decode(bytes.clone())?)
            }
            Some(Head { body: Body::Large(large, extension), .. }) if extension.is_none() => {
                Form::Large(*large)
            }
            Some(_) => return Err(corrupted("unknown extension")),
            None => Form::Small(SmallSet::Packed(Packed::new())),
        };
        Ok(Set { key, form })
    }

    /// The key that it is open under.
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// Number of members.
    pub fn len(&self, view: &mut View<'_>) -> Result<u64, CommandError> {
        match &self.form {
            Form::Small(small) => {
                view.charge(search_units(small))?;
                Ok(small.count()?)
            }
            Form::Large(large) => Ok(large.count),
        }
    }

    /// Whether there are no members. Such a set cannot be kept: saving it deletes the key.
    pub fn is_empty(&self) -> bool {
        match &self.form {
            Form::Small(small) => small.is_empty(),
            Form::Large(large) => large.count == 0,
        }
    }

    /// Whether it is kept as a set of integers.
    pub(super) fn is_of_integers(&self) -> bool {
        matches!(self.form, Form::Small(SmallSet::Integers(_)))
    }

    /// Whether something is a member.
    pub fn contains(&self, view: &mut View<'_>, member: &[u8]) -> Result<bool, CommandError> {
        match &self.form {
            Form::Small(small) => {
                view.charge(search_units(small))?;
                Ok(small.contains(member)?)
            }
            Form::Large(large) => Ok(self.elements(*large).get(view, member)?.is_some()),
        }
    }

    /// So many members are about to be added, of which this is the first: an empty set takes the
    /// form that suits them, and one that has members becomes large if they are many. Whether it
    /// did: then it must be saved.
    pub fn expect(
        &mut self,
        view: &mut View<'_>,
        first: &[u8],
        count: usize,
    ) -> Result<bool, CommandError> {
        let settings = view.settings();
        let shape = match &self.form {
            Form::Small(small) if small.is_empty() => form::of_new(settings, first, count),
            Form::Small(SmallSet::Integers(_)) => form::expecting(settings, Shape::Integers, count),
            Form::Small(SmallSet::Packed(_)) => form::expecting(settings, Shape::Packed, count),
            Form::Large(_) => return Ok(false),
        };
        match shape {
            Shape::Integers if self.is_empty() => {
                self.form = Form::Small(SmallSet::Integers(Integers::new()));
            }
            Shape::Integers | Shape::Packed => {}
            Shape::Large => {
                self.enlarge(view)?;
            }
        }
        Ok(shape == Shape::Large)
    }

    /// Adds a member; whether it is new. The set changes its form as `form` says.
    pub fn add(&mut self, view: &mut View<'_>, member: &[u8]) -> Result<bool, CommandError> {
        if let Form::Small(small) = &mut self.form {
            view.charge(search_units(small))?;
            match add_small(view, small, member)? {
                Added::Not => return Ok(false),
                Added::New => return Ok(true),
                Added::Outgrown => {}
            }
        }
        let mut large = self.enlarge(view)?;
        let element = element(member);
        if view.element(&self.key, large.version, &element)?.is_some() {
            return Ok(false);
        }
        view.charge(copy_units(member.len() as u64))?;
        large.count += 1;
        large.bytes = large.bytes.saturating_add(member.len() as u64);
        view.put_element(&self.key, large.version, &element, Bytes::new());
        self.form = Form::Large(large);
        Ok(true)
    }

    /// Removes a member; whether it was there.
    pub fn remove(&mut self, view: &mut View<'_>, member: &[u8]) -> Result<bool, CommandError> {
        if let Form::Small(small) = &mut self.form {
            view.charge(search_units(small))?;
            return Ok(small.remove(member)?);
        }
        let is_member = self.contains(view, member)?;
        if is_member {
            self.remove_member(view, member)?;
        }
        Ok(is_member)
    }

    /// Removes what is known to be a member.
    pub(super) fn remove_member(
        &mut self,
        view: &mut View<'_>,
        member: &[u8],
    ) -> Result<(), CommandError> {
        match &mut self.form {
            Form::Small(small) => {
                small.remove(member)?;
            }
            Form::Large(large) => {
                large.count =
                    large.count.checked_sub(1).ok_or_else(|| corrupted("too many elements"))?;
                large.bytes = large.bytes.saturating_sub(member.len() as u64);
                view.remove_element(&self.key, large.version, &element(member));
            }
        }
        Ok(())
    }

    /// Gives the key its new state: the head of this set with the deadline it had, or nothing
    /// when no member is left. `event` is what has happened to its members.
    pub fn save(self, view: &mut View<'_>, event: Event) {
        if self.is_empty() {
            view.remove(&self.key);
            view.tell(event, &self.key);
            view.tell(Event::DEL, &self.key);
            return;
        }
        let deadline_ms = self.key.deadline_ms();
        let key = self.put(view, deadline_ms);
        view.tell(event, &key);
    }

    /// Gives the key the head of this set, which has members; nothing has happened to them.
    pub(super) fn put(self, view: &mut View<'_>, deadline_ms: Option<u64>) -> Key {
        let head = match self.form {
            Form::Small(small) => Head::inline(Kind::Set, small.encode()),
            Form::Large(large) => Head::large(Kind::Set, large),
        };
        view.put(&self.key, &head.with_deadline(deadline_ms));
        self.key
    }

    /// Visits all members: of a small set integers in their order, others in the order in which
    /// they came, of a large one in the order of their positions; until `visit` breaks.
    pub fn for_each(
        &self,
        view: &mut View<'_>,
        mut visit: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), CommandError> {
        match &self.form {
            Form::Small(small) => {
                for member in small_members(view, small)? {
                    if visit(&member).is_break() {
                        break;
                    }
                }
                Ok(())
            }
            Form::Large(large) => self.elements(*large).for_each(view, |member, _| visit(member)),
        }
    }

    /// The members of this set, which is large.
    pub(super) fn elements(&self, large: Large) -> Elements<'_> {
        Elements { key: &self.key, large }
    }

    /// A member drawn at random.
    pub(super) fn draw(&self, view: &mut View<'_>) -> Result<Bytes, CommandError> {
        let mut random = drawing::fork(view);
        match &self.form {
            Form::Small(small) => {
                let count = self.len(view)?;
                let index = random.below(count) as usize;
                Ok(small.nth(index)?)
            }
            Form::Large(large) => self.elements(*large).draw(view, &mut random),
        }
    }

    /// The members, to draw many from.
    pub(super) fn urn(&self, view: &mut View<'_>) -> Result<Urn<'_>, CommandError> {
        match &self.form {
            Form::Small(small) => {
                let members = small_members(view, small)?;
                Ok(Urn::Small(members.into_iter().map(|member| (member, &b""[..])).collect()))
            }
            Form::Large(large) => Ok(Urn::Large(self.elements(*large))),
        }
    }

    /// Makes the set large if it is not.
    fn enlarge(&mut self, view: &mut View<'_>) -> Result<Large, CommandError> {
        let small = match &self.form {
            Form::Small(small) => small,
            Form::Large(large) => return Ok(*large),
        };
        let mut large = Large { version: view.new_version(), count: 0, bytes: 0 };
        for member in small.members()? {
            view.put_element(&self.key, large.version, &element(&member), Bytes::new());
            large.count += 1;
            large.bytes += member.len() as u64;
        }
        self.form = Form::Large(large);
        Ok(large)
    }
}

/// All members of a small set.
pub(super) fn small_members<'s>(
    view: &mut View<'_>,
    small: &'s SmallSet,
) -> Result<Vec<Cow<'s, [u8]>>, CommandError> {
    view.charge(copy_units(small.len_bytes() as u64))?;
    Ok(small.members()?)
}

/// What became of a member that was to be added to a small set.
enum Added {
    /// It was there.
    Not,
    New,
    /// It was not added: the set has to be large.
    Outgrown,
}

fn add_small(view: &View<'_>, small: &mut SmallSet, member: &[u8]) -> Result<Added, CommandError> {
    let settings = view.settings();
    match small {
        SmallSet::Integers(set) => {
            let value = number::parse_i64(member);
            if value.is_some_and(|value| set.contains(value)) {
                return Ok(Added::Not);
            }
            let (count, longest) = (set.len() as u64, set.text_bytes_max());
            let bytes = match value {
                Some(value) => set.len_bytes_with(value),
                None => set.len() * longest,
            };
            let size = Size { count, bytes, longest };
            match (form::with(settings, Shape::Integers, size, member), value) {
                (Shape::Integers, Some(value)) => {
                    set.add(value);
                }
                (Shape::Large, _) => return Ok(Added::Outgrown),
                _ => {
                    let mut packed = Packed::new();
                    for value in set.iter() {
                        packed.push(number::format_i64(value).as_bytes());
                    }
                    packed.push(member);
                    *small = SmallSet::Packed(packed);
                }
            }
        }
        SmallSet::Packed(set) => {
            let Search { is_member, count } = set.search(member)?;
            if is_member {
                return Ok(Added::Not);
            }
            let size = Size { count, bytes: set.len_bytes(), longest: 0 };
            if form::with(settings, Shape::Packed, size, member) == Shape::Large {
                return Ok(Added::Outgrown);
            }
            set.push(member);
        }
    }
    Ok(Added::New)
}

fn search_units(small: &SmallSet) -> u64 {
    small.len_bytes() as u64 / SEARCHED_BYTES_PER_UNIT
}
