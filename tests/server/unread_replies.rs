//! Clients that send much and read late, or never: neither side waits for the other in silence.
//! What redis-server answers is answered, and who passes a limit is closed.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::common::client::READ_TIMEOUT;
use crate::common::resp::encode_request;
use crate::common::server::Options;
use crate::common::{Client, Server};

const MB: usize = 1 << 20;

/// A socket without a reader of its own.
fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).expect("connect to the server");
    stream.set_nodelay(true).expect("a socket option");
    stream.set_write_timeout(Some(READ_TIMEOUT)).expect("a socket option");
    stream.set_read_timeout(Some(READ_TIMEOUT)).expect("a socket option");
    stream
}

/// Reads as many bytes as `piece` repeated `times` has, and compares them.
fn read_repeated(stream: &mut TcpStream, piece: &[u8], times: usize) {
    let mut expected = piece.repeat(1 + (64 << 10) / piece.len());
    let period = expected.len();
    expected.extend_from_within(..);
    let (mut left, mut at) = (piece.len() * times, 0);
    let mut buffer = vec![0; 64 << 10];
    while left > 0 {
        let room = left.min(buffer.len()).min(period);
        let count = stream.read(&mut buffer[..room]).unwrap_or_else(|error| {
            panic!("{left} bytes of replies are missing: {error}");
        });
        assert!(count > 0, "closed, and {left} bytes of replies are missing");
        assert!(buffer[..count] == expected[at..at + count], "{left} bytes before the end");
        at = (at + count) % period;
        left -= count;
    }
}

/// Whether the server closes it, whatever it sends before.
fn is_closed(stream: &mut TcpStream) -> bool {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                return !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            }
        }
    }
}

/// Bytes sent until the server closes; it must.
fn send_until_closed(stream: &mut TcpStream, request: &[u8]) -> usize {
    let mut sent = 0;
    let piece = request.repeat(1 + (64 << 10) / request.len());
    loop {
        match stream.write(&piece) {
            Ok(count) => sent += count,
            Err(error) => {
                let stands_still =
                    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                assert!(!stands_still, "{sent} bytes were sent, and no more are taken");
                return sent;
            }
        }
        assert!(sent < 2 << 30, "not closed after {sent} bytes");
    }
}

fn hello3(stream: &mut TcpStream) {
    stream.write_all(b"HELLO 3\r\n").expect("a request");
    let mut buffer = [0; 4096];
    assert!(stream.read(&mut buffer).expect("the reply to HELLO") > 0);
}

fn bulk(value: &str) -> Vec<u8> {
    format!("${}\r\n{value}\r\n", value.len()).into_bytes()
}

#[test]
fn hundreds_of_thousands_of_gets_before_the_first_read_are_answered() {
    const GETS: usize = 600_000;
    for shards in [1, 2] {
        let server = Server::with(Options::default().shards(shards));
        let mut client = server.client();
        let value = "v".repeat(100);
        client.ok(&format!("SET k {value}"));
        for is_resp3 in [false, true] {
            let mut stream = connect(&server);
            if is_resp3 {
                hello3(&mut stream);
            }
            stream.write_all(&encode_request(&["GET", "k"]).repeat(GETS)).expect("all requests");
            assert_eq!(client.run("PING").text(), "PONG");
            read_repeated(&mut stream, &bulk(&value), GETS);
            // And on it goes.
            stream.write_all(b"GET absent\r\nGET k\r\n").expect("more requests");
            let null: &[u8] = if is_resp3 { b"_\r\n" } else { b"$-1\r\n" };
            read_repeated(&mut stream, &[null, &bulk(&value)].concat(), 1);
        }
    }
}

