//! Opening the databases of all shards, and mending what was lost by consent.

use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use basalt_shard::engine::options::{self, Budget, SharedResources};
use basalt_shard::engine::rocks::RocksEngine;
use basalt_shard::engine::{Engine, Site};
use basalt_shard::keyspace::mend::{self, Mended};
use basalt_shard::log::format::Identity;
use basalt_shard::shard::Shard;
use basalt_shard::topology::{ShardId, Topology};
use nix::fcntl::OFlag;

use crate::clock::now_us;
use crate::config::Config;
use crate::config::memory_plan;
use crate::config::memory_plan::MemoryPlan;
use crate::shared::client_memory;
use crate::shared::data_directory::DataDirectory;
use crate::shared::space::Space;
use crate::sys;

/// The newest batch of each shard.
pub(super) fn newest_batches(topology: &Topology) -> Vec<u64> {
    (0..topology.shards()).map(|shard| topology.engine(shard).written()).collect()
}

/// Whether the file system of the data can read and write past the page cache.
fn can_pass_page_cache(data_directory: &DataDirectory) -> bool {
    let opened = std::fs::File::options()
        .read(true)
        .custom_flags(OFlag::O_DIRECT.bits())
        .open(data_directory.manifest_path());
    if let Err(error) = &opened {
        tracing::warn!(
            %error,
            "the file system of the data cannot do direct I/O: table files go through the page \
             cache, which takes memory beyond maxmemory; direct-io no says that this is meant"
        );
    }
    opened.is_ok()
}

/// How far the compactions stand back behind the loops for the processor. At 19 they hardly run on
/// a host that is busy, until writers have to wait for them.
const COMPACTION_NICE: i32 = 10;

/// Starts the threads of the compactions; they inherit the priority of who starts them.
fn start_compactions() -> Result<(), String> {
    let start = || {
        sys::lower_processor_priority(COMPACTION_NICE);
        options::start_compaction_threads()
    };
    std::thread::scope(|scope| scope.spawn(start).join())
        .map_err(|_panic| "cannot start the threads of compactions".to_owned())?
        .map_err(|error| error.to_string())
}

/// Opens the databases of all shards, side by side.
pub(super) fn open_databases(
    data_directory: &DataDirectory,
    memory: &MemoryPlan,
    open_tables: u64,
    config: &Config,
) -> Result<(Topology, SharedResources), String> {
    start_compactions()?;
    let space = Space::of(data_directory.path())
        .ok_or_else(|| format!("cannot look at {}", data_directory.path().display()))?;
    let shared = SharedResources::new(Budget {
        block_cache_bytes: memory.block_cache as usize,
        write_buffer_bytes: space.write_buffer_bytes(memory.write_buffers),
        shards: data_directory.manifest().shards,
    })
    .map_err(|error| error.to_string())?
    .with_open_tables(open_tables)
    .with_direct_io(config.direct_io && can_pass_page_cache(data_directory))
    .with_compaction_rate(config.compaction_rate_limit);
    let manifest = data_directory.manifest();
    let mut data_set = [b'0'; 40];
    data_set.copy_from_slice(manifest.id.as_bytes());
    // The keeper looks after it from then on.
    let is_scarce = space.usable < space.reserve(config.disk_reserve);
    let site = |shard: usize| Site {
        directory: data_directory.shard_folder(shard),
        identity: Identity { data_set, shard: shard as u32 },
        epoch: u64::from(manifest.epoch),
        opened_epoch: u64::from(manifest.opened),
        least: manifest.batches[shard],
        given_out: 0,
        segment_bytes: space.segment_bytes(),
        accept_loss: config.accept_data_loss,
        is_scarce,
    };
    let opened: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..manifest.shards)
            .map(|shard| {
                let (site, shared) = (site(shard), &shared);
                scope.spawn(move || RocksEngine::open(site, shared))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("opening panicked".into())))
            .collect()
    });
    let mut engines: Vec<Arc<dyn Engine>> = Vec::with_capacity(opened.len());
    let mut with_losses = Vec::new();
    for (shard, result) in opened.into_iter().enumerate() {
        let (engine, opened) = result?;
        for loss in &opened.losses {
            tracing::error!(shard, "a loss of data was accepted: {loss}");
        }
        if opened.replayed > 0 {
            tracing::info!(shard, batches = opened.replayed, "the log was replayed");
        }
        if !opened.losses.is_empty() {
            with_losses.push(shard);
        }
        engines.push(Arc::new(engine));
    }
    let topology =
        Topology::new(engines, manifest.epoch).with_room(client_memory::bytes_max(config, memory));
    for shard in with_losses {
        mend(&topology, shard);
    }
    Ok((topology, shared))
}

/// Makes what could be saved of a shard agree with itself.
fn mend(topology: &Topology, shard: ShardId) {
    tracing::warn!(shard, "the keys that are left are read, to count them anew");
    let is_own = |slot| topology.shard_of_slot(slot) == shard;
    match mend::mend(topology.engine(shard).as_ref(), &is_own) {
        Ok(Mended { keys, foreign }) => {
            tracing::warn!(shard, keys, foreign, "counted; keys of other shards were removed");
        }
        // What can be read is served all the same.
        Err(error) => tracing::error!(
            %error,
            shard,
            "the keys cannot be counted anew: DBSIZE may be wrong, and keys may expire late"
        ),
    }
}

/// Takes the databases over, a shard each.
pub(super) fn open_shards(
    topology: &Arc<Topology>,
    plan: &MemoryPlan,
) -> Result<Vec<Shard>, String> {
    let shards = topology.shards();
    let cache_bytes = memory_plan::hot_cache_per_shard(plan.hot_cache, shards, 0);
    (0..shards)
        .map(|shard| {
            Shard::open(shard, topology.clone(), cache_bytes, now_us() ^ (shard as u64) << 56)
                .map_err(|error| format!("cannot open shard {shard}: {error}"))
        })
        .collect()
}
