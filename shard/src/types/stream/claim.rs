//! XCLAIM and XAUTOCLAIM: pending entries get another consumer.

use super::consumer::Consumer;
use super::deliver::PAGE_ENTRIES;
use super::entry;
use super::group::{Group, Pending};
use super::id::{StreamId, parse_start};
use super::pending::open;
use super::read::no_group;
use super::store::Stream;
use crate::command::Args;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::number;
use crate::resp::ReplyBuffer;
use crate::view::View;

/// Entries that XAUTOCLAIM answers with, if nothing is said.
const COUNT: u64 = 100;
/// For each of them so many may be looked at.
const ATTEMPTS: u64 = 10;
const COUNT_MAX: u64 = i64::MAX as u64 / 16;

/// What becomes of what is claimed.
struct Terms {
    /// What was delivered later than so long ago is left alone.
    min_idle_ms: u64,
    /// When it counts as delivered.
    delivered_ms: u64,
    /// How often it counts as delivered.
    deliveries: Option<u64>,
    /// What was not pending becomes so.
    force: bool,
    /// Ids alone are answered, and that is no delivery.
    just_ids: bool,
}

/// A claim on a group's entries.
struct Claim {
    stream: Stream,
    group: Group,
    consumer: Consumer,
    terms: Terms,
    is_new: bool,
    changes: usize,
}

/// What came of one entry.
#[derive(PartialEq, Eq)]
enum Outcome {
    Claimed,
    /// There is no such entry any more; it is not pending any more either.
    Gone,
    Left,
}

impl Claim {
    fn open(
        view: &mut View<'_>,
        (mut stream, mut group): (Stream, Group),
        consumer: &[u8],
        terms: Terms,
    ) -> Result<Self, CommandError> {
        let opened = Consumer::open_or_create(view, &mut stream, &mut group, consumer)?;
        let (consumer, is_new) = opened;
        Ok(Self { stream, group, consumer, terms, is_new, changes: usize::from(is_new) })
    }

    /// Claims an entry, and answers with it.
    fn claim(
        &mut self,
        view: &mut View<'_>,
        (id, before): (StreamId, Option<Pending>),
        reply: &mut ReplyBuffer,
    ) -> Result<Outcome, CommandError> {
        let Some(entry) = self.stream.find(view, id)? else {
            if let Some(pending) = before {
                self.group.remove_pending(view, &self.stream, id, &pending)?;
                self.changes += 1;
            }
            return Ok(Outcome::Gone);
        };
        let terms = &self.terms;
        let is_idle = |pending: &Pending| {
            terms.min_idle_ms == 0 || pending.idle_ms(view.now_ms()) >= terms.min_idle_ms
        };
        if !before.as_ref().map_or(terms.force, is_idle) {
            return Ok(Outcome::Left);
        }
        let deliveries = match (before, terms.deliveries) {
            (_, Some(given)) => given,
            // What a new one begins with is one delivery.
            (None, None) => 1 + u64::from(!terms.just_ids),
            (Some(pending), None) => pending.deliveries.saturating_add(u64::from(!terms.just_ids)),
        };
        let consumer = self.consumer.number;
        let after = Pending { consumer, delivered_ms: terms.delivered_ms, deliveries };
        self.group.put_pending(view, &self.stream, id, (before, after))?;
        self.consumer.active_ms = Some(view.now_ms());
        self.changes += 1;
        if terms.just_ids {
            reply.bulk(&id.text());
        } else {
            entry::decode(&entry)?.write(reply)?;
        }
        Ok(Outcome::Claimed)
    }

    fn save(mut self, view: &mut View<'_>) -> CommandResult {
        self.consumer.save(view, &self.stream, &self.group);
        self.group.save(view, &mut self.stream);
        let events = [Event::XGROUP_CREATECONSUMER];
        self.stream.save(view, &events[..usize::from(self.is_new)])?;
        view.count_changes(self.changes);
        Ok(())
    }
}

fn min_idle_ms(args: Args<'_>, command: &str) -> Result<u64, CommandError> {
    let given = integer(args.get(4), "min-idle-time", command)?;
    Ok(u64::try_from(given).unwrap_or(0))
}

fn integer(text: &[u8], what: &str, command: &str) -> Result<i64, CommandError> {
    let invalid = || CommandError::reply(format!("ERR Invalid {what} argument for {command}"));
    number::parse_i64(text).ok_or_else(invalid)
}

/// XCLAIM key group consumer min-idle-time id … [IDLE ms] [TIME unix-time-ms] [RETRYCOUNT count]
/// [FORCE] [JUSTID] [LASTID last-id]
pub(super) fn xclaim(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let Some((stream, mut group)) = open(view, args.get(1), args.get(2))? else {
        return Err(no_group(args.get(1), args.get(2), ""));
    };
    let min_idle_ms = min_idle_ms(args, "XCLAIM")?;
    let parsed = args.iter_from(5).map_while(|id| StreamId::parse(id, 0).ok());
    let ids: Vec<StreamId> = parsed.collect();
    let (terms, last_id) = options(args, 5 + ids.len(), (min_idle_ms, view.now_ms()))?;
    let moves_on = last_id > group.last_id;
    group.last_id = group.last_id.max(last_id);
    let mut claim = Claim::open(view, (stream, group), args.get(3), terms)?;
    let changes = claim.changes;
    let header = reply.deferred_array();
    let mut len = 0;
    for id in ids {
        let before = claim.group.pending(view, &claim.stream, id)?;
        if claim.claim(view, (id, before), reply)? == Outcome::Claimed {
            len += 1;
        }
    }
    reply.finish_array(header, len);
    claim.changes += usize::from(moves_on && claim.changes == changes);
    claim.save(view)
}

