//! BITOP: combining strings bit by bit. Shorter strings, and keys that do not exist, count as
//! filled up with zeros. DIFF, DIFF1, ANDOR and ONE are those of Redis 8.2.

use bytes::Bytes;

use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::keyspace::draft::StringDraft;
use crate::keyspace::head::RAW_STRING;
use crate::resp::ReplyBuffer;
use crate::types::string;
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[command("bitop", -4, bitop)
    .flags(WRITE | DENYOOM)
    .group(Group::Bitmap)
    .since("2.6.0")
    .summary("Combines strings bit by bit and stores the result")
    .complexity("O(N) where N is the length of all the strings")
    .keys(&[KeySpec::one(2).overwrite().update(), KeySpec::range(3, -1, 1).read().access()])
    .args(&[
        Arg::one_of(
            "operation",
            &[
                Arg::word("and", "AND"),
                Arg::word("or", "OR"),
                Arg::word("xor", "XOR"),
                Arg::word("not", "NOT"),
                Arg::word("diff", "DIFF").since("8.2.0"),
                Arg::word("diff1", "DIFF1").since("8.2.0"),
                Arg::word("andor", "ANDOR").since("8.2.0"),
                Arg::word("one", "ONE").since("8.2.0"),
            ],
        ),
        Arg::key("destkey", 0),
        Arg::key("key", 1).multiple(),
    ])];

const NOT_TAKES_ONE: &str = "ERR BITOP NOT must be called with a single source key.";

/// Bytes combined for one unit of work.
const BYTES_PER_UNIT: usize = 512;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    And,
    Or,
    Xor,
    Not,
    /// In the first source and in no other.
    Diff,
    /// In some source but the first.
    Diff1,
    /// In the first source and in some other.
    AndOr,
    /// In exactly one source.
    One,
}

impl Operation {
    fn parse(args: Args<'_>, index: usize) -> Result<Self, CommandError> {
        const NAMES: [(&str, Operation); 8] = [
            ("AND", Operation::And),
            ("OR", Operation::Or),
            ("XOR", Operation::Xor),
            ("NOT", Operation::Not),
            ("DIFF", Operation::Diff),
            ("DIFF1", Operation::Diff1),
            ("ANDOR", Operation::AndOr),
            ("ONE", Operation::One),
        ];
        NAMES
            .iter()
            .find(|(name, _)| args.is(index, name))
            .map(|(_, operation)| *operation)
            .ok_or_else(|| text::SYNTAX.into())
    }

    /// Refuses a number of sources that makes no sense.
    fn check_sources(self, sources: usize) -> Result<(), CommandError> {
        match self {
            Operation::Not if sources != 1 => Err(NOT_TAKES_ONE.into()),
            Operation::Diff if sources < 2 => {
                Err("ERR BITOP DIFF must be called with at least two source keys.".into())
            }
            Operation::Diff1 if sources < 2 => {
                Err("ERR BITOP DIFF1 must be called with at least two source keys.".into())
            }
            Operation::AndOr if sources < 2 => {
                Err("ERR BITOP ANDOR must be called with at least two source keys.".into())
            }
            _ => Ok(()),
        }
    }

    /// Combines `sources` into `result`, which is as long as the longest of them and all zeros.
    fn combine(self, sources: &[Bytes], result: &mut [u8]) {
        let Some((first, others)) = sources.split_first() else { return };
        match self {
            Operation::And => {
                apply(result, first, |to, from| *to = from);
                others.iter().for_each(|other| intersect(result, other));
            }
            Operation::Or => sources.iter().for_each(|source| unite(result, source)),
            Operation::Xor => {
                sources.iter().for_each(|source| apply(result, source, |to, from| *to ^= from));
            }
            Operation::Not => apply(result, first, |to, from| *to = !from),
            Operation::Diff => {
                apply(result, first, |to, from| *to = from);
                others.iter().for_each(|other| subtract(result, other));
            }
            Operation::Diff1 => {
                others.iter().for_each(|other| unite(result, other));
                subtract(result, first);
            }
            Operation::AndOr => {
                others.iter().for_each(|other| unite(result, other));
                intersect(result, first);
            }
            Operation::One => {
                let mut repeated = vec![0; result.len()];
                for source in sources {
                    for ((to, seen), from) in repeated.iter_mut().zip(&*result).zip(&source[..]) {
                        *to |= seen & from;
                    }
                    unite(result, source);
                }
                subtract(result, &repeated);
            }
        }
    }
}

