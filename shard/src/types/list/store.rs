//! A list as its commands see it, whichever of its two forms it has.
//!
//! Owns when a small list becomes large, and what its head says. Changes are the key's only after
//! [`List::save`], which every command that changes a list must end with: it writes the head, and
//! with it tells everyone that the key has changed.

use std::borrow::Cow;

use bytes::Bytes;

use super::apart::{Pieces, SHORT_BYTES_MAX};
use super::encoding::{self, AllApart, Apart, Element, Extra};
use super::limits::Measure;
use crate::effects::Event;
use crate::error::CommandError;
use crate::keyspace::head::{Body, Head, Kind, Large};
use crate::tree::leaf::{HEADER_BYTES, Leaf};
use crate::tree::{Builder, Limits, Nodes, Order, Side, Tree};
use crate::types::nodes::ElementNodes;
use crate::types::packed;
use crate::view::{Key, View};

/// Bytes of a small list. It is written as a whole whenever it changes, which at this size is about
/// as much as two leaves and a head.
pub(super) const SMALL_BYTES_MAX: usize = 1024;

/// The leaf of a small list is never split.
const SMALL: Limits = Limits { leaf_bytes: usize::MAX, ..Limits::NORMAL };

/// Units of work that putting an element somewhere is, at least.
const PUT_UNITS: u64 = 2;

/// Bytes that are copied in one unit of work, and as many of them as an entry is worth whatever its
/// length.
const COPIED_BYTES_PER_UNIT: u64 = 512;
const ENTRY_BYTES: u64 = 32;

/// A list, open for a command.
pub struct List {
    pub(super) key: Key,
    pub(super) tree: Tree,
    pub(super) place: Place,
    /// It has outgrown `list-max-listpack-size`.
    is_long: bool,
    pub(super) apart: AllApart,
}

/// Where the nodes of the tree are.
pub(super) enum Place {
    /// In the head: its only leaf, if there is any.
    Head(Option<Bytes>),
    /// In element records of this version.
    Records(u64),
}

/// Reads and writes them.
pub(super) enum ListNodes<'n, 'v> {
    Head(&'n mut Option<Bytes>),
    Records(ElementNodes<'n, 'v>),
}

impl Place {
    pub(super) fn nodes<'n, 'v>(
        &'n mut self,
        key: &'n Key,
        view: &'n mut View<'v>,
    ) -> ListNodes<'n, 'v> {
        match self {
            Place::Head(leaf) => ListNodes::Head(leaf),
            Place::Records(version) => ListNodes::Records(ElementNodes::new(view, key, *version)),
        }
    }

    fn version(&self) -> u64 {
        match self {
            Place::Head(_) => 0,
            Place::Records(version) => *version,
        }
    }
}

impl Nodes for ListNodes<'_, '_> {
    type Error = CommandError;

    #[inline]
    fn get(&mut self, name: &[u8]) -> Result<Option<Bytes>, CommandError> {
        match self {
            ListNodes::Head(leaf) => Ok(leaf.clone()),
            ListNodes::Records(nodes) => nodes.get(name),
        }
    }

    #[inline]
    fn put(&mut self, name: &[u8], record: Bytes) {
        match self {
            ListNodes::Head(leaf) => **leaf = Some(record),
            ListNodes::Records(nodes) => nodes.put(name, record),
        }
    }

    fn delete(&mut self, name: &[u8]) {
        match self {
            ListNodes::Head(leaf) => **leaf = None,
            ListNodes::Records(nodes) => nodes.delete(name),
        }
    }
}

impl List {
    /// Opens the list at a key. `None`: there is nothing.
    pub fn open(view: &mut View<'_>, name: &[u8]) -> Result<Option<List>, CommandError> {
        let list = Self::open_or_create(view, name)?;
        Ok(list.key.exists().then_some(list))
    }

    /// Opens the list at a key; an empty one when there is nothing.
    pub fn open_or_create(view: &mut View<'_>, name: &[u8]) -> Result<List, CommandError> {
        Self::at(view.open_kind(name, Kind::List)?)
    }

