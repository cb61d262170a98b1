//! A client as the server sees it, which belongs to the thread of its connection; and what threads
//! share of all of them (`clients`).

pub(crate) mod clients;
pub(crate) mod progress;
pub(crate) mod subscriptions;

use std::cell::{Cell, RefCell};
use std::task::Waker;

use basalt_shard::keyspace::cache::Touch;
use basalt_shard::resp::Protocol;
use basalt_shard::table::CommandId;

use crate::client::progress::Progress;
use crate::client::subscriptions::Subscriptions;
use crate::io::stream::{Accepted, Stream};
use crate::shared::client_memory::HeldBytes;

/// The version of Redis whose commands and replies this server has.
pub(crate) const REDIS_VERSION: &str = "7.2.4";

/// A connection on its way from the acceptor to its shard.
pub(crate) struct NewConnection {
    /// Number of the client, in the order of accepting.
    pub(crate) id: u64,
    pub(crate) socket: Accepted,
    /// Address of the client, as CLIENT LIST shows it.
    pub(crate) peer: String,
    /// Address it connected to.
    pub(crate) local: String,
    /// From the loopback interface or through a Unix socket.
    pub(crate) from_this_host: bool,
}

/// What a command's run depends on of the connection that it came by.
#[derive(Clone, Copy)]
pub(crate) struct Caller {
    /// The logical database.
    pub(crate) db: usize,
    /// Whether its commands count as uses of keys.
    pub(crate) touch: Touch,
}

impl Default for Caller {
    fn default() -> Self {
        Self { db: 0, touch: Touch::Yes }
    }
}

/// CLIENT REPLY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyMode {
    On,
    Off,
    /// CLIENT REPLY SKIP itself has just run: from the next command on `Skip`.
    SkipNext,
    /// The next command gets no reply.
    Skip,
}

/// One client. Belongs to the thread of its connection.
pub(crate) struct Session {
    pub(crate) id: u64,
    pub(crate) peer: String,
    pub(crate) local: String,
    /// From the loopback interface or through a Unix socket.
    pub(crate) from_this_host: bool,
    pub(crate) through_unix_socket: bool,
    /// Number of the socket's descriptor.
    pub(crate) descriptor: i32,
    pub(crate) stream: Stream,
    /// This and other times of a session are those of the steady clock, in ms.
    pub(crate) created_ms: u64,
    pub(crate) db: Cell<usize>,
    pub(crate) protocol: Cell<Protocol>,
    pub(crate) authenticated: Cell<bool>,
    pub(crate) name: RefCell<Vec<u8>>,
    pub(crate) library_name: RefCell<Vec<u8>>,
    pub(crate) library_version: RefCell<Vec<u8>>,
    pub(crate) reply_mode: Cell<ReplyMode>,
    pub(crate) monitor: Cell<bool>,
    pub(crate) subscriptions: RefCell<Subscriptions>,
    /// There are some.
    is_subscriber: Cell<bool>,
    pub(crate) no_evict: Cell<bool>,
    pub(crate) no_touch: Cell<bool>,
    /// Somebody wants the connection closed at once.
    pub(crate) killed: Cell<bool>,
    /// The connection is to be closed when the replies so far are out.
    pub(crate) close_after_reply: Cell<bool>,
    pub(crate) last_command: Cell<Option<CommandId>>,
    pub(crate) last_interaction_ms: Cell<u64>,
    pub(crate) input_bytes: HeldBytes,
    pub(crate) output_bytes: HeldBytes,
    /// Of messages that are no replies, until they are on their way.
    pub(crate) pushed_bytes: HeldBytes,
    /// What its client does with the memory that it holds.
    pub(crate) progress: Progress,
    /// It has to send something, or nothing happens.
    pub(crate) awaits_input: Cell<bool>,
    /// CLIENT PAUSE holds its command up.
    pub(crate) is_paused: Cell<bool>,
    /// It has to take something of the replies.
    pub(crate) awaits_reader: Cell<bool>,
    /// Since when the output is over the soft limit.
    pub(crate) over_soft_limit_since_ms: Cell<Option<u64>>,
    /// Messages that are no replies, to be written when there is time.
    pushes: RefCell<Vec<u8>>,
    waker: RefCell<Option<Waker>>,
}

impl Session {
    pub(crate) fn new(connection: NewConnection, authenticated: bool, steady_ms: u64) -> Self {
        Self {
            id: connection.id,
            peer: connection.peer,
            local: connection.local,
            from_this_host: connection.from_this_host,
            through_unix_socket: connection.socket.is_unix(),
            descriptor: connection.socket.descriptor(),
            stream: Stream::new(connection.socket),
            created_ms: steady_ms,
            db: Cell::new(0),
            protocol: Cell::new(Protocol::Resp2),
            authenticated: Cell::new(authenticated),
            name: RefCell::default(),
            library_name: RefCell::default(),
            library_version: RefCell::default(),
            reply_mode: Cell::new(ReplyMode::On),
            monitor: Cell::new(false),
            subscriptions: RefCell::default(),
            is_subscriber: Cell::new(false),
            no_evict: Cell::new(false),
            no_touch: Cell::new(false),
            killed: Cell::new(false),
            close_after_reply: Cell::new(false),
            last_command: Cell::new(None),
            last_interaction_ms: Cell::new(steady_ms),
            input_bytes: HeldBytes::default(),
            output_bytes: HeldBytes::default(),
            pushed_bytes: HeldBytes::default(),
            progress: Progress::default(),
            awaits_input: Cell::new(false),
            is_paused: Cell::new(false),
            awaits_reader: Cell::new(false),
            over_soft_limit_since_ms: Cell::new(None),
            pushes: RefCell::default(),
            waker: RefCell::default(),
        }
    }

    /// What its commands' runs depend on.
    pub(crate) fn caller(&self) -> Caller {
        let touch = if self.no_touch.get() { Touch::No } else { Touch::Yes };
        Caller { db: self.db.get(), touch }
    }

    /// Sends something that is no reply. Returns the bytes that wait to be sent.
    pub(crate) fn push(&self, message: &[u8]) -> usize {
        let waiting = {
            let mut pushes = self.pushes.borrow_mut();
            pushes.extend_from_slice(message);
            pushes.len()
        };
        self.wake();
        waiting
    }

    /// Takes what waits to be sent.
    pub(crate) fn take_pushes(&self) -> Vec<u8> {
        std::mem::take(&mut self.pushes.borrow_mut())
    }

    /// Whether it has subscribed to anything.
    pub(crate) fn is_subscriber(&self) -> bool {
        self.is_subscriber.get()
    }

    /// Its subscriptions have changed.
    pub(crate) fn note_subscriptions(&self) {
        self.is_subscriber.set(!self.subscriptions.borrow().is_empty());
    }

    /// Whether something waits to be sent.
    pub(crate) fn has_pushes(&self) -> bool {
        !self.pushes.borrow().is_empty()
    }

    /// The connection's task waits, and is to be woken for pushes and when it is killed.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Closes the connection, whatever it is doing.
    pub(crate) fn kill(&self) {
        self.killed.set(true);
        self.stream.close();
        self.wake();
    }
}
