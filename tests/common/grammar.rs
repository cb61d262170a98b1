//! The shapes of commands, one line each: the vocabulary of every test that makes up calls.
//!
//! A shape is a line of words. CAPITALS and digits stand for themselves, lower-case words are
//! placeholders (see `universe.rs`), `[..]` may be left out, `(..)` groups, `|` chooses, `...`
//! after a word or a group repeats it one to four times, `*N` exactly N times.
//!
//! To add a command: add its line, with how its reply is compared. `weight` says how often it is
//! drawn; a shape that wipes the key space or is slow gets a small one.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::rng::Rng;
use super::universe::Universe;

/// What of a reply must be equal on two servers. Errors are always compared exactly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compare {
    /// Byte for byte.
    Exact,
    /// The same elements in any order.
    AnyOrder,
    /// As Exact while the hash is small, as AnyOrder once it is a hash table.
    HashOrder,
    /// As HashOrder, for a flat reply of fields and values.
    HashPairs,
    /// The same kinds of values and the same counts: for replies that are random.
    Shape,
    /// As Exact, but for how doubles are printed.
    Scores,
    /// The same, of elements in any order.
    AnyScores,
    /// Numbers that tell the time: equal but for this much.
    Near(i64),
    /// As Exact, but what Redis packs of a set since 7.2 was a hash table before.
    Encoding,
    /// Nothing but that both succeed or both fail alike.
    ErrorsOnly,
}

pub struct Shape {
    pub weight: usize,
    pub compare: Compare,
    pub line: &'static str,
}

const fn shape(weight: usize, compare: Compare, line: &'static str) -> Shape {
    Shape { weight, compare, line }
}

use Compare::Shape as Random;
use Compare::{
    AnyOrder, AnyScores, Encoding, ErrorsOnly, Exact, HashOrder, HashPairs, Near, Scores,
};

/// Two servers run a program at slightly different times, and seconds are rounded.
const SECONDS: Compare = Near(2);
const MILLISECONDS: Compare = Near(2_000);

