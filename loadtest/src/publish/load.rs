//! One measurement: a server, so many subscribers, some publishers, one thread for all of them.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

use crate::args::PublishArgs;
use crate::error::{Failure, Result};
use crate::process;
use crate::reply::{NotResp, ReplyKind, ReplySplitter};
use crate::server::{Greeting, Server};

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) elapsed: Duration,
    pub(crate) messages: u64,
    pub(crate) deliveries: u64,
    /// `None` where the server's process is not visible.
    pub(crate) server_cpu: Option<Duration>,
}

const CHANNEL: &str = "basalt-loadtest";
const READ_BYTES: usize = 256 << 10;
const EVENTS_MAX: usize = 256;
/// Times that publishers may have sent all they send at once before the subscribers have got it.
const AHEAD: u64 = 2;
/// A server that does nothing for so long has hung.
const TIMEOUT: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

struct Publisher {
    stream: TcpStream,
    replies: ReplySplitter,
    /// Replies that are to come.
    owed: u64,
}

struct Load {
    poll: OwnedFd,
    events: Vec<Event>,
    buffer: Vec<u8>,
    subscribers: Vec<TcpStream>,
    publishers: Vec<Publisher>,
    /// What a publisher sends at once, and how many messages that is.
    requests: Vec<u8>,
    depth: u64,
    /// Bytes of a message as subscribers get it.
    message_bytes: u64,
    sent: u64,
    answered: u64,
    delivered_bytes: u64,
}

pub(super) fn measure(
    server: &Server,
    greeting: &Greeting,
    args: &PublishArgs,
    subscribers: u64,
) -> Result<Measured> {
    let mut load = Load::connect(server, greeting, args, subscribers)?;
    load.run(args.warm_up)?;
    let (cpu, answered, delivered) = (cpu(server), load.answered, load.deliveries());
    let began = Instant::now();
    load.run(args.duration)?;
    let elapsed = began.elapsed();
    Ok(Measured {
        elapsed,
        messages: load.answered - answered,
        deliveries: load.deliveries() - delivered,
        server_cpu: self::cpu(server).zip(cpu).map(|(after, before)| after.saturating_sub(before)),
    })
}

fn cpu(server: &Server) -> Option<Duration> {
    process::cpu(server.pid?).ok().map(|cpu| cpu.total())
}

fn greeted(server: &Server, greeting: &Greeting) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(server.socket)?;
    stream.set_nodelay(true)?;
    stream.write_all(&greeting.requests)?;
    stream.read_exact(&mut vec![0; greeting.replies * b"+OK\r\n".len()])?;
    Ok(stream)
}

fn bulks(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", parts.len()).into_bytes();
    for part in parts {
        bytes.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        bytes.extend_from_slice(part);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn lost<E>(_: E) -> Failure {
    Failure::new("the server closed a connection, or sent what it should not")
}

impl Load {
    fn connect(
        server: &Server,
        greeting: &Greeting,
        args: &PublishArgs,
        subscribers: u64,
    ) -> Result<Load> {
        let payload = vec![b'x'; args.message_size];
        let message = bulks(&[b"message", CHANNEL.as_bytes(), &payload]);
        let request = bulks(&[b"PUBLISH", CHANNEL.as_bytes(), &payload]);
        let mut load = Load {
            poll: epoll::create(CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(EVENTS_MAX),
            buffer: vec![0; READ_BYTES],
            subscribers: Vec::new(),
            publishers: Vec::new(),
            requests: request.repeat(args.pipeline as usize),
            depth: u64::from(args.pipeline),
            message_bytes: message.len() as u64,
            sent: 0,
            answered: 0,
            delivered_bytes: 0,
        };
        let confirmation =
            format!("*3\r\n$9\r\nsubscribe\r\n${}\r\n{CHANNEL}\r\n:1\r\n", CHANNEL.len());
        for _ in 0..subscribers {
            let mut stream = greeted(server, greeting)?;
            stream.write_all(&bulks(&[b"SUBSCRIBE", CHANNEL.as_bytes()]))?;
            let mut reply = vec![0; confirmation.len()];
            stream.read_exact(&mut reply)?;
            if reply != confirmation.as_bytes() {
                return Err(Failure::new(String::from_utf8_lossy(&reply)));
            }
            load.watch(&stream, load.subscribers.len() as u64)?;
            load.subscribers.push(stream);
        }
        for _ in 0..args.publishers {
            let stream = greeted(server, greeting)?;
            load.watch(&stream, subscribers + load.publishers.len() as u64)?;
            load.publishers.push(Publisher { stream, replies: ReplySplitter::new(), owed: 0 });
        }
        Ok(load)
    }

    fn watch(&self, stream: &TcpStream, token: u64) -> Result<()> {
        stream.set_nonblocking(true)?;
        Ok(epoll::add(&self.poll, stream, EventData::new_u64(token), EventFlags::IN)?)
    }

    fn deliveries(&self) -> u64 {
        self.delivered_bytes / self.message_bytes
    }

    /// Whether the subscribers have got enough of what was sent.
    fn keep_up(&self) -> bool {
        let subscribers = self.subscribers.len() as u64;
        let ahead = AHEAD * self.depth * self.publishers.len() as u64;
        self.sent * subscribers <= self.deliveries() + ahead * subscribers
    }

    /// Publishes for so long.
    fn run(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            if self.keep_up() {
                self.send()?;
            }
            self.events.clear();
            let room = rustix::buffer::spare_capacity(&mut self.events);
            match epoll::wait(&self.poll, room, Some(&TIMEOUT)) {
                Ok(0) => {
                    return Err(Failure::new("nothing has come from the server for ten seconds"));
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for index in 0..self.events.len() {
                let token = self.events[index].data.u64();
                self.read(token as usize)?;
            }
        }
        Ok(())
    }

    /// Every publisher sends that has all its replies.
    fn send(&mut self) -> Result<()> {
        for publisher in self.publishers.iter_mut().filter(|publisher| publisher.owed == 0) {
            // It fits into the socket's buffer, which is empty.
            publisher.stream.write_all(&self.requests)?;
            publisher.owed = self.depth;
            self.sent += self.depth;
        }
        Ok(())
    }

    fn read(&mut self, token: usize) -> Result<()> {
        let stream = match self.subscribers.get_mut(token) {
            Some(stream) => stream,
            None => &mut self.publishers[token - self.subscribers.len()].stream,
        };
        let count = match stream.read(&mut self.buffer) {
            Ok(0) => return Err(lost(())),
            Ok(count) => count,
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => return Ok(()),
                _ => return Err(error.into()),
            },
        };
        if token < self.subscribers.len() {
            self.delivered_bytes += count as u64;
            return Ok(());
        }
        let publisher = &mut self.publishers[token - self.subscribers.len()];
        let mut input = &self.buffer[..count];
        while let Some(kind) = publisher.replies.next_reply(&mut input).map_err(lost::<NotResp>)? {
            if kind == ReplyKind::Error {
                let text = String::from_utf8_lossy(publisher.replies.error_text());
                return Err(Failure::new(text));
            }
            publisher.owed = publisher.owed.saturating_sub(1);
            self.answered += 1;
        }
        Ok(())
    }
}
