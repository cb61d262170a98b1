//! The benchmark report: its unit tests, and a short run of one of its sections.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends by panicking")]
#![expect(clippy::print_stderr, reason = "what is skipped is said on the terminal")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// As a guard against what hangs; the run takes some seconds.
const SECONDS_MAX: &str = "120";

fn report_directory() -> PathBuf {
    let root = std::env::var_os("CARGO_MANIFEST_DIR");
    root.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from).join("report")
}

/// Says what is missing and skips the test, but not in CI, which can have it all.
fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "no {program}");
    if !found {
        eprintln!("skipped: no {program} here");
    }
    found
}

fn run(command: &mut Command) -> String {
    let output = command.env("PYTHONDONTWRITEBYTECODE", "1").output().expect("the command runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    text
}

#[test]
fn what_computes_is_tested() {
    if is_there("python3") {
        let mut python = Command::new("python3");
        run(python.args(["-m", "unittest", "discover"]).current_dir(report_directory()));
    }
}

#[test]
fn a_section_is_measured_and_leaves_nothing_but_the_report() {
    let binaries = Path::new(env!("CARGO_BIN_EXE_basalt-loadtest")).parent().expect("a directory");
    let basalt = binaries.join("basalt");
    let missing = ["python3", "redis-server", &basalt.to_string_lossy()]
        .iter()
        .any(|program| !is_there(program));
    if missing {
        return;
    }
    let scratch = std::env::temp_dir().join(format!("basalt-report-{}", std::process::id()));
    let (out, work) = (scratch.join("out"), scratch.join("work"));
    let mut report = Command::new("timeout");
    report.args([SECONDS_MAX, "python3"]).arg(report_directory().join("report.py"));
    report.args(["--quick", "--section", "open-loop", "--no-plots"]);
    report.args(["--rounds", "1", "--seconds", "0.2", "--keys", "1000"]);
    report.arg("--binaries").arg(binaries).arg("--out").arg(&out).arg("--work").arg(&work);
    let said = run(&mut report);
    let results = std::fs::read_to_string(out.join("results.json")).expect("results");
    let results: Value = serde_json::from_str(&results).expect("JSON");
    let section = &results["sections"]["open-loop"];
    let rows = section["tables"][0]["rows"].as_array().expect("rows");
    // Three servers, each in a closed and in an open loop.
    assert_eq!(rows.len(), 6, "{said}");
    for row in rows {
        // The rate and the percentiles; CPU is counted in ticks, of which there may be none yet.
        for column in [2, 6, 7, 8] {
            assert!(row[column].as_f64().is_some_and(|figure| figure > 0.0), "{row}\n{said}");
        }
    }
    let text = std::fs::read_to_string(out.join("report.md")).expect("the report");
    assert!(text.contains("| basalt 2 shards |"), "{text}");
    assert!(out.join("raw/open-loop-half.json").exists(), "raw figures are kept");
    assert_eq!(std::fs::read_dir(&work).expect("the directory").count(), 0, "data is left");
    std::fs::remove_dir_all(&scratch).expect("remove the test's own files");
}
