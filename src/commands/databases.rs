//! Commands on whole databases: their size, a key of them, emptying and swapping them. Walking over
//! their keys is in `walk`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use basalt_shard::engine::{Engine, EngineError, Family, ReadTier};
use basalt_shard::error::{storage_error_reply, text};
use basalt_shard::keyspace::{layout, scan};
use basalt_shard::locks::Scope;
use basalt_shard::random::Random;
use basalt_shard::resp::ReplyBuffer;
use basalt_shard::shard::random_key_in_slot;
use basalt_shard::view::Changes;

use crate::clock::{now_ms, now_us};
use crate::commands::row::*;
use crate::execute::{commit, transaction};
use crate::runtime;
use crate::thread::node::Node;
use crate::thread::process_command::{LaterContext, LaterReply};
use crate::thread::shard_thread::ShardThread;
use crate::upkeep::expiry;

/// Draws of RANDOMKEY before it takes the next best key that is alive.
const DRAWS_MAX: usize = 100;
/// How long a flush waits before it tries a stalled database again.
const STALL_PAUSE: Duration = Duration::from_millis(1);

const FLUSH_MODE: Arg = Arg::one_of(
    "flush-type",
    &[Arg::word("async", "ASYNC").since("4.0.0"), Arg::word("sync", "SYNC").since("6.2.0")],
)
.optional();

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[
    command("dbsize", 1, Later(|context| Box::pin(dbsize(context))))
        .flags(READONLY | FAST)
        .group(Group::Server)
        .categories(category::KEYSPACE)
        .summary("Counts the keys of the database")
        .tips(&["request_policy:all_shards", "response_policy:agg_sum"]),
    command("flushdb", -1, Later(flushdb))
        .flags(WRITE)
        .group(Group::Server)
        .categories(category::KEYSPACE | category::DANGEROUS)
        .summary("Deletes all keys of the database")
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .args(&[FLUSH_MODE]),
    command("flushall", -1, Later(flushall))
        .flags(WRITE)
        .group(Group::Server)
        .categories(category::KEYSPACE | category::DANGEROUS)
        .summary("Deletes all keys of all databases")
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .args(&[FLUSH_MODE]),
    command("swapdb", 3, Later(|context| Box::pin(swapdb(context))))
        .flags(WRITE | FAST)
        .group(Group::Server)
        .categories(category::KEYSPACE | category::DANGEROUS)
        .since("4.0.0")
        .summary("Swaps two databases for everybody")
        .args(&[Arg::integer("index1"), Arg::integer("index2")]),
    command("shutdown", -1, Later(|context| Box::pin(shutdown(context))))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY)
        .group(Group::Server)
        .summary("Ends the server")
        .args(&[
            Arg::one_of(
                "save-selector",
                &[Arg::word("nosave", "NOSAVE"), Arg::word("save", "SAVE")],
            )
            .optional(),
            Arg::word("now", "NOW").since("7.0.0").optional(),
            Arg::word("force", "FORCE").since("7.0.0").optional(),
            Arg::word("abort", "ABORT").since("7.0.0").optional(),
        ]),
    command("randomkey", 1, Later(|context| Box::pin(random_key(context))))
        .flags(READONLY)
        .categories(category::KEYSPACE)
        .summary("Draws a key, each as likely as any other")
        .tips(&["request_policy:all_shards", "nondeterministic_output", "response_policy:special"]),
];

fn physical(shard_thread: &ShardThread, db: usize) -> u8 {
    shard_thread.databases().get(db).copied().unwrap_or_default()
}

/// The number of keys, from counters that are always right.
async fn dbsize(mut context: LaterContext) -> ReplyBuffer {
    let db = physical(&context.shard_thread, context.session.db.get());
    match expiry::live_keys(&context.shard_thread, db).await {
        Ok(count) => context.reply.integer(i64::try_from(count.keys).unwrap_or(i64::MAX)),
        Err(error) => storage_failed(&mut context.reply, Some(error)),
    }
    context.reply
}

/// Answers with the storage's error, or that the server failed when there is not even one.
fn storage_failed(reply: &mut ReplyBuffer, error: Option<EngineError>) {
    let text = match error {
        Some(error) => storage_error_reply(&error),
        None => "ERR the command failed in the server; this is a bug, please report it".into(),
    };
    reply.error(text.as_bytes());
}

