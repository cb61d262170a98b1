//! Who is there: AUTH and HELLO. There is one user, `default`, with one password or none.

use basalt_shard::command::Args;
use basalt_shard::number;
use basalt_shard::resp::{Protocol, ReplyBuffer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::client::REDIS_VERSION;
use crate::commands::client;
use crate::commands::replies::{Failure, answer};
use crate::commands::row::*;
use crate::thread::process_command::ProcessContext;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[
    command("auth", -2, Now(|context| answer(context, auth)))
        .flags(NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY)
        .group(Group::Connection)
        .summary("Shows the server who is there")
        .complexity("O(N) for N passwords of the user")
        .secrets(|args| (1..args.len()).collect())
        .args(&[Arg::string("username").since("6.0.0").optional(), Arg::string("password")]),
    command("hello", -1, Now(|context| answer(context, hello)))
        .flags(NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY)
        .group(Group::Connection)
        .since("6.0.0")
        .summary("Chooses the version of the protocol and introduces the client")
        .secrets(secrets_of_hello)
        .args(&[Arg::block(
            "arguments",
            &[
                Arg::integer("protover"),
                Arg::block("auth", &[Arg::string("username"), Arg::string("password")])
                    .after("AUTH")
                    .optional(),
                Arg::string("clientname").after("SETNAME").optional(),
            ],
        )
        .optional()]),
];

/// The only user.
pub(crate) const DEFAULT_USER: &[u8] = b"default";

const WRONG_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";
const NOT_AUTHENTICATED: &str = "NOAUTH HELLO must be called with the client already \
    authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to \
    authenticate the client and select the RESP protocol version at the same time";
const NO_PASSWORD_SET: &str = "ERR AUTH <password> called without any password configured for \
    the default user. Are you sure your configuration is correct?";

/// Whether `given` is the password. Its time tells nothing about how much of it is right, nor
/// how long the password is: digests are compared.
fn is_password(given: &[u8], password: &[u8]) -> bool {
    Sha256::digest(given).as_slice().ct_eq(Sha256::digest(password).as_slice()).into()
}

/// Whether this name and password are right. A user without a password takes any.
fn is_right(context: &ProcessContext<'_>, user: &[u8], given: &[u8]) -> bool {
    let config = context.shard_thread.config();
    let right = config.requirepass.as_deref().is_none_or(|password| is_password(given, password));
    right && user == DEFAULT_USER
}

fn auth(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let args = context.args;
    let (user, password) = match args.len() {
        2 if context.shard_thread.config().requirepass.is_none() => {
            return Err(NO_PASSWORD_SET.into());
        }
        2 => (DEFAULT_USER, args.get(1)),
        3 => (args.get(1), args.get(2)),
        _ => return Err(basalt_shard::error::text::SYNTAX.into()),
    };
    if !is_right(context, user, password) {
        return Err(WRONG_PASSWORD.into());
    }
    context.session.authenticated.set(true);
    context.reply.ok();
    Ok(())
}

/// As [`Hello::parse`] reads them: the name behind SETNAME may itself be called `auth`.
fn secrets_of_hello(args: Args<'_>) -> Vec<usize> {
    let mut secrets = Vec::new();
    let mut index = 2;
    while index < args.len() {
        if args.is(index, "auth") {
            secrets.extend([index + 1, index + 2]);
            index += 3;
        } else {
            index += if args.is(index, "setname") { 2 } else { 1 };
        }
    }
    secrets
}

/// What HELLO asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Hello<'a> {
    protocol: Option<Protocol>,
    /// Name and password.
    user: Option<(&'a [u8], &'a [u8])>,
    name: Option<&'a [u8]>,
}

