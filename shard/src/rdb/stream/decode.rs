//! Reading streams.

use super::super::error::{CUT_OFF, Damage, Failure};
use super::super::input::{Input, Source};
use super::super::item::{
    Consumer, Fields, Group, Item, Pending, Sink, StreamId, StreamState, give,
};
use super::super::listpack::{self, Cursor};
use super::{DELETED, PARTS_WITH_OWN_FIELDS, PARTS_WITH_SAME_FIELDS, SAME_FIELDS, Version};

const NOT_AN_ID: Damage = Damage("an id of a stream that is not 16 bytes long");
const OUT_OF_ORDER: Damage = Damage("ids of a stream out of order");
const WRONG_COUNT: Damage = Damage("a stream with another number of entries than it says");
const NOT_A_TIME: Damage = Damage("a time out of range");

/// Reads a stream of such a layout.
pub(in super::super) fn decode<S: Source, K: Sink>(
    version: Version,
    input: &mut Input<S>,
    sink: &mut K,
) -> Result<(), Failure<K::Error>> {
    let mut entries = Entries::default();
    let (mut master, mut packed) = (Vec::new(), Vec::new());
    for _ in 0..input.count(2)? {
        input.string_into(&mut master, sink)?;
        let master = master[..].try_into().map_err(|_| NOT_AN_ID)?;
        let packed = input.string(&mut packed, sink)?;
        entries.node(StreamId::from_bytes(master), packed, sink)?;
    }
    let state = entries.state(version, input)?;
    give(sink, Item::Stream(state))?;
    let mut groups = Groups { version, entries: &entries, state, name: Vec::new() };
    for _ in 0..input.count(5)? {
        groups.group(input, sink)?;
    }
    if version >= Version::Producers {
        producers(input, sink)?;
    }
    Ok(())
}

fn id<S: Source>(input: &mut Input<S>) -> Result<StreamId, Damage> {
    Ok(StreamId { ms: input.length()?, seq: input.length()? })
}

/// What is known of the entries so far.
#[derive(Default)]
struct Entries {
    /// The greatest id, deleted or not.
    greatest: StreamId,
    /// The first that is not deleted.
    first: Option<StreamId>,
    count: u64,
}

/// The next entry, which must be a number.
fn integer(cursor: &mut Cursor<'_>) -> Result<i64, Damage> {
    let entry = cursor.next().ok_or(CUT_OFF)?;
    entry.integer().ok_or(Damage("a text in a stream where a number belongs"))
}

/// The next entry, which must be the number of something.
fn count(cursor: &mut Cursor<'_>) -> Result<usize, Damage> {
    usize::try_from(integer(cursor)?).map_err(|_| Damage("a negative number of something"))
}

/// Passes over so many entries. Their number need not be believed: the entries end.
fn skip(cursor: &mut Cursor<'_>, count: usize) -> Result<(), Damage> {
    for _ in 0..count {
        cursor.next().ok_or(CUT_OFF)?;
    }
    Ok(())
}

