//! What keeps the server going beside commands: what a shard does by the clock (`cron`, `expiry`),
//! syncing logs (`syncer`), handing write buffers to the databases (`drain`), recovering a shard's
//! storage (`keeper`), space on the disk (`disk`), verifying what is on it (`scrub`), dividing the
//! memory among the caches (`memory_division`, `cache_balance`). A thread that everybody relies on
//! works in `guarded`.

mod cache_balance;
pub(crate) mod cron;
pub(crate) mod disk;
pub(crate) mod drain;
pub(crate) mod expiry;
pub(crate) mod guarded;
pub(crate) mod keeper;
pub(crate) mod memory_division;
pub(crate) mod scrub;
pub(crate) mod syncer;
