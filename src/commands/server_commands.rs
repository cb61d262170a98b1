//! Small questions to the server: TIME; and SCRUB, which asks for work.

use crate::clock::now_us;
use crate::commands::row::*;
use crate::thread::process_command::ProcessContext;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[
    command("time", 1, Now(time))
        .flags(LOADING | STALE | FAST)
        .group(Group::Server)
        .since("2.6.0")
        .summary("Tells the time")
        .tips(&["nondeterministic_output"]),
    command("scrub", 1, Now(scrub))
        .flags(ADMIN | NOSCRIPT)
        .group(Group::Server)
        .categories(category::DANGEROUS)
        .summary("Verifies the checksums of all that is on disk, in the background"),
];

fn time(context: &mut ProcessContext<'_>) {
    let now = now_us();
    context.reply.array(2);
    for part in [now / 1_000_000, now % 1_000_000] {
        context.reply.bulk(part.to_string().as_bytes());
    }
}

/// As BGSAVE answers: INFO storage tells how it goes.
fn scrub(context: &mut ProcessContext<'_>) {
    if context.shard_thread.node.storage.scrub.ask() {
        context.reply.simple("Background scrub started");
    } else {
        context.reply.error(b"ERR Background scrub already in progress");
    }
}
