//! Replies of members, with their scores or without.

use std::ops::ControlFlow;

use crate::resp::{Protocol, ReplyBuffer};

/// An array of members. With scores it is flat in RESP2, and of pairs in RESP3.
pub(super) struct Answer<'r> {
    reply: &'r mut ReplyBuffer,
    with_scores: bool,
}

impl<'r> Answer<'r> {
    /// Opens the array of so many members.
    pub(super) fn open(reply: &'r mut ReplyBuffer, count: u64, with_scores: bool) -> Self {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let is_flat = with_scores && reply.protocol() == Protocol::Resp2;
        reply.array(if is_flat { count.saturating_mul(2) } else { count });
        Self { reply, with_scores }
    }

    /// Takes the next member. Breaks when the reply has become too long.
    pub(super) fn add(&mut self, member: &[u8], score: f64) -> ControlFlow<()> {
        if self.with_scores && self.reply.protocol() == Protocol::Resp3 {
            self.reply.array(2);
        }
        self.reply.bulk(member);
        if self.with_scores {
            self.reply.double(score);
        }
        self.reply.goes_on()
    }

    /// Length of the reply so far.
    pub(super) fn len_bytes(&self) -> usize {
        self.reply.len()
    }
}
