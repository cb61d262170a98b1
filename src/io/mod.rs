//! Sockets: the streams of connections (`stream`), which of them are ready (`readiness`), the
//! buffers that they are read into (`input`), and where connections are accepted (`accepting`).

pub(crate) mod accepting;
pub(crate) mod input;
pub(crate) mod readiness;
pub(crate) mod stream;
