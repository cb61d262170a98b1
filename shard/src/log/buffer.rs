//! Bytes at an address that direct I/O takes: a multiple of the block size.

use super::format::BLOCK_BYTES;

/// A buffer that grew beyond this is given back when it is empty.
const KEPT_BYTES: usize = 1 << 20;

/// See the module. Grows as needed.
#[derive(Default)]
pub(super) struct AlignedBuffer {
    memory: Vec<u8>,
    /// Where the aligned part begins.
    start: usize,
    length: usize,
}

impl AlignedBuffer {
    /// What is in it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }

    /// Number of bytes in it.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Appends bytes.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let end = self.grow(bytes.len());
        self.memory[end - bytes.len()..end].copy_from_slice(bytes);
    }

    /// Appends zeros up to a multiple of `unit`.
    pub(super) fn pad(&mut self, unit: usize) {
        let zeros = self.length.next_multiple_of(unit) - self.length;
        let end = self.grow(zeros);
        self.memory[end - zeros..end].fill(0);
    }

    /// Keeps `bytes[from..to]` alone.
    pub(super) fn keep(&mut self, from: usize, to: usize) {
        let kept = self.start + from..self.start + to;
        if self.memory.len() > KEPT_BYTES && kept.len() <= BLOCK_BYTES {
            let kept = self.memory[kept].to_vec();
            *self = Self::default();
            self.extend(&kept);
        } else {
            self.memory.copy_within(kept, self.start);
            self.length = to - from;
        }
    }

    /// Makes room for `count` more bytes, counts them as there, and says where they end.
    fn grow(&mut self, count: usize) -> usize {
        let length = self.length + count;
        if self.start + length > self.memory.len() {
            let capacity = length.next_power_of_two().max(16 * BLOCK_BYTES);
            let mut memory = vec![0; capacity + BLOCK_BYTES];
            let address = memory.as_ptr().addr();
            let start = address.next_multiple_of(BLOCK_BYTES) - address;
            memory[start..start + self.length].copy_from_slice(self.bytes());
            self.memory = memory;
            self.start = start;
        }
        self.length = length;
        self.start + length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_aligned_however_it_grows() {
        let mut buffer = AlignedBuffer::default();
        let mut model: Vec<u8> = Vec::new();
        for round in 0..200_usize {
            let piece = vec![round as u8; round * round * 7 % 9001];
            buffer.extend(&piece);
            model.extend(&piece);
            assert_eq!(buffer.bytes(), model);
            if round % 7 == 0 {
                buffer.pad(BLOCK_BYTES);
                model.resize(model.len().next_multiple_of(BLOCK_BYTES), 0);
                assert_eq!(buffer.bytes(), model);
            }
            if round % 11 == 10 {
                let from = model.len() - model.len() % 100;
                buffer.keep(from, model.len());
                model.drain(..from);
                assert_eq!(buffer.bytes(), model);
            }
            let address = buffer.bytes().as_ptr().addr();
            assert!(model.is_empty() || address.is_multiple_of(BLOCK_BYTES), "{address:x}");
        }
        buffer.extend(&vec![1; 3 * KEPT_BYTES]);
        buffer.keep(0, 10);
        assert!(buffer.memory.len() < KEPT_BYTES);
    }
}
