//! CLIENT: looking at clients, naming, pausing and closing them.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use basalt_shard::command::Args;
use basalt_shard::error::text;
use basalt_shard::number;
use basalt_shard::resp::{Protocol, ReplyBuffer};

use crate::node::now_ms;
use crate::router::shard_loop::ShardLoop;
use crate::session::process_command::{LaterContext, ProcessContext, ProcessRun};
use crate::session::{ReplyMode, Session};

/// The functions of this file.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] = &[
    ("client|id", ProcessRun::Now(id)),
    ("client|getname", ProcessRun::Now(get_name)),
    ("client|setname", ProcessRun::Now(set_name)),
    ("client|setinfo", ProcessRun::Now(set_info)),
    ("client|info", ProcessRun::Now(info)),
    ("client|list", ProcessRun::Later(|context| Box::pin(list(context)))),
    ("client|kill", ProcessRun::Later(|context| Box::pin(kill(context)))),
    ("client|pause", ProcessRun::Now(pause)),
    ("client|unpause", ProcessRun::Now(unpause)),
    ("client|reply", ProcessRun::Now(reply_mode)),
    ("client|no-evict", ProcessRun::Now(|context| switch(context, |session| &session.no_evict))),
    ("client|no-touch", ProcessRun::Now(|context| switch(context, |session| &session.no_touch))),
    ("client|unblock", ProcessRun::Now(unblock)),
    ("client|getredir", ProcessRun::Now(|context| context.reply.integer(-1))),
    ("client|trackinginfo", ProcessRun::Now(tracking_info)),
    ("client|help", ProcessRun::Now(help)),
];

/// Whether a client may have this name.
pub(crate) fn check_name(name: &[u8]) -> Result<(), &'static str> {
    if name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        Ok(())
    } else {
        Err("ERR Client names cannot contain spaces, newlines or special characters.")
    }
}

fn id(context: &mut ProcessContext<'_>) {
    context.reply.integer(i64::try_from(context.session.id).unwrap_or(i64::MAX));
}

fn get_name(context: &mut ProcessContext<'_>) {
    let name = context.session.name.borrow();
    if name.is_empty() { context.reply.null() } else { context.reply.bulk(&name) }
}

fn set_name(context: &mut ProcessContext<'_>) {
    let name = context.args.get(2);
    match check_name(name) {
        Ok(()) => {
            *context.session.name.borrow_mut() = name.to_vec();
            context.reply.ok();
        }
        Err(text) => context.reply.error(text.as_bytes()),
    }
}

fn set_info(context: &mut ProcessContext<'_>) {
    let (option, value) = (context.args.get(2), context.args.get(3));
    let (field, name) = if option.eq_ignore_ascii_case(b"lib-name") {
        (&context.session.library_name, "lib-name")
    } else if option.eq_ignore_ascii_case(b"lib-ver") {
        (&context.session.library_version, "lib-ver")
    } else {
        let option = String::from_utf8_lossy(option);
        let text = format!("ERR Unrecognized option '{option}'");
        return context.reply.error(text.as_bytes());
    };
    if check_name(value).is_err() {
        let text = format!("ERR {name} cannot contain spaces, newlines or special characters.");
        return context.reply.error(text.as_bytes());
    }
    *field.borrow_mut() = value.to_vec();
    context.reply.ok();
}

/// One client as CLIENT LIST shows it, in Redis 7.2's fields and order. What Basalt has not
/// (file descriptors told to clients, replication buffers) is 0 or -1.
pub(crate) fn line(shard_loop: &ShardLoop, session: &Session, now_ms: u64) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut flags = String::new();
    if session.monitor.get() {
        flags.push('O');
    }
    if session.close_after_reply.get() {
        flags.push('c');
    }
    if session.no_evict.get() {
        flags.push('e');
    }
    if session.no_touch.get() {
        flags.push('T');
    }
    if flags.is_empty() {
        flags.push('N');
    }
    let command = session
        .last_command
        .get()
        .map_or("NULL", |id| shard_loop.node.table.entry(id).full_name.as_str());
    format!(
        "id={} addr={} laddr={} fd=-1 name={} age={} idle={} flags={flags} db={} sub=0 psub=0 \
         ssub=0 multi=-1 qbuf={} qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 \
         omem={} tot-mem={} events=r cmd={command} user=default redir=-1 resp={} lib-name={} \
         lib-ver={}",
        session.id,
        session.peer,
        session.local,
        text(&session.name.borrow()),
        now_ms.saturating_sub(session.created_ms) / 1000,
        now_ms.saturating_sub(session.last_interaction_ms.get()) / 1000,
        session.db.get(),
        session.input_bytes.get(),
        session.output_bytes.get(),
        std::mem::size_of::<Session>() + session.input_bytes.get() + session.output_bytes.get(),
        if session.protocol.get() == Protocol::Resp3 { 3 } else { 2 },
        text(&session.library_name.borrow()),
        text(&session.library_version.borrow()),
    )
}

fn info(context: &mut ProcessContext<'_>) {
    let line = line(context.shard_loop, context.session, now_ms());
    context.reply.verbatim("txt", format!("{line}\n").as_bytes());
}

