//! Requests as templates: all bytes that never change are laid out once, and making a request is
//! copying them with digits and a value filled in.
//!
//! A key is `<prefix><family><number, 12 digits>`: the digits are always as many, so a key's
//! length, which RESP sends ahead of it, never changes either. A field is `f<number, 4 digits>`.

use crate::family::Family;
use crate::rng::Rng;
use crate::values::ValueSource;

/// One argument of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Key,
    Field,
    /// This field, whatever the random numbers say: prefilling writes all of them.
    FixedField(u64),
    Value,
}

#[derive(Debug, Clone)]
enum Piece {
    Bytes(Vec<u8>),
    KeyDigits,
    FieldDigits,
    Value,
}

#[derive(Debug, Clone)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

const KEY_DIGITS: usize = 12;
const FIELD_DIGITS: usize = 4;
/// One more than the greatest key number.
pub(crate) const KEY_COUNT_MAX: u64 = 10u64.pow(KEY_DIGITS as u32);
pub(crate) const FIELD_COUNT_MAX: u64 = 10u64.pow(FIELD_DIGITS as u32);

impl Template {
    pub(crate) fn new(prefix: &str, family: Option<Family>, parts: &[Part]) -> Template {
        let key_head = format!("{prefix}{}", family.map_or("", Family::name));
        let mut layout = Layout::default();
        layout.text(&format!("*{}\r\n", parts.len()));
        for part in parts {
            match part {
                Part::Text(text) => layout.text(&format!("${}\r\n{text}\r\n", text.len())),
                Part::Key => {
                    layout.text(&format!("${}\r\n{key_head}", key_head.len() + KEY_DIGITS));
                    layout.piece(Piece::KeyDigits);
                    layout.text("\r\n");
                }
                Part::Field => {
                    layout.text(&format!("${}\r\nf", 1 + FIELD_DIGITS));
                    layout.piece(Piece::FieldDigits);
                    layout.text("\r\n");
                }
                Part::FixedField(field) => {
                    layout.text(&format!("${}\r\nf", 1 + FIELD_DIGITS));
                    layout.text(&format!("{field:0FIELD_DIGITS$}\r\n"));
                }
                Part::Value => layout.piece(Piece::Value),
            }
        }
        Template { pieces: layout.pieces }
    }

    /// Appends one request. `next_key` and `next_field` are asked once for each key and field.
    pub(crate) fn append(
        &self,
        rng: &mut Rng,
        values: &ValueSource,
        mut next_key: impl FnMut(&mut Rng) -> u64,
        mut next_field: impl FnMut(&mut Rng) -> u64,
        out: &mut Vec<u8>,
    ) {
        for piece in &self.pieces {
            match piece {
                Piece::Bytes(bytes) => out.extend_from_slice(bytes),
                Piece::KeyDigits => append_digits::<KEY_DIGITS>(next_key(rng), out),
                Piece::FieldDigits => append_digits::<FIELD_DIGITS>(next_field(rng), out),
                Piece::Value => append_value(values, rng, out),
            }
        }
    }
}

#[derive(Default)]
struct Layout {
    pieces: Vec<Piece>,
}

impl Layout {
    fn text(&mut self, text: &str) {
        if let Some(Piece::Bytes(bytes)) = self.pieces.last_mut() {
            bytes.extend_from_slice(text.as_bytes());
        } else {
            self.pieces.push(Piece::Bytes(text.as_bytes().to_vec()));
        }
    }

    fn piece(&mut self, piece: Piece) {
        self.pieces.push(piece);
    }
}

fn append_digits<const DIGITS: usize>(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits);
}

fn append_value(values: &ValueSource, rng: &mut Rng, out: &mut Vec<u8>) {
    let size = values.size(rng);
    let mut text = [0u8; 20];
    let mut at = text.len();
    let mut rest = size;
    loop {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.push(b'$');
    out.extend_from_slice(&text[at..]);
    out.extend_from_slice(b"\r\n");
    values.append(size, rng, out);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, Shape};
    use crate::values::{SizeRange, ValueKind};

    fn check(command: Command, expected: &str) {
        let shape = Shape { keys_per_command: 2, expire_seconds: 60 };
        let template = Template::new("k:", command.family(), &command.parts(shape));
        let values =
            ValueSource { sizes: SizeRange { min: 10, max: 10 }, kind: ValueKind::Constant };
        let (mut key, mut out) = (41, Vec::new());
        let next_key = |_: &mut Rng| {
            key += 1;
            key
        };
        template.append(&mut Rng::for_stream(0, 0), &values, next_key, |_| 7, &mut out);
        assert_eq!(String::from_utf8(out).expect("text").replace("\r\n", " "), expected);
    }

    #[test]
    fn every_command_is_framed() {
        check(Command::Get, "*2 $3 GET $14 k:000000000042 ");
        check(Command::Set, "*3 $3 SET $14 k:000000000042 $10 xxxxxxxxxx ");
        check(Command::Incr, "*2 $4 INCR $22 k:counter:000000000042 ");
        check(Command::Mget, "*3 $4 MGET $14 k:000000000042 $14 k:000000000043 ");
        check(
            Command::Mset,
            "*5 $4 MSET $14 k:000000000042 $10 xxxxxxxxxx $14 k:000000000043 $10 xxxxxxxxxx ",
        );
        check(Command::Del, "*2 $3 DEL $14 k:000000000042 ");
        check(Command::Hset, "*4 $4 HSET $19 k:hash:000000000042 $5 f0007 $10 xxxxxxxxxx ");
        check(Command::Hget, "*3 $4 HGET $19 k:hash:000000000042 $5 f0007 ");
        check(Command::Hgetall, "*2 $7 HGETALL $19 k:hash:000000000042 ");
        check(Command::Expire, "*3 $6 EXPIRE $14 k:000000000042 $2 60 ");
        check(Command::Ping, "*1 $4 PING ");
    }
}
