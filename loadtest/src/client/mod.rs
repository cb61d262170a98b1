//! The client engine: threads that each drive many connections through one epoll.
//!
//! It shares the machine with the server it measures, so it is built to cost little: one read
//! and one write for each batch of a connection, requests copied from templates, replies
//! counted where they lie, one clock reading for each read, no allocation once buffers have grown.

mod connection;
mod in_flight;
mod tally;
mod worker;

pub(crate) use tally::{Errors, Tally};
pub(crate) use worker::{Go, Loop, Plan, Progress, Worker};
