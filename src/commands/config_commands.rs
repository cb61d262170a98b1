//! CONFIG: reads directives, changes them and puts the changes into effect on every thread,
//! writes them back to the file, and sets the statistics to zero.

use std::rc::Rc;
use std::sync::PoisonError;

use basalt_shard::command::Args;
use basalt_shard::error::text;
use basalt_shard::glob::glob_match;

use crate::commands::replies::{Failure, help};
use crate::commands::row::*;
use crate::config::error::ConfigSetError;
use crate::config::memory_plan::MemoryPlan;
use crate::config::runtime::{Change, ClientContext};
use crate::config::table::directive;
use crate::config::{Surroundings, rewrite};
use crate::connection::listener;
use crate::logging;
use crate::thread::node::Node;
use crate::thread::process_command::{LaterContext, LaterReply, ProcessContext};
use crate::thread::shard_thread::ShardThread;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[container("config", SUBCOMMANDS)
    .group(Group::Server)
    .since("2.0.0")
    .summary("Reads and changes the configuration")];

const SUBCOMMANDS: &[Command] = &[
    command("get", -3, Now(get))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("2.0.0")
        .summary("Reads directives")
        .complexity("O(N) for N directives")
        .args(&[Arg::string("parameter").multiple()]),
    command("help", 2, Now(|context| help(context.reply, "CONFIG", HELP)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .since("5.0.0")
        .summary("Lists the subcommands"),
    command("resetstat", 2, Later(resetstat))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("2.0.0")
        .summary("Sets the statistics of INFO back to zero"),
    command("rewrite", 2, Later(rewrite_file))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("2.8.0")
        .summary("Writes the configuration in force to its file"),
    command("set", -4, Later(set))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("2.0.0")
        .summary("Changes directives")
        .complexity("O(N) for N directives")
        .secrets(secret_values)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .args(&[Arg::block("data", &[Arg::string("parameter"), Arg::string("value")]).multiple()]),
];

const HELP: &[&str] = &[
    "GET <pattern> [<pattern> ...]",
    "    Tell the values of the directives that match any of the patterns.",
    "SET <directive> <value> [<directive> <value> ...]",
    "    Change directives, all of them or, when one cannot be changed, none.",
    "RESETSTAT",
    "    Set the statistics of INFO to zero.",
    "REWRITE",
    "    Write the directives as they are now to the configuration file.",
];

fn matches(pattern: &[u8], name: &[u8]) -> bool {
    glob_match(pattern, name, true)
}

fn get(context: &mut ProcessContext<'_>) {
    let patterns: Vec<&[u8]> = context.args.iter_from(2).collect();
    let found = context.shard_thread.node.config().get(&patterns, matches);
    context.reply.map(found.len());
    for (name, value) in found {
        context.reply.bulk(&name);
        context.reply.bulk(&value);
    }
}

/// Where the values of secret directives stand in a CONFIG SET.
fn secret_values(args: Args<'_>) -> Vec<usize> {
    let is_secret = |name: &usize| directive(args.get(*name)).is_some_and(|found| found.secret);
    (2..args.len()).step_by(2).filter(is_secret).map(|name| name + 1).collect()
}

fn set(mut context: LaterContext) -> LaterReply {
    Box::pin(async move {
        match change(&context).await {
            Ok(()) => context.reply.ok(),
            Err(failure) => context.reply.error(&failure.0),
        }
        context.reply
    })
}

async fn change(context: &LaterContext) -> Result<(), Failure> {
    let args = context.args();
    if !args.len().is_multiple_of(2) {
        return Err(text::SYNTAX.into());
    }
    let words: Vec<Vec<u8>> = args.iter_from(2).map(<[u8]>::to_vec).collect();
    let client = ClientContext { local: context.session.from_this_host, loading: false };
    let shard_thread = &context.shard_thread;
    let node = shard_thread.node.clone();
    // Off the loop: another address to listen on may have to be looked up.
    let changed = shard_thread
        .off_loop(move || {
            let (pairs, _) = words.as_chunks::<2>();
            let pairs: Vec<(&[u8], &[u8])> =
                pairs.iter().map(|[name, value]| (name.as_slice(), value.as_slice())).collect();
            node.change_config(|config| {
                let change = config.with_set(&pairs, client)?;
                let plan = plan_memory(&node, &change)?;
                node.clients.open_files.apply(&change)?;
                listener::apply(&node, config, &change)?;
                if let Some(plan) = plan {
                    node.set_memory_plan(&change.config, plan);
                }
                Ok(change)
            })
            .map_err(|error: ConfigSetError| Failure(error.reply()))
        })
        .await
        .ok_or("ERR the command failed in the server; this is a bug, please report it")??;
    let config = shard_thread.node.config();
    logging::reload(&config);
    let entries_max = usize::try_from(config.slowlog_max_len).unwrap_or(usize::MAX);
    let log = &shard_thread.node.telemetry.slow_log;
    log.lock().unwrap_or_else(PoisonError::into_inner).entries.truncate(entries_max);
    shard_thread.on_every_shard(take_over).await;
    if !changed.is_empty() {
        tracing::info!(client = context.session.id, directives = ?changed, "CONFIG SET");
        config.warn_without_effect(|directive| changed.contains(&directive));
    }
    Ok(())
}

/// Directives that decide how memory is divided.
const SIZES: [&str; 5] =
    ["maxmemory", "hot-cache-size", "block-cache-size", "write-buffer-size", "maxmemory-clients"];

/// How memory is to be divided, if the change says anything about that.
fn plan_memory(node: &Node, change: &Change) -> Result<Option<MemoryPlan>, ConfigSetError> {
    let Some(size) = change.changed.iter().find(|name| SIZES.contains(name)) else {
        return Ok(None);
    };
    let failed = |reason| ConfigSetError::failed(size, reason);
    node.plan_memory(&change.config).map(Some).map_err(failed)
}

/// One shard's thread goes by the new configuration from now on.
fn take_over(shard_thread: &Rc<ShardThread>) {
    shard_thread.reload_config();
    if shard_thread.config().requirepass.is_none() {
        // Who has not shown the password need not any more.
        for session in shard_thread.sessions.borrow().values() {
            session.authenticated.set(true);
        }
    }
}

fn rewrite_file(mut context: LaterContext) -> LaterReply {
    Box::pin(async move {
        let node = context.shard_thread.node.clone();
        let Some(path) = node.process.sources.config_file.clone() else {
            context.reply.error(b"ERR The server is running without a config file");
            return context.reply;
        };
        let written = context
            .shard_thread
            .off_loop(move || {
                let mut surroundings = Surroundings {
                    start_dir: node.process.sources.start_dir.clone(),
                    stdin: &mut std::io::empty(),
                    matches,
                };
                rewrite::rewrite(&node.config(), &path, &mut surroundings)
                    .map_err(|error| error.to_string())
            })
            .await
            .unwrap_or_else(|| Err("it failed in the server".into()));
        match written {
            Ok(()) => {
                tracing::info!("CONFIG REWRITE executed with success.");
                context.reply.ok();
            }
            Err(error) => {
                tracing::warn!(%error, "CONFIG REWRITE failed");
                context.reply.error(format!("ERR Rewriting config file: {error}").as_bytes());
            }
        }
        context.reply
    })
}

fn resetstat(mut context: LaterContext) -> LaterReply {
    Box::pin(async move {
        context.shard_thread.on_every_shard(|there| there.reset_statistics()).await;
        context.shard_thread.node.telemetry.counters.reset();
        context.reply.ok();
        context.reply
    })
}
