//! Small questions to the server: TIME; and SCRUB, which asks for work.

use crate::clock::now_us;
use crate::thread::process_command::{ProcessContext, ProcessRun};

/// The functions of this file.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] =
    &[("time", ProcessRun::Now(time)), ("scrub", ProcessRun::Now(scrub))];

fn time(context: &mut ProcessContext<'_>) {
    let now = now_us();
    context.reply.array(2);
    for part in [now / 1_000_000, now % 1_000_000] {
        context.reply.bulk(part.to_string().as_bytes());
    }
}

/// As BGSAVE answers: INFO storage tells how it goes.
fn scrub(context: &mut ProcessContext<'_>) {
    if context.shard_loop.node.scrub.ask() {
        context.reply.simple("Background scrub started");
    } else {
        context.reply.error(b"ERR Background scrub already in progress");
    }
}
