//! How INFO writes its lines, and numbers for people to read.

use std::fmt::{Display, Write};

/// The text of INFO as it grows.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    /// Begins a section; an empty line parts it from the one before.
    pub(super) fn section(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.0.push_str("\r\n");
        }
        self.line(format_args!("# {title}"));
    }

    /// One field.
    pub(super) fn field(&mut self, name: &str, value: impl Display) {
        self.line(format_args!("{name}:{value}"));
    }

    /// A field in bytes, and behind it the same for people to read.
    pub(super) fn bytes(&mut self, name: &str, bytes: u64) {
        self.field(name, bytes);
        self.field(&format!("{name}_human"), human(bytes));
    }

    /// Fields that have the same value.
    pub(super) fn fields(&mut self, names: &[&str], value: impl Display) {
        for name in names {
            self.field(name, &value);
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{line}\r\n");
    }

    /// All of it.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// `1023B`, `1.50K`, as Redis writes bytes.
pub(super) fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut size = bytes as f64;
    let mut shown = "";
    for unit in UNITS {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        shown = unit;
    }
    format!("{size:.2}{shown}")
}

/// `part` of `whole` with two digits; 0 of nothing is 0.
pub(super) fn ratio(part: u64, whole: u64) -> String {
    let ratio = if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    format!("{ratio:.2}")
}

/// The same in percent.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let percent = if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 };
    format!("{percent:.2}%")
}

/// `left` less `right`, which may be the greater.
pub(super) fn difference(left: u64, right: u64) -> i128 {
    i128::from(left) - i128::from(right)
}

/// A name as it may stand in front of a colon. Error codes come from anywhere.
pub(super) fn safe_name(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    text.chars().map(|c| if "#:\r\n".contains(c) { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_for_people() {
        for (bytes, shown) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1536, "1.50K"),
            ((1 << 20) - 1, "1024.00K"),
            (1 << 20, "1.00M"),
            (25_276_502_016, "23.54G"),
            (1 << 40, "1.00T"),
            (u64::MAX, "16384.00P"),
        ] {
            assert_eq!(human(bytes), shown);
        }
    }

    #[test]
    fn shares() {
        assert_eq!(ratio(3, 2), "1.50");
        assert_eq!(ratio(3, 0), "0.00");
        assert_eq!(percent(1, 3), "33.33%");
        assert_eq!(percent(1, 0), "0.00%");
        assert_eq!(difference(1, 3), -2);
    }

    #[test]
    fn names_cannot_break_lines() {
        assert_eq!(safe_name(b"A:b\r\n#c"), "A_b___c");
    }
}
