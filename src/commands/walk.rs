//! KEYS and SCAN: walking over the keys of a database.
//!
//! Keys are gathered as they will stand in the reply, and accounted for meanwhile ([`Room`]): when
//! others have the room the walk begins anew once there is some, and a reply that will never fit
//! ends the walk.

use std::ops::ControlFlow;
use std::sync::Arc;

use basalt_shard::command::Args;
use basalt_shard::command::scan_options::{ScanOptions, Scanned, parse_cursor};
use basalt_shard::engine::{Engine, ReadTier};
use basalt_shard::error::{CommandError, text, write_error};
use basalt_shard::glob::glob_match;
use basalt_shard::keyspace::cursor;
use basalt_shard::keyspace::head::Kind;
use basalt_shard::keyspace::layout::{self, HASH_BITS};
use basalt_shard::keyspace::scan::{self, Visited};
use basalt_shard::resp::ReplyBuffer;
use basalt_shard::room::{Reservation, Reserved, Room};
use basalt_shard::topology::Topology;

use crate::clock::now_ms;
use crate::commands::row::*;
use crate::execute::room;
use crate::shared::client_memory::COUNTED_FROM;
use crate::thread::batch::FAILED;
use crate::thread::process_command::LaterContext;

/// Records that SCAN visits on the loop; with a larger COUNT it runs off it.
const SCAN_ON_LOOP_MAX: u64 = 256;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[
    command("keys", 2, Later(|context| Box::pin(keys(context))))
        .flags(READONLY)
        .categories(category::KEYSPACE | category::DANGEROUS)
        .summary("Lists the keys that match a pattern")
        .complexity("O(N) for N keys in the database")
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
        .args(&[Arg::pattern("pattern")]),
    command("scan", -2, Later(|context| Box::pin(scan_page(context))))
        .flags(READONLY)
        .categories(category::KEYSPACE)
        .since("2.8.0")
        .summary("Walks over the keys step by step")
        .complexity("O(1) for a call, O(N) for a walk over N keys")
        .tips(&["nondeterministic_output", "request_policy:special", "response_policy:special"])
        .args(&[
            Arg::integer("cursor"),
            Arg::pattern("pattern").after("MATCH").optional(),
            Arg::integer("count").after("COUNT").optional(),
            Arg::string("type").after("TYPE").since("6.0.0").optional(),
        ]),
];

/// What is walked over, to be taken to another thread.
struct Walk {
    topology: Arc<Topology>,
    /// The physical database.
    db: u8,
    now_ms: u64,
    pattern: Option<Vec<u8>>,
    /// The name of a type.
    kind: Option<Vec<u8>>,
    /// The reply to begin with, which is empty.
    reply: ReplyBuffer,
}

impl Walk {
    fn new(context: &LaterContext, pattern: Option<Vec<u8>>, kind: Option<Vec<u8>>) -> Self {
        let shard_thread = &context.shard_thread;
        let db = shard_thread.databases().get(context.session.db.get()).copied();
        Self {
            topology: shard_thread.node.topology.clone(),
            db: db.unwrap_or_default(),
            now_ms: now_ms(),
            pattern: pattern.filter(|pattern| pattern != b"*"),
            kind,
            reply: context.reply.clone(),
        }
    }

    fn wants(&self, visited: &Visited<'_>) -> bool {
        let is_kind = |kind: &Vec<u8>| kind == Kind::name(visited.kind).as_bytes();
        let matches = |pattern: &Vec<u8>| glob_match(pattern, visited.key, false);
        self.kind.as_ref().is_none_or(is_kind) && self.pattern.as_ref().is_none_or(matches)
    }

    fn gather<'a>(&'a self, held: &'a mut Reservation) -> Gathered<'a> {
        let room = self.topology.room();
        Gathered { reply: self.reply.clone(), keys: 0, room, held, reserved: Reserved::Yes }
    }

    /// All keys.
    fn keys(&self, held: &mut Reservation) -> Result<ReplyBuffer, CommandError> {
        let mut gathered = self.gather(held);
        let header = gathered.reply.deferred_array();
        for shard in 0..self.topology.shards() {
            let engine = self.topology.engine(shard).as_ref();
            let all = (0, None);
            scan::walk(engine, self.db, all, u64::MAX, self.now_ms, ReadTier::Disk, |visited| {
                if self.wants(&visited) { gathered.add(visited.key) } else { gathered.goes_on() }
            })?;
            gathered.check()?;
        }
        let Gathered { mut reply, keys, .. } = gathered;
        reply.finish_array(header, keys);
        Ok(reply)
    }

