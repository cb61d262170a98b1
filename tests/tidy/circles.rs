//! Circles: files that import each other, by whatever detour. None of them can be read or changed
//! without all the others, so a circle has its reason, or is not there.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{Import, imports, module_of};
use super::{Source, assert_none, sources};

/// A folder, and its circles that are meant: ARCHITECTURE.md has the reason of each.
const FOLDERS: &[(&str, &[&[&str]])] = &[
    (
        "src/",
        &[
            &[
                "connection",
                "connection/replies",
                "connection/request_memory",
                "connection/segment",
            ],
            &["thread/message", "thread/node", "thread/process_command", "thread/shard_thread"],
        ],
    ),
    ("shard/src/", &[]),
    ("loadtest/src/", &[]),
];

/// What the files of one crate take from each other, by module.
struct Crate(BTreeMap<String, Vec<Import>>);

impl Crate {
    fn of(folder: &str, sources: &[Source]) -> Self {
        let files = sources.iter().filter_map(|source| {
            let module = module_of(source.path.strip_prefix(folder)?);
            let is_for_tests = module.ends_with("tests") || module.contains("tests/");
            (!module.is_empty() && !is_for_tests).then(|| {
                let imports = imports(&module, &source.text);
                (module, imports)
            })
        });
        Self(files.collect())
    }

    /// The module where what a path names is written, which may be behind doors that pass it on.
    fn home(&self, path: &str) -> Option<&str> {
        let mut path = path.to_owned();
        // As many doors as there are modules, or they pass it on to each other.
        for _ in 0..self.0.len() {
            let mut door = path.as_str();
            while !self.0.contains_key(door) {
                door = door.rsplit_once('/')?.0;
            }
            let (module, imports) = self.0.get_key_value(door)?;
            let name = path[door.len()..].trim_start_matches('/');
            let (name, inside) = name.split_once('/').unwrap_or((name, ""));
            let behind = imports
                .iter()
                .find(|import| import.is_passed_on && import.path.rsplit('/').next() == Some(name));
            match behind {
                Some(import) if inside.is_empty() => path = import.path.clone(),
                Some(import) => path = format!("{}/{inside}", import.path),
                None => return Some(module),
            }
        }
        None
    }

    /// What each module needs to be understood.
    fn needs(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let modules = self.0.iter().map(|(module, imports)| {
            let taken = imports.iter().filter(|import| !import.is_passed_on);
            let homes = taken.filter_map(|import| self.home(&import.path));
            (module.as_str(), homes.filter(|home| home != module).collect())
        });
        modules.collect()
    }

    /// Modules that need each other, each circle as one.
    fn circles(&self) -> BTreeSet<Vec<&str>> {
        let needs = self.needs();
        let all_needs = |module| {
            let mut reached = BTreeSet::new();
            let mut open = vec![module];
            while let Some(module) = open.pop() {
                let new = needs.get(module).into_iter().flatten();
                open.extend(new.filter(|needed| reached.insert(**needed)));
            }
            reached
        };
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            needs.keys().map(|module| (*module, all_needs(*module))).collect();
        let in_circle = |module: &&str| reached[*module].contains(*module);
        reached
            .keys()
            .filter(|module| in_circle(module))
            .map(|module| {
                let others = reached[module].iter();
                others.filter(|other| reached[**other].contains(module)).copied().collect()
            })
            .collect()
    }
}

#[test]
fn files_import_each_other_in_no_circle_but_those_that_are_meant() {
    let sources = sources(".rs");
    let mut complaints = Vec::new();
    for (folder, meant) in FOLDERS {
        let files = Crate::of(folder, &sources);
        assert!(files.0.len() > 10, "{folder}: {} files", files.0.len());
        let found = files.circles();
        let meant: BTreeSet<Vec<&str>> = meant.iter().map(|circle| circle.to_vec()).collect();
        let new = found.difference(&meant).map(|circle| ("a circle", circle));
        let gone = meant.difference(&found).map(|circle| ("no longer a circle", circle));
        let told = new.chain(gone);
        complaints.extend(told.map(|(what, it)| format!("{folder}: {what}: {}", it.join(", "))));
    }
    assert_none(&complaints);
}

#[test]
fn a_circle_is_found_behind_a_door() {
    let sources: Vec<Source> = [
        ("src/lib.rs", "mod top; mod room;"),
        ("src/top.rs", "use crate::room::Inner;"),
        ("src/room/mod.rs", "mod inner; mod other;\npub use inner::Inner;\npub use other::Other;"),
        ("src/room/inner.rs", "fn f() { super::other::g() }"),
        ("src/room/other.rs", "pub struct Other; use crate::room::Other as Own;"),
    ]
    .map(|(path, text)| Source { path: path.to_owned(), text: text.to_owned() })
    .into();
    let circles_with = |from: &str, to: &str| -> Vec<String> {
        let sources: Vec<Source> = sources
            .iter()
            .map(|source| {
                let more = if source.path == from { to } else { "" };
                let text = format!("{}\n{more}", source.text);
                Source { path: source.path.clone(), text }
            })
            .collect();
        let files = Crate::of("src/", &sources);
        files.circles().iter().map(|circle| circle.join(" ")).collect()
    };
    assert_eq!(circles_with("", ""), [""; 0]);
    let directly = circles_with("src/room/other.rs", "use crate::room::inner::f;");
    assert_eq!(directly, ["room/inner room/other"]);
    let through_the_door = circles_with("src/room/other.rs", "use super::Inner;");
    assert_eq!(through_the_door, ["room/inner room/other"]);
    let by_a_detour = circles_with("src/room/other.rs", "use crate::top;");
    assert_eq!(by_a_detour, ["room/inner room/other top"]);
    let of_the_door = circles_with("src/room/inner.rs", "use super::Door;");
    assert_eq!(of_the_door, [""; 0], "a door that only passes on needs nothing");
}
