//! What looks at the host and what changes it: `basalt doctor`, and the scripts in `tuning/`.

#![expect(unreachable_pub, reason = "a test program exports nothing; pub is for its modules")]
#![expect(clippy::expect_used, reason = "a helper of a test fails the test")]
#![expect(clippy::print_stderr, reason = "seeds and skipped tests are said on the terminal")]

#[path = "../common/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "each test program uses its own part of the shared harness"
)]
mod common;

mod doctor;
mod json;
mod tuning;
