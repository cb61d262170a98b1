//! What the checks look at, as found once for all of them.

use std::path::{Path, PathBuf};

use super::host::Host;
use super::mounts::Mount;
use crate::config::Config;
use crate::shared::data_directory;

/// What the checks look at.
pub(super) struct Subject<'a> {
    pub(super) host: &'a Host,
    pub(super) config: &'a Config,
    /// Those that this process may use.
    pub(super) cores: usize,
    pub(super) shards: usize,
    /// The data directory, or while it is not there the nearest directory above it.
    pub(super) place: PathBuf,
    pub(super) mount: Option<Mount>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(host: &'a Host, config: &'a Config, cores: usize) -> Self {
        let manifest = data_directory::read(&config.dir, 0).ok().flatten();
        let shards = match (manifest, config.shards) {
            (Some(manifest), _) => manifest.shards,
            (None, 0) => cores,
            (None, shards) => shards as usize,
        };
        let there = config.dir.ancestors().find(|path| path.exists());
        let place = there.unwrap_or(Path::new("/")).to_owned();
        let real = place.canonicalize().unwrap_or_else(|_| place.clone());
        let mount = Mount::of(host, &real);
        Self { host, config, cores, shards, place, mount }
    }
}
