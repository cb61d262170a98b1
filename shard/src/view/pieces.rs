//! Strings in pieces: putting them together, and reading and writing parts of them.

use std::ops::Range;

use bytes::Bytes;

use super::View;
use crate::engine::EngineError;
use crate::error::{CommandError, text};
use crate::keyspace::head::{self, Body, Extension, Head, Kind, Large, RAW_STRING};
use crate::keyspace::pieces::{self, PIECE_BYTES};
use crate::view::key::Key;
use crate::view::records::{Part, Place};

fn cut_off() -> CommandError {
    EngineError::Corrupted("a part of a string is missing".into()).into()
}

impl View<'_> {
    /// A record whose value may stand in pieces: then, if it is wanted whole, put together.
    pub(super) fn whole(
        &mut self,
        place: Place<'_>,
        record: Bytes,
        part: Part,
    ) -> Result<Bytes, CommandError> {
        let Some(large) = head::elsewhere(&record)?.filter(|_| part == Part::Whole) else {
            return Ok(record);
        };
        self.records.needs_disk()?;
        // A damaged length must not be believed.
        let len = u32::try_from(large.bytes).map_err(|_| cut_off())? as usize;
        self.holding.check_length(len)?;
        self.holding.note_read(len)?;
        let mut whole = head::start_whole(&record)?;
        let start = whole.len();
        for number in 0..len.div_ceil(PIECE_BYTES) {
            let piece = self.piece(place, large.version, number)?;
            // Not before there is a first piece: a damaged length may be any number.
            whole.reserve_exact(if number == 0 { len } else { 0 });
            whole.extend_from_slice(&piece);
        }
        if whole.len() - start != len {
            return Err(cut_off());
        }
        Ok(Bytes::from(whole))
    }

    fn piece(
        &self,
        (shard, record_key): Place<'_>,
        version: u64,
        number: usize,
    ) -> Result<Bytes, CommandError> {
        let number = u32::try_from(number).map_err(|_| cut_off())?;
        let place = pieces::key(record_key, version, number);
        let piece = match self.overlay.element_at(&place) {
            Some(changed) => changed,
            None => self.records.element_at((shard, &place))?,
        };
        piece.ok_or_else(cut_off)
    }

    /// The bytes `range` of the string of a key that was opened for parts, or those of them that
    /// there are.
    pub fn string_part(&mut self, key: &Key, range: Range<usize>) -> Result<Bytes, CommandError> {
        let Some(head) = &key.head else { return Ok(Bytes::new()) };
        let to = range.end.min(head.string_bytes());
        let from = range.start.min(to);
        match &head.body {
            Body::Inline(value) => Ok(value.slice(from..to)),
            Body::Large(..) if from == to => Ok(Bytes::new()),
            Body::Large(large, _) => {
                self.records.needs_disk()?;
                self.holding.check_length(to - from)?;
                self.holding.note_read(to - from)?;
                let place = (key.shard, &key.record_key);
                let mut part = Vec::new();
                for number in from / PIECE_BYTES..to.div_ceil(PIECE_BYTES) {
                    let start = number * PIECE_BYTES;
                    let piece = self.piece(place, large.version, number)?;
                    let wanted = from.max(start) - start..to.min(start + PIECE_BYTES) - start;
                    if wanted.end > piece.len() {
                        return Err(cut_off());
                    }
                    if wanted.len() == to - from {
                        return Ok(piece.slice(wanted));
                    }
                    part.extend_from_slice(&piece[wanted]);
                }
                Ok(Bytes::from(part))
            }
        }
    }

    /// Writes `bytes` at `from` into a string that stands in pieces, as `key` was opened with; what
    /// is between its end and `from` becomes zeros. Returns its length then. It must not become
    /// longer than what can be read whole.
    pub fn write_part(
        &mut self,
        key: &Key,
        large: Large,
        from: usize,
        bytes: &[u8],
    ) -> Result<usize, CommandError> {
        self.records.needs_disk()?;
        let old = usize::try_from(large.bytes).map_err(|_| cut_off())?;
        let to = from + bytes.len();
        let total = to.max(old);
        if total > old && total > self.settings().reply_bytes_max.min(u32::MAX as usize) {
            return Err(text::VALUE_TOO_LONG.into());
        }
        let numbers = from.min(old) / PIECE_BYTES..to.div_ceil(PIECE_BYTES);
        // Twice, as the log takes a copy.
        self.holding.reserve(2 * (numbers.len() * PIECE_BYTES) as u64)?;
        for number in numbers {
            let start = number * PIECE_BYTES;
            let end = total.min(start + PIECE_BYTES);
            let is_all_new = start >= old || (from <= start && end <= to);
            let mut piece = if is_all_new {
                Vec::new()
            } else {
                self.piece((key.shard, &key.record_key), large.version, number)?.to_vec()
            };
            piece.resize(end - start, 0);
            let (part_start, part_end) = (from.max(start), to.min(end));
            if part_start < part_end {
                piece[part_start - start..part_end - start]
                    .copy_from_slice(&bytes[part_start - from..part_end - from]);
            }
            let place = u32::try_from(number).map_err(|_| cut_off())?.to_be_bytes();
            self.put_element(key, large.version, &place, Bytes::from(piece));
        }
        let head = Head {
            kind: Kind::String,
            deadline_ms: key.deadline_ms(),
            flags: RAW_STRING,
            body: Body::Large(Large::pieces(large.version, total), Extension::NONE),
        };
        self.put(key, &head);
        Ok(total)
    }
}