impl<'a> Hello<'a> {
    fn parse(args: Args<'a>) -> Result<Self, Failure> {
        let mut hello = Self::default();
        if args.len() > 1 {
            hello.protocol = Some(match number::parse_i64(args.get(1)) {
                None => {
                    return Err("ERR Protocol version is not an integer or out of range".into());
                }
                Some(2) => Protocol::Resp2,
                Some(3) => Protocol::Resp3,
                Some(_) => return Err("NOPROTO unsupported protocol version".into()),
            });
        }
        let mut index = 2;
        while index < args.len() {
            let more = args.len() - index - 1;
            if args.is(index, "auth") && more >= 2 {
                hello.user = Some((args.get(index + 1), args.get(index + 2)));
                index += 3;
            } else if args.is(index, "setname") && more >= 1 {
                let name = args.get(index + 1);
                client::check_name(name)?;
                hello.name = Some(name);
                index += 2;
            } else {
                let text = "ERR Syntax error in HELLO option '%'";
                return Err(Failure::quoting(text, args.get(index)));
            }
        }
        Ok(hello)
    }
}

fn hello(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let session = context.session;
    let hello = Hello::parse(context.args)?;
    if let Some((user, password)) = hello.user {
        if !is_right(context, user, password) {
            return Err(WRONG_PASSWORD.into());
        }
        session.authenticated.set(true);
    }
    if !session.authenticated.get() {
        return Err(NOT_AUTHENTICATED.into());
    }
    if let Some(name) = hello.name {
        *session.name.borrow_mut() = name.to_vec();
    }
    if let Some(protocol) = hello.protocol {
        session.protocol.set(protocol);
    }
    context.reply.set_protocol(session.protocol.get());
    greet(session.id, context.reply);
    Ok(())
}

/// What the server is, in Redis's words: clients look for them.
fn greet(id: u64, reply: &mut ReplyBuffer) {
    let version = match reply.protocol() {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    };
    reply.map(7);
    let text = |reply: &mut ReplyBuffer, name: &str, value: &str| {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    };
    text(reply, "server", "redis");
    text(reply, "version", REDIS_VERSION);
    reply.bulk(b"proto");
    reply.integer(version);
    reply.bulk(b"id");
    reply.integer(i64::try_from(id).unwrap_or(i64::MAX));
    text(reply, "mode", "standalone");
    text(reply, "role", "master");
    reply.bulk(b"modules");
    reply.array(0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt_shard::resp::Span;

    fn check(words: &[&str], expected: Result<Hello<'_>, &str>) {
        let frame = words.concat();
        let mut start = 0;
        let spans: Vec<Span> = words
            .iter()
            .map(|word| {
                let span = Span { start, len: word.len() as u32 };
                start += span.len;
                span
            })
            .collect();
        let parsed = Hello::parse(Args::new(frame.as_bytes(), &spans));
        assert_eq!(parsed, expected.map_err(Failure::from), "{words:?}");
    }

    #[test]
    fn hello_takes_its_options_in_any_order() {
        check(&["HELLO"], Ok(Hello::default()));
        let whole = || Hello {
            protocol: Some(Protocol::Resp3),
            user: Some((b"auth", b"setname")),
            name: Some(b"auth"),
        };
        check(&["HELLO", "3", "AUTH", "auth", "setname", "SETNAME", "auth"], Ok(whole()));
        check(&["HELLO", "3", "SETNAME", "auth", "auth", "auth", "setname"], Ok(whole()));
    }

    #[test]
    fn hello_refuses_half_options() {
        check(&["HELLO", "4"], Err("NOPROTO unsupported protocol version"));
        check(&["HELLO", ""], Err("ERR Protocol version is not an integer or out of range"));
        check(&["HELLO", "2", "AUTH", "x"], Err("ERR Syntax error in HELLO option 'AUTH'"));
        check(&["HELLO", "2", "SETNAME"], Err("ERR Syntax error in HELLO option 'SETNAME'"));
    }

    #[test]
    fn passwords_are_compared_whole() {
        assert!(is_password(b"secret", b"secret"));
        for wrong in [b"".as_slice(), b"secre", b"secrets", b"Secret", b"secret\0"] {
            assert!(!is_password(wrong, b"secret"), "{wrong:?}");
        }
    }
}
