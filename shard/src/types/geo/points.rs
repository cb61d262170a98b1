//! Positions of single members.

use super::cell::Position;
use super::earth::{self, Unit};
use super::query::{UNKNOWN_UNIT, position, position_of};
use crate::command::Args;
use crate::command::row::*;
use crate::error::{CommandResult, text};
use crate::resp::ReplyBuffer;
use crate::types::zset::{self, Options, SortedSet};
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);
const MEMBER: Arg = Arg::string("member");
pub(super) const UNIT: Arg = Arg::one_of(
    "unit",
    &[Arg::word("m", "m"), Arg::word("km", "km"), Arg::word("ft", "ft"), Arg::word("mi", "mi")],
);

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("geoadd", -5, geoadd)
        .flags(WRITE | DENYOOM)
        .group(Group::Geo)
        .since("3.2.0")
        .summary("Adds members with their positions, or changes these")
        .complexity(
            "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
        )
        .history(&[("6.2.0", "Has the options `CH`, `NX` and `XX`.")])
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[
            KEY,
            Arg::one_of("condition", &[Arg::word("nx", "NX"), Arg::word("xx", "XX")])
                .optional()
                .since("6.2.0"),
            Arg::word("change", "CH").optional().since("6.2.0"),
            Arg::block("data", &[Arg::double("longitude"), Arg::double("latitude"), MEMBER])
                .multiple(),
        ]),
    command("geodist", -4, geodist)
        .flags(READONLY)
        .group(Group::Geo)
        .since("3.2.0")
        .summary("Returns the distance of two members")
        .complexity("O(1)")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, Arg::string("member1"), Arg::string("member2"), UNIT.optional()]),
    command("geohash", -2, geohash)
        .flags(READONLY)
        .group(Group::Geo)
        .since("3.2.0")
        .summary("Returns the positions of members as geohashes")
        .complexity("O(1) for each member requested.")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, MEMBER.multiple().optional()]),
    command("geopos", -2, geopos)
        .flags(READONLY)
        .group(Group::Geo)
        .since("3.2.0")
        .summary("Returns the longitudes and latitudes of members")
        .complexity("O(1) for each member requested.")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, MEMBER.multiple().optional()]),
];

/// GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member …]
pub(super) fn geoadd(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let mut options = Options::default();
    let mut first = 2;
    while first < args.len() {
        let option = if args.is(first, "nx") {
            &mut options.only_new
        } else if args.is(first, "xx") {
            &mut options.only_there
        } else if args.is(first, "ch") {
            &mut options.counts_changes
        } else {
            break;
        };
        *option = true;
        first += 1;
    }
    let rest = args.len() - first;
    if rest == 0 || !rest.is_multiple_of(3) || options.only_new && options.only_there {
        return Err(text::SYNTAX.into());
    }
    let mut members = Vec::with_capacity(rest / 3);
    for index in (first..args.len()).step_by(3) {
        members.push((position(args, index)?.score(), args.get(index + 2)));
    }
    zset::add_members(view, args.get(1), &options, &members, reply)
}

/// GEODIST key member1 member2 [unit]
pub(super) fn geodist(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let unit = match args.len() {
        4 => Unit::METRE,
        5 => Unit::parse(args.get(4)).ok_or(UNKNOWN_UNIT)?,
        _ => return Err(text::SYNTAX.into()),
    };
    let set = SortedSet::open_or_create(view, args.get(1))?;
    let one = position_of(view, &set, args.get(2))?;
    let other = position_of(view, &set, args.get(3))?;
    match one.zip(other) {
        Some((one, other)) => {
            reply.bulk(earth::text(earth::between(one, other) / unit.metres).as_bytes());
        }
        None => reply.null(),
    }
    Ok(())
}

/// GEOHASH key [member …]
pub(super) fn geohash(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let set = SortedSet::open_or_create(view, args.get(1))?;
    reply.array(args.len().saturating_sub(2));
    for member in args.iter_from(2) {
        match position_of(view, &set, member)? {
            Some(position) => reply.bulk(&position.text()),
            None => reply.null(),
        }
    }
    Ok(())
}

/// GEOPOS key [member …]
pub(super) fn geopos(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let set = SortedSet::open_or_create(view, args.get(1))?;
    reply.array(args.len().saturating_sub(2));
    for member in args.iter_from(2) {
        match position_of(view, &set, member)? {
            Some(position) => reply_position(position, reply),
            None => reply.null_array(),
        }
    }
    Ok(())
}

/// A position as replies have it.
pub(super) fn reply_position(position: Position, reply: &mut ReplyBuffer) {
    reply.array(2);
    reply.human_double(position.longitude);
    reply.human_double(position.latitude);
}