/// Keys of both shards, and commands that change something.
#[test]
fn a_mixed_pipeline_before_the_first_read_is_answered_in_order() {
    const ROUNDS: usize = 40_000;
    let server = Server::with(Options::default().shards(2));
    let mut stream = connect(&server);
    let value = "v".repeat(500);
    let (mut requests, mut replies) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (key, number) = (format!("key:{}", round % 50), round.to_string());
        requests.extend(encode_request(&["SET", &key, &format!("{number}:{value}")]));
        replies.extend_from_slice(b"+OK\r\n");
        requests.extend(encode_request(&["GET", &key]));
        replies.extend(bulk(&format!("{number}:{value}")));
        requests.extend(encode_request(&["ECHO", &number]));
        replies.extend(bulk(&number));
        if round % 100 == 0 {
            requests.extend(encode_request(&["MSET", "{a}1", &number, "{b}1", &number]));
            replies.extend_from_slice(b"+OK\r\n");
        }
    }
    stream.write_all(&requests).expect("all requests");
    let mut read = vec![0; replies.len()];
    stream.read_exact(&mut read).expect("all replies");
    assert!(read == replies, "a reply is wrong or not in its place");
}

/// Requests of which each is much longer than its reply need not be kept.
#[test]
fn more_requests_than_the_memory_for_clients_before_the_first_read_are_answered() {
    const REQUESTS: usize = 30_000;
    const KEYS: usize = 50;
    let bound = Options::default().set("maxmemory", "256mb").set("maxmemory-clients", "8mb");
    for shards in [1, 2] {
        let server = Server::with(bound.clone().shards(shards));
        let mut stream = connect(&server);
        let mut request = vec!["MGET".to_owned()];
        request.extend((0..KEYS).map(|key| format!("an absent key with a long name {key}")));
        // Ten times the memory; the replies are more than the sockets hold.
        stream.write_all(&encode_request(&request).repeat(REQUESTS)).expect("all requests");
        let reply = [format!("*{KEYS}\r\n").into_bytes(), b"$-1\r\n".repeat(KEYS)].concat();
        read_repeated(&mut stream, &reply, REQUESTS);
    }
}

/// As TLS and small windows do it: a byte at a time, one way and the other.
#[test]
fn requests_that_come_by_the_byte_while_replies_wait_are_answered() {
    const GETS: usize = 2_000;
    for shards in [1, 2] {
        let server = Server::with(Options::default().shards(shards));
        let mut client = server.client();
        client.ok("SET k value");
        let long = "x".repeat(16 * MB);
        client.call(&["SET", "long", &long]);
        let mut stream = connect(&server);
        stream.write_all(b"GET long\r\nGET long\r\n").expect("requests for long replies");
        std::thread::sleep(Duration::from_millis(100));
        for byte in encode_request(&["GET", "k"]).repeat(GETS) {
            stream.write_all(&[byte]).expect("a byte of a request");
        }
        // A value that is long itself, behind them.
        stream.write_all(&encode_request(&["SET", "new", &long])).expect("a long request");
        let mut byte = [0];
        for expected in &bulk(&long)[..5_000] {
            stream.read_exact(&mut byte).expect("a byte of a reply");
            assert_eq!(byte[0], *expected);
        }
        let mut rest = vec![0; bulk(&long).len() - 5_000];
        stream.read_exact(&mut rest).expect("the rest of the first reply");
        read_repeated(&mut stream, &bulk(&long), 1);
        read_repeated(&mut stream, &bulk("value"), GETS);
        read_repeated(&mut stream, b"+OK\r\n", 1);
        assert_eq!(client.run("STRLEN new").int(), 16 * MB as i64);
    }
}

#[test]
fn who_ends_its_sending_before_it_reads_is_answered() {
    const GETS: usize = 300_000;
    let server = Server::with(Options::default().shards(2));
    let value = "v".repeat(100);
    server.client().ok(&format!("SET k {value}"));
    let mut stream = connect(&server);
    stream.write_all(&encode_request(&["GET", "k"]).repeat(GETS)).expect("all requests");
    stream.shutdown(Shutdown::Write).expect("half a close");
    read_repeated(&mut stream, &bulk(&value), GETS);
    assert!(is_closed(&mut stream));
}

