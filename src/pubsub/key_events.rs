//! The channels that events of keys are published on, and who may hear of them there.

use basalt_shard::effects::Classes;
use basalt_shard::view::Told;
use bytes::Bytes;

use crate::client::subscriptions::Kind;
use crate::pubsub::{Publication, World};

/// What the names of all these channels begin with.
const BEGINNING: &[u8] = b"__key";

/// Whether who subscribes to this name may hear of what happens to keys.
pub(crate) fn may_meet(kind: Kind, name: &[u8]) -> bool {
    match kind {
        Kind::ShardChannel => false,
        Kind::Channel => name.starts_with(BEGINNING),
        Kind::Pattern => {
            let is_special = |byte: &u8| b"*?[\\".contains(byte);
            let fixed = name.iter().position(is_special).unwrap_or(name.len());
            let shared = fixed.min(BEGINNING.len());
            name[..shared] == BEGINNING[..shared]
                && (shared == BEGINNING.len() || fixed < name.len())
        }
    }
}

/// What is published when an event is told, in order.
pub(crate) fn publications(told: &Told) -> impl Iterator<Item = Publication> {
    let Told { event, db, key, wanted, .. } = told;
    let of_key = wanted.contains(Classes::KEYSPACE).then(|| {
        let beginning = format!("__keyspace@{db}__:");
        let channel = [beginning.as_bytes(), key].concat();
        (Bytes::from(channel), Bytes::from_static(event.name.as_bytes()))
    });
    let of_event = wanted.contains(Classes::KEYEVENT).then(|| {
        let channel = format!("__keyevent@{db}__:{}", event.name);
        (Bytes::from(channel), key.clone())
    });
    let all = of_key.into_iter().chain(of_event);
    all.map(|(channel, payload)| Publication { world: World::All, channel, payload })
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt_shard::effects::Event;
    use basalt_shard::glob::glob_match;

    #[test]
    fn patterns_that_may_match_are_found() {
        let channels: [&[u8]; 2] = [b"__keyspace@0__:a", b"__keyevent@11__:del"];
        for (pattern, expected) in [
            ("*", true),
            ("?_key*", true),
            ("[_x]*", true),
            ("\\__keyevent@11__:del", true),
            ("__key*@*__:*", true),
            ("__keyevent@11__:del", true),
            ("__ke*", true),
            ("_", false),
            ("__k", false),
            ("", false),
            ("news*", false),
            ("_x*", false),
        ] {
            let matches = |channel: &&[u8]| glob_match(pattern.as_bytes(), channel, false);
            assert_eq!(channels.iter().any(matches), expected, "{pattern}");
            assert_eq!(may_meet(Kind::Pattern, pattern.as_bytes()), expected, "{pattern}");
        }
        assert!(may_meet(Kind::Channel, b"__keyspace@0__:k"));
        assert!(!may_meet(Kind::Channel, b"news") && !may_meet(Kind::ShardChannel, b"__keyx"));
    }

    #[test]
    fn an_event_has_a_channel_for_its_key_and_one_for_itself() {
        let publications_of = |wanted| {
            let key = Bytes::from_static(b"k:1");
            let told = Told { shard: 0, event: Event::HSET, db: 9, key, wanted };
            let shown = |it: Publication| {
                let text = [&it.channel[..], b" ", &it.payload].concat();
                String::from_utf8_lossy(&text).into_owned()
            };
            publications(&told).map(shown).collect::<Vec<_>>()
        };
        let both = Classes::KEYSPACE.and(Classes::KEYEVENT);
        assert_eq!(publications_of(both), ["__keyspace@9__:k:1 hset", "__keyevent@9__:hset k:1"]);
        assert_eq!(publications_of(Classes::KEYEVENT), ["__keyevent@9__:hset k:1"]);
    }
}
