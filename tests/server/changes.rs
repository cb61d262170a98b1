//! `rdb_changes_since_last_save`: what a write did reaches the counter, by the amounts of
//! redis-server, whichever path the write took.

use crate::common::server::Options;
use crate::common::{Client, Server};

/// In order; each is looked at alone.
const COMMANDS: &str = "
SET a 1|SET a 1|SET a 2 NX|SET a 2 XX GET|SET a 3 PXAT 1
SETNX a 1|SETNX a 2|SETEX a 100 v|PSETEX a 100000 v|GETSET a w|GETDEL a|GETDEL a
SET a 1|GETEX a|GETEX a EX 100|GETEX a PERSIST|GETEX a PERSIST|GETEX a EXAT 1
MSET a 1 b 2 c 3|MSET a 1 a 2|MSETNX a 1 z 2|MSETNX y 1 z 2|MSETNX t 1 t 2
APPEND a x|APPEND new x|SETRANGE a 0 abc|SETRANGE a 0 |SETRANGE nosuch 0
INCR n|INCRBY n 0|DECR n|DECRBY n 2|INCRBYFLOAT n 0.5|INCRBYFLOAT n 0|INCR a
SETBIT bits 1 1|SETBIT bits 1 1|SETBIT bits 1 0|SETBIT bits 1 0|SETBIT bits 100 0
SETBIT fresh 0 0|SET number 12|SETBIT number 2 1|SETBIT number 0 1
BITFIELD f SET u8 0 1|BITFIELD f SET u8 0 1|BITFIELD f SET u8 0 2 SET u8 8 3 INCRBY u8 16 1
BITFIELD f INCRBY u8 16 0|BITFIELD f OVERFLOW FAIL INCRBY u8 16 300|BITFIELD f GET u8 0
BITFIELD g GET u8 0|BITFIELD g SET u8 0 0|BITFIELD g SET u8 0 0
BITOP AND dest bits f|BITOP AND dest nosuch other|BITOP AND dest nosuch other|BITOP NOT dest f
HSET h f 1|HSET h f 1|HSET h f 1 g 2 i 3|HMSET h f 1 g 2|HSETNX h f 1|HSETNX h new 1
HINCRBY h n 1|HINCRBY h n 0|HINCRBYFLOAT h n 1.5|HDEL h nosuch|HDEL h f g|HDEL h n i new
SADD s 1 2 2|SADD s 1|SADD s 3 x|SREM s 1 1 nosuch|SREM s nosuch|SMOVE s s2 2|SMOVE s s2 nosuch
SADD s2 3|SMOVE s s2 3|SMOVE s2 s2 3|SMOVE nosuch s 1|SPOP s2 0|SPOP s2 1|SPOP s2 10|SPOP s2|SPOP s
SADD s 1 2|SADD s2 2 3|SUNIONSTORE d s s2|SINTERSTORE d s s2|SDIFFSTORE d s s2|SDIFFSTORE d s s
SDIFFSTORE d s s|SINTERSTORE d nosuch s|SUNIONSTORE s nosuch|SUNIONSTORE d s2 s2
SINTER s2 d|DEL s2 d
PFADD p|PFADD p|PFADD p a b c|PFADD p a|PFCOUNT p|PFCOUNT p|PFCOUNT p q|PFMERGE q p|PFMERGE q
PFCOUNT q|PFDEBUG TODENSE q|PFDEBUG TODENSE q|PFDEBUG GETREG p|PFDEBUG GETREG p|PFADD q d|DEL p q
RPUSH l a b c b|LPUSH l x y|LPUSHX l a|RPUSHX none a|LPOP l|LPOP l 2|LPOP l 0|LPOP none 2
RPOP l 1|LSET l 0 z|LINSERT l BEFORE z y|LINSERT l AFTER none y|LREM l 0 none|LREM l 0 b
LTRIM l 0 -1|LTRIM l 1 1
RPUSH l 1 2 3|RPOPLPUSH l m|LMOVE l l LEFT RIGHT|LMOVE none l LEFT LEFT|LMPOP 2 none l LEFT COUNT 9
LRANGE m 0 -1|LINDEX m 0|LPOS m 3|LLEN m|RPOPLPUSH m m|LTRIM m 5 6|LTRIM m 0 0
ZADD z 1 a 2 b|ZADD z 1 a|ZADD z 3 a 4 c|ZADD z NX 9 a|ZADD z CH 5 a 6 d|ZINCRBY z 0 a|ZINCRBY z 1 a
ZREM z nosuch|ZREM z a b b|ZPOPMIN z 0|ZPOPMIN z|ZPOPMAX z 9|ZPOPMIN z|ZADD z 1 a 2 b 3 c 4 d
ZREMRANGEBYRANK z 0 0|ZREMRANGEBYSCORE z 9 9|ZREMRANGEBYLEX z [d [d|ZMPOP 2 nosuch z MAX COUNT 2
ZADD z 1 a 2 b|ZUNIONSTORE d 1 z|ZUNIONSTORE d 1 z|ZINTERSTORE d 2 z nosuch|ZINTERSTORE d 2 z nosuch
ZDIFFSTORE d 1 z|ZRANGESTORE d z 0 0|ZRANGESTORE d z 5 6|ZRANGESTORE d z 5 6|ZRANGE z 0 -1|DEL z
GEOADD g 1 1 a 2 2 b|GEOADD g 1 1 a|GEOADD g 1 2 a|GEORADIUS g 1 1 1000 km STORE d
GEOSEARCHSTORE d g FROMLONLAT 9 9 BYRADIUS 1 m|GEOSEARCHSTORE d g FROMLONLAT 9 9 BYRADIUS 1 m|DEL g
HSET a f 1|HGET a f|DEL h|MSET a 1 b 2 c 3|DEL a b nosuch|UNLINK c nosuch
SET a 1|RENAME a b|RENAME b b|RENAMENX b c|SET b 1|RENAMENX b c|SET big v|RENAME b big
COPY big copy|COPY big copy|COPY big copy REPLACE|COPY big copy DB 3|MOVE copy 1|MOVE copy 1
EXPIRE big 100|EXPIRE big 100 NX|PEXPIRE big 100000|EXPIREAT big 33177117420|PERSIST big
PERSIST big|EXPIRE big -1|EXPIRE nosuch 10|TOUCH bits|GET bits|EXISTS bits|TYPE bits
SWAPDB 0 1|SWAPDB 0 0|FLUSHDB|FLUSHDB|SET a 1|SELECT 3|SET c 1|FLUSHALL|FLUSHALL|SELECT 0
CONFIG RESETSTAT|NOSUCH|SET a";

fn changes(client: &mut Client) -> i64 {
    let info = client.run("INFO persistence").text();
    let line = info.lines().find_map(|line| line.strip_prefix("rdb_changes_since_last_save:"));
    line.expect("the field").parse().expect("a number")
}

#[test]
fn changes_since_the_last_save_are_counted_by_the_amounts_of_redis() {
    let Some(oracle) = Server::oracle() else { return };
    for shards in [1, 2] {
        let target = Server::with(Options::default().shards(shards));
        let (mut theirs, mut ours) = (oracle.client(), target.client());
        theirs.ok("FLUSHALL");
        let mut differing = Vec::new();
        for line in COMMANDS.split(['|', '\n']).filter(|line| !line.is_empty()) {
            let amount = |client: &mut Client| {
                let before = changes(client);
                let reply = client.run(line);
                (changes(client) - before, reply)
            };
            let (expected, found) = (amount(&mut theirs), amount(&mut ours));
            if expected.0 != found.0 {
                differing.push(format!("{line}: {expected:?}, here {found:?}"));
            }
        }
        assert!(differing.is_empty(), "{shards} shards:\n{}", differing.join("\n"));
    }
}

#[test]
fn changes_are_counted_on_every_path() {
    for shards in [1, 2] {
        let server = Server::with(Options::default().shards(shards));
        let mut client = server.client();
        // Pipelines over one and more shards, transactions, long commits, collections that grow.
        let mut expected = 0;
        for count in [1, 2, 50, 600] {
            let sets: Vec<Vec<String>> = (0..count)
                .map(|key| vec!["SET".to_owned(), format!("k{key}"), "v".to_owned()])
                .collect();
            client.pipeline(&sets);
            expected += count;
            assert_eq!(changes(&mut client), expected, "{count} SETs in a pipeline");
            let words = |command: &str, unit: usize| {
                let mut words = vec![command.to_owned()];
                words.extend(std::iter::repeat_n("hash".to_owned(), 2 - unit));
                let parts = 0..count;
                words.extend(parts.flat_map(|part| [format!("p{part}"), "w".to_owned()]));
                words
            };
            client.call(&words("MSET", 2));
            client.call(&words("HSET", 1));
            expected += 2 * count;
            assert_eq!(changes(&mut client), expected, "MSET and HSET of {count}");
        }
        // A large hash, of which an element changes.
        client.run("HINCRBY hash number 1");
        client.run("HSET hash p0 other");
        client.run("HSET hash p1 w p2 w p3 w");
        expected += 5;
        assert_eq!(changes(&mut client), expected);
        client.call(&[b"SET".to_vec(), b"big".to_vec(), vec![b'x'; 1 << 20]]);
        client.run("SETBIT big 77 1");
        client.run("SETBIT big 77 1");
        client.run("COPY big copy");
        client.run("RENAME big p0");
        expected += 4;
        assert_eq!(changes(&mut client), expected);
        let keys = client.run("DBSIZE").int();
        client.ok("FLUSHALL");
        assert_eq!(changes(&mut client), expected + keys);
        client.ok("SET short v PX 1");
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert_eq!(changes(&mut client), expected + keys + 1, "a key whose time comes is none");
    }
}
