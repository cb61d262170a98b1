//! A client's socket on an executor: plain receive and send first, the ring only when they would
//! block (that is glommio's way). Names glommio's types so that nobody else has to.

use std::cell::RefCell;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_lite::{AsyncRead, AsyncWrite};

use crate::sys;

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

enum Socket {
    Tcp(glommio::net::TcpStream),
    Unix(glommio::net::UnixStream),
}

/// A connected socket. Shared within its thread, so that one task can close what another waits on.
pub(crate) struct Stream(RefCell<Socket>);

impl Stream {
    /// Takes an accepted socket over. On an executor's thread only.
    pub(crate) fn new(accepted: Accepted) -> Self {
        Self(RefCell::new(match accepted {
            Accepted::Tcp(socket) => Socket::Tcp(sys::tcp_stream(socket)),
            Accepted::Unix(socket) => Socket::Unix(sys::unix_stream(socket)),
        }))
    }

    /// Reads what there is into `buffer`.
    pub(crate) fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self.0.borrow_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Socket::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }

    /// Writes some of `bytes`.
    pub(crate) fn poll_write(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self.0.borrow_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Socket::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    /// Ends both directions: whoever waits on the socket wakes up.
    pub(crate) fn close(&self) {
        match &*self.0.borrow() {
            Socket::Tcp(stream) => {
                let _ = futures_lite::future::block_on(futures_lite::future::poll_once(
                    stream.shutdown(Shutdown::Both),
                ));
            }
            Socket::Unix(stream) => {
                let _ = futures_lite::future::block_on(futures_lite::future::poll_once(
                    stream.shutdown(Shutdown::Both),
                ));
            }
        }
    }
}
