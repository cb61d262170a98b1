//! Sockets that do not behave: ends that come with the last bytes, readers that do not read,
//! connections that break. Nothing is lost of what can be delivered, and nothing is left behind.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::common::Server;

const PATIENCE: Duration = Duration::from_secs(20);

fn connect(server: &Server) -> TcpStream {
    let socket = TcpStream::connect(server.address()).expect("connect");
    socket.set_read_timeout(Some(PATIENCE)).expect("set a timeout");
    socket
}

fn read_to_end(socket: &mut TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    socket.read_to_end(&mut received).expect("read to the end");
    received
}

/// Waits until `client` alone is connected.
fn wait_until_alone(server: &Server) {
    let mut client = server.client();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let list = client.run("CLIENT LIST").text();
        if list.lines().count() == 1 {
            return;
        }
        assert!(Instant::now() < deadline, "still connected: {list}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_end_that_comes_with_the_last_request_is_seen_behind_its_reply() {
    let server = Server::start();
    for round in 0..300 {
        let mut socket = connect(&server);
        socket.write_all(b"PING\r\n").expect("send");
        if round % 3 == 0 {
            // Once in a while the request alone is read first.
            std::thread::sleep(Duration::from_micros(200));
        }
        socket.shutdown(Shutdown::Write).expect("end");
        assert_eq!(read_to_end(&mut socket), b"+PONG\r\n", "round {round}");
    }
    wait_until_alone(&server);
}

#[test]
fn a_reply_that_is_read_late_arrives_whole_behind_the_end_of_the_requests() {
    const VALUE_BYTES: usize = 1 << 20;
    const GETS: usize = 8;
    let server = Server::start();
    let value = "v".repeat(VALUE_BYTES);
    server.client().call(&["SET", "big", value.as_str()]);
    let mut socket = connect(&server);
    socket.write_all("GET big\r\n".repeat(GETS).as_bytes()).expect("send");
    socket.shutdown(Shutdown::Write).expect("end");
    std::thread::sleep(Duration::from_millis(300));
    let reply = format!("${VALUE_BYTES}\r\n{value}\r\n");
    let mut received = vec![0; reply.len()];
    for number in 0..GETS {
        socket.read_exact(&mut received).expect("a reply");
        assert!(received == reply.as_bytes(), "reply {number}");
    }
    assert_eq!(read_to_end(&mut socket), b"");
    wait_until_alone(&server);
}

#[test]
fn who_reads_only_now_and_then_gets_every_reply() {
    const PINGS: usize = 200_000;
    let server = Server::start();
    let socket = connect(&server);
    let mut sender = socket.try_clone().expect("a second handle");
    let sending = std::thread::spawn(move || {
        for number in 0..PINGS {
            let message = format!("{number:06}");
            sender.write_all(format!("PING {message}\r\n").as_bytes()).expect("send");
        }
    });
    let mut reading = std::io::BufReader::with_capacity(64 << 10, socket);
    let mut reply = [0; 12];
    for number in 0..PINGS {
        if number % 20_000 == 0 {
            std::thread::sleep(Duration::from_millis(50));
        }
        reading.read_exact(&mut reply).expect("a reply");
        assert_eq!(reply, *format!("$6\r\n{number:06}\r\n").as_bytes());
    }
    sending.join().expect("all sent");
}

#[test]
fn broken_connections_are_let_go() {
    let server = Server::start();
    let value = "v".repeat(1 << 20);
    server.client().call(&["SET", "big", value.as_str()]);
    for _ in 0..20 {
        // What is left unread makes the end a reset.
        let mut socket = connect(&server);
        socket.write_all("GET big\r\n".repeat(20).as_bytes()).expect("send");
        let mut some = [0; 100];
        socket.read_exact(&mut some).expect("the beginning of a reply");
    }
    wait_until_alone(&server);
    // And those that wait for nothing but their next command.
    let idle: Vec<TcpStream> = (0..20).map(|_| connect(&server)).collect();
    drop(idle);
    wait_until_alone(&server);
}

#[test]
fn a_client_that_does_not_read_can_be_killed() {
    let server = Server::start();
    let value = "v".repeat(1 << 20);
    server.client().call(&["SET", "big", value.as_str()]);
    let mut stuck = connect(&server);
    stuck.write_all("GET big\r\n".repeat(50).as_bytes()).expect("send");
    std::thread::sleep(Duration::from_millis(100));
    let address = stuck.local_addr().expect("an address");
    server.client().ok(&format!("CLIENT KILL {address}"));
    wait_until_alone(&server);
}
