//! The commands that the documentation promises: the one list that does not come from the
//! server, so that a command cannot be lost without a test that says so.

use std::collections::BTreeSet;

use crate::common::Server;

use super::table;

const PROMISED: &[&str] = &[
    // Connection and server.
    "ping echo quit reset select auth hello dbsize time flushdb flushall swapdb shutdown lastsave",
    "monitor lolwut info debug scrub",
    "client|id client|getname client|setname client|setinfo client|info client|list client|kill",
    "client|pause client|unpause client|reply client|no-evict client|no-touch client|help",
    "config|get config|set config|rewrite config|resetstat config|help",
    "command|count command|info command|list command|docs command|getkeys",
    "command|getkeysandflags command|help",
    "slowlog|get slowlog|len slowlog|reset slowlog|help",
    "latency|latest latency|history latency|reset latency|doctor latency|graph",
    "latency|histogram latency|help memory|usage memory|help",
    "save bgsave bgrewriteaof waitaof acl|whoami acl|list acl|users acl|getuser acl|cat",
    "acl|genpass acl|log acl|dryrun acl|help client|tracking client|caching",
    // What is not used, and says so.
    "cluster|nodes cluster|slots cluster|shards cluster|info cluster|myid cluster|keyslot",
    "readonly readwrite asking module|list wait role replicaof slaveof failover",
    // Keys.
    "del unlink exists type touch expire pexpire expireat pexpireat ttl pttl expiretime",
    "pexpiretime persist rename renamenx copy move dump restore keys scan randomkey",
    "object|encoding object|refcount object|idletime object|freq object|help",
    // Strings and bits.
    "set get setnx setex psetex getset getdel getex mget mset msetnx append strlen setrange",
    "getrange substr incr decr incrby decrby incrbyfloat lcs delex digest",
    "setbit getbit bitcount bitpos bitop bitfield bitfield_ro",
    // Hashes.
    "hset hmset hget hmget hdel hlen hexists hgetall hkeys hvals hincrby hincrbyfloat hsetnx",
    "hstrlen hscan hrandfield",
    // Sets.
    "sadd srem scard sismember smismember smembers spop srandmember smove sscan sinter sintercard",
    "sinterstore sunion sunionstore sdiff sdiffstore",
    // HyperLogLogs.
    "pfadd pfcount pfmerge pfdebug pfselftest",
    // Lists.
    "lpush rpush lpushx rpushx lpop rpop lrange llen lindex lset linsert lrem ltrim lpos lmove",
    "rpoplpush lmpop",
    // Sorted sets, and positions in them.
    "zadd zcard zcount zincrby zlexcount zscore zmscore zrank zrevrank zrange zrangestore",
    "zrevrange zrangebyscore zrevrangebyscore zrangebylex zrevrangebylex zrem zremrangebyrank",
    "zremrangebyscore zremrangebylex zpopmin zpopmax zmpop zrandmember zscan zunion zinter zdiff",
    "zintercard zunionstore zinterstore zdiffstore geoadd geodist geohash geopos geosearch",
    "geosearchstore georadius georadius_ro georadiusbymember georadiusbymember_ro",
    // Streams.
    "xadd xlen xrange xrevrange xread xdel xtrim xsetid xinfo|stream xinfo|groups",
    "xinfo|consumers xinfo|help xgroup|create xgroup|setid xgroup|destroy",
    "xgroup|createconsumer xgroup|delconsumer xgroup|help xreadgroup xack xpending xclaim",
    "xautoclaim",
];

/// Not in a redis-server 7.0, should one stand in for the target.
const NEWER_THAN_7_0: &[&str] =
    &["client|setinfo", "client|no-touch", "delex", "digest", "scrub", "waitaof"];

#[test]
fn every_promised_command_is_in_the_table() {
    let server = Server::start();
    let entries = table::commands_and_subcommands(&mut server.client());
    let known: BTreeSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let missing: Vec<&str> = PROMISED
        .iter()
        .flat_map(|line| line.split(' '))
        .filter(|name| !known.contains(name))
        .filter(|name| !(server.is_redis() && NEWER_THAN_7_0.contains(name)))
        .collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
}
