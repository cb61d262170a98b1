//! What a shard does by the clock: idle clients are closed, rates and memory are sampled, the hot
//! cache gets its size, turns of the loop that took long are reported. What keys do by the clock is
//! in `expiry`.

use std::rc::Rc;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::clock::{now_ms, steady_ms};
use crate::config::memory_plan;
use crate::runtime;
use crate::runtime::{LongTurn, Usage};
use crate::thread::shard_thread::ShardThread;

/// Samples of the rates.
const SAMPLE_EVERY: Duration = Duration::from_millis(100);

/// Closes idle clients and samples the rates, for ever.
pub(crate) async fn every_second(shard_thread: Rc<ShardThread>) {
    let mut rounds = 0u64;
    // When what is known of hot keys was last made older.
    let mut aged = Instant::now();
    let mut long_turns = LongTurns::default();
    loop {
        runtime::sleep(SAMPLE_EVERY).await;
        shard_thread.look_at_clock();
        shard_thread.counters.sample();
        resize_caches(&shard_thread).await;
        long_turns.look(&shard_thread);
        rounds += 1;
        if rounds.is_multiple_of(10) {
            let seconds = std::mem::replace(&mut aged, Instant::now()).elapsed().as_secs_f64();
            shard_thread.shard.borrow_mut().cache().hot_keys.age(seconds);
            long_turns.log(&shard_thread);
            close_idle_clients(&shard_thread);
            close_slow_readers(&shard_thread);
            if shard_thread.id == 0 {
                let node = shard_thread.node.clone();
                shard_thread.node.pool.run(move || {
                    crate::telemetry::usage::note_peak(&node.telemetry.counters);
                });
            }
        }
    }
}

/// Brings the hot cache and the copies to the size that they are to have, a little in each turn.
async fn resize_caches(shard_thread: &ShardThread) {
    let (node, shards) = (&shard_thread.node, shard_thread.node.topology.shards());
    loop {
        let hot_cache = node.storage.shares.get().hot_cache;
        let copies_bytes = memory_plan::copies_per_shard(hot_cache, shards);
        let copies_done = shard_thread.copies.borrow_mut().resize_step(copies_bytes);
        let copied = shard_thread.copies.borrow().bytes();
        let cache_bytes = memory_plan::hot_cache_per_shard(hot_cache, shards, copied);
        let is_done = shard_thread.shard.borrow_mut().cache().resize_step(cache_bytes);
        let held = shard_thread.shard.borrow_mut().cache().bytes() + copied;
        node.storage.shares.note_held(shard_thread.id, held);
        if is_done && copies_done {
            return;
        }
        runtime::yield_now().await;
    }
}

/// Closes clients of which nothing has come for long. Only those with nothing under way: a command
/// that runs or waits, and replies that are being taken, however slowly, are no idleness.
fn close_idle_clients(shard_thread: &ShardThread) {
    let timeout_ms = u64::from(shard_thread.config().timeout_seconds) * 1000;
    if timeout_ms == 0 {
        return;
    }
    let now = steady_ms();
    let mut idle = Vec::new();
    for session in shard_thread.sessions.borrow().values() {
        if !session.awaits_input.get() {
            // From its end on.
            session.last_interaction_ms.set(now);
        } else if !session.monitor.get()
            && now.saturating_sub(session.last_interaction_ms.get()) > timeout_ms
        {
            idle.push(session.clone());
        }
    }
    for session in idle {
        session.kill();
    }
}

/// Closes clients whose replies have been over the soft limit of `client-output-buffer-limit` for
/// too long.
fn close_slow_readers(shard_thread: &ShardThread) {
    let limits = shard_thread.config().client_output_buffer_limit;
    let now = steady_ms();
    let mut slow = Vec::new();
    for session in shard_thread.sessions.borrow().values() {
        let limit = if session.is_subscriber() { limits.pubsub } else { limits.normal };
        let waiting = (session.output_bytes.get() + session.pushed_bytes.get()) as u64;
        if limit.soft_bytes == 0 || waiting <= limit.soft_bytes {
            session.over_soft_limit_since_ms.set(None);
            continue;
        }
        let since = session.over_soft_limit_since_ms.get().unwrap_or(now);
        session.over_soft_limit_since_ms.set(Some(since));
        let seconds = u64::try_from(limit.soft_seconds).unwrap_or(0);
        if now.saturating_sub(since) >= seconds * 1000 {
            slow.push(session.clone());
        }
    }
    for session in slow {
        tracing::warn!(client = session.id, "closed: soft output buffer limit reached");
        session.kill();
    }
}

/// Turns of a loop that took long, on their way to LATENCY and to the log.
#[derive(Default)]
struct LongTurns {
    unsaid: Option<LongTurn>,
    /// How many there were at the last look.
    known: u64,
}

impl LongTurns {
    /// Gives the worst one since the last look to the latency monitor.
    fn look(&mut self, shard_thread: &ShardThread) {
        let Some(worst) = runtime::take_worst_turn() else { return };
        let wall_ms = worst.wall.as_millis() as u64;
        let threshold_ms = shard_thread.hot_settings.get().latency_monitor_threshold_ms;
        if threshold_ms > 0 && wall_ms >= threshold_ms {
            let latency = &shard_thread.node.telemetry.latency;
            let mut latency = latency.lock().unwrap_or_else(PoisonError::into_inner);
            latency.add("loop-turn", now_ms() / 1000, wall_ms);
        }
        if self.unsaid.is_none_or(|unsaid| unsaid.wall < worst.wall) {
            self.unsaid = Some(worst);
        }
    }

    /// A line on the worst one, if any was too long.
    fn log(&mut self, shard_thread: &ShardThread) {
        let (unsaid, long) = (self.unsaid.take(), runtime::turns().long);
        // Fewer than before: they were reset.
        let count = long.checked_sub(self.known).unwrap_or(long);
        self.known = long;
        let Some(LongTurn { wall, usage: Some(usage), task, command }) = unsaid else { return };
        let Usage { cpu, sleeps } = usage;
        if count == 0 {
            return;
        }
        let name = |id| shard_thread.node.table.entry(id).full_name.as_str();
        let (shard, command) = (shard_thread.id, command.map_or("none", name));
        let (wall_ms, cpu_ms) = (wall.as_millis() as u64, cpu.as_millis() as u64);
        let what = if cpu > runtime::LONG_TURN {
            "the loop was kept busy"
        } else if sleeps > 0 {
            "the loop had to wait for the disk or another thread"
        } else {
            "the loop had to wait for its core"
        };
        tracing::warn!(shard, count, wall_ms, cpu_ms, sleeps, task, command, "{what}");
    }
}
