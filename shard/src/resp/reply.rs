//! Replies: encodes them in the connection's protocol version, one after the other.
//!
//! The buffer knows what each kind of reply looks like in RESP2 and RESP3, so that handlers state
//! what they mean (a map, a null, a double) once. It keeps what is written well-formed value by
//! value: text that could end a line early is defused. That the number of elements announced is
//! the number written remains the caller's part.

use std::ops::ControlFlow;

use crate::number::{Extended, format_f64, format_i64, format_u64};

/// The protocol version that a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    #[default]
    Resp2,
    Resp3,
}

/// The place of an aggregate's header that is written when its length is known.
///
/// Headers are finished from the innermost outwards, and nothing before the place is taken away
/// in between.
#[derive(Debug)]
#[must_use = "an aggregate without its header is not a reply"]
pub struct DeferredLength {
    start: usize,
}

/// Encoder of replies into one growing byte buffer.
#[derive(Clone, Debug)]
pub struct ReplyBuffer {
    bytes: Vec<u8>,
    protocol: Protocol,
    bytes_max: usize,
    is_over: bool,
}

impl Default for ReplyBuffer {
    fn default() -> Self {
        Self::new(Protocol::default())
    }
}

impl ReplyBuffer {
    pub fn new(protocol: Protocol) -> Self {
        Self { bytes: Vec::new(), protocol, bytes_max: usize::MAX, is_over: false }
    }

    /// From now on values that would make it longer are left out; see [`ReplyBuffer::is_over`].
    pub fn limit(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
    }

    /// What [`ReplyBuffer::limit`] was told.
    pub fn limit_bytes(&self) -> usize {
        self.bytes_max
    }

    /// Whether something was left out. Such a reply is to be taken back.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The same for whoever goes through what there is: nothing more of it is of any use.
    pub fn goes_on(&self) -> ControlFlow<()> {
        if self.is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Replies from here on are encoded for `protocol`; what is written stays as it is.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes back everything after the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
        self.is_over = false;
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Empties the buffer and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Hands the bytes over and leaves the buffer empty, without memory.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Takes over bytes that are replies already: without a copy when there are none yet.
    pub fn adopt(&mut self, replies: Vec<u8>) {
        if self.bytes.is_empty() {
            self.bytes = replies;
        } else {
            self.bytes.extend_from_slice(&replies);
        }
    }

    /// Appends bytes that are replies already.
    pub fn append_raw(&mut self, replies: &[u8]) {
        self.bytes.extend_from_slice(replies);
    }

    pub fn ok(&mut self) {
        self.bytes.extend_from_slice(b"+OK\r\n");
    }

    /// A status text. It is the server's own; a CR or LF in it is replaced by a space all the same.
    pub fn simple(&mut self, text: &str) {
        self.bytes.push(b'+');
        self.line(text.as_bytes());
    }

    /// An error, beginning with its code as in `ERR syntax error`, without the `-`.
    ///
    /// The text may quote what the client sent: as in Redis, CR and LF are cut off at the ends and
    /// replaced by spaces in between, so nothing can smuggle a reply of its own into the stream.
    pub fn error(&mut self, text: &[u8]) {
        let mut text = text;
        while let [rest @ .., b'\r' | b'\n'] | [b'\r' | b'\n', rest @ ..] = text {
            text = rest;
        }
        self.bytes.push(b'-');
        self.line(text);
    }

    pub fn integer(&mut self, value: i64) {
        self.number_line(b':', value);
    }

    pub fn bulk(&mut self, value: &[u8]) {
        if !self.fits(value) {
            return;
        }
        self.length_line(b'$', value.len());
        self.bytes.extend_from_slice(value);
        self.end_line();
    }

    /// A number as a bulk string, which is what a stored number reads as.
    pub fn bulk_integer(&mut self, value: i64) {
        self.bulk(format_i64(value).as_bytes());
    }

    pub fn null(&mut self) {
        self.bytes.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// The null where an array could have been.
    pub fn null_array(&mut self) {
        self.bytes.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// Opens an array; its `len` elements follow.
    pub fn array(&mut self, len: usize) {
        self.length_line(b'*', len);
    }

    /// Opens a map; its `pairs` keys and values follow in turn.
    pub fn map(&mut self, pairs: usize) {
        let header = self.map_header(pairs);
        self.length_line(header.0, header.1);
    }

    /// Opens a set; its `len` elements follow.
    pub fn set(&mut self, len: usize) {
        self.length_line(self.marker(b'~'), len);
    }

    /// Opens an out-of-band message; its `len` elements follow.
    pub fn push(&mut self, len: usize) {
        self.length_line(self.marker(b'>'), len);
    }

    /// A double, in a text that reads back as the same number.
    pub fn double(&mut self, value: f64) {
        self.double_text(format_f64(value).as_bytes());
    }

    /// A double with up to 17 decimals and no exponent, as the coordinates of `GEOPOS`.
    pub fn human_double(&mut self, value: f64) {
        self.double_text(Extended::from_f64(value).to_human().as_bytes());
    }

    /// An integer of any size, given as its decimal text.
    pub fn big_number(&mut self, digits: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(digits.as_bytes()),
            Protocol::Resp3 => {
                self.bytes.push(b'(');
                self.line(digits.as_bytes());
            }
        }
    }

    pub fn boolean(&mut self, value: bool) {
        self.bytes.extend_from_slice(match (self.protocol, value) {
            (Protocol::Resp2, false) => b":0\r\n",
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
            (Protocol::Resp3, true) => b"#t\r\n",
        });
    }

    /// Text for people. `format` is its kind in three letters, `txt` or `mkd`; a shorter one is
    /// filled up with spaces, a longer one cut.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        if self.protocol == Protocol::Resp2 {
            return self.bulk(text);
        }
        if !self.fits(text) {
            return;
        }
        let mut kind = *b"   :";
        for (slot, byte) in kind.iter_mut().take(3).zip(format.bytes()) {
            *slot = byte;
        }
        self.length_line(b'=', text.len().saturating_add(kind.len()));
        self.bytes.extend_from_slice(&kind);
        self.bytes.extend_from_slice(text);
        self.end_line();
    }

