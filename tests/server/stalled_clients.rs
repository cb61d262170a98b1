//! Clients that begin something big and stop: they hold what they have sent, or not yet read, and
//! only until somebody else needs the memory.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::common::server::Options;
use crate::common::{Client, Server};

const MB: usize = 1 << 20;

/// Far below how long anything took that waited for them to be given up, which was half a minute.
const AT_ONCE: Duration = Duration::from_secs(4);

/// What one of them does until it is told to end.
#[derive(Clone, Copy)]
enum Habit {
    /// Sends 11 of the 12 MB of a SET, and nothing more.
    Stops,
    /// The same, and then a byte now and then.
    Trickles,
    /// Asks for 12 MB, and reads nothing.
    DoesNotRead,
}

impl Habit {
    fn begin(self, stream: &mut TcpStream) -> std::io::Result<()> {
        if matches!(self, Self::DoesNotRead) {
            return stream.write_all(b"GET long\r\nGET long\r\n");
        }
        stream.write_all(format!("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n${}\r\n", 12 * MB).as_bytes())?;
        for _ in 0..11 {
            stream.write_all(&vec![b'x'; MB])?;
        }
        Ok(())
    }
}

/// Runs `run` beside so many clients with a habit.
fn beside(server: &Server, habit: Habit, clients: usize, run: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..clients {
            let (is_over, address) = (&is_over, server.address());
            scope.spawn(move || {
                let mut stream = TcpStream::connect(address).expect("connect to the server");
                stream.set_write_timeout(Some(Duration::from_secs(1))).expect("a socket option");
                // It may be disconnected, and not all of it be taken.
                let begun = habit.begin(&mut stream);
                while !is_over.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(20));
                    if matches!(habit, Habit::Trickles) && begun.is_ok() {
                        let _ = stream.write(b"x");
                    }
                }
            });
        }
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        is_over.store(true, Ordering::Relaxed);
        if let Err(panic) = ran {
            std::panic::resume_unwind(panic);
        }
    });
}

fn at_once(what: &str, run: impl FnOnce()) {
    let began = Instant::now();
    run();
    let took = began.elapsed();
    assert!(took < AT_ONCE, "{what} took {took:?}");
}

/// Writes and reads of all sizes.
fn is_served(client: &mut Client) {
    for (what, bytes) in [("small", 10), ("300 KB", 300_000), ("3 MB", 3 * MB), ("12 MB", 12 * MB)]
    {
        let value = "v".repeat(bytes);
        at_once(&format!("a SET of {what}"), || {
            assert_eq!(client.call(&["SET", "k", &value]).text(), "OK", "{what}");
        });
        at_once(&format!("a GET of {what}"), || assert_eq!(client.run("GET k").text(), value));
    }
    let mut mset = vec!["MSET".to_owned()];
    mset.extend((0..4000).map(|word| format!("word:{word}")));
    at_once("an MSET of 2,000 keys", || assert_eq!(client.call(&mset).text(), "OK"));
}

fn server(shards: usize) -> Server {
    Server::with(Options::default().set("maxmemory", "256mb").shards(shards))
}

#[test]
fn big_requests_that_stop_before_their_end_keep_nobody_waiting() {
    for (shards, clients) in [(1, 12), (2, 12), (2, 24)] {
        let server = server(shards);
        beside(&server, Habit::Stops, clients, || {
            // While they send, and when all have stopped.
            is_served(&mut server.client());
            std::thread::sleep(Duration::from_millis(1000));
            is_served(&mut server.client3());
        });
    }
}

#[test]
fn big_requests_that_trickle_keep_nobody_waiting() {
    let server = server(2);
    beside(&server, Habit::Trickles, 24, || {
        is_served(&mut server.client());
        std::thread::sleep(Duration::from_millis(1000));
        is_served(&mut server.client());
    });
}

#[test]
fn big_replies_that_nobody_reads_keep_nobody_waiting() {
    for shards in [1, 2] {
        let server = server(shards);
        server.client().call(&["SET", "long", &"x".repeat(12 * MB)]);
        beside(&server, Habit::DoesNotRead, 24, || {
            is_served(&mut server.client());
            std::thread::sleep(Duration::from_millis(1000));
            is_served(&mut server.client());
        });
    }
}