impl Entries {
    fn node<K: Sink>(
        &mut self,
        master: StreamId,
        packed: &[u8],
        sink: &mut K,
    ) -> Result<(), Failure<K::Error>> {
        let (mut cursor, total) = listpack::open(packed)?;
        if total == 0 {
            return Err(WRONG_COUNT.into());
        }
        let live = count(&mut cursor)?;
        let deleted = count(&mut cursor)?;
        let shared_count = count(&mut cursor)?;
        let shared = cursor;
        skip(&mut cursor, shared_count)?;
        let shared_bytes = shared.bytes_to(&cursor) as u64;
        if integer(&mut cursor)? != 0 {
            return Err(Damage("a node of a stream whose first fields do not end").into());
        }
        let (mut live_found, mut deleted_found) = (0, 0);
        while let Some(flags) = cursor.next() {
            let flags = flags.integer().filter(|flags| flags & !(DELETED | SAME_FIELDS) == 0);
            let flags = flags.ok_or(Damage("an entry of a stream with unknown flags"))?;
            let id = StreamId {
                ms: master.ms.wrapping_add_signed(integer(&mut cursor)?),
                seq: master.seq.wrapping_add_signed(integer(&mut cursor)?),
            };
            if id <= self.greatest {
                return Err(OUT_OF_ORDER.into());
            }
            self.greatest = id;
            let has_shared = flags & SAME_FIELDS != 0;
            let fields_count = if has_shared { shared_count } else { count(&mut cursor)? };
            if fields_count == 0 {
                return Err(Damage("an entry of a stream without fields").into());
            }
            let values = cursor;
            let (fields, parts) = if has_shared {
                skip(&mut cursor, fields_count)?;
                let fields = Fields::apart(shared, values, fields_count);
                (fields, fields_count + PARTS_WITH_SAME_FIELDS)
            } else {
                skip(&mut cursor, fields_count)?;
                skip(&mut cursor, fields_count)?;
                let fields = Fields::alternating(values, fields_count);
                (fields, 2 * fields_count + PARTS_WITH_OWN_FIELDS)
            };
            if count(&mut cursor)? != parts {
                return Err(Damage("an entry of a stream with a wrong number of parts").into());
            }
            if flags & DELETED != 0 {
                deleted_found += 1;
                continue;
            }
            live_found += 1;
            self.first = self.first.or(Some(id));
            if has_shared {
                sink.expect(shared_bytes).map_err(Failure::Sink)?;
            }
            give(sink, Item::Entry { id, fields })?;
        }
        self.count += live_found as u64;
        if (live_found, deleted_found) == (live, deleted) {
            Ok(())
        } else {
            Err(WRONG_COUNT.into())
        }
    }

    /// Reads what stands behind the entries.
    fn state<S: Source>(
        &self,
        version: Version,
        input: &mut Input<S>,
    ) -> Result<StreamState, Damage> {
        if input.length()? != self.count {
            return Err(WRONG_COUNT);
        }
        let last_id = id(input)?;
        let mut state =
            StreamState { last_id, max_deleted_id: StreamId::ZERO, entries_added: self.count };
        if version >= Version::Counts {
            // The first id follows from the entries.
            id(input)?;
            state.max_deleted_id = id(input)?;
            state.entries_added = input.length()?;
        }
        if last_id < self.greatest || last_id < state.max_deleted_id {
            return Err(OUT_OF_ORDER);
        }
        let added = self.count..=i64::MAX.unsigned_abs();
        if added.contains(&state.entries_added) { Ok(state) } else { Err(WRONG_COUNT) }
    }
}

/// A pending entry of a group, and the number of its owner.
struct Owned {
    id: StreamId,
    delivered_ms: u64,
    deliveries: u64,
    owner: Option<usize>,
}

struct Groups<'e> {
    version: Version,
    entries: &'e Entries,
    state: StreamState,
    /// The name of a group or of a consumer.
    name: Vec<u8>,
}

fn time<S: Source>(input: &mut Input<S>) -> Result<u64, Damage> {
    let ms = input.u64_le()?;
    if i64::try_from(ms).is_ok() { Ok(ms) } else { Err(NOT_A_TIME) }
}

