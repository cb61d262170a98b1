//! Running a command that no shard runs: at once, or with the waiting that it needs.

use std::rc::Rc;
use std::time::Instant;

use basalt_shard::command::Args;
use basalt_shard::error::refuse_if_over;
use basalt_shard::resp::ReplyBuffer;
use basalt_shard::table::CommandId;

use crate::client::Session;
use crate::execute::booking;
use crate::execute::booking::{Booked, Spent};
use crate::thread::process_command::{LaterContext, LaterReply, ProcessContext, ProcessRun};
use crate::thread::shard_thread::ShardThread;

/// What a command came to.
pub(crate) struct Ran {
    /// The reply, unless it stands behind those before it already.
    pub(crate) apart: Option<Apart>,
    pub(crate) booked: Booked,
}

/// A reply that was made while others had their turn.
pub(crate) struct Apart {
    pub(crate) reply: Vec<u8>,
    /// It may show, or have changed, anything on any shard.
    pub(crate) waits_for_everything: bool,
}

/// Runs a command of a client; `out` has the replies so far.
pub(crate) async fn run(
    shard_thread: &Rc<ShardThread>,
    session: &Rc<Session>,
    (id, run, args): (CommandId, ProcessRun, Args<'_>),
    out: &mut ReplyBuffer,
) -> Ran {
    let (begin, start) = (Instant::now(), out.len());
    let how = (shard_thread, session);
    let (later, waits_for_everything): (fn(LaterContext) -> LaterReply, bool) = match run {
        ProcessRun::Now(run) => {
            run_now(how, args, run, out);
            let booked = book(shard_thread, (id, args), (begin, Spent::OnLoop), out, start);
            return Ran { apart: None, booked };
        }
        ProcessRun::Try(run, later) => {
            if run_now(how, args, run, out) {
                let booked = book(shard_thread, (id, args), (begin, Spent::OnLoop), out, start);
                return Ran { apart: None, booked };
            }
            (later, false)
        }
        ProcessRun::Later(later) => (later, true),
        ProcessRun::Report(later) => (later, false),
    };
    let mut reply = ReplyBuffer::new(out.protocol());
    reply.limit(shard_thread.hot_settings.get().reply_bytes_max);
    let context = LaterContext::new(shard_thread.clone(), session.clone(), args, reply);
    let mut reply = later(context).await;
    refuse_if_over(&mut reply, 0);
    let booked = book(shard_thread, (id, args), (begin, Spent::Elsewhere), &reply, 0);
    Ran { apart: Some(Apart { reply: reply.take(), waits_for_everything }), booked }
}

fn book(
    shard_thread: &ShardThread,
    command: (CommandId, Args<'_>),
    spent: (Instant, Spent),
    out: &ReplyBuffer,
    start: usize,
) -> Booked {
    booking::ended(shard_thread, command, spent, &out.as_bytes()[start..])
}

/// Runs what answers at once.
fn run_now<T>(
    (shard_thread, session): (&Rc<ShardThread>, &Rc<Session>),
    args: Args<'_>,
    run: fn(&mut ProcessContext<'_>) -> T,
    out: &mut ReplyBuffer,
) -> T {
    let start = out.len();
    out.limit(start.saturating_add(shard_thread.hot_settings.get().reply_bytes_max));
    let outcome = run(&mut ProcessContext { shard_thread, session, args, reply: out });
    refuse_if_over(out, start);
    out.limit(usize::MAX);
    outcome
}
