//! Running commands: those of one shard, at once or with the waiting that they need (`run`),
//! pipelines over two shards (`ordered`), commands over several (`transaction`); publishing on
//! channels (`publish`); and what is told of them to the slow log (`slowness`) and to MONITOR
//! (`monitor`), without secrets (`redact`). Who waits for memory does so in one line (`waiting`),
//! and who holds it in vain goes (`eviction`).

pub(crate) mod eviction;
pub(crate) mod monitor;
pub(crate) mod ordered;
pub(crate) mod publish;
pub(crate) mod redact;
pub(crate) mod run;
pub(crate) mod slowness;
pub(crate) mod transaction;
pub(crate) mod waiting;