/// Patience ends when somebody needs the memory, and not before.
#[test]
fn who_stops_in_the_middle_and_is_in_nobodys_way_may_take_its_time() {
    let server = server(2);
    let mut client = server.client();
    client.call(&["SET", "long", &"x".repeat(12 * MB)]);
    let (mut sender, mut reader) = (server.client(), server.client());
    sender.write_raw(format!("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n${}\r\n", 12 * MB).as_bytes());
    sender.write_raw(&vec![b'x'; 11 * MB]);
    reader.write_raw(b"GET long\r\n");
    let deadline = Instant::now() + Duration::from_secs(3);
    while Instant::now() < deadline {
        assert_eq!(client.call(&["SET", "k", &"v".repeat(MB)]).text(), "OK");
    }
    sender.write_raw(&vec![b'x'; MB]);
    sender.write_raw(b"\r\n");
    assert_eq!(sender.read().text(), "OK");
    assert_eq!(reader.read().bytes().len(), 12 * MB);
    assert!(!server.log().contains("closed: "), "{}", server.log());
}

/// The biggest goes first, and no more than have to.
#[test]
fn who_holds_most_gives_way_and_who_holds_little_stays() {
    let bound = Options::default().set("maxmemory", "256mb").set("maxmemory-clients", "16mb");
    let server = Server::with(bound.shards(2));
    let mut client = server.client();
    // The last of them have no room any more, and go ahead all the same.
    let sizes = [2, 9, 2, 1, 3];
    let mut stopped: Vec<Client> = sizes.iter().map(|_| server.client()).collect();
    for (stopped, megabytes) in stopped.iter_mut().zip(sizes) {
        stopped.write_raw(format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n", 12 * MB).as_bytes());
        stopped.write_raw(&vec![b'x'; megabytes * MB]);
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_millis(1000));
    assert_eq!(client.call(&["SET", "long", &"x".repeat(4 * MB)]).text(), "OK");
    for (stopped, megabytes) in stopped.iter_mut().zip(sizes).rev() {
        if megabytes == 9 {
            stopped.assert_closes_with(b"");
            continue;
        }
        stopped.write_raw(&vec![b'x'; (12 - megabytes) * MB]);
        stopped.write_raw(b"\r\n");
        assert_eq!(stopped.read().text(), "OK", "{megabytes} MB");
    }
}

/// CLIENT NO-EVICT holds here as it does in Redis.
#[test]
fn who_may_not_be_evicted_is_not() {
    let bound = Options::default().set("maxmemory", "256mb").set("maxmemory-clients", "8mb");
    let server = Server::with(bound.shards(2));
    let mut spared = server.client();
    spared.ok("CLIENT NO-EVICT on");
    spared.write_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$8388608\r\n");
    spared.write_raw(&vec![b'x'; 7 * MB]);
    std::thread::sleep(Duration::from_millis(700));
    let mut client = server.client();
    for _ in 0..5 {
        assert_eq!(client.call(&["SET", "long", &"x".repeat(5 * MB)]).text(), "OK");
    }
    spared.write_raw(&vec![b'x'; MB]);
    spared.write_raw(b"\r\n");
    assert_eq!(spared.read().text(), "OK");
}

/// What was announced takes no memory.
#[test]
fn announcements_of_much_take_nothing() {
    let server = Server::with(Options::default().set("maxmemory", "512mb").shards(2));
    let mut announcing: Vec<Client> = (0..200).map(|_| server.client()).collect();
    for client in &mut announcing {
        client.write_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$80000000\r\n");
        client.write_raw(&[b'x'; 20_000]);
    }
    let mut client = server.client();
    is_served(&mut client);
    let info = client.run("INFO memory").text();
    let held = info.lines().find_map(|line| line.strip_prefix("memory_clients:"));
    let held: usize = held.and_then(|bytes| bytes.parse().ok()).expect("memory_clients");
    assert!(held < 200 * (64 << 10), "{held}");
}