/// The options from `index` on, and the id that the group has read at least.
fn options(
    args: Args<'_>,
    mut index: usize,
    (min_idle_ms, now_ms): (u64, u64),
) -> Result<(Terms, StreamId), CommandError> {
    let (mut delivered_ms, mut retries, mut last_id) = (-1, -1, StreamId::ZERO);
    let (mut force, mut just_ids) = (false, false);
    let value = |index: usize, what: &str| {
        integer(args.get(index + 1), &format!("{what} option"), "XCLAIM")
    };
    while index < args.len() {
        let has_value = index + 1 < args.len();
        let mut taken = 2;
        if args.is(index, "force") {
            (force, taken) = (true, 1);
        } else if args.is(index, "justid") {
            (just_ids, taken) = (true, 1);
        } else if has_value && args.is(index, "idle") {
            delivered_ms = now_ms.cast_signed().wrapping_sub(value(index, "IDLE")?);
        } else if has_value && args.is(index, "time") {
            delivered_ms = value(index, "TIME")?;
        } else if has_value && args.is(index, "retrycount") {
            retries = value(index, "RETRYCOUNT")?;
        } else if has_value && args.is(index, "lastid") {
            last_id = StreamId::parse(args.get(index + 1), 0)?;
        } else {
            let option = String::from_utf8_lossy(args.get(index));
            return Err(CommandError::reply(format!("ERR Unrecognized XCLAIM option '{option}'")));
        }
        index += taken;
    }
    // A time that cannot be is now, and so is none.
    let delivered_ms = u64::try_from(delivered_ms).ok().filter(|given| *given <= now_ms);
    let terms = Terms {
        min_idle_ms,
        delivered_ms: delivered_ms.unwrap_or(now_ms),
        deliveries: u64::try_from(retries).ok(),
        force,
        just_ids,
    };
    Ok((terms, last_id))
}

/// XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]
pub(super) fn xautoclaim(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    // Looked up first, as in Redis: that it is not there is told whatever is wrong behind.
    let opened = open(view, args.get(1), args.get(2));
    let min_idle_ms = min_idle_ms(args, "XAUTOCLAIM")?;
    let start = parse_start(args.get(5))?;
    let (mut count, mut just_ids) = (COUNT, false);
    let mut index = 6;
    while index < args.len() {
        if args.is(index, "count") && index + 1 < args.len() {
            let given = number::parse_u64(args.get(index + 1));
            let given = given.filter(|given| (1..=COUNT_MAX).contains(given));
            count = given.ok_or("ERR COUNT must be > 0")?;
            index += 1;
        } else if args.is(index, "justid") {
            just_ids = true;
        } else {
            return Err(text::SYNTAX.into());
        }
        index += 1;
    }
    let Some(opened) = opened? else {
        return Err(no_group(args.get(1), args.get(2), ""));
    };
    let delivered_ms = view.now_ms();
    let terms = Terms { min_idle_ms, delivered_ms, deliveries: None, force: false, just_ids };
    let mut claim = Claim::open(view, opened, args.get(3), terms)?;
    let mut found = ReplyBuffer::new(reply.protocol());
    found.limit(reply.limit_bytes());
    let swept = sweep(view, &mut claim, (start, count), &mut found)?;
    if found.is_over() {
        return Err(text::REPLY_TOO_LONG.into());
    }
    reply.array(3);
    reply.bulk(&swept.next.text());
    reply.array(swept.claimed);
    reply.append_raw(found.as_bytes());
    reply.array(swept.gone.len());
    for id in &swept.gone {
        reply.bulk(&id.text());
    }
    claim.save(view)
}

/// What came of going through the pending entries.
struct Swept {
    /// Where to go on, 0-0 at the end.
    next: StreamId,
    claimed: usize,
    gone: Vec<StreamId>,
}

/// Goes through the pending entries from an id on, and claims so many.
fn sweep(
    view: &mut View<'_>,
    claim: &mut Claim,
    (start, mut count): (StreamId, u64),
    reply: &mut ReplyBuffer,
) -> Result<Swept, CommandError> {
    let mut swept = Swept { next: StreamId::ZERO, claimed: 0, gone: Vec::new() };
    let mut attempts = count * ATTEMPTS;
    let mut from = Some(start);
    while let Some(first) = from {
        let wanted = PAGE_ENTRIES.min(attempts.saturating_add(1));
        let page = claim.group.page(view, &claim.stream, None, (first, wanted))?;
        from = page.last().and_then(|(id, _)| id.next());
        for (id, pending) in page {
            if attempts == 0 || count == 0 || reply.is_over() {
                swept.next = id;
                return Ok(swept);
            }
            attempts -= 1;
            match claim.claim(view, (id, Some(pending)), reply)? {
                Outcome::Left => continue,
                Outcome::Claimed => swept.claimed += 1,
                Outcome::Gone => swept.gone.push(id),
            }
            count -= 1;
        }
    }
    Ok(swept)
}
