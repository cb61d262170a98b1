//! The command line.
//!
//! Clap checks each option by itself; `LoadArgs::check` checks what options mean together.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::command::Mix;
use crate::error::{Failure, Result};
use crate::ledger;
use crate::rate::Arrivals;
use crate::template::{FIELD_COUNT_MAX, KEY_COUNT_MAX};
use crate::units::{parse_count, parse_cpus, parse_duration, parse_size_range};
use crate::values::{SizeRange, ValueKind, ValueSource};

/// Load generator for Basalt and any other server that speaks the Redis protocol
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) action: Action,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Load one server and report throughput, latency, errors and the server's CPU and memory
    Run(Box<RunArgs>),
    /// Put the same load on several servers in turn and report medians and ratios to the first
    Compare(Box<CompareArgs>),
    /// Open idle connections and report what each costs the server in memory
    Idle(IdleArgs),
    /// Publish to many subscribers on several servers in turn and report medians and ratios
    Publish(PublishArgs),
    /// Check that a server has what the ledger of a run says it acknowledged
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The server
    #[arg(short, long, default_value = "127.0.0.1:6379", value_name = "HOST:PORT")]
    pub(crate) addr: String,
    /// The server's process, for its CPU and memory; from INFO where the server is on this host
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// Keep account of all writes and what became of them in this file, for `verify`. The mix is
    /// of writes, each connection has keys of its own, and a lost connection stays lost
    #[arg(long, value_name = "FILE", conflicts_with_all = ["read_share", "prefill"])]
    pub(crate) ledger: Option<PathBuf>,
    #[command(flatten)]
    load: LoadArgs,
}

impl RunArgs {
    /// The load, checked.
    pub(crate) fn load(&self) -> Result<LoadArgs> {
        let mut load = self.load.clone();
        if self.ledger.is_some() {
            load.mix.get_or_insert_with(|| ledger::DEFAULT_MIX.to_owned());
            if let Some(other) =
                load.mix()?.commands().find(|&command| !ledger::can_record(command))
            {
                let name = other.name();
                return Err(Failure::new(format!("a ledger cannot account for '{name}'")));
            }
            if load.keys < u64::from(load.connections) {
                return Err(Failure::new(
                    "with a ledger, --keys is one for each connection or more",
                ));
            }
        }
        load.check()?;
        Ok(load)
    }
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The ledger that `run --ledger` has written
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: PathBuf,
    /// The server
    #[arg(short, long, default_value = "127.0.0.1:6379", value_name = "HOST:PORT")]
    pub(crate) addr: String,
    /// Writes acknowledged no longer than this before the end may be lost, if no later ones of
    /// their shard have survived [default: none may]
    #[arg(long, value_parser = parse_duration, value_name = "TIME")]
    pub(crate) may_lose: Option<Duration>,
    /// Shards of the server, over which its slots are dealt out evenly [default: its `CONFIG GET
    /// shards`, or 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=16384))]
    pub(crate) shards: Option<u32>,
    #[command(flatten)]
    pub(crate) login: LoginArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// A server; give it twice or more, the one to compare with first
    #[arg(long = "target", required = true, value_name = "NAME=HOST:PORT[,pid=N]")]
    #[arg(value_parser = parse_target)]
    pub(crate) targets: Vec<Target>,
    /// How often each server is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Rest between two measurements
    #[arg(long, default_value = "1s", value_parser = parse_duration, value_name = "TIME")]
    pub(crate) pause: Duration,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
}