/// What follows the end of the conversation is dropped, not left in the way of the replies.
#[test]
fn what_is_sent_behind_quit_does_not_keep_the_replies_back() {
    const GETS: usize = 200_000;
    let server = Server::with(Options::default().shards(2));
    let value = "v".repeat(100);
    server.client().ok(&format!("SET k {value}"));
    let get = encode_request(&["GET", "k"]);
    let mut stream = connect(&server);
    stream.write_all(&get.repeat(GETS)).expect("all requests");
    stream.write_all(&[&b"QUIT\r\n"[..], &get.repeat(GETS)].concat()).expect("the end and more");
    read_repeated(&mut stream, &bulk(&value), GETS);
    read_repeated(&mut stream, b"+OK\r\n", 1);
    assert!(is_closed(&mut stream));
}

/// Whether small replies by the thousand count as a long one does.
#[test]
fn unread_small_replies_are_closed_at_the_hard_limit() {
    for shards in [1, 2] {
        let limit = "normal 1048576 0 0";
        let options = Options::default().set("client-output-buffer-limit", limit).shards(shards);
        let server = Server::with(options);
        server.client().ok(&format!("SET k {}", "v".repeat(100)));
        let mut stream = connect(&server);
        send_until_closed(&mut stream, &encode_request(&["GET", "k"]));
        assert!(server.log().contains("output buffer limit reached"), "{}", server.log());
    }
}

#[test]
fn unread_small_replies_are_closed_at_the_soft_limit() {
    let limit = "normal 0 1048576 1";
    let server = Server::with(Options::default().set("client-output-buffer-limit", limit));
    let mut client = server.client();
    client.ok(&format!("SET k {}", "v".repeat(100)));
    let mut stream = connect(&server);
    let gets = encode_request(&["GET", "k"]).repeat(300_000);
    stream.write_all(&gets).expect("all requests");
    let deadline = Instant::now() + Duration::from_secs(20);
    while client.run("CLIENT LIST").text().lines().count() > 1 {
        assert!(Instant::now() < deadline, "the lazy connection lives on");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(server.log().contains("soft output buffer limit reached"));
}

/// It is about one request, and about what is not run: running them makes room.
#[test]
fn a_small_query_buffer_does_not_stop_a_pipeline_that_is_not_read() {
    const GETS: usize = 300_000;
    let limit = Options::default().set("client-query-buffer-limit", "1mb");
    let server = Server::with(limit.shards(2));
    let value = "v".repeat(100);
    server.client().ok(&format!("SET k {value}"));
    let mut stream = connect(&server);
    stream.write_all(&encode_request(&["GET", "k"]).repeat(GETS)).expect("all requests");
    read_repeated(&mut stream, &bulk(&value), GETS);
}

/// Beyond what there is for clients it is closed, and others notice nothing.
#[test]
fn a_pipeline_that_nobody_reads_is_closed_when_the_memory_for_clients_is_used_up() {
    for (shards, limit) in [(1, "1gb"), (2, "1gb"), (2, "1mb")] {
        let bound = Options::default().set("maxmemory", "256mb").set("maxmemory-clients", "8mb");
        let bound = bound.set("client-query-buffer-limit", limit);
        let server = Server::with(bound.shards(shards));
        let mut client = server.client();
        client.ok(&format!("SET k {}", "v".repeat(100)));
        let mut stream = connect(&server);
        let sent = send_until_closed(&mut stream, &encode_request(&["GET", "k"]));
        assert!(limit == "1mb" || sent > 8 * MB, "closed after {sent} bytes");
        assert!(server.log().contains("it does not read"), "{}", server.log());
        assert_eq!(client.call(&["SET", "long", &"x".repeat(MB / 2)]).text(), "OK");
        assert_eq!(held_by_clients(&mut client), 0);
    }
}

fn held_by_clients(client: &mut Client) -> i64 {
    let list = client.run("CLIENT LIST").text();
    let field = |line: &str, name: &str| -> i64 {
        let word = line.split(' ').find_map(|word| word.strip_prefix(name));
        word.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} in {line}"))
    };
    list.lines().skip(1).map(|line| field(line, "qbuf=") + field(line, "omem=")).sum()
}
