//! Rooms: what stands above what. A room imports from rooms below it and from itself, never from
//! one above, so that each can be read, tested and changed without those above it.

use super::imports::{imports, module_of};
use super::{Source, assert_none, sources};

/// A room: its modules with all that is inside of them but for modules that are rooms themselves.
struct Room {
    name: &'static str,
    modules: &'static [&'static str],
}

const fn room(name: &'static str, modules: &'static [&'static str]) -> Room {
    Room { name, modules }
}

/// The rooms of the server, the lowest first.
const SERVER: &[Room] = &[
    room("basics", &["sys", "runtime", "clock"]),
    room("config", &["config"]),
    room("logging", &["logging"]),
    room("shared", &["shared"]),
    room("io", &["io"]),
    room("telemetry", &["telemetry"]),
    room("client", &["client"]),
    room("pubsub", &["pubsub"]),
    room("thread", &["thread"]),
    room("execute", &["execute"]),
    room("upkeep", &["upkeep"]),
    room("connection", &["connection"]),
    room("commands", &["commands"]),
    room("daemon", &["daemon"]),
    room("server", &["server"]),
    room("doctor", &["doctor"]),
    room("command line", &["cli"]),
];

/// The rooms of the database of one shard, the lowest first.
const SHARD: &[Room] = &[
    room("basics", &["glob", "number", "random", "resp", "types/packed", "effects"]),
    room("rdb", &["rdb"]),
    room("errors", &["engine/error", "error"]),
    room("log", &["log"]),
    // What is on the disk under a key: the engine's filter for orphans reads it.
    room("records", &["keyspace/layout", "keyspace/pieces", "keyspace/head"]),
    room("engine", &["engine"]),
    room("keyspace", &["keyspace"]),
    room("surroundings", &["settings", "room", "topology"]),
    room("view", &["view"]),
    room("tree", &["tree"]),
    room("command", &["command"]),
    room("shard", &["locks", "shard"]),
    room("types", &["types"]),
    room("generic", &["generic"]),
    room("table", &["table"]),
    room("testing", &["oracle", "testing"]),
];

/// The room of a path from the crate's root, by the longest module that it begins with.
fn floor(rooms: &[Room], path: &str) -> Option<usize> {
    let begins_with = |module: &str| {
        path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let modules = rooms.iter().enumerate().flat_map(|(floor, room)| {
        room.modules.iter().filter(|module| begins_with(module)).map(move |it| (it.len(), floor))
    });
    modules.max().map(|(_, floor)| floor)
}

/// What is wrong with the imports of one file.
fn complaints(rooms: &[Room], folder: &str, source: &Source) -> Vec<String> {
    let Some(file) = source.path.strip_prefix(folder) else { return Vec::new() };
    let module = module_of(file);
    if module.is_empty() || module.ends_with("tests") || module.contains("tests/") {
        return Vec::new();
    }
    let Some(own) = floor(rooms, &module) else {
        return vec![format!("{}: in no room", source.path)];
    };
    imports(&module, &source.text)
        .iter()
        .filter_map(|import| {
            let above = floor(rooms, &import.path).filter(|floor| *floor > own)?;
            let (path, line) = (import.path.replace('/', "::"), import.line);
            Some(format!(
                "{}:{line}: crate::{path} is of the room '{}', above '{}'",
                source.path, rooms[above].name, rooms[own].name
            ))
        })
        .collect()
}

#[test]
fn rooms_of_the_server_import_downwards() {
    let sources = sources(".rs");
    let found: Vec<String> =
        sources.iter().flat_map(|source| complaints(SERVER, "src/", source)).collect();
    assert_none(&found);
}

#[test]
fn rooms_of_a_shard_import_downwards() {
    let sources = sources(".rs");
    let found: Vec<String> =
        sources.iter().flat_map(|source| complaints(SHARD, "shard/src/", source)).collect();
    assert_none(&found);
}

#[test]
fn an_import_upwards_is_found() {
    let complaints_about = |path: &str, text: &str| {
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        complaints(SERVER, "src/", &source)
    };
    let upwards = complaints_about("src/shared/a.rs", "use crate::thread::node::{Node, Other};\n");
    assert_eq!(upwards.len(), 2, "{upwards:?}");
    assert!(upwards[1].contains("a.rs:1: crate::thread::node::Other"), "{upwards:?}");
    let in_code = "fn f() { super::super::server::start::run(); }\n";
    assert_eq!(complaints_about("src/execute/a.rs", in_code).len(), 1);
    assert_eq!(complaints_about("src/execute/a.rs", "use super::run::A;").len(), 0);
    assert_eq!(complaints_about("src/new.rs", "").len(), 1, "in no room");
    assert_eq!(complaints_about("src/io/a_tests.rs", "use crate::thread::A;").len(), 0);
}
