//! The server as its users meet it: protocol, sessions, administration, limits, start and end,
//! and the promises about order, isolation, expiry and restarts. One scenario is one test.

#![expect(unreachable_pub, reason = "a test program exports nothing; pub is for its modules")]
#![expect(clippy::expect_used, reason = "a helper of a test fails the test")]
#![expect(clippy::print_stderr, reason = "seeds and skipped tests are said on the terminal")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "each test program uses its own part of the shared harness")]
mod common;

mod absent_features;
mod auth;
mod changes;
mod client_command;
mod clock;
mod concurrency;
mod config;
mod daemon;
mod effects;
mod expiry;
mod formats;
mod gate;
mod hot_keys;
mod info;
mod key_counts;
mod keyspace_events;
mod lifecycle;
mod limits;
mod loop_turns;
mod memory;
mod memory_bounds;
mod monitor;
mod numbers;
mod open_files;
mod protocol;
mod pubsub;
mod pubsub_leaving;
mod restart;
mod saving;
mod scan;
mod scrub;
mod slowlog;
mod small_commands;
mod sockets;
mod stalled_clients;
mod unread_replies;
