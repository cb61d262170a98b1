//! The rows of the commands on entries, and of XINFO.

use super::{add, info, range, read};
use crate::command::row::*;

pub(super) const ROWS: &[Command] = &[
    command("xadd", -5, add::xadd)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Adds an entry to a stream, which is made if it is not there")
        .complexity(
            "O(1) when adding a new entry, O(N) when trimming where N being the number of \
             entries evicted.",
        )
        .tips(&["nondeterministic_output"])
        .history(&[
            ("6.2.0", "`NOMKSTREAM`, `MINID` and `LIMIT`."),
            ("7.0.0", "Ids of the form `<ms>-*`."),
        ])
        .keys(&[KeySpec::one(1)
            .change()
            .update()
            .note("UPDATE instead of INSERT because of the optional trimming feature")])
        .args(&[
            Arg::key("key", 0),
            Arg::word("nomkstream", "NOMKSTREAM").optional().since("6.2.0"),
            Arg::block(
                "trim",
                &[
                    Arg::one_of(
                        "strategy",
                        &[
                            Arg::word("maxlen", "MAXLEN"),
                            Arg::word("minid", "MINID").since("6.2.0"),
                        ],
                    ),
                    Arg::one_of(
                        "operator",
                        &[Arg::word("equal", "="), Arg::word("approximately", "~")],
                    )
                    .optional(),
                    Arg::string("threshold"),
                    Arg::integer("count").after("LIMIT").optional().since("6.2.0"),
                ],
            )
            .optional(),
            Arg::one_of("id_or_auto", &[Arg::word("auto_id", "*"), Arg::string("id")]),
            Arg::block("field_value", &[Arg::string("field"), Arg::string("value")]).multiple(),
        ]),
    command("xlen", 2, range::xlen)
        .flags(READONLY | FAST)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Returns the number of entries")
        .keys(&[KeySpec::one(1).read()])
        .args(&[Arg::key("key", 0)]),
    command("xrange", -4, range::xrange)
        .flags(READONLY)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Returns the entries whose ids are in a range")
        .complexity(
            "O(N) with N being the number of elements being returned. If N is constant \
             (e.g. always asking for the first 10 elements with COUNT), you can consider it \
             O(1).",
        )
        .history(&[("6.2.0", "Exclusive ranges.")])
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[
            Arg::key("key", 0),
            Arg::string("start"),
            Arg::string("end"),
            Arg::integer("count").after("COUNT").optional(),
        ]),
    command("xrevrange", -4, range::xrevrange)
        .flags(READONLY)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Returns the entries whose ids are in a range, the last one first")
        .complexity(
            "O(N) with N being the number of elements returned. If N is constant (e.g. \
             always asking for the first 10 elements with COUNT), you can consider it O(1).",
        )
        .history(&[("6.2.0", "Exclusive ranges.")])
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[
            Arg::key("key", 0),
            Arg::string("end"),
            Arg::string("start"),
            Arg::integer("count").after("COUNT").optional(),
        ]),
    command("xread", -4, read::xread)
        .flags(BLOCKING | MOVABLEKEYS | READONLY)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Returns what several streams have behind an id")
        .complexity(
            "For each stream mentioned: O(N) with N being the number of elements being \
             returned, it means that XREAD-ing with a fixed COUNT is O(1). Note that when \
             the BLOCK option is used, XADD will pay O(M) time in order to serve the M \
             clients blocked on the stream getting new data.",
        )
        .keys(&[KeySpec::half_behind("STREAMS", 1).read().access()])
        .args(&[
            Arg::integer("count").after("COUNT").optional(),
            Arg::integer("milliseconds").after("BLOCK").optional(),
            Arg::block("streams", &[Arg::key("key", 0).multiple(), Arg::string("id").multiple()])
                .after("STREAMS"),
        ]),
    command("xdel", -3, add::xdel)
        .flags(WRITE | FAST)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Removes entries of a stream by their ids")
        .complexity(
            "O(1) for each single item to delete in the stream, regardless of the stream \
             size.",
        )
        .keys(&[KeySpec::one(1).change().delete()])
        .args(&[Arg::key("key", 0), Arg::string("id").multiple()]),
    command("xtrim", -4, add::xtrim)
        .flags(WRITE)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Removes entries from the beginning of a stream")
        .complexity(
            "O(N), with N being the number of evicted entries. Constant times are very \
             small however, since entries are organized in macro nodes containing multiple \
             entries that can be released with a single deallocation.",
        )
        .tips(&["nondeterministic_output"])
        .history(&[("6.2.0", "`MINID` and `LIMIT`.")])
        .keys(&[KeySpec::one(1).change().delete()])
        .args(&[
            Arg::key("key", 0),
            Arg::block(
                "trim",
                &[
                    Arg::one_of(
                        "strategy",
                        &[
                            Arg::word("maxlen", "MAXLEN"),
                            Arg::word("minid", "MINID").since("6.2.0"),
                        ],
                    ),
                    Arg::one_of(
                        "operator",
                        &[Arg::word("equal", "="), Arg::word("approximately", "~")],
                    )
                    .optional(),
                    Arg::string("threshold"),
                    Arg::integer("count").after("LIMIT").optional().since("6.2.0"),
                ],
            ),
        ]),
    command("xsetid", -3, add::xsetid)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Says which id a stream gave last")
        .history(&[("7.0.0", "`ENTRIESADDED` and `MAXDELETEDID`.")])
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[
            Arg::key("key", 0),
            Arg::string("last-id"),
            Arg::integer("entries_added").after("ENTRIESADDED").optional().since("7.0.0"),
            Arg::string("max_deleted_entry_id").after("MAXDELETEDID").optional().since("7.0.0"),
        ]),
    container("xinfo", INFO)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Tells about streams, groups and consumers"),
];

const INFO: &[Command] = &[
    command("consumers", 4, info::list_consumers)
        .flags(READONLY)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Lists the consumers of a group")
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::one(2).read().access()])
        .args(&[Arg::key("key", 0), Arg::string("groupname")]),
    command("groups", 3, info::list_groups)
        .flags(READONLY)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Lists the groups of a stream")
        .history(&[("7.0.0", "`entries-read` and `lag`.")])
        .keys(&[KeySpec::one(2).read().access()])
        .args(&[Arg::key("key", 0)]),
    command("help", 2, info::help)
        .flags(LOADING | STALE)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Lists the subcommands"),
    command("stream", -3, info::stream)
        .flags(READONLY)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Tells about a stream")
        .history(&[("6.0.0", "`FULL`."), ("7.0.0", "More fields.")])
        .keys(&[KeySpec::one(2).read().access()])
        .args(&[
            Arg::key("key", 0),
            Arg::block("full", &[Arg::integer("count").after("COUNT").optional()])
                .after("FULL")
                .optional(),
        ]),
];
