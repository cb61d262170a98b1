//! Flags as COMMAND tells them: by their names.

use basalt_shard::resp::ReplyBuffer;

/// The names out of a list of flags, as a set of statuses.
pub(super) fn flag_names(flags: u32, names: &[(u32, &str)], prefix: &str, reply: &mut ReplyBuffer) {
    let chosen = || names.iter().filter(|(flag, _)| flags & flag != 0);
    reply.set(chosen().count());
    for (_, name) in chosen() {
        reply.simple(&format!("{prefix}{name}"));
    }
}
