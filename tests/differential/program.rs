//! A program: a fixed list of calls, made from a seed, that is then run as often as needed.
//! Nothing in it depends on replies or on time, so deleting steps leaves a valid program.

use std::fmt;

use crate::common::Rng;
use crate::common::grammar::{self, Compare, SHAPES, Shape};
use crate::common::resp::Text;
use crate::common::universe::{self, TINY_MS_MAX, Universe};

const STEPS_MAX: usize = 120;

#[derive(Clone)]
pub struct Step {
    pub args: Vec<Vec<u8>>,
    pub compare: Compare,
    /// Sent together with the next step.
    pub pipelined: bool,
}

#[derive(Clone)]
pub struct Program {
    pub steps: Vec<Step>,
}

impl Program {
    pub fn random(rng: &mut Rng) -> Self {
        let universe = Universe::for_programs();
        // Half of the programs send one command at a time.
        let pipelined_percent = *rng.pick(&[0, 0, 50, 95]);
        let count = 10 + rng.below(STEPS_MAX);
        let steps = (0..count).map(|_| Step::random(rng, &universe, pipelined_percent)).collect();
        Self { steps }
    }
}

impl Step {
    fn random(rng: &mut Rng, universe: &Universe, pipelined_percent: usize) -> Self {
        let shape = draw_shape(rng);
        let mut args = grammar::call(shape, universe, rng);
        let whole_scan = args[0].starts_with(b"@");
        if rng.percent(7) && !whole_scan {
            mutate(&mut args, rng);
        }
        tame(&mut args);
        let pipelined = rng.percent(pipelined_percent) && !whole_scan;
        Self { pipelined: pipelined && pause_after(&args).is_none(), compare: shape.compare, args }
    }

    /// The name of the command in capitals.
    pub fn command(&self) -> String {
        String::from_utf8_lossy(&self.args[0]).to_ascii_uppercase()
    }
}

fn draw_shape(rng: &mut Rng) -> &'static Shape {
    let total = SHAPES.iter().map(|shape| shape.weight).sum();
    let mut at = rng.below(total);
    for shape in SHAPES {
        if at < shape.weight {
            return shape;
        }
        at -= shape.weight;
    }
    unreachable!("the weights add up")
}

/// Makes a call that is most likely wrong: an argument too few or too many, junk, wrong order.
fn mutate(args: &mut Vec<Vec<u8>>, rng: &mut Rng) {
    let at = rng.below(args.len());
    match rng.below(7) {
        0 | 1 if at > 0 => drop(args.remove(at)),
        2 => args.push(universe::junk(rng)),
        3 | 4 if at > 0 => args[at] = universe::junk(rng),
        5 if at > 0 => args.insert(at, args[at].clone()),
        6 if at > 0 => args.swap(at, 1),
        _ if rng.percent(20) => args[0].push(b'z'),
        _ => args[at] = args[at].iter().map(u8::to_ascii_lowercase).collect(),
    }
}