    /// The list at a key that is open and holds one, or nothing.
    pub(super) fn at(key: Key) -> Result<List, CommandError> {
        let (tree, place, is_long, apart) = match key.head.as_ref().map(|head| &head.body) {
            None => return Ok(Self::in_place_of(key)),
            Some(Body::Inline(leaf)) => {
                let place = Place::Head(Some(leaf.clone()));
                (small(leaf)?, place, false, AllApart::default())
            }
            Some(Body::Large(large, extension)) => {
                let Extra { is_long, apart, tree } = Extra::decode(large, extension)?;
                (tree, Place::Records(large.version), is_long, apart)
            }
        };
        Ok(List { key, tree, place, is_long, apart })
    }

    /// An empty list that takes the place of whatever is at a key, deadline and all.
    pub(super) fn in_place_of(mut key: Key) -> List {
        key.head = None;
        let tree = Tree::new(Order::Rank).with_limits(SMALL);
        List { key, tree, place: Place::Head(None), is_long: false, apart: AllApart::default() }
    }

    /// The key where it is.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Number of elements.
    pub fn len(&self) -> u64 {
        self.tree.len()
    }

    /// Whether there are no elements. Such a list cannot be kept: saving it deletes the key.
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// The element with so many before it.
    pub fn get(&mut self, view: &mut View<'_>, rank: u64) -> Result<Option<Bytes>, CommandError> {
        let entry = self.tree.get(&mut self.place.nodes(&self.key, view), rank)?;
        entry.map(|entry| Ok(self.resolve(view, &entry)?.0)).transpose()
    }

    /// So many elements with so many bytes are about to be put into the list. All at once, as
    /// Redis decides by that whether they fit one piece.
    pub fn expect(
        &mut self,
        view: &mut View<'_>,
        count: usize,
        bytes: usize,
    ) -> Result<(), CommandError> {
        let expected = self.measure().with(count as u64, bytes as u64);
        if !self.is_long && expected.exceeds(view.settings().list_max_listpack_size) {
            self.enlarge(view)?;
            self.is_long = true;
        }
        Ok(())
    }

    /// Puts an element in front of all others, or behind them.
    pub fn push(
        &mut self,
        view: &mut View<'_>,
        side: Side,
        element: &[u8],
    ) -> Result<(), CommandError> {
        let entry = self.make_entry(view, element)?;
        self.tree.push(&mut self.place.nodes(&self.key, view), side, &entry)
    }

    /// Puts an element in front of the one with this rank, or behind all others.
    pub fn insert(
        &mut self,
        view: &mut View<'_>,
        rank: u64,
        element: &[u8],
    ) -> Result<(), CommandError> {
        let entry = self.make_entry(view, element)?;
        self.tree.insert_at(&mut self.place.nodes(&self.key, view), rank, &entry)
    }

    /// Puts an element in the place of the one with this rank, which there must be.
    pub fn replace(
        &mut self,
        view: &mut View<'_>,
        rank: u64,
        element: &[u8],
    ) -> Result<(), CommandError> {
        let entry = self.make_entry(view, element)?;
        let nodes = &mut self.place.nodes(&self.key, view);
        if let Some(old) = self.tree.replace_at(nodes, rank, &entry)?
            && let Element::Apart(apart) = encoding::decode(&old)?
        {
            self.drop_apart(view, apart)?;
        }
        Ok(())
    }

    /// Takes the first or the last element out.
    pub fn pop(&mut self, view: &mut View<'_>, side: Side) -> Result<Option<Bytes>, CommandError> {
        let popped = self.tree.pop(&mut self.place.nodes(&self.key, view), side)?;
        let Some(entry) = popped else { return Ok(None) };
        let (element, apart) = self.resolve(view, &entry)?;
        if let Some(apart) = apart {
            self.drop_apart(view, apart)?;
        }
        Ok(Some(element))
    }

    /// Gives the key its new state: the head of this list with the deadline it had, or nothing
    /// when no element is left. `event` is what has happened to its elements. Returns the key, of
    /// which more may be told.
    pub fn save(self, view: &mut View<'_>, event: Event) -> Result<Key, CommandError> {
        let deadline_ms = self.key.deadline_ms();
        self.save_until(view, deadline_ms, event)
    }

