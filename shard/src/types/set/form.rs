//! Which form a set has, by its history: what Redis calls intset, listpack and hashtable.

use crate::number;
use crate::settings::Settings;

/// A small set is read and written as a whole, so there is a limit to it whatever the settings
/// allow: writing this much takes about as long as a command may stay on the loop.
const SMALL_BYTES_MAX: usize = 64 << 10;

/// Bytes that a member takes in a packed set beside its own, at most; a small set holds none of
/// more than 64 KB.
const LENGTH_BYTES: usize = 3;

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Integers,
    Packed,
    Large,
}

/// What matters about a small set when it gets a member more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) count: u64,
    /// Bytes of all members, or more.
    pub(super) bytes: usize,
    /// Bytes of the longest member, if they are integers.
    pub(super) longest: usize,
}

/// The form of a set that is made for `count` members of which this is the first.
pub(super) fn of_new(settings: &Settings, first: &[u8], count: usize) -> Shape {
    let is_integer = number::parse_i64(first).is_some();
    if is_integer && count <= settings.set_max_intset_entries {
        Shape::Integers
    } else if count <= settings.set_max_listpack_entries {
        Shape::Packed
    } else {
        Shape::Large
    }
}

/// The form of a set that is to get `count` members, of which it may have some.
pub(super) fn expecting(settings: &Settings, shape: Shape, count: usize) -> Shape {
    let most = match shape {
        Shape::Integers => settings.set_max_intset_entries,
        Shape::Packed => settings.set_max_listpack_entries,
        Shape::Large => return shape,
    };
    if count > most { Shape::Large } else { shape }
}

/// The form of a set with one member more.
pub(super) fn with(settings: &Settings, shape: Shape, size: Size, member: &[u8]) -> Shape {
    let Size { count, bytes, longest } = size;
    let stays_small = || {
        let lengths = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(LENGTH_BYTES);
        lengths.saturating_add(bytes).saturating_add(member.len()) <= SMALL_BYTES_MAX
    };
    let fits_packed = || {
        count < settings.set_max_listpack_entries as u64
            && member.len() <= settings.set_max_listpack_value
            && stays_small()
    };
    let fits = match shape {
        Shape::Integers if number::parse_i64(member).is_some() => {
            if count < settings.set_max_intset_entries as u64 && stays_small() {
                return Shape::Integers;
            }
            false
        }
        Shape::Integers => longest <= settings.set_max_listpack_value && fits_packed(),
        Shape::Packed => fits_packed(),
        Shape::Large => false,
    };
    if fits { Shape::Packed } else { Shape::Large }
}
