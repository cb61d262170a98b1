//! A client comes, and goes.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use crate::client::{NewConnection, Session};
use crate::clock::steady_ms;
use crate::connection;
use crate::execute::publish;
use crate::runtime;
use crate::thread::shard_loop::ShardLoop;

/// Begins to serve a client.
pub(crate) fn connect(shard_loop: &Rc<ShardLoop>, new: NewConnection) {
    let id = new.id;
    let authenticated = shard_loop.config().requirepass.is_none();
    let session = Rc::new(Session::new(new, authenticated, steady_ms()));
    shard_loop.sessions.borrow_mut().insert(id, session.clone());
    let shard_loop = shard_loop.clone();
    // Boxed, and so is stored once: each layer around a task would keep a place for it of its own,
    // which makes four.
    let serving = Box::pin(async move {
        let _gone = Goodbye { shard_loop: shard_loop.clone(), session: session.clone() };
        connection::serve(shard_loop, session).await;
    });
    runtime::spawn("connection", serving);
}

/// Takes a session off the books, however its task ends.
struct Goodbye {
    shard_loop: Rc<ShardLoop>,
    session: Rc<Session>,
}

impl Drop for Goodbye {
    fn drop(&mut self) {
        self.shard_loop.sessions.borrow_mut().remove(&self.session.id);
        publish::forget(&self.shard_loop, &self.session);
        let node = &self.shard_loop.node;
        node.clients.memory.count_requests(&self.session.input_bytes, 0);
        node.clients.memory.count_replies(&self.session.output_bytes, 0);
        node.clients.memory.count_replies(&self.session.pushed_bytes, 0);
        if self.session.monitor.get() {
            node.clients.monitors.fetch_sub(1, Ordering::Relaxed);
        }
        node.telemetry.counters.connected_clients.fetch_sub(1, Ordering::AcqRel);
    }
}
