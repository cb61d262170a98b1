//! Whether a crash may leave what a server has: see the module above.

use super::load::{Deeds, shard_of};
use super::model::{DATABASES, KEYS, Slots};

/// Of one writer: what is there, and since when.
#[derive(Debug, PartialEq, Eq)]
pub struct Explained {
    /// How many acknowledged steps are gone on some shard.
    pub lost: usize,
}

/// The first `kept` steps of a writer must be there on every shard. An error: nothing explains
/// what was `seen`.
pub fn judge(deeds: &Deeds, seen: &Slots, shards: usize, kept: usize) -> Result<Explained, String> {
    // Which databases have the names is written down apart from the logs, and before the reply.
    let explain = |swapped| explain(deeds, seen, swapped, shards, kept);
    explain(false).or_else(|why| {
        explain(true).map_err(|other| format!("{why}\n  or, with the databases swapped, {other}"))
    })
}

/// What is known of a shard after each number of steps.
#[derive(Default)]
struct Shard {
    /// Keys that are not as they were seen.
    wrong: Vec<usize>,
    /// With so many steps here, the other shard must have at least this many: what this one has
    /// lost by a move the other must have.
    needs: Vec<usize>,
}

fn explain(
    deeds: &Deeds,
    seen: &Slots,
    swapped: bool,
    shards: usize,
    kept: usize,
) -> Result<Explained, String> {
    let mut state = deeds.before.clone();
    let held = |db: usize| db ^ usize::from(swapped);
    let is_wrong = |slots: &Slots, db: usize, key: usize| slots[db][key] != seen[held(db)][key];
    let mut tracks: Vec<Shard> = (0..shards).map(|_| Shard::default()).collect();
    for (shard, track) in tracks.iter_mut().enumerate() {
        let keys = (0..KEYS).filter(|key| shard_of(*key, shards) == shard);
        let all = keys.flat_map(|key| (0..DATABASES).map(move |db| (db, key)));
        track.wrong.push(all.filter(|(db, key)| is_wrong(state.slots(), *db, *key)).count());
        track.needs.push(0);
    }
    let acknowledged = deeds.acknowledged.len();
    let mut has_names = acknowledged == 0 && state.swapped == swapped;
    for (index, step) in deeds.steps.iter().enumerate() {
        let old = *state.slots();
        let done = state.apply(step);
        for track in &mut tracks {
            track.wrong.push(track.wrong[index]);
            track.needs.push(track.needs[index]);
        }
        let mut keys: Vec<_> = done.changes.iter().map(|(db, key, _)| (*db, *key)).collect();
        keys.sort_unstable();
        keys.dedup();
        for (db, key) in keys {
            let wrong = &mut tracks[shard_of(key, shards)].wrong[index + 1];
            *wrong += usize::from(is_wrong(state.slots(), db, key));
            *wrong -= usize::from(is_wrong(&old, db, key));
        }
        if let Some((from, to)) = done.moved
            && shard_of(from, shards) != shard_of(to, shards)
        {
            tracks[shard_of(from, shards)].needs[index + 1] = index + 1;
        }
        has_names |= index + 1 >= acknowledged && state.swapped == swapped;
    }
    if !has_names {
        return Err("the databases had other names".into());
    }
    let mut cuts = Vec::new();
    for (shard, track) in tracks.iter().enumerate() {
        let fits: Vec<usize> =
            (0..track.wrong.len()).filter(|cut| track.wrong[*cut] == 0).collect();
        let fits_kept: Vec<usize> = fits.iter().copied().filter(|cut| *cut >= kept).collect();
        if fits_kept.is_empty() {
            let least = track.wrong.iter().min();
            return Err(format!(
                "shard {shard} is as after {fits:?} steps, with {kept} to be kept, {acknowledged} \
                 acknowledged and {} sent; at best {least:?} keys are wrong",
                deeds.steps.len()
            ));
        }
        cuts.push(fits_kept);
    }
    let lost = |cut: usize| acknowledged.saturating_sub(cut);
    let [first, second] = match &cuts[..] {
        [only] => return Ok(Explained { lost: only.last().map_or(0, |cut| lost(*cut)) }),
        [first, second] => [first, second],
        _ => return Err(format!("{shards} shards are too many for this judge")),
    };
    let pairs = first.iter().rev().flat_map(|one| second.iter().rev().map(move |two| (*one, *two)));
    let mut fitting =
        pairs.filter(|(one, two)| tracks[0].needs[*one] <= *two && tracks[1].needs[*two] <= *one);
    fitting
        .next()
        .map(|(one, two)| Explained { lost: lost(one.min(two)) })
        .ok_or_else(|| under_neither_name(deeds, first, second))
}

