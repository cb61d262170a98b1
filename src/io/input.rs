//! What a connection has received and not yet worked off.
//!
//! An idle connection holds no buffer: one is taken from the thread's pool when bytes come and
//! given back when all of them are worked off. A frame longer than a pooled buffer gets a buffer
//! that grows with the bytes that really arrive, never with the length that was announced: memory
//! beyond them and the next read is reserved at most, and touched only when they come.
//!
//! What is received while replies wait for their reader gathers in a [`Backlog`], in buffers of the
//! pool, and is worked off from there.
//!
//! Nothing here is long on the loop: a big buffer grows elsewhere, and the frame of a big command
//! leaves with its buffer instead of being copied.

use std::cell::RefCell;
use std::collections::VecDeque;

use bytes::Bytes;

/// Size of a pooled buffer.
const POOLED_BYTES: usize = 16 << 10;

/// Bytes that are read at once.
const READ_BYTES_MAX: usize = 512 << 10;

/// A buffer of this size grows off the loop.
const GROWS_ELSEWHERE_BYTES: usize = 512 << 10;

/// A frame from this size on leaves with its buffer.
pub(crate) const BIG_FRAME_BYTES: usize = 128 << 10;

/// Buffers that a thread keeps for the next reads.
const POOLED_MAX: usize = 64;

/// The buffers of one thread that nobody uses at the moment.
#[derive(Default)]
pub(crate) struct BufferPool(RefCell<Vec<Vec<u8>>>);

impl BufferPool {
    /// A buffer.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.0.borrow_mut().pop().unwrap_or_else(|| vec![0; POOLED_BYTES])
    }

    /// Takes one back.
    pub(crate) fn give(&self, buffer: Vec<u8>) {
        let mut buffers = self.0.borrow_mut();
        if buffer.len() == POOLED_BYTES && buffers.len() < POOLED_MAX {
            buffers.push(buffer);
        }
    }
}

/// See the module. `buffer[start..end]` is what was received.
#[derive(Default)]
pub(crate) struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes that the frame at the front has at least, as its client says. A buffer does not grow
    /// beyond that.
    announced: usize,
}

impl Input {
    /// Received bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// What they take of the memory, without what every busy connection has.
    pub(crate) fn held_bytes(&self) -> usize {
        if self.buffer.len() > POOLED_BYTES { self.buffer.len() } else { self.end - self.start }
    }

    /// Whether the buffer must become longer before more can be received.
    fn is_full(&self) -> bool {
        self.end == self.buffer.len() && self.start == 0 && self.end > 0
    }

    /// Bytes by which the buffer must become longer before more can be received; 0: there is room.
    pub(crate) fn growth(&self) -> usize {
        if !self.is_full() {
            return 0;
        }
        let capacity = match self.buffer.capacity() {
            capacity if capacity > self.end => capacity,
            _ => grown_bytes(self.end, self.announced),
        };
        (capacity - self.end).min(READ_BYTES_MAX)
    }

    /// Bytes that the frame at the front has at least.
    pub(crate) fn announced(&self) -> usize {
        self.announced
    }

    /// The frame at the front has at least so many bytes.
    pub(crate) fn announce(&mut self, frame_bytes_min: usize) {
        self.announced = frame_bytes_min;
    }

