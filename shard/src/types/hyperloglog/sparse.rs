//! Registers as runs of equal ones.
//!
//! ```text
//! 00nnnnnn              n + 1 registers are 0
//! 01nnnnnn nnnnnnnn     n + 1 registers are 0
//! 1vvvvvnn              n + 1 registers are v + 1
//! ```
//!
//! There may be many ways to write the same registers. Which one it is follows from the order in
//! which they were raised, and is Redis's.

use super::size::REGISTERS;

/// A register that is higher cannot be part of a run.
pub(super) const VALUE_MAX: u8 = 32;

/// Registers of the longest runs.
const SHORT_ZEROS_MAX: usize = 64;
const VALUES_MAX: usize = 4;

/// Runs that are looked at to make one of two, from the one before a change on.
const JOINED_RUNS: usize = 5;

/// All registers 0.
pub(super) const EMPTY: [u8; 2] = [0x7f, 0xff];

/// Equal registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// What they are.
    pub(super) value: u8,
    /// How many they are.
    pub(super) len: usize,
    /// Bytes of the run.
    bytes: usize,
}

impl Run {
    /// Whether it is written as a long one.
    pub(super) fn is_long(self) -> bool {
        self.bytes == 2
    }
}

/// The bytes are not runs of as many registers as there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Corrupted;

/// What raising a register did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raised {
    /// It was as high.
    Not,
    Yes,
    /// It does not fit into runs, or these would be too long: the registers have to be dense.
    DoesNotFit,
}

/// The run at `at`, if there is one. Of one that is cut off the second byte counts as 0.
fn run_at(bytes: &[u8], at: usize) -> Option<Run> {
    let first = *bytes.get(at)?;
    let low = usize::from(first & 0x3f);
    Some(if first & 0x80 != 0 {
        Run { value: ((first >> 2) & 0x1f) + 1, len: usize::from(first & 3) + 1, bytes: 1 }
    } else if first & 0x40 != 0 {
        let second = bytes.get(at + 1).copied().unwrap_or_default();
        Run { value: 0, len: ((low << 8) | usize::from(second)) + 1, bytes: 2 }
    } else {
        Run { value: 0, len: low + 1, bytes: 1 }
    })
}

/// The runs one after the other.
pub(super) fn runs(bytes: &[u8]) -> impl Iterator<Item = Run> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let run = run_at(bytes, at)?;
        at += run.bytes;
        Some(run)
    })
}

/// The same with the first register of each; the last one ends where the registers do.
pub(super) fn checked_runs(
    bytes: &[u8],
) -> impl Iterator<Item = Result<(usize, Run), Corrupted>> + '_ {
    let mut runs = runs(bytes);
    let mut first = 0;
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        match runs.next() {
            Some(run) if first + run.len <= REGISTERS => {
                first += run.len;
                Some(Ok((first - run.len, run)))
            }
            None if first == REGISTERS => None,
            _ => {
                is_over = true;
                Some(Err(Corrupted))
            }
        }
    })
}

fn push_values(out: &mut Vec<u8>, value: u8, len: usize) {
    if len > 0 {
        out.push(values(value, len));
    }
}

fn values(value: u8, len: usize) -> u8 {
    0x80 | ((value - 1) << 2) | (len - 1) as u8
}

fn push_zeros(out: &mut Vec<u8>, len: usize) {
    match len {
        0 => {}
        1..=SHORT_ZEROS_MAX => out.push((len - 1) as u8),
        _ => out.extend_from_slice(&(0x4000 | (len - 1) as u16).to_be_bytes()),
    }
}

/// Raises a register to `value`, which is at least 1, if it is lower. `bytes_max`: of all runs.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    index: usize,
    value: u8,
    bytes_max: usize,
) -> Result<Raised, Corrupted> {
    if value > VALUE_MAX {
        return Ok(Raised::DoesNotFit);
    }
    // The run that the register is in, and the one before it.
    let (mut at, mut first, mut before) = (0, 0, 0);
    let run = loop {
        let run = run_at(bytes, at).ok_or(Corrupted)?;
        if index < first + run.len {
            break run;
        }
        before = at;
        at += run.bytes;
        first += run.len;
    };
    if at + run.bytes > bytes.len() {
        return Err(Corrupted);
    }
    if run.value >= value {
        return Ok(Raised::Not);
    }
    let (left, right) = (index - first, first + run.len - index - 1);
    let mut new = Vec::with_capacity(5);
    if run.value == 0 {
        push_zeros(&mut new, left);
        push_values(&mut new, value, 1);
        push_zeros(&mut new, right);
    } else {
        push_values(&mut new, run.value, left);
        push_values(&mut new, value, 1);
        push_values(&mut new, run.value, right);
    }
    let is_longer = new.len() > run.bytes;
    if is_longer && bytes.len() - run.bytes + new.len() > bytes_max {
        return Ok(Raised::DoesNotFit);
    }
    bytes.splice(at..at + run.bytes, new);
    join(bytes, before);
    Ok(Raised::Yes)
}

