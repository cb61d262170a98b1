//! CLIENT on one's own connection, and on all at once: name, library, replies, pauses. What looks
//! at other connections is in `client_list`.

use basalt_shard::command::Args;
use basalt_shard::error::text;

use crate::client::ReplyMode;
use crate::commands::replies::{Failure, answer, help};
use crate::commands::row::*;
use crate::thread::process_command::ProcessContext;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[container("client", SUBCOMMANDS)
    .group(Group::Connection)
    .since("2.4.0")
    .summary("Looks into and acts on connections")];

const SUBCOMMANDS: &[Command] = &[
    command("caching", 3, Now(|context| context.reply.error(NOT_TRACKING.as_bytes())))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("6.0.0")
        .summary("Chooses whether the keys of the next command are tracked")
        .args(&[Arg::one_of("mode", &[Arg::word("yes", "YES"), Arg::word("no", "NO")])]),
    command("tracking", -3, Now(|context| answer(context, tracking)))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("6.0.0")
        .summary("Has this connection told when keys that it has read change")
        .args(&[
            Arg::one_of("status", &[Arg::word("on", "ON"), Arg::word("off", "OFF")]),
            Arg::integer("client-id").after("REDIRECT").optional(),
            Arg::string("prefix").after("PREFIX").optional().multiple().multiple_token(),
            Arg::word("bcast", "BCAST").optional(),
            Arg::word("optin", "OPTIN").optional(),
            Arg::word("optout", "OPTOUT").optional(),
            Arg::word("noloop", "NOLOOP").optional(),
        ]),
    command("getname", 2, Now(getname))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("2.6.9")
        .summary("Tells the name of this connection"),
    command("getredir", 2, Now(|context| context.reply.integer(-1)))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("6.0.0")
        .summary("Tells to which connection notes on tracked keys go"),
    command("help", 2, Now(|context| help(context.reply, "CLIENT", HELP)))
        .flags(LOADING | STALE)
        .group(Group::Connection)
        .since("5.0.0")
        .summary("Lists the subcommands"),
    command("id", 2, Now(id))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("5.0.0")
        .summary("Tells the number of this connection"),
    command("no-evict", 3, Now(|context| answer(context, no_evict)))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("7.0.0")
        .summary("Keeps this connection from being closed to save memory")
        .args(&[Arg::one_of("enabled", &[Arg::word("on", "ON"), Arg::word("off", "OFF")])]),
    command("no-touch", 3, Now(|context| answer(context, no_touch)))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("7.2.0")
        .summary("Keeps the commands of this connection from marking keys as used")
        .args(&[Arg::one_of("enabled", &[Arg::word("on", "ON"), Arg::word("off", "OFF")])]),
    command("pause", -3, Now(|context| answer(context, pause)))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("2.9.50")
        .summary("Holds commands back for a time")
        .args(&[
            Arg::integer("timeout"),
            Arg::one_of("mode", &[Arg::word("write", "WRITE"), Arg::word("all", "ALL")])
                .since("6.2.0")
                .optional(),
        ]),
    command("reply", 3, Now(|context| answer(context, reply)))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("3.2.0")
        .summary("Turns replies on this connection on or off")
        .args(&[Arg::one_of(
            "action",
            &[Arg::word("on", "ON"), Arg::word("off", "OFF"), Arg::word("skip", "SKIP")],
        )]),
    command("setinfo", 4, Now(|context| answer(context, setinfo)))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("7.2.0")
        .summary("Tells the server about the client library")
        .args(&[Arg::one_of(
            "attr",
            &[Arg::string("libname").after("LIB-NAME"), Arg::string("libver").after("LIB-VER")],
        )]),
    command("setname", 3, Now(|context| answer(context, setname)))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("2.6.9")
        .summary("Names this connection")
        .args(&[Arg::string("connection-name")]),
    command("trackinginfo", 2, Now(trackinginfo))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("6.2.0")
        .summary("Tells whether and how keys are tracked for this connection"),
    command("unblock", -3, Now(|context| answer(context, unblock)))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("5.0.0")
        .summary("Ends the waiting of another connection")
        .complexity("O(log N) for N connections")
        .args(&[
            Arg::integer("client-id"),
            Arg::one_of(
                "unblock-type",
                &[Arg::word("timeout", "TIMEOUT"), Arg::word("error", "ERROR")],
            )
            .optional(),
        ]),
    command("unpause", 2, Now(unpause))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Connection)
        .since("6.2.0")
        .summary("Ends a pause")
        .complexity("O(N) for N paused connections"),
];