fn apply(result: &mut [u8], source: &[u8], change: impl Fn(&mut u8, u8)) {
    for (to, from) in result.iter_mut().zip(source) {
        change(to, *from);
    }
}

fn unite(result: &mut [u8], source: &[u8]) {
    apply(result, source, |to, from| *to |= from);
}

fn subtract(result: &mut [u8], source: &[u8]) {
    apply(result, source, |to, from| *to &= !from);
}

fn intersect(result: &mut [u8], source: &[u8]) {
    apply(result, source, |to, from| *to &= from);
    result.get_mut(source.len()..).unwrap_or_default().fill(0);
}

/// BITOP operation destination key [key …]
pub(super) fn bitop(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let operation = Operation::parse(args, 1)?;
    operation.check_sources(args.len().saturating_sub(3))?;
    let mut sources: Vec<Bytes> = Vec::with_capacity(args.len());
    view.count_lookups(true);
    for name in args.iter_from(3) {
        view.charge(1)?;
        let key = string::open(view, name)?;
        sources.push(string::value(&key).cloned().unwrap_or_default());
    }
    let source_bytes: usize = sources.iter().map(Bytes::len).sum();
    let result_bytes = sources.iter().map(Bytes::len).max().unwrap_or(0);
    view.charge((source_bytes / BYTES_PER_UNIT) as u64)?;

    view.count_lookups(false);
    let destination = view.open(args.get(2))?;
    if result_bytes > 0 {
        view.expect_value(result_bytes)?;
        let mut draft = StringDraft::new(None, RAW_STRING, result_bytes);
        draft.grow(result_bytes);
        operation.combine(&sources, draft.value_mut());
        view.put_string(&destination, draft);
        view.tell(Event::SET, &destination);
    } else if destination.exists() {
        view.remove(&destination);
        view.tell(Event::DEL, &destination);
    }
    reply.integer(i64::try_from(result_bytes).unwrap_or(i64::MAX));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::oracle::Random;
    use crate::testing::TestShard;

    /// What a bit of the result is, by the number of sources that have it and by the first.
    fn expected(operation: &str, first: bool, others: usize) -> bool {
        match operation {
            "DIFF" => first && others == 0,
            "DIFF1" => !first && others > 0,
            "ANDOR" => first && others > 0,
            "ONE" => usize::from(first) + others == 1,
            _ => panic!("{operation} is compared with redis-server"),
        }
    }

    #[test]
    fn newer_operations_combine_bit_by_bit() {
        let mut shard = TestShard::new();
        let mut random = Random::new();
        for round in 0..400 {
            let operation = ["DIFF", "DIFF1", "ANDOR", "ONE"][round % 4];
            let sources: Vec<Vec<u8>> = (0..2 + random.below(3))
                .map(|_| (0..random.below(40)).map(|_| random.next() as u8).collect())
                .collect();
            let names = ["a", "b", "c", "d"];
            let mut words: Vec<&[u8]> = vec![b"BITOP", operation.as_bytes(), b"to"];
            for (name, source) in names.iter().zip(&sources) {
                shard.run_bytes(&[b"SET", name.as_bytes(), source]);
                words.push(name.as_bytes());
            }
            let bytes = sources.iter().map(Vec::len).max().unwrap();
            assert_eq!(shard.run_bytes(&words), format!(":{bytes}\r\n").as_bytes());
            for bit in 0..bytes * 8 {
                let has = |source: &Vec<u8>| {
                    source.get(bit / 8).is_some_and(|byte| (byte >> (7 - bit % 8)) & 1 == 1)
                };
                let others = sources[1..].iter().filter(|source| has(source)).count();
                assert_eq!(
                    shard.run(&format!("GETBIT to {bit}")),
                    format!(":{}", u8::from(expected(operation, has(&sources[0]), others))),
                    "{operation} {sources:?} bit {bit}"
                );
            }
        }
    }

    #[test]
    fn newer_operations_need_two_sources() {
        let mut shard = TestShard::new();
        for operation in ["DIFF", "DIFF1", "ANDOR"] {
            assert_eq!(
                shard.run(&format!("BITOP {operation} to a")),
                format!("-ERR BITOP {operation} must be called with at least two source keys.")
            );
        }
        assert_eq!(shard.run("BITOP ONE to a"), ":0");
    }
}