/// A key, each of all shards equally likely.
async fn random_key(mut context: LaterContext) -> ReplyBuffer {
    let db = physical(&context.shard_thread, context.session.db.get());
    let seed = context.shard_thread.shard.borrow_mut().random_and_cache().0.next_u64();
    let random = Random::new(seed);
    match draw_key(&context.shard_thread, db, random).await {
        Ok(Some(key)) => context.reply.bulk(&key),
        Ok(None) => context.reply.null(),
        Err(error) => storage_failed(&mut context.reply, Some(error)),
    }
    context.reply
}

/// Draws among all keys that stand; one that is due is drawn again.
async fn draw_key(
    shard_thread: &Rc<ShardThread>,
    db: u8,
    mut random: Random,
) -> Result<Option<Vec<u8>>, EngineError> {
    let node = &shard_thread.node;
    for _ in 0..DRAWS_MAX {
        let counts: Vec<u64> =
            node.storage.key_counts.iter().map(|counts| counts.standing(db)).collect();
        let mut rank = random.below(counts.iter().sum());
        let shard = counts.iter().position(|keys| {
            let here = rank < *keys;
            if !here {
                rank -= keys;
            }
            here
        });
        let Some(shard) = shard else { return Ok(None) };
        let slot =
            shard_thread.on_shard(shard, move |there| there.shard.borrow().slot_of_rank(db, rank));
        let Some(Some((slot, keys))) = slot.await else { continue };
        let engine = node.topology.engine(shard).clone();
        let now = now_ms();
        let draw = move |random: &mut Random, engine: &Arc<dyn Engine>, tier| {
            random_key_in_slot(engine.as_ref(), random, (db, slot), keys, now, tier)
        };
        let drawn = match draw(&mut random, &engine, ReadTier::Memory) {
            Err(EngineError::NotInMemory) => {
                let mut random = Random::new(random.next_u64());
                let drawn =
                    shard_thread.off_loop(move || draw(&mut random, &engine, ReadTier::Disk)).await;
                drawn.unwrap_or(Ok(None))
            }
            done => done,
        };
        if let Some(key) = drawn? {
            return Ok(Some(key));
        }
    }
    // Nearly all that stand are due: the first that is not, from anywhere on.
    let node = node.clone();
    let found = shard_thread.off_loop(move || any_live_key(&node, db, &mut random)).await;
    found.unwrap_or(Ok(None))
}

