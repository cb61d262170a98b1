//! Keys whose time has come: first all that are due are counted, which is quick and makes them gone
//! for everybody, then they are removed piece by piece. Who wants to know how many keys there are
//! does not wait for that to happen: [`live_keys`] counts first.

use std::rc::Rc;
use std::time::{Duration, Instant};

use basalt_shard::engine::EngineError;
use basalt_shard::keyspace::counts::SlotCount;
use basalt_shard::shard::{DeadlineRange, load_deadlines};
use basalt_shard::topology::ShardId;

use crate::clock::now_ms;
use crate::runtime;
use crate::thread::loop_counters::LoopCounters;
use crate::thread::shard_thread::ShardThread;

/// How often deadlines are looked at.
const EXPIRE_EVERY: Duration = Duration::from_millis(50);
/// Deadlines that are counted in one piece.
const COUNT_PIECE: usize = 512;
/// Keys that go in one piece, before others have their turn.
const EXPIRE_PIECE: usize = 128;
/// Deadlines read from disk ahead, when they are not in memory.
const EXPIRE_LOAD: usize = 20_000;
/// Times that deadlines are read into memory which do not stay there until they are looked at.
const LOADS_MAX: u32 = 100;
/// How long who counts waits for a commit that runs elsewhere.
const COMMIT_PAUSE: Duration = Duration::from_millis(1);

/// Removes keys whose time has come, for ever.
pub(crate) async fn expire(shard_thread: Rc<ShardThread>) {
    loop {
        runtime::sleep(EXPIRE_EVERY).await;
        if shard_thread.node.expire_paused() {
            continue;
        }
        for db in shard_thread.databases().iter() {
            match expire_database(&shard_thread, *db).await {
                // Later.
                Ok(()) | Err(EngineError::Stalled | EngineError::NotInMemory) => {}
                Err(error) => {
                    tracing::error!(%error, shard = shard_thread.id, "expiring keys failed");
                }
            }
        }
    }
}

async fn expire_database(shard_thread: &Rc<ShardThread>, db: u8) -> Result<(), EngineError> {
    let mut counted = false;
    let mut has_loaded = false;
    loop {
        let now = now_ms();
        let start = Instant::now();
        let result = {
            let mut shard = shard_thread.shard.borrow_mut();
            if counted {
                // It may have been swapped meanwhile.
                let databases = shard_thread.databases();
                let number = databases.iter().position(|it| *it == db).unwrap_or_default();
                shard.expire((number, db), now, EXPIRE_PIECE)
            } else {
                shard.count_due(db, now, COUNT_PIECE).map(|seen| {
                    counted = seen < COUNT_PIECE;
                    // Whatever was counted, there may be something to remove.
                    EXPIRE_PIECE
                })
            }
        };
        let took_ns = start.elapsed().as_nanos() as u64;
        LoopCounters::add(&shard_thread.counters.expire_ns, took_ns);
        match result {
            Ok(seen) => {
                has_loaded = false;
                if seen > 0 {
                    shard_thread.turn.schedule();
                }
                if seen < EXPIRE_PIECE {
                    return Ok(());
                }
                runtime::yield_now().await;
            }
            // They do not stay in memory: not again and again without a pause.
            Err(EngineError::NotInMemory) if !has_loaded => {
                has_loaded = true;
                let wanted = {
                    let shard = shard_thread.shard.borrow();
                    if counted {
                        shard.deadlines_to_remove(db, now)
                    } else {
                        shard.deadlines_to_count(db, now)
                    }
                };
                load(shard_thread, shard_thread.id, wanted).await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Reads deadlines of any shard into memory.
async fn load(
    shard_thread: &ShardThread,
    shard: ShardId,
    wanted: DeadlineRange,
) -> Result<(), EngineError> {
    let engine = shard_thread.node.topology.engine(shard).clone();
    let loaded =
        shard_thread.off_loop(move || load_deadlines(engine.as_ref(), &wanted, EXPIRE_LOAD)).await;
    loaded.unwrap_or(Err(EngineError::NotInMemory))
}

/// Keys of a physical database, and those of them with a deadline, over all shards: exactly those
/// that a look at each would find. While `DEBUG SET-ACTIVE-EXPIRE` has keys stay that are due, they
/// count, as in Redis.
pub(crate) async fn live_keys(
    shard_thread: &Rc<ShardThread>,
    db: u8,
) -> Result<SlotCount, EngineError> {
    let node = &shard_thread.node;
    let mut sum = SlotCount::default();
    let now = now_ms();
    for (shard, counts) in node.storage.key_counts.iter().enumerate() {
        let count = match counts.exact(db, now) {
            Some(exact) => exact,
            None if node.is_expiry_off() => counts.get(db),
            None => live_keys_of(shard_thread, shard, (db, now)).await?,
        };
        sum.keys += count.keys;
        sum.expires += count.expires;
    }
    Ok(sum)
}

/// What a shard found out in one piece.
enum Counted {
    All(SlotCount),
    NotAll,
    NotInMemory(Box<DeadlineRange>),
}

/// The part of one shard, which has to look for what is due.
async fn live_keys_of(
    shard_thread: &Rc<ShardThread>,
    shard: ShardId,
    (db, now): (u8, u64),
) -> Result<SlotCount, EngineError> {
    let mut loads = 0;
    loop {
        let counted = shard_thread.on_shard(shard, move |there| count_piece(there, db, now)).await;
        // A thread that does not answer ends, and so does this one.
        match counted.unwrap_or(Err(EngineError::Stalled)) {
            Ok(Counted::All(count)) => return Ok(count),
            Ok(Counted::NotAll) => {
                loads = 0;
                runtime::yield_now().await;
            }
            Ok(Counted::NotInMemory(wanted)) if loads < LOADS_MAX => {
                loads += 1;
                load(shard_thread, shard, *wanted).await?;
            }
            Ok(Counted::NotInMemory(_)) => return Err(EngineError::NotInMemory),
            Err(EngineError::Stalled) => runtime::sleep(COMMIT_PAUSE).await,
            Err(error) => return Err(error),
        }
    }
}

fn count_piece(there: &ShardThread, db: u8, now: u64) -> Result<Counted, EngineError> {
    let mut shard = there.shard.borrow_mut();
    match shard.count_due(db, now, COUNT_PIECE) {
        Ok(seen) if seen < COUNT_PIECE => Ok(Counted::All(shard.live_keys(db))),
        Ok(_) => Ok(Counted::NotAll),
        Err(EngineError::NotInMemory) => {
            Ok(Counted::NotInMemory(Box::new(shard.deadlines_to_count(db, now))))
        }
        Err(error) => Err(error),
    }
}
