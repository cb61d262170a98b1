//! Cursors of SCAN and its like: where in an order of 64-bit positions to go on.
//!
//! A cursor is the top 53 bits of a position. Clients keep cursors in doubles and in signed
//! numbers, and a larger one would come back as another, or never as the end. What shares these
//! bits is a *group* and is returned together, so a cursor always stands between groups, and
//! needs no memory of the scan.
//!
//! Groups are of one record, nearly always: of a billion keys in one slot, one in five hundred
//! shares a group with another. Whoever crafts names for one group (the hash has no secret, so
//! that cursors mean the same everywhere) gets pages as long as the groups that they made, as by a
//! larger COUNT: bounded on the loop by what may be visited there, and off it by the room for
//! replies. To go on inside a group a call would have to read it from its beginning each time.

/// Bits of a cursor: the integers that a double tells apart.
const CURSOR_BITS: u32 = 53;

/// Bits of a position that a cursor leaves out.
const LEFT_OUT_BITS: u32 = u64::BITS - CURSOR_BITS;

/// The cursor that goes on with the group of `position`.
pub fn at(position: u64) -> u64 {
    position >> LEFT_OUT_BITS
}

/// The first position of the group that a cursor goes on with. `None`: it is none of ours, and
/// stands behind everything.
pub fn first_position(cursor: u64) -> Option<u64> {
    (cursor < 1 << CURSOR_BITS).then_some(cursor << LEFT_OUT_BITS)
}

/// Goes through records in order of their positions, and says where a page ends.
pub struct Page {
    /// Records that the page is to have, if there are so many.
    wanted: u64,
    seen: u64,
    /// Cursor of the group that the latest record belongs to.
    group: Option<u64>,
}

impl Page {
    /// A page of at least `wanted` records.
    pub fn new(wanted: u64) -> Self {
        Self { wanted, seen: 0, group: None }
    }

    /// Takes the record at `position` into the page. `Some`: the page has ended before it, and
    /// this is the cursor to go on with.
    pub fn ends_before(&mut self, position: u64) -> Option<u64> {
        let group = at(position);
        if self.seen >= self.wanted && self.group != Some(group) {
            return Some(group);
        }
        self.seen += 1;
        self.group = Some(group);
        None
    }

    /// Records that were taken.
    pub fn seen(&self) -> u64 {
        self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_fit_into_a_double_and_a_signed_number() {
        let largest = at(u64::MAX);
        assert_eq!(largest as f64 as u64, largest);
        assert_eq!((largest - 1) as f64 as u64, largest - 1);
        assert!(i64::try_from(largest).is_ok());
    }

    #[test]
    fn a_cursor_goes_on_with_the_whole_group_of_its_position() {
        for position in [0, 1, 2047, 2048, 0x8123_4567_89ab_cdef, u64::MAX] {
            let first = first_position(at(position)).unwrap();
            assert!(first <= position && position - first < 2048, "{position}");
        }
        assert_eq!(first_position(0), Some(0));
        for foreign in [1 << 53, u64::MAX] {
            assert_eq!(first_position(foreign), None);
        }
    }

    #[test]
    fn a_page_ends_between_groups() {
        let mut page = Page::new(2);
        assert_eq!(page.ends_before(1), None);
        assert_eq!(page.ends_before(4096), None);
        assert_eq!(page.ends_before(4097), None, "of the group that has begun");
        assert_eq!(page.ends_before(6143), None);
        assert_eq!(page.ends_before(6144), Some(3));
        assert_eq!(page.seen(), 4);
    }
}
