//! Sockets: accepting (`listener`, `unix_socket`), reading and writing (`stream`, `input`), and the
//! loop of one connection (`connection`).

pub(crate) mod connection;
pub(crate) mod input;
pub(crate) mod listener;
pub(crate) mod readiness;
pub(crate) mod stream;
pub(crate) mod unix_socket;
