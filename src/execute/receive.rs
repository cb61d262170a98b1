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
use crate::thread::shard_thread::ShardThread;
use crate::thread::turn;

/// Works off the mailbox of a shard until the process stops; `connect` begins to serve a client.
pub(crate) async fn receive(
    shard_thread: &Rc<ShardThread>,
    connect: fn(&Rc<ShardThread>, NewConnection),
) {
    loop {
        let message = std::future::poll_fn(|context| {
            if shard_thread.is_stopped() {
                return Poll::Ready(None);
            }
            shard_thread.node.mailboxes[shard_thread.id].poll_receive(context).map(Some)
        })
        .await;
        let Some(message) = message else { return };
        // A panic in one message must not end the thread, and everybody's connections with it.
        let taken = catch_unwind(AssertUnwindSafe(|| take(shard_thread, message, connect)));
        if taken.is_err() {
            tracing::error!("a message panicked and was dropped; this is a bug, please report it");
        }
    }
}

fn take(
    shard_thread: &Rc<ShardThread>,
    message: Message,
    connect: fn(&Rc<ShardThread>, NewConnection),
) {
    match message {
        Message::Connection(new) => connect(shard_thread, *new),
        Message::Execute { batch, reply_to, answer_when } => {
            execute(shard_thread, batch, reply_to, answer_when);
        }
        Message::ExecuteAtOnce { batch, reply_to } => {
            let ran =
                catch_unwind(AssertUnwindSafe(|| as_one::run_at_once(shard_thread, &batch, false)));
            let executed = ran.unwrap_or_else(|_panic| Some(panicked(&batch)));
            shard_thread.answer(reply_to, executed);
        }
        Message::Lock { scope, reply_to } => shard_thread.lock_for(scope, reply_to),
        Message::Commit { lock, changes, reply_to } => {
            let shard_thread = shard_thread.clone();
            runtime::spawn("commit", async move {
                let committed = commit::commit(&shard_thread, *changes).await;
                lock.into_iter().for_each(|lock| shard_thread.unlock(lock));
                shard_thread.answer(reply_to, committed);
            });
        }
        Message::Unlock(lock) => shard_thread.unlock(lock),
        Message::Used(used) => shard_thread.shard.borrow_mut().note_uses(&used),
        Message::Answer(answer) => answer.arrive(),
        Message::Durable => {
            let durable = shard_thread.node.storage.logs[shard_thread.id].durable();
            shard_thread.shard.borrow_mut().settle(durable);
            turn::note_durable(shard_thread);
        }
        Message::Subscriptions { origin, changes, reply_to } => {
            publish::take_changes(shard_thread, origin, &changes);
            if let Some(reply_to) = reply_to {
                shard_thread.answer(reply_to, ());
            }
        }
        Message::Publish { publication, reply_to } => {
            publish::publish_for(shard_thread, publication, reply_to);
        }
        Message::Published(publication) => publish::deliver(shard_thread, &publication),
        Message::Run(job) => job(shard_thread),
    }
}

/// Runs the commands of another shard's client: without a task if that can be done at once.
fn execute(
    shard_thread: &Rc<ShardThread>,
    batch: Box<Batch>,
    reply_to: ReplyTo<Executed>,
    answer_when: AnswerWhen,
) {
    let mut reply = ReplyBuffer::new(batch.protocol);
    let mut executed = Executed::default();
    let ran = catch_unwind(AssertUnwindSafe(|| {
        batch::run_ready(shard_thread, &batch, 0, &mut reply, &mut executed)
    }));
    let Ok(halt) = ran else {
        return shard_thread.answer(reply_to, panicked(&batch));
    };
    if halt.is_none() {
        batch::copy_for_others(shard_thread, &batch, &mut executed);
        executed.replies = reply.take();
        return turn::post_executed(shard_thread, reply_to, executed, answer_when);
    }
    let shard_thread = shard_thread.clone();
    runtime::spawn("batch", async move {
        let executed = batch::finish(&shard_thread, &batch, halt, reply, executed).await;
        turn::post_executed(&shard_thread, reply_to, executed, answer_when);
    });
}

fn panicked(batch: &Batch) -> Executed {
    tracing::error!("a command panicked; this is a bug, please report it");
    Executed::failed(batch)
}
