//! Where the keys of a command stand among its arguments, by its key specifications.

use crate::command::{Args, BeginSearch, CommandSpec, FindKeys, Flags, KeySpec, key_flag};
use crate::number;

/// One key of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAt {
    /// Index of the argument.
    pub index: usize,
    /// How the command uses it, out of [`key_flag`].
    pub flags: Flags,
}

/// The arguments do not have the form that the key specifications describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidArguments;

/// Appends the keys of one specification to `out`, with `flags`.
fn find(
    spec: &KeySpec,
    flags: Flags,
    args: Args<'_>,
    out: &mut Vec<KeyAt>,
) -> Result<(), InvalidArguments> {
    let count = args.len();
    let begin = match spec.begin {
        BeginSearch::Index(index) => index,
        BeginSearch::Keyword(word, from) => {
            let found = if from >= 0 {
                (from.unsigned_abs() as usize..count).find(|index| args.is(*index, word))
            } else {
                let start = count.saturating_sub(from.unsigned_abs() as usize);
                (1..=start).rev().find(|index| args.is(*index, word))
            };
            match found {
                Some(index) => index + 1,
                None => return Ok(()),
            }
        }
    };
    let (first, last, step) = match spec.find {
        FindKeys::Range { last, step, limit } => {
            let last = if last >= 0 {
                begin + last.unsigned_abs() as usize
            } else if limit <= 1 {
                match count.checked_sub(last.unsigned_abs() as usize) {
                    Some(last) => last,
                    None => return Err(InvalidArguments),
                }
            } else {
                let rest = count.saturating_sub(begin) / limit.unsigned_abs() as usize;
                (begin + rest).saturating_sub(last.unsigned_abs() as usize)
            };
            (begin, last, step)
        }
        FindKeys::KeyNumber { index, first, step } => {
            let number = number::parse_i64(args.get(begin + index))
                .and_then(|number| usize::try_from(number).ok())
                .ok_or(InvalidArguments)?;
            let first = begin + first;
            if number == 0 {
                return Ok(());
            }
            let last = number
                .checked_sub(1)
                .and_then(|keys| keys.checked_mul(step))
                .and_then(|span| span.checked_add(first))
                .ok_or(InvalidArguments)?;
            (first, last, step)
        }
    };
    if last >= count || step == 0 {
        return Err(InvalidArguments);
    }
    let mut index = first;
    while index <= last {
        out.push(KeyAt { index, flags });
        index += step;
    }
    Ok(())
}

/// Appends the keys of a command to `out`, in the order of the specifications. Specifications
/// that only look like keys (`not_key`) are left out.
pub fn extract(
    spec: &CommandSpec,
    args: Args<'_>,
    out: &mut Vec<KeyAt>,
) -> Result<(), InvalidArguments> {
    for key_spec in of_keys(spec) {
        find(key_spec, key_spec.flags, args, out)?;
    }
    Ok(())
}

/// The same, with what this call does to its keys where its options decide it.
pub fn extract_in_use(
    spec: &CommandSpec,
    args: Args<'_>,
    out: &mut Vec<KeyAt>,
) -> Result<(), InvalidArguments> {
    for key_spec in of_keys(spec) {
        let flags = key_spec.in_use.map_or(key_spec.flags, |in_use| in_use(args));
        find(key_spec, flags, args, out)?;
    }
    Ok(())
}

fn of_keys(spec: &CommandSpec) -> impl Iterator<Item = &KeySpec> {
    spec.keys.iter().filter(|key_spec| key_spec.flags & key_flag::NOT_KEY == 0)
}

/// First key, last key and step for the old form of COMMAND INFO; zeros when they are movable.
pub fn legacy_range(spec: &CommandSpec) -> (i64, i64, i64) {
    let mut ranges =
        spec.keys.iter().filter_map(|key_spec| match (key_spec.begin, key_spec.find) {
            (BeginSearch::Index(begin), FindKeys::Range { last, step, .. }) => {
                let begin = begin as i64;
                let last = i64::from(last);
                Some((begin, if last >= 0 { begin + last } else { last }, step as i64))
            }
            _ => None,
        });
    let Some(mut whole) = ranges.next() else { return (0, 0, 0) };
    for (first, last, _) in ranges {
        // Only ranges that follow on each other can be told as one.
        if whole.1 >= 0 && first == whole.1 + 1 {
            whole.1 = last;
            whole.2 = 1;
        }
    }
    whole
}
