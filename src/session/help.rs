//! The HELP subcommands' form.

use basalt_shard::resp::ReplyBuffer;

/// Lists subcommands as Redis does: a head line, then a line and an indented line each, and HELP
/// itself last.
pub(crate) fn write(reply: &mut ReplyBuffer, container: &str, subcommands: &[(&str, &str)]) {
    reply.array(subcommands.len() * 2 + 3);
    let head = format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    reply.simple(&head);
    for (form, meaning) in subcommands {
        reply.simple(form);
        reply.simple(&format!("    {meaning}"));
    }
    reply.simple("HELP");
    reply.simple("    Print this help.");
}
