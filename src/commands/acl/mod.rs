//! ACL, where there is one user, `default`, who may do everything, and whose password is
//! `requirepass`.

use std::fmt::Write;

use basalt_shard::command::Run;
use sha2::{Digest, Sha256};

use crate::commands::auth::DEFAULT_USER;
use crate::commands::replies::{Failure, answer, help};
use crate::commands::row::*;
use crate::thread::process_command::ProcessContext;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[container("acl", SUBCOMMANDS)
    .group(Group::Server)
    .since("6.0.0")
    .summary("Looks at who may do what")];

const SUBCOMMANDS: &[Command] = &[
    command("cat", -2, Now(|context| answer(context, cat)))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("6.0.0")
        .summary("Lists the categories of commands, or the commands of one")
        .complexity("O(N) for N commands")
        .args(&[Arg::string("categoryname").optional()]),
    command("deluser", -3, Now(|context| answer(context, deluser)))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("6.0.0")
        .summary("Removes users")
        .complexity("O(N) for N users")
        .args(&[Arg::string("username").multiple()]),
    command("dryrun", -4, Now(|context| answer(context, dryrun)))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("7.0.0")
        .summary("Tells whether a user may run a command, without running it")
        .args(&[
            Arg::string("username"),
            Arg::string("command"),
            Arg::string("arg").optional().multiple(),
        ]),
    command("genpass", -2, Now(|context| answer(context, genpass)))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("6.0.0")
        .summary("Makes a password up")
        .args(&[Arg::integer("bits").optional()]),
    command("getuser", 3, Now(getuser))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("6.0.0")
        .summary("Describes what a user may do")
        .complexity("O(N) for N rules of the user")
        .args(&[Arg::string("username")]),
    command("help", 2, Now(|context| help(context.reply, "ACL", HELP)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .since("6.0.0")
        .summary("Lists the subcommands"),
    command("list", 2, Now(list))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("6.0.0")
        .summary("Shows the users as a configuration file has them")
        .complexity("O(N) for N users"),
    command("load", 2, Now(|context| context.reply.error(NO_FILE.as_bytes())))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("6.0.0")
        .summary("Reads the users from the file of users again")
        .complexity("O(N) for N users"),
    command("log", -2, Now(|context| answer(context, log)))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("6.0.0")
        .summary("Shows what was refused, or forgets it")
        .complexity("O(N) for N entries")
        .args(&[Arg::one_of("operation", &[Arg::integer("count"), Arg::word("reset", "RESET")])
            .optional()]),
    command("save", 2, Now(|context| context.reply.error(NO_FILE.as_bytes())))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("6.0.0")
        .summary("Writes the users to the file of users")
        .complexity("O(N) for N users"),
    command("setuser", -3, Now(|context| context.reply.error(NO_USERS.as_bytes())))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("6.0.0")
        .summary("Makes a user, or changes what one may do")
        .complexity("O(N) for N rules")
        .args(&[Arg::string("username"), Arg::string("rule").optional().multiple()]),
    command("users", 2, Now(users))
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("6.0.0")
        .summary("Lists the names of the users")
        .complexity("O(N) for N users"),
    command("whoami", 2, Now(|context| context.reply.bulk(DEFAULT_USER)))
        .flags(NOSCRIPT | LOADING | STALE)
        .group(Group::Server)
        .since("6.0.0")
        .summary("Tells as which user the connection works"),
];

const HELP: &[&str] = &[
    "CAT [<category>]",
    "    List the categories of commands, or the commands of one.",
    "DELUSER <username> [<username> ...]",
    "    Remove users. The user 'default' stays.",
    "DRYRUN <username> <command> [<arg> ...]",
    "    Tell whether a user may run a command, without running it.",
    "GENPASS [<bits>]",
    "    Make a password up, of 256 bits unless said otherwise.",
    "GETUSER <username>",
    "    Describe what a user may do.",
    "LIST",
    "    Show the users as a configuration file has them.",
    "LOAD",
    "    Read the users from their file: there is none.",
    "LOG [<count> | RESET]",
    "    Show what was refused to users, or forget it.",
    "SAVE",
    "    Write the users to their file: there is none.",
    "SETUSER <username> <attribute> [<attribute> ...]",
    "    Not supported: there is the user 'default' alone.",
    "USERS",
    "    List the names of the users.",
    "WHOAMI",
    "    Tell as which user this connection works.",
];

const NO_USERS: &str = "ERR ACL users are not supported: there is the user 'default' alone, who \
    may do everything. Set the password with CONFIG SET requirepass";

const NO_FILE: &str = "ERR This server is not configured to use an ACL file: ACL users are not \
    supported. There is the user 'default' alone; its password is the directive requirepass, \
    which CONFIG REWRITE stores";

/// Most bits of a password that is made up, and how many it has if nobody says.
const PASSWORD_BITS_MAX: i64 = 4096;
const PASSWORD_BITS: i64 = 256;

fn users(context: &mut ProcessContext<'_>) {
    context.reply.array(1);
    context.reply.bulk(DEFAULT_USER);
}

/// The digest of the password, as rules have it behind `#`.
fn password_digest(context: &ProcessContext<'_>) -> Option<String> {
    let config = context.shard_thread.config();
    config.requirepass.as_deref().map(|password| hexadecimal(&Sha256::digest(password)))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn list(context: &mut ProcessContext<'_>) {
    let password =
        password_digest(context).map_or_else(|| "nopass".to_owned(), |it| format!("#{it}"));
    context.reply.array(1);
    context.reply.bulk(format!("user default on {password} ~* &* +@all").as_bytes());
}

fn getuser(context: &mut ProcessContext<'_>) {
    if context.args.get(2) != DEFAULT_USER {
        context.reply.null();
        return;
    }
    let password = password_digest(context);
    let reply = &mut *context.reply;
    reply.map(6);
    reply.bulk(b"flags");
    let flags: &[&str] = if password.is_some() { &["on"] } else { &["on", "nopass"] };
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"passwords");
    reply.array(usize::from(password.is_some()));
    password.iter().for_each(|digest| reply.bulk(digest.as_bytes()));
    for (name, rules) in [("commands", "+@all"), ("keys", "~*"), ("channels", "&*")] {
        reply.bulk(name.as_bytes());
        reply.bulk(rules.as_bytes());
    }
    reply.bulk(b"selectors");
    reply.array(0);
}

fn cat(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let (args, reply) = (context.args, &mut *context.reply);
    match args.len() {
        2 => {
            reply.array(category::NAMES.len());
            category::NAMES.iter().for_each(|(_, name)| reply.bulk(name.as_bytes()));
        }
        3 => {
            let known = category::NAMES.iter().find(|(_, name)| args.is(2, name));
            let (category, _) =
                known.ok_or_else(|| Failure::quoting("ERR Unknown category '%'", args.get(2)))?;
            let table = &context.shard_thread.node.table;
            let names = reply.deferred_array();
            let mut len = 0;
            for entry in table.entries() {
                if entry.spec.categories() & category != 0 {
                    reply.bulk(entry.full_name.as_bytes());
                    len += 1;
                }
            }
            reply.finish_array(names, len);
        }
        _ => return Err(Failure::subcommand(args)),
    }
    Ok(())
}

fn genpass(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let args = context.args;
    let bits = match args.len() {
        2 => PASSWORD_BITS,
        3 => args.integer(2)?,
        _ => return Err(Failure::subcommand(args)),
    };
    if !(1..=PASSWORD_BITS_MAX).contains(&bits) {
        return Err("ERR ACL GENPASS argument must be the number of bits for the output \
                    password, a positive number up to 4096"
            .into());
    }
    // A digit has four bits.
    let digits = bits.unsigned_abs().div_ceil(4) as usize;
    let mut bytes = vec![0; digits.div_ceil(2)];
    getrandom::getrandom(&mut bytes).map_err(|error| {
        Failure::from(format!("ERR the system has no randomness: {error}").as_str())
    })?;
    let password = hexadecimal(&bytes);
    context.reply.bulk(&password.as_bytes()[..digits]);
    Ok(())
}

/// Nothing is ever refused to who may do everything.
fn log(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let args = context.args;
    match args.len() {
        2 => context.reply.array(0),
        3 if args.is(2, "reset") => context.reply.ok(),
        3 => {
            args.integer(2)?;
            context.reply.array(0);
        }
        _ => return Err(Failure::subcommand(args)),
    }
    Ok(())
}

fn dryrun(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let args = context.args;
    if args.get(2) != DEFAULT_USER {
        return Err(Failure::quoting("ERR User '%' not found", args.get(2)));
    }
    let call = args.skip(3);
    let entry = context.shard_thread.node.table.lookup(call);
    let entry = entry.map_err(|_| Failure::quoting("ERR Command '%' not found", args.get(3)))?;
    if !entry.spec.accepts(call.len()) || matches!(entry.run, Run::Container) {
        let text = "ERR wrong number of arguments for '%' command";
        return Err(Failure::quoting(text, entry.full_name.as_bytes()));
    }
    context.reply.ok();
    Ok(())
}

fn deluser(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    if context.args.iter_from(2).any(|name| name == DEFAULT_USER) {
        return Err("ERR The 'default' user cannot be removed".into());
    }
    context.reply.integer(0);
    Ok(())
}
