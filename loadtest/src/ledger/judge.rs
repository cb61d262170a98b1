//! Judges what a server has against the ledger: for each writer and shard, which cuts explain
//! all of it (see `ledger`), and what was lost behind the best of them.

use super::Ledger;
use super::content::Observed;
use super::part::{Cut, parts_of};

#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) sent: usize,
    pub(super) acknowledged: usize,
    pub(super) refused: usize,
    /// Acknowledged writes that are gone, and how long before the end the oldest was acknowledged.
    pub(super) lost: usize,
    pub(super) oldest_lost_micros: u64,
    /// Writes without an acknowledgement that have happened nevertheless.
    pub(super) kept: usize,
    /// What no crash may do, whatever the server promises of its last moments.
    pub(super) violations: Vec<String>,
}

pub(super) fn judge(ledger: &Ledger, observed: &Observed, shards: usize) -> Verdict {
    let mut verdict = Verdict::default();
    let end_micros = ledger.end_micros();
    let mut cuts_by_shard: Vec<Vec<Cut>> = (0..shards).map(|_| Vec::new()).collect();
    for writer in &ledger.writers {
        let acknowledged = |&index: &usize| writer.acknowledged(index).is_some();
        verdict.sent += writer.writes.len();
        verdict.acknowledged += (0..writer.writes.len()).filter(acknowledged).count();
        verdict.refused += writer.replies.iter().filter(|reply| reply.refused).count();
        for (shard, part) in parts_of(ledger, writer, observed, shards).into_iter().enumerate() {
            match part.cut(writer) {
                Ok(cut) => {
                    verdict.lost += cut.lost;
                    verdict.kept += cut.kept;
                    if let Some(micros) = cut.first_lost_micros {
                        let age = end_micros.saturating_sub(micros);
                        verdict.oldest_lost_micros = verdict.oldest_lost_micros.max(age);
                    }
                    cuts_by_shard[shard].push(cut);
                }
                Err(why) => {
                    let place = format!("writer {} on shard {shard}", writer.id);
                    verdict.violations.push(format!("{place}: {why}"));
                }
            }
        }
    }
    for (shard, cuts) in cuts_by_shard.iter().enumerate() {
        verdict.violations.extend(hole_between(cuts).map(|why| format!("shard {shard}: {why}")));
    }
    verdict
}

/// Writers are independent, but time orders them: who was sent after another's acknowledgement
/// comes later in the shard's order, and must not have survived what came before it.
fn hole_between(cuts: &[Cut]) -> Option<String> {
    let survivor = cuts.iter().max_by_key(|cut| cut.last_kept_sent_micros)?;
    let lost = cuts.iter().filter(|cut| cut.first_lost_micros.is_some());
    let lost = lost.min_by_key(|cut| cut.first_lost_micros)?;
    let (sent, acknowledged) = (survivor.last_kept_sent_micros?, lost.first_lost_micros?);
    (sent > acknowledged).then(|| {
        format!(
            "a hole: writer {} lost a write acknowledged at {acknowledged} us, \
             one of writer {} survived that was sent at {sent} us",
            lost.writer, survivor.writer
        )
    })
}
