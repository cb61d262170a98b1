//! BITFIELD and BITFIELD_RO: integers of any width at any bit.

use super::{bits, single, target};
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::number;
use crate::resp::ReplyBuffer;
use crate::types::string;
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("bitfield", -2, bitfield)
        .flags(WRITE | DENYOOM)
        .group(Group::Bitmap)
        .since("3.2.0")
        .summary("Reads and changes integers of any width inside the string at a key")
        .complexity("O(N) where N is the number of operations plus the length of the string")
        .keys(&[KeySpec::one(1)
            .change()
            .access()
            .update()
            .by_options(flags_of_bitfield)
            .note("This command allows both access and modification of the key")])
        .args(&[
            Arg::key("key", 0),
            Arg::one_of(
                "operation",
                &[
                    Arg::block("get-block", &[Arg::string("encoding"), Arg::integer("offset")])
                        .after("GET"),
                    Arg::block(
                        "write",
                        &[
                            Arg::one_of(
                                "overflow-block",
                                &[
                                    Arg::word("wrap", "WRAP"),
                                    Arg::word("sat", "SAT"),
                                    Arg::word("fail", "FAIL"),
                                ],
                            )
                            .after("OVERFLOW")
                            .optional(),
                            Arg::one_of(
                                "write-operation",
                                &[
                                    Arg::block(
                                        "set-block",
                                        &[
                                            Arg::string("encoding"),
                                            Arg::integer("offset"),
                                            Arg::integer("value"),
                                        ],
                                    )
                                    .after("SET"),
                                    Arg::block(
                                        "incrby-block",
                                        &[
                                            Arg::string("encoding"),
                                            Arg::integer("offset"),
                                            Arg::integer("increment"),
                                        ],
                                    )
                                    .after("INCRBY"),
                                ],
                            ),
                        ],
                    ),
                ],
            )
            .optional()
            .multiple(),
        ]),
    command("bitfield_ro", -2, bitfield_ro)
        .flags(READONLY | FAST)
        .group(Group::Bitmap)
        .since("6.0.0")
        .summary("Reads integers of any width inside the string at a key")
        .complexity("O(N) where N is the number of operations")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[
            Arg::key("key", 0),
            Arg::block("get-block", &[Arg::string("encoding"), Arg::integer("offset")])
                .after("GET")
                .optional()
                .multiple()
                .multiple_token(),
        ]),
];

const INVALID_TYPE: &str = "ERR Invalid bitfield type. Use something like i16 u8. \
    Note that u64 is not supported but i64 is.";
const INVALID_OVERFLOW: &str = "ERR Invalid OVERFLOW type specified";
const READ_ONLY: &str = "ERR BITFIELD_RO only supports the GET subcommand";

/// What becomes of a number that its field cannot hold.
#[derive(Clone, Copy)]
enum Overflow {
    Wrap,
    Saturate,
    Fail,
}

/// The type of a field: `i8`, `u63` …
#[derive(Clone, Copy)]
struct FieldType {
    signed: bool,
    bits: u32,
}

impl FieldType {
    fn parse(text: &[u8]) -> Option<Self> {
        let (signed, digits, bits_max) = match text {
            [b'i', digits @ ..] => (true, digits, bits::FIELD_BITS_MAX),
            // A reply is a signed integer, so an unsigned field has one bit less.
            [b'u', digits @ ..] => (false, digits, bits::FIELD_BITS_MAX - 1),
            _ => return None,
        };
        let bits = u32::try_from(number::parse_u64(digits)?).ok()?;
        (1..=bits_max).contains(&bits).then_some(Self { signed, bits })
    }

    /// Number of different values.
    fn span(self) -> i128 {
        1 << self.bits
    }

    fn min(self) -> i128 {
        if self.signed { -(self.span() / 2) } else { 0 }
    }

    fn max(self) -> i128 {
        self.min() + self.span() - 1
    }

    /// The value whose low bits are `bits`.
    fn wrap(self, bits: i128) -> i128 {
        (bits - self.min()).rem_euclid(self.span()) + self.min()
    }

