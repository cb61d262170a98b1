//! What a connection has gathered for other shards, and how it goes there.

use std::time::Instant;

use basalt_shard::topology::ShardId;

use crate::connection::Connection;
use crate::execute::{as_one, batch, ordered, transaction};
use crate::thread::batch::{Batch, Executed, FAILED};
use crate::thread::loop_counters::LoopCounters;
use crate::thread::message::{AnswerWhen, Message};
use crate::thread::questions::Asked;
use crate::thread::shard_thread::ShardThread;

/// Which shards a command concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    One(ShardId),
    Several,
}

#[derive(Default)]
pub(super) struct Segment {
    pub(super) batch: Batch,
    pub(super) homes: Vec<Home>,
    pub(super) only_reads: bool,
}

impl Connection {
    /// Runs what has gathered for other shards.
    pub(super) async fn flush_segment(&mut self) {
        self.flush_segment_for(AnswerWhen::Run).await;
    }

    /// The same; `when` the replies are to come back. If they are long they leave as they come.
    pub(super) async fn flush_segment_for(&mut self, when: AnswerWhen) {
        while !self.segment.batch.is_empty() {
            self.flush_some(when).await;
            if !self.segment.batch.is_empty() && !self.deliver(true).await {
                self.session.killed.set(true);
            }
            if self.session.killed.get() {
                self.segment = Segment::default();
            }
        }
    }

    /// Runs as much of what has gathered as has replies of bounded length.
    async fn flush_some(&mut self, when: AnswerWhen) {
        let Segment { batch, homes, only_reads } = std::mem::take(&mut self.segment);
        let first = homes.first().copied();
        let rest;
        let one_shard = match first {
            Some(Home::One(shard)) if homes.iter().all(|home| Some(*home) == first) => Some(shard),
            _ => None,
        };
        if let Some(shard) = one_shard {
            let mut executed = self.run_on(shard, batch, when).await;
            rest = executed.rest.take();
            let base = self.take_replies(executed.replies).await;
            let mut start = base;
            for (end, ticket) in executed.ends {
                self.hold_range(start..base + end, shard, ticket);
                start = base + end;
            }
            self.note_slow(executed.slow);
        } else if only_reads && !homes.contains(&Home::Several) {
            let done = self.read_from_several(&batch, &homes, when).await;
            if done == 0 {
                let failed = as_one::all_failed(&self.shard_thread, &batch, Instant::now(), FAILED);
                self.out.append_raw(&failed.replies);
                self.note_slow(failed.slow);
            }
            rest = if done == 0 { None } else { batch.rest(done) };
        } else if self.run_in_order(&batch, &homes).await {
            rest = None;
        } else {
            let shard_thread = self.shard_thread.clone();
            let mut outcome = transaction::run(&shard_thread, batch).await;
            rest = outcome.executed.rest.take();
            let base = self.take_replies(outcome.executed.replies).await;
            let mut start = base;
            for (end, _) in outcome.executed.ends {
                for (shard, ticket) in &outcome.tickets {
                    self.hold_range(start..base + end, *shard, *ticket);
                }
                start = base + end;
            }
            self.note_slow(outcome.executed.slow);
        }
        if let Some(batch) = rest {
            let homes = homes[homes.len() - batch.len()..].to_vec();
            self.segment = Segment { batch: *batch, homes, only_reads };
        }
    }

    /// Runs a batch on one shard.
    async fn run_on(&mut self, shard: ShardId, batch: Batch, when: AnswerWhen) -> Executed {
        let shard_thread = self.shard_thread.clone();
        if shard == shard_thread.id {
            return batch::run(&shard_thread, &batch).await;
        }
        let mut executed = send_batch(&shard_thread, shard, batch, when).await;
        keep_copies(&shard_thread, &mut executed);
        executed
    }

