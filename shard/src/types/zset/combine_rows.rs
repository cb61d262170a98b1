//! The rows of the commands on several sorted sets.

use super::combine;
use crate::command::row::*;

const NUMKEYS: Arg = Arg::integer("numkeys");
const KEYS: Arg = Arg::key("key", 0).multiple();
const TO: Arg = Arg::key("destination", 0);
const SOURCES: Arg = Arg::key("key", 1).multiple();
const WEIGHTS: Arg = Arg::integer("weight").after("WEIGHTS").optional().multiple();
const AGGREGATE: Arg = Arg::one_of(
    "aggregate",
    &[Arg::word("sum", "SUM"), Arg::word("min", "MIN"), Arg::word("max", "MAX")],
)
.after("AGGREGATE")
.optional();
const WITH_SCORES: Arg = Arg::word("withscores", "WITHSCORES").optional();

const READ: &[KeySpec] = &[KeySpec::numbered(1).read().access()];
const STORE: &[KeySpec] =
    &[KeySpec::one(1).overwrite().update(), KeySpec::numbered(2).read().access()];

const UNION_COST: &str = "O(N)+O(M*log(M)) with N being the sum of the sizes of the input \
     sorted sets, and M being the number of elements in the resulting sorted set.";
const UNION_STORE_COST: &str = "O(N)+O(M log(M)) with N being the sum of the sizes of the \
     input sorted sets, and M being the number of elements in the resulting sorted set.";
const INTER_COST: &str = "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted \
     set, K being the number of input sorted sets and M being the number of elements in the \
     resulting sorted set.";
const DIFF_COST: &str = "O(L + (N-K)log(N)) worst case where L is the total number of elements \
     in all the sets, N is the size of the first set, and K is the size of the result set.";

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("zunion", -3, combine::zunion)
        .flags(READONLY)
        .group(Group::SortedSet)
        .since("6.2.0")
        .summary("Returns the union of sorted sets")
        .complexity(UNION_COST)
        .keys(READ)
        .args(&[NUMKEYS, KEYS, WEIGHTS, AGGREGATE, WITH_SCORES]),
    command("zinter", -3, combine::zinter)
        .flags(READONLY)
        .group(Group::SortedSet)
        .since("6.2.0")
        .summary("Returns the intersection of sorted sets")
        .complexity(INTER_COST)
        .keys(READ)
        .args(&[NUMKEYS, KEYS, WEIGHTS, AGGREGATE, WITH_SCORES]),
    command("zdiff", -3, combine::zdiff)
        .flags(READONLY)
        .group(Group::SortedSet)
        .since("6.2.0")
        .summary("Returns the members of a sorted set that are in no other")
        .complexity(DIFF_COST)
        .keys(READ)
        .args(&[NUMKEYS, KEYS, WITH_SCORES]),
    command("zintercard", -3, combine::zintercard)
        .flags(READONLY)
        .group(Group::SortedSet)
        .since("7.0.0")
        .summary("Counts the members of the intersection of sorted sets")
        .complexity(
            "O(N*K) worst case with N being the smallest input sorted set, K being the number of \
             input sorted sets.",
        )
        .keys(READ)
        .args(&[NUMKEYS, KEYS, Arg::integer("limit").after("LIMIT").optional()]),
    command("zunionstore", -4, combine::zunionstore)
        .flags(WRITE | DENYOOM)
        .group(Group::SortedSet)
        .since("2.0.0")
        .summary("Stores the union of sorted sets")
        .complexity(UNION_STORE_COST)
        .keys(STORE)
        .args(&[TO, NUMKEYS, SOURCES, WEIGHTS, AGGREGATE]),
    command("zinterstore", -4, combine::zinterstore)
        .flags(WRITE | DENYOOM)
        .group(Group::SortedSet)
        .since("2.0.0")
        .summary("Stores the intersection of sorted sets")
        .complexity(INTER_COST)
        .keys(STORE)
        .args(&[TO, NUMKEYS, SOURCES, WEIGHTS, AGGREGATE]),
    command("zdiffstore", -4, combine::zdiffstore)
        .flags(WRITE | DENYOOM)
        .group(Group::SortedSet)
        .since("6.2.0")
        .summary("Stores the members of a sorted set that are in no other")
        .complexity(DIFF_COST)
        .keys(STORE)
        .args(&[TO, NUMKEYS, SOURCES]),
];
