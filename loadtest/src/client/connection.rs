//! One connection: connects without blocking, logs in, sends what was put into its output, and
//! matches replies with the requests in flight.
//!
//! It never retries a request, and after any trouble it is `Down` until the worker opens it anew.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

use super::in_flight::InFlight;
use super::tally::Tally;
use crate::reply::{ReplyKind, ReplySplitter};
use crate::server::Greeting;

/// Why a connection was lost.
#[derive(Debug)]
pub(crate) enum Lost {
    Connect(String),
    Closed(String),
    Protocol,
    /// AUTH or SELECT was answered with this error.
    Greeting(String),
}

#[derive(Debug)]
enum State {
    Down { since: u64 },
    Connecting(TcpStream),
    Greeting { stream: TcpStream, replies_owed: usize },
    Ready(TcpStream),
}

#[derive(Debug)]
pub(super) struct Connection {
    state: State,
    token: u64,
    splitter: ReplySplitter,
    pub(super) output: Vec<u8>,
    written: usize,
    wants_write: bool,
    pub(super) in_flight: VecDeque<InFlight>,
    /// When a reply last came, or when the first of the requests in flight was sent.
    pub(super) last_progress: u64,
}

impl Connection {
    pub(super) fn new(token: u64) -> Self {
        Connection {
            state: State::Down { since: 0 },
            token,
            splitter: ReplySplitter::new(),
            output: Vec::new(),
            written: 0,
            wants_write: false,
            in_flight: VecDeque::new(),
            last_progress: 0,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready(_))
    }

    /// Since when it is down, if it is.
    pub(super) fn down_since(&self) -> Option<u64> {
        match self.state {
            State::Down { since } => Some(since),
            _ => None,
        }
    }

    /// Whether it waits for the server: to connect, to log in or for replies.
    pub(super) fn is_waiting(&self) -> bool {
        match self.state {
            State::Down { .. } => false,
            State::Connecting(_) | State::Greeting { .. } => true,
            State::Ready(_) => !self.in_flight.is_empty(),
        }
    }

    /// Begins to connect.
    pub(super) fn open(&mut self, poll: &OwnedFd, addr: &SocketAddr, now: u64) -> Result<(), Lost> {
        let lost = |errno: Errno| Lost::Connect(std::io::Error::from(errno).to_string());
        let family = if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(family, SocketType::STREAM, flags, None).map_err(lost)?;
        match connect(&socket, addr) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(errno) => return Err(lost(errno)),
        }
        let data = EventData::new_u64(self.token);
        epoll::add(poll, &socket, data, EventFlags::OUT).map_err(lost)?;
        self.last_progress = now;
        self.state = State::Connecting(TcpStream::from(socket));
        Ok(())
    }

    /// Drops the socket (which leaves the epoll by that) and all that was to be sent. The
    /// requests in flight stay for the caller to account for.
    pub(super) fn close(&mut self, now: u64) {
        self.state = State::Down { since: now };
        self.splitter = ReplySplitter::new();
        self.output.clear();
        self.written = 0;
        self.wants_write = false;
    }

    /// The socket has become writable: it is connected, or a write that was cut short can go on.
    pub(super) fn writable(&mut self, poll: &OwnedFd, greeting: &Greeting) -> Result<(), Lost> {
        if !matches!(self.state, State::Connecting(_)) {
            return self.flush(poll);
        }
        let State::Connecting(stream) =
            std::mem::replace(&mut self.state, State::Down { since: 0 })
        else {
            return Ok(());
        };
        let lost = |error: std::io::Error| Lost::Connect(error.to_string());
        if let Some(error) = stream.take_error().map_err(lost)? {
            return Err(lost(error));
        }
        stream.set_nodelay(true).map_err(lost)?;
        let data = EventData::new_u64(self.token);
        epoll::modify(poll, &stream, data, EventFlags::IN)
            .map_err(|errno| Lost::Connect(errno.to_string()))?;
        self.output.extend_from_slice(&greeting.requests);
        self.state = if greeting.replies == 0 {
            State::Ready(stream)
        } else {
            State::Greeting { stream, replies_owed: greeting.replies }
        };
        self.flush(poll)
    }

    /// Sends as much of the output as the socket takes now.
    pub(super) fn flush(&mut self, poll: &OwnedFd) -> Result<(), Lost> {
        let (State::Ready(stream) | State::Greeting { stream, .. }) = &mut self.state else {
            return Ok(());
        };
        while self.written < self.output.len() {
            match stream.write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Lost::Closed(error.to_string())),
            }
        }
        let unfinished = self.written < self.output.len();
        if !unfinished {
            self.output.clear();
            self.written = 0;
        }
        if unfinished != self.wants_write {
            self.wants_write = unfinished;
            let flags = if unfinished { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
            epoll::modify(poll, &*stream, EventData::new_u64(self.token), flags)
                .map_err(|errno| Lost::Closed(errno.to_string()))?;
        }
        Ok(())
    }

    /// Reads once and accounts for the replies in what came. One read is enough: the epoll is
    /// level-triggered and reports again what is left.
    pub(super) fn receive(
        &mut self,
        buffer: &mut [u8],
        now: impl Fn() -> u64,
        tally: &mut Tally,
    ) -> Result<(), Lost> {
        let (State::Ready(stream) | State::Greeting { stream, .. }) = &mut self.state else {
            return Ok(());
        };
        let count = match stream.read(buffer) {
            Ok(0) => return Err(Lost::Closed("closed by the server".to_owned())),
            Ok(count) => count,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                return Ok(());
            }
            Err(error) => return Err(Lost::Closed(error.to_string())),
        };
        let now = now();
        self.last_progress = now;
        let mut input = &buffer[..count];
        while let Some(kind) = self.splitter.next_reply(&mut input).map_err(|_| Lost::Protocol)? {
            if matches!(self.state, State::Greeting { .. }) {
                self.greeted(kind)?;
                continue;
            }
            let text = self.splitter.error_text();
            match self.in_flight.pop_front() {
                Some(request) => tally.reply(request, kind, text, now),
                // Such as the -ERR max number of clients that precedes a closing.
                None if kind == ReplyKind::Error => tally.errors.reply(text),
                None => return Err(Lost::Protocol),
            }
        }
        Ok(())
    }

    fn greeted(&mut self, kind: ReplyKind) -> Result<(), Lost> {
        if kind == ReplyKind::Error {
            let text = String::from_utf8_lossy(self.splitter.error_text()).into_owned();
            return Err(Lost::Greeting(text));
        }
        self.state = match std::mem::replace(&mut self.state, State::Down { since: 0 }) {
            State::Greeting { stream, replies_owed: 1 } => State::Ready(stream),
            State::Greeting { stream, replies_owed } => {
                State::Greeting { stream, replies_owed: replies_owed - 1 }
            }
            other => other,
        };
        Ok(())
    }
}
