//! How many keys there are, and how long they have to live: INFO's section Keyspace.

use std::rc::Rc;

use basalt_shard::keyspace::ttl;
use basalt_shard::random::Random;

use crate::clock::now_ms;
use crate::commands::info::text::Text;
use crate::thread::shard_thread::ShardThread;
use crate::upkeep::expiry;

/// One logical database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Database {
    pub(super) db: usize,
    pub(super) keys: u64,
    /// Those with a deadline.
    pub(super) expires: u64,
    /// How long these have to live, on average, in ms.
    pub(super) mean_ttl_ms: u64,
}

impl Database {
    /// Those that have keys.
    pub(super) async fn all(shard_thread: &Rc<ShardThread>) -> Vec<Self> {
        let mut found = Vec::new();
        for (db, physical) in shard_thread.databases().iter().enumerate() {
            let counted = expiry::live_keys(shard_thread, *physical).await;
            let count = counted.unwrap_or_else(|_| shard_thread.node.key_count(*physical));
            if count.keys > 0 {
                let has_deadlines = count.expires > 0;
                let mean_ttl_ms =
                    if has_deadlines { mean_ttl_ms(shard_thread, *physical).await } else { 0 };
                found.push(Self { db, keys: count.keys, expires: count.expires, mean_ttl_ms });
            }
        }
        found
    }
}

/// Of a physical database, from a sample if its deadlines are many.
async fn mean_ttl_ms(shard_thread: &Rc<ShardThread>, db: u8) -> u64 {
    let samples = shard_thread
        .on_every_shard(move |there| {
            let mut shard = there.shard.borrow_mut();
            let expires = shard.live_keys(db).expires;
            (there.id, expires, shard.ttl_sample(db))
        })
        .await;
    let node = shard_thread.node.clone();
    let seed = shard_thread.shard.borrow_mut().random_and_cache().0.next_u64();
    let mean_ms = move || {
        let (mut random, now) = (Random::new(seed), now_ms());
        let (mut sum, mut weight) = (0.0, 0.0);
        for (shard, expires, sample) in samples {
            let engine = node.topology.engine(shard).as_ref();
            // What cannot be read is left out: a mean is a mean of what is known.
            if let Ok(Some(mean_ms)) = ttl::mean_ms(engine, &mut random, db, &sample, now) {
                sum += mean_ms * expires as f64;
                weight += expires as f64;
            }
        }
        if weight > 0.0 { (sum / weight) as u64 } else { 0 }
    };
    shard_thread.off_loop(mean_ms).await.unwrap_or(0)
}

/// A line for each logical database that has keys.
pub(super) fn keyspace(databases: &[Database], out: &mut Text) {
    out.section("Keyspace");
    for Database { db, keys, expires, mean_ttl_ms } in databases {
        out.field(
            &format!("db{db}"),
            format_args!("keys={keys},expires={expires},avg_ttl={mean_ttl_ms}"),
        );
    }
}
