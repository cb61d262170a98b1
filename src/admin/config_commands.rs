//! CONFIG: the configuration while the server runs.

use std::sync::{Arc, PoisonError};

use basalt_shard::glob::glob_match;
use basalt_shard::resp::ReplyBuffer;

use crate::config::error::ConfigSetError;
use crate::config::rewrite::rewrite;
use crate::config::runtime::ClientContext;
use crate::config::{Config, Surroundings};
use crate::logging;
use crate::node::Node;
use crate::router::shard_loop::ShardLoop;
use crate::session::help;
use crate::session::process_command::{LaterContext, ProcessContext, ProcessRun};

/// The functions of this file.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] = &[
    ("config|get", ProcessRun::Now(get)),
    ("config|set", ProcessRun::Later(|context| Box::pin(set(context)))),
    ("config|rewrite", ProcessRun::Later(|context| Box::pin(rewrite_file(context)))),
    ("config|resetstat", ProcessRun::Later(|context| Box::pin(reset_statistics(context)))),
    ("config|help", ProcessRun::Now(show_help)),
];

/// Directives that name what is set up once, at start.
const ONLY_AT_START: [&str; 5] = ["port", "bind", "unixsocket", "tcp-backlog", "logfile"];

fn matches(pattern: &[u8], text: &[u8]) -> bool {
    glob_match(pattern, text, true)
}

fn get(context: &mut ProcessContext<'_>) {
    let patterns: Vec<&[u8]> = context.args.iter_from(2).collect();
    let found = context.shard_loop.config().get(&patterns, matches);
    context.reply.map(found.len());
    for (name, value) in found {
        context.reply.bulk(&name);
        context.reply.bulk(&value);
    }
}

async fn set(mut context: LaterContext) -> ReplyBuffer {
    let args = context.args();
    if !args.len().is_multiple_of(2) {
        context.reply.error(b"ERR syntax error");
        return context.reply;
    }
    let pairs: Vec<(&[u8], &[u8])> =
        (2..args.len()).step_by(2).map(|index| (args.get(index), args.get(index + 1))).collect();
    let client = ClientContext { local: context.session.from_this_host, loading: false };
    let node = context.shard_loop.node.clone();
    match change(&node, &pairs, client) {
        Ok(()) => {
            context.shard_loop.on_every_shard(|there| there.reload_config()).await;
            context.reply.ok();
        }
        Err(error) => context.reply.error(&error.reply()),
    }
    context.reply
}

/// Puts another configuration into effect, or none of it.
fn change(
    node: &Arc<Node>,
    pairs: &[(&[u8], &[u8])],
    client: ClientContext,
) -> Result<(), ConfigSetError> {
    let _one_at_a_time = node.config_change.lock().unwrap_or_else(PoisonError::into_inner);
    let change = node.config().with_set(pairs, client)?;
    if let Some(name) = change.changed.iter().find(|name| ONLY_AT_START.contains(*name)) {
        return Err(ConfigSetError::failed(name, "it is set up at start; restart to change it"));
    }
    if change.changed.contains(&"loglevel") {
        logging::set_level(change.config.loglevel);
    }
    if change.changed.contains(&"slowlog-max-len") {
        let mut log = node.slow_log.lock().unwrap_or_else(PoisonError::into_inner);
        log.entries.truncate(change.config.slowlog_max_len as usize);
    }
    node.set_config(change.config);
    Ok(())
}

async fn rewrite_file(mut context: LaterContext) -> ReplyBuffer {
    let node = context.shard_loop.node.clone();
    let Some(path) = node.sources.config_file.clone() else {
        context.reply.error(b"ERR The server is running without a config file");
        return context.reply;
    };
    let written = context
        .shard_loop
        .off_loop(move || {
            let start_dir = std::env::current_dir().map_err(|error| error.to_string())?;
            let mut stdin = std::io::empty();
            let mut surroundings = Surroundings { start_dir, stdin: &mut stdin, matches };
            let config: Config = (*node.config()).clone();
            rewrite(&config, &path, &mut surroundings).map_err(|error| error.to_string())
        })
        .await;
    match written {
        Some(Ok(())) => {
            tracing::info!("CONFIG REWRITE executed with success.");
            context.reply.ok();
        }
        Some(Err(error)) => {
            tracing::warn!("CONFIG REWRITE failed: {error}");
            context.reply.error(format!("ERR Rewriting config file: {error}").as_bytes());
        }
        None => context.reply.error(b"ERR Rewriting config file: the server failed"),
    }
    context.reply
}

async fn reset_statistics(mut context: LaterContext) -> ReplyBuffer {
    context.shard_loop.node.counters.reset();
    context
        .shard_loop
        .on_every_shard(|there: &std::rc::Rc<ShardLoop>| {
            there.statistics.borrow_mut().reset();
            there.counters.reset();
            let mut shard = there.shard.borrow_mut();
            shard.statistics = basalt_shard::shard::Statistics::default();
            shard.cache().reset_counters();
        })
        .await;
    context.reply.ok();
    context.reply
}

fn show_help(context: &mut ProcessContext<'_>) {
    help::write(
        context.reply,
        "CONFIG",
        &[
            ("GET <pattern>", "Tell directives that match a glob-like pattern, and their values."),
            ("SET <directive> <value>", "Change directives, all of them or none."),
            ("RESETSTAT", "Set the statistics of INFO to zero."),
            ("REWRITE", "Write the configuration back to its file."),
        ],
    );
}