    /// The first `count` bytes are worked off.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Room for more bytes, which [`Input::received`] then confirms.
    pub(crate) fn room(&mut self, pool: &BufferPool) -> &mut [u8] {
        if self.buffer.is_empty() {
            self.buffer = pool.take();
        }
        if self.end == self.buffer.len() {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            } else {
                let length = self.end + self.growth();
                self.buffer = reserve(std::mem::take(&mut self.buffer), self.announced);
                self.buffer.resize(length, 0);
            }
        }
        let end = self.buffer.len().min(self.end + READ_BYTES_MAX);
        &mut self.buffer[self.end..end]
    }

    /// Takes a buffer out that has to grow and is too big for that to be done here, with what was
    /// announced; [`reserve`] memory for it elsewhere, and give it back to [`Input::grown`].
    pub(crate) fn take_to_grow(&mut self) -> Option<(Vec<u8>, usize)> {
        let must_move = self.is_full() && self.buffer.capacity() == self.end;
        (must_move && self.end >= GROWS_ELSEWHERE_BYTES)
            .then(|| (std::mem::take(&mut self.buffer), self.announced))
    }

    /// Takes over the first of what has gathered in a backlog, as far as there is room for it.
    pub(crate) fn take_over(&mut self, backlog: &mut Backlog, pool: &BufferPool) {
        if self.start == self.end {
            self.release(pool);
            if let Some(Piece { buffer, start, end }) = backlog.pieces.pop_front() {
                (self.buffer, self.start, self.end) = (buffer, start, end);
                backlog.bytes -= end - start;
            }
            return;
        }
        let room = self.room(pool);
        let Some(front) = backlog.pieces.front_mut() else { return };
        let count = room.len().min(front.end - front.start);
        room[..count].copy_from_slice(&front.buffer[front.start..front.start + count]);
        front.start += count;
        backlog.bytes -= count;
        if front.start == front.end
            && let Some(piece) = backlog.pieces.pop_front()
        {
            pool.give(piece.buffer);
        }
        self.received(count);
    }

    /// The buffer has grown.
    pub(crate) fn grown(&mut self, buffer: Vec<u8>) {
        self.buffer = buffer;
    }

    /// The first `count` bytes, in the buffer that they were received in. What is behind them is
    /// in another from now on.
    pub(crate) fn take_front(&mut self, count: usize) -> Bytes {
        let (start, end) = (self.start, self.end);
        let front = start..(start + count).min(end);
        let whole = std::mem::take(&mut self.buffer);
        let rest = &whole[front.end..end];
        if !rest.is_empty() {
            self.buffer = rest.to_vec();
            self.buffer.resize(rest.len().next_multiple_of(POOLED_BYTES), 0);
        }
        (self.start, self.end) = (0, rest.len());
        Bytes::from(whole).slice(front)
    }

    /// `count` bytes were read into the room.
    pub(crate) fn received(&mut self, count: usize) {
        self.end += count;
    }

    /// Gives the buffer back if nothing is left in it.
    pub(crate) fn release(&mut self, pool: &BufferPool) {
        if self.start == self.end && !self.buffer.is_empty() {
            pool.give(std::mem::take(&mut self.buffer));
            self.start = 0;
            self.end = 0;
        }
    }
}

/// Length of a buffer of `bytes` when it has grown: twice that, but not much beyond a frame of
/// `announced` bytes.
fn grown_bytes(bytes: usize, announced: usize) -> usize {
    let doubled = bytes * 2;
    if announced <= bytes {
        return doubled;
    }
    // A request of many arguments announces only the next one.
    let enough = announced.max(bytes + bytes / 4);
    enough.checked_next_multiple_of(POOLED_BYTES).map_or(doubled, |enough| doubled.min(enough))
}

/// Reserves memory behind a full buffer, unless there is some. For a big one not on the loop.
pub(crate) fn reserve(mut buffer: Vec<u8>, announced: usize) -> Vec<u8> {
    if buffer.capacity() == buffer.len() {
        buffer.reserve_exact(grown_bytes(buffer.len(), announced) - buffer.len());
    }
    buffer
}

/// What was received while replies waited for their reader.
#[derive(Default)]
pub(crate) struct Backlog {
    pieces: VecDeque<Piece>,
    bytes: usize,
}

/// `buffer[start..end]` is what was received.
struct Piece {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Backlog {
    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Bytes that were received.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What it takes of the memory.
    pub(crate) fn held_bytes(&self) -> usize {
        self.pieces.len() * POOLED_BYTES
    }

    /// Bytes that it takes more of the memory when more is received.
    pub(crate) fn growth(&self) -> usize {
        match self.pieces.back() {
            Some(last) if last.end < last.buffer.len() => 0,
            _ => POOLED_BYTES,
        }
    }

    /// Room for more bytes, which [`Backlog::received`] then confirms.
    pub(crate) fn room(&mut self, pool: &BufferPool) -> &mut [u8] {
        if self.growth() > 0 {
            self.pieces.push_back(Piece { buffer: pool.take(), start: 0, end: 0 });
        }
        match self.pieces.back_mut() {
            Some(last) => &mut last.buffer[last.end..],
            None => &mut [],
        }
    }

