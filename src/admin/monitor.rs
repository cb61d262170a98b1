//! MONITOR: every command that any client sends, to those who asked for it.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use basalt_shard::command::Args;
use basalt_shard::resp::ReplyBuffer;

use crate::node::now_us;
use crate::router::message::Message;
use crate::router::shard_loop::ShardLoop;
use crate::session::Session;
use crate::session::process_command::{ProcessContext, ProcessRun};

/// The functions of this file.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] = &[("monitor", ProcessRun::Now(monitor))];

/// A monitoring client that does not read is closed when this much waits for it.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// Who monitors already gets no answer to a second MONITOR, as in Redis.
fn monitor(context: &mut ProcessContext<'_>) {
    if !context.session.monitor.replace(true) {
        context.shard_loop.node.monitors.fetch_add(1, Ordering::Relaxed);
        context.reply.ok();
    }
}

/// Tells the monitoring clients of all shards about a command.
pub(crate) fn feed(shard_loop: &Rc<ShardLoop>, session: &Session, args: Args<'_>) {
    let now = now_us();
    let client = if session.through_unix_socket {
        format!("unix:{}", session.peer.strip_suffix(":0").unwrap_or(&session.peer))
    } else {
        session.peer.clone()
    };
    let (seconds, micros) = (now / 1_000_000, now % 1_000_000);
    let mut line = format!("{seconds}.{micros:06} [{} {client}]", session.db.get()).into_bytes();
    let shown: Vec<Vec<u8>> = args.iter_from(0).map(<[u8]>::to_vec).collect();
    let shown = match shard_loop.node.table.lookup(args) {
        Ok(entry) => super::redact::arguments(entry, args, shown),
        Err(_) => shown,
    };
    for argument in &shown {
        line.push(b' ');
        quote(argument, &mut line);
    }
    for shard in 0..shard_loop.node.topology.shards() {
        if shard == shard_loop.id {
            send(shard_loop, &line);
        } else {
            let line = line.clone();
            let job = Box::new(move |there: &Rc<ShardLoop>| send(there, &line));
            shard_loop.turn.post(shard, Message::Run(job));
        }
    }
}

fn send(shard_loop: &ShardLoop, line: &[u8]) {
    for session in shard_loop.sessions.borrow().values() {
        if session.monitor.get() {
            let mut reply = ReplyBuffer::new(session.protocol.get());
            reply.simple(&String::from_utf8_lossy(line));
            if session.push(reply.as_bytes()) > WAITING_BYTES_MAX {
                session.kill();
            }
        }
    }
}

/// Appends an argument in quotes, as Redis's sdscatrepr.
pub(crate) fn quote(argument: &[u8], line: &mut Vec<u8>) {
    line.push(b'"');
    for byte in argument {
        match byte {
            b'\\' | b'"' => line.extend_from_slice(&[b'\\', *byte]),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\t' => line.extend_from_slice(b"\\t"),
            0x07 => line.extend_from_slice(b"\\a"),
            0x08 => line.extend_from_slice(b"\\b"),
            0x20..=0x7e => line.push(*byte),
            other => line.extend_from_slice(format!("\\x{other:02x}").as_bytes()),
        }
    }
    line.push(b'"');
}
