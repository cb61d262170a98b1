//! What a connection does while CLIENT PAUSE holds its command up.

use std::task::Poll;
use std::time::Duration;

use crate::client::ReplyMode;
use crate::connection::Connection;
use crate::connection::replies::Step;
use crate::runtime;
use crate::shared::pause::Held;

/// How long it sleeps before it looks again.
const PAUSE_STEP: Duration = Duration::from_millis(5);

impl Connection {
    /// Waits until the pause is over, or weaker, or the client has gone: then the connection is
    /// marked as killed, whose command is not to be run.
    pub(super) async fn wait_for_end_of_pause(&mut self) {
        self.flush_segment().await;
        // What came before is not held up.
        let may_leave = self.session.reply_mode.get() == ReplyMode::On;
        if may_leave && !self.deliver(true).await {
            self.session.killed.set(true);
        }
        let held = self.shard_thread.node.clients.pause.held();
        self.session.is_paused.set(true);
        while held != Held::Nothing
            && held == self.shard_thread.node.clients.pause.held()
            && !self.session.killed.get()
        {
            if self.has_gone(PAUSE_STEP).await {
                self.session.killed.set(true);
            }
            // A client on this host could keep the thread busy with its requests.
            runtime::yield_now().await;
        }
        self.session.is_paused.set(false);
    }

    /// Waits so long, or until more requests have come, which are read as long as there is room:
    /// that the client has gone shows behind them.
    async fn has_gone(&mut self, time: Duration) -> bool {
        let mut time = std::pin::pin!(runtime::sleep(time));
        std::future::poll_fn(|context| {
            self.session.set_waker(context.waker());
            if time.as_mut().poll(context).is_ready() {
                return Poll::Ready(self.session.stream.has_ended());
            }
            match self.poll_read_on(context) {
                Poll::Ready(Step::Gone) => Poll::Ready(true),
                _ if self.input_has_ended || self.session.killed.get() => Poll::Ready(true),
                Poll::Ready(Step::Received) => Poll::Ready(false),
                _ => Poll::Pending,
            }
        })
        .await
    }
}
