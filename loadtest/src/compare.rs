//! The same load on several servers in turn, and how they compare with the first.
//!
//! Rounds alternate, and every other round goes through the servers backwards, so that what
//! drifts on the machine meets all of them alike. A ratio is the median of the rounds' own
//! ratios, each of two measurements made shortly after each other.

use std::fmt::Write;
use std::thread;

use serde_json::{Map, Value, json};

use crate::args::{CompareArgs, LoadArgs};
use crate::error::Result;
use crate::out::out;
use crate::run::{self, Outcome};
use crate::server::{Greeting, Server};
use crate::{json as to_json, report};

/// A figure that is compared: its title in tables, its key in JSON.
struct Metric {
    title: &'static str,
    key: &'static str,
    value: fn(&Outcome) -> Option<f64>,
}

const fn metric(
    title: &'static str,
    key: &'static str,
    value: fn(&Outcome) -> Option<f64>,
) -> Metric {
    Metric { title, key, value }
}

const METRICS: [Metric; 12] = [
    metric("throughput ops/s", "throughput", |run| Some(run.throughput())),
    metric("p50 us", "p50_us", |run| Some(run.overall.p50)),
    metric("p90 us", "p90_us", |run| Some(run.overall.p90)),
    metric("p99 us", "p99_us", |run| Some(run.overall.p99)),
    metric("p99.9 us", "p99.9_us", |run| Some(run.overall.p999)),
    metric("p99.99 us", "p99.99_us", |run| Some(run.overall.p9999)),
    metric("max us", "max_us", |run| Some(run.overall.max)),
    metric("server CPU us/op", "server_cpu_us_per_op", |run| {
        run.cpu_per_operation().map(|(user, system)| user + system)
    }),
    metric("  of it user", "server_cpu_user_us_per_op", |run| Some(run.cpu_per_operation()?.0)),
    metric("  of it system", "server_cpu_system_us_per_op", |run| Some(run.cpu_per_operation()?.1)),
    metric("server RSS MB", "server_rss_mb", |run| megabytes(run.server_memory?.rss)),
    metric("server PSS MB", "server_pss_mb", |run| megabytes(run.server_memory?.pss?)),
];

fn megabytes(bytes: u64) -> Option<f64> {
    Some(bytes as f64 / f64::from(1 << 20))
}

/// Runs it all; true if there were no errors.
pub(crate) fn compare(args: &CompareArgs) -> Result<bool> {
    let load = &args.load;
    load.check()?;
    let greeting = Greeting::new(&load.login);
    let servers = args
        .targets
        .iter()
        .map(|target| Server::reach(target, &greeting))
        .collect::<Result<Vec<Server>>>()?;
    for server in &servers {
        out(&report::server_line(server))?;
        if load.prefill {
            let (keys, time) = run::prefill(server, load)?;
            out(&format!("  {keys} keys written in {:.1} s", time.as_secs_f64()))?;
        }
    }
    out(&format!("{}\n{} rounds", report::load_line(load)?, args.rounds))?;
    let mut rounds: Vec<Vec<Outcome>> = Vec::new();
    for round in 0..args.rounds {
        rounds.push(one_round(args, &servers, round)?);
    }
    out(&table(&servers, &rounds))?;
    let mut clean = true;
    for outcome in rounds.iter().flatten() {
        clean &= outcome.errors.total() == 0;
    }
    for line in warnings(&servers, &rounds) {
        out(&line)?;
    }
    if let Some(path) = &load.json {
        to_json::write(path, to_report(args, &servers, &rounds)?)?;
    }
    Ok(clean)
}

/// The load of a round: in each round other requests, the same for all servers. With the same again
/// and again, a server would have in its caches just what it is asked for.
fn load_of_round(load: &LoadArgs, round: u32) -> LoadArgs {
    let mut load = load.clone();
    load.seed = load.seed.wrapping_add(u64::from(round));
    load
}

