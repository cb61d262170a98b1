//! Requests: finds the next one at the front of what a connection has sent.
//!
//! The parser copies nothing of a multibulk request: it says where the arguments stand. It
//! remembers how far it came, so a frame that arrives in pieces is read once, however small the
//! pieces. The result for a given sequence of bytes never depends on how it was cut.
//!
//! Leniencies are Redis's own, since clients may lean on them: a line ends at the first CR and
//! whatever byte follows it, the two bytes after a bulk are not looked at, and a NUL before the
//! end of a line hides that end (the line then grows until it is refused as too long).

use super::inline;
use super::span::Span;
use crate::number::parse_i64;

/// An unauthenticated client may send this many arguments (Redis's number).
const UNAUTHENTICATED_ARGUMENTS_MAX: i64 = 10;
/// An unauthenticated client may send arguments of this many bytes (Redis's number).
const UNAUTHENTICATED_BULK_BYTES_MAX: i64 = 16384;
/// The shortest argument on the wire: `$0`, CRLF, CRLF.
const ARGUMENT_BYTES_MIN: usize = 6;
/// The two bytes that end a line or a bulk.
const LINE_END_BYTES: usize = 2;
/// A number of up to this many digits fits an `i64` without a check at every digit.
const UNCHECKED_DIGITS_MAX: usize = 18;

/// What a connection may send at the moment.
#[derive(Clone, Copy, Debug)]
pub struct RequestLimits {
    /// The longest argument: `proto-max-bulk-len`. A whole frame is held below 4 GB in any case.
    pub bulk_bytes_max: usize,
    /// The most arguments of one request.
    pub arguments_max: usize,
    /// The longest inline request, and the longest line that carries a length.
    pub inline_bytes_max: usize,
    /// A client that must authenticate first is held to 10 arguments of 16384 bytes.
    pub authenticated: bool,
}

impl Default for RequestLimits {
    /// Redis's numbers.
    fn default() -> Self {
        Self {
            bulk_bytes_max: 512 << 20,
            arguments_max: 0x7fff_ffff,
            inline_bytes_max: 64 << 10,
            authenticated: true,
        }
    }
}

/// What stands at the front of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A whole multibulk request in the first `consumed` bytes; the spans point into it. There
    /// are none after `*0` or `*-1`: the caller goes on with the next request.
    Multibulk { consumed: usize },
    /// An inline request; the spans point into the `inline` buffer, which holds its unescaped
    /// words. There are none after a blank line: the caller goes on with the next request.
    Inline { consumed: usize },
    /// More bytes are needed. The whole frame has at least `frame_bytes_min` bytes, which is more
    /// than there are now. The number is what the client *says*: good for sizing a read, not for
    /// setting memory aside before the bytes come.
    Incomplete { frame_bytes_min: usize },
}

/// Why a connection cannot go on: reply with [`ProtocolError::message`] and close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    InvalidMultibulkLength,
    UnauthenticatedMultibulkLength,
    MultibulkCountTooBig,
    /// Instead of `$`, this byte.
    ExpectedDollar(u8),
    InvalidBulkLength,
    UnauthenticatedBulkLength,
    BulkCountTooBig,
    InlineTooBig,
    UnbalancedQuotes,
}

impl ProtocolError {
    /// The text of the error reply, without the leading `-`. Bytes, as it may quote a byte of
    /// the request; a CR or LF among them is for the reply encoder to replace.
    pub fn message(&self) -> Vec<u8> {
        let what: &[u8] = match self {
            Self::InvalidMultibulkLength => b"invalid multibulk length",
            Self::UnauthenticatedMultibulkLength => b"unauthenticated multibulk length",
            Self::MultibulkCountTooBig => b"too big mbulk count string",
            Self::ExpectedDollar(got) => {
                &[b"expected '$', got '".as_slice(), &[*got, b'\'']].concat()
            }
            Self::InvalidBulkLength => b"invalid bulk length",
            Self::UnauthenticatedBulkLength => b"unauthenticated bulk length",
            Self::BulkCountTooBig => b"too big bulk count string",
            Self::InlineTooBig => b"too big inline request",
            Self::UnbalancedQuotes => b"unbalanced quotes in request",
        };
        [b"ERR Protocol error: ", what].concat()
    }
}

impl std::fmt::Display for ProtocolError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.message()))
    }
}

impl std::error::Error for ProtocolError {}

/// Where in the frame the parser stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing of the frame has been accepted: the line with the argument count, or an inline
    /// request.
    #[default]
    Start,
    /// At the line with the length of an argument.
    BulkLength,
    /// At the bytes of an argument of this length.
    Bulk(usize),
}

/// Incremental request parser: remembers how far it came, so a large frame that arrives in pieces
/// is not rescanned.
#[derive(Debug, Default)]
pub struct RequestParser {
    stage: Stage,
    /// Everything before this offset of the frame has been accepted.
    position: usize,
    /// Bytes after `position` known to hold no end of line.
    scanned: usize,
    /// Arguments still to come, the one at `position` included.
    arguments_left: usize,
}

