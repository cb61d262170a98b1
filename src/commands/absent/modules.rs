//! MODULE, where there are none.

use crate::commands::replies::help;
use crate::commands::row::*;
use crate::thread::process_command::ProcessContext;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[container("module", SUBCOMMANDS)
    .group(Group::Server)
    .since("4.0.0")
    .summary("Looks at modules")];

const SUBCOMMANDS: &[Command] = &[
    command("help", 2, Now(|context| help(context.reply, "MODULE", HELP)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .since("5.0.0")
        .summary("Lists the subcommands"),
    command("list", 2, Now(|context| context.reply.array(0)))
        .flags(ADMIN | NOSCRIPT)
        .group(Group::Server)
        .since("4.0.0")
        .summary("Lists the modules that are loaded")
        .complexity("O(N) for N modules")
        .tips(&["nondeterministic_output_order"]),
    command("load", -3, Now(not_allowed))
        .flags(ADMIN | NOSCRIPT | NO_ASYNC_LOADING)
        .group(Group::Server)
        .since("4.0.0")
        .summary("Loads a module")
        .args(&[Arg::string("path"), Arg::string("arg").optional().multiple()]),
    command("loadex", -3, Now(not_allowed))
        .flags(ADMIN | NOSCRIPT | NO_ASYNC_LOADING)
        .group(Group::Server)
        .since("7.0.0")
        .summary("Loads a module with its configuration")
        .args(&[
            Arg::string("path"),
            Arg::block("configs", &[Arg::string("name"), Arg::string("value")])
                .after("CONFIG")
                .optional()
                .multiple()
                .multiple_token(),
            Arg::block("args", &[Arg::string("arg")]).after("ARGS").optional().multiple(),
        ]),
    command("unload", 3, Now(not_allowed))
        .flags(ADMIN | NOSCRIPT | NO_ASYNC_LOADING)
        .group(Group::Server)
        .since("4.0.0")
        .summary("Unloads a module")
        .args(&[Arg::string("name")]),
];

const HELP: &[&str] = &[
    "LIST",
    "    List the modules that are loaded: none.",
    "LOAD <path> [<arg> ...]",
    "    Not allowed: this server has no interface for modules.",
    "LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
    "    As LOAD.",
    "UNLOAD <name>",
    "    As LOAD.",
];

/// Begins as the error of a Redis that was not told to take modules.
fn not_allowed(context: &mut ProcessContext<'_>) {
    context
        .reply
        .error(b"ERR MODULE command not allowed. This server has no interface for modules.");
}
