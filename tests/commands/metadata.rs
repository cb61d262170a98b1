//! `COMMAND INFO`, `DOCS`, `GETKEYS` and `GETKEYSANDFLAGS` against those of redis-server 7.0,
//! for the commands that both have. Where Redis 7.2 differs there is a line in `EXCEPTIONS`.

use std::fmt::Debug;

use crate::common::grammar::{self, SHAPES};
use crate::common::universe::Universe;
use crate::common::{Client, Rng, Server, Value, rng};

use super::table::{self, Entry};

/// Command, field, reason. A container's exceptions do not cover its subcommands.
#[rustfmt::skip] // One line per exception is the point of the table.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    // Later than 7.2.
    ("set", "arguments", "IFEQ, IFNE, IFDEQ and IFDNE came with 8.4"),
    ("bitop", "arguments", "7.2 lists the operations; DIFF, DIFF1, ANDOR and ONE came with 8.2"),
    ("hscan", "arguments", "NOVALUES came with 7.4"),
    // 7.2 takes or tells something else.
    ("command|getkeys", "arity", "-4 became -3: a call may be of one word"),
    ("command|getkeys", "arguments", "7.0 lists none"),
    ("command|getkeysandflags", "arity", "as command|getkeys"),
    ("command|getkeysandflags", "arguments", "as command|getkeys"),
    ("msetnx", "tips", "no policy any more: split over shards it would not be atomic"),
    ("randomkey", "tips", "response_policy:special is new: one reply has to be chosen"),
    ("scan", "tips", "response_policy:special is new: cursors cannot be aggregated"),
    ("zrank", "arity", "3 became -3: WITHSCORE is new"),
    ("zrank", "arguments", "as its arity"),
    ("zrevrank", "arity", "as zrank"),
    ("zrevrank", "arguments", "as zrank"),
    // 7.2 describes the same arguments as another structure.
    ("client|kill", "arguments", "the old and the new form became a choice"),
    ("client|list", "arguments", "the block around the ID became the argument; client-type"),
    ("config|get", "arguments", "the block around the parameter is gone"),
    // 7.2 calls the same arguments by other names, here the new ones.
    ("bitcount", "arguments", "range, unit"),
    ("bitfield", "arguments", "blocks named by what they do"),
    ("bitfield_ro", "arguments", "get-block"),
    ("bitpos", "arguments", "range, end-unit-block, unit"),
    ("client|reply", "arguments", "action"),
    ("client|unblock", "arguments", "unblock-type"),
    ("config|set", "arguments", "data"),
    ("flushall", "arguments", "flush-type"),
    ("flushdb", "arguments", "flush-type"),
    ("hello", "arguments", "auth"),
    ("latency|histogram", "arguments", "COMMAND, in capitals"),
    ("lcs", "arguments", "min-match-len"),
    ("mset", "arguments", "data"),
    ("msetnx", "arguments", "data"),
    ("shutdown", "arguments", "save-selector"),
    ("zadd", "arguments", "data"),
    ("zrange", "arguments", "limit"),
    ("zrangestore", "arguments", "limit"),
    ("zrangebyscore", "arguments", "limit"),
    ("zrangebylex", "arguments", "limit"),
    ("zrevrangebyscore", "arguments", "limit"),
    ("zrevrangebylex", "arguments", "limit"),
    ("geoadd", "arguments", "data"),
    ("geodist", "arguments", "units are not in capitals"),
    ("geohash", "arguments", "the member became optional"),
    ("geopos", "arguments", "the member became optional"),
    ("geosearch", "arguments", "fromlonlat, count-block"),
    ("geosearchstore", "arguments", "fromlonlat, count-block"),
    ("georadius", "arguments", "count-block; STORE and STOREDIST became a choice"),
    ("georadius_ro", "arguments", "count-block"),
    ("georadiusbymember", "arguments", "as georadius"),
    ("georadiusbymember_ro", "arguments", "as georadius_ro"),
];

fn excepted(name: &str, field: &str) -> bool {
    EXCEPTIONS.iter().any(|(command, of, _)| *command == name && *of == field)
}

/// Collects what differs, so that one run shows everything there is to do.
#[derive(Default)]
struct Differences {
    lines: Vec<String>,
}

impl Differences {
    fn check<T: PartialEq + Debug>(&mut self, name: &str, field: &str, oracle: &T, target: &T) {
        if oracle != target && !excepted(name, field) {
            self.lines.push(format!(
                "{name}: {field}\n    redis-server: {oracle:?}\n    target:       {target:?}"
            ));
        }
    }

