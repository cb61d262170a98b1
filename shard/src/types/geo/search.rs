//! Searching: all positions in a shape, by the cells that cover it.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::cell::Position;
use super::earth;
use super::points::reply_position;
use super::query::{Form, Query, Sorting, Store};
use super::shape::Shape;
use crate::command::Args;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult};
use crate::resp::ReplyBuffer;
use crate::tree::Side;
use crate::types::zset::{self, SortedSet};
use crate::view::View;

/// A member that was found.
struct Found {
    member: Bytes,
    score: f64,
    position: Position,
    /// From the middle, in metres.
    distance: f64,
}

/// What one takes while it waits for its turn, beside the member's bytes.
const FOUND_BYTES: u64 = 128;

/// GEORADIUS key longitude latitude radius unit [options] [STORE key | STOREDIST key]
pub(super) fn georadius(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    search(view, args, Form::Radius { is_read_only: false }, reply)
}

/// GEORADIUS_RO key longitude latitude radius unit [options]
pub(super) fn georadius_ro(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    search(view, args, Form::Radius { is_read_only: true }, reply)
}

/// GEORADIUSBYMEMBER key member radius unit [options] [STORE key | STOREDIST key]
pub(super) fn georadiusbymember(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    search(view, args, Form::RadiusByMember { is_read_only: false }, reply)
}

/// GEORADIUSBYMEMBER_RO key member radius unit [options]
pub(super) fn georadiusbymember_ro(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    search(view, args, Form::RadiusByMember { is_read_only: true }, reply)
}

/// GEOSEARCH key FROMMEMBER … | FROMLONLAT … BYRADIUS … | BYBOX … [options]
pub(super) fn geosearch(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    search(view, args, Form::Search, reply)
}

/// GEOSEARCHSTORE destination source FROMMEMBER … | FROMLONLAT … BYRADIUS … | BYBOX … [options]
pub(super) fn geosearchstore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    search(view, args, Form::SearchStore, reply)
}

fn search(
    view: &mut View<'_>,
    args: Args<'_>,
    form: Form,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    view.count_lookups(true);
    let set = SortedSet::open(view, args.get(form.source()))?;
    view.count_lookups(false);
    let query = Query::parse(view, args, form, set.as_ref())?;
    let mut found = match set.zip(query.shape()) {
        Some((set, shape)) => find(view, &set, &shape, &query)?,
        None => Vec::new(),
    };
    // The nearest ones are wanted where some are and nobody says which.
    let sorting = match query.sorting {
        Sorting::None if query.count > 0 && !query.any => Sorting::Nearest,
        other => other,
    };
    match sorting {
        Sorting::None => {}
        Sorting::Nearest => found.sort_by(|one, other| one.distance.total_cmp(&other.distance)),
        Sorting::Farthest => found.sort_by(|one, other| other.distance.total_cmp(&one.distance)),
    }
    if query.count > 0 {
        found.truncate(usize::try_from(query.count).unwrap_or(usize::MAX));
    }
    let metres = query.shape().map_or(1.0, |shape| shape.unit.metres);
    match query.store {
        Some(to) => {
            let is_search = form == Form::SearchStore;
            let event = if is_search { Event::GEOSEARCHSTORE } else { Event::GEORADIUSSTORE };
            store(view, (to, event), (found, metres), reply)
        }
        None => {
            show(&query, (found, metres), reply);
            Ok(())
        }
    }
}

/// The members in a shape, cell by cell.
fn find(
    view: &mut View<'_>,
    set: &SortedSet,
    shape: &Shape,
    query: &Query<'_>,
) -> Result<Vec<Found>, CommandError> {
    let enough = if query.any { query.count } else { u64::MAX };
    let mut found = Vec::new();
    for cell in shape.cells() {
        let ranks = set.ranks_of_scores(view, cell.scores())?;
        let count = ranks.end - ranks.start;
        set.charge_walk(view, count)?;
        view.charge(count)?;
        view.expect_work(count.min(enough).saturating_mul(FOUND_BYTES))?;
        set.walk(view, ranks, Side::Back, |member, score| {
            let position = Position::of_score(score);
            if let Some(distance) = shape.distance_within(position) {
                let member = Bytes::copy_from_slice(member);
                found.push(Found { member, score, position, distance });
            }
            let is_enough = found.len() as u64 >= enough;
            if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if found.len() as u64 >= enough {
            break;
        }
    }
    Ok(found)
}

/// Replies with what was found; distances are in a unit of so many metres.
fn show(query: &Query<'_>, (found, metres): (Vec<Found>, f64), reply: &mut ReplyBuffer) {
    let options = [query.with_distance, query.with_hash, query.with_position];
    let options = options.iter().filter(|option| **option).count();
    reply.array(found.len());
    for one in found {
        if options > 0 {
            reply.array(options + 1);
        }
        reply.bulk(&one.member);
        if query.with_distance {
            reply.bulk(earth::text(one.distance / metres).as_bytes());
        }
        if query.with_hash {
            reply.integer(one.score as i64);
        }
        if query.with_position {
            reply_position(one.position, reply);
        }
        if reply.is_over() {
            break;
        }
    }
}

/// Makes a sorted set of what was found.
fn store(
    view: &mut View<'_>,
    (to, event): (Store<'_>, Event),
    (found, metres): (Vec<Found>, f64),
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let count = found.len();
    reply.integer(count as i64);
    let members = found.into_iter().map(|one| {
        let score = if to.of_distances { one.distance / metres } else { one.score };
        (score, one.member)
    });
    zset::store(view, to.name, members.collect(), event)?;
    if count > 0 {
        view.count_changes(count);
    }
    Ok(())
}