fn client_id(argument: &[u8]) -> Option<u64> {
    number::parse_i64(argument).and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0)
}

/// Kinds of clients that CLIENT LIST TYPE and CLIENT KILL TYPE know; all of ours are normal.
fn is_normal_type(argument: &[u8]) -> Result<bool, String> {
    match argument.to_ascii_lowercase().as_slice() {
        b"normal" => Ok(true),
        b"master" | b"replica" | b"slave" | b"pubsub" => Ok(false),
        _ => Err(format!("ERR Unknown client type '{}'", String::from_utf8_lossy(argument))),
    }
}

async fn list(mut context: LaterContext) -> ReplyBuffer {
    let args = context.args();
    let mut ids: Option<Vec<u64>> = None;
    let mut normal = true;
    let mut error = None;
    if args.len() == 4 && args.is(2, "type") {
        match is_normal_type(args.get(3)) {
            Ok(is_normal) => normal = is_normal,
            Err(text) => error = Some(text),
        }
    } else if args.len() > 3 && args.is(2, "id") {
        ids = args.iter_from(3).map(client_id).collect();
        if ids.is_none() {
            error = Some("ERR Invalid client ID".into());
        }
    } else if args.len() != 2 {
        error = Some(text::SYNTAX.into());
    }
    if let Some(text) = error {
        context.reply.error(text.as_bytes());
        return context.reply;
    }
    let lines = context
        .shard_loop
        .on_every_shard(move |there| {
            let now = now_ms();
            let sessions = there.sessions.borrow();
            sessions
                .values()
                .filter(|session| {
                    normal && ids.as_ref().is_none_or(|ids| ids.contains(&session.id))
                })
                .map(|session| (session.id, line(there, session, now)))
                .collect::<Vec<_>>()
        })
        .await;
    let mut lines: Vec<_> = lines.into_iter().flatten().collect();
    lines.sort_unstable();
    let mut all = String::new();
    for (_, line) in lines {
        all.push_str(&line);
        all.push('\n');
    }
    context.reply.verbatim("txt", all.as_bytes());
    context.reply
}

#[derive(Clone, Default)]
struct KillFilter {
    id: Option<u64>,
    address: Option<String>,
    local: Option<String>,
    age_s: Option<u64>,
    /// By type or user: whether there are such clients at all.
    nobody: bool,
    skip: Option<u64>,
}

impl KillFilter {
    fn matches(&self, session: &Session, now_ms: u64) -> bool {
        let age_s = now_ms.saturating_sub(session.created_ms) / 1000;
        !self.nobody
            && self.id.is_none_or(|id| id == session.id)
            && self.address.as_ref().is_none_or(|address| *address == session.peer)
            && self.local.as_ref().is_none_or(|local| *local == session.local)
            && self.age_s.is_none_or(|age| age_s >= age)
            && self.skip != Some(session.id)
    }
}

fn parse_kill(args: Args<'_>, own_id: u64) -> Result<KillFilter, String> {
    let mut filter = KillFilter { skip: Some(own_id), ..KillFilter::default() };
    let owned = |bytes: &[u8]| Some(String::from_utf8_lossy(bytes).into_owned());
    let mut index = 2;
    while index < args.len() {
        if index + 1 == args.len() {
            return Err(text::SYNTAX.into());
        }
        let value = args.get(index + 1);
        if args.is(index, "id") {
            let wrong = "ERR client-id should be greater than 0";
            filter.id = Some(client_id(value).ok_or(wrong)?);
        } else if args.is(index, "addr") {
            filter.address = owned(value);
        } else if args.is(index, "laddr") {
            filter.local = owned(value);
        } else if args.is(index, "type") {
            filter.nobody |= !is_normal_type(value)?;
        } else if args.is(index, "user") {
            if value != b"default" {
                return Err(format!("ERR No such user '{}'", String::from_utf8_lossy(value)));
            }
        } else if args.is(index, "maxage") {
            let age = number::parse_i64(value).ok_or(text::NOT_AN_INTEGER)?;
            let wrong = "ERR maxage should be greater than 0";
            filter.age_s = Some(u64::try_from(age).ok().filter(|age| *age > 0).ok_or(wrong)?);
        } else if args.is(index, "skipme") {
            filter.skip = match value.to_ascii_lowercase().as_slice() {
                b"yes" => Some(own_id),
                b"no" => None,
                _ => return Err(text::SYNTAX.into()),
            };
        } else {
            return Err(text::SYNTAX.into());
        }
        index += 2;
    }
    Ok(filter)
}

