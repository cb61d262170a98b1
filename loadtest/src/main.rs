//! `basalt-loadtest`: load and compare servers that speak the Redis protocol.
//!
//! `args` says what is wanted; `run` does one run with the engine in `client`, which sends what
//! `workload` makes up, paced by `rate`; `report` and `json` write what came out; `compare`, `idle`
//! and `publish` are other actions, and `ledger` keeps an account of what was acknowledged.
//!
//! Exit status: 0 for a run without errors, 2 for one with errors in its figures or a server that
//! has not what its ledger says, 1 where there are no figures.

#![forbid(unsafe_code)]

mod args;
mod client;
mod command;
mod compare;
mod error;
mod family;
mod histogram;
mod idle;
mod json;
mod keys;
mod ledger;
mod out;
mod process;
mod progress;
mod publish;
mod rate;
mod reply;
mod report;
mod rng;
mod run;
mod server;
mod template;
mod timeline;
mod units;
mod values;
mod workload;
mod zipf;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Action, Cli, RunArgs, Target};
use crate::error::Result;
use crate::out::out;
use crate::server::{Greeting, Server};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = process::raise_file_limit().map_err(Into::into).and_then(|()| match &cli.action {
        Action::Run(args) => run_one(args),
        Action::Compare(args) => compare::compare(args),
        Action::Idle(args) => idle::idle(args).map(|()| true),
        Action::Publish(args) => publish::publish(args).map(|()| true),
        Action::Verify(args) => ledger::verify(args),
    });
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(failure) => {
            // With standard error closed there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "basalt-loadtest: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run_one(args: &RunArgs) -> Result<bool> {
    let load = &args.load()?;
    let target = Target { name: "server".to_owned(), addr: args.addr.clone(), pid: args.pid };
    let server = Server::reach(&target, &Greeting::new(&load.login))?;
    out(&report::server_line(&server))?;
    out(&report::load_line(load)?)?;
    if load.prefill {
        let (keys, time) = run::prefill(&server, load)?;
        out(&format!("{keys} keys written in {:.1} s", time.as_secs_f64()))?;
    }
    let run = args.ledger.as_ref().map(|_| ledger::new_run());
    let mut outcome = run::measure(&server, load, run)?;
    if let (Some(path), Some(ledger)) = (&args.ledger, outcome.ledger.take()) {
        ledger.save(path)?;
    }
    out(report::outcome(&outcome).trim_end())?;
    if let Some(path) = &load.json {
        let mut report = json::header();
        report.insert("server".to_owned(), json::server(&server));
        report.insert("load".to_owned(), json::load(load)?);
        report.insert("result".to_owned(), json::outcome(&outcome));
        json::write(path, report)?;
    }
    Ok(outcome.errors.total() == 0)
}