#[rustfmt::skip] // One line per shape is the point of the table.
pub const SHAPES: &[Shape] = &[
    // Connection and server.
    shape(1, Exact, "PING [val]"),
    shape(1, Exact, "ECHO val"),
    shape(2, Exact, "SELECT db"),
    shape(2, Exact, "DBSIZE"),
    shape(1, Exact, "SWAPDB db db"),
    shape(1, Exact, "FLUSHDB [ASYNC|SYNC]"),
    shape(1, Exact, "FLUSHALL [ASYNC|SYNC]"),
    // Keys.
    shape(4, Exact, "DEL key..."),
    shape(2, Exact, "UNLINK key..."),
    shape(3, Exact, "EXISTS key..."),
    shape(2, Exact, "TOUCH key..."),
    shape(3, Exact, "TYPE key"),
    shape(3, Exact, "EXPIRE key secs [NX|XX|GT|LT]"),
    shape(1, Exact, "EXPIRE key secs (NX|XX|GT|LT)..."),
    shape(3, Exact, "PEXPIRE key ms [NX|XX|GT|LT]"),
    shape(3, Exact, "EXPIREAT key at [NX|XX|GT|LT]"),
    shape(3, Exact, "PEXPIREAT key atms [NX|XX|GT|LT]"),
    shape(3, SECONDS, "TTL key"),
    shape(3, MILLISECONDS, "PTTL key"),
    shape(3, SECONDS, "EXPIRETIME key"),
    shape(3, MILLISECONDS, "PEXPIRETIME key"),
    shape(3, Exact, "PERSIST key"),
    shape(3, Exact, "RENAME key key"),
    shape(3, Exact, "RENAMENX key key"),
    shape(4, Exact, "COPY key key [DB db] [REPLACE]"),
    shape(3, Exact, "MOVE key db"),
    shape(2, AnyOrder, "KEYS pattern"),
    shape(2, Random, "RANDOMKEY"),
    shape(4, Encoding, "OBJECT ENCODING key"),
    shape(1, Random, "OBJECT REFCOUNT key"),
    shape(1, Near(60), "OBJECT IDLETIME key"),
    shape(1, Exact, "OBJECT FREQ key"),
    // The bytes need not be the same; RESTORE of what DUMP gave has tests of its own.
    shape(1, ErrorsOnly, "DUMP key"),
    shape(1, Exact, "RESTORE key ms val [REPLACE] [ABSTTL] [IDLETIME num|FREQ num]"),
    shape(2, ErrorsOnly, "SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]"),
    // The whole scan, from cursor 0 to cursor 0, as one set of keys; not on the wire like this.
    shape(3, AnyOrder, "@SCAN [MATCH pattern] [COUNT chunk] [TYPE type]"),
    // Strings.
    shape(8, Exact, "SET str val"),
    shape(4, Exact, "SET str num"),
    shape(6, Exact, "SET str val [NX|XX] [GET] [EX secs|PX ms|EXAT at|PXAT atms|KEEPTTL]"),
    shape(2, Exact, "SET str val [EX secs|PX ms|KEEPTTL] [GET] [NX|XX] [NX|XX|GET]"),
    shape(2, Exact, "SETNX str val"),
    shape(2, Exact, "SETEX str secs val"),
    shape(2, Exact, "PSETEX str ms val"),
    shape(6, Exact, "GET str"),
    shape(2, Exact, "GETSET str val"),
    shape(2, Exact, "GETDEL str"),
    shape(4, Exact, "GETEX str [EX secs|PX ms|EXAT at|PXAT atms|PERSIST]"),
    shape(3, Exact, "MGET key..."),
    shape(3, Exact, "MSET (str val)..."),
    shape(2, Exact, "MSET (key val)..."),
    shape(3, Exact, "MSETNX (key val)..."),
    shape(4, Exact, "APPEND str val"),
    shape(3, Exact, "STRLEN str"),
    shape(3, Exact, "SETRANGE str offset val"),
    shape(3, Exact, "GETRANGE str index index"),
    shape(1, Exact, "SUBSTR str index index"),
    shape(3, Exact, "INCR str"),
    shape(3, Exact, "DECR str"),
    shape(4, Exact, "INCRBY str int"),
    shape(3, Exact, "DECRBY str int"),
    shape(4, Exact, "INCRBYFLOAT str float"),
    shape(2, Exact, "LCS str str [LEN] [IDX] [MINMATCHLEN index] [WITHMATCHLEN]"),
    // Bits.
    shape(4, Exact, "SETBIT str bitoffset bit"),
    shape(3, Exact, "GETBIT str bitoffset"),
    shape(4, Exact, "BITCOUNT str [index index [BYTE|BIT]]"),
    shape(4, Exact, "BITPOS str bit [index [index [BYTE|BIT]]]"),
    shape(4, Exact, "BITOP (AND|OR|XOR) str str..."),
    shape(2, Exact, "BITOP NOT str str [str]"),
    shape(4, Exact, "BITFIELD str (GET bits slot|SET bits slot int|INCRBY bits slot int)..."),
    shape(3, Exact, "BITFIELD str (OVERFLOW (WRAP|SAT|FAIL)|INCRBY bits slot int)..."),
    shape(2, Exact, "BITFIELD_RO str (GET bits slot)..."),
    shape(1, Exact, "BITFIELD_RO str [SET bits slot int]"),
    // Hashes.
    shape(8, Exact, "HSET hash (field val)..."),
    shape(1, Exact, "HSET hash (manyfield val)*600"),
    shape(2, Exact, "HMSET hash (field val)..."),
    shape(4, Exact, "HGET hash field"),
    shape(4, Exact, "HMGET hash field..."),
    shape(5, Exact, "HDEL hash field..."),
    shape(1, Exact, "HDEL hash manyfield*300"),
    shape(3, Exact, "HLEN hash"),
    shape(3, Exact, "HEXISTS hash field"),
    shape(4, HashPairs, "HGETALL hash"),
    shape(3, HashOrder, "HKEYS hash"),
    shape(3, HashOrder, "HVALS hash"),
    shape(4, Exact, "HINCRBY hash field int"),
    shape(4, Exact, "HINCRBYFLOAT hash field float"),
    shape(3, Exact, "HSETNX hash field val"),
    shape(3, Exact, "HSTRLEN hash field"),
    shape(3, Random, "HRANDFIELD hash [draws [WITHVALUES]]"),
    shape(2, ErrorsOnly, "HSCAN hash cursor [MATCH pattern] [COUNT count]"),
    shape(3, AnyOrder, "@HSCAN hash [MATCH pattern] [COUNT chunk]"),
    // Sets. What SPOP takes has to be all, or the two servers would go on with different sets.
    shape(8, Exact, "SADD set member..."),
    shape(4, Exact, "SADD set int..."),
    shape(1, Exact, "SADD set manyfield*600"),
    shape(4, Exact, "SREM set member..."),
    shape(2, Exact, "SREM set int..."),
    shape(1, Exact, "SREM set manyfield*300"),
    shape(3, Exact, "SCARD set"),
    shape(3, Exact, "SISMEMBER set member"),
    shape(3, Exact, "SMISMEMBER set member..."),
    shape(4, AnyOrder, "SMEMBERS set"),
    shape(4, Exact, "SMOVE set set member"),
    shape(2, Exact, "SMOVE set set int"),
    shape(3, AnyOrder, "SPOP set pops"),
    shape(3, Random, "SRANDMEMBER set [draws]"),
    shape(3, AnyOrder, "SINTER set..."),
    shape(3, Exact, "SINTERCARD numkeys set set [LIMIT limit]"),
    shape(1, Exact, "SINTERCARD 3 set set set [LIMIT limit]"),
    shape(3, Exact, "SINTERSTORE set set..."),
    shape(3, AnyOrder, "SUNION set..."),
    shape(3, Exact, "SUNIONSTORE set set..."),
    shape(3, AnyOrder, "SDIFF set..."),
    shape(3, Exact, "SDIFFSTORE set set..."),
    shape(2, ErrorsOnly, "SSCAN set cursor [MATCH pattern] [COUNT count]"),
    shape(3, AnyOrder, "@SSCAN set [MATCH pattern] [COUNT chunk]"),
    // HyperLogLogs.
    shape(4, Exact, "PFADD hll [val...]"),
    shape(1, Exact, "PFADD hll manyfield*200"),
    shape(3, Exact, "PFCOUNT hll"),
    shape(2, Exact, "PFCOUNT hll..."),
    shape(2, Exact, "PFMERGE hll [hll...]"),
    shape(1, Exact, "PFDEBUG (ENCODING|TODENSE|GETREG|DECODE|NONSENSE) hll"),
    shape(1, Exact, "PFDEBUG ENCODING hll"),
    // Lists.
    shape(6, Exact, "LPUSH list element..."),
    shape(6, Exact, "RPUSH list element..."),
    shape(1, Exact, "RPUSH list manyfield*600"),
    shape(2, Exact, "LPUSHX list element..."),
    shape(2, Exact, "RPUSHX list element..."),
    shape(4, Exact, "LPOP list [taken]"),
    shape(4, Exact, "RPOP list [taken]"),
    shape(4, Exact, "LRANGE list index index"),
    shape(3, Exact, "LLEN list"),
    shape(4, Exact, "LINDEX list index"),
    shape(4, Exact, "LSET list index element"),
    shape(4, Exact, "LINSERT list (BEFORE|AFTER) element element"),
    shape(4, Exact, "LREM list index element"),
    shape(2, Exact, "LTRIM list index index"),
    shape(4, Exact, "LPOS list element [RANK matchrank] [COUNT taken] [MAXLEN taken]"),
    shape(4, Exact, "LMOVE list list (LEFT|RIGHT) (LEFT|RIGHT)"),
    shape(3, Exact, "RPOPLPUSH list list"),
    shape(3, Exact, "LMPOP numkeys list list (LEFT|RIGHT) [COUNT taken]"),
    shape(1, Exact, "LMPOP 3 list list list (LEFT|RIGHT) [COUNT taken]"),
    // Sorted sets. Ranges by member are of sets whose scores are all 0: of others they are a matter
    // of chance.
    shape(8, Exact, "ZADD zset [NX|XX] [GT|LT] [CH] (score member)..."),
    shape(4, Scores, "ZADD zset [NX|XX] [GT|LT] [CH] INCR score member"),
    shape(1, Exact, "ZADD zset (score manyfield)*300"),
    shape(3, Exact, "ZADD lex (0 member)..."),
    shape(1, Exact, "ZADD lex (0 manyfield)*200"),
    shape(4, Scores, "ZINCRBY zset score member"),
    shape(3, Exact, "ZCARD zset"),
    shape(3, Scores, "ZSCORE zset member"),
    shape(3, Scores, "ZMSCORE zset member..."),
    shape(3, Exact, "ZRANK zset member"),
    shape(3, Exact, "ZREVRANK zset member"),
    shape(3, Exact, "ZCOUNT zset bound bound"),
    shape(3, Exact, "ZLEXCOUNT lex lexbound lexbound"),
    shape(4, Scores, "ZRANGE zset index index [REV] [WITHSCORES]"),
    shape(4, Scores, "ZRANGE zset bound bound BYSCORE [REV] [LIMIT index index] [WITHSCORES]"),
    shape(2, Exact, "ZRANGE lex lexbound lexbound BYLEX [REV] [LIMIT index index]"),
    shape(2, Scores, "ZREVRANGE zset index index [WITHSCORES]"),
    shape(2, Scores, "ZRANGEBYSCORE zset bound bound [WITHSCORES] [LIMIT index index]"),
    shape(2, Scores, "ZREVRANGEBYSCORE zset bound bound [WITHSCORES] [LIMIT index index]"),
    shape(2, Exact, "ZRANGEBYLEX lex lexbound lexbound [LIMIT index index]"),
    shape(2, Exact, "ZREVRANGEBYLEX lex lexbound lexbound [LIMIT index index]"),
    shape(2, Exact, "ZRANGESTORE zset zset index index [REV]"),
    shape(2, Exact, "ZRANGESTORE zset zset bound bound BYSCORE [LIMIT index index]"),
    shape(1, Exact, "ZRANGESTORE lex lex lexbound lexbound BYLEX [LIMIT index index]"),
    shape(4, Exact, "ZREM zset member..."),
    shape(1, Exact, "ZREM zset manyfield*200"),
    shape(2, Exact, "ZREMRANGEBYRANK zset index index"),
    shape(2, Exact, "ZREMRANGEBYSCORE zset bound bound"),
    shape(1, Exact, "ZREMRANGEBYLEX lex lexbound lexbound"),
    shape(3, Scores, "ZPOPMIN zset [count]"),
    shape(3, Scores, "ZPOPMAX zset [count]"),
    shape(3, Scores, "ZMPOP numkeys zset zset (MIN|MAX) [COUNT count]"),
    shape(3, Random, "ZRANDMEMBER zset [draws [WITHSCORES]]"),
    shape(2, ErrorsOnly, "ZSCAN zset cursor [MATCH pattern] [COUNT count]"),
    shape(3, AnyScores, "@ZSCAN zset [MATCH pattern] [COUNT chunk]"),
    shape(2, Scores, "ZUNION numkeys zset zset [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]"),
    shape(2, Scores, "ZUNION 2 zset zset [WEIGHTS weight weight] [AGGREGATE MAX] WITHSCORES"),
    shape(2, Scores, "ZINTER numkeys zset zset [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]"),
    shape(2, Scores, "ZINTER 2 zset zset [WEIGHTS weight weight] [AGGREGATE MIN] WITHSCORES"),
    shape(3, Scores, "ZDIFF numkeys zset zset [WITHSCORES]"),
    shape(2, Exact, "ZINTERCARD numkeys zset zset [LIMIT limit]"),
    shape(2, Exact, "ZUNIONSTORE zset numkeys zset zset [AGGREGATE (SUM|MIN|MAX)]"),
    shape(2, Exact, "ZUNIONSTORE zset 2 zset zset [WEIGHTS weight weight] [AGGREGATE MIN]"),
    shape(2, Exact, "ZINTERSTORE zset numkeys zset zset [AGGREGATE (SUM|MIN|MAX)]"),
    shape(2, Exact, "ZINTERSTORE zset 2 zset zset [WEIGHTS weight weight] [AGGREGATE MAX]"),
    shape(3, Exact, "ZDIFFSTORE zset numkeys zset zset"),
    shape(1, Scores, "ZUNION 2 zset set [WEIGHTS weight weight] [AGGREGATE SUM] WITHSCORES"),
    shape(1, Scores, "ZINTER 2 set zset [AGGREGATE (SUM|MIN|MAX)] WITHSCORES"),
    shape(1, Exact, "ZUNIONSTORE zset 2 set zset [WEIGHTS weight weight]"),
    shape(1, Exact, "ZINTERSTORE zset 2 zset set"),
    shape(1, Exact, "ZDIFFSTORE zset 2 zset set"),
    shape(1, Scores, "ZDIFF 2 set set WITHSCORES"),
    // Positions. Without an order what is found comes as Redis comes by it.
    shape(4, Exact, "GEOADD geo [NX|XX] [CH] (longitude latitude member)..."),
    shape(3, Exact, "GEOPOS geo [member...]"),
    shape(3, Exact, "GEODIST geo member member [unit]"),
    shape(3, Exact, "GEOHASH geo [member...]"),
    shape(2, Exact, "GEORADIUS geo longitude latitude meters unit [WITHCOORD] [WITHDIST]"),
    shape(2, Exact, "GEORADIUS geo longitude latitude meters unit [COUNT count ANY] [WITHHASH]"),
    shape(2, Exact, "GEORADIUS geo longitude latitude meters unit [STORE geo|STOREDIST geo]"),
    shape(2, Exact, "GEORADIUS_RO geo longitude latitude meters unit [WITHDIST]"),
    shape(2, Exact, "GEORADIUSBYMEMBER geo member meters unit [WITHCOORD]"),
    shape(2, Exact, "GEORADIUSBYMEMBER geo member meters unit [STORE geo|STOREDIST geo]"),
    shape(2, Exact, "GEORADIUSBYMEMBER_RO geo member meters unit [WITHHASH]"),
    shape(2, Exact, "GEOSEARCH geo FROMMEMBER member BYRADIUS meters unit [WITHDIST]"),
    shape(2, Exact, "GEOSEARCH geo FROMLONLAT longitude latitude BYBOX meters meters unit"),
    shape(2, Exact, "GEOSEARCHSTORE geo geo FROMMEMBER member BYBOX meters meters unit"),
    shape(1, Exact, "GEOSEARCHSTORE geo geo FROMMEMBER member BYRADIUS meters unit STOREDIST"),
    // Streams. What 7.2 tells of consumers, and when it adds one, is not what 7.0 does.
    shape(8, Exact, "XADD stream newid (field val)..."),
    shape(4, Exact, "XADD stream newid (field num)*2"),
    shape(2, Exact, "XADD stream [NOMKSTREAM] [MAXLEN trimming length] newid field val"),
    shape(2, Exact, "XADD stream [MINID trimming id] newid field val [val]"),
    shape(1, Exact, "XADD stream MAXLEN trimming length LIMIT count newid field val"),
    shape(3, Exact, "XLEN stream"),
    shape(4, Exact, "XRANGE stream id id [COUNT count]"),
    shape(3, Exact, "XREVRANGE stream id id [COUNT count]"),
    shape(4, Exact, "XREAD [COUNT count] STREAMS stream id"),
    shape(3, Exact, "XREAD COUNT 2 STREAMS stream stream id id"),
    shape(2, Exact, "XDEL stream id..."),
    shape(2, Exact, "XTRIM stream (MAXLEN trimming length|MINID trimming id) [LIMIT count]"),
    shape(1, Exact, "XSETID stream id [ENTRIESADDED count] [MAXDELETEDID id]"),
    shape(1, ErrorsOnly, "XINFO STREAM stream [FULL [COUNT count]]"),
    shape(1, ErrorsOnly, "XINFO GROUPS stream"),
    shape(1, ErrorsOnly, "XINFO CONSUMERS stream group"),
    shape(4, Exact, "XGROUP CREATE stream group id [MKSTREAM] [ENTRIESREAD count]"),
    shape(1, Exact, "XGROUP SETID stream group id [ENTRIESREAD count]"),
    shape(1, Exact, "XGROUP DESTROY stream group"),
    shape(1, ErrorsOnly, "XGROUP CREATECONSUMER stream group consumer"),
    shape(1, Exact, "XGROUP DELCONSUMER stream group consumer"),
    shape(5, Exact, "XREADGROUP GROUP group consumer [NOACK] [COUNT count] STREAMS stream >"),
    shape(3, Exact, "XREADGROUP GROUP group consumer COUNT 3 STREAMS stream stream > id"),
    shape(3, Exact, "XACK stream group id..."),
    shape(2, Exact, "XPENDING stream group"),
    shape(2, Random, "XPENDING stream group id id count [consumer]"),
    shape(2, Exact, "XCLAIM stream group consumer 0 id... [RETRYCOUNT num] [FORCE] [JUSTID]"),
    shape(2, Exact, "XAUTOCLAIM stream group consumer 0 id [COUNT count] [JUSTID]"),
];

