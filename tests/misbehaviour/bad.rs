//! The misbehaviours. Each is over after some seconds, whatever the server does; an error only says
//! that the server has had enough of it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::common::Rng;
use crate::common::resp::encode_request;

/// A value that is there to be asked for.
pub const LONG_KEY: &str = "bad:long";
pub const LONG_VALUE_BYTES: usize = 8 << 20;

const MB: usize = 1 << 20;
/// How long one lasts at most.
const PATIENCE_MS: usize = 2_000;

/// Where, the how manieth, and by what random numbers.
type Misbehaviour = fn(SocketAddr, u64, &mut Rng) -> io::Result<()>;

/// All of them, by name.
pub const MISBEHAVIOURS: &[(&str, Misbehaviour)] = &[
    ("stops", stops),
    ("stops-big", stops_big),
    ("trickles", trickles),
    ("announces", announces),
    ("does-not-read", does_not_read),
    ("reads-late", reads_late),
    ("tiny-window", tiny_window),
    ("half-closes", half_closes),
    ("resets", resets),
    ("garbage", garbage),
    ("comes-and-goes", comes_and_goes),
    ("monitors", monitors),
    ("many-arguments", many_arguments),
];

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    set_up(TcpStream::connect(address)?)
}

/// Nothing keeps it for longer than a misbehaviour lasts.
fn set_up(stream: TcpStream) -> io::Result<TcpStream> {
    let timeout = Some(Duration::from_millis(PATIENCE_MS as u64 / 2));
    stream.set_read_timeout(timeout)?;
    stream.set_write_timeout(timeout)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn pause(rng: &mut Rng) {
    std::thread::sleep(Duration::from_millis(rng.below(PATIENCE_MS) as u64));
}

/// The deadline of something that is done again and again.
fn end(rng: &mut Rng) -> Instant {
    Instant::now() + Duration::from_millis(rng.below(PATIENCE_MS) as u64)
}

/// Any request, of up to so many bytes.
fn request(number: u64, bytes_max: usize, rng: &mut Rng) -> Vec<u8> {
    let key = format!("bad:{}", number % 50);
    match rng.below(5) {
        0 => encode_request(&["GET", &key]),
        1 => encode_request(&["GET", LONG_KEY]),
        2 => encode_request(&["MSET", &key, "1", "bad:other", "2"]),
        3 => encode_request(&["HSET", &format!("{key}:hash"), "field", &rng.next().to_string()]),
        _ => {
            let value = vec![b'b'; 1 + rng.below(bytes_max)];
            encode_request(&[b"SET".as_slice(), key.as_bytes(), &value])
        }
    }
}

/// Somewhere in a request there is no more.
fn stops(address: SocketAddr, number: u64, rng: &mut Rng) -> io::Result<()> {
    let mut stream = connect(address)?;
    let request = request(number, 100_000, rng);
    stream.write_all(&request[..rng.below(request.len())])?;
    pause(rng);
    Ok(())
}

/// The same, of many megabytes.
fn stops_big(address: SocketAddr, number: u64, rng: &mut Rng) -> io::Result<()> {
    let mut stream = connect(address)?;
    let bytes = MB + rng.below(20 * MB);
    let head = format!("*3\r\n$3\r\nSET\r\n$7\r\nbad:{:03}\r\n${bytes}\r\n", number % 100);
    stream.write_all(head.as_bytes())?;
    let piece = vec![b'b'; 256 << 10];
    for _ in 0..rng.below(bytes) / piece.len() {
        stream.write_all(&piece)?;
    }
    pause(rng);
    Ok(())
}

/// A byte now and then.
fn trickles(address: SocketAddr, number: u64, rng: &mut Rng) -> io::Result<()> {
    let mut stream = connect(address)?;
    let end = end(rng);
    for byte in request(number, 100_000, rng) {
        stream.write_all(&[byte])?;
        if rng.below(20) == 0 {
            std::thread::sleep(Duration::from_millis(rng.below(20) as u64));
        }
        if Instant::now() > end {
            break;
        }
    }
    Ok(())
}

/// Something giant is to come, and does not.
fn announces(address: SocketAddr, _: u64, rng: &mut Rng) -> io::Result<()> {
    let mut stream = connect(address)?;
    let starts: [&[u8]; 6] = [
        b"*2147483647\r\n$3\r\nDEL\r\n",
        b"*1000000\r\n$4\r\nMSET\r\n$1\r\na\r\n$1\r\nb\r\n",
        b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n",
        b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$40000000\r\n",
        b"*2\r\n$20000000\r\n",
        b"*5000\r\n$3\r\nDEL\r\n",
    ];
    stream.write_all(starts[rng.below(starts.len())])?;
    stream.write_all(&vec![b'b'; rng.below(2 * MB)])?;
    pause(rng);
    Ok(())
}

/// Sends without end and reads nothing.
fn does_not_read(address: SocketAddr, number: u64, rng: &mut Rng) -> io::Result<()> {
    let mut stream = connect(address)?;
    let piece = request(number, 2000, rng).repeat(1 + rng.below(500));
    let (bytes_max, end) = (rng.below(60 * MB), end(rng));
    let mut sent = 0;
    while sent < bytes_max && Instant::now() < end {
        sent += stream.write(&piece)?;
    }
    pause(rng);
    Ok(())
}

/// Sends very much, and reads all of it afterwards.
fn reads_late(address: SocketAddr, number: u64, rng: &mut Rng) -> io::Result<()> {
    let mut stream = connect(address)?;
    let echo = encode_request(&["ECHO", &number.to_string()]);
    let times = 1 + rng.below(200_000);
    stream.write_all(&echo.repeat(times))?;
    pause(rng);
    let reply = format!("${}\r\n{number}\r\n", number.to_string().len());
    let mut left = reply.len() * times;
    let mut buffer = vec![0; 256 << 10];
    while left > 0 {
        match stream.read(&mut buffer)? {
            0 => break,
            count => left -= count,
        }
    }
    Ok(())
}

/// A receive buffer of next to nothing, long replies, and a few bytes read at a time.
fn tiny_window(address: SocketAddr, _: u64, rng: &mut Rng) -> io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(1)?;
    socket.connect(&address.into())?;
    let mut stream = set_up(socket.into())?;
    let get = encode_request(&["GET", LONG_KEY]);
    stream.write_all(&get.repeat(1 + rng.below(20)))?;
    let end = end(rng);
    let mut buffer = vec![0; 1 + rng.below(2000)];
    while Instant::now() < end && stream.read(&mut buffer)? > 0 {
        std::thread::sleep(Duration::from_millis(rng.below(5) as u64));
    }
    Ok(())
}

