//! A client comes, and goes.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use crate::client::{NewConnection, Session};
use crate::clock::steady_ms;
use crate::connection;
use crate::execute::publish;
use crate::runtime;
use crate::thread::shard_thread::ShardThread;

/// Begins to serve a client.
pub(crate) fn connect(shard_thread: &Rc<ShardThread>, new: NewConnection) {
    let id = new.id;
    let authenticated = shard_thread.config().requirepass.is_none();
    let session = Rc::new(Session::new(new, authenticated, steady_ms()));
    shard_thread.sessions.borrow_mut().insert(id, session.clone());
    let shard_thread = shard_thread.clone();
    // Boxed, and so is stored once: each layer around a task would keep a place for it of its own,
    // which makes four.
    let serving = Box::pin(async move {
        let _gone = Goodbye { shard_thread: shard_thread.clone(), session: session.clone() };
        connection::serve(shard_thread, session).await;
    });
    runtime::spawn("connection", serving);
}

/// Takes a session off the books, however its task ends.
struct Goodbye {
    shard_thread: Rc<ShardThread>,
    session: Rc<Session>,
}

impl Drop for Goodbye {
    fn drop(&mut self) {
        self.shard_thread.sessions.borrow_mut().remove(&self.session.id);
        publish::forget(&self.shard_thread, &self.session);
        let node = &self.shard_thread.node;
        node.clients.memory.count_requests(&self.session.input_bytes, 0);
        node.clients.memory.count_replies(&self.session.output_bytes, 0);
        node.clients.memory.count_replies(&self.session.pushed_bytes, 0);
        if self.session.monitor.get() {
            node.clients.monitors.fetch_sub(1, Ordering::Relaxed);
        }
        node.telemetry.counters.connected_clients.fetch_sub(1, Ordering::AcqRel);
    }
}