impl Groups<'_> {
    fn group<S: Source, K: Sink>(
        &mut self,
        input: &mut Input<S>,
        sink: &mut K,
    ) -> Result<(), Failure<K::Error>> {
        const UNKNOWN: u64 = u64::MAX;
        input.string_into(&mut self.name, sink)?;
        let last_id = id(input)?;
        let entries_read = if self.version >= Version::Counts {
            match input.length()? {
                UNKNOWN => None,
                read if i64::try_from(read).is_ok() => Some(read),
                _ => return Err(Damage("a number of entries read that cannot be").into()),
            }
        } else {
            self.read_up_to(last_id)
        };
        give(sink, Item::Group(Group { name: &self.name, last_id, entries_read }))?;
        let mut pending = pending(input, sink)?;
        for number in 0..input.count(10)? {
            self.consumer(number, &mut pending, input, sink)?;
        }
        if self.version >= Version::GivenBack && input.count(16)? > 0 {
            return Err(Damage("a stream with entries that were given back to their group").into());
        }
        for Owned { id, delivered_ms, deliveries, owner } in pending {
            let consumer = owner.ok_or(Damage("a pending entry that is nobody's"))?;
            give(sink, Item::Pending(Pending { id, consumer, delivered_ms, deliveries }))?;
        }
        Ok(())
    }

    fn consumer<S: Source, K: Sink>(
        &mut self,
        number: usize,
        pending: &mut [Owned],
        input: &mut Input<S>,
        sink: &mut K,
    ) -> Result<(), Failure<K::Error>> {
        const NEVER: u64 = u64::MAX;
        input.string_into(&mut self.name, sink)?;
        let seen_ms = time(input)?;
        let active_ms = if self.version >= Version::ActiveTimes {
            match input.u64_le()? {
                NEVER => None,
                ms if i64::try_from(ms).is_ok() => Some(ms),
                _ => return Err(NOT_A_TIME.into()),
            }
        } else {
            Some(seen_ms)
        };
        give(sink, Item::Consumer(Consumer { name: &self.name, seen_ms, active_ms }))?;
        for _ in 0..input.count(16)? {
            let id = StreamId::from_bytes(input.array()?);
            let found = pending.binary_search_by_key(&id, |owned| owned.id).ok();
            let owned = found.and_then(|index| pending.get_mut(index));
            let owned = owned.ok_or(Damage("a consumer's entry that is not its group's"))?;
            if owned.owner.replace(number).is_some() {
                return Err(Damage("a pending entry with two owners").into());
            }
        }
        Ok(())
    }

    /// How many entries there are up to `id` in a stream of which only they are known, if that can
    /// be told without counting.
    fn read_up_to(&self, id: StreamId) -> Option<u64> {
        let count = self.entries.count;
        match self.entries.first {
            None => Some(count),
            Some(_) if id == self.state.last_id => Some(count),
            Some(_) if id > self.state.last_id => None,
            Some(first) if id < first => Some(0),
            Some(first) if id == first => Some(1),
            Some(_) => None,
        }
    }
}

/// The pending entries of a group, in order.
fn pending<S: Source, K: Sink>(
    input: &mut Input<S>,
    sink: &mut K,
) -> Result<Vec<Owned>, Failure<K::Error>> {
    let count = input.count(25)?;
    sink.expect((count * size_of::<Owned>()) as u64).map_err(Failure::Sink)?;
    let mut pending: Vec<Owned> = Vec::new();
    for _ in 0..count {
        pending.push(Owned {
            id: StreamId::from_bytes(input.array()?),
            delivered_ms: time(input)?,
            deliveries: input.length()?,
            owner: None,
        });
    }
    pending.sort_by_key(|owned| owned.id);
    if pending.windows(2).any(|pair| pair[0].id == pair[1].id) {
        return Err(Damage("an entry that is pending twice in a group").into());
    }
    Ok(pending)
}

/// Passes over what producers have sent.
fn producers<S: Source, K: Sink>(
    input: &mut Input<S>,
    sink: &mut K,
) -> Result<(), Failure<K::Error>> {
    let mut name = Vec::new();
    let _seconds_and_entries_kept = (input.length()?, input.length()?);
    for _ in 0..input.count(2)? {
        input.string_into(&mut name, sink)?;
        for _ in 0..input.count(3)? {
            input.string_into(&mut name, sink)?;
            id(input)?;
        }
    }
    let _added_and_seen_again = (input.length()?, input.length()?);
    Ok(())
}
