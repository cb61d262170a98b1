//! Whatever pattern and text: matching ends in bounded time, and keeps some laws.

#![no_main]

use basalt_shard_fuzz::glob::{glob_match, literal_prefix};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&[u8], &[u8])| {
    let (pattern, text) = data;
    let is_match = glob_match(pattern, text, false);
    glob_match(pattern, text, true);
    if is_match {
        assert!(text.starts_with(literal_prefix(pattern)));
    }
    // What matches a text also matches it behind other bytes, after a star.
    if is_match && !text.is_empty() {
        let after_star = [b"*", pattern].concat();
        assert!(glob_match(&after_star, &[b"some ", text].concat(), false));
    }
    // Escaped, a text is a pattern for itself.
    let escaped: Vec<u8> = text.iter().flat_map(|&byte| [b'\\', byte]).collect();
    assert!(glob_match(&escaped, text, false) && glob_match(&escaped, text, true));
});
