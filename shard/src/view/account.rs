//! The account of work: how much a command may do on the loop before it has to go elsewhere.

use crate::error::CommandError;

/// Work that a command may do on the loop, in units of one record (or 64 bytes touched). About
/// 100 microseconds; beyond it the command runs off the loop.
const LOOP_BUDGET: u64 = 512;

/// See the module.
pub(super) struct Account {
    budget: u64,
}

impl Account {
    /// Of a command on the loop.
    #[inline]
    pub(super) fn of_loop() -> Self {
        Self { budget: LOOP_BUDGET }
    }

    /// Of a command on a thread that may block, which may work as long as it takes.
    pub(super) fn off_loop() -> Self {
        Self { budget: u64::MAX }
    }

    /// Takes `units` of work from the budget. `OffLoop`: that is more than is left.
    #[inline]
    pub(super) fn charge(&mut self, units: u64) -> Result<(), CommandError> {
        match self.budget.checked_sub(units) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => Err(CommandError::OffLoop),
        }
    }
}
