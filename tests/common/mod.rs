//! What every black-box test program shares: starting a server, speaking to it, repeatable
//! randomness. It knows sockets and processes only and never links the server's own code,
//! so a mistake in the server cannot hide in the tests.
//!
//! A test program includes it with `#[path = "../common/mod.rs"] mod common;`.

pub mod client;
pub mod compare;
pub mod env;
pub mod grammar;
pub mod resp;
pub mod rng;
pub mod server;
pub mod universe;

pub use client::Client;
pub use resp::Value;
pub use rng::Rng;
pub use server::Server;