    /// What a field holds after it is told to hold `wanted`; `None` when that fails.
    fn fit(self, wanted: i128, overflow: Overflow) -> Option<i128> {
        match overflow {
            _ if (self.min()..=self.max()).contains(&wanted) => Some(wanted),
            Overflow::Wrap => Some(self.wrap(wanted)),
            Overflow::Saturate => Some(wanted.clamp(self.min(), self.max())),
            Overflow::Fail => None,
        }
    }

    /// An argument of SET as the number to hold: a negative one is a very large one for an
    /// unsigned field. To Redis it is that for a signed field too (but not for `i64`) when the way
    /// from there to the field's maximum is more than 64 bits can say: it saturates upwards.
    fn wanted(self, argument: i64) -> i128 {
        let argument = i128::from(argument);
        let is_large = if self.signed {
            self.bits < bits::FIELD_BITS_MAX && self.max() - argument > i128::from(i64::MAX)
        } else {
            argument < 0
        };
        if is_large { argument + (1 << 64) } else { argument }
    }
}

#[derive(Clone, Copy)]
enum Action {
    Get,
    Set(i64),
    Increment(i64),
}

/// One subcommand.
#[derive(Clone, Copy)]
struct Operation {
    field: FieldType,
    offset: u64,
    action: Action,
    overflow: Overflow,
}

impl Operation {
    /// Reads the subcommands of a BITFIELD.
    fn parse_all(view: &View<'_>, args: Args<'_>) -> Result<Vec<Self>, CommandError> {
        let mut operations = Vec::new();
        let mut overflow = Overflow::Wrap;
        let mut index = 2;
        while index < args.len() {
            let operands = args.len() - index - 1;
            if args.is(index, "OVERFLOW") && operands >= 1 {
                overflow = if args.is(index + 1, "WRAP") {
                    Overflow::Wrap
                } else if args.is(index + 1, "SAT") {
                    Overflow::Saturate
                } else if args.is(index + 1, "FAIL") {
                    Overflow::Fail
                } else {
                    return Err(INVALID_OVERFLOW.into());
                };
                index += 2;
                continue;
            }
            let action: fn(i64) -> Action = if args.is(index, "GET") && operands >= 2 {
                |_| Action::Get
            } else if args.is(index, "SET") && operands >= 3 {
                Action::Set
            } else if args.is(index, "INCRBY") && operands >= 3 {
                Action::Increment
            } else {
                return Err(text::SYNTAX.into());
            };
            let field = FieldType::parse(args.get(index + 1)).ok_or(INVALID_TYPE)?;
            let offset = target::parse_offset(view, args.get(index + 2), Some(field.bits))?;
            let reads = matches!(action(0), Action::Get);
            let action = action(if reads { 0 } else { args.integer(index + 3)? });
            operations.push(Self { field, offset, action, overflow });
            index += if reads { 3 } else { 4 };
        }
        Ok(operations)
    }

    fn writes(&self) -> bool {
        !matches!(self.action, Action::Get)
    }

    fn read(&self, value: &[u8]) -> i128 {
        let stored = bits::read_field(value, self.offset, self.field.bits);
        self.field.wrap(i128::from(stored))
    }

    /// Does it to `value`; what to reply, `None` when it failed.
    fn write(&self, value: &mut [u8]) -> Option<i128> {
        let old = self.read(value);
        let wanted = match self.action {
            Action::Get => return Some(old),
            Action::Set(argument) => self.field.wanted(argument),
            Action::Increment(argument) => old + i128::from(argument),
        };
        let new = self.field.fit(wanted, self.overflow)?;
        bits::write_field(value, self.offset, self.field.bits, new as u64);
        Some(if matches!(self.action, Action::Set(_)) { old } else { new })
    }
}

/// What a BITFIELD does to its key: with nothing but GET it only reads. What is no operation counts
/// as a change.
fn flags_of_bitfield(args: Args<'_>) -> Flags {
    let mut index = 2;
    while index < args.len() {
        let behind = args.len() - index - 1;
        if args.is(index, "get") && behind >= 2 {
            index += 3;
        } else if args.is(index, "overflow") && behind >= 1 {
            index += 2;
        } else {
            return key_flag::RW | key_flag::ACCESS | key_flag::UPDATE;
        }
    }
    key_flag::RO | key_flag::ACCESS
}

/// BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] SET type offset value |
/// INCRBY type offset increment …]
pub(super) fn bitfield(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let operations = Operation::parse_all(view, args)?;
    view.charge(operations.len() as u64)?;
    let last_written = operations
        .iter()
        .filter(|operation| operation.writes())
        .map(|operation| operation.offset + u64::from(operation.field.bits) - 1)
        .max();
    let Some(last_written) = last_written else {
        return reply_fields(view, args, &operations, reply);
    };
    let key = string::open(view, args.get(1))?;
    // The string becomes as long as all the writes together need, even if they fail.
    let mut draft = target::draft(view, &key, single::bytes_up_to(last_written))?;
    let is_longer = target::is_longer(&key, &draft);
    let mut changes = 0;
    reply.array(operations.len());
    for operation in &operations {
        let before = operation.read(draft.value());
        match operation.write(draft.value_mut()) {
            Some(number) => {
                let is_changed = is_longer || operation.read(draft.value()) != before;
                changes += usize::from(operation.writes() && is_changed);
                reply.integer(number as i64);
            }
            None => reply.null(),
        }
    }
    target::put(view, &key, draft);
    view.count_changes(changes);
    if changes > 0 {
        view.tell(Event::SETBIT, &key);
    }
    Ok(())
}

/// BITFIELD_RO key [GET type offset …]
pub(super) fn bitfield_ro(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let operations = Operation::parse_all(view, args)?;
    if operations.iter().any(Operation::writes) {
        return Err(READ_ONLY.into());
    }
    view.charge(operations.len() as u64)?;
    reply_fields(view, args, &operations, reply)
}

fn reply_fields(
    view: &mut View<'_>,
    args: Args<'_>,
    operations: &[Operation],
    reply: &mut ReplyBuffer,
) -> CommandResult {
    // BITFIELD that only gets is a read.
    view.count_lookups(true);
    let key = string::open(view, args.get(1))?;
    let current = string::bytes(&key);
    reply.array(operations.len());
    for operation in operations {
        reply.integer(operation.read(current) as i64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::resp::Protocol;
    use crate::testing::TestShard;

    #[test]
    fn a_failed_increment_is_null_and_still_makes_room() {
        let mut shard = TestShard::new();
        assert_eq!(shard.run("BITFIELD a OVERFLOW FAIL INCRBY u2 #5 4 GET u8 0"), "*2 $-1 :0");
        assert_eq!(shard.run("STRLEN a"), ":2");
        shard.protocol = Protocol::Resp3;
        assert_eq!(shard.run("BITFIELD a OVERFLOW FAIL SET i4 0 8"), "*1 _");
    }

    #[test]
    fn a_very_negative_number_saturates_upwards_as_in_redis() {
        let mut shard = TestShard::new();
        let set = "BITFIELD a OVERFLOW SAT SET i8 0";
        shard.run(&format!("{set} -9223372036854775808"));
        assert_eq!(shard.run("BITFIELD_RO a GET i8 0"), "*1 :127");
        shard.run(&format!("{set} -9223372036854775680"));
        assert_eq!(shard.run("BITFIELD_RO a GET i8 0"), "*1 :-128");
        shard.run("BITFIELD b OVERFLOW SAT SET i64 0 -2");
        assert_eq!(shard.run("BITFIELD_RO b GET i64 0"), "*1 :-2");
    }

    #[test]
    fn read_only_means_get_only() {
        let mut shard = TestShard::new();
        assert_eq!(
            shard.run("BITFIELD_RO a GET u8 0 SET u8 0 1"),
            "-ERR BITFIELD_RO only supports the GET subcommand"
        );
        assert_eq!(shard.run("BITFIELD a GET u63 #9 GET i64 0"), "*2 :0 :0");
        assert!(shard.head("a").is_none());
    }
}
