//! What threads share, each thing by itself: it knows no thread, and is synchronised in itself.
//! Logs and how durable they are (`log_sync`), memory of clients and shares of the caches, threads
//! that may block (`pool`), descriptors, the data directory, counters, how the verifying stands
//! (`scrub`), space on the disk (`space`) and what is set aside of it (`reserve`), what SAVE has
//! come to (`saves`), what CLIENT PAUSE holds up (`pause`), who looks after the process
//! (`supervision`), and its end (`stop`). What belongs together of these is in `storage` and
//! `process`.

pub(crate) mod client_memory;
pub(crate) mod counters;
pub(crate) mod data_directory;
pub(crate) mod log_sync;
pub(crate) mod memory_shares;
pub(crate) mod open_files;
pub(crate) mod pause;
pub(crate) mod pool;
pub(crate) mod process;
pub(crate) mod reserve;
pub(crate) mod saves;
pub(crate) mod scrub;
pub(crate) mod space;
pub(crate) mod stop;
pub(crate) mod storage;
pub(crate) mod supervision;
pub(crate) mod syncer_bell;
