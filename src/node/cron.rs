//! What a shard does by the clock: keys whose time has come go, idle clients are closed, rates
//! and memory are sampled.

use std::rc::Rc;
use std::time::{Duration, Instant};

use basalt_shard::engine::EngineError;
use basalt_shard::shard::load_deadlines;

use crate::node::now_ms;
use crate::router::shard_loop::{LoopCounters, ShardLoop};
use crate::runtime;

/// How often deadlines are looked at.
const EXPIRE_EVERY: Duration = Duration::from_millis(50);
/// Deadlines that are counted in one piece.
const COUNT_PIECE: usize = 512;
/// Keys that go in one piece, before others have their turn.
const EXPIRE_PIECE: usize = 128;
/// Deadlines read from disk ahead, when they are not in memory.
const EXPIRE_LOAD: usize = 20_000;
/// Samples of the rates.
const SAMPLE_EVERY: Duration = Duration::from_millis(100);

/// Removes keys whose time has come, for ever.
pub(crate) async fn expire(shard_loop: Rc<ShardLoop>) {
    loop {
        runtime::sleep(EXPIRE_EVERY).await;
        if shard_loop.node.expire_paused() {
            continue;
        }
        for db in shard_loop.databases().iter() {
            expire_database(&shard_loop, *db).await;
        }
    }
}

/// First all that is due is counted, which is quick: from then on it is no longer there for
/// anybody. Then it is removed.
async fn expire_database(shard_loop: &Rc<ShardLoop>, db: u8) {
    let mut counted = false;
    loop {
        let now = now_ms();
        let start = Instant::now();
        let result = {
            let mut shard = shard_loop.shard.borrow_mut();
            if counted {
                shard.expire(db, now, EXPIRE_PIECE)
            } else {
                shard.count_due(db, now, COUNT_PIECE).map(|seen| {
                    counted = seen < COUNT_PIECE;
                    // Whatever was counted, there may be something to remove.
                    EXPIRE_PIECE
                })
            }
        };
        let took_ns = start.elapsed().as_nanos() as u64;
        LoopCounters::add(&shard_loop.counters.expire_ns, took_ns);
        match result {
            Ok(seen) => {
                if seen > 0 {
                    shard_loop.turn.schedule();
                }
                if seen < EXPIRE_PIECE {
                    return;
                }
                runtime::yield_now().await;
            }
            Err(EngineError::NotInMemory) => {
                let engine = shard_loop.node.topology.engine(shard_loop.id).clone();
                let lower = {
                    let shard = shard_loop.shard.borrow();
                    if counted {
                        shard.deadlines_to_remove(db)
                    } else {
                        shard.deadlines_to_count(db)
                    }
                };
                let loaded = shard_loop
                    .off_loop(move || load_deadlines(engine.as_ref(), db, &lower, now, EXPIRE_LOAD))
                    .await;
                if !matches!(loaded, Some(Ok(()))) {
                    return;
                }
            }
            Err(EngineError::Stalled) => return,
            Err(error) => {
                tracing::error!(%error, shard = shard_loop.id, "expiring keys failed");
                return;
            }
        }
    }
}

/// Closes idle clients and samples the rates, for ever.
pub(crate) async fn every_second(shard_loop: Rc<ShardLoop>) {
    let mut rounds = 0u64;
    loop {
        runtime::sleep(SAMPLE_EVERY).await;
        shard_loop.renew_clock();
        shard_loop.counters.sample();
        rounds += 1;
        if rounds.is_multiple_of(10) {
            close_idle_clients(&shard_loop);
            close_slow_readers(&shard_loop);
            if shard_loop.id == 0 {
                let node = shard_loop.node.clone();
                shard_loop.node.pool.run(move || {
                    super::usage::note_peak(&node);
                });
            }
        }
    }
}

fn close_idle_clients(shard_loop: &ShardLoop) {
    let timeout_ms = u64::from(shard_loop.config().timeout_seconds) * 1000;
    if timeout_ms == 0 {
        return;
    }
    let now = now_ms();
    let idle: Vec<_> = shard_loop
        .sessions
        .borrow()
        .values()
        .filter(|session| !session.monitor.get())
        .filter(|session| now.saturating_sub(session.last_interaction_ms.get()) > timeout_ms)
        .cloned()
        .collect();
    for session in idle {
        session.kill();
    }
}

/// Closes clients whose replies have been over the soft limit of `client-output-buffer-limit` for
/// too long. What one client can hold is bounded anyway: while it does not read, nothing more of
/// its pipeline is run.
fn close_slow_readers(shard_loop: &ShardLoop) {
    let limit = shard_loop.config().client_output_buffer_limit.normal;
    let now = now_ms();
    let mut slow = Vec::new();
    for session in shard_loop.sessions.borrow().values() {
        let waiting = session.output_bytes.get() as u64;
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