    fn assert_none(self) {
        let count = self.lines.len();
        assert!(count == 0, "{count} differences:\n{}", self.lines.join("\n"));
    }
}

#[test]
fn command_info_is_that_of_redis() {
    let Some(oracle) = Server::oracle() else { return };
    let target = Server::start();
    let mut differences = Differences::default();
    let entries = table::commands_and_subcommands(&mut target.client());
    let names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    let known = table::info(&mut oracle.client(), &names);
    let both: Vec<(Entry, Entry)> =
        known.into_iter().zip(entries).filter_map(|(a, b)| Some((a?, b))).collect();
    assert!(both.len() > 50, "only {} commands in common", both.len());
    for (a, b) in &both {
        differences.check(&a.name, "arity", &a.arity, &b.arity);
        differences.check(&a.name, "flags", &a.flags, &b.flags);
        differences.check(&a.name, "keys", &a.keys, &b.keys);
        differences.check(&a.name, "acl categories", &a.acl_categories, &b.acl_categories);
        differences.check(&a.name, "tips", &a.tips, &b.tips);
        differences.check(&a.name, "key specs", &a.key_specs, &b.key_specs);
    }
    differences.assert_none();
}

#[test]
fn command_docs_are_those_of_redis() {
    let Some(oracle) = Server::oracle() else { return };
    let target = Server::start();
    let mut differences = Differences::default();
    let (mut oracle, mut target) = (oracle.client(), target.client());
    let mut compared = 0;
    for (name, docs) in target.run("COMMAND DOCS").pairs() {
        let name = name.text();
        let known = oracle.run(&format!("COMMAND DOCS {name}"));
        let Some(known) = known.field(&name) else { continue };
        compare_docs(&name, &known, &docs, &mut differences);
        compared += 1;
    }
    assert!(compared > 50, "only {compared} commands in common");
    differences.assert_none();
}

/// The fields that clients make use of; summaries are free text.
fn compare_docs(name: &str, oracle: &Value, target: &Value, differences: &mut Differences) {
    for field in ["since", "group"] {
        differences.check(name, field, &oracle.field(field), &target.field(field));
    }
    let arguments = |docs: &Value| docs.field("arguments").map(|list| signature(&list));
    differences.check(name, "arguments", &arguments(oracle), &arguments(target));
    let subcommands = |docs: &Value| match docs.field("subcommands") {
        Some(subcommands) => subcommands.pairs(),
        None => Vec::new(),
    };
    let known = subcommands(oracle);
    for (name, docs) in subcommands(target) {
        if let Some((_, known)) = known.iter().find(|(known, _)| *known == name) {
            compare_docs(&name.text(), known, &docs, differences);
        }
    }
}

/// Names, types and tokens of a list of arguments, as one readable line.
fn signature(arguments: &Value) -> String {
    let one = |argument: &Value| {
        let text = |field: &str| argument.field(field).map(|value| value.text());
        let mut line = text("name").unwrap_or_default();
        line += &format!(":{}", text("type").unwrap_or_default());
        if let Some(token) = text("token") {
            line += &format!("={token}");
        }
        if let Some(inner) = argument.field("arguments") {
            line += &format!("({})", signature(&inner));
        }
        line
    };
    arguments.items().iter().map(one).collect::<Vec<String>>().join(" ")
}

#[test]
fn the_keys_of_a_call_are_those_that_redis_finds() {
    const CALLS_PER_SHAPE: usize = 10;
    let Some(oracle) = Server::oracle() else { return };
    let target = Server::start();
    let (mut oracle, mut target) = (oracle.client(), target.client());
    let seed = rng::seed("BASALT_GETKEYS_SEED");
    eprintln!("BASALT_GETKEYS_SEED={seed}");
    let mut rng = Rng::new(seed);
    let mut differences = Differences::default();
    for shape in SHAPES.iter().filter(|shape| !shape.line.starts_with('@')) {
        for _ in 0..CALLS_PER_SHAPE {
            let call = grammar::call(shape, &Universe::for_programs(), &mut rng);
            if call.len() == 1 {
                continue; // Too short for 7.0: see `the_keys_of_a_call_of_one_word`.
            }
            if call.len() == 2 && call[0] == b"PFMERGE" {
                continue; // Redis runs it, and says that its arguments are invalid.
            }
            if call[1..call.len().min(3)].iter().any(|arg| arg == b"0" || arg == b"1.5") {
                continue; // As a number of keys Redis takes 1.5 for 1, and refuses 0.
            }
            for subcommand in ["GETKEYS", "GETKEYSANDFLAGS"] {
                let mut args = vec![b"COMMAND".to_vec(), subcommand.as_bytes().to_vec()];
                args.extend_from_slice(&call);
                let shown = call.join(&b' ').escape_ascii().to_string();
                let shown: String = shown.chars().take(200).collect();
                differences.check(&shown, subcommand, &oracle.call(&args), &target.call(&args));
            }
        }
    }
    differences.assert_none();
}

