//! The rows of the commands that answer with ranges.

use super::range;
use crate::command::row::*;

const KEY: Arg = Arg::key("key", 0);
const WITH_SCORES: Arg = Arg::word("withscores", "WITHSCORES").optional();
const OFFSET_COUNT: &[Arg] = &[Arg::integer("offset"), Arg::integer("count")];
const LIMIT: Arg = Arg::block("limit", OFFSET_COUNT).after("LIMIT").optional();
const SORT_BY: Arg =
    Arg::one_of("sortby", &[Arg::word("byscore", "BYSCORE"), Arg::word("bylex", "BYLEX")])
        .optional();
const REV: Arg = Arg::word("rev", "REV").optional();
const READ: &[KeySpec] = &[KeySpec::one(1).read().access()];

const COST: &str = "O(log(N)+M) with N being the number of elements in the sorted set and M \
     the number of elements returned.";
const LIMITED_COST: &str = "O(log(N)+M) with N being the number of elements in the sorted set \
     and M the number of elements being returned. If M is constant (e.g. always asking for the \
     first 10 elements with LIMIT), you can consider it O(log(N)).";

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("zrange", -4, range::zrange)
        .flags(READONLY)
        .group(Group::SortedSet)
        .since("1.2.0")
        .summary("Returns the members in a range of ranks, of scores, or of members")
        .complexity(COST)
        .history(&[("6.2.0", "Has the options `REV`, `BYSCORE`, `BYLEX` and `LIMIT`.")])
        .keys(READ)
        .args(&[
            KEY,
            Arg::string("start"),
            Arg::string("stop"),
            SORT_BY.since("6.2.0"),
            REV.since("6.2.0"),
            LIMIT.since("6.2.0"),
            WITH_SCORES,
        ]),
    command("zrangestore", -5, range::zrangestore)
        .flags(WRITE | DENYOOM)
        .group(Group::SortedSet)
        .since("6.2.0")
        .summary("Stores the members in a range of a sorted set")
        .complexity(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number \
             of elements stored into the destination key.",
        )
        .keys(&[KeySpec::one(1).overwrite().update(), KeySpec::one(2).read().access()])
        .args(&[
            Arg::key("dst", 0),
            Arg::key("src", 1),
            Arg::string("min"),
            Arg::string("max"),
            SORT_BY,
            REV,
            LIMIT,
        ]),
    command("zrevrange", -4, range::zrevrange)
        .flags(READONLY)
        .group(Group::SortedSet)
        .since("1.2.0")
        .summary("Returns the members in a range of ranks, counted from the highest score")
        .complexity(COST)
        .deprecated("6.2.0", "`ZRANGE` with the `REV` argument")
        .keys(READ)
        .args(&[KEY, Arg::integer("start"), Arg::integer("stop"), WITH_SCORES]),
    command("zrangebyscore", -4, range::zrangebyscore)
        .flags(READONLY)
        .group(Group::SortedSet)
        .since("1.0.5")
        .summary("Returns the members whose scores are in a range")
        .complexity(LIMITED_COST)
        .history(&[("2.0.0", "Has the option `WITHSCORES`.")])
        .deprecated("6.2.0", "`ZRANGE` with the `BYSCORE` argument")
        .keys(READ)
        .args(&[KEY, Arg::double("min"), Arg::double("max"), WITH_SCORES.since("2.0.0"), LIMIT]),
    command("zrevrangebyscore", -4, range::zrevrangebyscore)
        .flags(READONLY)
        .group(Group::SortedSet)
        .since("2.2.0")
        .summary("Returns the members whose scores are in a range, the highest first")
        .complexity(LIMITED_COST)
        .history(&[("2.1.6", "Bounds can be left out of the range.")])
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")
        .keys(READ)
        .args(&[KEY, Arg::double("max"), Arg::double("min"), WITH_SCORES, LIMIT]),
    command("zrangebylex", -4, range::zrangebylex)
        .flags(READONLY)
        .group(Group::SortedSet)
        .since("2.8.9")
        .summary("Returns the members in a range of members, if all have the same score")
        .complexity(LIMITED_COST)
        .deprecated("6.2.0", "`ZRANGE` with the `BYLEX` argument")
        .keys(READ)
        .args(&[KEY, Arg::string("min"), Arg::string("max"), LIMIT]),
    command("zrevrangebylex", -4, range::zrevrangebylex)
        .flags(READONLY)
        .group(Group::SortedSet)
        .since("2.8.9")
        .summary(
            "Returns the members in a range of members from its end, if all have the same score",
        )
        .complexity(LIMITED_COST)
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")
        .keys(READ)
        .args(&[KEY, Arg::string("max"), Arg::string("min"), LIMIT]),
];
