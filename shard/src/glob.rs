//! Glob patterns, as KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET and ACL rules use them.
//!
//! `*` is any bytes, `?` one byte, `[abc]`, `[a-z]` and `[^a]` one byte of a class, and `\` takes
//! away the meaning of the next byte. Patterns never fail to parse, and the odd corners are
//! Redis's, for patterns that work there must work here:
//!
//! - the empty text is matched by the empty pattern alone, not even by `*`;
//! - a class that is not closed reaches to the end of the pattern (so `[^` is any byte), and `]`
//!   as the end of a range belongs to the range (`[a-]` is not closed);
//! - a range may be written backwards, and compares bytes as signed numbers;
//! - an escaped byte in a class is compared exactly even when case is ignored;
//! - a `\` at the end of the pattern stands for itself.
//!
//! Time is at most the product of both lengths, memory constant, recursion none: only the last
//! `*` seen is ever tried again, since whatever an earlier one could give up, that one can take.

/// Whether the whole of `text` matches `pattern`. Case is that of ASCII letters.
pub fn glob_match(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let mut rest = pattern;
    let mut unmatched = text;
    // The pattern after the last `*`, and the text that it was last tried on.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        let [byte, text_after @ ..] = unmatched else {
            return rest.iter().all(|&byte| byte == b'*');
        };
        if let [b'*', after @ ..] = rest {
            if after.is_empty() {
                return true;
            }
            retry = Some((after, unmatched));
            rest = after;
            continue;
        }
        match match_byte(rest, *byte, ignore_case) {
            Some(after) => (rest, unmatched) = (after, text_after),
            None => {
                let Some((after_star, [_, shorter @ ..])) = retry else { return false };
                retry = Some((after_star, shorter));
                (rest, unmatched) = (after_star, shorter);
            }
        }
    }
}

/// The bytes that every text matching `pattern` (with its case) begins with, as far as they stand
/// in the pattern literally.
pub fn literal_prefix(pattern: &[u8]) -> &[u8] {
    let end = pattern.iter().position(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'));
    pattern.get(..end.unwrap_or(pattern.len())).unwrap_or_default()
}

/// Matches one byte against the first element of the pattern, which is not a `*`, and returns the
/// pattern after it.
fn match_byte(pattern: &[u8], byte: u8, ignore_case: bool) -> Option<&[u8]> {
    let (literal, after) = match pattern {
        [] => return None,
        [b'?', after @ ..] => return Some(after),
        [b'[', b'^', class @ ..] => {
            let (is_in_class, after) = match_class(class, byte, ignore_case);
            return (!is_in_class).then_some(after);
        }
        [b'[', class @ ..] => {
            let (is_in_class, after) = match_class(class, byte, ignore_case);
            return is_in_class.then_some(after);
        }
        [b'\\', literal, after @ ..] | [literal, after @ ..] => (*literal, after),
    };
    is_same(literal, byte, ignore_case).then_some(after)
}

/// Whether `byte` is in the class whose members begin `pattern`, and the pattern after the class.
fn match_class(pattern: &[u8], byte: u8, ignore_case: bool) -> (bool, &[u8]) {
    let mut rest = pattern;
    let mut is_in_class = false;
    loop {
        rest = match rest {
            [] => return (is_in_class, rest),
            [b'\\', member, after @ ..] => {
                is_in_class |= *member == byte;
                after
            }
            [b']', after @ ..] => return (is_in_class, after),
            [first, b'-', last, after @ ..] => {
                is_in_class |= is_in_range(*first, *last, byte, ignore_case);
                after
            }
            [member, after @ ..] => {
                is_in_class |= is_same(*member, byte, ignore_case);
                after
            }
        };
    }
}

/// Redis puts the ends of a range in order first and folds their case then: `[A-_]` is empty when
/// case is ignored.
fn is_in_range(first: u8, last: u8, byte: u8, ignore_case: bool) -> bool {
    let signed = |byte: u8| byte.cast_signed();
    let (low, high) = if signed(first) <= signed(last) { (first, last) } else { (last, first) };
    let fold = |byte: u8| signed(if ignore_case { byte.to_ascii_lowercase() } else { byte });
    (fold(low)..=fold(high)).contains(&fold(byte))
}

fn is_same(left: u8, right: u8, ignore_case: bool) -> bool {
    left == right || (ignore_case && left.eq_ignore_ascii_case(&right))
}

#[cfg(test)]
mod tests;
