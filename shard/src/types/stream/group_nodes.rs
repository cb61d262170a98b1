//! The nodes of the trees of a group, as element records of the stream's key.

use bytes::Bytes;

use super::store::Stream;
use crate::error::CommandError;
use crate::keyspace::layout::RecordKey;
use crate::tree::Nodes;
use crate::view::View;

/// The first byte of their names.
const GROUP_NODE: u8 = 6;

/// A tree of a group.
#[derive(Clone, Copy)]
pub(super) enum Which {
    Pending = 1,
    Owned = 2,
}

/// The nodes of one tree of a group.
pub(super) struct GroupNodes<'n, 'v> {
    view: &'n mut View<'v>,
    stream: &'n Stream,
    prefix: [u8; 10],
}

impl<'n, 'v> GroupNodes<'n, 'v> {
    pub(super) fn new(
        view: &'n mut View<'v>,
        stream: &'n Stream,
        (group, which): (u64, Which),
    ) -> Self {
        let mut prefix = [0; 10];
        prefix[0] = GROUP_NODE;
        prefix[1..9].copy_from_slice(&group.to_be_bytes());
        prefix[9] = which as u8;
        Self { view, stream, prefix }
    }

    fn name(&self, name: &[u8]) -> RecordKey {
        let mut full = RecordKey::from_slice(&self.prefix);
        full.extend_from_slice(name);
        full
    }
}

impl Nodes for GroupNodes<'_, '_> {
    type Error = CommandError;

    fn get(&mut self, name: &[u8]) -> Result<Option<Bytes>, CommandError> {
        let name = self.name(name);
        self.view.element(&self.stream.key, self.stream.version, &name)
    }

    fn put(&mut self, name: &[u8], record: Bytes) {
        let name = self.name(name);
        self.view.put_element(&self.stream.key, self.stream.version, &name, record);
    }

    fn delete(&mut self, name: &[u8]) {
        let name = self.name(name);
        self.view.remove_element(&self.stream.key, self.stream.version, &name);
    }
}