    /// Opens an array whose length is known only after its elements.
    pub fn deferred_array(&mut self) -> DeferredLength {
        DeferredLength { start: self.bytes.len() }
    }

    /// Opens a page of a SCAN; its elements follow, and then what stands before them.
    pub fn deferred_page(&mut self) -> DeferredLength {
        DeferredLength { start: self.bytes.len() }
    }

    /// Opens a map whose length is known only after its elements.
    pub fn deferred_map(&mut self) -> DeferredLength {
        DeferredLength { start: self.bytes.len() }
    }

    /// Opens a set whose length is known only after its elements.
    pub fn deferred_set(&mut self) -> DeferredLength {
        DeferredLength { start: self.bytes.len() }
    }

    pub fn finish_array(&mut self, deferred: DeferredLength, len: usize) {
        self.finish(deferred, b'*', len);
    }

    pub fn finish_map(&mut self, deferred: DeferredLength, pairs: usize) {
        let (marker, len) = self.map_header(pairs);
        self.finish(deferred, marker, len);
    }

    pub fn finish_set(&mut self, deferred: DeferredLength, len: usize) {
        self.finish(deferred, self.marker(b'~'), len);
    }

    /// A page of `len` elements, and the cursor of the next one.
    pub fn finish_page(&mut self, deferred: DeferredLength, cursor: u64, len: usize) {
        let end = self.bytes.len();
        let text = format_u64(cursor);
        self.array(2);
        self.length_line(b'$', text.as_bytes().len());
        self.bytes.extend_from_slice(text.as_bytes());
        self.end_line();
        self.array(len);
        self.put_in_front(deferred, end);
    }

    fn finish(&mut self, deferred: DeferredLength, marker: u8, len: usize) {
        let end = self.bytes.len();
        self.length_line(marker, len);
        self.put_in_front(deferred, end);
    }

    /// Puts the header, which was written at `end`, where it belongs. The elements move up by its
    /// few bytes.
    fn put_in_front(&mut self, deferred: DeferredLength, end: usize) {
        let header_bytes = self.bytes.len().saturating_sub(end);
        if let Some(written) = self.bytes.get_mut(deferred.start..) {
            written.rotate_right(header_bytes);
        }
    }

    /// Whether there is room for a value; else it is left out.
    #[inline]
    fn fits(&mut self, value: &[u8]) -> bool {
        let fits = value.len() <= self.bytes_max.saturating_sub(self.bytes.len());
        self.is_over |= !fits;
        fits
    }

    /// RESP2 has no aggregates but the array.
    #[inline]
    fn marker(&self, resp3: u8) -> u8 {
        match self.protocol {
            Protocol::Resp2 => b'*',
            Protocol::Resp3 => resp3,
        }
    }

    #[inline]
    fn map_header(&self, pairs: usize) -> (u8, usize) {
        match self.protocol {
            Protocol::Resp2 => (b'*', pairs.saturating_mul(2)),
            Protocol::Resp3 => (b'%', pairs),
        }
    }

    fn double_text(&mut self, text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                self.bytes.push(b',');
                self.line(text);
            }
        }
    }

    /// The rest of a line, kept to one line.
    fn line(&mut self, text: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        for byte in self.bytes.iter_mut().skip(start) {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        self.end_line();
    }

    #[inline]
    fn length_line(&mut self, marker: u8, len: usize) {
        // No slice is longer than an `i64` can say.
        self.number_line(marker, i64::try_from(len).unwrap_or(i64::MAX));
    }

    #[inline]
    fn number_line(&mut self, marker: u8, value: i64) {
        self.bytes.push(marker);
        match u8::try_from(value) {
            Ok(digit @ 0..=9) => self.bytes.push(b'0' | digit),
            _ => self.bytes.extend_from_slice(format_i64(value).as_bytes()),
        }
        self.end_line();
    }

    #[inline]
    fn end_line(&mut self) {
        self.bytes.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests;
