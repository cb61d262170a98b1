//! The binary against a server inside the test, and against redis-server where there is one.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends by panicking")]

mod fake_server;
#[expect(dead_code, reason = "each test program uses its own part of it")]
mod redis;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use fake_server::{Behaviour, FakeServer};
use redis::Redis;
use serde_json::Value;

/// Runs the tool and gives its output with its JSON report (null if it wrote none).
fn loadtest(name: &str, options: &[&str]) -> (Output, Value) {
    let path: PathBuf =
        std::env::temp_dir().join(format!("basalt-loadtest-{}-{name}.json", std::process::id()));
    let output = Command::new(env!("CARGO_BIN_EXE_basalt-loadtest"))
        .args(options)
        .arg("--json")
        .arg(&path)
        .output()
        .expect("the binary runs");
    let report = std::fs::read_to_string(&path)
        .map_or(Value::Null, |text| serde_json::from_str(&text).expect("JSON"));
    let _ = std::fs::remove_file(&path);
    (output, report)
}

#[track_caller]
fn assert_status(output: &Output, status: i32) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "stderr: {text}");
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number: {value}"))
}

const FULL_MIX: &str =
    "get,set,append,incr,mget,mset,del,hset,hget,hgetall,hdel,expire,persist,ping";

#[test]
fn closed_loop_sends_exactly_what_was_asked_for() {
    let server = FakeServer::start(Behaviour::default());
    let addr = server.addr.to_string();
    let (output, report) = loadtest(
        "closed",
        &[
            "run",
            "-a",
            &addr,
            "--mix",
            FULL_MIX,
            "-n",
            "5000",
            "-c",
            "5",
            "-P",
            "4",
            "-t",
            "2",
            "--keys",
            "20",
            "--fields",
            "3",
            "--prefill",
            "--warm-up",
            "0s",
            "--db",
            "2",
        ],
    );
    assert_status(&output, 0);
    let result = &report["result"];
    assert_eq!(number(&result["requests"]), 5000);
    assert_eq!(number(&result["errors"]["total"]), 0);
    let mut total = 0;
    for (name, command) in result["commands"].as_object().expect("an object") {
        let sent = server.count(&name.to_ascii_uppercase());
        // SET and HSET wrote the keys first, and a PING asked whether the server is there.
        let before = match name.as_str() {
            "set" => 40,
            "hset" => 20,
            "ping" => 1,
            _ => 0,
        };
        assert_eq!(number(&command["requests"]), sent - before, "{name}");
        total += sent - before;
    }
    assert_eq!(total, 5000);
    assert_eq!(server.count_of("SET", "key:counter:000000000019"), 1);
    // Only HGETALL is answered with nothing; a nil inside an MGET is not counted.
    assert_eq!(number(&result["nil_replies"]), server.count("HGETALL"));
    assert_eq!(report["server"]["redis_version"], "7.2.0");
    assert!(result["server_cpu"]["us_per_op"].as_f64().is_some(), "{result}");
    assert!(number(&result["server_memory"]["rss_bytes"]) > 0);
    // Each connection selects the database: one to look, two times up to five to load.
    assert_eq!(server.count("SELECT"), 1 + 5 + 5);
}

#[test]
fn open_loop_counts_a_stall_against_every_request_it_held_up() {
    let stall = Duration::from_millis(500);
    let server = FakeServer::start(Behaviour { stall: Some((500, stall)), ..Default::default() });
    let addr = server.addr.to_string();
    let (output, report) = loadtest(
        "stall",
        &[
            "run",
            "-a",
            &addr,
            "--mix",
            "get",
            "--rate",
            "1000",
            "--duration",
            "2s",
            "--warm-up",
            "0s",
            "-c",
            "2",
            "--interval",
            "250ms",
            "--quiet",
        ],
    );
    assert_status(&output, 0);
    let result = &report["result"];
    assert_eq!(number(&result["requests"]), 2000);
    assert_eq!(number(&result["unsent"]), 0);
    // A quarter of the requests came due during the stall. If only the two that were in flight
    // had noticed it, 99.9% would be fast.
    let p90 = result["latency_us"]["p90"].as_f64().expect("a number");
    assert!(p90 > 150_000.0, "p90 is {p90} us");
    let max = result["latency_us"]["max"].as_f64().expect("a number");
    assert!((450_000.0..2_000_000.0).contains(&max), "max is {max} us");
    assert!(output.stderr.is_empty(), "--quiet shows no progress");
    // The timeline shows where: in the interval in which the late replies came.
    let timeline = result["timeline"].as_array().expect("a list");
    let of_interval = |moment: &Value, name: &str| moment["commands"]["get"][name].as_f64();
    let slow = timeline.iter().filter(|moment| of_interval(moment, "p99_us") > Some(100_000.0));
    assert!(slow.count() >= 1, "{timeline:?}");
    let counted: f64 = timeline.iter().filter_map(|moment| of_interval(moment, "requests")).sum();
    assert!((1500.0..=2000.0).contains(&counted), "{timeline:?}");
}

