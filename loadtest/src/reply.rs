//! Counts complete RESP2 replies in a stream of bytes that may be cut anywhere.
//!
//! It does just what a load generator needs: find where each reply ends, and tell a value from
//! nil from an error. It copies nothing but the text of errors and keeps no bytes of bulk
//! strings, so one read buffer serves all connections of a thread. Unlike a client library it
//! gives no values.
//!
//! Nested arrays need no stack: a reply ends when no element is owed any more, and an array of
//! `n` replaces the one element that it is by `n` owed ones.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReplyKind {
    Value,
    /// A null bulk string, a null array or an empty array: nothing was there.
    Nil,
    /// An error, or an array with an error in it.
    Error,
}

/// The bytes are no RESP2 reply; the connection is of no use any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotResp;

#[derive(Debug)]
pub(crate) struct ReplySplitter {
    state: State,
    /// Elements of the current reply that are not complete yet.
    owed: u64,
    in_array: bool,
    kind: ReplyKind,
    error_text: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Type,
    /// A status or an integer, whose text does not matter.
    Text,
    ErrorText,
    Length {
        bulk: bool,
        negative: bool,
        digits: u32,
        value: u64,
    },
    LengthEnd {
        bulk: bool,
        negative: bool,
        value: u64,
    },
    /// Bytes of a bulk string still to come, its CRLF included.
    Body(u64),
}

/// Redis writes no error text longer than this that anybody would miss in a report.
const ERROR_TEXT_BYTES_MAX: usize = 256;

/// 512 MB, the longest bulk string of Redis by default, has 9 digits. 15 digits let other limits
/// pass and keep all sums far from overflow.
const LENGTH_DIGITS_MAX: u32 = 15;

impl ReplySplitter {
    pub(crate) fn new() -> Self {
        ReplySplitter {
            state: State::Type,
            owed: 1,
            in_array: false,
            kind: ReplyKind::Value,
            error_text: Vec::new(),
        }
    }

    /// Takes bytes from the front of `input` up to the end of the next reply, if it ends there;
    /// else takes all of them and gives `None`.
    pub(crate) fn next_reply(&mut self, input: &mut &[u8]) -> Result<Option<ReplyKind>, NotResp> {
        while self.owed > 0 {
            if !self.step(input)? {
                return Ok(None);
            }
        }
        let kind = self.kind;
        self.owed = 1;
        self.in_array = false;
        self.kind = ReplyKind::Value;
        Ok(Some(kind))
    }

    /// The text of the last error, without its `-` and line end.
    pub(crate) fn error_text(&self) -> &[u8] {
        &self.error_text
    }

    /// Does one piece of work. False: the input is used up.
    fn step(&mut self, input: &mut &[u8]) -> Result<bool, NotResp> {
        let Some(&first) = input.first() else { return Ok(false) };
        match self.state {
            State::Type => {
                *input = &input[1..];
                self.state = self.state_of_type(first)?;
            }
            State::Text => {
                if take_line(input).1 {
                    self.element_done();
                }
            }
            State::ErrorText => {
                let (text, ended) = take_line(input);
                let room = ERROR_TEXT_BYTES_MAX - self.error_text.len();
                self.error_text.extend_from_slice(&text[..text.len().min(room)]);
                if ended {
                    while matches!(self.error_text.last(), Some(b'\r' | b'\n')) {
                        self.error_text.pop();
                    }
                    self.element_done();
                }
            }
            State::Length { bulk, negative, digits, value } => {
                *input = &input[1..];
                self.state = next_length_state(first, bulk, negative, digits, value)?;
            }
            State::LengthEnd { bulk, negative, value } => {
                if first != b'\n' {
                    return Err(NotResp);
                }
                *input = &input[1..];
                self.length_done(bulk, negative, value)?;
            }
            State::Body(left) => {
                let taken = left.min(input.len() as u64);
                *input = &input[taken as usize..];
                self.state = State::Body(left - taken);
                if left == taken {
                    self.element_done();
                }
            }
        }
        Ok(true)
    }

    fn state_of_type(&mut self, byte: u8) -> Result<State, NotResp> {
        match byte {
            b'+' | b':' => Ok(State::Text),
            b'-' => {
                self.kind = ReplyKind::Error;
                self.error_text.clear();
                Ok(State::ErrorText)
            }
            b'$' | b'*' => {
                Ok(State::Length { bulk: byte == b'$', negative: false, digits: 0, value: 0 })
            }
            _ => Err(NotResp),
        }
    }

