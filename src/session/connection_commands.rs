//! PING, ECHO, SELECT, QUIT, RESET.

use crate::session::process_command::{ProcessContext, ProcessRun};

/// The functions of this file.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] = &[("ping", ProcessRun::Now(ping))];

fn ping(context: &mut ProcessContext<'_>) {
    match context.args.len() {
        1 => context.reply.simple("PONG"),
        2 => context.reply.bulk(context.args.get(1)),
        _ => context.reply.error(b"ERR wrong number of arguments for 'ping' command"),
    }
}
