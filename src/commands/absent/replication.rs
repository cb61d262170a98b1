//! The commands on replicas, on a primary that has none.

use basalt_shard::error::text;
use basalt_shard::number;

use crate::commands::replies::{Failure, answer};
use crate::commands::row::*;
use crate::thread::process_command::ProcessContext;

const PRIMARY: Arg = Arg::one_of(
    "args",
    &[
        Arg::block("host-port", &[Arg::string("host"), Arg::integer("port")]),
        Arg::block("no-one", &[Arg::word("no", "NO"), Arg::word("one", "ONE")]),
    ],
);

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[
    command("role", 1, Now(role))
        .flags(NOSCRIPT | LOADING | STALE | FAST)
        .group(Group::Server)
        .categories(category::ADMIN | category::DANGEROUS)
        .since("2.8.12")
        .summary("Tells whether this is a primary or a replica"),
    command("failover", -1, Now(|context| answer(context, failover)))
        .flags(ADMIN | NOSCRIPT | STALE)
        .group(Group::Server)
        .since("6.2.0")
        .summary("Makes a replica the primary")
        .args(&[
            Arg::block(
                "target",
                &[
                    Arg::string("host"),
                    Arg::integer("port"),
                    Arg::word("force", "FORCE").optional(),
                ],
            )
            .after("TO")
            .optional(),
            Arg::word("abort", "ABORT").optional(),
            Arg::integer("milliseconds").after("TIMEOUT").optional(),
        ]),
    command("replicaof", 3, Now(|context| answer(context, replicaof)))
        .flags(ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING)
        .group(Group::Server)
        .since("5.0.0")
        .summary("Makes this server a replica, or a primary again")
        .args(&[PRIMARY]),
    command("slaveof", 3, Now(|context| answer(context, replicaof)))
        .flags(ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING)
        .group(Group::Server)
        .summary("Makes this server a replica, or a primary again")
        .deprecated("5.0.0", "`REPLICAOF`")
        .args(&[PRIMARY]),
    command("wait", 3, Now(|context| answer(context, wait)))
        .flags(NOSCRIPT)
        .categories(category::CONNECTION)
        .since("3.0.0")
        .summary("Waits until replicas have the writes of this connection")
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .args(&[Arg::integer("numreplicas"), Arg::integer("timeout")]),
];

/// A primary whose log of replication has not begun, and that has no replicas.
fn role(context: &mut ProcessContext<'_>) {
    context.reply.array(3);
    context.reply.bulk(b"master");
    context.reply.integer(0);
    context.reply.array(0);
}

/// NO ONE is what it is already.
fn replicaof(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let args = context.args;
    if args.is(1, "no") && args.is(2, "one") {
        context.reply.ok();
        return Ok(());
    }
    let port = number::parse_i64(args.get(2)).filter(|port| (0..=65535).contains(port));
    port.ok_or("ERR Invalid master port")?;
    Err("ERR this server cannot be a replica: replication is not supported. To copy another \
         server's data, read its keys with SCAN and write them here"
        .into())
}

fn failover(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let args = context.args;
    if args.len() == 2 && args.is(1, "abort") {
        return Err("ERR No failover in progress.".into());
    }
    let (mut has_timeout, mut has_target, mut is_forced) = (false, false, false);
    let mut index = 1;
    while index < args.len() {
        let more = args.len() - index - 1;
        if args.is(index, "timeout") && more >= 1 && !has_timeout {
            if args.integer(index + 1)? <= 0 {
                return Err("ERR FAILOVER timeout must be greater than 0".into());
            }
            has_timeout = true;
            index += 2;
        } else if args.is(index, "to") && more >= 2 && !has_target {
            args.integer(index + 2)?;
            has_target = true;
            index += 3;
        } else if args.is(index, "force") && !is_forced {
            is_forced = true;
            index += 1;
        } else {
            return Err(text::SYNTAX.into());
        }
    }
    Err("ERR FAILOVER requires connected replicas.".into())
}

/// No replica has anything, and none can come while one waits: the answer is there at once.
fn wait(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let args = context.args;
    args.integer(1)?;
    check_timeout(args.get(2))?;
    context.reply.integer(0);
    Ok(())
}

/// Reads a timeout in milliseconds; 0 is none.
pub(crate) fn check_timeout(argument: &[u8]) -> Result<u64, Failure> {
    let timeout_ms =
        number::parse_i64(argument).ok_or("ERR timeout is not an integer or out of range")?;
    Ok(u64::try_from(timeout_ms).map_err(|_| "ERR timeout is negative")?)
}
