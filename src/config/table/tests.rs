//! What must hold for every row.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::super::settings::Settings;
use super::super::value::Value;
use super::*;

#[test]
fn every_row_is_whole() {
    let mut names = HashSet::new();
    for row in directives() {
        for name in [Some(row.name), row.alias].into_iter().flatten() {
            assert!(names.insert(name), "{name} is there twice");
            assert_eq!(name, name.to_ascii_lowercase());
        }
        assert!(row.doc.ends_with('.'), "{}: no sentence as its doc", row.name);
        match row.effect {
            Effect::Live(_) => {}
            Effect::Reported(reason) | Effect::OnlyDefault(reason) => {
                assert!(!reason.is_empty(), "{}: no reason", row.name);
            }
        }
        let words = row.words_of(row.default.as_bytes());
        let default = row.parse(None, &words).unwrap_or_else(|e| panic!("{}: {e}", row.name));
        assert_eq!(default, row.default_value());
    }
}

/// For each live row: another legal value changes one field of the settings, and no two rows
/// change the same.
#[test]
fn every_live_row_fills_a_field_of_its_own() {
    let lines = |settings: &Settings| {
        format!("{settings:#?}").lines().map(str::to_string).collect::<Vec<_>>()
    };
    let mut fields = HashSet::new();
    for row in directives() {
        let Effect::Live(bind) = row.effect else { continue };
        let mut settings = Settings::default();
        bind(&mut settings, &row.default_value());
        let before = lines(&settings);
        bind(&mut settings, &another_value(row));
        let after = lines(&settings);
        assert_ne!(before, after, "{} changes nothing", row.name);
        let differs = before.iter().zip(&after).position(|(a, b)| a != b).unwrap();
        let is_field = |line: &&String| line.starts_with("    ") && !line.starts_with("     ");
        let field = after[..=differs].iter().rfind(is_field).unwrap();
        let field = field.split(':').next().unwrap().to_string();
        assert!(fields.insert(field.clone()), "{} changes {field} of another row", row.name);
    }
    let all = lines(&Settings::default());
    let count =
        all.iter().filter(|l| l.starts_with("    ") && !l.starts_with("     ") && l.contains(':'));
    assert_eq!(fields.len(), count.count(), "a field that no row fills");
}

/// A directive that nobody reads is accepted without effect: it has to be one that is only
/// reported, so that the start says so.
#[test]
fn every_setting_is_read_by_somebody() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut text = String::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let fills = ["config/table", "config/settings.rs", "config/tests"];
            if fills.iter().any(|fill| path == source.join(fill)) {
                continue;
            }
            match path.extension() {
                None => folders.push(path),
                Some(extension) if extension == "rs" => text += &fs::read_to_string(&path).unwrap(),
                Some(_) => {}
            }
        }
    }
    let words: HashSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let fields = include_str!("../settings.rs").lines().filter_map(|line| {
        line.strip_prefix("    pub(crate) ").and_then(|rest| rest.split_once(": "))
    });
    let mut count = 0;
    for (field, _) in fields {
        count += 1;
        assert!(words.contains(field), "nobody reads {field}");
    }
    assert!(count > 40, "{count}");
}

/// Whatever is accepted works, or is told at start.
#[test]
fn a_directive_without_effect_is_refused_or_told() {
    for row in directives() {
        let default = row.default_value();
        assert_eq!(row.without_effect(&default), None, "{}", row.name);
        match row.effect {
            Effect::Live(_) => {}
            Effect::Reported(reason) => {
                assert_eq!(row.without_effect(&another_value(row)), Some(reason), "{}", row.name);
            }
            Effect::OnlyDefault(_) => {
                let refused = CANDIDATES.iter().any(|text| {
                    let answer = row.parse(None, &row.words_of(text.as_bytes()));
                    answer.is_err_and(|reason| reason.starts_with("only the default"))
                });
                assert!(refused, "{}", row.name);
            }
        }
    }
}

#[test]
fn a_value_that_is_followed_in_part_is_told() {
    let told = |name: &str, value: &str| {
        let row = directive(name.as_bytes()).unwrap();
        let default = row.default_value();
        let value = row.parse(Some(&default), &row.words_of(value.as_bytes())).unwrap();
        row.without_effect(&value).is_some()
    };
    assert!(told("maxmemory-policy", "allkeys-lru"));
    assert!(!told("maxmemory-policy", "noeviction"));
    assert!(told("client-output-buffer-limit", "pubsub 1mb 1mb 1"));
    assert!(told("client-output-buffer-limit", "replica 1mb 1mb 1"));
    assert!(!told("client-output-buffer-limit", "normal 1mb 1mb 1"));
}

const CANDIDATES: &[&str] = &[
    "yes",
    "no",
    "7",
    "8mb",
    "700",
    "4096",
    "a",
    "/a",
    "10.0.0.1",
    "normal 1 2 3",
    "1 2",
    "1 2 3",
    "host 1",
    "KEA",
    "debug",
    "everysec",
    "local",
    "systemd",
    "allkeys-lfu",
    "allchannels",
    "clients",
    "user",
    "force",
    "absolute",
    "swapdb",
    "hostname",
    "panic",
    "optional",
];

fn another_value(row: &Directive) -> Value {
    let parse = |text: &&str| row.parse(None, &row.words_of(text.as_bytes())).ok();
    let default = row.default_value();
    let other = CANDIDATES.iter().filter_map(parse).find(|value| *value != default);
    other.unwrap_or_else(|| panic!("no other value for {}", row.name))
}

/// Names, defaults and flags as Redis has them are checked against redis-server where it is
/// installed; here what a client library relies on.
#[test]
fn names_that_clients_ask_for() {
    for name in [
        "save",
        "appendonly",
        "appendfsync",
        "maxmemory",
        "maxmemory-policy",
        "databases",
        "timeout",
        "tcp-keepalive",
        "replica-read-only",
        "slave-read-only",
        "hash-max-listpack-entries",
        "hash-max-ziplist-entries",
        "set-max-listpack-entries",
        "zset-max-ziplist-value",
        "list-max-ziplist-size",
        "client-output-buffer-limit",
        "lua-time-limit",
        "busy-reply-threshold",
        "notify-keyspace-events",
    ] {
        assert!(directive(name.as_bytes()).is_some(), "{name}");
    }
    assert!(directive(b"PORT").is_some_and(|row| row.name == "port"));
    assert!(directive(b"").is_none() && directive(b"\xff").is_none());
}

#[test]
fn suggestions() {
    let check = |typed: &str, expected: Option<&str>| {
        assert_eq!(nearest_name(typed.as_bytes()), expected, "{typed}");
    };
    check("prot", Some("port"));
    check("max-memory", Some("maxmemory"));
    check("requirepas", Some("requirepass"));
    check("maxmemory_policy", Some("maxmemory-policy"));
    check("rename-comand", Some("rename-command"));
    check("shard", Some("shards"));
    check("completely-else", None);
    check("", None);
    check(&"a".repeat(10_000), None);
}
