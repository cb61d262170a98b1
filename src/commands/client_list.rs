//! CLIENT INFO, LIST and KILL: looking at connections, on all shards, and closing them.

use std::rc::Rc;

use basalt_shard::command::Args;
use basalt_shard::error::text;
use basalt_shard::number;
use basalt_shard::resp::Protocol;

use crate::client::Session;
use crate::client::subscriptions::Kind;
use crate::clock::steady_ms;
use crate::commands::auth::DEFAULT_USER;
use crate::commands::replies::Failure;
use crate::commands::row::*;
use crate::execute::publish;
use crate::thread::process_command::{LaterContext, LaterReply, ProcessContext};
use crate::thread::shard_thread::ShardThread;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[more_of("client", SUBCOMMANDS)];

const SUBCOMMANDS: &[Command] = &[
    command("info", 2, Now(info))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("6.2.0")
        .summary("Describes this connection")
        .tips(&["nondeterministic_output"]),
    command("kill", -3, Later(kill))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("2.4.0")
        .summary("Closes connections")
        .complexity("O(N) for N connections")
        .args(&[Arg::one_of(
            "filter",
            &[
                Arg::string("old-format").shown_as("ip:port").deprecated("2.8.12"),
                Arg::one_of(
                    "new-format",
                    &[
                        Arg::integer("client-id").after("ID").since("2.8.12").optional(),
                        Arg::one_of(
                            "client-type",
                            &[
                                Arg::word("normal", "NORMAL"),
                                Arg::word("master", "MASTER").since("3.2.0"),
                                Arg::word("slave", "SLAVE"),
                                Arg::word("replica", "REPLICA").since("5.0.0"),
                                Arg::word("pubsub", "PUBSUB"),
                            ],
                        )
                        .after("TYPE")
                        .since("2.8.12")
                        .optional(),
                        Arg::string("username").after("USER").optional(),
                        Arg::string("addr").after("ADDR").shown_as("ip:port").optional(),
                        Arg::string("laddr")
                            .after("LADDR")
                            .since("6.2.0")
                            .shown_as("ip:port")
                            .optional(),
                        Arg::one_of("skipme", &[Arg::word("yes", "YES"), Arg::word("no", "NO")])
                            .after("SKIPME")
                            .optional(),
                    ],
                )
                .multiple(),
            ],
        )]),
    command("list", -2, Later(|context| Box::pin(list(context))))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("2.4.0")
        .summary("Describes all connections")
        .complexity("O(N) for N connections")
        .tips(&["nondeterministic_output"])
        .args(&[
            Arg::one_of(
                "client-type",
                &[
                    Arg::word("normal", "NORMAL"),
                    Arg::word("master", "MASTER"),
                    Arg::word("replica", "REPLICA"),
                    Arg::word("pubsub", "PUBSUB"),
                ],
            )
            .after("TYPE")
            .since("5.0.0")
            .optional(),
            Arg::integer("client-id").after("ID").since("6.2.0").optional().multiple(),
        ]),
];

/// The line of one connection: the fields of Redis 7.2 in its order. There are no
/// transactions and replicas; what is fixed in Redis and unknown here is 0.
fn line(shard_thread: &ShardThread, session: &Session) -> Vec<u8> {
    let now = steady_ms();
    let seconds_since = |then: u64| now.saturating_sub(then) / 1000;
    let (input, output) = (session.input_bytes.get(), session.output_bytes.get());
    let name = session.name.borrow();
    let total_bytes = size_of::<Session>() + input + output + name.len();
    let subscribed = |kind| session.subscriptions.borrow().of(kind).len();
    let command = match session.last_command.get() {
        Some(id) => shard_thread.node.table.entry(id).full_name.as_str(),
        None => "NULL",
    };
    let protocol = match session.protocol.get() {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    };
    // Replies beyond the first buffer form a list in Redis; here all that wait are one piece.
    let pieces = usize::from(output > 0);
    let mut line = Vec::with_capacity(256);
    line.extend_from_slice(
        format!(
            "id={} addr={} laddr={} fd={} name=",
            session.id, session.peer, session.local, session.descriptor
        )
        .as_bytes(),
    );
    line.extend_from_slice(&name);
    line.extend_from_slice(
        format!(
            " age={} idle={} flags={} db={} sub={} psub={} ssub={} multi=-1 qbuf={input} \
             qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll={pieces} omem={output} \
             tot-mem={total_bytes} events={} cmd={command} user=default redir=-1 resp={protocol} \
             lib-name=",
            seconds_since(session.created_ms),
            seconds_since(session.last_interaction_ms.get()),
            flags(session),
            session.db.get(),
            subscribed(Kind::Channel),
            subscribed(Kind::Pattern),
            subscribed(Kind::ShardChannel),
            if output > 0 { "rw" } else { "r" },
        )
        .as_bytes(),
    );
    line.extend_from_slice(&session.library_name.borrow());
    line.extend_from_slice(b" lib-ver=");
    line.extend_from_slice(&session.library_version.borrow());
    line.push(b'\n');
    line
}

