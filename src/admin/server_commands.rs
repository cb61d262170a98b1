//! TIME, LASTSAVE, MONITOR, LOLWUT.

use std::sync::atomic::Ordering;

use basalt_shard::number;

use crate::node::now_us;
use crate::session::REDIS_VERSION;
use crate::session::process_command::{ProcessContext, ProcessRun};

/// The functions of this file.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] = &[
    ("time", ProcessRun::Now(time)),
    ("lastsave", ProcessRun::Now(last_save)),
    ("monitor", ProcessRun::Now(monitor)),
    ("lolwut", ProcessRun::Now(lolwut)),
];

fn time(context: &mut ProcessContext<'_>) {
    let now = now_us();
    context.reply.array(2);
    context.reply.bulk((now / 1_000_000).to_string().as_bytes());
    context.reply.bulk((now % 1_000_000).to_string().as_bytes());
}

/// There are no snapshots: the data is on disk all the time, at the latest since the start.
fn last_save(context: &mut ProcessContext<'_>) {
    context.reply.integer(context.shard_loop.node.started_s as i64);
}

fn monitor(context: &mut ProcessContext<'_>) {
    if !context.session.monitor.replace(true) {
        context.shard_loop.node.monitors.fetch_add(1, Ordering::Relaxed);
    }
    context.reply.ok();
}

/// Columns of basalt, of random heights.
fn lolwut(context: &mut ProcessContext<'_>) {
    let args = context.args;
    if args.len() >= 3 && args.is(1, "version") && number::parse_i64(args.get(2)).is_none() {
        return context.reply.error(b"ERR value is not an integer or out of range");
    }
    const COLUMNS: usize = 20;
    const HEIGHT: u64 = 8;
    let mut shard = context.shard_loop.shard.borrow_mut();
    let random = shard.random_and_cache().0;
    let heights: Vec<u64> = (0..COLUMNS).map(|_| 1 + random.below(HEIGHT)).collect();
    let mut art = String::new();
    for level in (1..=HEIGHT).rev() {
        let row: String =
            heights.iter().map(|height| if *height >= level { "⬢ " } else { "  " }).collect();
        art.push_str(row.trim_end());
        art.push('\n');
    }
    art.push_str(&format!(
        "\nColumns of basalt, as they cooled today. Redis ver. {REDIS_VERSION}\n"
    ));
    context.reply.verbatim("txt", art.as_bytes());
}
