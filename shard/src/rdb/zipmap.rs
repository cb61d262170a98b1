//! Zipmaps, the small hashes of Redis before 2.6. Read only.
//!
//! ```text
//! pairs (1; 254 and more: unknown) | pair … | 0xff
//! pair:   length | field … | length | unused bytes (1) | value … | unused bytes …
//! length: 1 byte, or 254 and 4 (LE)
//! ```

use super::error::{CUT_OFF, Damage};

const END: u8 = 0xff;
const LONG_LENGTH: u8 = 0xfe;
const COUNT_UNKNOWN: u8 = 0xfe;

/// The pairs of a zipmap. After an error there are no more.
#[derive(Debug)]
pub(super) struct Pairs<'a> {
    rest: &'a [u8],
    stated: u8,
    count: usize,
}

/// The pairs of `zipmap`, checked as they come.
pub(super) fn open(zipmap: &[u8]) -> Result<Pairs<'_>, Damage> {
    match zipmap {
        [stated, rest @ .., END] => Ok(Pairs { rest, stated: *stated, count: 0 }),
        _ => Err(Damage("a zipmap without an end")),
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            let is_wrong = self.stated < COUNT_UNKNOWN && usize::from(self.stated) != self.count;
            // Said once.
            self.stated = COUNT_UNKNOWN;
            return is_wrong.then_some(Err(Damage("a zipmap with another number of pairs")));
        }
        let pair = self.pair();
        self.count += 1;
        if pair.is_err() {
            (self.rest, self.stated) = (&[], COUNT_UNKNOWN);
        }
        Some(pair)
    }
}

impl<'a> Pairs<'a> {
    fn pair(&mut self) -> Result<(&'a [u8], &'a [u8]), Damage> {
        let field_bytes = self.length()?;
        let field = self.take(field_bytes)?;
        let value_bytes = self.length()?;
        let unused = self.take(1)?[0];
        let value = self.take(value_bytes)?;
        self.take(usize::from(unused))?;
        Ok((field, value))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(taken)
    }

    fn length(&mut self) -> Result<usize, Damage> {
        match self.take(1)?[0] {
            END => Err(Damage("a zipmap that ends before its end")),
            LONG_LENGTH => match *self.take(4)? {
                [a, b, c, d] => Ok(u32::from_le_bytes([a, b, c, d]) as usize),
                _ => Err(CUT_OFF),
            },
            short => Ok(usize::from(short)),
        }
    }
}
