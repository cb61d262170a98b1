//! Numbers as Redis reads and writes them.
//!
//! Owns the conversions between text and numbers whose every edge is visible to clients: which
//! texts count as an integer, how a double is printed, what a long double adds up to. Nothing
//! here knows of commands or of the error texts that go with a refusal: a refusal is `None`.

mod binary;
mod extended;
mod float;
mod grisu;
mod integer;
mod literal;

pub use extended::Extended;
pub use float::{DoubleText, format_f64, general_f64, parse_f64, parse_f64_saturating};
pub use integer::{IntegerText, format_i64, format_u64, parse_i64, parse_memory, parse_u64};
