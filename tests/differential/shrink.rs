//! Makes a program that shows a difference as short as it gets, by leaving out steps for as long
//! as some difference remains. Bounded in time: a long program is worth less than an answer.

use std::time::{Duration, Instant};

use super::program::{Program, Step};
use super::run::{Difference, Pair};

const TIME_MAX: Duration = Duration::from_secs(20);

pub fn shrink(pair: &Pair, program: &Program, difference: &Difference) -> Program {
    let deadline = Instant::now() + TIME_MAX;
    let differs = |steps: &[Step]| pair.run(&Program { steps: steps.to_vec() }).is_some();

    // What comes after the difference cannot matter.
    let mut steps = program.steps.clone();
    steps.truncate(difference.step + 1);
    if !differs(&steps) {
        return program.clone();
    }
    let unpipelined: Vec<Step> =
        steps.iter().map(|step| Step { pipelined: false, ..step.clone() }).collect();
    if differs(&unpipelined) {
        steps = unpipelined;
    }
    let mut span = steps.len() / 2;
    while span > 0 && Instant::now() < deadline {
        let mut at = 0;
        while at < steps.len() && Instant::now() < deadline {
            let end = (at + span).min(steps.len());
            let fewer = [&steps[..at], &steps[end..]].concat();
            if differs(&fewer) {
                steps = fewer;
            } else {
                at = end;
            }
        }
        span /= 2;
    }
    Program { steps }
}