    /// The same, with another deadline or none.
    pub(super) fn save_until(
        self,
        view: &mut View<'_>,
        deadline_ms: Option<u64>,
        event: Event,
    ) -> Result<Key, CommandError> {
        if self.is_empty() {
            view.remove(&self.key);
            view.tell(event, &self.key);
            view.tell(Event::DEL, &self.key);
            return Ok(self.key);
        }
        let directive = view.settings().list_max_listpack_size;
        let is_long = self.is_long && !self.measure().fits_half(directive);
        let head = match self.place {
            Place::Head(leaf) => Head::inline(Kind::List, leaf.unwrap_or_default()),
            Place::Records(version) => {
                let extra = Extra { is_long, apart: self.apart, tree: self.tree };
                let large = Large { version, count: extra.tree.len(), bytes: extra.bytes() };
                Head::extended(Kind::List, large, extra.encode()?)
            }
        };
        view.put(&self.key, &head.with_deadline(deadline_ms));
        view.tell(event, &self.key);
        Ok(self.key)
    }

    /// The work of passing over so many elements that are as long as all are on average, or of
    /// copying them.
    pub(super) fn work_of(&self, count: u64) -> u64 {
        let average = self.tree.entry_bytes() / self.len().max(1);
        average.saturating_add(ENTRY_BYTES).saturating_mul(count) / COPIED_BYTES_PER_UNIT
    }

    /// Where long elements of this list are.
    pub(super) fn pieces(&self) -> Pieces<'_> {
        Pieces { key: &self.key, version: self.place.version() }
    }

    /// Removes a long element whose entry is gone.
    pub(super) fn drop_apart(
        &mut self,
        view: &mut View<'_>,
        apart: Apart,
    ) -> Result<(), CommandError> {
        self.apart.count = self.apart.count.saturating_sub(1);
        self.apart.bytes = self.apart.bytes.saturating_sub(u64::from(apart.bytes));
        self.pieces().remove(view, apart)
    }

    /// Bytes of all elements.
    pub(super) fn bytes(&self) -> u64 {
        self.tree.entry_bytes().saturating_add(self.apart.bytes)
    }

    /// As Redis would measure it.
    fn measure(&self) -> Measure {
        Measure::of(self.len(), self.bytes())
    }

    /// The element of an entry, and where it is, if it stands apart.
    fn resolve(
        &self,
        view: &mut View<'_>,
        entry: &Bytes,
    ) -> Result<(Bytes, Option<Apart>), CommandError> {
        match encoding::decode(entry)? {
            Element::Here(element) => Ok((entry.slice_ref(element), None)),
            Element::Apart(apart) => Ok((self.pieces().read(view, apart)?, Some(apart))),
        }
    }

    /// The entry of an element that is about to be put into the tree, which has room for it.
    fn make_entry<'e>(
        &mut self,
        view: &mut View<'_>,
        element: &'e [u8],
    ) -> Result<Cow<'e, [u8]>, CommandError> {
        view.charge(PUT_UNITS + element.len() as u64 / COPIED_BYTES_PER_UNIT)?;
        if element.len() > SHORT_BYTES_MAX {
            self.enlarge(view)?;
            let apart = self.pieces().write(view, self.apart.next, element)?;
            self.apart.next += 1;
            self.apart.count += 1;
            self.apart.bytes = self.apart.bytes.saturating_add(u64::from(apart.bytes));
            return Ok(Cow::Owned(apart.entry()));
        }
        let entry = encoding::entry(element);
        if let Place::Head(leaf) = &self.place {
            let bytes = leaf.as_ref().map_or(HEADER_BYTES, Bytes::len);
            if bytes + packed::item_bytes(&entry) > SMALL_BYTES_MAX {
                self.enlarge(view)?;
            }
        }
        Ok(entry)
    }

    /// Makes the list large if it is not.
    fn enlarge(&mut self, view: &mut View<'_>) -> Result<(), CommandError> {
        let Place::Head(leaf) = &self.place else { return Ok(()) };
        let version = view.new_version();
        let mut nodes = ElementNodes::new(view, &self.key, version);
        let mut builder = Builder::new(Order::Rank);
        if let Some(leaf) = leaf {
            for item in Leaf::decode(leaf.clone())?.items() {
                builder.push(&mut nodes, item?.entry)?;
            }
        }
        self.tree = builder.finish(&mut nodes)?;
        self.place = Place::Records(version);
        Ok(())
    }
}

/// The tree of a small list.
fn small(leaf: &Bytes) -> Result<Tree, CommandError> {
    let (mut len, mut entry_bytes) = (0, 0);
    for item in Leaf::decode(leaf.clone())?.items() {
        len += 1;
        entry_bytes += item?.entry.len() as u64;
    }
    Ok(Tree::of_leaf(Order::Rank, len, entry_bytes).with_limits(SMALL))
}
