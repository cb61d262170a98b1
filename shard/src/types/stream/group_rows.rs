//! The rows of the commands on groups.

use super::{claim, pending, read, xgroup};
use crate::command::row::*;

pub(super) const ROWS: &[Command] = &[
    container("xgroup", GROUP)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Groups and consumers of a stream"),
    command("xreadgroup", -7, read::xreadgroup)
        .flags(BLOCKING | MOVABLEKEYS | WRITE)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Delivers entries of several streams to a consumer of a group")
        .complexity(
            "For each stream mentioned: O(M) with M being the number of elements returned. \
             If M is constant (e.g. always asking for the first 10 elements with COUNT), \
             you can consider it O(1). On the other side when XREADGROUP blocks, XADD will \
             pay the O(N) time in order to serve the N clients blocked on the stream \
             getting new data.",
        )
        .keys(&[KeySpec::half_behind("STREAMS", 4).read().access().and_changes()])
        .args(&[
            Arg::block("group_consumer", &[Arg::string("group"), Arg::string("consumer")])
                .after("GROUP"),
            Arg::integer("count").after("COUNT").optional(),
            Arg::integer("milliseconds").after("BLOCK").optional(),
            Arg::word("noack", "NOACK").optional(),
            Arg::block("streams", &[Arg::key("key", 0).multiple(), Arg::string("id").multiple()])
                .after("STREAMS"),
        ]),
    command("xpending", -3, pending::xpending)
        .flags(READONLY)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Tells about the pending entries of a group, or lists them")
        .complexity(
            "O(N) with N being the number of elements returned, so asking for a small fixed \
             number of entries per call is O(1). O(M), where M is the total number of \
             entries scanned when used with the IDLE filter. When the command returns just \
             the summary and the list of consumers is small, it runs in O(1) time; \
             otherwise, an additional O(N) time for iterating every consumer.",
        )
        .tips(&["nondeterministic_output"])
        .history(&[("6.2.0", "`IDLE` and exclusive ranges.")])
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[
            Arg::key("key", 0),
            Arg::string("group"),
            Arg::block(
                "filters",
                &[
                    Arg::integer("min-idle-time").after("IDLE").optional().since("6.2.0"),
                    Arg::string("start"),
                    Arg::string("end"),
                    Arg::integer("count"),
                    Arg::string("consumer").optional(),
                ],
            )
            .optional(),
        ]),
    command("xclaim", -6, claim::xclaim)
        .flags(WRITE | FAST)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Gives pending entries to another consumer")
        .complexity(
            "O(log N) with N being the number of messages in the PEL of the consumer group.",
        )
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[
            Arg::key("key", 0),
            Arg::string("group"),
            Arg::string("consumer"),
            Arg::string("min-idle-time"),
            Arg::string("id").multiple(),
            Arg::integer("ms").after("IDLE").optional(),
            Arg::unix_time("unix-time-milliseconds").after("TIME").optional(),
            Arg::integer("count").after("RETRYCOUNT").optional(),
            Arg::word("force", "FORCE").optional(),
            Arg::word("justid", "JUSTID").optional(),
            Arg::string("id").after("LASTID").optional(),
        ]),
    command("xautoclaim", -6, claim::xautoclaim)
        .flags(WRITE | FAST)
        .group(Group::Stream)
        .since("6.2.0")
        .summary("Gives entries that are pending for long to another consumer")
        .complexity("O(1) if COUNT is small.")
        .tips(&["nondeterministic_output"])
        .history(&[("7.0.0", "The ids of entries that are gone.")])
        .keys(&[KeySpec::one(1).change().delete()])
        .args(&[
            Arg::key("key", 0),
            Arg::string("group"),
            Arg::string("consumer"),
            Arg::string("min-idle-time"),
            Arg::string("start"),
            Arg::integer("count").after("COUNT").optional(),
            Arg::word("justid", "JUSTID").optional(),
        ]),
    command("xack", -4, pending::xack)
        .flags(WRITE | FAST)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Takes entries that are dealt with off the pending ones")
        .complexity("O(1) for each message ID processed.")
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[Arg::key("key", 0), Arg::string("group"), Arg::string("id").multiple()]),
];

const GROUP: &[Command] = &[
    command("create", -5, xgroup::create)
        .flags(WRITE | DENYOOM)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Adds a group to a stream")
        .history(&[("7.0.0", "`ENTRIESREAD`.")])
        .keys(&[KeySpec::one(2).change().insert()])
        .args(&[
            Arg::key("key", 0),
            Arg::string("groupname"),
            Arg::one_of("id", &[Arg::string("id"), Arg::word("new_id", "$")]),
            Arg::word("mkstream", "MKSTREAM").optional(),
            Arg::integer("entries_read").after("ENTRIESREAD").optional(),
        ]),
    command("createconsumer", 5, xgroup::createconsumer)
        .flags(WRITE | DENYOOM)
        .group(Group::Stream)
        .since("6.2.0")
        .summary("Adds a consumer to a group")
        .keys(&[KeySpec::one(2).change().insert()])
        .args(&[Arg::key("key", 0), Arg::string("groupname"), Arg::string("consumername")]),
    command("delconsumer", 5, xgroup::delconsumer)
        .flags(WRITE)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Removes a consumer from a group")
        .keys(&[KeySpec::one(2).change().delete()])
        .args(&[Arg::key("key", 0), Arg::string("groupname"), Arg::string("consumername")]),
    command("destroy", 4, xgroup::destroy)
        .flags(WRITE)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Removes a group")
        .complexity(
            "O(N) where N is the number of entries in the group's pending entries list \
             (PEL).",
        )
        .keys(&[KeySpec::one(2).change().delete()])
        .args(&[Arg::key("key", 0), Arg::string("groupname")]),
    command("help", 2, xgroup::help)
        .flags(LOADING | STALE)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Lists the subcommands"),
    command("setid", -5, xgroup::setid)
        .flags(WRITE)
        .group(Group::Stream)
        .since("5.0.0")
        .summary("Says what a group has read last")
        .history(&[("7.0.0", "`ENTRIESREAD`.")])
        .keys(&[KeySpec::one(2).change().update()])
        .args(&[
            Arg::key("key", 0),
            Arg::string("groupname"),
            Arg::one_of("id", &[Arg::string("id"), Arg::word("new_id", "$")]),
            Arg::integer("entries_read").after("ENTRIESREAD").optional(),
        ]),
];
