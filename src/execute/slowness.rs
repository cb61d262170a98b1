//! Commands that took long: found where they ran, put into the slow log and the latency monitor
//! on the thread of their client, which knows whose they are.

use std::sync::PoisonError;

use basalt_shard::command::Args;
use basalt_shard::command::flag;
use basalt_shard::table::CommandId;

use crate::client::Session;
use crate::clock::now_us;
use crate::execute::redact;
use crate::telemetry::slowlog::{SlowCommand, shortened};
use crate::telemetry::slowness::Slow;
use crate::thread::shard_thread::ShardThread;

/// What there is to note of a command that took `duration_us`; mostly nothing.
#[inline]
pub(crate) fn check(
    shard_thread: &ShardThread,
    id: CommandId,
    args: Args<'_>,
    duration_us: u64,
) -> Option<Box<Slow>> {
    let settings = shard_thread.hot_settings.get();
    let is_slow = is_over(settings.slowlog_log_slower_than_us, duration_us);
    if !is_slow && !is_spike(settings.latency_monitor_threshold_ms, duration_us) {
        return None;
    }
    Some(describe(shard_thread, id, args, duration_us))
}

#[cold]
fn describe(
    shard_thread: &ShardThread,
    id: CommandId,
    args: Args<'_>,
    duration_us: u64,
) -> Box<Slow> {
    let spec = shard_thread.node.table.entry(id).spec;
    let arguments = redact::arguments(spec, args, shortened(args));
    Box::new(Slow { id, duration_us, arguments })
}

/// A negative threshold: nothing is slow. 0: everything is.
fn is_over(threshold_us: i64, duration_us: u64) -> bool {
    u64::try_from(threshold_us).is_ok_and(|threshold_us| duration_us >= threshold_us)
}

fn is_spike(threshold_ms: u64, duration_us: u64) -> bool {
    threshold_ms > 0 && duration_us / 1000 >= threshold_ms
}

/// Notes a command of this client.
pub(crate) fn note(shard_thread: &ShardThread, session: &Session, slow: Slow) {
    let Slow { id, duration_us, arguments } = slow;
    let node = &shard_thread.node;
    let spec = node.table.entry(id).spec;
    let settings = shard_thread.hot_settings.get();
    let now_s = now_us() / 1_000_000;
    if is_spike(settings.latency_monitor_threshold_ms, duration_us) {
        let event = if spec.has(flag::FAST) { "fast-command" } else { "command" };
        let mut latency = node.telemetry.latency.lock().unwrap_or_else(PoisonError::into_inner);
        latency.add(event, now_s, duration_us / 1000);
    }
    if is_over(settings.slowlog_log_slower_than_us, duration_us) && !spec.has(flag::SKIP_SLOWLOG) {
        let command = SlowCommand {
            id: 0,
            time_s: now_s,
            duration_us,
            arguments,
            client: session.peer.clone(),
            client_name: session.name.borrow().clone(),
        };
        let entries_max = shard_thread.config().slowlog_max_len;
        let mut log = node.telemetry.slow_log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(command, usize::try_from(entries_max).unwrap_or(usize::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds() {
        for (threshold_us, duration_us, expected) in
            [(-1, u64::MAX, false), (0, 0, true), (10, 9, false), (10, 10, true)]
        {
            assert_eq!(is_over(threshold_us, duration_us), expected, "{threshold_us}");
        }
        assert!(!is_spike(0, u64::MAX) && !is_spike(2, 1_999) && is_spike(2, 2_000));
    }
}
