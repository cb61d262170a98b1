//! Conditions on the value that a key holds, for SET and DELEX, and the digests they may use
//! instead of the value itself. As in Redis 8.4.

use xxhash_rust::xxh3::xxh3_64;

use super::value;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult};
use crate::keyspace::head::Kind;
use crate::resp::ReplyBuffer;
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("delex", -2, delex)
        .flags(WRITE | FAST)
        .group(Group::String)
        .since("8.4.0")
        .summary("Deletes a key if the string there, or its digest, compares as stated")
        .complexity("O(1), or O(N) in the length of the string when digests are compared")
        .keys(&[KeySpec::one(1).change().delete().by_options(flags_of_delex)])
        .args(&[
            Arg::key("key", 0),
            Arg::one_of(
                "condition",
                &[
                    Arg::string("ifeq-value").after("IFEQ"),
                    Arg::string("ifne-value").after("IFNE"),
                    Arg::integer("ifdeq-digest").after("IFDEQ"),
                    Arg::integer("ifdne-digest").after("IFDNE"),
                ],
            )
            .optional(),
        ]),
    command("digest", 2, digest_command)
        .flags(READONLY | FAST)
        .group(Group::String)
        .since("8.4.0")
        .summary("Returns a hash of the string at a key")
        .complexity("O(N) where N is the length of the string")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[Arg::key("key", 0)]),
];

/// Characters of a digest.
const DIGEST_CHARACTERS: usize = 16;

const WRONG_DIGEST_LENGTH: &str = "ERR must be exactly 16 hexadecimal characters";
const NOT_A_STRING: &str = "ERR Key should be of string type if conditions are specified";
const UNKNOWN_CONDITION: &str = "ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE";
const DELEX_ARITY: &str = "ERR wrong number of arguments for 'delex' command";

