//! What a command does beside changing records: the events that it tells, and how many changes it
//! counts as. They belong to its changes, and are thrown away or committed with them.

use bytes::Bytes;

use super::View;
use crate::effects::{Classes, Event};
use crate::keyspace::layout::{self, RecordKey};
use crate::topology::ShardId;
use crate::view::key::Key;
use crate::view::told::Told;

impl View<'_> {
    /// Something has happened to an open key. Told in the order in which Redis publishes it.
    #[inline]
    pub fn tell(&mut self, event: Event, key: &Key) {
        let wanted = self.wanted();
        if wanted.meets(event.class) {
            self.note_event(wanted, event, (key.shard, &key.record_key));
        }
    }

    /// What this command changes counts as so many changes, and not as one for each key.
    pub fn count_changes(&mut self, count: usize) {
        self.overlay.changes.effects.count = Some(count as u64);
    }

    /// Nothing has happened so far: keys were looked up without anybody having to know.
    pub fn tell_nothing(&mut self) {
        self.overlay.changes.effects.events.clear();
    }

    /// A key was looked up to be read, and is not there.
    #[inline]
    pub(super) fn tell_miss(&mut self, shard: ShardId, record_key: &RecordKey) {
        let wanted = self.wanted();
        if wanted.meets(Event::KEY_MISS.class) {
            self.note_event(wanted, Event::KEY_MISS, (shard, record_key));
        }
    }

    /// A key is about to be removed: if its time has come, it expires first.
    #[inline]
    pub(super) fn tell_before_removal(&mut self, key: &Key) {
        if self.wanted().meets(Event::EXPIRED.class) {
            self.tell_if_due(key);
        }
    }

    /// A key is about to get a value: if its time has come, it expires first, and if it has none,
    /// it is new.
    #[inline]
    pub(super) fn tell_before_put(&mut self, key: &Key) {
        if self.wanted().meets(Event::EXPIRED.class.and(Event::NEW.class)) {
            self.tell_if_due(key);
            if !self.is_there(key) {
                self.tell(Event::NEW, key);
            }
        }
    }

    #[inline]
    fn wanted(&self) -> Classes {
        self.context.topology.listening().wanted()
    }

    #[cold]
    fn tell_if_due(&mut self, key: &Key) {
        if self.is_due(key) {
            self.tell(Event::EXPIRED, key);
        }
    }

    /// Whether there is a record under a key whose time has come.
    fn is_due(&self, key: &Key) -> bool {
        let deadline_ms = key.before.deadline_ms;
        deadline_ms.is_some_and(|deadline_ms| deadline_ms <= self.context.now_ms)
            && self.overlay.head(&key.record_key).is_none()
    }

    fn is_there(&self, key: &Key) -> bool {
        match self.overlay.head(&key.record_key) {
            Some(change) => change.after.is_some(),
            None => key.before.existed && !self.is_due(key),
        }
    }

    #[cold]
    fn note_event(&mut self, wanted: Classes, event: Event, key: (ShardId, &RecordKey)) {
        let (shard, record_key) = key;
        let physical = record_key.first().copied().unwrap_or_default();
        let db = self.context.databases.iter().position(|it| *it == physical).unwrap_or_default();
        let key = Bytes::copy_from_slice(&record_key[layout::HEAD_PREFIX_BYTES..]);
        self.overlay.changes.effects.events.push(Told { shard, event, db, key, wanted });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestShard;

    #[test]
    fn what_is_told_comes_with_its_batch_and_in_order() {
        let mut test = TestShard::new();
        test.run("SET a 1");
        test.listen();
        assert!(test.told().is_empty(), "nobody listened");
        test.shard.track_dirty(true);
        test.shard.settle(1);
        test.run("SET a 2");
        test.run("MSET b 1 c 2");
        test.run("GET nothing");
        test.run("DEL b");
        test.run("GET b");
        assert_eq!(
            test.told(),
            [
                "2 set a",
                "3 new b",
                "3 set b",
                "3 new c",
                "3 set c",
                "3 keymiss nothing",
                "4 del b",
                "4 keymiss b"
            ]
        );
        test.shard.settle(4);
        test.run("GET nothing");
        assert_eq!(test.told(), ["0 keymiss nothing"]);
    }

    #[test]
    fn what_did_not_happen_is_not_told() {
        let mut test = TestShard::new();
        test.listen();
        test.run("HSET h f v");
        test.told();
        assert!(test.run("INCR h").starts_with("-WRONGTYPE"));
        assert_eq!(test.run("OBJECT ENCODING nothing"), "$-1");
        test.shard.cache().clear();
        test.engine.set_cold(true);
        assert_eq!(test.run("HDEL h f"), ":1", "the first try comes to nothing");
        assert_eq!(test.shard.statistics.off_loop_runs, 1);
        assert_eq!(test.told(), ["2 hdel h", "2 del h"]);
    }

    #[test]
    fn time_tells_before_whoever_writes_over_what_was_due() {
        let mut test = TestShard::new();
        test.listen();
        test.run("PSETEX a 10 v");
        test.run("PSETEX b 10 v");
        test.told();
        test.now_ms += 10;
        test.run("GET a");
        test.run("APPEND a x");
        assert_eq!(test.told(), ["0 keymiss a", "3 expired a", "3 new a", "3 append a"]);
        let changes = test.shard.listeners.changes_made();
        assert_eq!(test.shard.expire((3, 0), test.now_ms, 10), Ok(1));
        let (ticket, told) = test.shard.listeners.events.pop(9).unwrap();
        assert_eq!((ticket, told.event.name, told.db, &told.key[..]), (4, "expired", 3, &b"b"[..]));
        assert_eq!(test.shard.listeners.changes_made(), changes, "nobody has changed it");
        test.run("SET past v PXAT 1");
        let told = test.told();
        assert_eq!(told, ["0 new past", "0 set past", "0 expire past", "0 expired past"]);
    }

    #[test]
    fn who_writes_waits_while_too_much_is_to_be_told() {
        let mut test = TestShard::new();
        test.listen();
        let name = "k".repeat(1000);
        let mut written = 0;
        while test.run(&format!("SET {name} v")) == "+OK" {
            written += 1;
        }
        assert!(written > 1000, "{written}");
        assert_eq!(test.run("GET nothing"), "(Stalled)");
        assert_eq!(test.run(&format!("GET {name}")), "$1 v");
        assert_eq!(test.shard.expire((0, 0), test.now_ms, 10), Ok(0));
        test.told();
        assert_eq!(test.run("GET nothing"), "$-1");
    }
}
