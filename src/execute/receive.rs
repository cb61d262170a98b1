//! Working off a thread's mailbox: what messages of other threads start here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::Poll;

use basalt_shard::resp::ReplyBuffer;

use crate::client::NewConnection;
use crate::execute::{as_one, batch, commit, publish};
use crate::runtime;
use crate::thread::batch::{Batch, Executed};
use crate::thread::message::{AnswerWhen, Message};
use crate::thread::questions::ReplyTo;
use crate::thread::shard_loop::ShardLoop;
use crate::thread::turn;

/// Works off the mailbox of a shard until the process stops; `connect` begins to serve a client.
pub(crate) async fn receive(
    shard_loop: &Rc<ShardLoop>,
    connect: fn(&Rc<ShardLoop>, NewConnection),
) {
    loop {
        let message = std::future::poll_fn(|context| {
            if shard_loop.is_stopped() {
                return Poll::Ready(None);
            }
            shard_loop.node.mailboxes[shard_loop.id].poll_receive(context).map(Some)
        })
        .await;
        let Some(message) = message else { return };
        // A panic in one message must not end the thread, and everybody's connections with it.
        let taken = catch_unwind(AssertUnwindSafe(|| take(shard_loop, message, connect)));
        if taken.is_err() {
            tracing::error!("a message panicked and was dropped; this is a bug, please report it");
        }
    }
}

fn take(shard_loop: &Rc<ShardLoop>, message: Message, connect: fn(&Rc<ShardLoop>, NewConnection)) {
    match message {
        Message::Connection(new) => connect(shard_loop, *new),
        Message::Execute { batch, reply_to, answer_when } => {
            execute(shard_loop, batch, reply_to, answer_when);
        }
        Message::ExecuteAtOnce { batch, reply_to } => {
            let ran =
                catch_unwind(AssertUnwindSafe(|| as_one::run_at_once(shard_loop, &batch, false)));
            let executed = ran.unwrap_or_else(|_panic| Some(panicked(&batch)));
            shard_loop.answer(reply_to, executed);
        }
        Message::Lock { scope, reply_to } => shard_loop.lock_for(scope, reply_to),
        Message::Commit { lock, changes, reply_to } => {
            let shard_loop = shard_loop.clone();
            runtime::spawn("commit", async move {
                let committed = commit::commit(&shard_loop, *changes).await;
                lock.into_iter().for_each(|lock| shard_loop.unlock(lock));
                shard_loop.answer(reply_to, committed);
            });
        }
        Message::Unlock(lock) => shard_loop.unlock(lock),
        Message::Used(used) => shard_loop.shard.borrow_mut().note_uses(&used),
        Message::Answer(answer) => answer.arrive(),
        Message::Durable => {
            let durable = shard_loop.node.storage.logs[shard_loop.id].durable();
            shard_loop.shard.borrow_mut().settle(durable);
            turn::note_durable(shard_loop);
        }
        Message::Subscriptions { origin, changes, reply_to } => {
            publish::take_changes(shard_loop, origin, &changes);
            if let Some(reply_to) = reply_to {
                shard_loop.answer(reply_to, ());
            }
        }
        Message::Publish { publication, reply_to } => {
            publish::publish_for(shard_loop, publication, reply_to);
        }
        Message::PublishAll { publications, reply_to } => {
            publish::publish_all_for(shard_loop, publications, reply_to);
        }
        Message::Published(publication) => publish::deliver(shard_loop, &publication),
        Message::Run(job) => job(shard_loop),
    }
}

/// Runs the commands of another shard's client: without a task if that can be done at once.
fn execute(
    shard_loop: &Rc<ShardLoop>,
    batch: Box<Batch>,
    reply_to: ReplyTo<Executed>,
    answer_when: AnswerWhen,
) {
    let mut reply = ReplyBuffer::new(batch.protocol);
    let mut executed = Executed::default();
    let ran = catch_unwind(AssertUnwindSafe(|| {
        batch::run_ready(shard_loop, &batch, 0, &mut reply, &mut executed)
    }));
    let Ok(halt) = ran else {
        return shard_loop.answer(reply_to, panicked(&batch));
    };
    if halt.is_none() {
        batch::copy_for_others(shard_loop, &batch, &mut executed);
        executed.replies = reply.take();
        return turn::post_executed(shard_loop, reply_to, executed, answer_when);
    }
    let shard_loop = shard_loop.clone();
    runtime::spawn("batch", async move {
        let executed = batch::finish(&shard_loop, &batch, halt, reply, executed).await;
        turn::post_executed(&shard_loop, reply_to, executed, answer_when);
    });
}

fn panicked(batch: &Batch) -> Executed {
    tracing::error!("a command panicked; this is a bug, please report it");
    Executed::failed(batch)
}
