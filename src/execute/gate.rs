//! The checks that a request passes before it runs, in the order of Redis: whether there is such a
//! command and it takes so many arguments, who may run it, whether the disk has room for it,
//! whether the connection may send it at the moment, and whether a pause holds it up. The first
//! that fails gives the reply.
//!
//! A pause comes last: what would be refused is refused at once. And behind it all the checks are
//! made once more, since much may have changed.

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use basalt_shard::command::{Args, Run, flag};
use basalt_shard::resp::Protocol;
use basalt_shard::table::{CommandId, LookupError};

use crate::client::Session;
use crate::shared::pause::Held;
use crate::thread::node::Node;
use crate::thread::process_command::{Entry, Table};

const NOT_AUTHENTICATED: &[u8] = b"NOAUTH Authentication required.";
const DISK_FULL: &[u8] = b"MISCONF Errors writing to the AOF file: No space left on device";

/// Bytes of what the client sent that an error repeats.
const QUOTED_BYTES_MAX: usize = 128;

/// What the checks come to.
pub(crate) enum Outcome<'a> {
    /// This command may run.
    Run(&'a Entry),
    /// A pause holds it up: it is to be checked again when that is over.
    Wait(&'a Entry),
    Refuse(Box<Refusal>),
    /// Somebody speaks another protocol, perhaps unknowingly: the connection is to be closed.
    Close,
}

/// Why a request is not run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The command, if there is such a one.
    pub(crate) command: Option<CommandId>,
    /// The error reply, without the leading `-`.
    pub(crate) text: Cow<'static, [u8]>,
}

impl Outcome<'_> {
    /// The command that was asked for, if there is such a one.
    pub(crate) fn command(&self) -> Option<CommandId> {
        match self {
            Self::Run(entry) | Self::Wait(entry) => Some(entry.id),
            Self::Refuse(refusal) => refusal.command,
            Self::Close => None,
        }
    }
}

/// What the checks depend on beside the request.
#[derive(Clone, Copy)]
struct Circumstances {
    is_authenticated: bool,
    /// It has subscribed, and could not tell other replies from what is published.
    is_in_subscribed_mode: bool,
    is_disk_full: bool,
    held: Held,
}

/// Checks a request of a client.
#[inline]
pub(crate) fn check<'a>(node: &'a Node, args: Args<'_>, session: &Session) -> Outcome<'a> {
    let circumstances = Circumstances {
        is_authenticated: session.authenticated.get(),
        is_in_subscribed_mode: session.is_subscriber() && session.protocol.get() == Protocol::Resp2,
        is_disk_full: node.storage.disk_full.load(Ordering::Relaxed),
        held: node.clients.pause.held(),
    };
    check_in(&node.table, args, circumstances)
}

#[inline]
fn check_in<'a>(table: &'a Table, args: Args<'_>, now: Circumstances) -> Outcome<'a> {
    let entry = match table.lookup(args) {
        Ok(entry) => entry,
        Err(error) => return unknown(args, error),
    };
    let spec = entry.spec;
    if !spec.accepts(args.len()) || matches!(entry.run, Run::Container) {
        return wrong_number_of_arguments(entry);
    }
    if !now.is_authenticated && !spec.has(flag::NO_AUTH) {
        return refuse(entry, NOT_AUTHENTICATED);
    }
    if now.is_disk_full && spec.has(flag::DENYOOM) {
        return refuse(entry, DISK_FULL);
    }
    if now.is_in_subscribed_mode && !spec.has(flag::IN_SUBSCRIBED_MODE) {
        return not_of_subscribers(entry);
    }
    let is_held = match now.held {
        Held::Nothing => false,
        Held::Writes => spec.has(flag::WRITE | flag::MAY_REPLICATE),
        Held::Everything => true,
    };
    if is_held { Outcome::Wait(entry) } else { Outcome::Run(entry) }
}

#[cold]
fn refuse(entry: &Entry, text: impl Into<Cow<'static, [u8]>>) -> Outcome<'static> {
    Outcome::Refuse(Box::new(Refusal { command: Some(entry.id), text: text.into() }))
}

#[cold]
fn wrong_number_of_arguments(entry: &Entry) -> Outcome<'static> {
    let text = format!("ERR wrong number of arguments for '{}' command", entry.full_name);
    refuse(entry, text.into_bytes())
}

#[cold]
fn not_of_subscribers(entry: &Entry) -> Outcome<'static> {
    let text = format!(
        "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are \
         allowed in this context",
        entry.full_name
    );
    refuse(entry, text.into_bytes())
}

#[cold]
fn unknown(args: Args<'_>, error: LookupError) -> Outcome<'static> {
    let name = args.get(0);
    if name.eq_ignore_ascii_case(b"host:") || name.eq_ignore_ascii_case(b"post") {
        return Outcome::Close;
    }
    let text = match error {
        LookupError::UnknownCommand => {
            let mut text = b"ERR unknown command '".to_vec();
            text.extend(shortened(name, QUOTED_BYTES_MAX));
            text.extend(b"', with args beginning with: ");
            let mut shown = 0;
            for argument in args.iter_from(1) {
                if shown >= QUOTED_BYTES_MAX {
                    break;
                }
                let word = shortened(argument, QUOTED_BYTES_MAX - shown);
                let quoted = [b"'".as_slice(), &word, b"' "].concat();
                shown += quoted.len();
                text.extend(quoted);
            }
            text
        }
        LookupError::UnknownSubcommand => {
            let mut text = b"ERR unknown subcommand '".to_vec();
            text.extend(shortened(args.get(1), QUOTED_BYTES_MAX));
            text.extend(b"'. Try ");
            text.extend(name.to_ascii_uppercase());
            text.extend(b" HELP.");
            text
        }
    };
    Outcome::Refuse(Box::new(Refusal { command: None, text: text.into() }))
}

/// As Redis prints an argument: a NUL ends it.
fn shortened(argument: &[u8], bytes_max: usize) -> Vec<u8> {
    argument.iter().copied().take(bytes_max).take_while(|byte| *byte != 0).collect()
}

#[cfg(test)]
mod tests;
