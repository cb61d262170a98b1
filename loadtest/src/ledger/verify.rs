//! `verify`: reads a ledger, asks the server, and says what came of it, one fact in each line so
//! that programs can read it too.

use super::Ledger;
use super::judge::judge;
use super::observe::Connection;
use crate::args::{Target, VerifyArgs};
use crate::error::{Failure, Result};
use crate::out::out;
use crate::server::{Greeting, Server};

/// More of them say no more.
const VIOLATIONS_SHOWN_MAX: usize = 20;

/// Whether the server has what it must have.
pub(crate) fn verify(args: &VerifyArgs) -> Result<bool> {
    let ledger = Ledger::load(&args.ledger)?;
    let greeting = Greeting::new(&args.login);
    let target = Target { name: "server".to_owned(), addr: args.addr.clone(), pid: None };
    let server = Server::reach(&target, &greeting)?;
    let about = |failure: Failure| Failure::new(format!("{}: {failure}", args.addr));
    let mut connection = Connection::open(&server, &greeting).map_err(about)?;
    let shards = match args.shards {
        Some(shards) => shards as usize,
        None => connection.shards().map_err(about)?,
    };
    let observed = connection.observe(&ledger).map_err(about)?;
    let mut verdict = judge(&ledger, &observed, shards);
    verdict.violations.extend(connection.check_scan(&ledger, &observed).map_err(about)?);

    let age = verdict.oldest_lost_micros as f64 / 1e6;
    let may_lose = args.may_lose.unwrap_or_default();
    if verdict.lost > 0 && age > may_lose.as_secs_f64() {
        verdict.violations.push(format!(
            "{} acknowledged writes are lost, the oldest {age:.3} s old; {} s are allowed",
            verdict.lost,
            may_lose.as_secs_f64()
        ));
    }
    out(&format!("writers: {}", ledger.writers.len()))?;
    out(&format!("shards: {shards}"))?;
    out(&format!("keys found: {}", observed.len()))?;
    out(&format!("writes sent: {}", verdict.sent))?;
    out(&format!("writes acknowledged: {}", verdict.acknowledged))?;
    out(&format!("writes refused: {}", verdict.refused))?;
    out(&format!("unacknowledged writes kept: {}", verdict.kept))?;
    out(&format!("acknowledged writes lost: {}", verdict.lost))?;
    out(&format!("oldest lost write, seconds before the end: {age:.3}"))?;
    out(&format!("violations: {}", verdict.violations.len()))?;
    for violation in verdict.violations.iter().take(VIOLATIONS_SHOWN_MAX) {
        out(&format!("VIOLATION: {violation}"))?;
    }
    Ok(verdict.violations.is_empty())
}
