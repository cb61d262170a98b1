//! Very many messages to two hundred subscribers, five of which do not read: these are closed, and
//! every other gets each message of its channel, those of each publisher in order, and soon; and
//! the server's memory stays what a few connections and the limit for subscribers allow.
//!
//! `BASALT_CHANNEL_MESSAGES` says how many messages there are (100,000; a million takes about ten
//! times as long).

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::common::resp::encode_request;
use crate::common::server::Options;
use crate::common::{Client, Server, env};
use crate::{ALONE, memory_bytes};

const SHARDS: usize = 2;
const READERS: usize = 195;
const DEAF: usize = 5;
const CHANNELS: usize = 20;
const PUBLISHERS: usize = 4;
/// Messages that a publisher sends at once, on one channel.
const DEPTH: u64 = 50;
/// What a subscriber may leave unread.
const LIMIT: &str = "pubsub 2mb 0 0";
const LIMIT_MB: u64 = 2;
/// Messages of a channel that its slowest reader has yet to get while more are published: far less
/// than the limit, and than what sockets hold.
const AHEAD_MAX: u64 = 2_000;
/// Nobody gets a message later, also where other tests share the machine.
const LATE: Duration = Duration::from_secs(5);
/// The process may take so much more than before the first message.
const GROWTH_MB_MAX: u64 = 48;
const PAYLOAD_BYTES: usize = 100;

fn channel(number: usize) -> String {
    format!("load:{number:02}")
}

/// Who published, its how manieth message on the channel that is, and when, filled up with dots.
fn payload(publisher: usize, number: u64, sent: Duration) -> String {
    let text = format!("{publisher:02}:{number:09}:{:012}:", sent.as_micros());
    format!("{text:.<PAYLOAD_BYTES$}")
}

/// What all of it has in common.
struct Course {
    began: Instant,
    /// Messages of each channel, and those that each reader has got.
    published: Vec<AtomicU64>,
    read: Vec<AtomicU64>,
    worst_us: AtomicU64,
    is_over: AtomicBool,
}

#[test]
fn deaf_subscribers_keep_nobody_waiting() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let messages = env::number("BASALT_CHANNEL_MESSAGES", 100_000);
    let options = Options::default().shards(SHARDS).set("maxmemory", "256mb");
    let server = Server::with(options.set("client-output-buffer-limit", LIMIT));
    let course = Course {
        began: Instant::now(),
        published: (0..CHANNELS).map(|_| AtomicU64::new(0)).collect(),
        read: (0..READERS).map(|_| AtomicU64::new(0)).collect(),
        worst_us: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    };
    // Over all threads: connections are dealt out in turn.
    let mut readers = Vec::new();
    let mut deaf = Vec::new();
    for number in 0..READERS + DEAF {
        if number % (READERS / DEAF + 1) == 0 {
            deaf.push(subscribe_deaf(server.address()));
        } else {
            readers.push(subscribe(server.address(), &channel(readers.len() % CHANNELS)));
        }
    }
    assert_eq!((readers.len(), deaf.len()), (READERS, DEAF));
    let before = memory_bytes(&server, "VmRSS");
    std::thread::scope(|scope| {
        for (number, stream) in readers.into_iter().enumerate() {
            let course = &course;
            scope.spawn(move || read_all(stream, number, course));
        }
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let (mut client, course) = (server.client(), &course);
                let count = messages / PUBLISHERS as u64;
                scope.spawn(move || publish(&mut client, publisher, count, course))
            })
            .collect();
        let failed = publishers.into_iter().map(|publisher| publisher.join()).any(|it| it.is_err());
        // Readers end when they have all there is.
        course.is_over.store(true, Ordering::SeqCst);
        assert!(!failed, "a publisher has failed");
    });
    let took = course.began.elapsed();
    let growth_mb = memory_bytes(&server, "VmHWM").saturating_sub(before) >> 20;
    let worst_ms = course.worst_us.load(Ordering::SeqCst) / 1000;
    let delivered: u64 = course.read.iter().map(|read| read.load(Ordering::SeqCst)).sum();
    eprintln!(
        "{messages} messages, {delivered} deliveries in {took:.1?}, the latest after {worst_ms} \
         ms, {growth_mb} MB more than before"
    );
    for (number, read) in course.read.iter().enumerate() {
        let published = course.published[number % CHANNELS].load(Ordering::SeqCst);
        assert_eq!(read.load(Ordering::SeqCst), published, "reader {number}");
    }
    assert!(worst_ms < LATE.as_millis() as u64, "a message came after {worst_ms} ms");
    assert!(growth_mb <= GROWTH_MB_MAX + DEAF as u64 * LIMIT_MB, "{growth_mb} MB more");
    let closed = server.log().matches("closed: output buffer limit reached").count();
    assert_eq!(closed, DEAF, "those that do not read are closed, and nobody else");
    assert_eq!(server.client().run("PUBSUB NUMPAT").int(), 0);
}