fn flags(session: &Session) -> String {
    let flags: String = [
        (session.monitor.get(), 'O'),
        (session.is_subscriber(), 'P'),
        (session.is_paused.get(), 'b'),
        (session.close_after_reply.get(), 'c'),
        (session.through_unix_socket, 'U'),
        (session.no_evict.get(), 'e'),
        (session.no_touch.get(), 'T'),
    ]
    .iter()
    .filter(|(set, _)| *set)
    .map(|(_, letter)| *letter)
    .collect();
    if flags.is_empty() { "N".into() } else { flags }
}

fn info(context: &mut ProcessContext<'_>) {
    let line = line(context.shard_thread, context.session);
    context.reply.verbatim("txt", &line);
}

/// A type of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientType {
    Normal,
    Subscriber,
    /// There are none.
    OfReplication,
}

impl ClientType {
    fn fits(self, session: &Session) -> bool {
        match self {
            Self::Normal => !session.is_subscriber(),
            Self::Subscriber => session.is_subscriber(),
            Self::OfReplication => false,
        }
    }
}

/// The type that a client names.
fn client_type(kind: &[u8]) -> Result<ClientType, Failure> {
    match kind.to_ascii_lowercase().as_slice() {
        b"normal" => Ok(ClientType::Normal),
        b"pubsub" => Ok(ClientType::Subscriber),
        b"master" | b"replica" | b"slave" => Ok(ClientType::OfReplication),
        _ => Err(Failure::quoting("ERR Unknown client type '%'", kind)),
    }
}

/// The connections that CLIENT LIST is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    All,
    OfType(ClientType),
    /// In this order, and as often as they are named.
    Ids(Vec<i64>),
}

impl Asked {
    fn parse(args: Args<'_>) -> Result<Self, Failure> {
        if args.len() == 2 {
            return Ok(Self::All);
        }
        if args.len() == 4 && args.is(2, "type") {
            return Ok(Self::OfType(client_type(args.get(3))?));
        }
        if args.len() > 3 && args.is(2, "id") {
            let ids: Option<Vec<i64>> = args.iter_from(3).map(number::parse_i64).collect();
            return ids.map(Self::Ids).ok_or_else(|| "ERR Invalid client ID".into());
        }
        Err(text::SYNTAX.into())
    }
}

async fn list(mut context: LaterContext) -> basalt_shard::resp::ReplyBuffer {
    let asked = match Asked::parse(context.args()) {
        Ok(asked) => asked,
        Err(failure) => {
            context.reply.error(&failure.0);
            return context.reply;
        }
    };
    let mut lines = Vec::new();
    let wanted = if let Asked::OfType(wanted) = asked { Some(wanted) } else { None };
    if wanted != Some(ClientType::OfReplication) {
        let of_shards =
            context.shard_thread.on_every_shard(move |there| lines_of_shard(there, wanted)).await;
        lines = of_shards.into_iter().flatten().collect();
        lines.sort_by_key(|(id, _)| *id);
    }
    let mut text = Vec::new();
    match asked {
        Asked::Ids(ids) => {
            for id in ids.iter().filter_map(|id| u64::try_from(*id).ok()) {
                if let Ok(index) = lines.binary_search_by_key(&id, |(id, _)| *id) {
                    text.extend_from_slice(&lines[index].1);
                }
                // The same line as often as it is asked for: more would not make it fit again.
                if text.len() > context.reply.limit_bytes() {
                    break;
                }
            }
        }
        Asked::All | Asked::OfType(_) => {
            lines.iter().for_each(|(_, line)| text.extend_from_slice(line))
        }
    }
    context.reply.verbatim("txt", &text);
    context.reply
}

