//! MODULE, where there are none.

use crate::commands::replies::help;
use crate::thread::process_command::{ProcessContext, ProcessRun};

/// The functions of this file.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] = &[
    ("module|list", ProcessRun::Now(|context| context.reply.array(0))),
    ("module|load", ProcessRun::Now(not_allowed)),
    ("module|loadex", ProcessRun::Now(not_allowed)),
    ("module|unload", ProcessRun::Now(not_allowed)),
    ("module|help", ProcessRun::Now(|context| help(context.reply, "MODULE", HELP))),
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
