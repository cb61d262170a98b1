//! DEBUG: the subcommands that tests of clients and servers need. Who may use them is decided by
//! `enable-debug-command`. Those that look into Redis's own memory layout are unknown here.

use std::sync::atomic::Ordering;
use std::time::Duration;

use basalt_shard::command::Args;
use basalt_shard::error::text;
use basalt_shard::number;
use basalt_shard::resp::{Protocol, ReplyBuffer, Span};

use crate::clock::now_us;
use crate::commands::replies::{Failure, help};
use crate::commands::row::*;
use crate::execute::transaction;
use crate::runtime;
use crate::thread::batch::Batch;
use crate::thread::process_command::{LaterContext, LaterReply, Table};
use crate::thread::shard_command::ShardCommand;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[command("debug", -2, Later(debug))
    .flags(ADMIN | NOSCRIPT | LOADING | STALE)
    .group(Group::Server)
    .summary("Helps with tests and with finding bugs")
    .complexity("Depends on the subcommand")
    .for_developers()];

const HELP: &[&str] = &[
    "CHANGE-REPL-ID",
    "    Nothing: there is no replication.",
    "ERROR <text>",
    "    Answer with this error.",
    "LOADAOF",
    "    Hand what was written to the system, as RELOAD.",
    "LOG <text>",
    "    Write a line to the log.",
    "OBJECT <key>",
    "    Tell how a value is kept.",
    "PROTOCOL <type>",
    "    Answer with an example of a type: string, integer, double, bignum, null, array, set, map,",
    "    attrib, push, verbatim, true, false.",
    "QUICKLIST-PACKED-THRESHOLD <bytes>",
    "    Nothing: lists are not kept in such nodes.",
    "RELOAD [<option> ...]",
    "    Hand what was written to the system. The data is on disk: nothing is to be loaded.",
    "REPLICATE <argument> [<argument> ...]",
    "    Nothing: there are no replicas.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    Leave keys whose time has come where they are (0), or remove them (1).",
    "SLEEP <seconds>",
    "    Answer after a time. Only this connection waits.",
];

const FORBIDDEN: &str = "ERR DEBUG command not allowed. If the enable-debug-command option is set \
    to \"local\", you can run it from a local connection, otherwise you need to set this option \
    in the configuration file, and then restart the server.";

const WRONG_TYPE_NAME: &str = "ERR Wrong protocol type name. Please use one of the following: \
    string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false";

fn debug(mut context: LaterContext) -> LaterReply {
    Box::pin(async move {
        let start = context.reply.len();
        if let Err(failure) = run(&mut context).await {
            context.reply.truncate(start);
            context.reply.error(&failure.0);
        }
        context.reply
    })
}

async fn run(context: &mut LaterContext) -> Result<(), Failure> {
    let config = context.shard_thread.config();
    if !config.enable_debug_command.permits(context.session.from_this_host) {
        return Err(FORBIDDEN.into());
    }
    let subcommand = context.args().get(1).to_ascii_lowercase();
    match (subcommand.as_slice(), context.args().len()) {
        (b"help", 2) => help(&mut context.reply, "DEBUG", HELP),
        (b"sleep", 3) => {
            runtime::sleep(sleep_time(context.args().get(2))).await;
            context.reply.ok();
        }
        (b"set-active-expire", 3) => {
            let off = !context.args().integer(2).is_ok_and(|value| value != 0);
            context.shard_thread.node.storage.expire_off.store(off, Ordering::Relaxed);
            context.reply.ok();
        }
        (b"object", 3..) => object(context).await?,
        (b"reload", _) | (b"loadaof", 2) => {
            context.shard_thread.on_every_shard(|there| there.flush_log()).await;
            context.reply.ok();
        }
        (b"change-repl-id", 2) | (b"replicate", 3..) => context.reply.ok(),
        (b"protocol", 3) => {
            let kind = context.args().get(2).to_ascii_lowercase();
            protocol(&kind, &mut context.reply)?;
        }
        (b"error", 3) => {
            let error = context.args().get(2).to_vec();
            context.reply.error(&error);
        }
        (b"log", 3) => {
            let line = String::from_utf8_lossy(context.args().get(2)).into_owned();
            tracing::warn!("DEBUG LOG: {}", line.escape_debug());
            context.reply.ok();
        }
        (b"quicklist-packed-threshold", 3) => {
            let bytes = number::parse_memory(context.args().get(2));
            bytes
                .filter(|bytes| *bytes <= 4 << 30)
                .ok_or("ERR argument must be a memory value bigger than 1 and smaller than 4gb")?;
            context.reply.ok();
        }
        _ => return Err(Failure::subcommand(context.args())),
    }
    Ok(())
}