/// A subscriber to everything that never reads, with a socket that holds little.
fn subscribe_deaf(address: SocketAddr) -> TcpStream {
    use std::io::Write;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4 << 10).expect("a small buffer");
    socket.connect(&address.into()).expect("connect");
    let mut stream = TcpStream::from(socket);
    stream.write_all(&encode_request(&["PSUBSCRIBE", "load:*"])).expect("subscribe");
    stream
}

/// A subscriber that has its confirmation.
fn subscribe(address: SocketAddr, channel: &str) -> TcpStream {
    use std::io::Write;
    let mut stream = TcpStream::connect(address).expect("connect");
    stream.write_all(&encode_request(&["SUBSCRIBE", channel])).expect("subscribe");
    let expected = format!("*3\r\n$9\r\nsubscribe\r\n${}\r\n{channel}\r\n:1\r\n", channel.len());
    let mut confirmation = vec![0; expected.len()];
    stream.read_exact(&mut confirmation).expect("a confirmation");
    assert_eq!(String::from_utf8_lossy(&confirmation), expected);
    stream
}

/// Publishes on all channels in turn, some messages on each, as fast as the readers take it.
fn publish(client: &mut Client, publisher: usize, count: u64, course: &Course) {
    let mut sent = [0; CHANNELS];
    // Not all on the same channel at the same time.
    let mut to = publisher * CHANNELS / PUBLISHERS;
    let mut left = count;
    while left > 0 {
        course.wait_for_readers();
        let batch = DEPTH.min(left);
        course.published[to].fetch_add(batch, Ordering::SeqCst);
        let name = channel(to);
        let commands: Vec<Vec<String>> = (0..batch)
            .map(|_| {
                sent[to] += 1;
                let text = payload(publisher, sent[to], course.began.elapsed());
                vec!["PUBLISH".into(), name.clone(), text]
            })
            .collect();
        let readers = (0..READERS).filter(|reader| reader % CHANNELS == to).count();
        for reply in client.pipeline(&commands) {
            let counted = reply.int() as usize;
            assert!((readers..=readers + DEAF).contains(&counted), "{counted} of {readers}");
        }
        left -= batch;
        to = (to + 1) % CHANNELS;
    }
}

impl Course {
    /// Until the slowest reader is not too far behind.
    fn wait_for_readers(&self) {
        let deadline = Instant::now() + LATE;
        let is_behind = |(number, read): (usize, &AtomicU64)| {
            let published = self.published[number % CHANNELS].load(Ordering::SeqCst);
            published.saturating_sub(read.load(Ordering::SeqCst)) > AHEAD_MAX
        };
        while self.read.iter().enumerate().any(is_behind) {
            assert!(Instant::now() < deadline, "a reader gets nothing");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Reads what is published, until all there will be has come.
fn read_all(mut stream: TcpStream, number: usize, course: &Course) {
    stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
    let name = channel(number % CHANNELS);
    let head = format!("*3\r\n$7\r\nmessage\r\n${}\r\n{name}\r\n${PAYLOAD_BYTES}\r\n", name.len());
    let message_bytes = head.len() + PAYLOAD_BYTES + 2;
    let mut next = [1; PUBLISHERS];
    let (mut buffer, mut filled) = (vec![0; 64 << 10], 0);
    let deadline = || Instant::now() + LATE;
    let mut given_up = deadline();
    loop {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => panic!("reader {number} was closed"),
            Ok(count) => filled += count,
            Err(_) if course.is_over.load(Ordering::SeqCst) => {
                let published = course.published[number % CHANNELS].load(Ordering::SeqCst);
                if course.read[number].load(Ordering::SeqCst) == published {
                    return;
                }
                assert!(Instant::now() < given_up, "reader {number}: messages are missing");
                continue;
            }
            Err(_) => continue,
        }
        let whole = filled - filled % message_bytes;
        for message in buffer[..whole].chunks(message_bytes) {
            assert_eq!(&message[..head.len()], head.as_bytes(), "reader {number}");
            let text = String::from_utf8_lossy(&message[head.len()..]);
            let mut parts = text.splitn(4, ':').map(|part| part.parse::<u64>().unwrap_or(0));
            let mut part = || parts.next().expect("a payload of ours");
            let (publisher, got, sent_us) = (part() as usize, part(), part());
            assert_eq!(got, next[publisher], "reader {number}, publisher {publisher}");
            next[publisher] += 1;
            let late_us = (course.began.elapsed().as_micros() as u64).saturating_sub(sent_us);
            course.worst_us.fetch_max(late_us, Ordering::Relaxed);
        }
        course.read[number].fetch_add((whole / message_bytes) as u64, Ordering::SeqCst);
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
        given_up = deadline();
    }
}