/// What must be true of the current value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison<'a> {
    /// IFEQ.
    Is(&'a [u8]),
    /// IFNE.
    IsNot(&'a [u8]),
    /// IFDEQ.
    DigestIs(&'a [u8]),
    /// IFDNE.
    DigestIsNot(&'a [u8]),
}

impl<'a> Comparison<'a> {
    /// The comparison that `word` names, with `operand`.
    pub(super) fn parse(word: &[u8], operand: &'a [u8]) -> Option<Self> {
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        if is(b"IFEQ") {
            Some(Comparison::Is(operand))
        } else if is(b"IFNE") {
            Some(Comparison::IsNot(operand))
        } else if is(b"IFDEQ") {
            Some(Comparison::DigestIs(operand))
        } else if is(b"IFDNE") {
            Some(Comparison::DigestIsNot(operand))
        } else {
            None
        }
    }

    /// What it comes to when there is no value: that is different from every value.
    pub(super) fn holds_for_nothing(&self) -> bool {
        matches!(self, Comparison::IsNot(_) | Comparison::DigestIsNot(_))
    }

    /// Whether it is true of `current`.
    pub(super) fn holds(&self, view: &mut View<'_>, current: &[u8]) -> Result<bool, CommandError> {
        value::charge_copy(view, current.len())?;
        Ok(match self {
            Comparison::Is(value) => current == *value,
            Comparison::IsNot(value) => current != *value,
            Comparison::DigestIs(expected) => digest_matches(current, expected)?,
            Comparison::DigestIsNot(expected) => !digest_matches(current, expected)?,
        })
    }
}

/// XXH3 of 64 bits, in hexadecimal.
fn digest(value: &[u8]) -> String {
    format!("{:0width$x}", xxh3_64(value), width = DIGEST_CHARACTERS)
}

/// As in Redis only the length of an expected digest is checked: one with other characters
/// matches no value.
fn digest_matches(value: &[u8], expected: &[u8]) -> Result<bool, CommandError> {
    if expected.len() != DIGEST_CHARACTERS {
        return Err(WRONG_DIGEST_LENGTH.into());
    }
    Ok(digest(value).as_bytes().eq_ignore_ascii_case(expected))
}

/// DIGEST key
pub(super) fn digest_command(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let key = value::open(view, args.get(1))?;
    match value::value(&key) {
        Some(current) => {
            value::charge_copy(view, current.len())?;
            reply.bulk(digest(current).as_bytes());
        }
        None => reply.null(),
    }
    Ok(())
}

/// What a DELEX does to its key: without a condition it deletes whatever is there.
fn flags_of_delex(args: Args<'_>) -> Flags {
    if args.len() > 2 {
        key_flag::RW | key_flag::ACCESS | key_flag::DELETE
    } else {
        key_flag::RM | key_flag::DELETE
    }
}

/// DELEX key [IFEQ value | IFNE value | IFDEQ digest | IFDNE digest]
pub(super) fn delex(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    if args.len() != 2 && args.len() != 4 {
        return Err(DELEX_ARITY.into());
    }
    let key = view.open(args.get(1))?;
    let Some(head) = &key.head else {
        reply.integer(0);
        return Ok(());
    };
    if args.len() == 4 {
        if head.kind != Kind::String {
            return Err(NOT_A_STRING.into());
        }
        let comparison = Comparison::parse(args.get(2), args.get(3)).ok_or(UNKNOWN_CONDITION)?;
        let current = value::bytes(&key);
        if !comparison.holds(view, current)? {
            reply.integer(0);
            return Ok(());
        }
    }
    view.remove(&key);
    view.tell(Event::DEL, &key);
    reply.integer(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestShard;

    #[test]
    fn digests_are_xxh3_with_leading_zeros() {
        let mut shard = TestShard::new();
        assert_eq!(shard.run("DIGEST a"), "$-1");
        for (value, digest) in [
            ("hello", "9555e8555c62dcfd"),
            ("", "2d06800538d394c2"),
            ("123", "404a763b3f4c8c9a"),
            ("v8", "0cc76dbb41381419"),
        ] {
            shard.run_bytes(&[b"SET", b"a", value.as_bytes()]);
            assert_eq!(shard.run("DIGEST a"), format!("$16 {digest}"), "{value}");
        }
    }

    #[test]
    fn delex_compares_before_it_deletes() {
        let mut shard = TestShard::new();
        assert_eq!(shard.run("DELEX a"), ":0");
        assert_eq!(shard.run("DELEX a IFNE x"), ":0");
        assert_eq!(shard.run("DELEX a FOO x"), ":0");
        shard.run("SET a hello");
        assert_eq!(shard.run("DELEX a IFEQ other"), ":0");
        assert_eq!(shard.run("DELEX a ifne hello"), ":0");
        assert_eq!(shard.run("DELEX a IFDEQ zzzzzzzzzzzzzzzz"), ":0");
        assert_eq!(shard.run("DELEX a IFDNE 9555E8555C62DCFD"), ":0");
        assert_eq!(
            shard.run("DELEX a FOO hello"),
            "-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"
        );
        assert_eq!(
            shard.run("DELEX a IFDEQ 955"),
            "-ERR must be exactly 16 hexadecimal characters"
        );
        assert_eq!(shard.run("DELEX a IFEQ"), "-ERR wrong number of arguments for 'delex' command");
        shard.shard.cache().clear();
        shard.engine.set_cold(true);
        assert_eq!(shard.run("DELEX a IFDEQ 9555E8555C62DCFD"), ":1");
        assert_eq!(shard.run("GET a"), "$-1");
        shard.run("SET a hello");
        assert_eq!(shard.run("DELEX a"), ":1");
    }

    #[test]
    fn delex_deletes_other_types_only_without_condition() {
        let mut shard = TestShard::new();
        shard.put_other_type("l");
        assert_eq!(
            shard.run("DELEX l IFEQ x"),
            "-ERR Key should be of string type if conditions are specified"
        );
        assert!(shard.run("DIGEST l").starts_with("-WRONGTYPE"));
        assert_eq!(shard.run("DELEX l"), ":1");
        assert_eq!(shard.run("DELEX l"), ":0");
    }
}
