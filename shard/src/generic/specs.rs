//! The commands on keys of any type, described.

use super::{deadline, existence, expire, memory, object, transfer};
use crate::command::CommandSpec;
use crate::command::spec::{Arg, ArgKind, Docs, Group, KeySpec, Run, category, flag, key_flag};

/// When EXPIRE and its relatives do anything.
const CONDITION: Arg = Arg::new(
    "condition",
    ArgKind::OneOf(&[
        Arg::word("nx", "NX"),
        Arg::word("xx", "XX"),
        Arg::word("gt", "GT"),
        Arg::word("lt", "LT"),
    ]),
)
.since("7.0.0")
.optional();

/// The commands of this folder.
pub const SPECS: &[CommandSpec] = &[
    CommandSpec {
        name: "del",
        arity: -2,
        flags: flag::WRITE,
        categories: category::KEYSPACE,
        keys: &[KeySpec::range(1, -1, 1, key_flag::RM | key_flag::DELETE)],
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        run: Run::Shard(existence::del),
        docs: Docs {
            summary: "Deletes keys",
            complexity: "O(N) for N keys, whatever their values",
            arguments: &[Arg::key("key", 0).multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "unlink",
        arity: -2,
        flags: flag::WRITE | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::range(1, -1, 1, key_flag::RM | key_flag::DELETE)],
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        run: Run::Shard(existence::del),
        docs: Docs {
            summary: "Deletes keys; the same as DEL, which never waits for the values either",
            since: "4.0.0",
            complexity: "O(N) for N keys, whatever their values",
            arguments: &[Arg::key("key", 0).multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "exists",
        arity: -2,
        flags: flag::READONLY | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::range(1, -1, 1, key_flag::RO)],
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        run: Run::Shard(existence::exists),
        docs: Docs {
            summary: "Counts those of the given keys that exist",
            complexity: "O(N) for N keys",
            arguments: &[Arg::key("key", 0).multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "type",
        arity: 2,
        flags: flag::READONLY | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(1, key_flag::RO)],
        run: Run::Shard(existence::type_name),
        docs: Docs {
            summary: "Tells the type of the value at a key",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "touch",
        arity: -2,
        flags: flag::READONLY | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::range(1, -1, 1, key_flag::RO)],
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        run: Run::Shard(existence::touch),
        docs: Docs {
            summary: "Counts those of the given keys that exist and marks them as used",
            since: "3.2.1",
            complexity: "O(N) for N keys",
            arguments: &[Arg::key("key", 0).multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "expire",
        arity: -3,
        flags: flag::WRITE | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)],
        run: Run::Shard(expire::expire),
        docs: Docs {
            summary: "Lets a key vanish after a number of seconds",
            arguments: &[Arg::key("key", 0), Arg::new("seconds", ArgKind::Integer), CONDITION],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "pexpire",
        arity: -3,
        flags: flag::WRITE | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)],
        run: Run::Shard(expire::pexpire),
        docs: Docs {
            summary: "Lets a key vanish after a number of milliseconds",
            since: "2.6.0",
            arguments: &[Arg::key("key", 0), Arg::new("milliseconds", ArgKind::Integer), CONDITION],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "expireat",
        arity: -3,
        flags: flag::WRITE | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)],
        run: Run::Shard(expire::expireat),
        docs: Docs {
            summary: "Lets a key vanish at a Unix time in seconds",
            since: "1.2.0",
            arguments: &[
                Arg::key("key", 0),
                Arg::new("unix-time-seconds", ArgKind::UnixTime),
                CONDITION,
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "pexpireat",
        arity: -3,
        flags: flag::WRITE | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)],
        run: Run::Shard(expire::pexpireat),
        docs: Docs {
            summary: "Lets a key vanish at a Unix time in milliseconds",
            since: "2.6.0",
            arguments: &[
                Arg::key("key", 0),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime),
                CONDITION,
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "ttl",
        arity: 2,
        flags: flag::READONLY | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)],
        tips: &["nondeterministic_output"],
        run: Run::Shard(deadline::ttl),
        docs: Docs {
            summary: "Tells in how many seconds a key vanishes",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "pttl",
        arity: 2,
        flags: flag::READONLY | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)],
        tips: &["nondeterministic_output"],
        run: Run::Shard(deadline::pttl),
        docs: Docs {
            summary: "Tells in how many milliseconds a key vanishes",
            since: "2.6.0",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "expiretime",
        arity: 2,
        flags: flag::READONLY | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)],
        run: Run::Shard(deadline::expiretime),
        docs: Docs {
            summary: "Tells at what Unix time, in seconds, a key vanishes",
            since: "7.0.0",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "pexpiretime",
        arity: 2,
        flags: flag::READONLY | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)],
        run: Run::Shard(deadline::pexpiretime),
        docs: Docs {
            summary: "Tells at what Unix time, in milliseconds, a key vanishes",
            since: "7.0.0",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "persist",
        arity: 2,
        flags: flag::WRITE | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)],
        run: Run::Shard(deadline::persist),
        docs: Docs {
            summary: "Takes the deadline off a key",
            since: "2.2.0",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "rename",
        arity: 3,
        flags: flag::WRITE,
        categories: category::KEYSPACE,
        keys: &[
            KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE),
            KeySpec::one(2, key_flag::OW | key_flag::UPDATE),
        ],
        run: Run::Shard(transfer::rename),
        docs: Docs {
            summary: "Gives a key another name, replacing what was there",
            complexity: "O(1), or O(N) for N elements with records of their own",
            arguments: &[Arg::key("key", 0), Arg::key("newkey", 1)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "renamenx",
        arity: 3,
        flags: flag::WRITE | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[
            KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE),
            KeySpec::one(2, key_flag::OW | key_flag::INSERT),
        ],
        run: Run::Shard(transfer::renamenx),
        docs: Docs {
            summary: "Gives a key another name unless that one is taken",
            complexity: "O(1), or O(N) for N elements with records of their own",
            arguments: &[Arg::key("key", 0), Arg::key("newkey", 1)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "copy",
        arity: -3,
        flags: flag::WRITE | flag::DENYOOM,
        categories: category::KEYSPACE,
        keys: &[
            KeySpec::one(1, key_flag::RO | key_flag::ACCESS),
            KeySpec::one(2, key_flag::OW | key_flag::UPDATE),
        ],
        run: Run::Shard(transfer::copy),
        docs: Docs {
            summary: "Copies the value of a key to another key",
            since: "6.2.0",
            complexity: "O(N) for a collection of N elements, O(1) for a string",
            arguments: &[
                Arg::key("source", 0),
                Arg::key("destination", 1),
                Arg::new("destination-db", ArgKind::Integer).after("DB").optional(),
                Arg::word("replace", "REPLACE").optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "move",
        arity: 3,
        flags: flag::WRITE | flag::FAST,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
        run: Run::Shard(transfer::move_key),
        docs: Docs {
            summary: "Moves a key to another database",
            complexity: "O(1), or O(N) for N elements with records of their own",
            arguments: &[Arg::key("key", 0), Arg::new("db", ArgKind::Integer)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "object",
        arity: -2,
        run: Run::Container,
        subcommands: OBJECT,
        docs: Docs {
            summary: "Looks into how a value is kept",
            since: "2.2.3",
            complexity: "Depends on the subcommand",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "memory",
        arity: -2,
        run: Run::Container,
        subcommands: MEMORY,
        docs: Docs {
            summary: "Looks into the use of memory",
            since: "4.0.0",
            group: Group::Server,
            complexity: "Depends on the subcommand",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];

const OBJECT: &[CommandSpec] = &[
    CommandSpec {
        name: "encoding",
        arity: 3,
        flags: flag::READONLY,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(2, key_flag::RO)],
        tips: &["nondeterministic_output"],
        run: Run::Shard(object::encoding),
        docs: Docs {
            summary: "Tells how a value is encoded",
            since: "2.2.3",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "freq",
        arity: 3,
        flags: flag::READONLY | flag::TELLS_USES,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(2, key_flag::RO)],
        tips: &["nondeterministic_output"],
        run: Run::Shard(object::freq),
        docs: Docs {
            summary: "Tells how often a key is used",
            since: "4.0.0",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "help",
        arity: 2,
        flags: flag::LOADING | flag::STALE,
        categories: category::KEYSPACE,
        run: Run::Shard(object::help),
        docs: Docs { summary: "Lists the subcommands", since: "6.2.0", ..Docs::EMPTY },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "idletime",
        arity: 3,
        flags: flag::READONLY | flag::TELLS_USES,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(2, key_flag::RO)],
        tips: &["nondeterministic_output"],
        run: Run::Shard(object::idletime),
        docs: Docs {
            summary: "Tells how long a key was not used, in seconds",
            since: "2.2.3",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "refcount",
        arity: 3,
        flags: flag::READONLY,
        categories: category::KEYSPACE,
        keys: &[KeySpec::one(2, key_flag::RO)],
        tips: &["nondeterministic_output"],
        run: Run::Shard(object::refcount),
        docs: Docs {
            summary: "Tells how many references to a value there are",
            since: "2.2.3",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];

const MEMORY: &[CommandSpec] = &[
    CommandSpec {
        name: "doctor",
        arity: 2,
        tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        run: Run::Process,
        docs: Docs {
            summary: "Reports what may be wrong with the use of memory",
            since: "4.0.0",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "help",
        arity: 2,
        flags: flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Lists the subcommands",
            since: "4.0.0",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "malloc-stats",
        arity: 2,
        tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        run: Run::Process,
        docs: Docs {
            summary: "Reports the statistics of the allocator",
            since: "4.0.0",
            group: Group::Server,
            complexity: "Depends on the allocator",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "purge",
        arity: 2,
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        run: Run::Process,
        docs: Docs {
            summary: "Makes the allocator give memory back",
            since: "4.0.0",
            group: Group::Server,
            complexity: "Depends on the allocator",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "stats",
        arity: 2,
        tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        run: Run::Process,
        docs: Docs {
            summary: "Reports what memory is used for",
            since: "4.0.0",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "usage",
        arity: -3,
        flags: flag::READONLY,
        keys: &[KeySpec::one(2, key_flag::RO)],
        run: Run::Shard(memory::usage),
        docs: Docs {
            summary: "Tells how many bytes a key and its value take",
            since: "4.0.0",
            group: Group::Server,
            arguments: &[
                Arg::key("key", 0),
                Arg::new("count", ArgKind::Integer).after("SAMPLES").optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];
