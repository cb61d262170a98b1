//! A set while a command makes it from others.
//!
//! Its members come one by one and are different. The form that it gets is the one that it would
//! have if they had been added to it, or more than they.

use bytes::Bytes;

use super::encoding::{Packed, SmallSet};
use super::form::{self, Shape, Size};
use super::integers::Integers;
use crate::keyspace::head::{Head, Kind, Large};
use crate::number;
use crate::settings::Settings;
use crate::types::hashed;
use crate::view::{Key, View};

/// What a member takes in a draft and in the changes that become of it, beside its bytes.
pub(super) const MEMBER_BYTES: u64 = 256;

/// See the module.
pub(super) struct Draft<'s> {
    settings: &'s Settings,
    shape: Shape,
    size: Size,
    members: Vec<Bytes>,
}

impl<'s> Draft<'s> {
    /// A set without members that begins in this form.
    pub(super) fn new(settings: &'s Settings, shape: Shape) -> Self {
        let size = Size { count: 0, bytes: 0, longest: 0 };
        Self { settings, shape, size, members: Vec::new() }
    }

    /// Number of members.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Adds a member.
    pub(super) fn add(&mut self, member: &[u8]) {
        self.pass(member);
        self.members.push(Bytes::copy_from_slice(member));
    }

    /// Takes the form that a set gets by this member, which then is taken away again.
    pub(super) fn pass(&mut self, member: &[u8]) {
        let shape = form::with(self.settings, self.shape, self.size, member);
        if (self.shape, shape) == (Shape::Integers, Shape::Packed) {
            // They have been in their order so far.
            self.members.sort_by_cached_key(|member| number::parse_i64(member));
        }
        self.shape = shape;
        self.size.count += 1;
        self.size.bytes += member.len();
        self.size.longest = self.size.longest.max(member.len());
    }

    /// If all members are integers and not too many, it holds integers, whatever it was.
    pub(super) fn prefer_integers(&mut self) {
        let fits = self.members.len() <= self.settings.set_max_intset_entries;
        let mut members = self.members.iter();
        if fits && members.all(|member| number::parse_i64(member).is_some()) {
            self.shape = Shape::Integers;
        }
    }

    /// Gives a key this set, or nothing if it has no members.
    pub(super) fn put(self, view: &mut View<'_>, key: &Key, deadline_ms: Option<u64>) {
        if self.members.is_empty() {
            if key.exists() {
                view.remove(key);
            }
            return;
        }
        let head = match self.shape {
            Shape::Integers => {
                let values = self.members.iter().filter_map(|member| number::parse_i64(member));
                let mut values: Vec<i64> = values.collect();
                values.sort_unstable();
                small(SmallSet::Integers(Integers::of(&values)))
            }
            Shape::Packed => {
                let mut packed = Packed::new();
                for member in &self.members {
                    packed.push(member);
                }
                small(SmallSet::Packed(packed))
            }
            Shape::Large => {
                let mut large = Large { version: view.new_version(), count: 0, bytes: 0 };
                for member in self.members {
                    large.count += 1;
                    large.bytes += member.len() as u64;
                    let element = hashed::element(&member);
                    view.put_element(key, large.version, &element, Bytes::new());
                }
                Head::large(Kind::Set, large)
            }
        };
        view.put(key, &head.with_deadline(deadline_ms));
    }
}

fn small(set: SmallSet) -> Head {
    Head::inline(Kind::Set, set.encode())
}