fn half_closes(address: SocketAddr, number: u64, rng: &mut Rng) -> io::Result<()> {
    let mut stream = connect(address)?;
    let requests = request(number, 100_000, rng).repeat(1 + rng.below(50));
    // Perhaps in the middle of one.
    stream.write_all(&requests[..1 + rng.below(requests.len())])?;
    stream.shutdown(Shutdown::Write)?;
    pause(rng);
    let end = end(rng);
    let mut buffer = vec![0; 64 << 10];
    while Instant::now() < end && stream.read(&mut buffer)? > 0 {}
    Ok(())
}

/// Goes without a word, whatever is under way.
fn resets(address: SocketAddr, number: u64, rng: &mut Rng) -> io::Result<()> {
    let stream = connect(address)?;
    let socket = Socket::from(stream);
    socket.set_linger(Some(Duration::ZERO))?;
    let mut stream = TcpStream::from(socket);
    let requests = request(number, 4 * MB, rng).repeat(1 + rng.below(8));
    stream.write_all(&requests[..1 + rng.below(requests.len())])?;
    if rng.percent(50) {
        let _ = stream.read(&mut [0; 1000])?;
    }
    Ok(())
}

fn garbage(address: SocketAddr, _: u64, rng: &mut Rng) -> io::Result<()> {
    let mut stream = connect(address)?;
    let count = 1 + rng.below(100_000);
    let mut bytes = rng.bytes(count);
    if rng.percent(50) {
        bytes.splice(0..0, *b"*3\r\n$3\r\nSET\r\n");
    }
    stream.write_all(&bytes)?;
    pause(rng);
    Ok(())
}

fn comes_and_goes(address: SocketAddr, number: u64, rng: &mut Rng) -> io::Result<()> {
    for _ in 0..20 {
        let mut stream = connect(address)?;
        if rng.percent(50) {
            stream.write_all(&request(number, 1000, rng))?;
        }
    }
    Ok(())
}

/// Wants to see everything, and looks at nothing.
fn monitors(address: SocketAddr, _: u64, rng: &mut Rng) -> io::Result<()> {
    let mut stream = connect(address)?;
    stream.write_all(b"MONITOR\r\n")?;
    pause(rng);
    Ok(())
}

fn many_arguments(address: SocketAddr, number: u64, rng: &mut Rng) -> io::Result<()> {
    let mut stream = connect(address)?;
    let count = 1000 + rng.below(60_000);
    let name = *rng.pick(&["DEL", "MGET", "EXISTS"]);
    let keys = (0..count).map(|key| format!("bad:{number}:{key}"));
    let request = encode_request(&[name.to_owned()].into_iter().chain(keys).collect::<Vec<_>>());
    stream.write_all(&request)?;
    let _ = stream.read(&mut [0; 1000])?;
    Ok(())
}
