//! CONFIG GET and CONFIG SET, with Redis 7.2's replies.
//!
//! CONFIG SET makes a new snapshot and leaves the old one as it is; the caller puts the changes
//! into effect (listening on another port, say) and only then swaps the snapshots, so that a
//! failure leaves everything as it was.

use super::Config;
use super::error::ConfigSetError;
use super::matcher::Matcher;
use super::table::{directives, find};
use super::value::Value;

/// What CONFIG SET must know about the client and the server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ClientContext {
    /// The client came from this host.
    pub(crate) local: bool,
    /// The data is still being loaded.
    pub(crate) loading: bool,
}

/// What a CONFIG SET makes.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) config: Config,
    /// The directives whose value is another than before, by their first names.
    pub(crate) changed: Vec<&'static str>,
}

impl Config {
    /// CONFIG GET: the directives that match any of the patterns, with their values. A name
    /// without `*`, `?` and `[` is given back as it was asked for; aliases count as names.
    pub(crate) fn get(&self, patterns: &[&[u8]], matches: Matcher) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut add = |name: &[u8], value: &Value| {
            if !found.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                found.push((name.to_vec(), value.show()));
            }
        };
        for pattern in patterns {
            if !pattern.iter().any(|byte| b"[*?".contains(byte)) {
                if let Some(value) = find(pattern).and_then(|(index, _)| self.values.get(index)) {
                    add(pattern, value);
                }
                continue;
            }
            let pattern = pattern.to_ascii_lowercase();
            for (row, value) in self.rows().filter(|(row, _)| !row.hidden) {
                for name in [Some(row.name), row.alias].into_iter().flatten() {
                    if matches(&pattern, name.as_bytes()) {
                        add(name.as_bytes(), value);
                    }
                }
            }
        }
        found
    }

    /// CONFIG SET: all of the pairs or none of them.
    pub(crate) fn with_set(
        &self,
        pairs: &[(&[u8], &[u8])],
        context: ClientContext,
    ) -> Result<Change, ConfigSetError> {
        let indices = self.settable(pairs, context)?;
        let mut values = self.values.to_vec();
        for (index, (name, text)) in indices.iter().zip(pairs) {
            let (Some(row), Some(slot)) = (directives().get(*index), values.get_mut(*index)) else {
                continue;
            };
            let failed =
                |reason: String| ConfigSetError::Failed { name: name.to_ascii_lowercase(), reason };
            let value = row.parse(Some(slot), &row.words_of(text)).map_err(failed)?;
            if row.fixed && !is_unchanged(slot, &value) {
                return Err(failed("it cannot change while the server is running".into()));
            }
            if !row.fixed {
                *slot = value;
            }
        }
        let changed = directives()
            .iter()
            .zip(self.values.iter().zip(&values))
            .filter(|(_, (before, after))| before != after)
            .map(|(row, _)| row.name)
            .collect();
        let config = Self {
            settings: super::settings_of(&values).into(),
            values: values.into(),
            renames: self.renames.clone(),
        };
        let sizes = ["maxmemory", "hot-cache-size", "block-cache-size", "write-buffer-size"];
        if let Some(name) = sizes.into_iter().find(|size| config.differs(self, size)) {
            config.check_sizes().map_err(|reason| ConfigSetError::failed(name, reason))?;
        }
        Ok(Change { config, changed })
    }

    /// The indices of the directives that are named, if this client may set them all now. The
    /// first fault counts.
    fn settable(
        &self,
        pairs: &[(&[u8], &[u8])],
        context: ClientContext,
    ) -> Result<Vec<usize>, ConfigSetError> {
        let mut indices = Vec::with_capacity(pairs.len());
        for (position, (name, _)) in pairs.iter().enumerate() {
            let Some((index, row)) = find(name) else {
                return Err(ConfigSetError::UnknownOption(name.to_vec()));
            };
            let failed = |reason: &str| {
                Err(ConfigSetError::Failed { name: name.to_vec(), reason: reason.into() })
            };
            if row.immutable {
                return failed("can't set immutable config");
            }
            if row.protected && !self.enable_protected_configs.permits(context.local) {
                return failed("can't set protected config");
            }
            if row.not_while_loading && context.loading {
                return Err(ConfigSetError::Loading);
            }
            // By name: a directive and its alias may stand side by side.
            if pairs.iter().take(position).any(|(before, _)| before.eq_ignore_ascii_case(name)) {
                return failed("duplicate parameter");
            }
            indices.push(index);
        }
        Ok(indices)
    }

    fn differs(&self, other: &Self, name: &str) -> bool {
        self.value_of(name) != other.value_of(name)
    }
}

/// Whether a fixed directive is given what it has. A relative directory starts at the current one.
fn is_unchanged(current: &Value, given: &Value) -> bool {
    let same_path = || {
        let (current, given) = (current.path()?, given.path()?);
        Some(current.join(given).components().eq(current.components()))
    };
    current == given || same_path().unwrap_or(false)
}
