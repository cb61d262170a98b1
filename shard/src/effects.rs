//! What can happen to keys beside that their records change, and whether anybody wants to hear it.
//!
//! A handler tells events ([`crate::view::View::tell`]); the commit that they belong to hands them
//! on. As long as nobody wants to hear any, telling one is a look at [`Listening`].

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// A set of classes of events, as `notify-keyspace-events` has them, and of the channels that they
/// are published on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes(u16);

impl Classes {
    /// Published on the channel of the key.
    pub const KEYSPACE: Self = Self(1 << 0);
    /// Published on the channel of the event.
    pub const KEYEVENT: Self = Self(1 << 1);
    /// What happens to keys of all types.
    pub const GENERIC: Self = Self(1 << 2);
    /// Of strings.
    pub const STRING: Self = Self(1 << 3);
    /// Of lists.
    pub const LIST: Self = Self(1 << 4);
    /// Of sets.
    pub const SET: Self = Self(1 << 5);
    /// Of hashes.
    pub const HASH: Self = Self(1 << 6);
    /// Of sorted sets.
    pub const ZSET: Self = Self(1 << 7);
    /// A key's time has come.
    pub const EXPIRED: Self = Self(1 << 8);
    /// A key was removed to make room, which never happens here: data is on the disk.
    pub const EVICTED: Self = Self(1 << 9);
    /// Of streams.
    pub const STREAM: Self = Self(1 << 10);
    /// A key was read that is not there.
    pub const KEY_MISS: Self = Self(1 << 11);
    /// Of types that modules bring.
    pub const MODULE: Self = Self(1 << 12);
    /// There is a key that was not there.
    pub const NEW: Self = Self(1 << 13);

