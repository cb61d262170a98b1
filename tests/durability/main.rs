//! What is still there after a crash: the process killed, the power cut, the disk failing.

#![expect(unreachable_pub, reason = "a test program exports nothing; pub is for its modules")]
#![expect(clippy::expect_used, reason = "a helper of a test fails the test")]
#![expect(clippy::print_stderr, reason = "seeds and skipped tests are said on the terminal")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "each test program uses its own part of the shared harness")]
mod common;

mod corruption;
mod disk_full;
mod disk_full_restart;
mod events;
mod every_call;
mod expected;
mod files;
mod io_errors;
mod kill9;
mod ledger;
mod load;
mod powercut;
mod script;
mod several;
mod shim;
mod volume;