/// Takes the sting out of what a mutation may have made: a lifetime that ends during the test,
/// a count that never ends.
fn tame(args: &mut Vec<Vec<u8>>) {
    for (at, unit_ms) in lifetimes(args) {
        let Some(number) = integer(&args[at]) else { continue };
        let ms = number.saturating_mul(unit_ms);
        let tiny = unit_ms == 1 && ms <= TINY_MS_MAX;
        if ms > 0 && !tiny && ms < 1_000_000 {
            args[at] = (number + 1_000_000).to_string().into_bytes();
        }
    }
    // Redis 7.0 takes the least of all ranks for what it happens to be, 7.2 for none.
    if args[0].eq_ignore_ascii_case(b"LPOS") {
        for arg in args.iter_mut().filter(|arg| integer(arg) == Some(i64::MIN)) {
            *arg = b"-1".to_vec();
        }
    }
    if args[0].eq_ignore_ascii_case(b"SPOP") {
        const MEMBERS_MAX: i64 = 1000;
        match args.get_mut(2) {
            Some(pops) => {
                if integer(pops).is_some_and(|pops| (1..MEMBERS_MAX).contains(&pops)) {
                    *pops = b"1000".to_vec();
                }
            }
            None => args.push(b"1000".to_vec()),
        }
    }
    // Scores that differ would make ranges by member a matter of chance.
    if universe::is_lex_key(args.get(1).map_or(b"", Vec::as_slice)) {
        let numbers = args
            .iter_mut()
            .skip(2)
            .filter(|arg| std::str::from_utf8(arg).is_ok_and(|text| text.parse::<f64>().is_ok()));
        numbers.for_each(|number| *number = b"0".to_vec());
    }
    let draws = [&b"HRANDFIELD"[..], b"SRANDMEMBER", b"ZRANDMEMBER"];
    if draws.iter().any(|name| args[0].eq_ignore_ascii_case(name)) {
        const DRAWS_MAX: i64 = 1000;
        if let Some(arg) = args.get_mut(2)
            && integer(arg).is_some_and(|draws| draws < -DRAWS_MAX && draws != i64::MIN)
        {
            *arg = b"-7".to_vec();
        }
    }
}

/// What has to be awaited after a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// The key is past its end at once, but redis-server notices only when it is looked at.
    Sweep,
    /// The key has a few milliseconds left.
    TinyLifetime,
}

pub fn pause_after(args: &[Vec<u8>]) -> Option<Pause> {
    let tiny = lifetimes(args).into_iter().any(|(at, unit_ms)| {
        unit_ms == 1 && integer(&args[at]).is_some_and(|ms| (1..=TINY_MS_MAX).contains(&ms))
    });
    let is_option =
        |arg: &Vec<u8>| arg.eq_ignore_ascii_case(b"EXAT") || arg.eq_ignore_ascii_case(b"PXAT");
    match tiny {
        true => Some(Pause::TinyLifetime),
        false => args.iter().any(is_option).then_some(Pause::Sweep),
    }
}

/// Where relative lifetimes stand in a call, and their unit in milliseconds.
fn lifetimes(args: &[Vec<u8>]) -> Vec<(usize, i64)> {
    let unit_ms = |name: &[u8], seconds: &[&str], milliseconds: &[&str]| {
        let is_in = |words: &[&str]| words.iter().any(|w| name.eq_ignore_ascii_case(w.as_bytes()));
        if is_in(seconds) { Some(1_000) } else { is_in(milliseconds).then_some(1) }
    };
    let mut found = Vec::new();
    if let Some(unit) = unit_ms(&args[0], &["SETEX", "EXPIRE"], &["PSETEX", "PEXPIRE"]) {
        found.push((2, unit));
    }
    let options = args.iter().enumerate().skip(2);
    found.extend(options.filter_map(|(at, arg)| Some((at + 1, unit_ms(arg, &["EX"], &["PX"])?))));
    found.retain(|(at, _)| *at < args.len());
    found
}

fn integer(arg: &[u8]) -> Option<i64> {
    std::str::from_utf8(arg).ok()?.parse().ok()
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            let joined = if step.pipelined { "  & (in one pipeline with the next)" } else { "" };
            writeln!(f, "  {index:3}  {step}{joined}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ARGS_MAX: usize = 24;
        for (index, arg) in self.args.iter().take(ARGS_MAX).enumerate() {
            let space = if index == 0 { "" } else { " " };
            let plain = !arg.is_empty() && arg.iter().all(|b| b.is_ascii_graphic());
            match plain {
                true => write!(f, "{space}{}", Text(arg))?,
                false => write!(f, "{space}{:?}", Text(arg))?,
            }
        }
        if self.args.len() > ARGS_MAX {
            write!(f, " ...({} arguments)", self.args.len())?;
        }
        Ok(())
    }
}
