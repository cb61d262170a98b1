//! Waiting for room in memory: in a line, until woken. The first of those who wait also sees to it
//! that who holds memory and does nothing with it goes.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};

use basalt_shard::room::Place;

use crate::client::Session;
use crate::execute::eviction;
use crate::execute::eviction::Lack;
use crate::runtime;
use crate::thread::message::Message;
use crate::thread::node::Node;
use crate::thread::questions::{Asked, ReplyTo};
use crate::thread::shard_thread::ShardThread;

/// Wakes a task of some shard's thread, from any thread.
struct Alarm {
    node: Arc<Node>,
    reply_to: ReplyTo<()>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        let reply_to = self.reply_to.clone();
        let mailbox = &self.node.mailboxes[reply_to.origin];
        mailbox.send(Message::Answer(reply_to.answer(())));
    }
}

/// Waits at `place` until `may_go`, or until `session` is to be closed, or until the deadline.
/// `lack` is what is missing until then. What `may_go` came to; `None`: it may not.
pub(crate) async fn wait_in_line<T>(
    shard_thread: &Rc<ShardThread>,
    place: &Place,
    (may_go, lack): (impl Fn() -> Option<T>, impl Fn() -> Lack),
    session: Option<&Session>,
    deadline: Option<Instant>,
) -> Option<T> {
    loop {
        let (asked, reply_to) = shard_thread.ask();
        let alarm = Alarm { node: shard_thread.node.clone(), reply_to };
        place.sleep(Some(Waker::from(Arc::new(alarm))));
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let is_over = || {
            session.is_some_and(|session| session.killed.get())
                || left.is_some_and(|left| left.is_zero())
        };
        let goes = may_go();
        if goes.is_some() || is_over() {
            place.sleep(None);
            return goes;
        }
        let look_again = match place.is_next_sleeper() {
            true => Some(eviction::make_room(shard_thread, lack()).await.look_again),
            false => None,
        };
        let until = look_again.into_iter().chain(left).min();
        woken(asked, session, until).await;
    }
}

/// Until there is an answer, the time has passed, or the session is to be closed.
async fn woken(asked: Asked<()>, session: Option<&Session>, until: Option<Duration>) {
    let mut answer = pin!(asked);
    let mut time = pin!(async {
        match until {
            Some(until) => runtime::sleep(until).await,
            None => std::future::pending().await,
        }
    });
    std::future::poll_fn(|context| {
        if let Some(session) = session {
            session.set_waker(context.waker());
            if session.killed.get() {
                return Poll::Ready(());
            }
        }
        if answer.as_mut().poll(context).is_ready() || time.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}
