//! Features that are not there, and what Redis answers when they are not used: tools and clients
//! ask about all of them, and an unknown command tells them that this is no Redis.

pub(crate) mod cluster;
pub(crate) mod modules;
pub(crate) mod replication;