/// Commands that redis-server 7.0 does not have: nothing to compare a call with, so they are not
/// drawn for a program. Without a condition DELEX is DEL, for any type.
#[rustfmt::skip] // As above.
pub const NEWER_SHAPES: &[Shape] = &[
    shape(1, Exact, "DELEX str (IFEQ|IFNE) val"),
    shape(1, Exact, "DIGEST str"),
];

/// The shapes of one command, by its name in capitals, the newer ones included.
pub fn shapes_of(command: &str) -> impl Iterator<Item = &'static Shape> {
    let all = SHAPES.iter().chain(NEWER_SHAPES);
    all.filter(move |shape| shape.line.split(' ').next() == Some(command))
}

/// One call of a shape, its placeholders filled from the universe.
pub fn call(shape: &Shape, universe: &Universe, rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut tokens = tokenize(shape.line).into_iter().peekable();
    let sequence = parse_alternatives(&mut tokens);
    assert!(tokens.next().is_none(), "unbalanced shape: {}", shape.line);
    let mut args = Vec::new();
    expand(&sequence, universe, rng, &mut args);
    args
}

enum Node {
    Word(String),
    Optional(Box<Node>),
    /// One of several sequences.
    Choice(Vec<Vec<Node>>),
    Some(Box<Node>),
    Times(usize, Box<Node>),
}