const HELP: &[&str] = &[
    "CACHING (YES|NO)",
    "    Choose whether the keys of the next command are tracked: nothing is.",
    "GETNAME",
    "    Tell the name of this connection.",
    "GETREDIR",
    "    Tell which connection gets the notes on tracked keys (-1: tracking is off).",
    "ID",
    "    Tell the number of this connection.",
    "INFO",
    "    Describe this connection.",
    "KILL <ip:port>",
    "    Close the connection of that client.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Close the connections that all options fit:",
    "    * ADDR <ip:port|path:0>: of the client at that address.",
    "    * LADDR <ip:port|path:0>: made to that address of the server.",
    "    * TYPE <normal|master|replica|pubsub>: of that type.",
    "    * USER <name>: of that user.",
    "    * ID <number>: with that number.",
    "    * MAXAGE <seconds>: at least that old.",
    "    * SKIPME <yes|no>: whether to spare this connection (default: yes).",
    "LIST [TYPE <normal|master|replica|pubsub> | ID <number> [<number> ...]]",
    "    Describe connections, all of them or those asked for.",
    "NO-EVICT <ON|OFF>",
    "    Keep this connection from being closed to save memory.",
    "NO-TOUCH <ON|OFF>",
    "    Keep commands of this connection from marking keys as used.",
    "PAUSE <milliseconds> [WRITE|ALL]",
    "    Hold all commands back for a time, or those only that write.",
    "REPLY <ON|OFF|SKIP>",
    "    Turn replies on this connection on or off, or leave out the next one.",
    "SETINFO <LIB-NAME|LIB-VER> <value>",
    "    Tell the server about the client library.",
    "SETNAME <name>",
    "    Name this connection.",
    "TRACKING (ON|OFF)",
    "    Turn the tracking of keys off. It cannot be turned on.",
    "TRACKINGINFO",
    "    Tell whether keys are tracked for this connection.",
    "UNBLOCK <number> [TIMEOUT|ERROR]",
    "    End the waiting of another connection.",
    "UNPAUSE",
    "    End a pause.",
];

/// What a client says of itself is kept as long as it is connected, and shown to everybody.
const NAME_BYTES_MAX: usize = 4096;
const NOT_TRACKING: &str = "ERR CLIENT CACHING can be called only when the client is in tracking \
    mode with OPTIN or OPTOUT mode enabled";
const NAME_TOO_LONG: &str = "ERR Client names cannot be longer than 4096 bytes.";

