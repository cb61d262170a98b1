//! The keys used most: INFO's section Hotkeys, by sampling. Shown only to who asks for it by name:
//! INFO, and `INFO all` too, goes into monitoring and support files, where names of keys may be
//! nobody's business.

use basalt_shard::keyspace::hot_keys::{HotKey, SAMPLED_ONE_IN};

use crate::commands::info::text::Text;
use crate::execute::monitor::quote;

/// Keys shown.
const SHOWN_MAX: usize = 16;

/// What one shard knows.
#[derive(Default)]
pub(super) struct OfShard {
    /// With logical databases.
    pub(super) top: Vec<HotKey>,
    pub(super) uses_per_second: f64,
}

impl OfShard {
    /// Asks a shard's table; `databases`: which physical database stands for each logical one.
    pub(super) fn of(table: &basalt_shard::keyspace::hot_keys::HotKeys, databases: &[u8]) -> Self {
        let logical = |physical: u8| databases.iter().position(|known| *known == physical);
        let top = table.top(SHOWN_MAX).into_iter().filter_map(|key| {
            let db = u8::try_from(logical(key.db)?).ok()?;
            Some(HotKey { db, ..key })
        });
        Self { top: top.collect(), uses_per_second: table.uses_per_second() }
    }
}

/// The name comes last, in quotes: it may hold anything.
pub(super) fn hot_keys(known: &[OfShard], out: &mut Text) {
    out.section("Hotkeys");
    let shards = || known.iter();
    let uses_per_second: f64 = shards().map(|shard| shard.uses_per_second).sum();
    out.field("hotkeys_sampled_one_in", SAMPLED_ONE_IN);
    out.field("hotkeys_key_uses_per_sec", format_args!("{uses_per_second:.0}"));
    // A key of another shard that is read out of a copy is counted where it is read.
    let mut all: Vec<&HotKey> = shards().flat_map(|shard| &shard.top).collect();
    all.sort_by_key(|key| (key.db, &key.name, key.is_cut));
    let same = |left: &&HotKey, right: &&HotKey| {
        (left.db, &left.name, left.is_cut) == (right.db, &right.name, right.is_cut)
    };
    let mut top: Vec<HotKey> = all
        .chunk_by(same)
        .map(|found| HotKey {
            per_second: found.iter().map(|key| key.per_second).sum(),
            ..found[0].clone()
        })
        .collect();
    top.sort_by(|left, right| right.per_second.total_cmp(&left.per_second));
    for (rank, key) in top.into_iter().take(SHOWN_MAX).enumerate() {
        let HotKey { db, per_second, .. } = &key;
        let share = per_second * 100.0 / uses_per_second.max(1.0);
        let mut name = Vec::new();
        quote(&key.name, &mut name);
        let name = String::from_utf8_lossy(&name);
        let cut = if key.is_cut { "..." } else { "" };
        out.field(
            &format!("hotkey{rank}"),
            format_args!("db={db},uses_per_sec={per_second:.0},share={share:.2}%,key={name}{cut}"),
        );
    }
}