    fn length_done(&mut self, bulk: bool, negative: bool, value: u64) -> Result<(), NotResp> {
        if negative || (!bulk && value == 0) {
            // Inside an array, as MGET's, a nil is one element's matter.
            if !self.in_array {
                self.kind = ReplyKind::Nil;
            }
            self.element_done();
        } else if bulk {
            self.state = State::Body(value + 2);
        } else {
            self.in_array = true;
            self.owed = self.owed.checked_add(value - 1).ok_or(NotResp)?;
            self.state = State::Type;
        }
        Ok(())
    }

    fn element_done(&mut self) {
        self.owed -= 1;
        self.state = State::Type;
    }
}

/// Splits off what belongs to the line: up to and with its `\n` (then the flag is true), or all.
fn take_line<'a>(input: &mut &'a [u8]) -> (&'a [u8], bool) {
    let end = input.iter().position(|&byte| byte == b'\n');
    let (line, rest) = input.split_at(end.map_or(input.len(), |at| at + 1));
    *input = rest;
    (line, end.is_some())
}

fn next_length_state(
    byte: u8,
    bulk: bool,
    negative: bool,
    digits: u32,
    value: u64,
) -> Result<State, NotResp> {
    match byte {
        b'0'..=b'9' if digits < LENGTH_DIGITS_MAX => Ok(State::Length {
            bulk,
            negative,
            digits: digits + 1,
            value: value * 10 + u64::from(byte - b'0'),
        }),
        b'-' if digits == 0 && !negative => {
            Ok(State::Length { bulk, negative: true, digits, value })
        }
        b'\r' if digits > 0 => Ok(State::LengthEnd { bulk, negative, value }),
        _ => Err(NotResp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ReplyKind::{Error, Nil, Value};

    const STREAM: &[u8] = b"+OK\r\n\
        $3\r\nabc\r\n\
        $0\r\n\r\n\
        $-1\r\n\
        :-12\r\n\
        -ERR no such thing\r\n\
        *0\r\n\
        *-1\r\n\
        *3\r\n$1\r\na\r\n$-1\r\n:3\r\n\
        *2\r\n*2\r\n+a\r\n*1\r\n$4\r\n\r\n\r\n\r\n*0\r\n\
        *2\r\n+OK\r\n-WRONGTYPE in an array\r\n\
        *2\r\n+a\r\n$-1\r\n\
        +PONG\r\n";
    const KINDS: [ReplyKind; 13] =
        [Value, Value, Value, Nil, Value, Error, Nil, Nil, Value, Value, Error, Value, Value];

    fn split(pieces: &[&[u8]]) -> Vec<ReplyKind> {
        let mut splitter = ReplySplitter::new();
        let mut kinds = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            while let Some(kind) = splitter.next_reply(&mut input).expect("valid stream") {
                kinds.push(kind);
            }
            assert!(input.is_empty());
        }
        kinds
    }

    #[test]
    fn whole_stream() {
        assert_eq!(split(&[STREAM]), KINDS);
    }

    #[test]
    fn cut_at_every_byte() {
        for cut in 0..=STREAM.len() {
            let (head, tail) = STREAM.split_at(cut);
            assert_eq!(split(&[head, tail]), KINDS, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = STREAM.chunks(1).collect();
        assert_eq!(split(&bytes), KINDS);
    }

    #[test]
    fn error_text_survives_a_cut_and_is_bounded() {
        let text = b"-MOVED 12 host:1\r\n";
        for cut in 1..text.len() {
            let mut splitter = ReplySplitter::new();
            let (mut head, mut tail) = text.split_at(cut);
            let first = splitter.next_reply(&mut head).expect("valid");
            assert_eq!(first, None);
            assert_eq!(splitter.next_reply(&mut tail), Ok(Some(Error)));
            assert_eq!(splitter.error_text(), b"MOVED 12 host:1", "cut at {cut}");
        }
        let mut long = vec![b'-'];
        long.resize(5000, b'x');
        long.extend_from_slice(b"\r\n");
        let mut splitter = ReplySplitter::new();
        assert_eq!(splitter.next_reply(&mut long.as_slice()), Ok(Some(Error)));
        assert_eq!(splitter.error_text().len(), ERROR_TEXT_BYTES_MAX);
    }

    #[test]
    fn what_is_no_resp_is_refused() {
        let streams: [&[u8]; 6] =
            [b"HTTP/1.1", b"$x\r\n", b"$\r\n", b"$1\rx", b"*--1\r\n", b"$9999999999999999\r\n"];
        for stream in streams {
            let mut input = stream;
            let result = ReplySplitter::new().next_reply(&mut input);
            assert_eq!(result, Err(NotResp), "{:?}", String::from_utf8_lossy(stream));
        }
    }
}
