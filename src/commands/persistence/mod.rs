//! SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE and WAITAOF, where the data are on disk already.
//!
//! There is no snapshot to be made. To save is to make durable, at once and whatever `appendfsync`
//! says, what was written before; the log that does this is what Redis calls its append-only file.
//! To rewrite it is to hand its writes to the databases, so that the log is let go of.

use std::rc::Rc;
use std::time::{Duration, Instant};

use basalt_shard::engine::EngineError;
use basalt_shard::error::{storage_error_reply, text};
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::resp::ReplyBuffer;

use crate::clock::now_us;
use crate::commands::absent::replication::check_timeout;
use crate::commands::replies::{Failure, answer};
use crate::commands::row::*;
use crate::runtime;
use crate::thread::process_command::{LaterContext, ProcessContext};
use crate::thread::shard_thread::ShardThread;

/// How often it is looked whether the logs are durable.
const LOOK_EVERY: Duration = Duration::from_millis(1);

const UNDER_WAY: &str = "ERR Background save already in progress";

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[
    command("lastsave", 1, Now(lastsave))
        .flags(LOADING | STALE | FAST)
        .group(Group::Server)
        .categories(category::ADMIN | category::DANGEROUS)
        .summary("Tells when the data was last saved")
        .tips(&["nondeterministic_output"]),
    command("bgrewriteaof", 1, Now(|context| answer(context, bgrewriteaof)))
        .flags(ADMIN | NOSCRIPT | NO_ASYNC_LOADING)
        .group(Group::Server)
        .summary("Shortens the log, in the background"),
    command("bgsave", -1, Now(|context| answer(context, bgsave)))
        .flags(ADMIN | NOSCRIPT | NO_ASYNC_LOADING)
        .group(Group::Server)
        .summary("Makes everything durable, in the background")
        .args(&[Arg::word("schedule", "SCHEDULE").since("3.2.2").optional()]),
    command("save", 1, Report(|context| Box::pin(save(context))))
        .flags(ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI)
        .group(Group::Server)
        .summary("Makes everything durable"),
    command("waitaof", 4, Report(|context| Box::pin(waitaof(context))))
        .flags(BLOCKING)
        .categories(category::CONNECTION)
        .since("7.2.0")
        .summary("Waits until the writes of this connection are durable")
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .args(&[Arg::integer("numlocal"), Arg::integer("numreplicas"), Arg::integer("timeout")]),
];

fn now_s() -> u64 {
    now_us() / 1_000_000
}

/// Waits until everything that was written so far is durable, until `deadline` at the most: whether
/// it is. `Err`: the reply that says why it never will be.
async fn make_durable(
    shard_thread: &Rc<ShardThread>,
    deadline: Option<Instant>,
) -> Result<bool, String> {
    let node = shard_thread.node.clone();
    let wanted: Vec<Ticket> =
        (0..node.topology.shards()).map(|shard| node.topology.engine(shard).written()).collect();
    for (log, ticket) in node.storage.logs.iter().zip(&wanted) {
        log.want_sync(*ticket);
    }
    for (log, ticket) in node.storage.logs.iter().zip(wanted) {
        loop {
            if let Some(loss) = log.loss_of(ticket) {
                return Err(loss);
            }
            if log.durable() >= ticket {
                break;
            }
            // Written before the log failed, and not synced: it cannot be now.
            if let Some(failure) = log.loss_of(Ticket::MAX) {
                return Err(failure);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(false);
            }
            runtime::sleep(LOOK_EVERY).await;
        }
    }
    Ok(true)
}

fn lastsave(context: &mut ProcessContext<'_>) {
    let done_s = context.shard_thread.node.storage.saves.save.done_s();
    context.reply.integer(i64::try_from(done_s).unwrap_or(i64::MAX));
}

async fn save(mut context: LaterContext) -> ReplyBuffer {
    let work = &context.shard_thread.node.storage.saves.save;
    if !work.begin(now_s()) {
        context.reply.error(UNDER_WAY.as_bytes());
        return context.reply;
    }
    let done = make_durable(&context.shard_thread, None).await;
    work.end(now_s(), done.is_ok());
    match done {
        Ok(_) => context.reply.ok(),
        Err(loss) => context.reply.error(loss.as_bytes()),
    }
    context.reply
}

fn bgsave(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let args = context.args;
    if args.len() > 2 || (args.len() == 2 && !args.is(1, "schedule")) {
        return Err(text::SYNTAX.into());
    }
    if !context.shard_thread.node.storage.saves.save.begin(now_s()) {
        return Err(UNDER_WAY.into());
    }
    let shard_thread = context.shard_thread.clone();
    runtime::spawn("saving", async move {
        let done = make_durable(&shard_thread, None).await;
        shard_thread.node.storage.saves.save.end(now_s(), done.is_ok());
        match done {
            Ok(_) => tracing::info!("everything that was written is durable, as BGSAVE asked"),
            Err(loss) => tracing::error!(loss, "BGSAVE failed"),
        }
    });
    context.reply.simple("Background saving started");
    Ok(())
}

fn bgrewriteaof(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    if !context.shard_thread.node.storage.saves.rewrite.begin(now_s()) {
        return Err("ERR Background append only file rewriting already in progress".into());
    }
    let shard_thread = context.shard_thread.clone();
    runtime::spawn("shortening the log", async move {
        let node = shard_thread.node.clone();
        let drained = shard_thread.off_loop(move || {
            let mut shards = 0..node.topology.shards();
            shards.try_for_each(|shard| node.topology.engine(shard).drain(Duration::ZERO))
        });
        let drained: Option<Result<(), EngineError>> = drained.await;
        let is_well = matches!(drained, Some(Ok(())));
        shard_thread.node.storage.saves.rewrite.end(now_s(), is_well);
        if !is_well {
            let why = drained.and_then(Result::err).map(|error| storage_error_reply(&error));
            tracing::error!(why, "BGREWRITEAOF failed");
        }
    });
    context.reply.simple("Background append only file rewriting started");
    Ok(())
}

/// How many logs have the writes of this connection: here, and at replicas, of which there are
/// none.
async fn waitaof(mut context: LaterContext) -> ReplyBuffer {
    let start = context.reply.len();
    if let Err(failure) = wait_for_logs(&mut context).await {
        context.reply.truncate(start);
        context.reply.error(&failure.0);
    }
    context.reply
}

async fn wait_for_logs(context: &mut LaterContext) -> Result<(), Failure> {
    let args = context.args();
    let local = args.integer(1)?;
    if !(0..=1).contains(&local) {
        return Err("ERR value is out of range, value must between 0 and 1".into());
    }
    if !args.integer(2).is_ok_and(|replicas| replicas >= 0) {
        return Err("ERR value is out of range, must be positive".into());
    }
    let timeout_ms = check_timeout(args.get(3))?;
    let deadline = match (local, timeout_ms) {
        // Nobody wants to wait.
        (0, _) => Some(Instant::now()),
        (_, 0) => None,
        _ => Instant::now().checked_add(Duration::from_millis(timeout_ms)),
    };
    let is_durable = make_durable(&context.shard_thread, deadline).await;
    let is_durable = is_durable.map_err(|loss| Failure::from(loss.as_str()))?;
    context.reply.array(2);
    context.reply.integer(i64::from(is_durable));
    context.reply.integer(0);
    Ok(())
}
