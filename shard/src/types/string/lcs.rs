//! LCS: the longest common subsequence of two strings.
//!
//! The classic table of lengths is kept one row at a time. To walk back through it takes one bit a
//! cell, which says where the longer of two neighbours was; so the memory is 1/32 of the table
//! that Redis makes. Its limit on the size of that table holds all the same.

use super::value;
use crate::command::Args;
use crate::command::row::*;
use crate::error::{CommandError, CommandResult, text};
use crate::keyspace::head::Kind;
use crate::resp::ReplyBuffer;
use crate::view::{Key, View};

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[command("lcs", -3, lcs)
    .flags(READONLY)
    .group(Group::String)
    .since("7.0.0")
    .summary("Finds the longest common subsequence of two strings")
    .complexity("O(N*M) where N and M are the lengths of the strings")
    .keys(&[KeySpec::range(1, 1, 1).read().access()])
    .args(&[
        Arg::key("key1", 0),
        Arg::key("key2", 0),
        Arg::word("len", "LEN").optional(),
        Arg::word("idx", "IDX").optional(),
        Arg::integer("min-match-len").after("MINMATCHLEN").optional(),
        Arg::word("withmatchlen", "WITHMATCHLEN").optional(),
    ])];

const NOT_STRINGS: &str = "ERR The specified keys must contain string values";
const LENGTH_AND_INDEXES: &str =
    "ERR If you want both the length and indexes, please just use IDX.";
const TOO_LONG: &str = "ERR String too long for LCS";
const TABLE_TOO_LARGE: &str =
    "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
const TABLE_TOO_LARGE_FOR_ANY: &str =
    "ERR Insufficient memory, failed allocating transient memory for LCS";

/// Bytes of a cell in Redis's table.
const CELL_BYTES: u64 = 4;

/// Cells computed for one unit of work.
const CELLS_PER_UNIT: u64 = 128;

/// LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]
pub(super) fn lcs(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let left_key = view.open(args.get(1))?;
    let right_key = view.open(args.get(2))?;
    let (left, right) = (string(&left_key)?, string(&right_key)?);
    let options = Options::parse(args)?;
    check_size(view, left, right)?;
    let table = Table::compute(left, right, options.indexes || !options.length);
    if options.indexes {
        reply_indexes(&table, left, right, &options, reply);
    } else if options.length {
        reply.integer(i64::from(table.length));
    } else {
        reply.bulk(&table.subsequence(left, right));
    }
    Ok(())
}

/// The string under a key; the empty one when there is none.
fn string(key: &Key) -> Result<&[u8], CommandError> {
    match &key.head {
        Some(head) if head.kind != Kind::String => Err(NOT_STRINGS.into()),
        _ => Ok(value::bytes(key)),
    }
}

#[derive(Default)]
struct Options {
    length: bool,
    indexes: bool,
    match_length: bool,
    match_length_min: usize,
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let mut options = Self::default();
        let mut index = 3;
        while index < args.len() {
            if args.is(index, "IDX") {
                options.indexes = true;
            } else if args.is(index, "LEN") {
                options.length = true;
            } else if args.is(index, "WITHMATCHLEN") {
                options.match_length = true;
            } else if args.is(index, "MINMATCHLEN") && index + 1 < args.len() {
                index += 1;
                options.match_length_min = usize::try_from(args.integer(index)?).unwrap_or(0);
            } else {
                return Err(text::SYNTAX.into());
            }
            index += 1;
        }
        if options.length && options.indexes {
            return Err(LENGTH_AND_INDEXES.into());
        }
        Ok(options)
    }
}

/// Refuses what would make too large a table in Redis, and accounts for the rest.
fn check_size(view: &mut View<'_>, left: &[u8], right: &[u8]) -> CommandResult {
    let (rows, columns) = (left.len() as u64, right.len() as u64);
    let too_long = u64::from(u32::MAX) - 1;
    if rows >= too_long || columns >= too_long {
        return Err(TOO_LONG.into());
    }
    let table_bytes = (rows + 1)
        .checked_mul(columns + 1)
        .and_then(|cells| cells.checked_mul(CELL_BYTES))
        .ok_or(TABLE_TOO_LARGE_FOR_ANY)?;
    if table_bytes > view.settings().proto_max_bulk_len as u64 {
        return Err(TABLE_TOO_LARGE.into());
    }
    view.charge(rows * columns / CELLS_PER_UNIT)
}

/// What is left of the table when it has been computed.
struct Table {
    /// Length of the longest common subsequence.
    length: u32,
    columns: usize,
    /// Row by row a bit for each cell of two different bytes: whether the cell above it is larger
    /// than the one to its left.
    above_larger: Vec<u64>,
}

