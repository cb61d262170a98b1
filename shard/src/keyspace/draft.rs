//! The head record of a string while it is made.
//!
//! A command writes the value straight into the record that will be stored, so that its bytes are
//! copied once. The fixed part, with the deadline and the flags, is settled from the beginning.

use bytes::Bytes;

use crate::keyspace::head::{self, Kind};

/// See the module.
pub struct StringDraft {
    record: Vec<u8>,
    value_start: usize,
    deadline_ms: Option<u64>,
}

impl StringDraft {
    /// An empty string with a deadline (or without), the flags of a head, and room for
    /// `value_bytes`.
    pub fn new(deadline_ms: Option<u64>, flags: u8, value_bytes: usize) -> Self {
        let record = head::start_record(Kind::String, flags, deadline_ms, value_bytes);
        Self { value_start: record.len(), record, deadline_ms }
    }

    /// A string as a client set it.
    pub fn of(value: &[u8], deadline_ms: Option<u64>) -> Self {
        let mut draft = Self::new(deadline_ms, 0, value.len());
        draft.push(value);
        draft
    }

    /// Appends to the value.
    pub fn push(&mut self, bytes: &[u8]) {
        self.record.extend_from_slice(bytes);
    }

    /// Fills the value up to `value_bytes` with zeros; does nothing when it is as long already.
    pub fn grow(&mut self, value_bytes: usize) {
        let record_bytes = self.value_start.saturating_add(value_bytes);
        if record_bytes > self.record.len() {
            self.record.resize(record_bytes, 0);
        }
    }

    /// The value so far.
    pub fn value(&self) -> &[u8] {
        self.record.get(self.value_start..).unwrap_or_default()
    }

    /// The value so far, to change it in place.
    pub fn value_mut(&mut self) -> &mut [u8] {
        self.record.get_mut(self.value_start..).unwrap_or_default()
    }

    /// When the key vanishes.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    /// The record.
    pub fn into_record(self) -> Bytes {
        Bytes::from(self.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::head::{Head, RAW_STRING};

    #[test]
    fn a_draft_becomes_the_record_of_the_same_head() {
        for deadline in [None, Some(77)] {
            let mut draft = StringDraft::new(deadline, RAW_STRING, 6);
            draft.push(b"ab");
            draft.grow(1);
            draft.grow(4);
            draft.push(b"cd");
            draft.value_mut()[3] = b'!';
            assert_eq!(draft.value(), b"ab\0!cd");
            let head = Head::string(Bytes::from_static(b"ab\0!cd")).raw().with_deadline(deadline);
            assert_eq!(draft.into_record(), head.encode());
            let plain = Head::string(Bytes::from_static(b"x")).with_deadline(deadline);
            assert_eq!(StringDraft::of(b"x", deadline).into_record(), plain.encode());
        }
    }
}
