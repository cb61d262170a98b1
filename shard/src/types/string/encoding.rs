//! What OBJECT ENCODING calls a string.
//!
//! Strings are stored as their bytes, whatever they look like. Redis keeps them in one of three
//! ways and shows which; this is the answer that Redis would give for the same history.

use crate::keyspace::head::{Body, Head, RAW_STRING, TEXT_STRING};
use crate::number;

/// The longest text that Redis tries to keep as an integer.
const INT_BYTES_MAX: usize = 20;

/// The longest string that Redis keeps in one allocation with its object.
const EMBSTR_BYTES_MAX: usize = 44;

/// The encoding of the string in `head`: `int`, `embstr` or `raw`. Strings that commands wrote
/// into stay `raw`, whatever they hold.
pub fn encoding(head: &Head) -> &'static str {
    match &head.body {
        Body::Inline(value) if head.flags & RAW_STRING == 0 => {
            let is_text = head.flags & TEXT_STRING != 0 || value.len() > INT_BYTES_MAX;
            if !is_text && number::parse_i64(value).is_some() {
                "int"
            } else if value.len() <= EMBSTR_BYTES_MAX {
                "embstr"
            } else {
                "raw"
            }
        }
        _ => "raw",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn the_encoding_follows_the_value_and_its_history() {
        let long = "x".repeat(45);
        for (value, expected) in [
            ("", "embstr"),
            ("0", "int"),
            ("-9223372036854775808", "int"),
            ("9223372036854775808", "embstr"),
            ("01", "embstr"),
            ("-0", "embstr"),
            (&long[..44], "embstr"),
            (&long, "raw"),
        ] {
            let head = Head::string(Bytes::copy_from_slice(value.as_bytes()));
            assert_eq!(encoding(&head), expected, "{value}");
            assert_eq!(encoding(&head.raw()), "raw", "{value}");
        }
        let text = Head { flags: TEXT_STRING, ..Head::string(Bytes::from_static(b"3")) };
        assert_eq!(encoding(&text), "embstr");
    }
}