/// Bytes that follow on each other in both strings: where they begin, and how many they are.
#[derive(Clone, Copy)]
struct Match {
    left_start: usize,
    right_start: usize,
    bytes: usize,
}

impl Table {
    /// Computes the table of two strings, `with_path` if more than its last cell is wanted.
    fn compute(left: &[u8], right: &[u8], with_path: bool) -> Self {
        let words = if with_path { (left.len() * right.len()).div_ceil(64) } else { 0 };
        let mut above_larger = vec![0u64; words];
        let mut row = vec![0u32; right.len()];
        let mut index = 0;
        for left_byte in left {
            let (mut before, mut above_before) = (0, 0);
            for (right_byte, cell) in right.iter().zip(&mut row) {
                let above = *cell;
                *cell = if left_byte == right_byte {
                    above_before + 1
                } else if above > before {
                    if let Some(word) = above_larger.get_mut(index / 64) {
                        *word |= 1 << (index % 64);
                    }
                    above
                } else {
                    before
                };
                (before, above_before) = (*cell, above);
                index += 1;
            }
        }
        Self { length: row.last().copied().unwrap_or(0), columns: right.len(), above_larger }
    }

    /// Visits the matches from the last to the first. Among equally long subsequences it is
    /// Redis's.
    fn walk(&self, left: &[u8], right: &[u8], mut visit: impl FnMut(Match)) {
        let (mut left, mut right) = (left, right);
        let mut current: Option<Match> = None;
        while let ([left_rest @ .., left_byte], [right_rest @ .., right_byte]) = (left, right) {
            if left_byte == right_byte {
                (left, right) = (left_rest, right_rest);
                let bytes = current.map_or(0, |found| found.bytes) + 1;
                let (left_start, right_start) = (left.len(), right.len());
                current = Some(Match { left_start, right_start, bytes });
                continue;
            }
            if let Some(found) = current.take() {
                visit(found);
            }
            let index = left_rest.len() * self.columns + right_rest.len();
            let word = self.above_larger.get(index / 64).copied().unwrap_or(0);
            if (word >> (index % 64)) & 1 == 1 {
                left = left_rest;
            } else {
                right = right_rest;
            }
        }
        if let Some(found) = current {
            visit(found);
        }
    }

    fn subsequence(&self, left: &[u8], right: &[u8]) -> Vec<u8> {
        let mut matches = Vec::new();
        self.walk(left, right, |found| matches.push(found));
        let mut bytes = Vec::with_capacity(self.length as usize);
        for found in matches.iter().rev() {
            let end = found.left_start + found.bytes;
            bytes.extend_from_slice(left.get(found.left_start..end).unwrap_or_default());
        }
        bytes
    }
}

fn reply_indexes(
    table: &Table,
    left: &[u8],
    right: &[u8],
    options: &Options,
    reply: &mut ReplyBuffer,
) {
    reply.map(2);
    reply.bulk(b"matches");
    let matches = reply.deferred_array();
    let mut count = 0;
    table.walk(left, right, |found| {
        if found.bytes < options.match_length_min {
            return;
        }
        count += 1;
        reply.array(if options.match_length { 3 } else { 2 });
        for start in [found.left_start, found.right_start] {
            reply.array(2);
            reply.integer(start as i64);
            reply.integer((start + found.bytes - 1) as i64);
        }
        if options.match_length {
            reply.integer(found.bytes as i64);
        }
    });
    reply.finish_array(matches, count);
    reply.bulk(b"len");
    reply.integer(i64::from(table.length));
}

#[cfg(test)]
mod tests {
    use crate::resp::Protocol;
    use crate::testing::TestShard;

    #[test]
    fn indexes_are_a_map_in_resp3() {
        let mut shard = TestShard::new();
        shard.run("MSET a ohmytext b mynewtext");
        assert_eq!(shard.run("LCS a b"), "$6 mytext");
        shard.protocol = Protocol::Resp3;
        assert_eq!(
            shard.run("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN"),
            "%2 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6"
        );
    }

    #[test]
    fn the_table_of_redis_has_to_fit() {
        let mut shard = TestShard::new();
        let value = vec![b'x'; 999];
        for key in [b"a", b"b"] {
            shard.run_bytes(&[b"SET", key, &value]);
        }
        shard.settings.proto_max_bulk_len = 4_000_000;
        let before = shard.shard.statistics.off_loop_runs;
        assert_eq!(shard.run("LCS a b LEN"), ":999");
        assert_eq!(shard.shard.statistics.off_loop_runs, before + 1);
        shard.settings.proto_max_bulk_len -= 1;
        assert_eq!(
            shard.run("LCS a b LEN"),
            "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
        );
    }
}
