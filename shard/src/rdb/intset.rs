//! Intsets: sets of integers, sorted.
//!
//! ```text
//! bytes of a number: 2, 4 or 8 (4, LE) | numbers (4, LE) | number (LE) …
//! ```

use super::error::{CUT_OFF, Damage};
use super::listpack::signed_le;

const HEADER_BYTES: usize = 8;

/// The numbers of `intset`, which ascend.
pub(super) fn open(intset: &[u8]) -> Result<impl Iterator<Item = i64>, Damage> {
    let (header, rest) = intset.split_first_chunk::<HEADER_BYTES>().ok_or(CUT_OFF)?;
    let width = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
    let count = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
    if ![2, 4, 8].contains(&width) {
        return Err(Damage("an intset whose numbers have no known width"));
    }
    if count.checked_mul(width) != Some(rest.len()) {
        return Err(Damage("an intset with another number of members than it says"));
    }
    let members = move || rest.chunks_exact(width).map(signed_le);
    if members().is_sorted_by(|left, right| left < right) {
        Ok(members())
    } else {
        Err(Damage("an intset out of order"))
    }
}

/// The intset of these numbers, in any order.
pub(super) fn encode(mut members: Vec<i64>) -> Vec<u8> {
    members.sort_unstable();
    let fits = |bits: u32| {
        let range = -(1i64 << (bits - 1))..1i64 << (bits - 1);
        members.iter().all(|member| range.contains(member))
    };
    let width = if fits(16) {
        2
    } else if fits(32) {
        4
    } else {
        8
    };
    let mut intset = Vec::with_capacity(HEADER_BYTES + width * members.len());
    intset.extend_from_slice(&(width as u32).to_le_bytes());
    intset.extend_from_slice(&(members.len() as u32).to_le_bytes());
    for member in members {
        intset.extend_from_slice(&member.to_le_bytes()[..width]);
    }
    intset
}