impl RequestParser {
    /// Looks for one whole request at the front of `input`.
    ///
    /// `input` always begins at the start of the current frame. After [`Parsed::Incomplete`] the
    /// same bytes and more are given again, with the same `spans`, which hold the arguments found
    /// so far. After a whole request the caller drops `consumed` bytes, and the parser is ready
    /// for the next frame. After an error the connection is closed and the parser is of no use.
    #[inline]
    pub fn next(
        &mut self,
        input: &[u8],
        limits: &RequestLimits,
        spans: &mut Vec<Span>,
        inline: &mut Vec<u8>,
    ) -> Result<Parsed, ProtocolError> {
        if self.stage == Stage::Start {
            spans.clear();
            match input.first() {
                None => return Ok(Parsed::Incomplete { frame_bytes_min: 1 }),
                Some(b'*') => {}
                Some(_) => return self.inline_request(input, limits, spans, inline),
            }
            let Some(count) = self.argument_count(input, limits)? else {
                return Ok(self.incomplete(input));
            };
            if count == 0 {
                return Ok(self.complete());
            }
            self.arguments_left = count;
            self.stage = Stage::BulkLength;
        }
        self.arguments(input, limits, spans)
    }

    /// Arguments of the request that has not come whole, as its client says.
    pub fn announced_arguments(&self, spans: &[Span]) -> usize {
        if self.arguments_left == 0 { 0 } else { spans.len().saturating_add(self.arguments_left) }
    }

    fn arguments(
        &mut self,
        input: &[u8],
        limits: &RequestLimits,
        spans: &mut Vec<Span>,
    ) -> Result<Parsed, ProtocolError> {
        loop {
            let len = match self.stage {
                Stage::Bulk(len) => len,
                Stage::Start | Stage::BulkLength => match self.bulk_length(input, limits)? {
                    Some(len) => len,
                    None => return Ok(self.incomplete(input)),
                },
            };
            // `bulk_length` has made sure that the end of the bulk can be written as a `u32`.
            let end = self.position.saturating_add(len).saturating_add(LINE_END_BYTES);
            if input.len() < end {
                self.stage = Stage::Bulk(len);
                return Ok(self.incomplete(input));
            }
            let (Ok(start), Ok(len)) = (u32::try_from(self.position), u32::try_from(len)) else {
                return Err(ProtocolError::InvalidBulkLength);
            };
            spans.push(Span { start, len });
            self.position = end;
            self.stage = Stage::BulkLength;
            self.arguments_left = self.arguments_left.saturating_sub(1);
            if self.arguments_left == 0 {
                return Ok(self.complete());
            }
        }
    }

    /// Accepts the line `*count`. A negative count is no arguments, as in Redis.
    #[inline]
    fn argument_count(
        &mut self,
        input: &[u8],
        limits: &RequestLimits,
    ) -> Result<Option<usize>, ProtocolError> {
        let count = match self.length_line(input, limits) {
            Line::Partial => return Ok(None),
            Line::TooLong => return Err(ProtocolError::MultibulkCountTooBig),
            Line::Length(None) => return Err(ProtocolError::InvalidMultibulkLength),
            Line::Length(Some(count)) => count,
        };
        let arguments = usize::try_from(count).unwrap_or(0);
        if arguments > limits.arguments_max {
            return Err(ProtocolError::InvalidMultibulkLength);
        }
        if !limits.authenticated && count > UNAUTHENTICATED_ARGUMENTS_MAX {
            return Err(ProtocolError::UnauthenticatedMultibulkLength);
        }
        Ok(Some(arguments))
    }

    /// Accepts the line `$length`.
    #[inline]
    fn bulk_length(
        &mut self,
        input: &[u8],
        limits: &RequestLimits,
    ) -> Result<Option<usize>, ProtocolError> {
        let marker = input.get(self.position).copied();
        let line = self.length_line(input, limits);
        // Redis looks at the marker when it has the whole line, and so a line without end is
        // "too big" before it is the wrong kind of line.
        let length = match (line, marker) {
            (Line::Partial, _) => return Ok(None),
            (Line::TooLong, _) => return Err(ProtocolError::BulkCountTooBig),
            (Line::Length(_), Some(got)) if got != b'$' => {
                return Err(ProtocolError::ExpectedDollar(got));
            }
            (Line::Length(length), _) => length,
        };
        let Some((length, bytes)) =
            length.and_then(|length| Some((length, usize::try_from(length).ok()?)))
        else {
            return Err(ProtocolError::InvalidBulkLength);
        };
        let end = self.position.saturating_add(bytes).saturating_add(LINE_END_BYTES);
        if bytes > limits.bulk_bytes_max || u32::try_from(end).is_err() {
            return Err(ProtocolError::InvalidBulkLength);
        }
        if !limits.authenticated && length > UNAUTHENTICATED_BULK_BYTES_MAX {
            return Err(ProtocolError::UnauthenticatedBulkLength);
        }
        Ok(Some(bytes))
    }

