//! Streams: nodes of packed entries, what there is to say of the whole, and groups.
//!
//! ```text
//! nodes | (master id, listpack) … | entries | last id
//!       | [v2: first id | greatest deleted id | entries ever added]
//!       | groups | group …
//!       | [v4: seconds | entries | producers | producer … | ids added | ids seen again]
//! group:    name | last id | [v2: entries read] | pending | (id, time, deliveries) …
//!           | consumers | consumer … | [v5: given back | id …]
//! consumer: name | seen | [v3: active] | pending | id …
//! producer: name | ids | (its id, id of the entry) …
//!
//! listpack: entries | deleted ones | fields | field … | 0        of the first entry
//!           then for each: flags | ms and seq since the master id | its fields and values, or if
//!           the fields are those above its values | how many of these entries it has
//! ```
//!
//! What producers have sent is checked and left out: it only serves to know it again for some
//! seconds. Entries that were given back belong to no consumer, which is more than can be left out:
//! a stream with such is refused.

mod decode;
mod encode;

pub(super) use decode::decode;
pub(super) use encode::StreamEncoder;

/// Which of the layouts it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// The first one, with no more than ids.
    Ids,
    /// With counts and the greatest deleted id.
    Counts,
    /// With the times at which consumers were active.
    ActiveTimes,
    /// With what producers have sent (Redis 8.6).
    Producers,
    /// With pending entries that were given back (Redis 8.8).
    GivenBack,
}

/// Flags of an entry.
const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

/// Entries of the listpack that belong to an entry of the stream beside its fields and values,
/// without and with the number of fields.
const PARTS_WITH_SAME_FIELDS: usize = 3;
const PARTS_WITH_OWN_FIELDS: usize = 4;
