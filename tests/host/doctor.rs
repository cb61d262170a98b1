//! `basalt doctor`: its shape, its exit codes, and that it leaves no trace. What it thinks of this
//! host is not for a test to say.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::Server;
use crate::common::server::{self, Options};
use crate::json::Json;

/// Runs the doctor in `home`.
fn doctor(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(server::target_program());
    command.arg("doctor").args(arguments).current_dir(home);
    command.output().expect("run the doctor")
}

fn json(home: &Path, arguments: &[&str]) -> (Json, i32) {
    let output = doctor(home, &[arguments, &["--json"]].concat());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (Json::parse(&text), output.status.code().expect("an exit code"))
}

fn check<'a>(report: &'a Json, name: &str) -> &'a Json {
    let checks = report.get("checks").list();
    let found = checks.iter().find(|check| check.get("check").text() == name);
    found.unwrap_or_else(|| panic!("no check {name} in {report:?}"))
}

/// A directory that only its owner sees into, as the server makes its own.
fn private_home() -> std::path::PathBuf {
    let home = server::new_home();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("chmod");
    home
}

#[test]
fn the_report_has_every_check_and_leaves_nothing_behind() {
    if server::target_is_redis() {
        return;
    }
    let home = private_home();
    let dir = home.display().to_string();
    let (report, code) = json(&home, &["--dir", &dir, "--port", "7"]);
    assert_eq!(report.get("directory").text(), dir);
    let mut counts = [0; 4];
    let levels = ["OK", "SKIP", "WARN", "FAIL"];
    let checks = report.get("checks").list();
    assert!(checks.len() >= 20, "{report:?}");
    for check in checks {
        let level = check.get("level").text();
        let index = levels.iter().position(|known| *known == level).expect("a known level");
        counts[index] += 1;
        assert!(!check.get("seen").text().is_empty(), "{check:?}");
        assert_eq!(index >= 2, !check.get("fix").text().is_empty(), "{check:?}");
    }
    let totals = ["ok", "skip", "warn", "fail"].map(|name| report.get(name).number());
    assert_eq!(totals, counts);
    assert_eq!(code, if counts[3] > 0 { 2 } else { 0 });
    // Every other test starts a server here, so these are well.
    assert_eq!(check(&report, "io-uring").get("level").text(), "OK");
    assert_eq!(check(&report, "data-directory").get("level").text(), "OK");
    let sync = check(&report, "sync-latency").get("numbers");
    let [writes, p50, p99, max] =
        ["writes", "p50_us", "p99_us", "max_us"].map(|name| sync.get(name).number());
    assert!((1..=200).contains(&writes) && p50 <= p99 && p99 <= max, "{sync:?}");
    assert_eq!(fs::read_dir(&home).expect("list").count(), 0, "something was left in {dir}");
    server::remove_home(&home);
}

#[test]
fn a_directory_that_is_not_there_is_not_made() {
    if server::target_is_redis() {
        return;
    }
    let home = private_home();
    let file = home.join("basalt.conf");
    fs::write(&file, format!("dir {}/new/data\nmaxclients 17\n", home.display())).expect("write");
    let (report, code) = json(&home, &["basalt.conf", "--tcp-backlog", "2147483647"]);
    assert_eq!(report.get("directory").text(), home.join("new/data").display().to_string());
    let directory = check(&report, "data-directory");
    assert_eq!((directory.get("level").text(), code), ("FAIL", 2));
    assert!(directory.get("fix").text().contains("install -d"), "{directory:?}");
    assert!(check(&report, "open-files").get("seen").text().contains("17 clients"), "{report:?}");
    assert_eq!(check(&report, "tcp-backlog").get("level").text(), "WARN");
    assert!(!home.join("new").exists());
    server::remove_home(&home);
}

#[test]
fn exit_codes_tell_failures_and_strict_warnings() {
    if server::target_is_redis() {
        return;
    }
    let home = private_home();
    let code = |arguments: &[&str]| doctor(&home, arguments).status.code();
    // What the server refuses, the doctor finds.
    let refused = doctor(&home, &["--nosuch-directive", "1"]);
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8_lossy(&refused.stdout);
    assert!(text.contains("FAIL") && text.contains("nosuch-directive"), "{text}");
    // More memory than there is anywhere.
    assert_eq!(code(&["--maxmemory", "1000000gb"]), Some(2));
    // A warning, and of failures only those that this host has by itself.
    let plain = code(&["--tcp-backlog", "2147483647"]);
    let strict = code(&["--tcp-backlog", "2147483647", "--strict"]);
    assert!(matches!((plain, strict), (Some(0), Some(1)) | (Some(2), Some(2))), "{plain:?}");
    let text = doctor(&home, &["--tcp-backlog", "2147483647"]).stdout;
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(text.contains("fix: sysctl -w net.core.somaxconn=2147483647"), "{text}");
    server::remove_home(&home);
}

#[test]
fn a_running_server_is_seen_and_left_alone() {
    if server::target_is_redis() {
        return;
    }
    let mut server = Server::with(Options::default().shards(2));
    server.client().ok("SET key value");
    let dir = server.dir();
    let names = || {
        let listed = fs::read_dir(&dir).expect("list");
        let mut names: Vec<_> = listed.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    };
    let (before, shown) = (names(), dir.display().to_string());
    let (report, _) = json(&dir, &["--dir", &shown]);
    let seen = check(&report, "data-directory").get("seen").text();
    assert!(seen.contains(&format!("in use by process {}", server.pid())), "{seen}");
    assert_eq!(names(), before);
    assert_eq!(server.client().run("GET key").text(), "value");
    // Its shards count, not this host's processors; and another number is refused.
    server.terminate();
    let (report, _) = json(&dir, &["--dir", &shown]);
    assert_eq!(check(&report, "processors").get("numbers").get("shards").number(), 2);
    let (report, code) = json(&dir, &["--dir", &shown, "--shards", "3"]);
    assert_eq!((check(&report, "data-directory").get("level").text(), code), ("FAIL", 2));
    server.restart();
    assert_eq!(server.client().run("GET key").text(), "value");
}