/// Makes one run of two with the same value, in the runs from `at` on.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOINED_RUNS {
        let Some(run) = run_at(bytes, at) else { return };
        let next = run_at(bytes, at + run.bytes);
        match next {
            Some(next)
                if run.value > 0 && next.value == run.value && run.len + next.len <= VALUES_MAX =>
            {
                bytes.remove(at);
                if let Some(joined) = bytes.get_mut(at) {
                    *joined = values(run.value, run.len + next.len);
                }
            }
            _ => at += run.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Random;

    fn listing(bytes: &[u8]) -> String {
        let shown = runs(bytes).map(|run| format!("{}x{}", run.len, run.value));
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn runs_are_split_and_joined() {
        let mut bytes = EMPTY.to_vec();
        for (index, value, expected) in [
            (100, 3, "100x0 1x3 16283x0"),
            (100, 3, "100x0 1x3 16283x0"),
            (101, 3, "100x0 2x3 16282x0"),
            (99, 3, "99x0 3x3 16282x0"),
            (100, 4, "99x0 1x3 1x4 1x3 16282x0"),
            (99, 4, "99x0 2x4 1x3 16282x0"),
            (0, 1, "1x1 98x0 2x4 1x3 16282x0"),
            (16383, 32, "1x1 98x0 2x4 1x3 16281x0 1x32"),
        ] {
            raise(&mut bytes, index, value, 3000).unwrap();
            assert_eq!(listing(&bytes), expected);
        }
        assert_eq!(raise(&mut bytes, 5, 33, 3000), Ok(Raised::DoesNotFit));
        let len = bytes.len();
        assert_eq!(raise(&mut bytes, 5, 3, len), Ok(Raised::DoesNotFit));
        assert_eq!(raise(&mut bytes, 0, 3, len), Ok(Raised::Yes), "no byte more");
    }

    #[test]
    fn registers_are_those_that_were_raised() {
        let mut random = Random::new();
        for _ in 0..20 {
            let (mut bytes, mut model) = (EMPTY.to_vec(), vec![0; REGISTERS]);
            let (spread, highest) = (1 + random.below(REGISTERS), 1 + random.below(32));
            for _ in 0..1000 {
                let (index, value) = (random.below(spread), 1 + random.below(highest) as u8);
                let raised = raise(&mut bytes, index, value, usize::MAX).unwrap();
                assert_eq!(raised == Raised::Yes, value > model[index]);
                model[index] = model[index].max(value);
            }
            let mut registers = Vec::new();
            for run in checked_runs(&bytes) {
                let (first, run) = run.unwrap();
                assert_eq!(first, registers.len());
                registers.extend(std::iter::repeat_n(run.value, run.len));
            }
            assert_eq!(registers, model);
        }
    }

    #[test]
    fn damaged_bytes_are_refused() {
        for damaged in [&b""[..], b"\x3f", b"\x7f\xff\x00", b"\x7f\xff\x80", b"\x7f"] {
            let last = checked_runs(damaged).last();
            assert_eq!(last, Some(Err(Corrupted)), "{damaged:x?}");
        }
        assert_eq!(raise(&mut b"\x3f".to_vec(), 64, 1, 100), Err(Corrupted));
        // Whatever the bytes are, nothing breaks.
        let mut random = Random::new();
        for _ in 0..2000 {
            let mut bytes: Vec<u8> = (0..random.below(40)).map(|_| random.next() as u8).collect();
            for _ in 0..20 {
                let (index, value) = (random.below(600), 1 + random.below(40) as u8);
                let _ = raise(&mut bytes, index, value, random.below(60));
            }
            checked_runs(&bytes).for_each(drop);
        }
    }
}