#[derive(Debug, Args)]
pub(crate) struct IdleArgs {
    /// The server
    #[arg(short, long, default_value = "127.0.0.1:6379", value_name = "HOST:PORT")]
    pub(crate) addr: String,
    /// The server's process; from INFO where the server is on this host
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// How many connections to open
    #[arg(short, long, default_value = "1000", value_parser = parse_count)]
    pub(crate) connections: u64,
    /// Let the server settle for this long before each look at its memory
    #[arg(long, default_value = "1s", value_parser = parse_duration, value_name = "TIME")]
    pub(crate) settle: Duration,
    #[command(flatten)]
    pub(crate) login: LoginArgs,
    /// Write the result to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PublishArgs {
    /// A server; the first is the one to compare with
    #[arg(long = "target", required = true, value_name = "NAME=HOST:PORT[,pid=N]")]
    #[arg(value_parser = parse_target)]
    pub(crate) targets: Vec<Target>,
    /// How many subscribers, one table each
    #[arg(long, default_value = "1,100,1000", value_delimiter = ',', value_name = "LIST")]
    #[arg(value_parser = parse_count)]
    pub(crate) subscribers: Vec<u64>,
    /// Connections that publish
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) publishers: u32,
    /// Messages that each of them sends at once
    #[arg(short = 'P', long, default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) pipeline: u32,
    /// Bytes of a message
    #[arg(short = 'd', long, default_value_t = 100)]
    pub(crate) message_size: usize,
    /// How often each server is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Rest between two measurements
    #[arg(long, default_value = "500ms", value_parser = parse_duration, value_name = "TIME")]
    pub(crate) pause: Duration,
    /// Load without measuring for this long first
    #[arg(short, long, default_value = "500ms", value_parser = parse_duration, value_name = "TIME")]
    pub(crate) warm_up: Duration,
    /// Measure for this long
    #[arg(long, default_value = "3s", value_parser = parse_duration, value_name = "TIME")]
    pub(crate) duration: Duration,
    #[command(flatten)]
    pub(crate) login: LoginArgs,
    /// Write the result to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// A server to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) addr: String,
    pub(crate) pid: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Distribution {
    /// Every key as often as any other
    Uniform,
    /// Few keys often, many rarely; see --theta
    Zipf,
    /// One key after the other
    Sequential,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct LoginArgs {
    /// Password for AUTH (default: the environment's REDISCLI_AUTH)
    #[arg(long, value_name = "PASSWORD")]
    pub(crate) auth: Option<String>,
    /// User for AUTH
    #[arg(long, requires = "auth")]
    pub(crate) user: Option<String>,
    /// Database to SELECT
    #[arg(long, default_value_t = 0)]
    pub(crate) db: u32,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct LoadArgs {
    /// Connections, over all threads
    #[arg(short = 'c', long, default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: u32,
    /// Requests a connection may have unanswered; a closed loop sends as many at once
    #[arg(short = 'P', long, default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) pipeline: u32,
    /// Client threads
    #[arg(short, long, default_value_t = 1)]
    pub(crate) threads: usize,
    /// Pin the client threads to these CPUs, one each in turn
    #[arg(long, value_name = "LIST", value_parser = parse_cpus)]
    pub(crate) cpus: Option<CpuList>,
    /// Open loop: this many requests per second over all threads, whatever the server does
    #[arg(short, long, value_name = "PER_SECOND")]
    pub(crate) rate: Option<f64>,
    /// The gaps between the requests of an open loop
    #[arg(long, value_enum, default_value = "even")]
    pub(crate) arrivals: Arrivals,
    /// Never sleep while waiting: exact sending times for an open loop, at the price of whole CPUs
    #[arg(long)]
    pub(crate) spin: bool,

    /// Commands and their weights: get, set, append, incr, mget, mset, del, hset, hget, hgetall,
    /// hdel, expire, persist, ping
    #[arg(short, long, value_name = "CMD=WEIGHT,…", conflicts_with = "read_share")]
    mix: Option<String>,
    /// Short for a mix of get and set, with this share (0 to 1) of get [default: 0.9]
    #[arg(long, value_name = "SHARE")]
    read_share: Option<f64>,
    /// Keys of each type
    #[arg(short, long, default_value = "100k", value_parser = parse_count, value_name = "COUNT")]
    pub(crate) keys: u64,
    /// Which keys are used
    #[arg(long, value_enum, default_value = "uniform")]
    pub(crate) distribution: Distribution,
    /// Skew of zipf: key of rank r is used in proportion to 1 / r^theta
    #[arg(long, default_value_t = 0.99)]
    pub(crate) theta: f64,
    /// What every key begins with
    #[arg(long, default_value = "key:", value_name = "TEXT")]
    pub(crate) key_prefix: String,
    /// Bytes of a value, or a range of sizes as in 10-1000
    #[arg(short = 'd', long, default_value = "100")]
    #[arg(value_parser = parse_size_range, value_name = "BYTES")]
    value_size: SizeRange,
    /// What values look like
    #[arg(long, value_enum, default_value = "random")]
    value_kind: ValueKind,
    /// Keys in each mget and mset
    #[arg(long, default_value_t = 10, value_name = "COUNT")]
    pub(crate) keys_per_command: usize,
    /// Fields in each hash
    #[arg(long, default_value_t = 10, value_name = "COUNT")]
    pub(crate) fields: u64,
    /// The time to live that expire sets
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    pub(crate) expire_seconds: u64,
    /// Write every key once before anything is measured
    #[arg(long)]
    pub(crate) prefill: bool,

    /// Load without measuring for this long first
    #[arg(short, long, default_value = "1s", value_parser = parse_duration, value_name = "TIME")]
    pub(crate) warm_up: Duration,
    /// Measure for this long
    #[arg(long, default_value = "10s", value_parser = parse_duration, value_name = "TIME")]
    pub(crate) duration: Duration,
    /// Measure this many requests instead
    #[arg(short = 'n', long)]
    #[arg(value_parser = parse_count, conflicts_with = "duration", value_name = "COUNT")]
    pub(crate) requests: Option<u64>,
    /// How long one progress line and one row of the JSON timeline cover
    #[arg(long, default_value = "1s", value_parser = parse_duration, value_name = "TIME")]
    pub(crate) interval: Duration,
    /// A connection without any reply for this long is given up and opened anew
    #[arg(long, default_value = "10s", value_parser = parse_duration, value_name = "TIME")]
    pub(crate) timeout: Duration,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) login: LoginArgs,

    /// Write the results to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// No progress lines
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Threads hand in their part of an interval up to 100 ms late, when nothing wakes them.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// An alias, because clap takes a `Vec` written out as "may be given several times".
pub(crate) type CpuList = Vec<usize>;

impl LoadArgs {
    pub(crate) fn mix(&self) -> Result<Mix> {
        match (&self.mix, self.read_share) {
            (Some(text), _) => Mix::parse(text),
            (None, share) => Ok(Mix::reads_and_writes(share.unwrap_or(0.9))),
        }
    }

    pub(crate) fn values(&self) -> ValueSource {
        ValueSource { sizes: self.value_size, kind: self.value_kind }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let rules = [
            (
                self.read_share.is_none_or(|share| (0.0..=1.0).contains(&share)),
                "--read-share lies between 0 and 1",
            ),
            (
                self.rate.is_none_or(|rate| rate.is_finite() && rate >= 0.001),
                "--rate is a positive number",
            ),
            (!self.spin || self.rate.is_some(), "--spin is of use with --rate only"),
            (
                self.theta.is_finite() && self.theta > 0.0 && self.theta <= 10.0,
                "--theta lies above 0 and up to 10",
            ),
            (self.keys <= KEY_COUNT_MAX, "--keys goes up to 10^12"),
            ((1..=FIELD_COUNT_MAX).contains(&self.fields), "--fields lies in 1..10000"),
            (
                (1..=100_000).contains(&self.keys_per_command),
                "--keys-per-command lies in 1..100000",
            ),
            (
                (1..=self.connections as usize).contains(&self.threads),
                "--threads is at least 1 and at most the number of connections",
            ),
            (!self.timeout.is_zero(), "--timeout is longer than nothing"),
            (!self.duration.is_zero(), "--duration is longer than nothing"),
            (self.interval >= INTERVAL_MIN, "--interval is at least 100ms"),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(Failure::new(*rule)),
            None => self.mix().map(|_| ()),
        }
    }
}

fn parse_target(text: &str) -> Result<Target> {
    let wrong = || Failure::new(format!("'{text}' is not NAME=HOST:PORT[,pid=N]"));
    let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (addr, option) = match rest.split_once(',') {
        Some((addr, option)) => (addr, Some(option)),
        None => (rest, None),
    };
    let pid = match option {
        Some(option) => {
            let number = option.strip_prefix("pid=").ok_or_else(wrong)?;
            Some(number.parse().map_err(|_| wrong())?)
        }
        None => None,
    };
    if name.is_empty() || !addr.contains(':') {
        return Err(wrong());
    }
    Ok(Target { name: name.to_owned(), addr: addr.to_owned(), pid })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use clap::CommandFactory;

    /// The load that these options of `run` describe.
    pub(crate) fn load_of(options: &[&str]) -> LoadArgs {
        let line = ["basalt-loadtest", "run"].iter().chain(options);
        match Cli::try_parse_from(line).expect("valid options").action {
            Action::Run(run) => run.load,
            other => panic!("not a run: {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_describe_a_sensible_load() {
        let load = load_of(&[]);
        load.check().expect("valid");
        assert_eq!(load.mix().expect("valid").describe(), "get=90,set=10");
        assert_eq!((load.connections, load.pipeline, load.threads), (50, 1, 1));
        assert_eq!(load.keys, 100_000);
    }

    #[test]
    fn short_and_long_options() {
        let load = load_of(&[
            "-c", "8", "-P", "16", "-t", "2", "-n", "5k", "-d", "1-9", "--cpus", "0-1", "--mix",
            "incr", "--rate", "1000.5", "--auth", "p", "--user", "u", "--db", "3",
        ]);
        load.check().expect("valid");
        assert_eq!((load.connections, load.pipeline, load.threads), (8, 16, 2));
        assert_eq!(load.requests, Some(5000));
        assert_eq!(load.values().sizes, SizeRange { min: 1, max: 9 });
        assert_eq!(load.cpus, Some(vec![0, 1]));
        assert_eq!(load.rate, Some(1000.5));
        assert_eq!(load.login.db, 3);
    }

    #[test]
    fn options_that_clash_are_refused() {
        let lines: [&[&str]; 5] = [
            &["--mix", "get", "--read-share", "0.5"],
            &["-n", "5", "--duration", "1s"],
            &["--user", "u"],
            &["-c", "0"],
            &["--keys", "0"],
        ];
        for options in lines {
            let line = ["basalt-loadtest", "run"].iter().chain(options);
            assert!(Cli::try_parse_from(line).is_err(), "{options:?}");
        }
    }

    #[test]
    fn options_out_of_bounds_are_refused() {
        let lines: [&[&str]; 10] = [
            &["--read-share", "1.1"],
            &["--rate", "0"],
            &["--rate", "NaN"],
            &["--theta", "0"],
            &["--spin"],
            &["--fields", "0"],
            &["--threads", "51"],
            &["--mix", "flushall"],
            &["--duration", "0s"],
            &["--interval", "10ms"],
        ];
        for options in lines {
            assert!(load_of(options).check().is_err(), "{options:?}");
        }
    }

    #[test]
    fn targets() {
        let target = parse_target("base=localhost:1,pid=7").expect("valid");
        assert_eq!(
            target,
            Target { name: "base".into(), addr: "localhost:1".into(), pid: Some(7) }
        );
        assert_eq!(parse_target("v6=[::1]:6379").expect("valid").addr, "[::1]:6379");
        for text in ["", "a", "=h:1", "a=h", "a=h:1,pid=x", "a=h:1,cpu=1"] {
            assert!(parse_target(text).is_err(), "{text}");
        }
    }
}
