//! MONITOR: shows every command that any client sends (`run::monitor`) to those who ask.

use std::sync::atomic::Ordering;

use crate::thread::process_command::{ProcessContext, ProcessRun};

/// The functions of this file.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] = &[("monitor", ProcessRun::Now(monitor))];

/// Who monitors already gets no answer to a second MONITOR, as in Redis.
fn monitor(context: &mut ProcessContext<'_>) {
    if !context.session.monitor.replace(true) {
        context.shard_loop.node.monitors.fetch_add(1, Ordering::Relaxed);
        context.reply.ok();
    }
}
