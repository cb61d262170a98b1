//! A client's socket on a shard's thread: received from and sent to directly, without waiting; when
//! that would block, its task is woken by the thread's set of sockets (`readiness`).

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::task::{Context, Poll};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{self, MsgFlags, Shutdown};

use crate::io::readiness::{Direction, Registered};

/// An accepted socket on its way to a shard's thread.
pub(crate) enum Accepted {
    Tcp(OwnedFd),
    Unix(OwnedFd),
}

impl Accepted {
    /// Whether it came through the Unix socket.
    pub(crate) fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_))
    }

    /// The number of its descriptor.
    pub(crate) fn descriptor(&self) -> i32 {
        let (Self::Tcp(socket) | Self::Unix(socket)) = self;
        socket.as_raw_fd()
    }
}

/// A connected socket. Shared within its thread, so that one task can close what another waits on.
pub(crate) struct Stream {
    /// `None`: it could not be watched. Stands first, to be dropped before the socket.
    registered: Option<Registered>,
    socket: OwnedFd,
}

impl Stream {
    /// Takes an accepted socket over, for the calling thread.
    pub(crate) fn new(accepted: Accepted) -> Self {
        let (Accepted::Tcp(socket) | Accepted::Unix(socket)) = accepted;
        let registered = Registered::new(socket.as_fd())
            .inspect_err(|error| tracing::warn!(%error, "a client's socket cannot be watched"))
            .ok();
        Self { registered, socket }
    }

    /// Reads what there is into `buffer`.
    pub(crate) fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let length = buffer.len();
        self.attempt(Direction::Read, length, context, |socket| {
            socket::recv(socket, buffer, MsgFlags::MSG_DONTWAIT)
        })
    }

    /// Writes some of `bytes`.
    pub(crate) fn poll_write(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.attempt(Direction::Write, bytes.len(), context, |socket| {
            socket::send(socket, bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL)
        })
    }

    /// Tries a call that is for `length` bytes at most, if that is of any use.
    fn attempt(
        &self,
        direction: Direction,
        length: usize,
        context: &mut Context<'_>,
        mut call: impl FnMut(i32) -> nix::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let Some(registered) = &self.registered else {
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        };
        while registered.is_ready(direction) {
            match call(self.socket.as_raw_fd()) {
                Ok(count) => {
                    if count < length {
                        registered.exhausted(direction);
                    }
                    return Poll::Ready(Ok(count));
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        registered.blocked(direction, context.waker());
        Poll::Pending
    }

    /// Whether the other side has ended its sending, or the connection failed, as of the thread's
    /// last look at its sockets.
    pub(crate) fn has_ended(&self) -> bool {
        self.registered.as_ref().is_none_or(Registered::has_ended)
    }

    /// Ends what is sent; what was sent arrives before that.
    pub(crate) fn end_writing(&self) {
        let _ = socket::shutdown(self.socket.as_raw_fd(), Shutdown::Write);
    }

    /// Whether the socket has more to read than a trickle, at this moment: what is known of it
    /// otherwise is as old as the thread's last look at its sockets.
    pub(crate) fn has_much_to_read(&self) -> bool {
        let mut buffer = [0; 1024];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_PEEK;
        match socket::recv(self.socket.as_raw_fd(), &mut buffer, flags) {
            // The end comes to light when it is read.
            Ok(count) => count == 0 || count == buffer.len(),
            Err(error) => error != Errno::EAGAIN,
        }
    }

    /// Whether the socket has room for more, at this moment.
    pub(crate) fn has_room_to_write(&self) -> bool {
        let look = || -> nix::Result<usize> {
            let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
            epoll.add(&self.socket, EpollEvent::new(EpollFlags::EPOLLOUT, 0))?;
            epoll.wait(&mut [EpollEvent::empty()], 0)
        };
        look().is_ok_and(|ready| ready > 0)
    }

    /// Ends both directions: whoever waits on the socket wakes up.
    pub(crate) fn close(&self) {
        let _ = socket::shutdown(self.socket.as_raw_fd(), Shutdown::Both);
    }
}
