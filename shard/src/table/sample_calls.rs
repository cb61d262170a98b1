//! Random calls of any command, made from what its description says about its arguments. Tests
//! only.
//!
//! A description says what stands where and not what it means, so many calls are answered with an
//! error; of every form of a command some calls get through.

use crate::command::{Arg, ArgKind};
use crate::random::Random;

/// Names of keys: few, so that calls meet what others left.
const KEYS: &[&str] = &["a", "b", "{c}1", "{c}2", "a longer name than the others", ""];
const STRINGS: &[&str] = &[
    "", "a", "b", "0", "10", "-1", "3.5", "and", "xor", "not", "u8", "i5", "#1", "BIT", "match",
    "-", "+", "[a",
];
/// Few, so that one is found beside which another is to be put.
const ELEMENTS: [&str; 2] = ["a", "b"];
const INTEGERS: &[&str] = &["0", "1", "2", "7", "-1", "100", "9223372036854775807"];
const DOUBLES: &[&str] = &["0", "1.5", "-2", "1e10", "inf"];
/// What RESTORE takes: the string `aa`.
const PAYLOAD: &str = "\0\u{2}aa\u{7}\0+RAoB3]8";
const UNIX_TIMES: &[&str] = &["1", "1800000000", "1800000000000"];

/// Texts by the names of their arguments, where others would next to never be of use.
const NAMED: &[(&[&str], &[&str])] = &[
    (&["group", "groupname"], &["g", "g", "h"]),
    (&["consumer", "consumername"], &["c", "d"]),
    (&["id", "last-id", "threshold"], &["0", "1-1", "2-1", "3-1", ">", "$"]),
    (&["start", "end"], &["0", "1-1", "-", "+"]),
];

/// The arguments of one call, after the name. Every other key is `own_key`, so that some calls find
/// what others of the same type left.
pub(super) fn arguments(
    tree: &[Arg],
    own_key: &'static str,
    random: &mut Random,
) -> Vec<&'static str> {
    let mut call = Vec::new();
    let mut numbered = None;
    for arg in tree {
        if arg.optional && random.below(2) == 0 {
            continue;
        }
        let count = match (arg.multiple, arg.kind) {
            (true, ArgKind::Key(_)) if numbered.is_some() => numbered.take().unwrap_or(1),
            (true, _) => 1 + random.below(3),
            (false, _) => 1,
        };
        if arg.name == "numkeys" {
            let number = 1 + random.below(2);
            call.push(if number == 1 { "1" } else { "2" });
            numbered = Some(number);
            continue;
        }
        if arg.name == "serialized-value" {
            call.push(PAYLOAD);
            continue;
        }
        if arg.name == "subcommand" {
            let words = ["todense", "getreg", "encoding", "nonsense"];
            call.push(words[random.below(words.len() as u64) as usize]);
            continue;
        }
        for index in 0..count {
            if !arg.token.is_empty() && (index == 0 || arg.multiple_token) {
                call.push(arg.token);
            }
            match arg.name {
                "element" | "pivot" => call.push(ELEMENTS[random.below(2) as usize]),
                _ => value(arg, own_key, random, &mut call),
            }
        }
    }
    call
}

fn value(arg: &Arg, own_key: &'static str, random: &mut Random, call: &mut Vec<&'static str>) {
    if matches!(arg.kind, ArgKind::Key(_)) && random.below(2) == 0 {
        call.push(own_key);
        return;
    }
    let mut pick = |choices: &[&'static str]| {
        call.push(choices[random.below(choices.len() as u64) as usize]);
    };
    let named = NAMED.iter().find(|(names, _)| names.contains(&arg.name));
    match arg.kind {
        ArgKind::Key(_) => pick(KEYS),
        ArgKind::String => pick(named.map_or(STRINGS, |(_, texts)| texts)),
        ArgKind::Integer => pick(INTEGERS),
        ArgKind::Double => pick(DOUBLES),
        ArgKind::Pattern => pick(&["*", "a*", "[", "?"]),
        ArgKind::UnixTime => pick(UNIX_TIMES),
        ArgKind::PureToken => {}
        ArgKind::Block(inner) => call.extend(arguments(inner, own_key, random)),
        ArgKind::OneOf(inner) => {
            let mut chosen = inner[random.below(inner.len() as u64) as usize];
            chosen.optional = false;
            call.extend(arguments(&[chosen], own_key, random));
        }
    }
}

/// The least number of arguments that a description permits, and whether more are possible.
pub(super) fn least(tree: &[Arg]) -> (usize, bool) {
    let mut total = 0;
    let mut is_open = false;
    for arg in tree {
        let (own, own_is_open) = match arg.kind {
            ArgKind::PureToken => (0, false),
            ArgKind::Block(inner) => least(inner),
            ArgKind::OneOf(inner) => {
                let forms = inner.iter().map(|form| {
                    let mut form = *form;
                    form.optional = false;
                    least(&[form])
                });
                let forms: Vec<(usize, bool)> = forms.collect();
                let fewest = forms.iter().map(|form| form.0).min().unwrap_or(0);
                (fewest, forms.iter().any(|form| form.1 || form.0 != fewest))
            }
            _ => (1, false),
        };
        is_open |= arg.optional || arg.multiple || own_is_open;
        if !arg.optional {
            total += own + usize::from(!arg.token.is_empty());
        }
    }
    (total, is_open)
}
