//! The replies of COMMAND against those of a redis-server 7.0, where one is installed: the same
//! values in RESP2 and RESP3, but for the order in sets and maps, for what people read (summaries,
//! complexities, history), and for what the lists below except.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use basalt_shard::resp::{Protocol, Span};

use super::*;

/// What is not in a redis-server 7.0; SCRUB is Basalt's own.
const NEWER: &[&str] = &[
    "client|setinfo",
    "client|no-touch",
    "cluster|myshardid",
    "waitaof",
    "delex",
    "digest",
    "scrub",
];

/// What Redis 7.2 says otherwise than 7.0: field and commands. Nearly all are arguments that got
/// better names; the options of SET, BITOP and HSCAN are newer still.
const OTHERWISE_IN_7_2: &[(&str, &[&str])] = &[
    ("arity", &["command|getkeys", "command|getkeysandflags", "zrank", "zrevrank"]),
    ("tips", &["msetnx", "randomkey", "scan"]),
    ("doc_flags", &["quit", "setnx", "setex", "psetex"]),
    ("deprecated_since", &["quit", "setnx", "setex", "psetex"]),
    ("replaced_by", &["quit", "setnx", "setex", "psetex"]),
    (
        "arguments",
        &[
            "set",
            "mset",
            "msetnx",
            "lcs",
            "bitcount",
            "bitpos",
            "bitop",
            "bitfield",
            "bitfield_ro",
            "hscan",
            "hello",
            "client|kill",
            "client|list",
            "client|reply",
            "client|unblock",
            "config|get",
            "config|set",
            "flushall",
            "flushdb",
            "shutdown",
            "latency|histogram",
            "command|getkeys",
            "command|getkeysandflags",
            "geoadd",
            "geodist",
            "geohash",
            "geopos",
            "georadius",
            "georadius_ro",
            "georadiusbymember",
            "georadiusbymember_ro",
            "geosearch",
            "geosearchstore",
            "pfmerge",
            "zadd",
            "zrange",
            "zrangebylex",
            "zrangebyscore",
            "zrangestore",
            "zrank",
            "zrevrangebylex",
            "zrevrangebyscore",
            "zrevrank",
        ],
    ),
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Line(String),
    Bulk(String),
    Null,
    Array(Vec<Value>),
    Set(Vec<Value>),
    Map(Vec<(Value, Value)>),
}

impl Value {
    fn read(input: &mut impl BufRead) -> Value {
        let mut line = String::new();
        input.read_line(&mut line).unwrap();
        let line = line.trim_end_matches("\r\n");
        let (marker, rest) = line.split_at(1);
        let mut several = |count: usize| (0..count).map(|_| Value::read(input)).collect();
        match marker {
            "_" => Value::Null,
            "$" if rest == "-1" => Value::Null,
            "$" => {
                let mut bytes = vec![0; rest.parse::<usize>().unwrap() + 2];
                input.read_exact(&mut bytes).unwrap();
                bytes.truncate(bytes.len() - 2);
                Value::Bulk(String::from_utf8(bytes).unwrap())
            }
            "*" => Value::Array(several(rest.parse().unwrap())),
            "~" => Value::Set(several(rest.parse().unwrap())),
            "%" => {
                let count: usize = rest.parse().unwrap();
                Value::Map((0..count).map(|_| (Value::read(input), Value::read(input))).collect())
            }
            _ => Value::Line(line.to_owned()),
        }
    }

    fn items(&self) -> &[Value] {
        match self {
            Value::Array(items) | Value::Set(items) => items,
            other => panic!("no list: {other:?}"),
        }
    }

