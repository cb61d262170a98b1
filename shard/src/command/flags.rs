//! Flags of commands and of their keys, and the categories that ACL rules name, with the names that
//! clients see.

/// A set of flags out of one of the lists below.
pub type Flags = u32;

/// Command flags, with their names in COMMAND INFO in [`flag::NAMES`].
pub mod flag {
    use super::Flags;
    pub const WRITE: Flags = 1;
    pub const READONLY: Flags = 1 << 1;
    pub const DENYOOM: Flags = 1 << 2;
    pub const ADMIN: Flags = 1 << 3;
    pub const PUBSUB: Flags = 1 << 4;
    pub const NOSCRIPT: Flags = 1 << 5;
    pub const BLOCKING: Flags = 1 << 6;
    pub const LOADING: Flags = 1 << 7;
    pub const STALE: Flags = 1 << 8;
    pub const SKIP_MONITOR: Flags = 1 << 9;
    pub const SKIP_SLOWLOG: Flags = 1 << 10;
    pub const ASKING: Flags = 1 << 11;
    pub const FAST: Flags = 1 << 12;
    pub const NO_AUTH: Flags = 1 << 13;
    /// Held up with writes by CLIENT PAUSE, though it changes no key, or not always.
    pub const MAY_REPLICATE: Flags = 1 << 14;
    pub const NO_ASYNC_LOADING: Flags = 1 << 15;
    pub const NO_MULTI: Flags = 1 << 16;
    pub const MOVABLEKEYS: Flags = 1 << 17;
    pub const ALLOW_BUSY: Flags = 1 << 18;
    /// Tells how a key is used, which every thread may know a part of. Not shown to clients.
    pub const TELLS_USES: Flags = 1 << 31;
    /// A client of RESP2 that has subscribed may send it; not shown.
    pub const IN_SUBSCRIBED_MODE: Flags = 1 << 19;
    /// Replies with the flag's name.
    pub const NAMES: &[(Flags, &str)] = &[
        (WRITE, "write"),
        (READONLY, "readonly"),
        (DENYOOM, "denyoom"),
        (ADMIN, "admin"),
        (PUBSUB, "pubsub"),
        (NOSCRIPT, "noscript"),
        (BLOCKING, "blocking"),
        (LOADING, "loading"),
        (STALE, "stale"),
        (SKIP_MONITOR, "skip_monitor"),
        (SKIP_SLOWLOG, "skip_slowlog"),
        (ASKING, "asking"),
        (FAST, "fast"),
        (NO_AUTH, "no_auth"),
        (NO_ASYNC_LOADING, "no_async_loading"),
        (NO_MULTI, "no_multi"),
        (MOVABLEKEYS, "movablekeys"),
        (ALLOW_BUSY, "allow_busy"),
    ];
}

/// ACL categories. A row states those that follow neither from its group nor from its flags.
pub mod category {
    use super::Flags;
    pub const KEYSPACE: Flags = 1;
    pub const READ: Flags = 1 << 1;
    pub const WRITE: Flags = 1 << 2;
    pub const SET: Flags = 1 << 3;
    pub const SORTED_SET: Flags = 1 << 4;
    pub const LIST: Flags = 1 << 5;
    pub const HASH: Flags = 1 << 6;
    pub const STRING: Flags = 1 << 7;
    pub const BITMAP: Flags = 1 << 8;
    pub const HYPERLOGLOG: Flags = 1 << 9;
    pub const GEO: Flags = 1 << 10;
    pub const STREAM: Flags = 1 << 11;
    pub const PUBSUB: Flags = 1 << 12;
    pub const ADMIN: Flags = 1 << 13;
    pub const FAST: Flags = 1 << 14;
    pub const SLOW: Flags = 1 << 15;
    pub const BLOCKING: Flags = 1 << 16;
    pub const DANGEROUS: Flags = 1 << 17;
    pub const CONNECTION: Flags = 1 << 18;
    pub const TRANSACTION: Flags = 1 << 19;
    pub const SCRIPTING: Flags = 1 << 20;
    /// Names, in the order of COMMAND INFO.
    pub const NAMES: &[(Flags, &str)] = &[
        (KEYSPACE, "keyspace"),
        (READ, "read"),
        (WRITE, "write"),
        (SET, "set"),
        (SORTED_SET, "sortedset"),
        (LIST, "list"),
        (HASH, "hash"),
        (STRING, "string"),
        (BITMAP, "bitmap"),
        (HYPERLOGLOG, "hyperloglog"),
        (GEO, "geo"),
        (STREAM, "stream"),
        (PUBSUB, "pubsub"),
        (ADMIN, "admin"),
        (FAST, "fast"),
        (SLOW, "slow"),
        (BLOCKING, "blocking"),
        (DANGEROUS, "dangerous"),
        (CONNECTION, "connection"),
        (TRANSACTION, "transaction"),
        (SCRIPTING, "scripting"),
    ];
}

/// Flags of a key specification.
pub mod key_flag {
    use super::Flags;
    pub const RO: Flags = 1;
    pub const RW: Flags = 1 << 1;
    pub const OW: Flags = 1 << 2;
    pub const RM: Flags = 1 << 3;
    pub const ACCESS: Flags = 1 << 4;
    pub const UPDATE: Flags = 1 << 5;
    pub const INSERT: Flags = 1 << 6;
    pub const DELETE: Flags = 1 << 7;
    pub const NOT_KEY: Flags = 1 << 8;
    pub const INCOMPLETE: Flags = 1 << 9;
    pub const VARIABLE_FLAGS: Flags = 1 << 10;
    /// Not Redis's, and not told: changes the key, although it says RO.
    pub const CHANGES: Flags = 1 << 11;
    /// Names, in the order of COMMAND INFO.
    pub const NAMES: &[(Flags, &str)] = &[
        (RO, "RO"),
        (RW, "RW"),
        (OW, "OW"),
        (RM, "RM"),
        (ACCESS, "access"),
        (UPDATE, "update"),
        (INSERT, "insert"),
        (DELETE, "delete"),
        (NOT_KEY, "not_key"),
        (INCOMPLETE, "incomplete"),
        (VARIABLE_FLAGS, "variable_flags"),
    ];
}
