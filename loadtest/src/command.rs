//! The commands that a run can send: one row each, and the mix of them.
//!
//! String, counter and hash keys live in key families of their own (see `template.rs`), so that
//! no mix meets a key of the wrong type.

use crate::error::{Failure, Result};
use crate::family::Family;
use crate::rng::Rng;
use crate::template::Part::{self, Field, Key, Text, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Get,
    Set,
    Incr,
    Mget,
    Mset,
    Del,
    Hset,
    Hget,
    Hgetall,
    Expire,
    Ping,
    Append,
    Hdel,
    Persist,
}

/// How many keys, fields and seconds the commands with such arguments name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) keys_per_command: usize,
    pub(crate) expire_seconds: u64,
}

pub(crate) const COMMAND_COUNT: usize = 14;

impl Command {
    pub(crate) const ALL: [Command; COMMAND_COUNT] = [
        Command::Get,
        Command::Set,
        Command::Incr,
        Command::Mget,
        Command::Mset,
        Command::Del,
        Command::Hset,
        Command::Hget,
        Command::Hgetall,
        Command::Expire,
        Command::Ping,
        Command::Append,
        Command::Hdel,
        Command::Persist,
    ];

    pub(crate) fn index(self) -> usize {
        self as usize
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    pub(crate) fn family(self) -> Option<Family> {
        self.row().1
    }

    fn row(self) -> (&'static str, Option<Family>) {
        match self {
            Command::Get => ("get", Some(Family::String)),
            Command::Set => ("set", Some(Family::String)),
            Command::Incr => ("incr", Some(Family::Counter)),
            Command::Mget => ("mget", Some(Family::String)),
            Command::Mset => ("mset", Some(Family::String)),
            Command::Del => ("del", Some(Family::String)),
            Command::Hset => ("hset", Some(Family::Hash)),
            Command::Hget => ("hget", Some(Family::Hash)),
            Command::Hgetall => ("hgetall", Some(Family::Hash)),
            Command::Expire => ("expire", Some(Family::String)),
            Command::Ping => ("ping", None),
            Command::Append => ("append", Some(Family::String)),
            Command::Hdel => ("hdel", Some(Family::Hash)),
            Command::Persist => ("persist", Some(Family::String)),
        }
    }

    pub(crate) fn parts(self, shape: Shape) -> Vec<Part> {
        let mut parts = vec![Text(self.name().to_ascii_uppercase())];
        match self {
            Command::Mget => parts.extend((0..shape.keys_per_command).map(|_| Key)),
            Command::Mset => {
                parts.extend((0..shape.keys_per_command).flat_map(|_| [Key, Value]));
            }
            Command::Set | Command::Append => parts.extend([Key, Value]),
            Command::Hset => parts.extend([Key, Field, Value]),
            Command::Hget | Command::Hdel => parts.extend([Key, Field]),
            Command::Expire => parts.extend([Key, Text(shape.expire_seconds.to_string())]),
            Command::Ping => {}
            Command::Get | Command::Incr | Command::Del | Command::Hgetall | Command::Persist => {
                parts.push(Key)
            }
        }
        parts
    }
}

/// Commands with their weights, as in `get=90,set=10`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mix {
    entries: Vec<(Command, u64)>,
    total: u64,
}

/// Weights need no finer steps, and their sum stays far from overflow.
const WEIGHT_MAX: u64 = 1_000_000;

impl Mix {
    pub(crate) fn parse(text: &str) -> Result<Mix> {
        let mut entries: Vec<(Command, u64)> = Vec::new();
        for item in text.split(',') {
            let (name, weight) = item.split_once('=').unwrap_or((item, "1"));
            let name = name.trim();
            let command = Command::ALL
                .into_iter()
                .find(|command| command.name().eq_ignore_ascii_case(name))
                .ok_or_else(|| {
                    let known = Command::ALL.map(Command::name).join(", ");
                    Failure::new(format!("unknown command '{name}'; known: {known}"))
                })?;
            let weight = weight
                .trim()
                .parse::<u64>()
                .ok()
                .filter(|weight| (1..=WEIGHT_MAX).contains(weight))
                .ok_or_else(|| {
                    Failure::new(format!("'{item}': a weight is a number in 1..{WEIGHT_MAX}"))
                })?;
            if entries.iter().any(|&(earlier, _)| earlier == command) {
                return Err(Failure::new(format!("'{name}' is given twice")));
            }
            entries.push((command, weight));
        }
        Ok(Mix::of(entries))
    }

    /// GET and SET, `share` of them GET.
    pub(crate) fn reads_and_writes(share: f64) -> Mix {
        let reads = (share * WEIGHT_MAX as f64).round() as u64;
        let entries = [(Command::Get, reads), (Command::Set, WEIGHT_MAX - reads)];
        Mix::of(entries.into_iter().filter(|&(_, weight)| weight > 0).collect())
    }

    fn of(entries: Vec<(Command, u64)>) -> Mix {
        let total = entries.iter().map(|&(_, weight)| weight).sum();
        Mix { entries, total }
    }

    pub(crate) fn commands(&self) -> impl Iterator<Item = Command> {
        self.entries.iter().map(|&(command, _)| command)
    }

    pub(crate) fn pick(&self, rng: &mut Rng) -> Command {
        let (mut command, _) = self.entries[0];
        if self.entries.len() > 1 {
            let mut at = rng.below(self.total);
            for &(candidate, weight) in &self.entries {
                command = candidate;
                if at < weight {
                    break;
                }
                at -= weight;
            }
        }
        command
    }

    /// The mix as it is written on the command line, in per cent.
    pub(crate) fn describe(&self) -> String {
        let share = |weight: u64| weight as f64 * 100.0 / self.total as f64;
        let items: Vec<String> = self
            .entries
            .iter()
            .map(|&(command, weight)| format!("{}={}", command.name(), round2(share(weight))))
            .collect();
        items.join(",")
    }
}

fn round2(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_the_order_of_their_index() {
        for (index, command) in Command::ALL.into_iter().enumerate() {
            assert_eq!(command.index(), index);
        }
    }

    #[test]
    fn mix_is_parsed_and_described() {
        let mix = Mix::parse("get=3, SET=1").expect("valid");
        assert_eq!(mix.describe(), "get=75,set=25");
        assert_eq!(Mix::parse("ping").expect("valid").describe(), "ping=100");
    }

    #[test]
    fn bad_mixes_are_refused() {
        for text in ["", "get=0", "get=x", "get=1,get=2", "subscribe=1", "get=1,", "get=-1"] {
            assert!(Mix::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn picks_follow_the_weights() {
        let mut rng = Rng::for_stream(9, 0);
        let mix = Mix::parse("get=70,set=20,incr=10").expect("valid");
        let mut counts = [0u32; COMMAND_COUNT];
        for _ in 0..100_000 {
            counts[mix.pick(&mut rng).index()] += 1;
        }
        assert!((69_000..71_000).contains(&counts[Command::Get.index()]), "{counts:?}");
        assert!((19_000..21_000).contains(&counts[Command::Set.index()]), "{counts:?}");
        assert!((9_400..10_600).contains(&counts[Command::Incr.index()]), "{counts:?}");
    }

    #[test]
    fn read_share_at_its_ends_is_one_command() {
        assert_eq!(Mix::reads_and_writes(1.0).describe(), "get=100");
        assert_eq!(Mix::reads_and_writes(0.0).describe(), "set=100");
        assert_eq!(Mix::reads_and_writes(0.9).describe(), "get=90,set=10");
    }
}
