//! What a source file takes from other modules of its crate: the paths in its `use`s and in its
//! code that begin with `crate`, `self`, `super` or a module of its own, as paths from the crate's
//! root. Code for tests alone is left out: it may take what it wants.

/// A path from the crate's root, and the line where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) line: usize,
    pub(crate) path: String,
    /// The module takes it only for others to take it from here.
    pub(crate) is_passed_on: bool,
}

/// The module that a file is, from the folder of its crate on: `view/mod.rs` is `view`.
pub(crate) fn module_of(file: &str) -> String {
    let module = file.strip_suffix(".rs").unwrap_or(file);
    let module = module.strip_suffix("mod").map_or(module, |folder| folder.trim_end_matches('/'));
    if matches!(module, "lib" | "main") { String::new() } else { module.to_owned() }
}

/// The paths in `text`, the source of `module`.
pub(crate) fn imports(module: &str, text: &str) -> Vec<Import> {
    let tokens = tokens(text);
    let mut imports = Vec::new();
    let mut here: Vec<&str> = module.split('/').filter(|name| !name.is_empty()).collect();
    // The modules in files of their own that this one is divided into.
    let own: Vec<&str> = tokens
        .windows(3)
        .filter(|window| window[0].text == "mod" && window[2].text == ";")
        .map(|window| window[1].text)
        .collect();
    // Where the modules end that are written inside of this one.
    let mut ends = Vec::new();
    let mut is_passed_on = false;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if ends.last() == Some(&at) {
            ends.pop();
            here.pop();
        }
        let words = |count: usize| tokens[at..].iter().take(count).map(|token| token.text);
        if words(7).eq(["#", "[", "cfg", "(", "test", ")", "]"]) {
            at = end_of_item(&tokens, at + 7);
            continue;
        }
        if token.text == "mod" && tokens.get(at + 2).is_some_and(|token| token.text == "{") {
            here.push(tokens[at + 1].text);
            ends.push(closing(&tokens, at + 2));
            at += 3;
            continue;
        }
        let before = at.checked_sub(1).map_or("", |before| tokens[before].text);
        if token.text == "use" {
            is_passed_on = before == "pub" || before == ")";
        }
        let is_own = own.contains(&token.text) && ends.is_empty();
        let begins = matches!(token.text, "crate" | "self" | "super") || is_own;
        if begins && before != "::" && tokens.get(at + 1).is_some_and(|token| token.text == "::") {
            let first = imports.len();
            at = leaves(&tokens, at, &here, &mut imports);
            for import in &mut imports[first..] {
                import.is_passed_on = is_passed_on;
            }
            continue;
        }
        if token.text == ";" {
            is_passed_on = false;
        }
        at += 1;
    }
    imports
}

/// Notes every path of the tree of names that begins at `at`, and says where the tree ends.
fn leaves(tokens: &[Token], mut at: usize, under: &[&str], out: &mut Vec<Import>) -> usize {
    let mut path = under.to_vec();
    let line = tokens[at].line;
    loop {
        match tokens.get(at).map(|token| token.text) {
            Some("crate") => path.clear(),
            Some("super") => drop(path.pop()),
            Some("self" | "*") => {}
            Some("{") => {
                let end = closing(tokens, at);
                at += 1;
                while at < end {
                    at = leaves(tokens, at, &path, out);
                    while at < end && tokens[at].text != "," {
                        at += 1;
                    }
                    at += 1;
                }
                return end + 1;
            }
            Some(name) => path.push(name),
            None => {}
        }
        if tokens.get(at + 1).is_none_or(|token| token.text != "::") {
            out.push(Import { line, path: path.join("/"), is_passed_on: false });
            return at + 1;
        }
        at += 2;
    }
}

/// Where the item ends that begins at `at`: behind its braces or its semicolon.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text {
            "{" => return closing(tokens, at) + 1,
            ";" | "," => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// Where the brace closes that opens at `at`.
fn closing(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    tokens.len()
}

struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// Names, `::` and single signs; comments and literals are left out.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let is_name = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    let find = |from: usize, what: &str| {
        text.get(from..).and_then(|rest| rest.find(what)).map_or(text.len(), |at| from + at)
    };
    let mut tokens = Vec::new();
    let (mut at, mut line, mut counted) = (0, 1, 0);
    while let Some(&byte) = bytes.get(at) {
        line += bytes[counted..at].iter().filter(|byte| **byte == b'\n').count();
        counted = at;
        let rest = &bytes[at..];
        let end = match byte {
            b'/' if rest.starts_with(b"//") => find(at, "\n"),
            b'/' if rest.starts_with(b"/*") => find(at, "*/") + 2,
            b'"' => end_of_string(bytes, at),
            b'\'' if rest.get(1) == Some(&b'\\') => find(at + 3, "'") + 1,
            // A character; else it is a lifetime.
            b'\'' => match text[at + 1..].char_indices().nth(1) {
                Some((next, '\'')) => at + next + 2,
                _ => at + 1,
            },
            b'r' if rest.starts_with(b"r\"") || rest.starts_with(b"r#\"") => {
                let hash = if rest[1] == b'#' { "\"#" } else { "\"" };
                find(at + 1 + hash.len(), hash) + hash.len()
            }
            byte if is_name(byte) => {
                let len = rest.iter().take_while(|byte| is_name(**byte)).count();
                tokens.push(Token { text: &text[at..at + len], line });
                at + len
            }
            b':' if rest.starts_with(b"::") => {
                tokens.push(Token { text: "::", line });
                at + 2
            }
            byte => {
                if byte.is_ascii_punctuation() {
                    tokens.push(Token { text: &text[at..=at], line });
                }
                at + 1
            }
        };
        at = end;
    }
    tokens
}

fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    loop {
        at += 1;
        match bytes.get(at) {
            None => return at,
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 1,
            Some(_) => {}
        }
    }
}

#[test]
fn paths_are_found_wherever_they_stand() {
    let text = r#"
//! crate::comment
use crate::engine::{Engine, log::{self, Lsn}, *};
use super::sibling::Name as Other;
fn f(text: &'a str) -> crate::error::Result<()> {
    let (quote, string) = ('"', "crate::string\"");
    self::inner::g(super::h());
    pub(crate) fn h() {}
}
mod inner {
    use super::deep::Item;
}
use super::after::Inner;
mod part;
pub(crate) use part::{Door, Other as Another};
fn g() { part::h(self::part::i(), other::part::j()) }
#[cfg(test)]
use crate::testing::Shard;
#[cfg(test)]
mod tests {
    use crate::top::Everything;
}
"#;
    let found: Vec<String> = imports("room/part", text)
        .into_iter()
        .map(|import| {
            let passed_on = if import.is_passed_on { " passed on" } else { "" };
            format!("{} {}{passed_on}", import.line, import.path)
        })
        .collect();
    assert_eq!(
        found,
        [
            "3 engine/Engine",
            "3 engine/log",
            "3 engine/log/Lsn",
            "3 engine",
            "4 room/sibling/Name",
            "5 error/Result",
            "7 room/part/inner/g",
            "7 room/h",
            "11 room/part/deep/Item",
            "13 room/after/Inner",
            "15 room/part/part/Door passed on",
            "15 room/part/part/Other passed on",
            "16 room/part/part/h",
            "16 room/part/part/i",
        ]
    );
    let modules = ["lib.rs", "view/mod.rs", "view/gate.rs", "room.rs"].map(module_of);
    assert_eq!(modules, ["", "view", "view/gate", "room"]);
}
