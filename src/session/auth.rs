//! AUTH and HELLO: who the client is, and which protocol it speaks.

use basalt_shard::number;
use basalt_shard::resp::Protocol;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::session::process_command::{ProcessContext, ProcessRun};
use crate::session::{REDIS_VERSION, client};

/// The functions of this file.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] =
    &[("auth", ProcessRun::Now(auth)), ("hello", ProcessRun::Now(hello))];

const WRONG_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";
const NO_PASSWORD: &str = "ERR AUTH <password> called without any password configured for the \
                           default user. Are you sure your configuration is correct?";
const HELLO_WITHOUT_AUTH: &str = "NOAUTH HELLO must be called with the client already \
                                  authenticated, otherwise the HELLO <proto> AUTH <user> <pass> \
                                  option can be used to authenticate the client and select the \
                                  RESP protocol version at the same time";

/// Whether these are a user and their password. Compares digests, in constant time: neither length
/// nor content of the password shows in how long it takes.
fn is_right(context: &ProcessContext<'_>, user: &[u8], password: &[u8]) -> bool {
    if user != b"default" {
        return false;
    }
    match &context.shard_loop.config().requirepass {
        None => true,
        Some(expected) => {
            let (given, expected) = (Sha256::digest(password), Sha256::digest(expected));
            given.as_slice().ct_eq(expected.as_slice()).into()
        }
    }
}

fn auth(context: &mut ProcessContext<'_>) {
    let args = context.args;
    let (user, password) = match args.len() {
        2 => {
            if context.shard_loop.config().requirepass.is_none() {
                return context.reply.error(NO_PASSWORD.as_bytes());
            }
            (b"default".as_slice(), args.get(1))
        }
        3 => (args.get(1), args.get(2)),
        _ => return context.reply.error(b"ERR syntax error"),
    };
    if is_right(context, user, password) {
        context.session.authenticated.set(true);
        context.reply.ok();
    } else {
        context.reply.error(WRONG_PASSWORD.as_bytes());
    }
}

fn hello(context: &mut ProcessContext<'_>) {
    let args = context.args;
    let mut protocol = None;
    if args.len() >= 2 {
        match number::parse_i64(args.get(1)) {
            Some(2) => protocol = Some(Protocol::Resp2),
            Some(3) => protocol = Some(Protocol::Resp3),
            Some(_) => return context.reply.error(b"NOPROTO unsupported protocol version"),
            None => {
                let text = b"ERR Protocol version is not an integer or out of range";
                return context.reply.error(text);
            }
        }
    }
    let mut name = None;
    let mut index = 2;
    while index < args.len() {
        let more = args.len() - index - 1;
        if args.is(index, "auth") && more >= 2 {
            if !is_right(context, args.get(index + 1), args.get(index + 2)) {
                return context.reply.error(WRONG_PASSWORD.as_bytes());
            }
            context.session.authenticated.set(true);
            index += 3;
        } else if args.is(index, "setname") && more >= 1 {
            name = Some(args.get(index + 1));
            index += 2;
        } else {
            let option = String::from_utf8_lossy(args.get(index));
            let text = format!("ERR Syntax error in HELLO option '{option}'");
            return context.reply.error(text.as_bytes());
        }
    }
    if !context.session.authenticated.get() {
        return context.reply.error(HELLO_WITHOUT_AUTH.as_bytes());
    }
    if let Some(name) = name {
        if let Err(text) = client::check_name(name) {
            return context.reply.error(text.as_bytes());
        }
        *context.session.name.borrow_mut() = name.to_vec();
    }
    if let Some(protocol) = protocol {
        context.session.protocol.set(protocol);
        context.reply.set_protocol(protocol);
    }
    let reply = &mut *context.reply;
    reply.map(7);
    reply.bulk(b"server");
    reply.bulk(b"redis");
    reply.bulk(b"version");
    reply.bulk(REDIS_VERSION.as_bytes());
    reply.bulk(b"proto");
    reply.integer(if reply.protocol() == Protocol::Resp3 { 3 } else { 2 });
    reply.bulk(b"id");
    reply.integer(i64::try_from(context.session.id).unwrap_or(i64::MAX));
    reply.bulk(b"mode");
    reply.bulk(b"standalone");
    reply.bulk(b"role");
    reply.bulk(b"master");
    reply.bulk(b"modules");
    reply.array(0);
}
