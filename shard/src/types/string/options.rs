//! The options of SET and GETEX.

use super::compare::Comparison;
use super::expiry::Expiry;
use crate::command::Args;
use crate::error::{CommandError, text};

/// When SET sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Condition<'a> {
    /// In any case.
    #[default]
    Always,
    /// NX.
    Absent,
    /// XX.
    Present,
    /// IFEQ, IFNE, IFDEQ, IFDNE.
    Compares(Comparison<'a>),
}

/// The options of SET.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SetOptions<'a> {
    pub(super) condition: Condition<'a>,
    /// GET: the reply is the old value.
    pub(super) get: bool,
    pub(super) expiry: Expiry<'a>,
}

impl<'a> SetOptions<'a> {
    /// Whether it takes the value that is there.
    pub(super) fn needs_value(&self) -> bool {
        self.get || matches!(self.condition, Condition::Compares(_))
    }

    /// Reads the arguments from the third on.
    pub(super) fn parse(args: Args<'a>) -> Result<Self, CommandError> {
        let mut options = Self::default();
        let mut index = 3;
        while index < args.len() {
            if args.is(index, "GET") {
                options.get = true;
            } else if let Some((condition, words)) = condition(args, index) {
                // The same may be said twice, but there is only one condition.
                if options.condition != Condition::Always && options.condition != condition {
                    return Err(text::SYNTAX.into());
                }
                options.condition = condition;
                index += words - 1;
            } else if args.is(index, "KEEPTTL") && Expiry::Keep.may_follow(&options.expiry) {
                options.expiry = Expiry::Keep;
            } else {
                options.expiry = timed(args, index, &options.expiry)?;
                index += 1;
            }
            index += 1;
        }
        Ok(options)
    }
}

/// The option of GETEX.
pub(super) fn parse_getex<'a>(args: Args<'a>) -> Result<Expiry<'a>, CommandError> {
    let mut expiry = Expiry::Unstated;
    let mut index = 2;
    while index < args.len() {
        if args.is(index, "PERSIST") && Expiry::Persist.may_follow(&expiry) {
            expiry = Expiry::Persist;
        } else {
            expiry = timed(args, index, &expiry)?;
            index += 1;
        }
        index += 1;
    }
    Ok(expiry)
}

/// The condition at `index`, with the number of its arguments.
fn condition<'a>(args: Args<'a>, index: usize) -> Option<(Condition<'a>, usize)> {
    if args.is(index, "NX") {
        Some((Condition::Absent, 1))
    } else if args.is(index, "XX") {
        Some((Condition::Present, 1))
    } else if index + 1 < args.len() {
        let comparison = Comparison::parse(args.get(index), args.get(index + 1))?;
        Some((Condition::Compares(comparison), 2))
    } else {
        None
    }
}

/// The option at `index` that takes a time; a syntax error when it is none, or may not be here.
fn timed<'a>(
    args: Args<'a>,
    index: usize,
    earlier: &Expiry<'_>,
) -> Result<Expiry<'a>, CommandError> {
    let time = args.get(index + 1);
    let expiry = if args.is(index, "EX") {
        Expiry::InSeconds(time)
    } else if args.is(index, "PX") {
        Expiry::InMillis(time)
    } else if args.is(index, "EXAT") {
        Expiry::AtSecond(time)
    } else if args.is(index, "PXAT") {
        Expiry::AtMilli(time)
    } else {
        return Err(text::SYNTAX.into());
    };
    if index + 1 < args.len() && expiry.may_follow(earlier) {
        Ok(expiry)
    } else {
        Err(text::SYNTAX.into())
    }
}