/// 7.0 refuses such a call by the arity of GETKEYS, 7.2 looks at it as at any other.
#[test]
fn the_keys_of_a_call_of_one_word() {
    let target = Server::start();
    if target.is_redis() {
        return;
    }
    let mut client = target.client();
    for subcommand in ["GETKEYS", "GETKEYSANDFLAGS"] {
        let mut fails = |call: &str, error: &str| {
            client.fails(&format!("COMMAND {subcommand} {call}"), error);
        };
        fails("DBSIZE", "ERR The command has no key arguments");
        fails("PING", "ERR The command has no key arguments");
        fails("GET", "ERR Invalid number of arguments specified for command");
        fails("nosuch", "ERR Invalid command specified");
    }
}

#[test]
fn the_forms_of_command_agree_with_each_other() {
    let server = Server::start();
    let mut client = server.client();
    let entries = table::commands(&mut client);
    assert_eq!(client.run("COMMAND COUNT").int(), entries.len() as i64);
    // The list alone has the subcommands too.
    let all = table::commands_and_subcommands(&mut client);
    let mut names = texts(client.run("COMMAND LIST"));
    names.sort();
    let mut expected: Vec<String> = all.iter().map(|entry| entry.name.clone()).collect();
    expected.sort();
    assert_eq!(names, expected);
    assert_eq!(client.run("COMMAND INFO").items().len(), entries.len());
    assert!(client.run("COMMAND INFO nosuch").items()[0].is_null());
    assert_eq!(client.run("COMMAND DOCS nosuch").items(), []);
    assert_eq!(client.run("COMMAND DOCS").pairs().len(), entries.len());

    let gets = texts(client.run("COMMAND LIST FILTERBY PATTERN get*"));
    assert!(gets.contains(&"get".to_owned()) && gets.iter().all(|name| name.starts_with("get")));
    let fast = texts(client.run("COMMAND LIST FILTERBY ACLCAT fast"));
    let expected: Vec<&Entry> =
        all.iter().filter(|entry| entry.acl_categories.contains("@fast")).collect();
    assert_eq!(fast.len(), expected.len());
    assert_eq!(texts(client.run("COMMAND LIST FILTERBY MODULE nosuch")), [""; 0]);
    client.fails("COMMAND LIST FILTERBY nosuch x", "ERR syntax error");
    client.fails("COMMAND GETKEYS nosuch x", "ERR Invalid command specified");
    client.fails("COMMAND GETKEYS PING x", "ERR The command has no key arguments");
    client.fails(
        "COMMAND GETKEYS GET key more",
        "ERR Invalid number of arguments specified for command",
    );
}

fn texts(value: Value) -> Vec<String> {
    value.items().iter().map(Value::text).collect()
}

#[test]
fn command_in_resp3_has_sets_and_maps() {
    let Some(oracle) = Server::oracle() else { return };
    let target = Server::start();
    let shape = |client: &mut Client, line: &str| format!("{:?}", kinds(&client.run(line)));
    for line in ["COMMAND INFO get", "COMMAND DOCS get", "COMMAND GETKEYSANDFLAGS GET key"] {
        let (mut oracle, mut target) = (oracle.client3(), target.client3());
        assert_eq!(shape(&mut oracle, line), shape(&mut target, line), "{line}");
    }
}

/// The value with every string emptied: only the structure is left, and of that not the
/// `display_text` that 7.2 adds to every argument.
fn kinds(value: &Value) -> Value {
    let all = |items: &[Value]| items.iter().map(kinds).collect();
    match value {
        Value::Array(items) => Value::Array(all(items)),
        Value::Set(items) => Value::Set(all(items)),
        Value::Map(pairs) => {
            let kept = pairs.iter().filter(|(key, _)| key.text() != "display_text");
            Value::Map(kept.map(|(key, value)| (key.clone(), kinds(value))).collect())
        }
        Value::Bulk(_) => Value::Bulk(Vec::new()),
        Value::Simple(_) => Value::Simple(Vec::new()),
        other => other.clone(),
    }
}
