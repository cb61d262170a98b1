//! Running commands. Each passes the checks of the `gate`. One of a shard is tried on the loop
//! (`attempt`), and if something is in its way it waits for that (`patience`); several run one
//! after the other (`batch`), those of two shards in order (`ordered`), and as one (`as_one`), also
//! over several shards (`transaction`). What they changed is committed (`commit`). What no shard
//! runs is a `process` command. Whichever way a command ran, it is booked in one place (`booking`).
//!
//! What messages of other threads start is in `receive`; publishing on channels in `publish`, of
//! what has happened to keys in `announce`. What is told to the slow log (`slowness`) and to
//! MONITOR (`monitor`) has no secrets in it (`redact`). Who waits for memory does so in one line
//! (`waiting`; for big values: `room`), and who holds it in vain goes (`eviction`).

pub(crate) mod announce;
pub(crate) mod as_one;
pub(crate) mod attempt;
pub(crate) mod batch;
pub(crate) mod booking;
pub(crate) mod commit;
pub(crate) mod eviction;
pub(crate) mod gate;
pub(crate) mod monitor;
pub(crate) mod ordered;
pub(crate) mod patience;
pub(crate) mod process;
pub(crate) mod publish;
pub(crate) mod receive;
pub(crate) mod redact;
pub(crate) mod room;
pub(crate) mod slowness;
pub(crate) mod transaction;
pub(crate) mod waiting;
