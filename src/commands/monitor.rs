//! MONITOR: shows every command that any client sends (`execute::monitor`) to those who ask.

use std::sync::atomic::Ordering;

use crate::commands::row::*;
use crate::thread::process_command::ProcessContext;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[command("monitor", 1, Now(monitor))
    .flags(ADMIN | NOSCRIPT | LOADING | STALE)
    .group(Group::Server)
    .summary("Shows every command that the server runs")
    .complexity("")];

/// Who monitors already gets no answer to a second MONITOR, as in Redis.
fn monitor(context: &mut ProcessContext<'_>) {
    if !context.session.monitor.replace(true) {
        context.shard_thread.node.clients.monitors.fetch_add(1, Ordering::Relaxed);
        context.reply.ok();
    }
}
