//! Style as a test over the files that git tracks: what a reviewer should never have to say.
//! Every rule has its reason here; an exception is a line in a table, with its reason too.

#![expect(clippy::expect_used, reason = "a helper of a test fails the test")]

#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/rooms.rs"]
mod rooms;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

const COLUMNS_MAX: usize = 100;
const LINES_MAX: usize = 800;

/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] = &[];

/// Words that mean unfinished work. Put together here so that this file does not hold them.
fn unfinished() -> [String; 4] {
    [["TO", "DO"], ["FIX", "ME"], ["X", "XX"], ["dbg", "!"]].map(|halves| halves.concat())
}

/// Where a name may be used: of the folders asked, only in those allowed. Paths by their start.
struct Boundary {
    name: &'static str,
    asked: &'static [&'static str],
    allowed: &'static [&'static str],
    reason: &'static str,
}

/// The engine and its log time the disk; the oracle, for tests alone, waits for a process.
const CLOCK_ALLOWED: &[&str] = &["shard/src/engine/", "shard/src/log/", "shard/src/oracle.rs"];

const BOUNDARIES: &[Boundary] = &[
    Boundary {
        name: "glommio",
        asked: &["shard/src/"],
        allowed: &[],
        reason: "a shard knows no runtime",
    },
    Boundary {
        name: "glommio::",
        asked: &["src/", "loadtest/src/"],
        // sys.rs is where a raw descriptor becomes one of its streams.
        allowed: &["src/runtime.rs", "src/runtime/", "src/sys.rs"],
        reason: "the runtime's types stay in one thin layer",
    },
    Boundary {
        name: "rocksdb::",
        asked: &["src/", "shard/src/", "loadtest/src/"],
        allowed: &["shard/src/engine/"],
        reason: "the storage engine has one door",
    },
    Boundary {
        name: "SystemTime::now",
        asked: &["shard/src/"],
        allowed: CLOCK_ALLOWED,
        reason: "a shard is told the time, so that a test can tell it",
    },
    Boundary {
        name: "Instant::now",
        asked: &["shard/src/"],
        allowed: CLOCK_ALLOWED,
        reason: "a shard is told the time, so that a test can tell it",
    },
    Boundary {
        name: "thread::spawn",
        asked: &["shard/src/"],
        allowed: &["shard/src/engine/"],
        reason: "a shard runs on the thread that calls it",
    },
];

struct Source {
    path: String,
    text: String,
}

/// The checkout: where cargo says the package is, also for a test program started by hand.
fn root() -> PathBuf {
    let root = std::env::var_os("CARGO_MANIFEST_DIR");
    root.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// The tracked and the new files whose name ends so.
fn sources(ending: &str) -> Vec<Source> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("run git");
    assert!(listed.status.success(), "git ls-files: {}", listed.status);
    let paths = String::from_utf8(listed.stdout).expect("paths in UTF-8");
    let sources: Vec<Source> = paths
        .split('\0')
        .filter(|path| path.ends_with(ending))
        // A file that is deleted but not yet committed is still listed.
        .filter_map(|path| {
            let text = fs::read_to_string(root().join(path)).ok()?;
            Some(Source { path: path.to_owned(), text })
        })
        .collect();
    assert!(!sources.is_empty(), "git lists no {ending} at {}", root().display());
    sources
}

/// Fails with all complaints at once.
fn assert_none(complaints: &[String]) {
    let count = complaints.len();
    assert!(count == 0, "{count} complaints:\n{}", complaints.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = sources(".rs").into_iter().filter(|source| !source.text.starts_with("//!"));
    let complaints: Vec<String> =
        silent.map(|source| format!("{}: must start with //!", source.path)).collect();
    assert_none(&complaints);
}

#[test]
fn lines_are_short() {
    let mut complaints = Vec::new();
    for Source { path, text } in sources(".rs") {
        for (index, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS_MAX {
                complaints.push(format!("{path}:{}: {columns} columns", index + 1));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn files_are_short() {
    let mut complaints = Vec::new();
    let sources = sources(".rs");
    for Source { path, text } in &sources {
        let lines = text.lines().count();
        let excepted = LONG_FILES.iter().any(|(long, _)| long == path);
        if lines > LINES_MAX && !excepted {
            complaints.push(format!("{path}: {lines} lines, more than {LINES_MAX}"));
        }
        if lines <= LINES_MAX && excepted {
            complaints.push(format!("{path}: no longer long, take it off the list"));
        }
    }
    for (path, _) in LONG_FILES {
        if !sources.iter().any(|source| source.path == *path) {
            complaints.push(format!("{path}: on the list of long files, but not there"));
        }
    }
    assert_none(&complaints);
}

#[test]
fn nothing_is_left_for_later() {
    let mut complaints = Vec::new();
    for ending in [".rs", ".toml", ".sh", ".py", ".js", ".md"] {
        // Not every kind of file needs to exist.
        for Source { path, text } in sources_if_any(ending) {
            for (index, line) in text.lines().enumerate() {
                if let Some(word) = unfinished().iter().find(|word| has_word(line, word)) {
                    complaints.push(format!("{path}:{}: {word}", index + 1));
                }
            }
        }
    }
    assert_none(&complaints);
}

fn sources_if_any(ending: &str) -> Vec<Source> {
    let all = sources("");
    all.into_iter().filter(|source| source.path.ends_with(ending)).collect()
}

/// Whether the word stands alone: a key in a test may well contain its letters.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[test]
fn layers_keep_to_themselves() {
    let mut complaints = Vec::new();
    for Source { path, text } in sources(".rs") {
        let within = |folders: &[&str]| folders.iter().any(|folder| path.starts_with(folder));
        for boundary in BOUNDARIES {
            // Tests may do what the code they test may not.
            let is_test = path.ends_with("tests.rs") || path.contains("/tests/");
            if !within(boundary.asked) || within(boundary.allowed) || is_test {
                continue;
            }
            for (index, line) in text.lines().enumerate() {
                // Prose may speak of what code may not use.
                let code = line.split("//").next().unwrap_or_default();
                if code.contains(boundary.name) {
                    let Boundary { name, reason, .. } = boundary;
                    complaints.push(format!("{path}:{}: {name} ({reason})", index + 1));
                }
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn files_end_with_one_line_end_and_have_no_stray_blanks() {
    let mut complaints = Vec::new();
    for Source { path, text } in sources(".rs") {
        if !text.ends_with('\n') || text.ends_with("\n\n") {
            complaints.push(format!("{path}: must end with one line end"));
        }
        for (index, line) in text.lines().enumerate() {
            if line.ends_with([' ', '\t']) || line.contains('\t') {
                complaints.push(format!("{path}:{}: a tab or a blank at the end", index + 1));
            }
        }
    }
    assert_none(&complaints);
}