    /// Visits at least `count` records from a cursor on, over the shards in order of their slots.
    /// The next cursor is 0 at the end.
    fn page(
        &self,
        (cursor, count): (u64, u64),
        tier: ReadTier,
        held: &mut Reservation,
    ) -> Result<ReplyBuffer, CommandError> {
        let mut gathered = self.gather(held);
        let page = gathered.reply.deferred_page();
        let mut visited_records = 0;
        let mut next_page = 0;
        let Some(mut from) = cursor::first_position(cursor) else {
            gathered.reply.finish_page(page, next_page, 0);
            return Ok(gathered.reply);
        };
        let first = self.topology.shard_of_slot(layout::slot_of(from));
        for shard in first..self.topology.shards() {
            let end = u64::from(self.topology.first_slot(shard + 1)) << HASH_BITS;
            let end = (shard + 1 < self.topology.shards()).then_some(end);
            let engine: &dyn Engine = self.topology.engine(shard).as_ref();
            let wanted = count.saturating_sub(visited_records).max(1);
            let range = (from, end);
            let next = scan::walk(engine, self.db, range, wanted, self.now_ms, tier, |visited| {
                visited_records += 1;
                if self.wants(&visited) { gathered.add(visited.key) } else { gathered.goes_on() }
            })?;
            gathered.check()?;
            match (next, end) {
                (Some(next), _) => next_page = next,
                (None, Some(end)) if visited_records >= count => next_page = cursor::at(end),
                (None, Some(end)) => {
                    from = end;
                    continue;
                }
                (None, None) => {}
            }
            break;
        }
        let Gathered { mut reply, keys, .. } = gathered;
        reply.finish_page(page, next_page, keys);
        Ok(reply)
    }
}

/// Keys on their way into a reply.
struct Gathered<'a> {
    reply: ReplyBuffer,
    keys: usize,
    room: &'a Arc<Room>,
    /// At least what the reply has, if that is much.
    held: &'a mut Reservation,
    /// How the last attempt to get room ended.
    reserved: Reserved,
}

impl Gathered<'_> {
    fn add(&mut self, key: &[u8]) -> ControlFlow<()> {
        self.reply.bulk(key);
        self.keys += 1;
        let bytes = self.reply.len() as u64;
        if bytes > self.held.bytes().max(COUNTED_FROM as u64) {
            // As the buffer does, which has twice as much when it has grown.
            self.reserved = self.held.grow(self.room, bytes);
        }
        self.goes_on()
    }

    fn goes_on(&self) -> ControlFlow<()> {
        if self.reserved == Reserved::Yes { self.reply.goes_on() } else { ControlFlow::Break(()) }
    }

    /// Why it does not go on.
    fn check(&self) -> Result<(), CommandError> {
        match self.reserved {
            Reserved::Yes if !self.reply.is_over() => Ok(()),
            Reserved::NotNow => Err(CommandError::NoRoom),
            Reserved::Yes | Reserved::Never => Err(text::REPLY_TOO_LONG.into()),
        }
    }
}

async fn keys(mut context: LaterContext) -> ReplyBuffer {
    let walk = Walk::new(&context, Some(context.args().get(1).to_vec()), None);
    let found = room::off_loop_with_room(&context.shard_thread, move |held| walk.keys(held)).await;
    answer(&mut context, found);
    context.reply
}

async fn scan_page(mut context: LaterContext) -> ReplyBuffer {
    let (place, walk) = match parse_scan(&context) {
        Ok(parsed) => parsed,
        Err(error) => {
            write_error(&error, &mut context.reply);
            return context.reply;
        }
    };
    let on_loop = if place.1 <= SCAN_ON_LOOP_MAX {
        walk.page(place, ReadTier::Memory, &mut Reservation::default())
    } else {
        Err(CommandError::OffLoop)
    };
    let found = match on_loop {
        Err(CommandError::OffLoop | CommandError::NoRoom) => {
            let page = move |held: &mut _| walk.page(place, ReadTier::Disk, held);
            room::off_loop_with_room(&context.shard_thread, page).await
        }
        done => Some(done),
    };
    answer(&mut context, found);
    context.reply
}

/// From which cursor on, how many, and what.
fn parse_scan(context: &LaterContext) -> Result<((u64, u64), Walk), CommandError> {
    let args: Args<'_> = context.args();
    let cursor = parse_cursor(args.get(1))?;
    let options = ScanOptions::parse(args, 2, Scanned::Keys)?;
    let kind = options.type_name.map(<[u8]>::to_ascii_lowercase);
    let walk = Walk::new(context, options.pattern.map(<[u8]>::to_vec), kind);
    Ok(((cursor, options.count), walk))
}

/// `found` is `None` when the walk panicked.
fn answer(context: &mut LaterContext, found: Option<Result<ReplyBuffer, CommandError>>) {
    match found {
        Some(Ok(reply)) => context.reply = reply,
        Some(Err(error)) => write_error(&error, &mut context.reply),
        None => context.reply.error(FAILED),
    }
}
