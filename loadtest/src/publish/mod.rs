//! Messages to so many subscribers of one channel, on several servers in turn.
//!
//! One client thread has all connections (`load`). A publisher sends so many messages at once,
//! waits for their replies, and sends again, as long as the subscribers keep up: what is measured
//! is what reaches them, not what piles up. Rounds alternate as where servers are compared.

mod load;

use std::fmt::Write;
use std::thread;

use serde_json::{Map, Value, json};

use crate::args::PublishArgs;
use crate::compare::{figure, median};
use crate::error::{Failure, Result};
use crate::server::{Greeting, Server};
use crate::{json as to_json, out, report};
use load::Measured;

/// A figure of one measurement: its title in the table, its key in JSON.
struct Metric {
    title: &'static str,
    key: &'static str,
    value: fn(&Measured) -> Option<f64>,
}

const METRICS: [Metric; 3] = [
    Metric {
        title: "messages/s",
        key: "messages_per_second",
        value: |it| Some(it.messages as f64 / it.elapsed.as_secs_f64()),
    },
    Metric {
        title: "deliveries/s",
        key: "deliveries_per_second",
        value: |it| Some(it.deliveries as f64 / it.elapsed.as_secs_f64()),
    },
    Metric {
        title: "server CPU us/delivery",
        key: "server_cpu_us_per_delivery",
        value: |it| Some(it.server_cpu?.as_secs_f64() * 1e6 / it.deliveries.max(1) as f64),
    },
];

/// Runs it all.
pub(crate) fn publish(args: &PublishArgs) -> Result<()> {
    if args.subscribers.is_empty() {
        return Err(Failure::new("--subscribers names no number"));
    }
    let greeting = Greeting::new(&args.login);
    let servers = args
        .targets
        .iter()
        .map(|target| Server::reach(target, &greeting))
        .collect::<Result<Vec<Server>>>()?;
    for server in &servers {
        out(&report::server_line(server))?;
    }
    out(&format!(
        "{} publishers, depth {}, messages of {} bytes, {} rounds",
        args.publishers, args.pipeline, args.message_size, args.rounds
    ))?;
    let mut sections = Vec::new();
    for &subscribers in &args.subscribers {
        let rounds = measure_rounds(args, (&servers, &greeting), subscribers)?;
        out(&table(subscribers, &servers, &rounds))?;
        sections.push(section(subscribers, &servers, &rounds));
    }
    if let Some(path) = &args.json {
        let mut report = to_json::header();
        report.insert("publishers".to_owned(), json!(args.publishers));
        report.insert("pipeline".to_owned(), json!(args.pipeline));
        report.insert("message_bytes".to_owned(), json!(args.message_size));
        report.insert("sections".to_owned(), Value::Array(sections));
        to_json::write(path, report)?;
    }
    Ok(())
}

/// Each round's measurements in the order of the servers, whatever order they were taken in.
fn measure_rounds(
    args: &PublishArgs,
    (servers, greeting): (&[Server], &Greeting),
    subscribers: u64,
) -> Result<Vec<Vec<Measured>>> {
    let mut rounds = Vec::new();
    for round in 0..args.rounds {
        let mut order: Vec<usize> = (0..servers.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        let mut taken: Vec<(usize, Measured)> = Vec::new();
        for index in order {
            thread::sleep(args.pause);
            taken.push((index, load::measure(&servers[index], greeting, args, subscribers)?));
        }
        taken.sort_by_key(|&(index, _)| index);
        rounds.push(taken.into_iter().map(|(_, measured)| measured).collect());
    }
    Ok(rounds)
}

/// A server's median of a metric, and the median of its ratios to the first.
fn column(metric: &Metric, rounds: &[Vec<Measured>], server: usize) -> Option<(f64, Option<f64>)> {
    let of_rounds = rounds.iter().map(|round| (metric.value)(&round[server]));
    let values = of_rounds.collect::<Option<Vec<f64>>>()?;
    let ratios: Vec<f64> = rounds
        .iter()
        .filter_map(|round| {
            let first = (metric.value)(&round[0]).filter(|&first| first > 0.0)?;
            Some((metric.value)(&round[server])? / first)
        })
        .collect();
    Some((median(&values)?, median(&ratios)))
}

fn table(subscribers: u64, servers: &[Server], rounds: &[Vec<Measured>]) -> String {
    let mut text = format!("{:<24}", format!("{subscribers} subscribers"));
    // Writing to a string cannot fail.
    for server in servers {
        let _ = write!(text, " {:>14} {:>8}", server.name, "ratio");
    }
    for metric in &METRICS {
        let _ = write!(text, "\n{:<24}", metric.title);
        for index in 0..servers.len() {
            let column = column(metric, rounds, index);
            let value = column.map_or("-".to_owned(), |(median, _)| figure(median));
            let ratio = column.and_then(|(_, ratio)| ratio);
            let ratio = ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}x"));
            let _ = write!(text, " {value:>14} {ratio:>8}");
        }
    }
    text
}

fn section(subscribers: u64, servers: &[Server], rounds: &[Vec<Measured>]) -> Value {
    let targets: Vec<Value> = servers
        .iter()
        .enumerate()
        .map(|(index, server)| {
            let metrics: Map<String, Value> = METRICS
                .iter()
                .map(|metric| {
                    let column = column(metric, rounds, index);
                    let value = column.map_or(
                        Value::Null,
                        |(median, ratio)| json!({ "median": median, "ratio_to_first": ratio }),
                    );
                    (metric.key.to_owned(), value)
                })
                .collect();
            json!({ "server": to_json::server(server), "metrics": metrics })
        })
        .collect();
    json!({ "subscribers": subscribers, "targets": targets })
}