fn lines_of_shard(
    shard_thread: &Rc<ShardThread>,
    wanted: Option<ClientType>,
) -> Vec<(u64, Vec<u8>)> {
    let sessions = shard_thread.sessions.borrow();
    let alive = sessions.values().filter(|session| {
        !session.killed.get() && wanted.is_none_or(|wanted| wanted.fits(session))
    });
    alive.map(|session| (session.id, line(shard_thread, session))).collect()
}

/// Which connections CLIENT KILL closes: those that all that is set fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Filter {
    id: Option<u64>,
    peer: Option<Vec<u8>>,
    local: Option<Vec<u8>>,
    of_type: Option<ClientType>,
    age_min_s: u64,
    spared: Option<u64>,
}

impl Filter {
    fn parse(args: Args<'_>, own_id: u64) -> Result<Self, Failure> {
        if args.len() == 3 {
            // The old form may close its own connection.
            return Ok(Self { peer: Some(args.get(2).to_vec()), ..Self::default() });
        }
        let mut filter = Self { spared: Some(own_id), ..Self::default() };
        for index in (2..args.len()).step_by(2) {
            if index + 1 == args.len() {
                return Err(text::SYNTAX.into());
            }
            filter.set(args.get(index), args.get(index + 1), own_id)?;
        }
        Ok(filter)
    }

    fn set(&mut self, option: &[u8], value: &[u8], own_id: u64) -> Result<(), Failure> {
        match option.to_ascii_lowercase().as_slice() {
            b"id" => {
                let id = number::parse_i64(value).filter(|id| *id > 0);
                let id = id.ok_or("ERR client-id should be greater than 0")?;
                self.id = Some(id.unsigned_abs());
            }
            b"type" => self.of_type = Some(client_type(value)?),
            b"addr" => self.peer = Some(value.to_vec()),
            b"laddr" => self.local = Some(value.to_vec()),
            b"user" if value == DEFAULT_USER => {}
            b"user" => return Err(Failure::quoting("ERR No such user '%'", value)),
            b"skipme" => {
                self.spared = match value.to_ascii_lowercase().as_slice() {
                    b"yes" => Some(own_id),
                    b"no" => None,
                    _ => return Err(text::SYNTAX.into()),
                }
            }
            b"maxage" => {
                let age = number::parse_i64(value)
                    .ok_or("ERR maxage is not an integer or out of range")?;
                if age <= 0 {
                    return Err("ERR maxage should be greater than 0".into());
                }
                self.age_min_s = age.unsigned_abs();
            }
            _ => return Err(text::SYNTAX.into()),
        }
        Ok(())
    }

    fn fits(&self, session: &Session, now: u64) -> bool {
        let is = |wanted: &Option<Vec<u8>>, address: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == address.as_bytes())
        };
        !session.killed.get()
            && self.of_type.is_none_or(|wanted| wanted.fits(session))
            && self.id.is_none_or(|id| id == session.id)
            && self.spared.is_none_or(|id| id != session.id)
            && is(&self.peer, &session.peer)
            && is(&self.local, &session.local)
            && now.saturating_sub(session.created_ms) / 1000 >= self.age_min_s
    }
}

/// Closes what fits, except the asking connection: that gets its reply first. Returns how many,
/// that one included, and whether any of them had subscriptions.
fn kill_on_shard(shard_thread: &Rc<ShardThread>, filter: &Filter, own_id: u64) -> (i64, bool) {
    let now = steady_ms();
    let fitting: Vec<_> = shard_thread
        .sessions
        .borrow()
        .values()
        .filter(|session| filter.fits(session, now))
        .cloned()
        .collect();
    let mut had_subscriptions = false;
    for session in &fitting {
        // Not when its task comes to its end: whoever asked for this may publish next.
        had_subscriptions |= publish::forget(shard_thread, session);
        if session.id == own_id {
            session.close_after_reply.set(true);
        } else {
            session.kill();
        }
    }
    (fitting.len() as i64, had_subscriptions)
}

