//! What `list-max-listpack-size` means: up to which size Redis keeps a list in one piece, as
//! OBJECT ENCODING tells.

/// Bytes that the directive allows, from -1 on; what is less than the last counts as that.
const SIZES: [u64; 5] = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10];

/// Bytes of a piece whose number of elements is limited.
const BYTES_MAX: u64 = 8 << 10;

/// Bytes that Redis has around all elements, and around each, about.
const FRAME_BYTES: u64 = 7;
const ELEMENT_BYTES: u64 = 2;

/// A list in one piece, as Redis would measure it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    pub(super) count: u64,
    pub(super) bytes: u64,
}

impl Measure {
    /// Of so many elements with so many bytes.
    pub(super) fn of(count: u64, element_bytes: u64) -> Self {
        let around = count.saturating_mul(ELEMENT_BYTES).saturating_add(FRAME_BYTES);
        Self { count, bytes: element_bytes.saturating_add(around) }
    }

    /// With so many elements more, as Redis estimates before it adds them.
    pub(super) fn with(self, count: u64, element_bytes: u64) -> Self {
        Self {
            count: self.count.saturating_add(count),
            bytes: self.bytes.saturating_add(element_bytes),
        }
    }

    /// Whether this is more than the directive allows.
    pub(super) fn exceeds(self, directive: i32) -> bool {
        match Limit::of(directive) {
            Limit::Bytes(bytes) => self.bytes > bytes,
            Limit::Count(count) => self.count > count || self.bytes > BYTES_MAX,
        }
    }

    /// Whether this is so little that Redis goes back to one piece.
    pub(super) fn fits_half(self, directive: i32) -> bool {
        match Limit::of(directive) {
            Limit::Bytes(bytes) => self.bytes <= bytes / 2,
            Limit::Count(count) => self.count <= count / 2,
        }
    }
}

enum Limit {
    Bytes(u64),
    Count(u64),
}

impl Limit {
    fn of(directive: i32) -> Self {
        match u64::try_from(directive) {
            Ok(count) => Limit::Count(count.max(1)),
            Err(_) => {
                let index = directive.unsigned_abs() as usize - 1;
                Limit::Bytes(SIZES[index.min(SIZES.len() - 1)])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directive_limits_bytes_or_elements() {
        let exceeds = |directive, count, bytes| Measure { count, bytes }.exceeds(directive);
        for (directive, bytes) in
            [(-1, 4096), (-2, 8192), (-3, 16384), (-4, 32768), (-5, 65536), (-6, 65536)]
        {
            assert!(!exceeds(directive, 1 << 20, bytes), "{directive}");
            assert!(exceeds(directive, 1, bytes + 1), "{directive}");
            assert!(Measure { count: 9, bytes: bytes / 2 }.fits_half(directive));
            assert!(!Measure { count: 9, bytes: bytes / 2 + 1 }.fits_half(directive));
        }
        assert!(exceeds(i32::MIN, 1, 65537));
        for (directive, count) in [(0, 1), (1, 1), (2, 2), (1000, 1000)] {
            assert!(!exceeds(directive, count, 8192), "{directive}");
            assert!(exceeds(directive, count + 1, 10) && exceeds(directive, 1, 8193));
            assert!(Measure { count: count / 2, bytes: 1 << 20 }.fits_half(directive));
            assert!(!Measure { count: count / 2 + 1, bytes: 1 }.fits_half(directive));
        }
    }

    #[test]
    fn elements_count_with_what_redis_has_around_them() {
        let measure = Measure::of(3, 30).with(2, 20);
        assert_eq!((measure.count, measure.bytes), (5, 7 + 6 + 50));
    }
}
