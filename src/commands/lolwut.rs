//! LOLWUT: a small picture for those who ask, another one each time. The rock that the server is
//! named after cools into columns; here they stand, cut off at different heights.

use basalt_shard::error::text;
use basalt_shard::random::Random;

use crate::client::REDIS_VERSION;
use crate::clock::now_us;
use crate::commands::replies::{Failure, answer};
use crate::commands::row::*;
use crate::thread::process_command::ProcessContext;

/// The rows of this file.
pub(crate) const ROWS: &[Command] =
    &[command("lolwut", -1, Now(|context| answer(context, lolwut)))
        .flags(READONLY | FAST)
        .group(Group::Server)
        .since("5.0.0")
        .summary("Draws something")
        .complexity("")
        .args(&[Arg::integer("version").after("VERSION").optional()])];

const COLUMNS: usize = 11;
const HEIGHT_MAX: usize = 9;

/// There is one picture, whichever version is asked for.
fn lolwut(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    if context.args.len() > 2 && context.args.is(1, "version") {
        context.args.integer(2).map_err(|_| text::NOT_AN_INTEGER)?;
    }
    let mut random = Random::new(now_us());
    let heights: Vec<usize> =
        (0..COLUMNS).map(|_| 1 + random.below(HEIGHT_MAX as u64) as usize).collect();
    let picture = columns(&heights) + &format!("\nRedis ver. {REDIS_VERSION}\n");
    context.reply.verbatim("txt", picture.as_bytes());
    Ok(())
}

/// Columns of these heights side by side, with tops that show that they have six corners.
fn columns(heights: &[usize]) -> String {
    let mut picture = String::new();
    for level in (0..=HEIGHT_MAX).rev() {
        let line: String = heights
            .iter()
            .map(|height| match level.cmp(height) {
                std::cmp::Ordering::Less => "|  |",
                std::cmp::Ordering::Equal => "/__\\",
                std::cmp::Ordering::Greater => "    ",
            })
            .collect();
        let line = line.trim_end();
        if !line.is_empty() {
            picture.push_str(line);
            picture.push('\n');
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_their_heights() {
        assert_eq!(columns(&[1, 2]), "    /__\\\n/__\\|  |\n|  ||  |\n");
    }
}