    /// A batch for each shard, with its commands; and for each command its shard and its number
    /// there.
    fn split(&self, batch: &Batch, homes: &[Home]) -> (Vec<Batch>, Vec<(ShardId, usize)>) {
        let mut parts: Vec<Batch> = Vec::new();
        parts.resize_with(self.shard_thread.node.topology.shards(), || {
            Batch::new(batch.caller, self.out.protocol())
        });
        let mut places = Vec::with_capacity(homes.len());
        for (index, home) in homes.iter().enumerate() {
            let Home::One(shard) = *home else { continue };
            let (command, args) = batch.command(index);
            places.push((shard, parts[shard].len()));
            parts[shard].push(command, args);
        }
        (parts, places)
    }

    /// Puts the replies of several shards in the order of the commands, up to the first command
    /// that has none; how many there are.
    fn put_in_order(
        &mut self,
        places: Vec<(ShardId, usize)>,
        executed: impl IntoIterator<Item = (ShardId, Executed)>,
    ) -> usize {
        let mut by_shard: Vec<Executed> = Vec::new();
        by_shard.resize_with(self.shard_thread.node.topology.shards(), Executed::default);
        for (shard, executed) in executed {
            by_shard[shard] = executed;
        }
        let mut done = 0;
        for (shard, index) in places {
            let Some((_, ticket)) = by_shard[shard].ends.get(index) else { break };
            let (start, ticket) = (self.out.len(), *ticket);
            self.out.append_raw(by_shard[shard].reply(index));
            self.hold_for(start, shard, ticket);
            done += 1;
        }
        for executed in by_shard {
            self.note_slow(executed.slow);
        }
        done
    }

    /// Runs reads on their shards at the same time. Says how many have replies: when these have
    /// become long on one shard, what comes behind it is to be read again.
    async fn read_from_several(
        &mut self,
        batch: &Batch,
        homes: &[Home],
        when: AnswerWhen,
    ) -> usize {
        let shard_thread = self.shard_thread.clone();
        let (mut parts, places) = self.split(batch, homes);
        let own = std::mem::take(&mut parts[shard_thread.id]);
        let asked: Vec<_> = parts
            .into_iter()
            .enumerate()
            .filter(|(_, part)| !part.is_empty())
            .map(|(shard, part)| (shard, send_batch(&shard_thread, shard, part, when)))
            .collect();
        let mut executed = vec![(shard_thread.id, batch::run(&shard_thread, &own).await)];
        for (shard, asked) in asked {
            let mut answer = asked.await;
            keep_copies(&shard_thread, &mut answer);
            executed.push((shard, answer));
        }
        self.put_in_order(places, executed)
    }

    /// Runs commands of this shard and one other the short way. False: it takes a transaction.
    async fn run_in_order(&mut self, batch: &Batch, homes: &[Home]) -> bool {
        let shard_thread = self.shard_thread.clone();
        let mut other = None;
        for home in homes {
            match *home {
                Home::One(shard) if shard == shard_thread.id => {}
                Home::One(shard) if *other.get_or_insert(shard) == shard => {}
                _ => return false,
            }
        }
        let Some(other) = other else { return false };
        let (mut parts, places) = self.split(batch, homes);
        let (here, there) =
            (std::mem::take(&mut parts[shard_thread.id]), std::mem::take(&mut parts[other]));
        let Some((here, there)) = ordered::run(&shard_thread, here, other, there).await else {
            return false;
        };
        self.put_in_order(places, [(shard_thread.id, here), (other, there)]);
        true
    }
}

fn keep_copies(shard_thread: &ShardThread, executed: &mut Executed) {
    let mut copies = shard_thread.copies.borrow_mut();
    executed.copies.drain(..).for_each(|copy| copies.insert(copy));
}

fn send_batch(
    shard_thread: &ShardThread,
    shard: ShardId,
    batch: Batch,
    answer_when: AnswerWhen,
) -> Asked<Executed> {
    LoopCounters::add(&shard_thread.counters.hops, 1);
    let (asked, reply_to) = shard_thread.ask();
    let message = Message::Execute { batch: Box::new(batch), reply_to, answer_when };
    shard_thread.turn.post(shard, message);
    asked
}
