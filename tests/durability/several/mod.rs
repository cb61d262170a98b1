//! Commands over several keys, shards and databases, and what a crash may leave of them.
//!
//! Writers with keys of their own send RENAME, MSET, COPY, MOVE, SWAPDB and the like in pipelines
//! (`load`, by the rules of `model`) until the server is gone, and keep what was acknowledged. What
//! the next start then has (`observe`) must be explained (`judge`): each shard has the writer's
//! commands up to a *cut* of its own, behind the last acknowledged one, so that a command that was
//! not acknowledged may be there on one shard and not on the other. But a value that went from
//! one shard to the other is never under neither name: who has lost it by a RENAME does so only
//! where the other has it.

mod judge;
mod kill9;
mod load;
mod model;
mod moves;
mod observe;
mod powercut;