    /// Reads the line at `position`, a marker byte and a number, and steps over it if it is whole.
    #[inline]
    fn length_line(&mut self, input: &[u8], limits: &RequestLimits) -> Line {
        let line = input.get(self.position..).unwrap_or_default();
        let mut value = 0i64;
        let mut digits = 0usize;
        // The common case, in one pass: a few digits, CR, and one more byte.
        for &byte in line.iter().skip(1).take(UNCHECKED_DIGITS_MAX) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
            digits = digits.wrapping_add(1);
        }
        let end = digits.wrapping_add(1);
        // Any other marker is for the general case: a NUL, say, hides the end of the line.
        let is_marked = matches!(line.first(), Some(b'*' | b'$'));
        let is_strict = digits == 1 || (digits > 1 && line.get(1) != Some(&b'0'));
        if is_marked
            && is_strict
            && end <= limits.inline_bytes_max
            && line.get(end) == Some(&b'\r')
            && line.len() > end.wrapping_add(1)
        {
            self.step_over_line(end);
            return Line::Length(Some(value));
        }
        self.unusual_length_line(line, limits)
    }

    /// A line that is not whole, or whose number is not a plain one.
    #[cold]
    fn unusual_length_line(&mut self, line: &[u8], limits: &RequestLimits) -> Line {
        match self.find_line_end(line, b'\r', limits) {
            LineEnd::At(end) if line.len() > end.saturating_add(1) => {
                self.step_over_line(end);
                Line::Length(line.get(1..end).and_then(parse_i64))
            }
            LineEnd::At(_) | LineEnd::NotYet => Line::Partial,
            LineEnd::TooFar => Line::TooLong,
        }
    }

    #[inline]
    fn step_over_line(&mut self, end: usize) {
        self.position = self.position.saturating_add(end).saturating_add(LINE_END_BYTES);
        self.scanned = 0;
    }

    #[cold]
    fn inline_request(
        &mut self,
        input: &[u8],
        limits: &RequestLimits,
        spans: &mut Vec<Span>,
        words: &mut Vec<u8>,
    ) -> Result<Parsed, ProtocolError> {
        let end = match self.find_line_end(input, b'\n', limits) {
            LineEnd::At(end) => end,
            LineEnd::NotYet => return Ok(self.incomplete(input)),
            LineEnd::TooFar => return Err(ProtocolError::InlineTooBig),
        };
        let line = input.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        words.clear();
        inline::split_words(line, spans, words)
            .map_err(|inline::UnbalancedQuotes| ProtocolError::UnbalancedQuotes)?;
        *self = Self::default();
        Ok(Parsed::Inline { consumed: end.saturating_add(1) })
    }

    /// Finds `terminator` in `line`, going on where the last call stopped.
    fn find_line_end(&mut self, line: &[u8], terminator: u8, limits: &RequestLimits) -> LineEnd {
        let fresh = line.get(self.scanned..).unwrap_or_default();
        let stop = fresh.iter().position(|&byte| byte == terminator || byte == 0);
        match stop {
            Some(offset) if fresh.get(offset) == Some(&terminator) => {
                let end = self.scanned.saturating_add(offset);
                if end <= limits.inline_bytes_max { LineEnd::At(end) } else { LineEnd::TooFar }
            }
            _ if line.len() > limits.inline_bytes_max => LineEnd::TooFar,
            // A NUL hides what follows: the next scan starts at it, and stops at it.
            _ => {
                self.scanned = self.scanned.saturating_add(stop.unwrap_or(fresh.len()));
                LineEnd::NotYet
            }
        }
    }

    fn complete(&mut self) -> Parsed {
        let consumed = self.position;
        *self = Self::default();
        Parsed::Multibulk { consumed }
    }

    #[cold]
    fn incomplete(&self, input: &[u8]) -> Parsed {
        let arguments_after = match self.stage {
            Stage::Bulk(_) => self.arguments_left.saturating_sub(1),
            Stage::Start | Stage::BulkLength => self.arguments_left,
        };
        let bulk = match self.stage {
            Stage::Bulk(len) => len.saturating_add(LINE_END_BYTES),
            Stage::Start | Stage::BulkLength => 0,
        };
        let frame_bytes_min = self
            .position
            .saturating_add(bulk)
            .saturating_add(arguments_after.saturating_mul(ARGUMENT_BYTES_MIN))
            .max(input.len().saturating_add(1));
        Parsed::Incomplete { frame_bytes_min }
    }
}

/// A line with a marker and a number.
enum Line {
    Partial,
    TooLong,
    /// A whole line; `None` if it holds no number.
    Length(Option<i64>),
}

enum LineEnd {
    At(usize),
    NotYet,
    TooFar,
}

#[cfg(test)]
mod tests;
