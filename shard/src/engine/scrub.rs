//! Reading table files for nothing but their checksums.
//!
//! The running database would answer from its caches, and fill them with what nobody asked for. So
//! every step opens the same folder once more, read-only: without caches, and with files of its
//! own, which are closed behind it. Filters and indices are verified when a table is
//! opened, blocks as they are read. A file that compactions remove meanwhile is no damage: the next
//! step sees what has taken its place.

use std::path::Path;

use rocksdb::{
    BlockBasedOptions, ColumnFamilyDescriptor, DB, ErrorKind, InfoLogger, LogLevel, Options,
    ReadOptions,
};

use super::rocksdb_error::storage_error;
use super::{EngineError, Verified};

/// Table files that are open at a time: each holds its filter and its index in memory.
const OPEN_FILES_MAX: i32 = 20;
/// Bytes that are read ahead.
const READ_AHEAD_BYTES: usize = 256 << 10;

/// See [`super::Engine::verify`].
pub(super) fn verify(
    folder: &Path,
    family: &str,
    from: &[u8],
    bytes_max: u64,
) -> Result<Verified, EngineError> {
    let db = match open(folder, family) {
        Ok(db) => db,
        Err(error) => return judge(error, None, from),
    };
    let Some(handle) = db.cf_handle(family) else {
        return Err(EngineError::Corrupted(format!("column family '{family}' is missing")));
    };
    let mut reads = ReadOptions::default();
    reads.set_verify_checksums(true);
    reads.fill_cache(false);
    reads.set_readahead_size(READ_AHEAD_BYTES);
    let mut iterator = db.raw_iterator_cf_opt(handle, reads);
    iterator.seek(from);
    let mut position = from.to_vec();
    let mut bytes = 0;
    while let Some((key, value)) = iterator.item() {
        key.clone_into(&mut position);
        if bytes >= bytes_max {
            break;
        }
        bytes += (key.len() + value.len()) as u64;
        iterator.next();
    }
    let is_at_end = !iterator.valid();
    let verified = match iterator.status() {
        Ok(()) => Verified { next: (!is_at_end).then_some(position), ..Verified::default() },
        Err(error) => judge(error, Some((&db, family)), &position)?,
    };
    Ok(Verified { bytes, ..verified })
}

fn open(folder: &Path, family: &str) -> Result<DB, rocksdb::Error> {
    let mut table = BlockBasedOptions::default();
    table.disable_cache();
    table.set_cache_index_and_filter_blocks(false);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    let mut database = options.clone();
    database.set_max_open_files(OPEN_FILES_MAX);
    // Its default is 64 parts, each with a file at least.
    database.set_table_cache_num_shard_bits(2);
    database.set_skip_stats_update_on_db_open(true);
    // Its own lines would go between those of the running database.
    database.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Fatal, |_, _| {}));
    let mut names = vec!["default"];
    names.extend((family != "default").then_some(family));
    let families = names.iter().map(|name| ColumnFamilyDescriptor::new(*name, options.clone()));
    DB::open_cf_descriptors_read_only(&database, folder, families, false)
}

/// What an error at `position` means: damage, behind which to go on, or a file that is gone.
fn judge(
    error: rocksdb::Error,
    database: Option<(&DB, &str)>,
    position: &[u8],
) -> Result<Verified, EngineError> {
    let text = error.as_ref().to_owned();
    match error.kind() {
        ErrorKind::IOError if text.contains("No such file") => {
            Ok(Verified { next: Some(position.to_vec()), ..Verified::default() })
        }
        ErrorKind::Corruption | ErrorKind::IOError => {
            let next = database.and_then(|(db, family)| behind(db, family, &text, position));
            Ok(Verified { next, bytes: 0, damage: Some(text) })
        }
        _ => Err(storage_error(error)),
    }
}

/// The key behind the last one of the file that an error names.
fn behind(db: &DB, family: &str, text: &str, position: &[u8]) -> Option<Vec<u8>> {
    let files = db.live_files().ok()?;
    let damaged = files.into_iter().find(|file| {
        file.column_family_name == family && text.contains(file.name.trim_start_matches('/'))
    })?;
    let mut next = damaged.end_key?;
    next.push(0);
    (*next > *position).then_some(next)
}
