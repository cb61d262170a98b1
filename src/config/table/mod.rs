//! The directive table: one row per directive, and all that the server knows about it.
//!
//! Promise: a row is the only place that names a directive's type, default, bounds, whether it can
//! change while the server runs, and the field of the settings that it fills. The parser, CONFIG
//! GET/SET/REWRITE, `--help` and the error messages all read it. Names, bounds and flags are those
//! of Redis 7.2; a default that differs from Redis's says why in its `doc`.
//!
//! To add a directive: one row in the file of its subject, one field in the settings.

mod data;
mod own;
mod process;
mod replication;
mod row;
mod storage;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use row::{Directive, Effect};

/// Directives that are no settings: they exist in files only.
const SPECIAL_DIRECTIVES: [&str; 5] =
    ["include", "rename-command", "user", "loadmodule", "sentinel"];

/// All rows, by subject. A [`super::Config`] keeps the value of each at the same index.
static DIRECTIVES: LazyLock<Vec<&'static Directive>> = LazyLock::new(|| {
    let groups: [&'static [Directive]; 5] =
        [process::ROWS, data::ROWS, storage::ROWS, replication::ROWS, own::ROWS];
    groups.iter().copied().flatten().collect()
});

static BY_NAME: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| {
    let names = |(index, row): (usize, &&'static Directive)| {
        [Some(row.name), row.alias].into_iter().flatten().map(move |name| (name, index))
    };
    DIRECTIVES.iter().enumerate().flat_map(names).collect()
});

/// All rows in their order.
pub(crate) fn directives() -> &'static [&'static Directive] {
    &DIRECTIVES
}

/// The index and the row of a directive by its name or alias, in any case.
pub(super) fn find(name: &[u8]) -> Option<(usize, &'static Directive)> {
    let name = str::from_utf8(name).ok()?.to_ascii_lowercase();
    let index = *BY_NAME.get(name.as_str())?;
    Some((index, *DIRECTIVES.get(index)?))
}

/// The directive by its name or alias, in any case.
pub(crate) fn directive(name: &[u8]) -> Option<&'static Directive> {
    find(name).map(|(_, row)| row)
}

/// Names that old configuration files carry and that mean nothing any more.
const OBSOLETE: [&str; 3] =
    ["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"];

pub(super) fn is_obsolete(name: &[u8]) -> bool {
    OBSOLETE.iter().any(|obsolete| name.eq_ignore_ascii_case(obsolete.as_bytes()))
}

/// The known name that is nearest to a mistyped one, if one is near enough to be meant.
pub(super) fn nearest_name(typed: &[u8]) -> Option<&'static str> {
    const TYPED_MAX: usize = 64;
    let typed = str::from_utf8(typed).ok()?.to_ascii_lowercase().replace('_', "-");
    if typed.len() > TYPED_MAX {
        return None;
    }
    let specials = SPECIAL_DIRECTIVES.iter().copied();
    let names = BY_NAME.keys().copied().chain(specials);
    let allowed = (typed.len() / 3).clamp(1, 3);
    names
        .map(|name| (distance(typed.as_bytes(), name.as_bytes()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// Edit distance, a swap of neighbours counted as one edit.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests;