fn under_neither_name(deeds: &Deeds, first: &[usize], second: &[usize]) -> String {
    let from = first.iter().chain(second).min().copied().unwrap_or(0);
    format!(
        "a value is under neither name: the shards are as after {first:?} and {second:?} steps, of \
         which {} were acknowledged; from step {from} on: {:?}",
        deeds.acknowledged.len(),
        &deeds.steps[from..]
    )
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::several::model::{Command, Content, Form, State, Step};

    const A: Content = Content { stamp: 1, form: Form::Short };
    const B: Content = Content { stamp: 2, form: Form::Short };

    /// With A under key 0 of the one shard, and one step that was not acknowledged.
    fn deeds(command: Command) -> Deeds {
        let now = Instant::now();
        Deeds {
            before: State::of(slots(&[(0, A)])),
            steps: vec![Step { db: 0, command }],
            acknowledged: Vec::new(),
            ended: now,
            refusal: None,
            complaint: None,
        }
    }

    fn slots(there: &[(usize, Content)]) -> Slots {
        let mut slots = Slots::default();
        for (key, content) in there {
            slots[0][*key] = Some(*content);
        }
        slots
    }

    fn may_leave(deeds: &Deeds, there: &[(usize, Content)]) -> bool {
        judge(deeds, &slots(there), 2, deeds.acknowledged.len()).is_ok()
    }

    #[test]
    fn a_rename_leaves_the_old_the_new_or_both_and_never_neither() {
        let mut deeds = deeds(Command::Rename { from: 0, to: 1, only_if_free: false });
        assert!(may_leave(&deeds, &[(0, A)]));
        assert!(may_leave(&deeds, &[(1, A)]));
        assert!(may_leave(&deeds, &[(0, A), (1, A)]));
        assert!(!may_leave(&deeds, &[]));
        assert!(!may_leave(&deeds, &[(1, B)]));
        deeds.acknowledged.push(Instant::now());
        assert!(may_leave(&deeds, &[(1, A)]));
        assert!(!may_leave(&deeds, &[(0, A), (1, A)]));
        assert!(!may_leave(&deeds, &[(0, A)]));
    }

    #[test]
    fn an_mset_leaves_some_or_all_and_all_once_it_is_acknowledged() {
        let pairs = vec![(0, B), (1, B)];
        let mut deeds = deeds(Command::PutAll { pairs, only_if_free: false });
        for there in [&[(0, A)][..], &[(0, A), (1, B)], &[(0, B)], &[(0, B), (1, B)]] {
            assert!(may_leave(&deeds, there), "{there:?}");
        }
        assert!(!may_leave(&deeds, &[(1, B)]));
        deeds.acknowledged.push(Instant::now());
        assert!(may_leave(&deeds, &[(0, B), (1, B)]));
        assert!(!may_leave(&deeds, &[(0, B)]));
    }

    #[test]
    fn swapped_databases_have_each_others_keys() {
        let mut deeds = deeds(Command::Swap);
        let mut seen = slots(&[(0, A)]);
        seen.swap(0, 1);
        assert!(judge(&deeds, &seen, 2, 0).is_ok());
        assert!(may_leave(&deeds, &[(0, A)]));
        deeds.acknowledged.push(Instant::now());
        assert!(judge(&deeds, &seen, 2, 1).is_ok());
        assert!(!may_leave(&deeds, &[(0, A)]));
    }
}