fn tokenize(line: &str) -> Vec<String> {
    let mut spaced = String::new();
    for character in line.replace("...", "~").chars() {
        if "[]()|~*".contains(character) {
            spaced.extend([' ', character, ' ']);
        } else {
            spaced.push(character);
        }
    }
    spaced.split_whitespace().map(str::to_owned).collect()
}

type Tokens = Peekable<IntoIter<String>>;

fn parse_alternatives(tokens: &mut Tokens) -> Node {
    let mut alternatives = vec![Vec::new()];
    while let Some(token) = tokens.next_if(|token| token != ")" && token != "]") {
        let node = match token.as_str() {
            "|" => {
                alternatives.push(Vec::new());
                continue;
            }
            "[" => Node::Optional(Box::new(parse_group(tokens))),
            "(" => parse_group(tokens),
            word => Node::Word(word.to_owned()),
        };
        let node = match tokens.peek().map(String::as_str) {
            Some("~") => {
                tokens.next();
                Node::Some(Box::new(node))
            }
            Some("*") => {
                tokens.next();
                let times = tokens.next().and_then(|times| times.parse().ok());
                Node::Times(times.expect("a number after *"), Box::new(node))
            }
            _ => node,
        };
        alternatives.last_mut().expect("one at least").push(node);
    }
    Node::Choice(alternatives)
}

fn parse_group(tokens: &mut Tokens) -> Node {
    let group = parse_alternatives(tokens);
    assert!(tokens.next().is_some(), "a group without an end");
    group
}

fn expand(node: &Node, universe: &Universe, rng: &mut Rng, args: &mut Vec<Vec<u8>>) {
    const REPEATS_MAX: usize = 4;
    match node {
        Node::Word(word) if word.starts_with(|c: char| c.is_ascii_lowercase()) => {
            args.push(universe.draw(word, rng));
        }
        Node::Word(word) => args.push(word.clone().into_bytes()),
        Node::Optional(inner) => {
            if rng.percent(50) {
                expand(inner, universe, rng, args);
            }
        }
        Node::Choice(alternatives) => {
            for node in rng.pick(alternatives) {
                expand(node, universe, rng, args);
            }
        }
        Node::Some(inner) => {
            for _ in 0..=rng.below(REPEATS_MAX) {
                expand(inner, universe, rng, args);
            }
        }
        Node::Times(times, inner) => {
            for _ in 0..*times {
                expand(inner, universe, rng, args);
            }
        }
    }
}
