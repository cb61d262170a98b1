//! Registers of 6 bits, one after the other; the low bits of a register stand lower.

use super::size::REGISTERS;

const REGISTER_BITS: usize = 6;
const REGISTER_MAX: u16 = (1 << REGISTER_BITS) - 1;

/// Bytes of all registers.
pub(super) const BYTES: usize = REGISTERS * REGISTER_BITS / 8;

/// The two bytes that a register stands in, and where in them.
fn place(index: usize) -> (usize, usize) {
    (index * REGISTER_BITS / 8, index * REGISTER_BITS % 8)
}

fn pair(registers: &[u8], at: usize) -> u16 {
    let byte = |at: usize| registers.get(at).copied().unwrap_or_default();
    u16::from_le_bytes([byte(at), byte(at + 1)])
}

/// The value of a register.
pub(super) fn get(registers: &[u8], index: usize) -> u8 {
    let (at, shift) = place(index);
    ((pair(registers, at) >> shift) & REGISTER_MAX) as u8
}

/// Sets a register.
pub(super) fn set(registers: &mut [u8], index: usize, value: u8) {
    let (at, shift) = place(index);
    let cleared = pair(registers, at) & !(REGISTER_MAX << shift);
    let bytes = (cleared | ((u16::from(value) & REGISTER_MAX) << shift)).to_le_bytes();
    for (slot, byte) in registers.iter_mut().skip(at).zip(bytes) {
        *slot = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Random;

    #[test]
    fn registers_keep_their_values_and_those_beside_them() {
        let mut random = Random::new();
        let mut registers = vec![0; BYTES];
        let mut model = vec![0; REGISTERS];
        for _ in 0..100_000 {
            let (index, value) = (random.below(REGISTERS), random.below(64) as u8);
            set(&mut registers, index, value);
            model[index] = value;
        }
        set(&mut registers, REGISTERS - 1, 63);
        model[REGISTERS - 1] = 63;
        for (index, value) in model.iter().enumerate() {
            assert_eq!(get(&registers, index), *value, "{index}");
        }
        let mut two = vec![0; BYTES];
        set(&mut two, 1, 0b10_1101);
        assert_eq!(two[..2], [0b0100_0000, 0b0000_1011]);
    }
}
