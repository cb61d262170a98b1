//! Tests of the string commands that go over several files of them.

mod oracle;
mod pieces;
