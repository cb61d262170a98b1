//! What a connection has received and not yet worked off.
//!
//! An idle connection holds no buffer: one is taken from the thread's pool when bytes come and
//! given back when all of them are worked off. A frame longer than a pooled buffer gets a buffer
//! that grows with the bytes that really arrive, never with the length that was announced.

use std::cell::RefCell;

/// Size of a pooled buffer.
const POOLED_BYTES: usize = 16 << 10;

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
}

impl Input {
    /// Received bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
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
                let doubled = self.buffer.len() * 2;
                self.buffer.resize(doubled, 0);
            }
        }
        &mut self.buffer[self.end..]
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

#[cfg(test)]
mod tests {
    use super::*;

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