/// Decimals are allowed; what is no number is no time, as in Redis.
fn sleep_time(seconds: &[u8]) -> Duration {
    let seconds = number::parse_f64(seconds).unwrap_or(0.0);
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// The double that Redis's DEBUG PROTOCOL answers with: not quite pi.
#[expect(clippy::approx_constant, reason = "clients' tests expect these digits")]
const EXAMPLE_DOUBLE: f64 = 3.141;

/// An example of each kind of reply.
fn protocol(kind: &[u8], reply: &mut ReplyBuffer) -> Result<(), Failure> {
    match kind {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.integer(12_345),
        b"double" => reply.double(EXAMPLE_DOUBLE),
        b"null" => reply.null(),
        b"array" | b"set" => {
            if kind == b"set" {
                reply.set(3)
            } else {
                reply.array(3)
            }
            (0..3).for_each(|element| reply.integer(element));
        }
        b"map" => {
            reply.map(3);
            for key in 0..3 {
                reply.integer(key);
                reply.boolean(key == 1);
            }
        }
        b"attrib" => {
            if reply.protocol() == Protocol::Resp3 {
                // The only attribute that the server ever sends.
                reply.append_raw(b"|1\r\n");
                reply.bulk(b"key-popularity");
                reply.array(2);
                reply.bulk(b"key:123");
                reply.integer(90);
            }
            reply.bulk(b"Some real reply following the attribute");
        }
        b"push" => {
            if reply.protocol() == Protocol::Resp2 {
                return Err("ERR RESP2 is not supported by this command".into());
            }
            reply.push(2);
            reply.bulk(b"server-cpu-usage");
            reply.integer(42);
            reply.bulk(b"Some real reply following the push reply");
        }
        b"true" | b"false" => reply.boolean(kind == b"true"),
        b"verbatim" => reply.verbatim("txt", b"This is a verbatim\nstring"),
        b"bignum" => reply.big_number("1234567999999999999999999999999999999"),
        _ => return Err(WRONG_TYPE_NAME.into()),
    }
    Ok(())
}

/// What OBJECT and MEMORY USAGE say, in the line of Redis. There are no addresses.
async fn object(context: &mut LaterContext) -> Result<(), Failure> {
    let key = context.args().get(2).to_vec();
    let mut batch = Batch::new(context.session.caller(), Protocol::Resp2);
    let asked = [
        [b"object".as_slice(), b"encoding"],
        [b"object", b"refcount"],
        [b"object", b"idletime"],
        [b"memory", b"usage"],
    ];
    for [command, subcommand] in asked {
        push(&mut batch, &context.shard_thread.node.table, &[command, subcommand, &key]);
    }
    let outcome = transaction::run(&context.shard_thread, batch).await;
    let line = |index: usize| {
        let reply = String::from_utf8_lossy(outcome.executed.reply(index)).into_owned();
        // A bulk string has its text on the second line, an integer on the first.
        let mut lines = reply.lines();
        let first = lines.next().unwrap_or_default().to_owned();
        lines.next().map_or(first, str::to_owned)
    };
    let encoding = line(0);
    if let Some(error) = encoding.strip_prefix('-').filter(|rest| *rest != "1") {
        return Err(error.into());
    }
    if encoding == "$-1" {
        return Err(text::NO_SUCH_KEY.into());
    }
    let count = |index| line(index).trim_start_matches(':').parse::<u64>().unwrap_or(0);
    let (references, idle_s, bytes) = (count(1), count(2), count(3));
    // Redis's clock of last uses has 24 bits.
    let used = (now_us() / 1_000_000).saturating_sub(idle_s) & 0xff_ffff;
    context.reply.simple(&format!(
        "Value at:0x0 refcount:{references} encoding:{encoding} serializedlength:{bytes} \
         lru:{used} lru_seconds_idle:{idle_s}"
    ));
    Ok(())
}

fn push(batch: &mut Batch, table: &Table, words: &[&[u8]]) {
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
    let args = Args::new(&frame, &spans);
    if let Some(command) = table.lookup(args).ok().and_then(ShardCommand::of) {
        batch.push(command, args);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeps_are_never_negative() {
        assert_eq!(sleep_time(b"0.25"), Duration::from_millis(250));
        for word in [b"".as_slice(), b"x", b"-1", b"nan", b"inf", b"1e300"] {
            assert_eq!(sleep_time(word), Duration::ZERO, "{word:?}");
        }
    }

    #[test]
    fn every_type_has_an_example() {
        for (kind, resp2, resp3) in [
            ("string", "$11\r\nHello World\r\n", "$11\r\nHello World\r\n"),
            ("double", "$5\r\n3.141\r\n", ",3.141\r\n"),
            ("null", "$-1\r\n", "_\r\n"),
            ("set", "*3\r\n:0\r\n:1\r\n:2\r\n", "~3\r\n:0\r\n:1\r\n:2\r\n"),
            ("true", ":1\r\n", "#t\r\n"),
            (
                "map",
                "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n",
                "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n",
            ),
        ] {
            for (version, expected) in [(Protocol::Resp2, resp2), (Protocol::Resp3, resp3)] {
                let mut reply = ReplyBuffer::new(version);
                protocol(kind.as_bytes(), &mut reply).unwrap();
                assert_eq!(String::from_utf8_lossy(reply.as_bytes()), expected, "{kind}");
            }
        }
        let mut reply = ReplyBuffer::new(Protocol::Resp2);
        assert!(protocol(b"push", &mut reply).is_err() && protocol(b"x", &mut reply).is_err());
    }
}
