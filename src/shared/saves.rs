//! What SAVE and its like have come to, for LASTSAVE and INFO persistence.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// Work of one kind that is done when somebody asks for it, once at a time.
pub(crate) struct Work {
    is_under_way: AtomicBool,
    is_well: AtomicBool,
    /// Times that it was done.
    done: AtomicU64,
    /// When it was begun and last done, in seconds since 1970.
    began_s: AtomicU64,
    done_s: AtomicU64,
    /// How long it took the last time; -1: it was never done.
    took_s: AtomicI64,
}

/// What INFO shows of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WorkFacts {
    pub(crate) is_under_way: bool,
    pub(crate) is_well: bool,
    pub(crate) done: u64,
    pub(crate) done_s: u64,
    pub(crate) took_s: i64,
    /// For how long it has been under way; -1: it is not.
    pub(crate) taking_s: i64,
}

/// See the module.
pub(crate) struct Saves {
    /// SAVE and BGSAVE.
    pub(crate) save: Work,
    /// BGREWRITEAOF.
    pub(crate) rewrite: Work,
}

impl Saves {
    /// Of a process that has just started: what it has read is saved.
    pub(crate) fn new(started_s: u64) -> Self {
        Self { save: Work::new(started_s), rewrite: Work::new(started_s) }
    }
}

impl Work {
    fn new(started_s: u64) -> Self {
        Self {
            is_under_way: AtomicBool::new(false),
            is_well: AtomicBool::new(true),
            done: AtomicU64::new(0),
            began_s: AtomicU64::new(0),
            done_s: AtomicU64::new(started_s),
            took_s: AtomicI64::new(-1),
        }
    }

    /// Begins, unless it is under way.
    pub(crate) fn begin(&self, now_s: u64) -> bool {
        let begins = !self.is_under_way.swap(true, Ordering::SeqCst);
        if begins {
            self.began_s.store(now_s, Ordering::SeqCst);
        }
        begins
    }

    /// Has ended, well or not.
    pub(crate) fn end(&self, now_s: u64, is_well: bool) {
        self.is_well.store(is_well, Ordering::SeqCst);
        self.took_s.store(self.since_began(now_s), Ordering::SeqCst);
        if is_well {
            self.done.fetch_add(1, Ordering::SeqCst);
            self.done_s.store(now_s, Ordering::SeqCst);
        }
        self.is_under_way.store(false, Ordering::SeqCst);
    }

    /// When it was last done, in seconds since 1970; at first, when the process started.
    pub(crate) fn done_s(&self) -> u64 {
        self.done_s.load(Ordering::SeqCst)
    }

    /// For INFO.
    pub(crate) fn facts(&self, now_s: u64) -> WorkFacts {
        let is_under_way = self.is_under_way.load(Ordering::SeqCst);
        WorkFacts {
            is_under_way,
            is_well: self.is_well.load(Ordering::SeqCst),
            done: self.done.load(Ordering::SeqCst),
            done_s: self.done_s(),
            took_s: self.took_s.load(Ordering::SeqCst),
            taking_s: if is_under_way { self.since_began(now_s) } else { -1 },
        }
    }

    fn since_began(&self, now_s: u64) -> i64 {
        let began_s = self.began_s.load(Ordering::SeqCst);
        i64::try_from(now_s.saturating_sub(began_s)).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_is_done_once_at_a_time_and_counts_when_it_is_well() {
        let work = Saves::new(100).save;
        let at_start = WorkFacts {
            is_well: true,
            done_s: 100,
            took_s: -1,
            taking_s: -1,
            ..WorkFacts::default()
        };
        assert_eq!(work.facts(150), at_start);
        assert!(work.begin(200) && !work.begin(201));
        let under_way = WorkFacts { is_under_way: true, taking_s: 3, ..at_start };
        assert_eq!(work.facts(203), under_way);
        work.end(205, false);
        let failed = WorkFacts { is_well: false, took_s: 5, ..at_start };
        assert_eq!(work.facts(206), failed);
        assert!(work.begin(300));
        work.end(301, true);
        let done = WorkFacts { done: 1, done_s: 301, took_s: 1, ..at_start };
        assert_eq!(work.facts(302), done);
    }
}
