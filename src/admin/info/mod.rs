//! INFO: the sections and fields of Redis 7.2, true or an honest constant, and a section of
//! Basalt's own, `Storage`.
//!
//! Tools find fields by their names, so all of Redis's are there, those too that always say the
//! same here (there are no scripts, no replicas, no forks). [`facts`] gathers; each section is a
//! function of what was gathered, in the file of its subject, named in [`SECTIONS`].

mod clients;
mod commands;
mod facts;
mod memory;
mod server;
mod stats;
mod storage;
#[cfg(test)]
mod tests;
mod text;

use basalt_shard::command::Args;

use crate::session::process_command::{LaterContext, LaterReply, ProcessRun};
use facts::Facts;
use text::Text;

/// The functions of this folder.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] = &[("info", ProcessRun::Report(info))];

struct Section {
    /// In lower case.
    name: &'static str,
    /// Shown when no section is asked for.
    by_default: bool,
    write: fn(&Facts, &mut Text),
}

/// In the order in which they are shown.
const SECTIONS: &[Section] = &[
    Section { name: "server", by_default: true, write: server::server },
    Section { name: "clients", by_default: true, write: clients::clients },
    Section { name: "memory", by_default: true, write: memory::memory },
    Section { name: "persistence", by_default: true, write: storage::persistence },
    Section { name: "stats", by_default: true, write: stats::stats },
    Section { name: "replication", by_default: true, write: server::replication },
    Section { name: "cpu", by_default: true, write: stats::cpu },
    Section { name: "modules", by_default: true, write: server::modules },
    Section { name: "commandstats", by_default: false, write: commands::command_stats },
    Section { name: "errorstats", by_default: true, write: commands::error_stats },
    Section { name: LATENCY_STATS, by_default: false, write: commands::latency_stats },
    Section { name: "cluster", by_default: true, write: server::cluster },
    Section { name: "storage", by_default: true, write: storage::storage },
    Section { name: "keyspace", by_default: true, write: storage::keyspace },
];

const LATENCY_STATS: &str = "latencystats";

/// The sections that a request names, in their own order. What it does not know it leaves out.
fn selected(args: Args<'_>) -> Vec<&'static Section> {
    let asked = |section: &Section| {
        args.len() == 1 && section.by_default
            || args.iter_from(1).any(|word| {
                word.eq_ignore_ascii_case(section.name.as_bytes())
                    || word.eq_ignore_ascii_case(b"all")
                    || word.eq_ignore_ascii_case(b"everything")
                    || section.by_default && word.eq_ignore_ascii_case(b"default")
            })
    };
    SECTIONS.iter().filter(|section| asked(section)).collect()
}

fn render(sections: &[&Section], facts: &Facts) -> Vec<u8> {
    let mut text = Text::default();
    for section in sections {
        (section.write)(facts, &mut text);
    }
    text.into_bytes()
}

fn info(mut context: LaterContext) -> LaterReply {
    Box::pin(async move {
        let sections = selected(context.args());
        let with_latency = sections.iter().any(|section| section.name == LATENCY_STATS);
        let text = if sections.is_empty() {
            Vec::new()
        } else {
            let facts = Facts::gather(&context.shard_loop, with_latency).await;
            render(&sections, &facts)
        };
        context.reply.verbatim("txt", &text);
        context.reply
    })
}