/// Outcomes in the order of the servers, whatever the order they were measured in.
fn one_round(args: &CompareArgs, servers: &[Server], round: u32) -> Result<Vec<Outcome>> {
    let mut order: Vec<usize> = (0..servers.len()).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    let load = load_of_round(&args.load, round);
    let mut outcomes: Vec<(usize, Outcome)> = Vec::new();
    for index in order {
        thread::sleep(args.pause);
        let outcome = run::measure(&servers[index], &load, None)?;
        let cpu = outcome.cpu_per_operation().map_or(String::new(), |(user, system)| {
            format!(", server CPU {:.2} us/op", user + system)
        });
        out(&format!(
            "round {}: {:<12} {:>9.0} ops/s, p50 {:.1} us, p99 {:.1} us{cpu}",
            round + 1,
            servers[index].name,
            outcome.throughput(),
            outcome.overall.p50,
            outcome.overall.p99,
        ))?;
        outcomes.push((index, outcome));
    }
    outcomes.sort_by_key(|&(index, _)| index);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// One server's figures of one metric over the rounds.
struct Column {
    median: f64,
    least: f64,
    greatest: f64,
    /// To the first server.
    ratio: Option<f64>,
}

fn column(metric: &Metric, rounds: &[Vec<Outcome>], server: usize) -> Option<Column> {
    let values =
        rounds.iter().map(|round| (metric.value)(&round[server])).collect::<Option<Vec<f64>>>()?;
    let ratios: Vec<f64> = rounds
        .iter()
        .filter_map(|round| {
            let first = (metric.value)(&round[0]).filter(|&first| first > 0.0)?;
            Some((metric.value)(&round[server])? / first)
        })
        .collect();
    Some(Column {
        median: median(&values)?,
        least: values.iter().copied().fold(f64::INFINITY, f64::min),
        greatest: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        ratio: median(&ratios),
    })
}

/// The middle one, or the mean of two.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some((lower + upper) / 2.0)
}

fn table(servers: &[Server], rounds: &[Vec<Outcome>]) -> String {
    let mut text = format!("{:<18}", "median [min..max]");
    for (index, server) in servers.iter().enumerate() {
        let _ = write!(text, " {:>34}", server.name);
        if index > 0 {
            let _ = write!(text, " {:>8}", "ratio");
        }
    }
    for metric in &METRICS {
        let _ = write!(text, "\n{:<18}", metric.title);
        for index in 0..servers.len() {
            let column = column(metric, rounds, index);
            let cell = column.as_ref().map_or("-".to_owned(), |column| {
                format!(
                    "{} [{}..{}]",
                    figure(column.median),
                    figure(column.least),
                    figure(column.greatest)
                )
            });
            let _ = write!(text, " {cell:>34}");
            if index > 0 {
                let ratio = column.and_then(|column| column.ratio);
                let ratio = ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}x"));
                let _ = write!(text, " {ratio:>8}");
            }
        }
    }
    text
}

/// Large figures without decimals, small ones with two.
pub(crate) fn figure(value: f64) -> String {
    if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// Each server's warnings, once for all rounds that had any.
fn warnings(servers: &[Server], rounds: &[Vec<Outcome>]) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, server) in servers.iter().enumerate() {
        for (round, outcomes) in rounds.iter().enumerate() {
            for warning in report::warnings(&outcomes[index]) {
                lines.push(format!("{} round {}: {warning}", server.name, round + 1));
            }
        }
    }
    lines
}

fn to_report(
    args: &CompareArgs,
    servers: &[Server],
    rounds: &[Vec<Outcome>],
) -> Result<Map<String, Value>> {
    let mut report = to_json::header();
    report.insert("load".to_owned(), to_json::load(&args.load)?);
    let targets: Vec<Value> = servers
        .iter()
        .enumerate()
        .map(|(index, server)| {
            let metrics: Map<String, Value> = METRICS
                .iter()
                .map(|metric| (metric.key.to_owned(), metric_json(metric, rounds, index)))
                .collect();
            let runs: Vec<Value> =
                rounds.iter().map(|round| to_json::outcome(&round[index])).collect();
            json!({ "server": to_json::server(server), "metrics": metrics, "rounds": runs })
        })
        .collect();
    report.insert("targets".to_owned(), Value::Array(targets));
    Ok(report)
}

fn metric_json(metric: &Metric, rounds: &[Vec<Outcome>], server: usize) -> Value {
    column(metric, rounds, server).map_or(Value::Null, |column| {
        json!({
            "median": column.median,
            "min": column.least,
            "max": column.greatest,
            "ratio_to_first": column.ratio,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), Some(3.0));
    }

    #[test]
    fn each_round_asks_for_something_else() {
        use clap::Parser as _;

        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            load: LoadArgs,
        }
        let load = Line::parse_from(["", "--seed", "7"]).load;
        let seeds = [0, 1, 2].map(|round| load_of_round(&load, round).seed);
        assert_eq!(seeds, [7, 8, 9]);
    }
}
