//! Rows about several servers: replication, cluster, TLS. Basalt has none of the three, so these
//! rows accept what Redis files carry and refuse what would ask for one of them.

use super::super::value::{Kind, Value};
use super::super::words::Word;
use super::row::*;

const NO_REPLICATION: &str = "there is no replication";
const NO_CLUSTER: &str = "there is no cluster mode";
const NO_TLS: &str = "there is no TLS";

const LOAD_WORDS: &[Word] =
    &[("disabled", "disabled"), ("on-empty-db", "on-empty-db"), ("swapdb", "swapdb")];
const ENDPOINT_WORDS: &[Word] =
    &[("ip", "ip"), ("hostname", "hostname"), ("unknown-endpoint", "unknown-endpoint")];
const TLS_AUTH_WORDS: &[Word] = &[("no", "no"), ("yes", "yes"), ("optional", "optional")];

pub(super) static ROWS: &[Directive] = &[
    // Replication.
    Directive::new("replicaof", Kind::ReplicaOf, "")
        .alias("slaveof")
        .immutable()
        .only_default(NO_REPLICATION)
        .doc("Be a replica of this server."),
    text("masterauth", "").secret().reported(NO_REPLICATION).doc("Password at the primary."),
    text("masteruser", "").secret().reported(NO_REPLICATION).doc("User at the primary."),
    yes_no("replica-read-only", "yes")
        .alias("slave-read-only")
        .reported(NO_REPLICATION)
        .doc("Refuse writes on a replica."),
    yes_no("replica-serve-stale-data", "yes")
        .alias("slave-serve-stale-data")
        .reported(NO_REPLICATION)
        .doc("Answer while the primary is out of reach."),
    yes_no("replica-lazy-flush", "no")
        .alias("slave-lazy-flush")
        .reported(NO_REPLICATION)
        .doc("Free old data in the background before a full copy."),
    yes_no("replica-ignore-maxmemory", "yes")
        .alias("slave-ignore-maxmemory")
        .reported(NO_REPLICATION)
        .doc("Leave eviction to the primary."),
    yes_no("replica-ignore-disk-write-errors", "no")
        .reported(NO_REPLICATION)
        .doc("Go on when a replica cannot write."),
    integer("replica-priority", "100", 0, INT_MAX)
        .alias("slave-priority")
        .reported(NO_REPLICATION)
        .doc("Preference when a new primary is chosen."),
    yes_no("replica-announced", "yes").reported(NO_REPLICATION).doc("Be listed by Sentinel."),
    text("replica-announce-ip", "")
        .alias("slave-announce-ip")
        .reported(NO_REPLICATION)
        .doc("Address to tell the primary."),
    integer("replica-announce-port", "0", 0, 65_535)
        .alias("slave-announce-port")
        .reported(NO_REPLICATION)
        .doc("Port to tell the primary."),
    integer("min-replicas-to-write", "0", 0, INT_MAX)
        .alias("min-slaves-to-write")
        .only_default(NO_REPLICATION)
        .doc("Replicas without which writes are refused."),
    integer("min-replicas-max-lag", "10", 0, INT_MAX)
        .alias("min-slaves-max-lag")
        .reported(NO_REPLICATION)
        .doc("Seconds that a replica may lag to count as one."),
    memory("repl-backlog-size", "1mb", 1, BYTES_MAX)
        .check(|value| match value {
            // As in Redis, which takes any size and keeps at least this.
            Value::Memory(bytes) => Ok(Value::Memory(bytes.max(16 << 10))),
            other => Ok(other),
        })
        .reported(NO_REPLICATION)
        .doc("Bytes kept for replicas that come back."),
    integer("repl-backlog-ttl", "3600", 0, LONG_MAX)
        .reported(NO_REPLICATION)
        .doc("Seconds for which they are kept without replicas."),
    integer("repl-timeout", "60", 1, INT_MAX)
        .reported(NO_REPLICATION)
        .doc("Seconds until a silent peer is given up."),
    integer("repl-ping-replica-period", "10", 1, INT_MAX)
        .alias("repl-ping-slave-period")
        .reported(NO_REPLICATION)
        .doc("Seconds between pings to replicas."),
    yes_no("repl-disable-tcp-nodelay", "no")
        .reported(NO_REPLICATION)
        .doc("Save packets rather than time."),
    yes_no("repl-diskless-sync", "yes")
        .reported(NO_REPLICATION)
        .doc("Send a full copy without a file."),
    integer("repl-diskless-sync-delay", "5", 0, INT_MAX)
        .reported(NO_REPLICATION)
        .doc("Seconds to wait for more replicas before a full copy."),
    integer("repl-diskless-sync-max-replicas", "0", 0, INT_MAX)
        .reported(NO_REPLICATION)
        .doc("Replicas that end that wait early."),
    word("repl-diskless-load", "disabled", LOAD_WORDS)
        .not_while_loading()
        .reported(NO_REPLICATION)
        .doc("Take a full copy without a file."),
    // Cluster.
    yes_no("cluster-enabled", "no").immutable().only_default(NO_CLUSTER).doc("Be a cluster node."),
    text("cluster-config-file", "nodes.conf")
        .immutable()
        .reported(NO_CLUSTER)
        .doc("State of the cluster."),
    integer("cluster-node-timeout", "15000", 0, LONG_MAX)
        .reported(NO_CLUSTER)
        .doc("Milliseconds until a node counts as failed."),
    integer("cluster-ping-interval", "0", 0, LONG_MAX)
        .hidden()
        .reported(NO_CLUSTER)
        .doc("Milliseconds between pings."),
    integer("cluster-port", "0", 0, 65_535)
        .immutable()
        .reported(NO_CLUSTER)
        .doc("Port of the cluster bus."),
    text("cluster-announce-ip", "").reported(NO_CLUSTER).doc("Address to announce."),
    text("cluster-announce-hostname", "")
        .check(host_name)
        .reported(NO_CLUSTER)
        .doc("Host name to announce."),
    text("cluster-announce-human-nodename", "")
        .check(node_name)
        .reported(NO_CLUSTER)
        .doc("Node name for people."),
    integer("cluster-announce-port", "0", 0, 65_535).reported(NO_CLUSTER).doc("Port to announce."),
    integer("cluster-announce-tls-port", "0", 0, 65_535)
        .reported(NO_CLUSTER)
        .doc("TLS port to announce."),
    integer("cluster-announce-bus-port", "0", 0, 65_535)
        .reported(NO_CLUSTER)
        .doc("Bus port to announce."),
    word("cluster-preferred-endpoint-type", "ip", ENDPOINT_WORDS)
        .reported(NO_CLUSTER)
        .doc("What to call a node in redirections."),
    yes_no("cluster-require-full-coverage", "yes")
        .reported(NO_CLUSTER)
        .doc("Stop when slots are not served."),
    yes_no("cluster-allow-reads-when-down", "no")
        .reported(NO_CLUSTER)
        .doc("Read while the cluster is down."),
    yes_no("cluster-allow-pubsubshard-when-down", "yes")
        .reported(NO_CLUSTER)
        .doc("Publish while the cluster is down."),
    yes_no("cluster-allow-replica-migration", "yes")
        .reported(NO_CLUSTER)
        .doc("Let replicas move to orphaned primaries."),
    integer("cluster-migration-barrier", "1", 0, INT_MAX)
        .reported(NO_CLUSTER)
        .doc("Replicas that must stay with a primary."),
    yes_no("cluster-replica-no-failover", "no")
        .alias("cluster-slave-no-failover")
        .reported(NO_CLUSTER)
        .doc("Never become primary unasked."),
    integer("cluster-replica-validity-factor", "10", 0, INT_MAX)
        .alias("cluster-slave-validity-factor")
        .reported(NO_CLUSTER)
        .doc("Lag beyond which a replica is no candidate."),
    memory("cluster-link-sendbuf-limit", "0", 0, u64::MAX)
        .reported(NO_CLUSTER)
        .doc("Bytes queued for another node."),
    // TLS.
    integer("tls-port", "0", 0, 65_535).only_default(NO_TLS).doc("Port for TLS."),
    text("tls-cert-file", "").only_default(NO_TLS).doc("Certificate."),
    text("tls-key-file", "").only_default(NO_TLS).doc("Its key."),
    text("tls-key-file-pass", "").secret().only_default(NO_TLS).doc("Password of the key."),
    text("tls-client-cert-file", "").only_default(NO_TLS).doc("Certificate as a client."),
    text("tls-client-key-file", "").only_default(NO_TLS).doc("Its key."),
    text("tls-client-key-file-pass", "").secret().only_default(NO_TLS).doc("Password of that key."),
    text("tls-dh-params-file", "").only_default(NO_TLS).doc("Diffie-Hellman parameters."),
    text("tls-ca-cert-file", "").only_default(NO_TLS).doc("Certificates of authorities."),
    text("tls-ca-cert-dir", "").only_default(NO_TLS).doc("Directory of such certificates."),
    word("tls-auth-clients", "yes", TLS_AUTH_WORDS)
        .only_default(NO_TLS)
        .doc("Ask clients for certificates."),
    yes_no("tls-replication", "no").only_default(NO_TLS).doc("Replicate over TLS."),
    yes_no("tls-cluster", "no").only_default(NO_TLS).doc("Use TLS on the cluster bus."),
    text("tls-protocols", "").only_default(NO_TLS).doc("Versions of TLS."),
    text("tls-ciphers", "").only_default(NO_TLS).doc("Ciphers up to TLS 1.2."),
    text("tls-ciphersuites", "").only_default(NO_TLS).doc("Cipher suites of TLS 1.3."),
    yes_no("tls-prefer-server-ciphers", "no")
        .only_default(NO_TLS)
        .doc("Prefer the server's ciphers."),
    yes_no("tls-session-caching", "yes").only_default(NO_TLS).doc("Resume sessions."),
    integer("tls-session-cache-size", "20480", 0, INT_MAX)
        .only_default(NO_TLS)
        .doc("Sessions remembered."),
    integer("tls-session-cache-timeout", "300", 0, INT_MAX)
        .only_default(NO_TLS)
        .doc("Seconds for which they are."),
];

fn host_name(value: Value) -> Result<Value, String> {
    const HOST_NAME_BYTES: usize = 256;
    let Value::Text(name) = &value else { return Ok(value) };
    if name.len() >= HOST_NAME_BYTES {
        return Err(format!("Hostnames must be less than {HOST_NAME_BYTES} characters"));
    }
    if !name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(byte)) {
        return Err("Hostnames may only contain alphanumeric characters, hyphens or dots".into());
    }
    Ok(value)
}

fn node_name(value: Value) -> Result<Value, String> {
    match &value {
        Value::Text(name) if name.iter().any(|byte| b"!#$%&()*+:;<>?@[]^{|}~".contains(byte)) => {
            Err("Announced human node name contained invalid character".into())
        }
        _ => Ok(value),
    }
}
