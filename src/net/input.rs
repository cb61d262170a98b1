//! What a connection has received and not yet worked off.
//!
//! An idle connection holds no buffer: one is taken from the thread's pool when bytes come and
//! given back when all of them are worked off. A frame longer than a pooled buffer gets a buffer
//! that grows with the bytes that really arrive, never with the length that was announced.
//!
//! Nothing here is long on the loop: a big buffer grows elsewhere, and the frame of a big command
//! leaves with its buffer instead of being copied.

use std::cell::RefCell;

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
    fn take(&self) -> Vec<u8> {
        self.0.borrow_mut().pop().unwrap_or_else(|| vec![0; POOLED_BYTES])
    }

    fn give(&self, buffer: Vec<u8>) {
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

    /// Bytes by which the buffer must grow before more can be received; 0: there is room.
    pub(crate) fn growth(&self) -> usize {
        let is_full = self.end == self.buffer.len() && self.start == 0;
        if is_full && self.end > 0 { grown_bytes(self.end, self.announced) - self.end } else { 0 }
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
                self.buffer = grow(std::mem::take(&mut self.buffer), self.announced);
            }
        }
        let end = self.buffer.len().min(self.end + READ_BYTES_MAX);
        &mut self.buffer[self.end..end]
    }

    /// Takes a buffer out that has to grow and is too big for that to be done here, with what was
    /// announced; [`grow`] it elsewhere, and give it back to [`Input::grown`].
    pub(crate) fn take_to_grow(&mut self) -> Option<(Vec<u8>, usize)> {
        let is_full = self.end == self.buffer.len() && self.start == 0;
        (is_full && self.buffer.len() >= GROWS_ELSEWHERE_BYTES)
            .then(|| (std::mem::take(&mut self.buffer), self.announced))
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

/// Makes a full buffer longer. For a big one not on the loop.
pub(crate) fn grow(mut buffer: Vec<u8>, announced: usize) -> Vec<u8> {
    let bytes = grown_bytes(buffer.len(), announced);
    buffer.reserve_exact(bytes - buffer.len());
    buffer.resize(bytes, 0);
    buffer
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
        input.grown(grow(full, announced));
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
        let grown = |from: usize, announced| grow(vec![7; from], announced);
        let kb = 1 << 10;
        assert_eq!(grown(512 * kb, 512 * kb + 1).len(), 640 * kb);
        assert_eq!(grown(512 * kb, 700_000).len(), 43 * POOLED_BYTES);
        assert_eq!(grown(512 * kb, 700_000).capacity(), 43 * POOLED_BYTES);
        assert_eq!(grown(512 * kb, 512 << 20).len(), 1024 * kb);
        assert_eq!(grown(512 * kb, usize::MAX).len(), 1024 * kb);
        assert_eq!(grown(512 * kb, 0).len(), 1024 * kb);
        assert_eq!(grown(512 * kb, 512 * kb).len(), 1024 * kb);
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
