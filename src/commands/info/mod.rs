//! INFO: the sections and fields of Redis 7.2, true or an honest constant, and a section of
//! Basalt's own, `Storage`.
//!
//! Tools find fields by their names, so all of Redis's are there, those too that always say the
//! same here (there are no scripts, no replicas, no forks). [`facts`] gathers; each section is a
//! function of what was gathered, in the file of its subject, named in [`SECTIONS`].

mod clients;
mod commands;
mod facts;
mod hot_keys;
mod keyspace;
mod memory;
mod server;
mod stats;
mod storage;
#[cfg(test)]
mod tests;
mod text;

use basalt_shard::command::Args;

use crate::commands::row::*;
use crate::thread::process_command::{LaterContext, LaterReply};
use facts::{Facts, Wanted};
use text::Text;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[command("info", -1, Report(info))
    .flags(LOADING | STALE)
    .group(Group::Server)
    .categories(category::DANGEROUS)
    .summary("Describes the server and its state")
    .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
    .args(&[Arg::string("section").optional().multiple()])];

/// When a section is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// Also when no section is asked for.
    ByDefault,
    /// When it, or everything, is asked for.
    WithAll,
    /// When it is asked for by its name alone.
    ByName,
}

struct Section {
    /// In lower case.
    name: &'static str,
    shown: Shown,
    write: fn(&Facts, &mut Text),
}

/// In the order in which they are shown.
const SECTIONS: &[Section] = &[
    Section { name: "server", shown: Shown::ByDefault, write: server::server },
    Section { name: "clients", shown: Shown::ByDefault, write: clients::clients },
    Section { name: "memory", shown: Shown::ByDefault, write: memory::memory },
    Section { name: "persistence", shown: Shown::ByDefault, write: storage::persistence },
    Section { name: "stats", shown: Shown::ByDefault, write: stats::stats },
    Section { name: "replication", shown: Shown::ByDefault, write: server::replication },
    Section { name: "cpu", shown: Shown::ByDefault, write: stats::cpu },
    Section { name: "modules", shown: Shown::ByDefault, write: server::modules },
    Section { name: "commandstats", shown: Shown::WithAll, write: commands::command_stats },
    Section { name: "errorstats", shown: Shown::ByDefault, write: commands::error_stats },
    Section { name: LATENCY_STATS, shown: Shown::WithAll, write: commands::latency_stats },
    Section { name: "cluster", shown: Shown::ByDefault, write: server::cluster },
    Section { name: "storage", shown: Shown::ByDefault, write: storage::storage },
    Section {
        name: HOT_KEYS,
        shown: Shown::ByName,
        write: |facts, out| hot_keys::hot_keys(&facts.hot_keys, out),
    },
    Section {
        name: KEYSPACE,
        shown: Shown::ByDefault,
        write: |facts, out| keyspace::keyspace(&facts.databases, out),
    },
];

const LATENCY_STATS: &str = "latencystats";
const HOT_KEYS: &str = "hotkeys";
const KEYSPACE: &str = "keyspace";

/// The sections that a request names, in their own order. What it does not know it leaves out.
fn selected(args: Args<'_>) -> Vec<&'static Section> {
    let asked = |section: &Section| {
        let with_all = section.shown != Shown::ByName;
        let by_default = section.shown == Shown::ByDefault;
        args.len() == 1 && by_default
            || args.iter_from(1).any(|word| {
                let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
                is(section.name)
                    || with_all && (is("all") || is("everything"))
                    || by_default && is("default")
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
        let asks = |name: &str| sections.iter().any(|section| section.name == name);
        let wanted = Wanted {
            latency: asks(LATENCY_STATS),
            hot_keys: asks(HOT_KEYS),
            keyspace: asks(KEYSPACE),
        };
        let text = if sections.is_empty() {
            Vec::new()
        } else {
            let facts = Facts::gather(&context.shard_thread, wanted).await;
            render(&sections, &facts)
        };
        context.reply.verbatim("txt", &text);
        context.reply
    })
}