#[test]
fn an_overloaded_server_is_reported_as_such() {
    let delay = Duration::from_millis(20);
    let server = FakeServer::start(Behaviour { delay, ..Default::default() });
    let addr = server.addr.to_string();
    let (output, report) = loadtest(
        "overload",
        &[
            "run",
            "-a",
            &addr,
            "--mix",
            "get",
            "--rate",
            "10000",
            "--duration",
            "1s",
            "--warm-up",
            "0s",
            "-c",
            "2",
        ],
    );
    assert_status(&output, 0);
    let result = &report["result"];
    assert_eq!(number(&result["unsent"]) + number(&result["requests"]), 10_000);
    assert!(number(&result["unsent"]) > 5000);
    assert!(String::from_utf8_lossy(&output.stdout).contains("OVERLOAD"));
}

#[test]
fn error_replies_are_counted_by_their_first_word() {
    let server = FakeServer::start(Behaviour { refuse: Some("SET"), ..Default::default() });
    let addr = server.addr.to_string();
    let (output, report) = loadtest(
        "errors",
        &["run", "-a", &addr, "--read-share", "0.5", "-n", "1000", "--warm-up", "0s"],
    );
    assert_status(&output, 2);
    let errors = &report["result"]["errors"];
    assert_eq!(number(&errors["replies"]["OOM"]["count"]), server.count("SET"));
    assert_eq!(errors["replies"]["OOM"]["example"], "OOM command not allowed");
    assert_eq!(number(&errors["total"]), server.count("SET"));
}

#[test]
fn lost_connections_are_counted_and_opened_again() {
    let server = FakeServer::start(Behaviour { close_after: Some(50), ..Default::default() });
    let addr = server.addr.to_string();
    let (output, report) = loadtest(
        "closing",
        &["run", "-a", &addr, "--mix", "get", "--duration", "1s", "--warm-up", "0s", "-c", "4"],
    );
    assert_status(&output, 2);
    let result = &report["result"];
    let disconnects = number(&result["errors"]["disconnects"]);
    assert!(disconnects > 4, "{result}");
    assert_eq!(number(&result["errors"]["lost_requests"]), disconnects);
    assert!(number(&result["requests"]) > 4 * 50, "{result}");
}

#[test]
fn silent_connections_time_out_and_their_wait_is_a_latency() {
    let server = FakeServer::start(Behaviour { mute_after: Some(50), ..Default::default() });
    let addr = server.addr.to_string();
    let (output, report) = loadtest(
        "mute",
        &[
            "run",
            "-a",
            &addr,
            "--mix",
            "get",
            "--duration",
            "1s",
            "--warm-up",
            "0s",
            "-c",
            "4",
            "--timeout",
            "300ms",
        ],
    );
    assert_status(&output, 2);
    let result = &report["result"];
    assert!(number(&result["errors"]["timeouts"]) >= 4, "{result}");
    assert!(result["latency_us"]["max"].as_f64().expect("a number") > 300_000.0);
}

#[test]
fn passwords_are_sent_and_a_refusal_ends_the_run() {
    let server = FakeServer::start(Behaviour { password: Some("pw"), ..Default::default() });
    let addr = server.addr.to_string();
    let run = |password: Option<&str>| {
        let mut options = vec!["run", "-a", &addr, "-n", "100", "--warm-up", "0s"];
        options.extend(password.iter().flat_map(|password| ["--auth", password]));
        loadtest("auth", &options)
    };
    let (output, report) = run(Some("pw"));
    assert_status(&output, 0);
    assert_eq!(number(&report["result"]["requests"]), 100);
    let (output, report) = run(Some("other"));
    assert_status(&output, 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("WRONGPASS"));
    assert_eq!(report, Value::Null);
    let (output, _) = run(None);
    assert_status(&output, 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("NOAUTH"));
}

#[test]
fn no_server_is_said_so() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = free.local_addr().expect("bound").to_string();
    drop(free);
    let (output, _) = loadtest("nobody", &["run", "-a", &addr]);
    assert_status(&output, 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains(&addr));
}

