//! What MONITOR shows: every command that any client sends, to those who asked for it.

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use basalt_shard::command::Args;
use basalt_shard::resp::ReplyBuffer;

use crate::client::Session;
use crate::clock::now_us;
use crate::execute::redact;
use crate::runtime;
use crate::shared::client_memory::COUNTED_FROM;
use crate::thread::message::Message;
use crate::thread::shard_thread::ShardThread;

/// Bytes of lines on their way to other shards' threads before who makes more has to wait.
const UNDER_WAY_BYTES_MAX: usize = 1 << 20;
/// How long it waits before it looks again.
const UNDER_WAY_PAUSE: Duration = Duration::from_millis(1);

/// Waits until the other shards' threads keep up: a client that sends without end would fill their
/// mailboxes.
pub(crate) async fn keep_pace(shard_thread: &ShardThread) {
    let under_way = &shard_thread.node.clients.monitored_bytes;
    while under_way.load(Ordering::Relaxed) > UNDER_WAY_BYTES_MAX && !shard_thread.is_stopped() {
        runtime::sleep(UNDER_WAY_PAUSE).await;
    }
}

/// Tells the monitoring clients of all shards about a command.
pub(crate) fn feed(shard_thread: &Rc<ShardThread>, session: &Session, args: Args<'_>) {
    let now = now_us();
    let client = if session.through_unix_socket {
        format!("unix:{}", session.peer.strip_suffix(":0").unwrap_or(&session.peer))
    } else {
        session.peer.clone()
    };
    let (seconds, micros) = (now / 1_000_000, now % 1_000_000);
    let mut line = format!("{seconds}.{micros:06} [{} {client}]", session.db.get()).into_bytes();
    let shown: Vec<Vec<u8>> = args.iter_from(0).map(<[u8]>::to_vec).collect();
    let shown = match shard_thread.node.table.lookup(args) {
        Ok(entry) => redact::arguments(entry.spec, args, shown),
        Err(_) => shown,
    };
    for argument in &shown {
        line.push(b' ');
        quote(argument, &mut line);
    }
    for shard in 0..shard_thread.node.topology.shards() {
        if shard == shard_thread.id {
            send(shard_thread, &line);
        } else {
            let line = line.clone();
            let bytes = line.len();
            shard_thread.node.clients.monitored_bytes.fetch_add(bytes, Ordering::Relaxed);
            let job = Box::new(move |there: &Rc<ShardThread>| {
                there.node.clients.monitored_bytes.fetch_sub(bytes, Ordering::Relaxed);
                send(there, &line);
            });
            shard_thread.turn.post(shard, Message::Run(job));
        }
    }
}

/// A client that does not read what it monitors is closed when that is no longer little, or when
/// the memory is needed.
fn send(shard_thread: &ShardThread, line: &[u8]) {
    let memory = &shard_thread.node.clients.memory;
    for session in shard_thread.sessions.borrow().values() {
        if session.monitor.get() && !session.killed.get() {
            let mut reply = ReplyBuffer::new(session.protocol.get());
            reply.simple(&String::from_utf8_lossy(line));
            let waiting = session.push(reply.as_bytes());
            memory.count_replies(&session.pushed_bytes, waiting);
            if waiting >= COUNTED_FROM && (!memory.is_little(waiting) || memory.is_over()) {
                tracing::warn!(client = session.id, waiting, "closed: it does not read");
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
