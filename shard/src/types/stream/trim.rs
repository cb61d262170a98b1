//! Trimming: what MAXLEN and MINID of XADD and XTRIM say, and doing it.

use super::id::StreamId;
use super::store::Stream;
use crate::command::Args;
use crate::error::{CommandError, text};
use crate::settings::Settings;
use crate::view::View;

/// Without LIMIT, `~` takes away no more than this many nodes of the greatest size at once.
const NODES_MAX: u64 = 100;
/// However big nodes may be, no more entries than this.
const ENTRIES_MAX: u64 = 1_000_000;
/// The same where the size of nodes has no limit.
const ENTRIES_MAX_WITHOUT_LIMIT: u64 = 10_000;

const TWO_STRATEGIES: &str =
    "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
const LIMIT_OF_NOTHING: &str =
    "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
const LIMIT_OF_EXACT: &str = "ERR syntax error, LIMIT cannot be used without the special ~ option";

/// What is to be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// So many entries.
    Len(u64),
    /// Those with this id and greater ones.
    From(StreamId),
}

/// How a stream is to be trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trim {
    left: Left,
    /// Only whole nodes go.
    is_rough: bool,
    /// Entries that may go at once; 0: any number.
    limit: u64,
}

/// Options of a command, up to what is none.
#[derive(Default)]
pub(super) struct Options {
    strategy: Option<(Left, bool)>,
    limit: Option<u64>,
}

impl Options {
    /// Reads the option at `index`, if it is one of these. How many arguments it takes.
    pub(super) fn read(&mut self, args: Args<'_>, index: usize) -> Result<usize, CommandError> {
        let more = args.len() - index - 1;
        if more == 0 {
            return Ok(0);
        }
        let is_maxlen = args.is(index, "maxlen");
        if is_maxlen || args.is(index, "minid") {
            if self.strategy.is_some() {
                return Err(TWO_STRATEGIES.into());
            }
            let sign = Some(args.get(index + 1)).filter(|_| more >= 2);
            let sign = sign.filter(|sign| [&b"~"[..], b"="].contains(sign));
            let value = index + 1 + usize::from(sign.is_some());
            let left = match is_maxlen {
                true => match u64::try_from(args.integer(value)?) {
                    Ok(len) => Left::Len(len),
                    Err(_) => return Err("ERR The MAXLEN argument must be >= 0.".into()),
                },
                false => Left::From(StreamId::parse(args.get(value), 0)?),
            };
            self.strategy = Some((left, sign == Some(b"~")));
            return Ok(value + 1 - index);
        }
        if args.is(index, "limit") {
            let limit = u64::try_from(args.integer(index + 1)?);
            self.limit = Some(limit.map_err(|_| "ERR The LIMIT argument must be >= 0.")?);
            return Ok(2);
        }
        Ok(0)
    }

    /// What all of them say together.
    pub(super) fn finish(self, settings: &Settings) -> Result<Option<Trim>, CommandError> {
        let Some((left, is_rough)) = self.strategy else {
            return if self.limit.unwrap_or(0) > 0 {
                Err(LIMIT_OF_NOTHING.into())
            } else {
                Ok(None)
            };
        };
        let limit = match self.limit {
            Some(_) if !is_rough => return Err(LIMIT_OF_EXACT.into()),
            Some(limit) => limit,
            None if !is_rough => 0,
            None => match settings.stream_node_max_entries.saturating_mul(NODES_MAX) {
                0 => ENTRIES_MAX_WITHOUT_LIMIT,
                limit => limit.min(ENTRIES_MAX),
            },
        };
        Ok(Some(Trim { left, is_rough, limit }))
    }

    /// The same for a command that does nothing else.
    pub(super) fn finish_alone(self, settings: &Settings) -> Result<Trim, CommandError> {
        let trim = self.finish(settings)?;
        trim.ok_or_else(|| "ERR syntax error, XTRIM must be called with a trimming strategy".into())
    }
}

impl Trim {
    /// Reads the options from `index` to the end.
    pub(super) fn parse(
        args: Args<'_>,
        mut index: usize,
        settings: &Settings,
    ) -> Result<Self, CommandError> {
        let mut options = Options::default();
        while index < args.len() {
            match options.read(args, index)? {
                0 => return Err(text::SYNTAX.into()),
                taken => index += taken,
            }
        }
        options.finish_alone(settings)
    }

    /// Trims a stream; how many entries went.
    pub(super) fn apply(
        &self,
        view: &mut View<'_>,
        stream: &mut Stream,
    ) -> Result<u64, CommandError> {
        let (count, front) = if self.is_rough {
            self.whole_nodes(view, stream)?
        } else {
            let count = match self.left {
                Left::Len(len) => stream.len().saturating_sub(len),
                Left::From(id) => stream.rank_of(view, id)?,
            };
            (count, None)
        };
        if count > 0 {
            stream.remove_front(view, count)?;
        }
        if let Some(front) = front {
            stream.state.front = front;
        }
        Ok(count)
    }

    /// How many entries stand in the nodes that go, and in the one behind them as far as it was
    /// looked at.
    fn whole_nodes(
        &self,
        view: &mut View<'_>,
        stream: &Stream,
    ) -> Result<(u64, Option<u64>), CommandError> {
        let last_node = stream.len().saturating_sub(stream.state.tail.len());
        let mut gone = 0;
        while gone < stream.len() {
            let len = stream.len() - gone;
            if matches!(self.left, Left::Len(left) if len <= left) {
                break;
            }
            let node = stream.node_len(view, gone)?;
            let is_over = self.limit > 0 && gone + node > self.limit;
            let goes = !is_over
                && match self.left {
                    Left::Len(left) => len - node >= left,
                    Left::From(id) => stream.id_at(view, gone + node - 1)? < id,
                };
            if !goes {
                return Ok((gone, Some(node).filter(|_| gone < last_node)));
            }
            gone += node;
        }
        Ok((gone, None))
    }
}
