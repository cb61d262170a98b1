//! What a run with a ledger sends. Every key has one writer, so the order in which a server must
//! have carried out its writes is known.

use super::write::{Change, Stamp, Write};
use super::{Answers, Sent, Writer, prefix_of};
use crate::args::LoadArgs;
use crate::command::{Command, Mix};
use crate::error::{Failure, Result};
use crate::family::Family;
use crate::rng::Rng;
use crate::values::ValueSource;

/// The writers of one client thread, one for each of its connections.
#[derive(Debug)]
pub(crate) struct Authors {
    run: u64,
    prefix: String,
    rng: Rng,
    mix: Mix,
    values: ValueSource,
    keys: u64,
    /// All threads' connections: writer `w` has the keys `w`, `w + writers`, ….
    writers: u64,
    fields: u16,
    authors: Vec<Author>,
}

#[derive(Debug)]
struct Author {
    id: u32,
    writes: Vec<Sent>,
    /// What must follow the write before.
    next: Option<(Command, Write)>,
}

/// Every other hash of a writer has no more fields than this, and so stays small.
const SMALL_FIELDS_MAX: u16 = 8;
/// Field 0 is never deleted, so a hash needs another one.
const FIELDS_MIN: u16 = 2;
/// Values of fields are short, so that whole hashes can be written at once.
const FIELD_BYTES_MAX: usize = 24;
/// One HSET in so many writes a long row of fields, and one SET in so many sets a deadline.
const LONG_ROW_ONE_IN: u64 = 8;
const VOLATILE_ONE_IN: u64 = 6;

impl Authors {
    /// Those of one of the run's threads, with `connections` of all connections.
    pub(crate) fn new(
        load: &LoadArgs,
        run: u64,
        thread: usize,
        connections: usize,
    ) -> Result<Authors> {
        let ids = (0..connections).map(|at| at * load.threads + thread);
        let too_large = |_| Failure::new("--fields is too large for a ledger");
        Ok(Authors {
            run,
            prefix: prefix_of(&load.key_prefix, run),
            rng: Rng::for_stream(load.seed, thread as u64),
            mix: load.mix()?,
            values: load.values(),
            keys: load.keys,
            writers: u64::from(load.connections),
            fields: u16::try_from(load.fields).map_err(too_large)?.max(FIELDS_MIN),
            authors: ids
                .map(|id| Author { id: id as u32, writes: Vec::new(), next: None })
                .collect(),
        })
    }

    pub(crate) fn append_next(
        &mut self,
        connection: usize,
        now_nanos: u64,
        out: &mut Vec<u8>,
    ) -> Command {
        let (command, write) = match self.authors[connection].next.take() {
            Some(next) => next,
            None => self.make(connection),
        };
        let author = &mut self.authors[connection];
        let number = author.writes.len() as u32;
        let stamp = Stamp { run: self.run, writer: author.id, number };
        write.append_request(&self.prefix, stamp, out);
        author.writes.push(Sent { micros: now_nanos / 1000, write });
        command
    }

    fn make(&mut self, connection: usize) -> (Command, Write) {
        let command = self.mix.pick(&mut self.rng);
        let family = self.family_for(command);
        let (key, is_large) = self.key(self.authors[connection].id);
        let fields = if is_large { self.fields } else { self.fields.min(SMALL_FIELDS_MAX) };
        let size = self.values.size(&mut self.rng);
        let change = match command {
            Command::Append => Change::Append { size: size as u32 },
            Command::Del => Change::Delete,
            Command::Incr => Change::Increment,
            Command::Hset => self.fields_to_set(fields, size),
            Command::Hdel => {
                let field = 1 + self.rng.below(u64::from(fields - 1)) as u16;
                Change::DeleteField { field }
            }
            Command::Expire if family == Family::Hash => {
                // A hash's deadline is told apart from its fields only where it surely exists.
                let write = Write { family, key, change: Change::Expire };
                self.authors[connection].next = Some((command, write));
                let size = size.min(FIELD_BYTES_MAX) as u32;
                let change = Change::SetFields { first: 0, count: 1, size };
                return (Command::Hset, Write { family, key, change });
            }
            Command::Expire => Change::Expire,
            Command::Persist => Change::Persist,
            _ => {
                let volatile = self.rng.below(VOLATILE_ONE_IN) == 0;
                Change::Set { size: size as u32, volatile }
            }
        };
        (command, Write { family, key, change })
    }

    fn family_for(&mut self, command: Command) -> Family {
        match command {
            Command::Expire | Command::Persist if self.rng.below(2) == 0 => Family::Hash,
            Command::Del => match self.rng.below(4) {
                0 => Family::Hash,
                1 => Family::Counter,
                _ => Family::String,
            },
            _ => command.family().unwrap_or(Family::String),
        }
    }

    /// One of a writer's keys, and whether a hash of this number is a large one.
    fn key(&mut self, writer: u32) -> (u64, bool) {
        let own = (self.keys - u64::from(writer)).div_ceil(self.writers);
        let index = self.rng.below(own);
        (u64::from(writer) + index * self.writers, index.is_multiple_of(2))
    }

    fn fields_to_set(&mut self, fields: u16, size: usize) -> Change {
        let first = self.rng.below(u64::from(fields)) as u16;
        let left = fields - first;
        let is_long = self.rng.below(LONG_ROW_ONE_IN) == 0;
        let count = if is_long { left } else { left.min(1 + self.rng.below(3) as u16) };
        Change::SetFields { first, count, size: size.min(FIELD_BYTES_MAX) as u32 }
    }

    /// Everything that was sent, with what came back to it.
    pub(crate) fn into_writers(self, answers: Vec<Answers>) -> Vec<Writer> {
        let join = |(author, answers): (Author, Answers)| Writer {
            id: author.id,
            writes: author.writes,
            replies: answers.replies,
            lost_micros: answers.lost_micros,
        };
        self.authors.into_iter().zip(answers).map(join).collect()
    }
}
