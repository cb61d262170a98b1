//! Results for programs. Times are in microseconds, sizes in bytes, and a figure that could not
//! be taken is null.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::args::LoadArgs;
use crate::error::{Failure, Result};
use crate::histogram::Summary;
use crate::process::Memory;
use crate::progress::Moment;
use crate::run::Outcome;
use crate::server::Server;

/// What every report begins with.
pub(crate) fn header() -> Map<String, Value> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut map = Map::new();
    map.insert("tool".to_owned(), json!("basalt-loadtest"));
    map.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
    map.insert("finished_at_unix_seconds".to_owned(), json!(now.as_secs()));
    map
}

pub(crate) fn server(server: &Server) -> Value {
    json!({
        "name": server.name,
        "addr": server.addr,
        "redis_version": server.version,
        "pid": server.pid,
    })
}

pub(crate) fn load(load: &LoadArgs) -> Result<Value> {
    let values = load.values();
    Ok(json!({
        "loop": if load.rate.is_some() { "open" } else { "closed" },
        "rate": load.rate,
        "arrivals": format!("{:?}", load.arrivals).to_lowercase(),
        "connections": load.connections,
        "pipeline": load.pipeline,
        "threads": load.threads,
        "cpus": load.cpus,
        "spin": load.spin,
        "mix": load.mix()?.describe(),
        "keys": load.keys,
        "distribution": format!("{:?}", load.distribution).to_lowercase(),
        "theta": load.theta,
        "key_prefix": load.key_prefix,
        "value_bytes_min": values.sizes.min,
        "value_bytes_max": values.sizes.max,
        "value_kind": format!("{:?}", values.kind).to_lowercase(),
        "keys_per_command": load.keys_per_command,
        "fields": load.fields,
        "prefill": load.prefill,
        "warm_up_seconds": load.warm_up.as_secs_f64(),
        "duration_seconds": load.requests.is_none().then_some(load.duration.as_secs_f64()),
        "requests": load.requests,
        "interval_seconds": load.interval.as_secs_f64(),
        "timeout_seconds": load.timeout.as_secs_f64(),
        "db": load.login.db,
        "seed": load.seed,
    }))
}

pub(crate) fn outcome(outcome: &Outcome) -> Value {
    let seconds = outcome.elapsed.as_secs_f64();
    let commands: Map<String, Value> = outcome
        .commands
        .iter()
        .map(|(name, summary)| ((*name).to_owned(), summary_with_rate(summary, seconds)))
        .collect();
    json!({
        "elapsed_seconds": seconds,
        "requests": outcome.requests,
        "throughput": outcome.throughput(),
        "latency_us": summary(&outcome.overall),
        "commands": commands,
        "nil_replies": outcome.nils,
        "errors": errors(outcome),
        "unsent": outcome.unsent,
        "send_delay_us": outcome.send_delay.as_ref().map(summary),
        "server_cpu": cpu(outcome),
        "server_memory": outcome.server_memory.as_ref().map(memory),
        "client_busy": outcome.client_busy,
        "timeline": outcome.timeline.iter().map(moment).collect::<Vec<_>>(),
    })
}

pub(crate) fn memory(memory: &Memory) -> Value {
    json!({ "rss_bytes": memory.rss, "pss_bytes": memory.pss })
}

/// The file is written whole or not at all, so that a reader never finds half a report.
pub(crate) fn write(path: &Path, report: Map<String, Value>) -> Result<()> {
    let text = serde_json::to_string_pretty(&Value::Object(report))
        .map_err(|error| Failure::new(error.to_string()))?;
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    fs::write(&partial, text + "\n")
        .and_then(|()| fs::rename(&partial, path))
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

fn summary(summary: &Summary) -> Value {
    let times = summary.times();
    Value::Object(times.iter().map(|&(name, time)| (name.to_owned(), json!(time))).collect())
}

fn summary_with_rate(of: &Summary, seconds: f64) -> Value {
    json!({
        "requests": of.count,
        "throughput": of.count as f64 / seconds,
        "latency_us": summary(of),
    })
}

fn errors(outcome: &Outcome) -> Value {
    let errors = &outcome.errors;
    let replies: Map<String, Value> = errors
        .replies
        .iter()
        .map(|(prefix, (count, example))| {
            (prefix.clone(), json!({ "count": count, "example": example }))
        })
        .collect();
    json!({
        "total": errors.total(),
        "replies": replies,
        "connect_failures": errors.connect_failures,
        "disconnects": errors.disconnects,
        "protocol": errors.protocol,
        "timeouts": errors.timeouts,
        "lost_requests": errors.lost_requests,
    })
}

fn cpu(outcome: &Outcome) -> Option<Value> {
    let (user, system) = outcome.cpu_per_operation()?;
    let used = outcome.server_cpu?.total().as_secs_f64();
    Some(json!({
        "us_per_op": user + system,
        "user_us_per_op": user,
        "system_us_per_op": system,
        "cores": used / outcome.elapsed.as_secs_f64(),
    }))
}

fn moment(moment: &Moment) -> Value {
    let commands: Map<String, Value> = moment
        .commands
        .iter()
        .map(|(name, of)| {
            let figures = json!({ "requests": of.count, "p50_us": of.p50, "p99_us": of.p99,
                "p99.9_us": of.p999, "max_us": of.max });
            ((*name).to_owned(), figures)
        })
        .collect();
    json!({
        "at_seconds": moment.at.as_secs_f64(),
        "measured": moment.measured,
        "throughput": moment.throughput,
        "errors": moment.errors,
        "max_us": moment.longest_micros,
        "commands": commands,
    })
}
