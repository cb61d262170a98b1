//! Tests of glob patterns.

use super::*;
use crate::oracle::{Oracle, Random};

fn check(pattern: &str, text: &str, expected: bool) {
    assert_eq!(
        glob_match(pattern.as_bytes(), text.as_bytes(), false),
        expected,
        "{pattern} {text}"
    );
}

#[test]
fn matches_whole_texts() {
    for (pattern, yes, no) in [
        ("abc", "abc", "abcd"),
        ("a?c", "axc", "ac"),
        ("a*c", "abbbc", "abbbcd"),
        ("*", "anything", ""),
        ("a**", "a", "ba"),
        ("*a*b*", "xaxbx", "xbxax"),
        ("h[ae]llo", "hallo", "hillo"),
        ("h[^e]llo", "hallo", "hello"),
        ("h[a-c]llo", "hbllo", "hdllo"),
        ("h[c-a]llo", "hbllo", "hdllo"),
        (r"a\*c", "a*c", "abc"),
        (r"[\]]", "]", r"\"),
        (r"[\-x]", "-", "a"),
        ("\\", "\\", "a"),
        ("[", "never", "["),
        ("[ab", "b", "c"),
        ("[^", "x", "xy"),
        ("[]", "never", "]"),
        ("[a-]", "_", "-"),
        ("x[a-]", "x_", "x-"),
        ("", "", "a"),
    ] {
        if yes != "never" {
            check(pattern, yes, true);
        }
        check(pattern, no, false);
    }
}

#[test]
fn ignores_case_of_letters_only_when_asked() {
    for (pattern, text, expected) in [
        ("AbC", "aBc", true),
        ("[A-C]x", "bX", true),
        (r"[\A]", "a", false),
        ("[A-_]", "b", false),
        ("[@-_]", "_", true),
        ("\u{c4}", "\u{e4}", false),
    ] {
        assert_eq!(glob_match(pattern.as_bytes(), text.as_bytes(), true), expected, "{pattern}");
    }
    check("AbC", "aBc", false);
}

#[test]
fn hostile_patterns_take_bounded_time() {
    let text = vec![b'a'; 100_000];
    let pattern = [b"a*".repeat(1000), b"b".to_vec()].concat();
    let begun = std::time::Instant::now();
    assert!(!glob_match(&pattern, &text, false));
    let stars = [b"*".repeat(100_000), b"b".to_vec()].concat();
    assert!(!glob_match(&stars, &text, false));
    let classes = b"*[^b]".repeat(50_000);
    assert!(glob_match(&classes, &text, false));
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn the_prefix_ends_at_the_first_special_byte() {
    for (pattern, prefix) in
        [("", ""), ("user:", "user:"), ("user:*", "user:"), ("a?", "a"), ("[a]", ""), (r"a\*", "a")]
    {
        assert_eq!(literal_prefix(pattern.as_bytes()), prefix.as_bytes());
    }
}

/// A few bytes out of those that mean something, or could be taken for it.
fn random_bytes(random: &mut Random, alphabet: &[u8], len_max: usize) -> Vec<u8> {
    (0..random.below(len_max + 1)).map(|_| alphabet[random.below(alphabet.len())]).collect()
}

#[test]
fn random_patterns_match_the_keys_that_redis_finds() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut redis = oracle.connect();
    let mut random = Random::new();
    let mut keys: Vec<Vec<u8>> =
        (0..400).map(|_| random_bytes(&mut random, b"aAbB_-]\\\x80\xff*", 6)).collect();
    keys.sort();
    keys.dedup();
    for key in &keys {
        redis.command(&[b"SET", key, b""]);
    }
    for _ in 0..20_000 {
        let pattern = random_bytes(&mut random, b"aAbB_-]\\\x80\xff**??[[[^]]\\", 10);
        if pattern == b"*" {
            // KEYS does not ask the matcher about this one.
            continue;
        }
        let found = redis.command(&[b"KEYS", &pattern]);
        let expected: Vec<_> = keys.iter().filter(|key| glob_match(&pattern, key, false)).collect();
        let count = format!("*{}\r\n", expected.len());
        let shown = pattern.escape_ascii().to_string();
        assert!(found.starts_with(count.as_bytes()), "{shown}: {}", found.escape_ascii());
        for key in expected {
            let shown_key = [format!("${}\r\n", key.len()).as_bytes(), key, b"\r\n"].concat();
            let is_found = found.windows(shown_key.len()).any(|window| window == shown_key);
            assert!(is_found, "{shown} {}", key.escape_ascii());
        }
    }
}

#[test]
fn random_patterns_ignore_case_as_redis_does() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut redis = oracle.connect();
    let mut random = Random::new();
    // Only directive names are matched without their case.
    let name = b"maxmemory";
    for _ in 0..20_000 {
        let mut pattern = name.to_vec();
        for _ in 0..1 + random.below(3) {
            let at = random.below(pattern.len());
            let piece = random.pick::<[u8]>(&[
                b"*",
                b"?",
                b"[a-z]",
                b"[Z-A]",
                b"[^X]",
                b"[MAXEORY]",
                b"[\\m\\Y]",
                b"[A-_]",
                b"[@-_]",
                b"\\M",
                b"\\",
                b"[",
                b"M",
                b"E",
                b"[z-",
                b"[^",
            ]);
            pattern.splice(at..=at, piece.iter().copied());
        }
        if !pattern.iter().any(|byte| b"[*?".contains(byte)) {
            // Looked up as a name, and not as a pattern.
            continue;
        }
        let found = redis.command(&[b"CONFIG", b"GET", &pattern]);
        let is_found = found.windows(13).any(|window| window == b"\r\nmaxmemory\r\n");
        let shown = pattern.escape_ascii();
        assert_eq!(glob_match(&pattern, name, true), is_found, "{shown}");
    }
}
