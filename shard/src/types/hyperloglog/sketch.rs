//! A HyperLogLog as the commands see it, whichever of its two forms it has.

use bytes::Bytes;

use super::estimate::{Histogram, estimate};
use super::size::{HASHED_BITS, INDEX_BITS, REGISTERS};
use super::sparse::{self, Corrupted, Raised};
use super::{dense, murmur};
use crate::error::CommandError;

const MAGIC: &[u8] = b"HYLL";
const DENSE: u8 = 0;
const SPARSE: u8 = 1;

/// Bytes before the registers.
pub(super) const FRONT_BYTES: usize = 16;
const ENCODING_AT: usize = 4;
const CACHE_AT: usize = 8;
/// In the last byte of the front.
const NOT_CACHED: u8 = 0x80;

const DENSE_BYTES: usize = FRONT_BYTES + dense::BYTES;

/// More bytes cannot be runs of as many registers as there are.
pub(super) const BYTES_MAX: usize = FRONT_BYTES + 2 * REGISTERS;

const NOT_ONE: &str = "WRONGTYPE Key is not a valid HyperLogLog string value.";
const CORRUPTED: &str = "INVALIDOBJ Corrupted HLL object detected";

impl From<Corrupted> for CommandError {
    fn from(_: Corrupted) -> Self {
        CORRUPTED.into()
    }
}

/// Refuses what is no HyperLogLog by its front and by the length of the whole.
pub(super) fn check(front: &[u8], bytes: usize) -> Result<(), CommandError> {
    let is_dense = match front.get(ENCODING_AT) {
        Some(&DENSE) => true,
        Some(&SPARSE) => false,
        _ => return Err(NOT_ONE.into()),
    };
    let is_whole = front.len() >= FRONT_BYTES && (!is_dense || bytes == DENSE_BYTES);
    if !is_whole || !front.starts_with(MAGIC) {
        return Err(NOT_ONE.into());
    }
    if bytes > BYTES_MAX { Err(CORRUPTED.into()) } else { Ok(()) }
}

/// See the module. Its front is one that [`check`] has let pass.
#[derive(Clone)]
pub(super) struct Sketch {
    front: [u8; FRONT_BYTES],
    registers: Vec<u8>,
}

impl Sketch {
    /// Nothing was added yet.
    pub(super) fn new() -> Self {
        let mut front = [0; FRONT_BYTES];
        front[..MAGIC.len()].copy_from_slice(MAGIC);
        front[ENCODING_AT] = SPARSE;
        Self { front, registers: sparse::EMPTY.to_vec() }
    }

    /// Of the string under a key.
    pub(super) fn of(string: &Bytes) -> Result<Self, CommandError> {
        check(string.get(..FRONT_BYTES).unwrap_or_default(), string.len())?;
        let mut front = [0; FRONT_BYTES];
        front.copy_from_slice(&string[..FRONT_BYTES]);
        Ok(Self { front, registers: string[FRONT_BYTES..].to_vec() })
    }

    /// The string, in two parts.
    pub(super) fn parts(&self) -> [&[u8]; 2] {
        [&self.front, &self.registers]
    }

    /// Length of the string.
    pub(super) fn len_bytes(&self) -> usize {
        FRONT_BYTES + self.registers.len()
    }

    pub(super) fn is_dense(&self) -> bool {
        self.front[ENCODING_AT] == DENSE
    }

    /// The registers as runs, if it is sparse.
    pub(super) fn runs(&self) -> Option<impl Iterator<Item = sparse::Run> + '_> {
        (!self.is_dense()).then(|| sparse::runs(&self.registers))
    }

    /// The estimate that was made last, if nothing has changed since.
    pub(super) fn cached(&self) -> Option<u64> {
        let [.., last] = self.front;
        let mut word = [0; 8];
        word.copy_from_slice(&self.front[CACHE_AT..]);
        (last & NOT_CACHED == 0).then(|| u64::from_le_bytes(word))
    }

    /// Keeps an estimate.
    pub(super) fn cache(&mut self, estimate: u64) {
        self.front[CACHE_AT..].copy_from_slice(&estimate.to_le_bytes());
    }

    /// The estimate does not hold any more.
    pub(super) fn forget_estimate(&mut self) {
        self.front[FRONT_BYTES - 1] |= NOT_CACHED;
    }

    /// Makes the estimate anew.
    pub(super) fn estimate(&self) -> Result<u64, Corrupted> {
        let mut histogram: Histogram = [0; 64];
        if self.is_dense() {
            for index in 0..REGISTERS {
                histogram[usize::from(dense::get(&self.registers, index))] += 1;
            }
        } else {
            for run in sparse::checked_runs(&self.registers) {
                let (_, run) = run?;
                histogram[usize::from(run.value)] += run.len as u32;
            }
        }
        Ok(estimate(&histogram))
    }

    /// Adds an element; whether that has changed anything.
    pub(super) fn add(&mut self, element: &[u8], bytes_max: usize) -> Result<bool, Corrupted> {
        let hash = murmur::hash(element);
        let index = hash as usize % REGISTERS;
        let rest = (hash >> INDEX_BITS) | (1 << HASHED_BITS);
        self.raise(index, rest.trailing_zeros() as u8 + 1, bytes_max)
    }

    /// Raises a register, if it is lower. Sparse ones that would take more than `bytes_max` with
    /// the front become dense.
    pub(super) fn raise(
        &mut self,
        index: usize,
        value: u8,
        bytes_max: usize,
    ) -> Result<bool, Corrupted> {
        if !self.is_dense() {
            let bytes_max = bytes_max.saturating_sub(FRONT_BYTES);
            match sparse::raise(&mut self.registers, index, value, bytes_max)? {
                Raised::Not => return Ok(false),
                Raised::Yes => {
                    self.forget_estimate();
                    return Ok(true);
                }
                Raised::DoesNotFit => self.make_dense()?,
            }
        }
        let is_lower = dense::get(&self.registers, index) < value;
        if is_lower {
            dense::set(&mut self.registers, index, value);
        }
        Ok(is_lower)
    }

    /// Makes the registers dense, if they are not.
    pub(super) fn make_dense(&mut self) -> Result<(), Corrupted> {
        if self.is_dense() {
            return Ok(());
        }
        let mut registers = vec![0; dense::BYTES];
        for run in sparse::checked_runs(&self.registers) {
            let (first, run) = run?;
            if run.value > 0 {
                for index in first..first + run.len {
                    dense::set(&mut registers, index, run.value);
                }
            }
        }
        self.front[ENCODING_AT] = DENSE;
        self.registers = registers;
        Ok(())
    }

    /// All registers, if they are dense.
    pub(super) fn dense_registers(&self) -> impl Iterator<Item = u8> + '_ {
        (0..REGISTERS).map(|index| dense::get(&self.registers, index))
    }

    /// Raises each of `highest` to what it is here.
    pub(super) fn raise_all(&self, highest: &mut [u8]) -> Result<(), Corrupted> {
        if self.is_dense() {
            for (highest, value) in highest.iter_mut().zip(self.dense_registers()) {
                *highest = value.max(*highest);
            }
            return Ok(());
        }
        for run in sparse::checked_runs(&self.registers) {
            let (first, run) = run?;
            for highest in highest.iter_mut().skip(first).take(run.len) {
                *highest = run.value.max(*highest);
            }
        }
        Ok(())
    }
}

/// The estimate that registers with these values have.
pub(super) fn estimate_of(registers: &[u8]) -> u64 {
    let mut histogram: Histogram = [0; 64];
    for value in registers {
        histogram[usize::from(value & 63)] += 1;
    }
    estimate(&histogram)
}