fn kill(mut context: LaterContext) -> LaterReply {
    Box::pin(async move {
        let own_id = context.session.id;
        let is_old_form = context.args().len() == 3;
        match Filter::parse(context.args(), own_id) {
            Err(failure) => context.reply.error(&failure.0),
            Ok(filter) => {
                let of_shards = context
                    .shard_thread
                    .on_every_shard(move |there| kill_on_shard(there, &filter, own_id))
                    .await;
                if of_shards.iter().any(|(_, had_subscriptions)| *had_subscriptions) {
                    publish::threads_have_heard(&context.shard_thread).await;
                }
                let killed: i64 = of_shards.iter().map(|(killed, _)| killed).sum();
                match (is_old_form, killed) {
                    (true, 0) => context.reply.error(b"ERR No such client"),
                    (true, _) => context.reply.ok(),
                    (false, _) => context.reply.integer(killed),
                }
            }
        }
        context.reply
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt_shard::resp::Span;

    fn with_args<T>(line: &str, run: impl FnOnce(Args<'_>) -> T) -> T {
        let mut spans = Vec::new();
        let mut start = 0;
        for word in line.split(' ') {
            spans.push(Span { start, len: word.len() as u32 });
            start += word.len() as u32 + 1;
        }
        run(Args::new(line.as_bytes(), &spans))
    }

    fn check(line: &str, expected: Result<Filter, &str>) {
        let parsed = with_args(line, |args| Filter::parse(args, 7));
        assert_eq!(parsed, expected.map_err(Failure::from), "{line}");
    }

    #[test]
    fn kill_filters() {
        let spare = || Filter { spared: Some(7), ..Filter::default() };
        let old = Filter { peer: Some(b"1.2.3.4:5".to_vec()), ..Filter::default() };
        check("CLIENT KILL 1.2.3.4:5", Ok(old));
        check("CLIENT KILL id 3", Ok(Filter { id: Some(3), ..spare() }));
        check("CLIENT KILL ID 3 SKIPME no", Ok(Filter { id: Some(3), ..Filter::default() }));
        check(
            "CLIENT KILL TYPE pubsub",
            Ok(Filter { of_type: Some(ClientType::Subscriber), ..spare() }),
        );
        check("CLIENT KILL USER default MAXAGE 5", Ok(Filter { age_min_s: 5, ..spare() }));
        check("CLIENT KILL ID 0", Err("ERR client-id should be greater than 0"));
        check("CLIENT KILL USER x", Err("ERR No such user 'x'"));
        check("CLIENT KILL TYPE x", Err("ERR Unknown client type 'x'"));
        check("CLIENT KILL ID 3 ADDR", Err(text::SYNTAX));
        check("CLIENT KILL SKIPME perhaps", Err(text::SYNTAX));
        check("CLIENT KILL MAXAGE 0", Err("ERR maxage should be greater than 0"));
    }

    #[test]
    fn list_selections() {
        let check = |line: &str, expected: Result<Asked, &str>| {
            let parsed = with_args(line, Asked::parse);
            assert_eq!(parsed, expected.map_err(Failure::from), "{line}");
        };
        check("CLIENT LIST", Ok(Asked::All));
        check("CLIENT LIST TYPE NORMAL", Ok(Asked::OfType(ClientType::Normal)));
        check("CLIENT LIST TYPE replica", Ok(Asked::OfType(ClientType::OfReplication)));
        check("CLIENT LIST ID 3 -1 3", Ok(Asked::Ids(vec![3, -1, 3])));
        check("CLIENT LIST ID 3 x", Err("ERR Invalid client ID"));
        check("CLIENT LIST ID", Err(text::SYNTAX));
        check("CLIENT LIST TYPE normal more", Err(text::SYNTAX));
    }
}
