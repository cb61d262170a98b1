//! COMMAND DOCS: what people, and tools that help them type, want to know of commands.

use basalt_shard::command::{Arg, ArgKind, Args};
use basalt_shard::resp::{DeferredLength, ReplyBuffer};

use crate::thread::process_command::{Entry, Table};

/// COMMAND DOCS: of all commands, or of those asked for that are known.
pub(super) fn docs(table: &Table, args: Args<'_>, reply: &mut ReplyBuffer) {
    let chosen: Vec<&Entry> = if args.len() == 2 {
        table.top_level().collect()
    } else {
        args.iter_from(2).filter_map(|name| table.by_full_name(name)).collect()
    };
    explain_all(table, &chosen, reply);
}

fn explain_all(table: &Table, entries: &[&Entry], reply: &mut ReplyBuffer) {
    reply.map(entries.len());
    for entry in entries {
        reply.bulk(entry.full_name.as_bytes());
        explain(table, entry, reply);
    }
}

fn explain(table: &Table, entry: &Entry, reply: &mut ReplyBuffer) {
    let docs = &entry.spec.docs;
    let mut fields = Fields::new(reply);
    fields.text("summary", docs.summary);
    fields.text("since", docs.since);
    fields.text("group", docs.group.name());
    fields.text("complexity", docs.complexity);
    fields.flags(
        "doc_flags",
        &[(docs.deprecated.is_some(), "deprecated"), (docs.is_for_developers, "syscmd")],
    );
    if let Some((since, replacement)) = docs.deprecated {
        fields.text("deprecated_since", since);
        fields.text("replaced_by", replacement);
    }
    if !docs.history.is_empty() {
        let reply = fields.next("history");
        reply.set(docs.history.len());
        for (version, change) in docs.history {
            reply.array(2);
            reply.bulk(version.as_bytes());
            reply.bulk(change.as_bytes());
        }
    }
    fields.arguments(docs.arguments);
    let subcommands: Vec<&Entry> = table.subcommands(entry).collect();
    if !subcommands.is_empty() {
        explain_all(table, &subcommands, fields.next("subcommands"));
    }
    fields.finish();
}

fn explain_argument(arg: &Arg, reply: &mut ReplyBuffer) {
    let (kind, inner): (&str, &[Arg]) = match arg.kind {
        ArgKind::String => ("string", &[]),
        ArgKind::Integer => ("integer", &[]),
        ArgKind::Double => ("double", &[]),
        ArgKind::Key(_) => ("key", &[]),
        ArgKind::Pattern => ("pattern", &[]),
        ArgKind::UnixTime => ("unix-time", &[]),
        ArgKind::PureToken => ("pure-token", &[]),
        ArgKind::OneOf(inner) => ("oneof", inner),
        ArgKind::Block(inner) => ("block", inner),
    };
    let mut fields = Fields::new(reply);
    fields.text("name", arg.name);
    fields.text("type", kind);
    if !matches!(arg.kind, ArgKind::OneOf(_) | ArgKind::Block(_)) {
        fields.text("display_text", if arg.display.is_empty() { arg.name } else { arg.display });
    }
    if let ArgKind::Key(index) = arg.kind {
        fields.next("key_spec_index").integer(i64::try_from(index).unwrap_or(i64::MAX));
    }
    fields.text("token", arg.token);
    fields.text("since", arg.since);
    fields.text("deprecated_since", arg.deprecated_since);
    fields.flags(
        "flags",
        &[
            (arg.optional, "optional"),
            (arg.multiple, "multiple"),
            (arg.multiple_token, "multiple_token"),
        ],
    );
    fields.arguments(inner);
    fields.finish();
}

/// A map whose fields are left out when they are empty.
struct Fields<'a> {
    reply: &'a mut ReplyBuffer,
    map: DeferredLength,
    pairs: usize,
}

impl<'a> Fields<'a> {
    fn new(reply: &'a mut ReplyBuffer) -> Self {
        let map = reply.deferred_map();
        Self { reply, map, pairs: 0 }
    }

    /// Opens the next field; its value is to be written.
    fn next(&mut self, name: &str) -> &mut ReplyBuffer {
        self.pairs += 1;
        self.reply.bulk(name.as_bytes());
        self.reply
    }

    fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.next(name).bulk(value.as_bytes());
        }
    }

    fn flags(&mut self, name: &str, flags: &[(bool, &str)]) {
        let set = || flags.iter().filter(|(is_set, _)| *is_set);
        if set().count() > 0 {
            let reply = self.next(name);
            reply.set(set().count());
            set().for_each(|(_, flag)| reply.simple(flag));
        }
    }

    fn arguments(&mut self, list: &[Arg]) {
        if !list.is_empty() {
            let reply = self.next("arguments");
            reply.array(list.len());
            list.iter().for_each(|arg| explain_argument(arg, reply));
        }
    }

    fn finish(self) {
        self.reply.finish_map(self.map, self.pairs);
    }
}
