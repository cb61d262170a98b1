//! Who is connected: INFO's section Clients.

use crate::commands::info::facts::Facts;
use crate::commands::info::text::Text;

pub(super) fn clients(facts: &Facts, out: &mut Text) {
    let highest = |number: fn(&super::facts::OfShard) -> u64| {
        facts.shards.iter().map(number).max().unwrap_or(0)
    };
    out.section("Clients");
    out.field("connected_clients", facts.process.connected_clients);
    out.field("cluster_connections", 0);
    out.field("maxclients", facts.config.maxclients);
    out.field("client_recent_max_input_buffer", highest(|shard| shard.client_input_max));
    out.field("client_recent_max_output_buffer", highest(|shard| shard.client_output_max));
    // No command waits for keys: these are held up by CLIENT PAUSE.
    out.field("blocked_clients", facts.sum(|shard| shard.paused_clients));
    // Nor are keys tracked for a client.
    out.field("tracking_clients", 0);
    out.field("pubsub_clients", facts.sum(|shard| shard.subscribers));
    out.fields(
        &["clients_in_timeout_table", "total_blocking_keys", "total_blocking_keys_on_nokey"],
        0,
    );
}