    fn text(&self) -> &str {
        match self {
            Value::Line(text) | Value::Bulk(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    /// A map, which is a flat list in RESP2.
    fn fields(&self) -> BTreeMap<String, Value> {
        let pairs: Vec<(Value, Value)> = match self {
            Value::Map(pairs) => pairs.clone(),
            other => {
                other.items().chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
            }
        };
        pairs.into_iter().map(|(name, value)| (name.text().to_owned(), value)).collect()
    }

    /// The same with the items of a list in order.
    fn sorted(&self) -> Value {
        let mut sorted = self.clone();
        if let Value::Array(items) | Value::Set(items) = &mut sorted {
            items.sort();
        }
        sorted
    }
}

struct Redis {
    process: Child,
    directory: PathBuf,
    connection: BufReader<UnixStream>,
}

impl Redis {
    fn start(name: &str, protocol: Protocol) -> Option<Self> {
        let name = format!("basalt-command-{name}-{protocol:?}-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let started = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket", "socket"])
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = started else {
            eprintln!("redis-server is not installed: nothing compared");
            return None;
        };
        let patience = Instant::now() + Duration::from_secs(10);
        let stream = loop {
            match UnixStream::connect(directory.join("socket")) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < patience, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut redis = Self { process, directory, connection: BufReader::new(stream) };
        if protocol == Protocol::Resp3 {
            redis.call("HELLO 3");
        }
        Some(redis)
    }

    fn call(&mut self, line: &str) -> Value {
        let words: Vec<&str> = line.split(' ').collect();
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.connection.get_mut().write_all(request.as_bytes()).unwrap();
        Value::read(&mut self.connection)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The table of the server.
fn table() -> Table {
    Table::new(crate::commands::rows())
}

fn ask(table: &Table, protocol: Protocol, line: &str) -> Value {
    let mut spans = Vec::new();
    let mut start = 0;
    for word in line.split(' ') {
        spans.push(Span { start, len: u32::try_from(word.len()).unwrap() });
        start += u32::try_from(word.len()).unwrap() + 1;
    }
    let args = Args::new(line.as_bytes(), &spans);
    let entry = table.lookup(args).unwrap();
    let function: TableFunction = match entry.full_name.as_str() {
        "command" => info::all,
        "command|count" => list::count,
        "command|docs" => docs::docs,
        "command|getkeys" => keys::keys,
        "command|getkeysandflags" => keys::keys_and_flags,
        "command|help" => list::help,
        "command|info" => info::info,
        "command|list" => list::list,
        other => panic!("{other}"),
    };
    let mut reply = ReplyBuffer::new(protocol);
    function(table, args, &mut reply);
    let bytes = reply.take();
    let mut rest = &bytes[..];
    let value = Value::read(&mut rest);
    assert!(rest.is_empty(), "{line}: more than one reply");
    value
}

fn excepted(name: &str, field: &str) -> bool {
    NEWER.contains(&name)
        || OTHERWISE_IN_7_2.iter().any(|(of, names)| *of == field && names.contains(&name))
}

/// An argument list of COMMAND DOCS without the field that came with 7.2.
fn without_display_text(arguments: &Value) -> Value {
    match arguments {
        Value::Map(pairs) => {
            let kept = pairs.iter().filter(|(name, _)| name.text() != "display_text");
            Value::Map(
                kept.map(|(name, value)| (name.clone(), without_display_text(value))).collect(),
            )
        }
        Value::Array(items) => {
            let mut kept = Vec::new();
            let mut items = items.iter();
            while let Some(item) = items.next() {
                if *item == Value::Bulk("display_text".to_owned()) {
                    items.next();
                } else {
                    kept.push(without_display_text(item));
                }
            }
            Value::Array(kept)
        }
        other => other.clone(),
    }
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn check(&mut self, name: &str, field: &str, redis: Option<&Value>, own: Option<&Value>) {
        if redis != own && !excepted(name, field) {
            self.0.push(format!("{name} {field}\n    redis: {redis:?}\n    own:   {own:?}"));
        }
    }

    fn assert_none(self) {
        assert!(self.0.is_empty(), "{} differences:\n{}", self.0.len(), self.0.join("\n"));
    }
}

/// Compares one element of COMMAND INFO, subcommands included.
fn compare_info(redis: &Value, own: &Value, differences: &mut Differences) {
    const FIELDS: [&str; 9] =
        ["name", "arity", "flags", "first key", "last key", "step", "categories", "tips", "keys"];
    let name = own.items()[0].text();
    for (index, field) in FIELDS.iter().enumerate() {
        let (redis, own) = (&redis.items()[index], &own.items()[index]);
        if *field == "flags" || *field == "categories" {
            differences.check(name, field, Some(&redis.sorted()), Some(&own.sorted()));
        } else {
            differences.check(name, field, Some(redis), Some(own));
        }
    }
    let subcommands = |value: &Value| -> BTreeMap<String, Value> {
        let list = value.items()[9].items();
        list.iter().map(|sub| (sub.items()[0].text().to_owned(), sub.clone())).collect()
    };
    let (redis, own) = (subcommands(redis), subcommands(own));
    for (name, own) in &own {
        match redis.get(name) {
            Some(redis) => compare_info(redis, own, differences),
            None => differences.check(name, "", None, Some(own)),
        }
    }
    if let Some(name) = redis.keys().find(|name| !own.contains_key(*name)) {
        panic!("{name} is missing");
    }
}

fn compare_docs(name: &str, redis: &Value, own: &Value, differences: &mut Differences) {
    assert_eq!(
        std::mem::discriminant(redis),
        std::mem::discriminant(own),
        "{name}: map or flat list"
    );
    let (redis, own) = (redis.fields(), own.fields());
    for field in ["since", "group", "doc_flags", "deprecated_since"] {
        differences.check(name, field, redis.get(field), own.get(field));
    }
    let arguments = own.get("arguments").map(without_display_text);
    differences.check(name, "arguments", redis.get("arguments"), arguments.as_ref());
    // Of these only whether they are there.
    for field in ["summary", "complexity", "replaced_by", "subcommands"] {
        let present = Value::Line(field.to_owned());
        let presence = |docs: &BTreeMap<String, Value>| docs.get(field).map(|_| &present);
        differences.check(name, field, presence(&redis), presence(&own));
    }
    if let (Some(redis), Some(own)) = (redis.get("subcommands"), own.get("subcommands")) {
        let redis = redis.fields();
        for (name, own) in own.fields() {
            if let Some(redis) = redis.get(&name) {
                compare_docs(&name, redis, &own, differences);
            }
        }
    }
}

const PROTOCOLS: [Protocol; 2] = [Protocol::Resp2, Protocol::Resp3];

#[test]
fn commands_are_described_as_by_redis() {
    let table = table();
    for protocol in PROTOCOLS {
        let Some(mut redis) = Redis::start("info", protocol) else { return };
        let mut differences = Differences::default();
        for entry in table.top_level() {
            let name = &entry.full_name;
            let line = format!("COMMAND INFO {name}");
            let (redis, own) = (redis.call(&line), ask(&table, protocol, &line));
            match &redis.items()[0] {
                Value::Null => differences.check(name, "", None, Some(&own)),
                redis => compare_info(redis, &own.items()[0], &mut differences),
            }
        }
        differences.assert_none();
    }
}

#[test]
fn commands_are_explained_as_by_redis() {
    let table = table();
    for protocol in PROTOCOLS {
        let Some(mut redis) = Redis::start("docs", protocol) else { return };
        let mut differences = Differences::default();
        for entry in table.top_level() {
            let name = &entry.full_name;
            let line = format!("COMMAND DOCS {name}");
            let (redis, own) = (redis.call(&line), ask(&table, protocol, &line));
            match redis.fields().get(name) {
                None => differences.check(name, "", None, Some(&own)),
                Some(redis) => compare_docs(name, redis, &own.fields()[name], &mut differences),
            }
        }
        differences.assert_none();
    }
}

#[test]
fn requests_are_answered_as_by_redis() {
    let table = table();
    let lines = [
        "COMMAND INFO nosuch get|x config|nosuch config|get|x CONFIG|GET GeT",
        "COMMAND DOCS nosuch",
        "COMMAND LIST FILTERBY PATTERN expire*",
        "COMMAND LIST FILTERBY PATTERN CONFIG|*",
        "COMMAND LIST FILTERBY PATTERN nosuch*",
        "COMMAND LIST FILTERBY MODULE nosuch",
        "COMMAND LIST FILTERBY ACLCAT nosuch",
        "COMMAND LIST FILTERBY ACLCAT @string",
        "COMMAND LIST FILTERBY ACLCAT BITMAP",
        "COMMAND LIST FILTERBY x y",
        "COMMAND LIST FILTERBY ACLCAT",
        "COMMAND LIST FILTERBY ACLCAT string x",
        "COMMAND LIST x",
        "COMMAND GETKEYS nosuch a",
        "COMMAND GETKEYS config nosuch",
        "COMMAND GETKEYS object|encoding a",
        "COMMAND GETKEYS object nosuch a",
        "COMMAND GETKEYS command nosuch",
        "COMMAND GETKEYS config get a",
        "COMMAND GETKEYS ping a",
        "COMMAND GETKEYS get a b",
        "COMMAND GETKEYS get a",
        "COMMAND GETKEYS object encoding a",
        "COMMAND GETKEYS object help",
        "COMMAND GETKEYS bitop and d",
        "COMMAND GETKEYS bitop and d a b",
        "COMMAND GETKEYS mset a b c d",
        "COMMAND GETKEYS mset a b c",
        "COMMAND GETKEYS command getkeys get a",
        "COMMAND GETKEYS memory usage a samples 5",
        "COMMAND GETKEYSANDFLAGS mset a b c d",
        "COMMAND GETKEYSANDFLAGS copy a b replace",
        "COMMAND GETKEYSANDFLAGS set a b",
        "COMMAND GETKEYSANDFLAGS set a b ex 10",
        "COMMAND GETKEYSANDFLAGS set a b ex 10 GET",
        "COMMAND GETKEYSANDFLAGS set get get",
        "COMMAND GETKEYSANDFLAGS bitfield a",
        "COMMAND GETKEYSANDFLAGS bitfield a get u8 0",
        "COMMAND GETKEYSANDFLAGS bitfield a overflow sat get u8 0 GET u8 0",
        "COMMAND GETKEYSANDFLAGS bitfield a get u8 0 set u8 0 1",
        "COMMAND GETKEYSANDFLAGS bitfield a get u8",
        "COMMAND GETKEYSANDFLAGS bitfield a overflow",
        "COMMAND GETKEYSANDFLAGS rename a a",
        "COMMAND GETKEYSANDFLAGS get",
    ];
    for protocol in PROTOCOLS {
        let Some(mut redis) = Redis::start("requests", protocol) else { return };
        for line in lines {
            // Too few arguments for redis-server 7.0, which wanted four.
            if line.split(' ').count() < 4 && line.contains("GETKEYS") {
                continue;
            }
            let (redis, own) = (redis.call(line), ask(&table, protocol, line));
            if line.contains("FILTERBY") {
                assert_eq!(own.sorted(), known(&redis, &table), "{line}");
            } else {
                assert_eq!(own, redis, "{line}");
            }
        }
    }
}

/// A list of commands without those that Basalt does not have.
fn known(list: &Value, table: &Table) -> Value {
    let Value::Array(items) = list else { return list.clone() };
    let known = items.iter().filter(|item| table.by_full_name(item.text().as_bytes()).is_some());
    Value::Array(known.cloned().collect()).sorted()
}

#[test]
fn the_forms_of_command_agree_with_each_other() {
    let table = table();
    let ask = |line| ask(&table, Protocol::Resp3, line);
    let all = ask("COMMAND");
    assert_eq!(ask("COMMAND COUNT"), Value::Line(format!(":{}", all.items().len())));
    assert_eq!(ask("COMMAND INFO"), all);
    assert_eq!(ask("COMMAND DOCS").fields().len(), all.items().len());
    assert_eq!(ask("COMMAND LIST").items().len(), table.len());
    assert_eq!(ask("COMMAND GETKEYS randomkey"), {
        Value::Line("-ERR The command has no key arguments".to_owned())
    });
    let help = ask("COMMAND HELP");
    assert!(help.items()[0].text().starts_with("+COMMAND <subcommand> "));
    assert_eq!(help.items().last(), Some(&Value::Line("+    Print this help.".to_owned())));
    assert!(matches!(ask("COMMAND INFO config").items()[0].items()[9], Value::Set(_)));
    assert_eq!(ask("COMMAND DOCS config|get").fields().keys().next().unwrap(), "config|get");
}
