//! One connection to a server under test. Every read has a deadline, so that a server that
//! hangs fails a test instead of stopping it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::resp::{self, Incomplete, Text, Value};

/// Generous, for a loaded machine: it only bounds how long a failing test takes.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);

pub struct Client {
    stream: TcpStream,
    input: Vec<u8>,
    /// Where in `input` the unread bytes start.
    start: usize,
    timeout: Duration,
    /// Out-of-band messages that arrived while a reply was awaited.
    pub pushes: VecDeque<Value>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, READ_TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(READ_TIMEOUT))?;
        let (input, pushes) = (Vec::new(), VecDeque::new());
        Ok(Self { stream, input, start: 0, timeout: READ_TIMEOUT, pushes })
    }

    /// Sends one command and takes its reply.
    pub fn call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Value {
        self.send(args);
        self.read()
    }

    /// A command written as one line of words, for arguments without spaces.
    pub fn run(&mut self, line: &str) -> Value {
        let args: Vec<&str> = line.split_whitespace().collect();
        self.call(&args)
    }

    /// Runs a line whose reply must be `+OK`.
    pub fn ok(&mut self, line: &str) {
        let reply = self.run(line);
        assert_eq!(reply, Value::Simple(b"OK".to_vec()), "reply to {line}");
    }

    /// Runs a line whose reply must be exactly this error.
    pub fn fails(&mut self, line: &str, error: &str) {
        let reply = self.run(line);
        assert_eq!(reply, Value::Error(error.as_bytes().to_vec()), "reply to {line}");
    }

    /// Sends several commands at once, then takes all replies.
    pub fn pipeline<A: AsRef<[u8]>>(&mut self, commands: &[Vec<A>]) -> Vec<Value> {
        self.try_pipeline(commands).unwrap_or_else(|error| panic!("no reply: {error}"))
    }

    /// As `pipeline`, where the server may fail the test by going away.
    pub fn try_pipeline<A: AsRef<[u8]>>(&mut self, commands: &[Vec<A>]) -> io::Result<Vec<Value>> {
        let bytes: Vec<u8> = commands.iter().flat_map(|args| resp::encode_request(args)).collect();
        // What fits into the socket's buffer cannot block.
        const FITS: usize = 16 << 10;
        if bytes.len() <= FITS {
            self.stream.write_all(&bytes)?;
            return commands.iter().map(|_| self.try_read()).collect();
        }
        // With both sides only writing, a large pipeline would wait for ever.
        std::thread::scope(|scope| {
            let mut writer = self.stream.try_clone()?;
            scope.spawn(move || writer.write_all(&bytes));
            commands.iter().map(|_| self.try_read()).collect()
        })
    }

    /// As `pipeline`, for lines of words.
    pub fn pipeline_lines(&mut self, lines: &[&str]) -> Vec<Value> {
        let commands: Vec<Vec<&str>> =
            lines.iter().map(|line| line.split_whitespace().collect()).collect();
        self.pipeline(&commands)
    }

    pub fn send<A: AsRef<[u8]>>(&mut self, args: &[A]) {
        self.write_raw(&resp::encode_request(args));
    }

    pub fn write_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("write to the server");
    }

    /// As `write_raw`, where the server may have closed the connection already.
    pub fn try_write_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// The next reply; pushes that come before it are set aside in `pushes`.
    pub fn read(&mut self) -> Value {
        self.try_read().unwrap_or_else(|error| panic!("no reply: {error}"))
    }

    pub fn try_read(&mut self) -> io::Result<Value> {
        loop {
            match self.read_any()? {
                push @ Value::Push(_) => self.pushes.push_back(push),
                value => return Ok(value),
            }
        }
    }

    /// The next value of any kind, or why there is none.
    pub fn read_any(&mut self) -> io::Result<Value> {
        let deadline = Instant::now() + self.timeout;
        let mut parse_again_at = 0;
        loop {
            // A large reply arrives in many pieces: parse again when there is twice as much.
            if self.unread().len() >= parse_again_at {
                match resp::parse(self.unread()) {
                    Ok((value, taken)) => {
                        self.start += taken;
                        return Ok(value);
                    }
                    Err(Incomplete::NeedMore) => {}
                    Err(Incomplete::Malformed(what)) => {
                        return Err(io::Error::new(ErrorKind::InvalidData, what));
                    }
                }
                const SMALL: usize = 64 << 10;
                let unread = self.unread().len();
                parse_again_at = if unread < SMALL { 0 } else { unread * 2 };
            }
            let pause = match parse_again_at {
                0 => deadline.saturating_duration_since(Instant::now()),
                // The buffer may already hold the whole reply: then the socket falls silent.
                _ => Duration::from_millis(2),
            };
            match self.fill(pause) {
                Err(e) if parse_again_at > 0 && is_timeout(&e) && Instant::now() < deadline => {
                    parse_again_at = 0;
                }
                // A read with a time limit is not begun again by itself after a signal.
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                other => other?,
            }
        }
    }

    /// Whether the server answers on this connection.
    pub fn try_ping(&mut self) -> io::Result<()> {
        match self.try_pipeline(&[vec!["PING"]])?.remove(0) {
            Value::Simple(_) => Ok(()),
            other => Err(io::Error::other(format!("{other:?}"))),
        }
    }

    /// All that the server sends until it closes the connection.
    pub fn read_to_close(&mut self) -> Vec<u8> {
        let deadline = Instant::now() + self.timeout;
        loop {
            match self.fill(deadline.saturating_duration_since(Instant::now())) {
                Ok(()) => {}
                Err(e) if is_timeout(&e) => {
                    panic!("still open after {:?}, sent {:?}", self.timeout, Text(self.unread()))
                }
                Err(_) => return self.unread().to_vec(),
            }
        }
    }

    /// Asserts that the server closes the connection, having sent exactly these bytes before.
    pub fn assert_closes_with(&mut self, expected: &[u8]) {
        let sent = self.read_to_close();
        assert_eq!(Text(&sent).to_string(), Text(expected).to_string(), "sent before the close");
    }

    /// Asserts that nothing arrives for a while.
    pub fn assert_silent(&mut self, pause: Duration) {
        assert!(self.unread().is_empty(), "unread bytes {:?}", Text(self.unread()));
        match self.fill(pause) {
            Ok(()) => panic!("expected silence, got {:?}", Text(self.unread())),
            Err(error) => assert!(is_timeout(&error), "expected silence, got {error}"),
        }
    }

    /// Whether anything arrives within a while.
    pub fn answers_within(&mut self, pause: Duration) -> bool {
        match self.fill(pause) {
            Ok(()) => true,
            Err(error) => {
                assert!(is_timeout(&error), "{error}");
                false
            }
        }
    }

    pub fn local_address(&self) -> SocketAddr {
        self.stream.local_addr().expect("the socket's own address")
    }

    fn unread(&self) -> &[u8] {
        &self.input[self.start..]
    }

    /// Waits up to `pause` for more bytes. A closed connection is `UnexpectedEof`.
    fn fill(&mut self, pause: Duration) -> io::Result<()> {
        // A zero timeout would mean for ever.
        self.stream.set_read_timeout(Some(pause.max(Duration::from_millis(1))))?;
        self.input.drain(..std::mem::take(&mut self.start));
        let mut chunk = [0; 64 << 10];
        match self.stream.read(&mut chunk)? {
            0 => Err(io::Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")),
            count => {
                self.input.extend_from_slice(&chunk[..count]);
                Ok(())
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