/// Names stand in lines of CLIENT LIST: only what is visible and no blank may be in them.
fn is_plain(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

/// Whether a connection may have this name.
pub(crate) fn check_name(name: &[u8]) -> Result<(), Failure> {
    if name.len() > NAME_BYTES_MAX {
        return Err(NAME_TOO_LONG.into());
    }
    if is_plain(name) {
        return Ok(());
    }
    Err("ERR Client names cannot contain spaces, newlines or special characters.".into())
}

fn id(context: &mut ProcessContext<'_>) {
    context.reply.integer(i64::try_from(context.session.id).unwrap_or(i64::MAX));
}

fn getname(context: &mut ProcessContext<'_>) {
    let name = context.session.name.borrow();
    if name.is_empty() { context.reply.null() } else { context.reply.bulk(&name) }
}

fn setname(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let name = context.args.get(2);
    check_name(name)?;
    *context.session.name.borrow_mut() = name.to_vec();
    context.reply.ok();
    Ok(())
}

fn setinfo(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let args = context.args;
    let (option, value) = (args.get(2), args.get(3));
    let target = match option.to_ascii_lowercase().as_slice() {
        b"lib-name" => &context.session.library_name,
        b"lib-ver" => &context.session.library_version,
        _ => return Err(Failure::quoting("ERR Unrecognized option '%'", option)),
    };
    if value.len() > NAME_BYTES_MAX {
        return Err(NAME_TOO_LONG.into());
    }
    if !is_plain(value) {
        let text = "ERR % cannot contain spaces, newlines or special characters.";
        return Err(Failure::quoting(text, option));
    }
    *target.borrow_mut() = value.to_vec();
    context.reply.ok();
    Ok(())
}

fn reply(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let mode = &context.session.reply_mode;
    if context.args.is(2, "on") {
        mode.set(ReplyMode::On);
        context.reply.ok();
    } else if context.args.is(2, "off") {
        mode.set(ReplyMode::Off);
    } else if context.args.is(2, "skip") {
        if mode.get() != ReplyMode::Off {
            mode.set(ReplyMode::SkipNext);
        }
    } else {
        return Err(text::SYNTAX.into());
    }
    Ok(())
}

fn on_or_off(args: Args<'_>) -> Result<bool, Failure> {
    match args.get(2).to_ascii_lowercase().as_slice() {
        b"on" => Ok(true),
        b"off" => Ok(false),
        _ => Err(text::SYNTAX.into()),
    }
}

fn no_evict(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    context.session.no_evict.set(on_or_off(context.args)?);
    context.reply.ok();
    Ok(())
}

fn no_touch(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    context.session.no_touch.set(on_or_off(context.args)?);
    context.reply.ok();
    Ok(())
}

fn pause(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let args = context.args;
    let writes_only = match args.len() {
        3 => false,
        4 if args.is(3, "write") => true,
        4 if args.is(3, "all") => false,
        4 => return Err("ERR CLIENT PAUSE mode must be WRITE or ALL".into()),
        _ => return Err(Failure::subcommand(args)),
    };
    let time_ms = args.integer(2).map_err(|_| "ERR timeout is not an integer or out of range")?;
    if time_ms < 0 {
        return Err("ERR timeout is negative".into());
    }
    let begun = context.shard_thread.node.clients.pause.begin(time_ms, writes_only);
    begun.ok_or("ERR timeout is out of range")?;
    context.reply.ok();
    Ok(())
}

fn unpause(context: &mut ProcessContext<'_>) {
    context.shard_thread.node.clients.pause.end();
    context.reply.ok();
}

/// No command waits for data so far: there is nobody to wake.
fn unblock(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let args = context.args;
    match args.len() {
        3 => {}
        4 if args.is(3, "timeout") || args.is(3, "error") => {}
        4 => return Err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR".into()),
        _ => return Err(Failure::subcommand(args)),
    }
    args.integer(2)?;
    context.reply.integer(0);
    Ok(())
}

/// It is off, and stays so.
fn tracking(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    if context.args.is(2, "on") {
        return Err("ERR tracking of keys is not supported: this server sends no invalidations. \
                    Turn client side caching off in the client"
            .into());
    }
    if !context.args.is(2, "off") {
        return Err(text::SYNTAX.into());
    }
    context.reply.ok();
    Ok(())
}

/// No keys are tracked.
fn trackinginfo(context: &mut ProcessContext<'_>) {
    let reply = &mut *context.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(1);
    reply.bulk(b"off");
    reply.bulk(b"redirect");
    reply.integer(-1);
    reply.bulk(b"prefixes");
    reply.array(0);
}
