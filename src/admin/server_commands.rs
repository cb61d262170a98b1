//! Small questions to the server: TIME, LASTSAVE, ROLE; and SCRUB, which asks for work.

use crate::node::now_us;
use crate::session::process_command::{ProcessContext, ProcessRun};

/// The functions of this file.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] = &[
    ("time", ProcessRun::Now(time)),
    ("lastsave", ProcessRun::Now(lastsave)),
    ("role", ProcessRun::Now(role)),
    ("scrub", ProcessRun::Now(scrub)),
];

fn time(context: &mut ProcessContext<'_>) {
    let now = now_us();
    context.reply.array(2);
    for part in [now / 1_000_000, now % 1_000_000] {
        context.reply.bulk(part.to_string().as_bytes());
    }
}

/// There are no snapshots: as in a Redis that has made none, the time of the start.
fn lastsave(context: &mut ProcessContext<'_>) {
    let started_s = context.shard_loop.node.started_s;
    context.reply.integer(i64::try_from(started_s).unwrap_or(i64::MAX));
}

/// As BGSAVE answers: INFO storage tells how it goes.
fn scrub(context: &mut ProcessContext<'_>) {
    if context.shard_loop.node.scrub.ask() {
        context.reply.simple("Background scrub started");
    } else {
        context.reply.error(b"ERR Background scrub already in progress");
    }
}

/// A primary whose log of replication has not begun, and that has no replicas.
fn role(context: &mut ProcessContext<'_>) {
    context.reply.array(3);
    context.reply.bulk(b"master");
    context.reply.integer(0);
    context.reply.array(0);
}