    /// `count` bytes were read into the room; with 0 of them it is given back.
    pub(crate) fn received(&mut self, count: usize, pool: &BufferPool) {
        let Some(last) = self.pieces.back_mut() else { return };
        last.end += count;
        self.bytes += count;
        if last.end == last.start
            && let Some(piece) = self.pieces.pop_back()
        {
            pool.give(piece.buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_big_frame_leaves_with_its_buffer() {
        let pool = BufferPool::default();
        let mut input = Input::default();
        let frame: Vec<u8> = (0..GROWS_ELSEWHERE_BYTES).map(|index| index as u8).collect();
        for byte in &frame {
            input.room(&pool)[0] = *byte;
            input.received(1);
        }
        assert_eq!(input.end, input.buffer.len());
        let (full, announced) = input.take_to_grow().unwrap();
        input.grown(reserve(full, announced));
        assert_eq!(input.take_to_grow(), None);
        assert!(input.room(&pool).len() <= READ_BYTES_MAX);
        input.room(&pool)[..4].copy_from_slice(b"rest");
        input.received(4);
        let place = input.bytes().as_ptr();
        input.consume(1);
        let taken = input.take_front(frame.len() - 1);
        assert_eq!((&taken[..], taken.as_ptr()), (&frame[1..], place.wrapping_add(1)));
        assert_eq!(input.bytes(), b"rest");
        assert_eq!(input.take_front(4), b"rest"[..]);
        assert!(input.bytes().is_empty() && input.buffer.is_empty());
        input.room(&pool);
    }

    #[test]
    fn a_buffer_grows_to_what_is_announced_and_comes() {
        let grown = |from: usize, announced| reserve(vec![7; from], announced).capacity();
        let kb = 1 << 10;
        assert_eq!(grown(512 * kb, 512 * kb + 1), 640 * kb);
        assert_eq!(grown(512 * kb, 700_000), 43 * POOLED_BYTES);
        assert_eq!(grown(512 * kb, 512 << 20), 1024 * kb);
        assert_eq!(grown(512 * kb, usize::MAX), 1024 * kb);
        assert_eq!(grown(512 * kb, 0), 1024 * kb);
        assert_eq!(grown(512 * kb, 512 * kb), 1024 * kb);
    }

    #[test]
    fn what_was_announced_takes_no_memory_before_it_comes() {
        let pool = BufferPool::default();
        let mut input = Input::default();
        input.announce(100 << 20);
        let mut received = 0;
        while received < 10 << 20 {
            if let Some((full, announced)) = input.take_to_grow() {
                input.grown(reserve(full, announced));
            }
            let more = input.growth();
            let room = input.room(&pool).len();
            assert!(more <= READ_BYTES_MAX && room <= READ_BYTES_MAX && room > 0);
            input.received(room);
            received += room;
            assert!(input.held_bytes() <= received + READ_BYTES_MAX, "{received}");
            assert_eq!(input.buffer.len(), input.held_bytes());
        }
    }

    #[test]
    fn a_backlog_is_taken_over_in_order() {
        let pool = BufferPool::default();
        let (mut input, mut backlog) = (Input::default(), Backlog::default());
        let mut sent = 0usize;
        let mut send = |backlog: &mut Backlog, count: usize| {
            for _ in 0..count {
                backlog.room(&pool)[0] = (sent % 251) as u8;
                backlog.received(1, &pool);
                sent += 1;
            }
        };
        let mut seen = 0usize;
        for (more, leave) in [(10, 0), (40_000, 7), (5, 3), (100_000, 99_000), (1, 0)] {
            send(&mut backlog, more);
            assert!(backlog.held_bytes() >= backlog.bytes());
            while !backlog.is_empty() {
                input.take_over(&mut backlog, &pool);
                let take = input.bytes().len().saturating_sub(leave);
                for byte in &input.bytes()[..take] {
                    assert_eq!(*byte, (seen % 251) as u8);
                    seen += 1;
                }
                input.consume(take);
            }
        }
        let rest = input.bytes().len();
        assert_eq!((seen + rest, backlog.held_bytes()), (sent, 0));
        // Nothing came.
        backlog.room(&pool);
        backlog.received(0, &pool);
        assert_eq!(backlog.held_bytes(), 0);
    }

    #[test]
    fn bytes_survive_growth_and_the_buffer_goes_back() {
        let pool = BufferPool::default();
        let mut input = Input::default();
        let mut sent: Vec<u8> = Vec::new();
        for step in 0..60_000usize {
            let byte = (step % 251) as u8;
            input.room(&pool)[0] = byte;
            input.received(1);
            sent.push(byte);
        }
        assert_eq!(input.bytes(), &sent[..]);
        input.consume(59_999);
        assert_eq!(input.bytes(), &sent[59_999..]);
        input.consume(1);
        input.release(&pool);
        assert_eq!((input.buffer.len(), pool.0.borrow().len()), (0, 0));
        input.room(&pool);
        input.release(&pool);
        assert_eq!(pool.0.borrow().len(), 1);
    }
}
