//! Tests generated from the server's own command table, as `COMMAND` tells it: a command that is
//! added is tested by being there. What is right is asked of a redis-server.

#![expect(unreachable_pub, reason = "a test program exports nothing; pub is for its modules")]
#![expect(clippy::expect_used, reason = "a helper of a test fails the test")]
#![expect(clippy::print_stderr, reason = "seeds and skipped tests are said on the terminal")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "each test program uses its own part of the shared harness")]
mod common;

mod absent;
mod arity;
mod metadata;
mod promised;
mod table;
mod wrong_type;