    /// All of these together.
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether all of `others` are among these.
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether any of `others` is among these.
    pub const fn meets(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

/// Something that happens to a key: what it is called, and its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its class.
    pub class: Classes,
    /// Its name.
    pub name: &'static str,
}

const fn event(class: Classes, name: &'static str) -> Event {
    Event { class, name }
}

impl Event {
    /// A string was set: SET and its like, MSET, BITOP.
    pub const SET: Self = event(Classes::STRING, "set");
    /// SETRANGE.
    pub const SETRANGE: Self = event(Classes::STRING, "setrange");
    /// APPEND.
    pub const APPEND: Self = event(Classes::STRING, "append");
    /// INCR, DECR, INCRBY and DECRBY.
    pub const INCRBY: Self = event(Classes::STRING, "incrby");
    /// INCRBYFLOAT.
    pub const INCRBYFLOAT: Self = event(Classes::STRING, "incrbyfloat");
    /// SETBIT and BITFIELD.
    pub const SETBIT: Self = event(Classes::STRING, "setbit");
    /// Members came into a HyperLogLog: PFADD and PFMERGE.
    pub const PFADD: Self = event(Classes::STRING, "pfadd");
    /// Members were added to a set.
    pub const SADD: Self = event(Classes::SET, "sadd");
    /// Members of a set were removed.
    pub const SREM: Self = event(Classes::SET, "srem");
    /// Members of a set were taken out at random.
    pub const SPOP: Self = event(Classes::SET, "spop");
    /// SINTERSTORE.
    pub const SINTERSTORE: Self = event(Classes::SET, "sinterstore");
    /// SUNIONSTORE.
    pub const SUNIONSTORE: Self = event(Classes::SET, "sunionstore");
    /// SDIFFSTORE.
    pub const SDIFFSTORE: Self = event(Classes::SET, "sdiffstore");
    /// Fields of a hash were set.
    pub const HSET: Self = event(Classes::HASH, "hset");
    /// Fields of a hash were removed.
    pub const HDEL: Self = event(Classes::HASH, "hdel");
    /// HINCRBY.
    pub const HINCRBY: Self = event(Classes::HASH, "hincrby");
    /// HINCRBYFLOAT.
    pub const HINCRBYFLOAT: Self = event(Classes::HASH, "hincrbyfloat");
    /// Elements were put in front of a list.
    pub const LPUSH: Self = event(Classes::LIST, "lpush");
    /// Elements were put behind a list.
    pub const RPUSH: Self = event(Classes::LIST, "rpush");
    /// The first elements of a list were taken out.
    pub const LPOP: Self = event(Classes::LIST, "lpop");
    /// The last elements of a list were taken out.
    pub const RPOP: Self = event(Classes::LIST, "rpop");
    /// LSET.
    pub const LSET: Self = event(Classes::LIST, "lset");
    /// LINSERT.
    pub const LINSERT: Self = event(Classes::LIST, "linsert");
    /// LREM.
    pub const LREM: Self = event(Classes::LIST, "lrem");
    /// LTRIM, also when nothing is trimmed.
    pub const LTRIM: Self = event(Classes::LIST, "ltrim");
    /// Members were added to a sorted set, or their scores changed.
    pub const ZADD: Self = event(Classes::ZSET, "zadd");
    /// ZINCRBY, and ZADD with INCR.
    pub const ZINCR: Self = event(Classes::ZSET, "zincr");
    /// Members of a sorted set were removed.
    pub const ZREM: Self = event(Classes::ZSET, "zrem");
    /// ZREMRANGEBYRANK.
    pub const ZREMRANGEBYRANK: Self = event(Classes::ZSET, "zremrangebyrank");
    /// ZREMRANGEBYSCORE.
    pub const ZREMRANGEBYSCORE: Self = event(Classes::ZSET, "zremrangebyscore");
    /// ZREMRANGEBYLEX.
    pub const ZREMRANGEBYLEX: Self = event(Classes::ZSET, "zremrangebylex");
    /// The members with the lowest scores were taken.
    pub const ZPOPMIN: Self = event(Classes::ZSET, "zpopmin");
    /// The members with the highest scores were taken.
    pub const ZPOPMAX: Self = event(Classes::ZSET, "zpopmax");
    /// ZRANGESTORE.
    pub const ZRANGESTORE: Self = event(Classes::ZSET, "zrangestore");
    /// ZUNIONSTORE.
    pub const ZUNIONSTORE: Self = event(Classes::ZSET, "zunionstore");
    /// ZINTERSTORE.
    pub const ZINTERSTORE: Self = event(Classes::ZSET, "zinterstore");
    /// ZDIFFSTORE.
    pub const ZDIFFSTORE: Self = event(Classes::ZSET, "zdiffstore");
    /// GEORADIUS and GEORADIUSBYMEMBER with STORE or STOREDIST.
    pub const GEORADIUSSTORE: Self = event(Classes::ZSET, "georadiusstore");
    /// GEOSEARCHSTORE.
    pub const GEOSEARCHSTORE: Self = event(Classes::ZSET, "geosearchstore");
    /// An entry was added to a stream.
    pub const XADD: Self = event(Classes::STREAM, "xadd");
    /// Entries of a stream were deleted.
    pub const XDEL: Self = event(Classes::STREAM, "xdel");
    /// A stream was trimmed.
    pub const XTRIM: Self = event(Classes::STREAM, "xtrim");
    /// XSETID.
    pub const XSETID: Self = event(Classes::STREAM, "xsetid");
    /// XGROUP CREATE.
    pub const XGROUP_CREATE: Self = event(Classes::STREAM, "xgroup-create");
    /// XGROUP SETID.
    pub const XGROUP_SETID: Self = event(Classes::STREAM, "xgroup-setid");
    /// XGROUP DESTROY.
    pub const XGROUP_DESTROY: Self = event(Classes::STREAM, "xgroup-destroy");
    /// A consumer was added to a group.
    pub const XGROUP_CREATECONSUMER: Self = event(Classes::STREAM, "xgroup-createconsumer");
    /// XGROUP DELCONSUMER.
    pub const XGROUP_DELCONSUMER: Self = event(Classes::STREAM, "xgroup-delconsumer");
    /// A key was deleted, also because nothing is left in it.
    pub const DEL: Self = event(Classes::GENERIC, "del");
    /// A key was given a deadline.
    pub const EXPIRE: Self = event(Classes::GENERIC, "expire");
    /// A key's deadline was taken away.
    pub const PERSIST: Self = event(Classes::GENERIC, "persist");
    /// A key has another name now; told of the old one.
    pub const RENAME_FROM: Self = event(Classes::GENERIC, "rename_from");
    /// The same, told of the new one.
    pub const RENAME_TO: Self = event(Classes::GENERIC, "rename_to");
    /// A key is in another database now; told of the old one.
    pub const MOVE_FROM: Self = event(Classes::GENERIC, "move_from");
    /// The same, told of the new one.
    pub const MOVE_TO: Self = event(Classes::GENERIC, "move_to");
    /// A key was made as a copy.
    pub const COPY_TO: Self = event(Classes::GENERIC, "copy_to");
    /// A key was made of what RESTORE was given.
    pub const RESTORE: Self = event(Classes::GENERIC, "restore");
    /// A key's time has come.
    pub const EXPIRED: Self = event(Classes::EXPIRED, "expired");
    /// There is a key that was not there.
    pub const NEW: Self = event(Classes::NEW, "new");
    /// A key was read that is not there.
    pub const KEY_MISS: Self = event(Classes::KEY_MISS, "keymiss");
}

/// Who wants to hear of events, of the whole process. Read by every command, written next to never.
#[derive(Debug, Default)]
pub struct Listening {
    classes: AtomicU32,
    subscriptions: AtomicUsize,
}

impl Listening {
    /// `notify-keyspace-events` as it is now.
    pub fn set_classes(&self, classes: Classes) {
        self.classes.store(u32::from(classes.0), Ordering::SeqCst);
    }

    /// A client has subscribed to what events are published on, or may be. Before it is told so:
    /// it misses none of what happens from then on.
    pub fn add_subscription(&self) {
        self.subscriptions.fetch_add(1, Ordering::SeqCst);
    }

    /// One of those is no more.
    pub fn remove_subscription(&self) {
        self.subscriptions.fetch_sub(1, Ordering::SeqCst);
    }

    /// The classes that somebody wants to hear of, with the channels for them; none at all while
    /// nobody would hear them.
    #[inline]
    pub fn wanted(&self) -> Classes {
        let classes = Classes(self.classes.load(Ordering::Acquire) as u16);
        let channels = Classes::KEYSPACE.and(Classes::KEYEVENT);
        if !classes.meets(channels) || self.subscriptions.load(Ordering::Acquire) == 0 {
            return Classes::default();
        }
        classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_hears_is_not_wanted() {
        let listening = Listening::default();
        let classes = Classes::STRING.and(Classes::KEYEVENT);
        listening.add_subscription();
        assert_eq!(listening.wanted(), Classes::default());
        listening.set_classes(classes);
        assert_eq!(listening.wanted(), classes);
        listening.remove_subscription();
        assert_eq!(listening.wanted(), Classes::default());
        listening.add_subscription();
        listening.set_classes(Classes::STRING);
        assert_eq!(listening.wanted(), Classes::default(), "neither channel");
    }
}
