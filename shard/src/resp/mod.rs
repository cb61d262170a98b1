//! The Redis serialization protocol, versions 2 and 3: bytes to requests, replies to bytes.
//!
//! Pure functions over byte slices. No sockets, no buffers of its own, no knowledge of commands.
//! Whatever bytes a client sends, the parser answers with a request, a wish for more bytes or a
//! protocol error; it never panics, and it never sets memory aside on the word of a length.

// Everything in here is fed by strangers: an out-of-bounds access or an overflow must not even
// be expressible.
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)
)]

mod inline;
pub mod reply;
pub mod request;
mod span;

pub use reply::{DeferredLength, Protocol, ReplyBuffer};
pub use request::{Parsed, ProtocolError, RequestLimits, RequestParser};
pub use span::Span;