async fn kill(mut context: LaterContext) -> ReplyBuffer {
    let own_id = context.session.id;
    let args = context.args();
    let old_form = args.len() == 3;
    let parsed = if old_form {
        let address = String::from_utf8_lossy(args.get(2)).into_owned();
        Ok(KillFilter { address: Some(address), ..KillFilter::default() })
    } else {
        parse_kill(args, own_id)
    };
    let filter = match parsed {
        Ok(filter) => filter,
        Err(text) => {
            context.reply.error(text.as_bytes());
            return context.reply;
        }
    };
    let killed = context
        .shard_loop
        .on_every_shard(move |there| {
            let now = now_ms();
            let victims: Vec<Rc<Session>> = there
                .sessions
                .borrow()
                .values()
                .filter(|session| filter.matches(session, now))
                .cloned()
                .collect();
            for victim in &victims {
                // One's own connection ends when the reply is out.
                if victim.id == own_id {
                    victim.close_after_reply.set(true);
                } else {
                    victim.kill();
                }
            }
            victims.len() as i64
        })
        .await;
    let killed: i64 = killed.into_iter().sum();
    match (old_form, killed) {
        (true, 0) => context.reply.error(b"ERR No such client"),
        (true, _) => context.reply.ok(),
        (false, _) => context.reply.integer(killed),
    }
    context.reply
}

fn pause(context: &mut ProcessContext<'_>) {
    let args = context.args;
    let writes_only = match args.len() {
        3 => false,
        4 if args.is(3, "write") => true,
        4 if args.is(3, "all") => false,
        4 => {
            return context.reply.error(b"ERR CLIENT PAUSE mode must be WRITE or ALL");
        }
        _ => return context.reply.error(text::SYNTAX.as_bytes()),
    };
    let until = match number::parse_i64(args.get(2)) {
        None => return context.reply.error(b"ERR timeout is not an integer or out of range"),
        Some(timeout) if timeout < 0 => {
            return context.reply.error(b"ERR timeout is negative");
        }
        Some(timeout) => (now_ms() as i64).saturating_add(timeout),
    };
    let node = &context.shard_loop.node;
    // A pause under way is never made shorter or milder by a later one.
    let under_way = node.paused_until_ms.load(Ordering::Relaxed) > now_ms() as i64;
    let stays = under_way && !node.paused_writes_only.load(Ordering::Relaxed);
    node.paused_writes_only.store(writes_only && !stays, Ordering::Relaxed);
    node.paused_until_ms.fetch_max(until, Ordering::Relaxed);
    context.reply.ok();
}

fn unpause(context: &mut ProcessContext<'_>) {
    context.shard_loop.node.paused_until_ms.store(0, Ordering::Relaxed);
    context.reply.ok();
}

fn reply_mode(context: &mut ProcessContext<'_>) {
    let session = context.session;
    if context.args.is(2, "on") {
        session.reply_mode.set(ReplyMode::On);
        context.reply.ok();
    } else if context.args.is(2, "off") {
        session.reply_mode.set(ReplyMode::Off);
    } else if context.args.is(2, "skip") {
        if session.reply_mode.get() != ReplyMode::Off {
            session.reply_mode.set(ReplyMode::SkipNext);
        }
    } else {
        context.reply.error(text::SYNTAX.as_bytes());
    }
}

fn switch(context: &mut ProcessContext<'_>, of: impl Fn(&Session) -> &std::cell::Cell<bool>) {
    let on = context.args.is(2, "on");
    if !on && !context.args.is(2, "off") {
        return context.reply.error(text::SYNTAX.as_bytes());
    }
    of(context.session).set(on);
    context.reply.ok();
}

/// No command blocks a client: there is never one to unblock.
fn unblock(context: &mut ProcessContext<'_>) {
    let args = context.args;
    if number::parse_i64(args.get(2)).is_none() {
        return context.reply.error(text::NOT_AN_INTEGER.as_bytes());
    }
    if args.len() > 4 || (args.len() == 4 && !args.is(3, "timeout") && !args.is(3, "error")) {
        let text = b"ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
        return context.reply.error(text);
    }
    context.reply.integer(0);
}

fn tracking_info(context: &mut ProcessContext<'_>) {
    let reply = &mut *context.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(1);
    reply.bulk(b"off");
    reply.bulk(b"redirect");
    reply.integer(-1);
    reply.bulk(b"prefixes");
    reply.set(0);
}

fn help(context: &mut ProcessContext<'_>) {
    super::help::write(
        context.reply,
        "CLIENT",
        &[
            ("GETNAME", "Tell the name of this connection."),
            ("GETREDIR", "Tell the client that tracking is redirected to (-1: none)."),
            ("ID", "Tell the number of this connection."),
            ("INFO", "Describe this connection."),
            ("KILL <ip:port>", "Close the connection from an address."),
            ("KILL <option> <value> [<option> <value> [...]]", "Close the connections that match."),
            ("LIST [options ...]", "Describe connections, all or by TYPE or ID."),
            ("NO-EVICT (ON|OFF)", "Protect this connection from eviction."),
            ("NO-TOUCH (ON|OFF)", "Leave access times alone."),
            ("PAUSE <timeout> [WRITE|ALL]", "Hold clients up for a number of milliseconds."),
            ("REPLY (ON|OFF|SKIP)", "Say which commands are replied to."),
            ("SETINFO <option> <value>", "Set the library's name (LIB-NAME) or version (LIB-VER)."),
            ("SETNAME <name>", "Name this connection."),
            ("TRACKINGINFO", "Tell about tracking."),
            ("UNBLOCK <clientid> [TIMEOUT|ERROR]", "Wake a blocked client."),
            ("UNPAUSE", "End a pause."),
        ],
    );
}
