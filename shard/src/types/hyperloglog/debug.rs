//! PFDEBUG and PFSELFTEST: what developers look at.

use super::commands::{open, put};
use super::dense;
use super::size::REGISTERS;
use super::sketch::Sketch;
use crate::command::Args;
use crate::command::row::*;
use crate::error::{CommandError, CommandResult};
use crate::resp::ReplyBuffer;
use crate::types::drawing::fork;
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("pfdebug", 3, pfdebug)
        .flags(WRITE | DENYOOM | ADMIN)
        .group(Group::Hyperloglog)
        .since("2.8.9")
        .summary("Looks into a HyperLogLog")
        .complexity("N/A")
        .keys(&[KeySpec::one(2).change().access()])
        .args(&[Arg::string("subcommand"), Arg::key("key", 0)])
        .for_developers(),
    command("pfselftest", 1, pfselftest)
        .flags(ADMIN)
        .group(Group::Hyperloglog)
        .since("2.8.9")
        .summary("Tries out registers and estimates")
        .complexity("N/A")
        .for_developers(),
];

/// Times that PFSELFTEST sets all registers, and the number of elements it counts up to.
const REGISTER_ROUNDS: usize = 2;
const COUNTED_MAX: u64 = 10_000;

/// By how much an estimate may be wrong, as a part of it: six times what is usual.
const ERROR_MAX: f64 = 6.0 * 1.04 / 128.0;

/// Units of work that PFSELFTEST is.
const SELF_TEST_UNITS: u64 = 1000;

/// PFDEBUG subcommand key
pub(super) fn pfdebug(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let opened = open(view, args.get(2))?;
    let mut sketch = opened.sketch()?.ok_or("ERR The specified key does not exist")?;
    let is_sparse = !sketch.is_dense();
    if args.is(1, "getreg") {
        view.charge(REGISTERS as u64 / 64)?;
        sketch.make_dense()?;
        reply.array(REGISTERS);
        for value in sketch.dense_registers() {
            reply.integer(i64::from(value));
        }
    } else if args.is(1, "decode") {
        let runs = sketch.runs().ok_or("ERR HLL encoding is not sparse")?;
        let shown = runs.map(|run| match run.value {
            0 if run.is_long() => format!("Z:{}", run.len),
            0 => format!("z:{}", run.len),
            value => format!("v:{value},{}", run.len),
        });
        reply.bulk(shown.collect::<Vec<_>>().join(" ").as_bytes());
    } else if args.is(1, "encoding") {
        reply.simple(if is_sparse { "sparse" } else { "dense" });
    } else if args.is(1, "todense") {
        sketch.make_dense()?;
        reply.integer(i64::from(is_sparse));
    } else {
        let name = String::from_utf8_lossy(args.get(1)).into_owned();
        return Err(CommandError::reply(format!("ERR Unknown PFDEBUG subcommand '{name}'")));
    }
    put(view, &opened, &sketch, usize::from(is_sparse && sketch.is_dense()));
    Ok(())
}

/// PFSELFTEST
pub(super) fn pfselftest(
    view: &mut View<'_>,
    _: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    view.charge(SELF_TEST_UNITS)?;
    let mut random = fork(view);
    let mut registers = vec![0; dense::BYTES];
    for _ in 0..REGISTER_ROUNDS {
        let values: Vec<u8> = (0..REGISTERS).map(|_| random.below(64) as u8).collect();
        for (index, value) in values.iter().enumerate() {
            dense::set(&mut registers, index, *value);
        }
        for (index, value) in values.iter().enumerate() {
            let found = dense::get(&registers, index);
            if found != *value {
                return Err(CommandError::reply(format!(
                    "ERR TESTFAILED Register {index} should be {value} but is {found}"
                )));
            }
        }
    }
    let bytes_max = view.settings().hll_sparse_max_bytes;
    let (mut dense, mut sparse) = (Sketch::new(), Sketch::new());
    dense.make_dense()?;
    let seed = random.next_u64();
    let mut checked_next = 1;
    for number in 1..=COUNTED_MAX {
        let element = (number ^ seed).to_le_bytes();
        dense.add(&element, bytes_max)?;
        sparse.add(&element, bytes_max)?;
        if number < checked_next {
            continue;
        }
        checked_next *= 10;
        if number < bytes_max as u64 / 2 && sparse.is_dense() {
            return Err("ERR TESTFAILED sparse encoding not used".into());
        }
        let estimate = dense.estimate()?;
        if estimate != sparse.estimate()? {
            return Err("ERR TESTFAILED dense/sparse disagree".into());
        }
        let error = estimate.abs_diff(number);
        if error as f64 > (ERROR_MAX * number as f64).ceil() {
            return Err(CommandError::reply(format!(
                "ERR TESTFAILED Too big error. card:{number} abserr:{error}"
            )));
        }
    }
    reply.ok();
    Ok(())
}