/// The first live key from a random place on. Blocks.
fn any_live_key(node: &Node, db: u8, random: &mut Random) -> Result<Option<Vec<u8>>, EngineError> {
    let shards = node.topology.shards();
    let first = random.below(shards as u64) as usize;
    let from = random.next_u64();
    for range in [(from, None), (0, Some(from))] {
        for shard in (0..shards).map(|number| (first + number) % shards) {
            let engine = node.topology.engine(shard).as_ref();
            let mut found = None;
            scan::walk(engine, db, range, u64::MAX, now_ms(), ReadTier::Disk, |visited| {
                found = Some(visited.key.to_vec());
                ControlFlow::Break(())
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

fn flushdb(context: LaterContext) -> LaterReply {
    let databases = vec![physical(&context.shard_thread, context.session.db.get())];
    Box::pin(flush(context, databases))
}

fn flushall(context: LaterContext) -> LaterReply {
    let databases = context.shard_thread.databases().to_vec();
    Box::pin(flush(context, databases))
}

/// Empties physical databases on all shards, so that nobody sees some of it. Their disk space
/// comes back in the background.
async fn flush(mut context: LaterContext, databases: Vec<u8>) -> ReplyBuffer {
    let args = context.args();
    let understood = match args.len() {
        1 => true,
        2 => args.is(1, "sync") || args.is(1, "async"),
        _ => false,
    };
    if !understood {
        context.reply.error(text::SYNTAX.as_bytes());
        return context.reply;
    }
    let shard_thread = context.shard_thread.clone();
    let locks = lock_everything(&shard_thread).await;
    let results = loop {
        let databases = databases.clone();
        let results = shard_thread.on_every_shard(move |there| flush_here(there, &databases)).await;
        // As with every other write, a stall is no reason to refuse. What is empty stays empty.
        let is_stalled = |error: &EngineError| *error == EngineError::Stalled;
        let mut errors = results.iter().filter_map(|result| result.as_ref().err()).peekable();
        if errors.peek().is_none() || !errors.all(is_stalled) {
            break results;
        }
        runtime::sleep(STALL_PAUSE).await;
    };
    transaction::release(&shard_thread, locks);
    match results.into_iter().find_map(Result::err) {
        Some(error) => storage_failed(&mut context.reply, Some(error)),
        None => context.reply.ok(),
    }
    context.reply
}

/// The part of one shard, up to the first database that cannot be emptied.
fn flush_here(shard_thread: &ShardThread, databases: &[u8]) -> Result<(), EngineError> {
    let mut ranges = Vec::new();
    let mut result = Ok(());
    for db in databases {
        match shard_thread.shard.borrow_mut().flush_database(*db) {
            Ok(true) => ranges.push(*db),
            Ok(false) => {}
            Err(error) => {
                result = Err(error);
                break;
            }
        }
    }
    shard_thread.turn.schedule();
    let discarded = shard_thread.shard.borrow_mut().take_discarded();
    if !discarded.is_empty() {
        shard_thread.node.pool.run(move || drop(discarded));
    }
    if !ranges.is_empty() {
        let engine = shard_thread.node.topology.engine(shard_thread.id).clone();
        shard_thread.node.pool.run(move || reclaim(engine.as_ref(), &ranges));
    }
    result
}

fn reclaim(engine: &dyn Engine, databases: &[u8]) {
    for db in databases {
        let end = layout::prefix_end(&[*db]);
        for family in [Family::Heads, Family::Elements, Family::Expiry] {
            if let Err(error) = engine.reclaim(family, &[*db], &end) {
                tracing::warn!(%error, "giving disk space back failed");
            }
        }
    }
}

async fn lock_everything(shard_thread: &Rc<ShardThread>) -> BTreeMap<usize, u64> {
    let mut locks = BTreeMap::new();
    for shard in 0..shard_thread.node.topology.shards() {
        locks.insert(shard, transaction::lock(shard_thread, shard, Scope::Everything).await);
    }
    locks
}

async fn swapdb(mut context: LaterContext) -> ReplyBuffer {
    let args = context.args();
    let index = |index: usize, error: &'static str| args.int(index).map_err(|_| error);
    let parsed = index(1, "ERR invalid first DB index")
        .and_then(|first| Ok((first, index(2, "ERR invalid second DB index")?)));
    let shard_thread = context.shard_thread.clone();
    let count = shard_thread.databases().len();
    let in_range = |index: i32| usize::try_from(index).ok().filter(|index| *index < count);
    let pair = parsed.and_then(|(first, second)| {
        in_range(first).zip(in_range(second)).ok_or(text::DB_OUT_OF_RANGE)
    });
    let (first, second) = match pair {
        Ok(pair) => pair,
        Err(text) => {
            context.reply.error(text.as_bytes());
            return context.reply;
        }
    };
    let locks = lock_everything(&shard_thread).await;
    let mut databases = shard_thread.databases().to_vec();
    databases.swap(first, second);
    let node = shard_thread.node.clone();
    let recorded = databases.clone();
    let written =
        shard_thread.off_loop(move || node.storage.data_directory.set_databases(recorded)).await;
    match written {
        Some(Ok(())) => {
            shard_thread.on_every_shard(move |there| there.set_databases(databases.clone())).await;
            // It counts as a change, and no record changes.
            match commit::commit(&shard_thread, Changes::of_no_record(1)).await {
                Ok(_) => context.reply.ok(),
                Err(error) => storage_failed(&mut context.reply, Some(error)),
            }
        }
        Some(Err(error)) => {
            context
                .reply
                .error(format!("MISCONF the manifest cannot be written: {error}").as_bytes());
        }
        None => storage_failed(&mut context.reply, None),
    }
    transaction::release(&shard_thread, locks);
    context.reply
}

async fn shutdown(mut context: LaterContext) -> ReplyBuffer {
    let args = context.args();
    let has = |word: &str| (1..args.len()).any(|index| args.is(index, word));
    let known = ["save", "nosave", "now", "force", "abort"];
    let abort = has("abort");
    let understood = (1..args.len()).all(|index| known.iter().any(|word| args.is(index, word)))
        && !(has("save") && has("nosave"))
        && !(abort && args.len() > 2);
    if !understood {
        context.reply.error(text::SYNTAX.as_bytes());
        return context.reply;
    }
    if abort {
        context.reply.error(b"ERR No shutdown in progress.");
        return context.reply;
    }
    tracing::info!(client = %context.session.peer, at_us = now_us(), "User requested shutdown...");
    context.shard_thread.node.process.stop.stop();
    // No reply: the connection ends with the process.
    loop {
        runtime::sleep(std::time::Duration::from_secs(1)).await;
    }
}
