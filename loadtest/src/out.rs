//! What goes to standard output.

use std::io::Write;

use crate::error::Result;

/// A line of the report.
pub(crate) fn out(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