#[test]
fn comparison_alternates_and_gives_ratios_to_the_first() {
    let delay = Duration::from_millis(5);
    let slow = FakeServer::start(Behaviour { delay, ..Default::default() });
    let fast = FakeServer::start(Behaviour::default());
    let slow_target = format!("slow={}", slow.addr);
    let fast_target = format!("fast={},pid={}", fast.addr, std::process::id());
    let (output, report) = loadtest(
        "compare",
        &[
            "compare",
            "--target",
            &slow_target,
            "--target",
            &fast_target,
            "--rounds",
            "3",
            "--pause",
            "0s",
            "--duration",
            "300ms",
            "--warm-up",
            "100ms",
            "-c",
            "4",
            "--quiet",
        ],
    );
    assert_status(&output, 0);
    let targets = report["targets"].as_array().expect("a list");
    assert_eq!(targets.len(), 2);
    for target in targets {
        assert_eq!(target["rounds"].as_array().expect("a list").len(), 3);
    }
    let ratio = |index: usize| &targets[index]["metrics"]["throughput"]["ratio_to_first"];
    assert_eq!(ratio(0).as_f64(), Some(1.0));
    assert!(ratio(1).as_f64().expect("a number") > 1.5, "{}", ratio(1));
    let text = String::from_utf8_lossy(&output.stdout);
    let order: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("round ")?.split_whitespace().nth(1))
        .collect();
    assert_eq!(order, ["slow", "fast", "fast", "slow", "slow", "fast"]);
}

#[test]
fn idle_connections_are_weighed() {
    let server = FakeServer::start(Behaviour::default());
    let addr = server.addr.to_string();
    let (output, report) =
        loadtest("idle", &["idle", "-a", &addr, "-c", "20", "--settle", "100ms"]);
    assert_status(&output, 0);
    assert_eq!(server.count("PING"), 21);
    assert!(report["rss_bytes_per_connection"].as_f64().is_some(), "{report}");
}

#[test]
fn redis_server_understands_every_command() {
    let Some(redis) = Redis::start() else {
        eprintln!("skipped: no redis-server here");
        return;
    };
    for distribution in ["uniform", "zipf", "sequential"] {
        let (output, report) = loadtest(
            distribution,
            &[
                "run",
                "-a",
                &redis.addr,
                "--mix",
                FULL_MIX,
                "-n",
                "20k",
                "-P",
                "8",
                "--keys",
                "500",
                "--value-size",
                "0-300",
                "--value-kind",
                "json",
                "--prefill",
                "--warm-up",
                "0s",
                "--distribution",
                distribution,
            ],
        );
        assert_status(&output, 0);
        assert_eq!(number(&report["result"]["requests"]), 20_000);
    }
    // With all keys written and none deleted, every read finds something.
    let (output, report) = loadtest(
        "hits",
        &[
            "run",
            "-a",
            &redis.addr,
            "--mix",
            "get,hget,hgetall",
            "-n",
            "10k",
            "--keys",
            "500",
            "--prefill",
            "--warm-up",
            "0s",
        ],
    );
    assert_status(&output, 0);
    assert_eq!(number(&report["result"]["nil_replies"]), 0);
}

#[test]
fn messages_to_subscribers_are_measured() {
    let Some(redis) = Redis::start() else {
        eprintln!("skipped: no redis-server here");
        return;
    };
    let target = |name: &str| format!("{name}={}", redis.addr);
    let (output, report) = loadtest(
        "publish",
        &[
            "publish",
            "--target",
            &target("one"),
            "--target",
            &target("same"),
            "--subscribers",
            "1,20",
            "-P",
            "4",
            "--rounds",
            "2",
            "--warm-up",
            "50ms",
            "--duration",
            "300ms",
            "--pause",
            "0s",
        ],
    );
    assert_status(&output, 0);
    let sections = report["sections"].as_array().expect("sections");
    assert_eq!(sections.len(), 2);
    for section in sections {
        let metrics = &section["targets"][1]["metrics"];
        let median = |key: &str| metrics[key]["median"].as_f64().expect("a figure");
        let (messages, deliveries) =
            (median("messages_per_second"), median("deliveries_per_second"));
        let subscribers = number(&section["subscribers"]) as f64;
        assert!(messages > 0.0, "{section}");
        // What is under way at the ends of the time counts at one of them only.
        assert!((deliveries / messages / subscribers - 1.0).abs() < 0.2, "{section}");
        assert!(metrics["deliveries_per_second"]["ratio_to_first"].as_f64().is_some());
    }
}
