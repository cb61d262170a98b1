//! The scripts in `tuning/`, on copies of the kernel's files; on the real ones only what changes
//! nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::env;
use crate::common::server;

/// Settings as a host has them that nobody has tuned.
const FILES: &[(&str, &str)] = &[
    ("proc/sys/kernel/random/boot_id", "first"),
    ("proc/sys/vm/swappiness", "60"),
    ("proc/sys/vm/overcommit_memory", "1"),
    ("proc/sys/vm/dirty_background_ratio", "10"),
    ("proc/sys/vm/dirty_background_bytes", "0"),
    ("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never"),
    ("proc/sys/net/core/somaxconn", "128"),
    ("proc/sys/kernel/io_uring_disabled", "2"),
    ("proc/sys/fs/nr_open", "1048576"),
    ("sys/block/disk/queue/scheduler", "none mq-deadline [bfq]"),
    ("sys/block/disk/queue/read_ahead_kb", "0"),
    ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave"),
    ("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance"),
];
const STATE: &str = "run/basalt-tuning.state";

struct Root(PathBuf);

impl Root {
    fn new() -> Self {
        let home = server::new_home();
        fs::create_dir(home.join("run")).expect("create run");
        for (path, text) in FILES {
            let path = home.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("create folders");
            fs::write(path, format!("{text}\n")).expect("write");
        }
        Self(home)
    }

    /// All files, by path.
    fn files(&self) -> BTreeMap<&'static str, String> {
        FILES.iter().map(|(path, _)| (*path, self.read(path))).collect()
    }

    fn read(&self, path: &str) -> String {
        let text = fs::read_to_string(self.0.join(path)).expect("read");
        text.trim_end().to_owned()
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.0.join(path), format!("{text}\n")).expect("write");
    }

    fn has_state(&self) -> bool {
        self.0.join(STATE).exists()
    }

    /// Runs a script on these files; gives what it printed and its exit code.
    fn run(&self, script: &str, arguments: &[&str]) -> (String, i32) {
        run(script, &[&["--disk", "disk"], arguments].concat(), Some(&self.0))
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        server::remove_home(&self.0);
    }
}

fn folder() -> PathBuf {
    let checkout = std::env::var_os("CARGO_MANIFEST_DIR");
    let checkout = checkout.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&checkout).join("tuning")
}

fn run(script: &str, arguments: &[&str], root: Option<&Path>) -> (String, i32) {
    let mut command = Command::new("bash");
    command.arg(folder().join(script)).args(arguments);
    if let Some(root) = root {
        command.env("BASALT_TUNING_ROOT", root);
    }
    let output = command.output().expect("run bash");
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    (printed, output.status.code().expect("an exit code"))
}

#[test]
fn check_tells_what_is_not_as_wanted() {
    let root = Root::new();
    let before = root.files();
    let (printed, code) = root.run("check.sh", &[]);
    assert_eq!(code, 1, "{printed}");
    let of = |knob: &str| printed.lines().find(|line| line.contains(knob)).expect("a line");
    for knob in
        ["swappiness", "huge-pages", "somaxconn", "io-uring", "scheduler", "read-ahead", "governor"]
    {
        assert!(of(knob).starts_with("CHANGE"), "{knob}: {printed}");
    }
    assert!(of("overcommit").starts_with("OK"), "{printed}");
    assert!(of("syn-backlog").contains("not on this host"), "{printed}");
    assert_eq!(root.files(), before);
}

#[test]
fn apply_sets_what_is_not_as_wanted_and_revert_puts_it_back() {
    let root = Root::new();
    let before = root.files();
    let (printed, code) = root.run("apply.sh", &[]);
    assert_eq!(code, 0, "{printed}");
    let after = root.files();
    for (path, value) in [
        ("proc/sys/vm/swappiness", "1"),
        ("proc/sys/vm/overcommit_memory", "1"),
        ("sys/kernel/mm/transparent_hugepage/enabled", "madvise"),
        ("proc/sys/net/core/somaxconn", "4096"),
        ("proc/sys/kernel/io_uring_disabled", "0"),
        ("sys/block/disk/queue/scheduler", "mq-deadline"),
        ("sys/block/disk/queue/read_ahead_kb", "128"),
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance"),
    ] {
        assert_eq!(after[path], value, "{path}");
    }
    assert_eq!(root.run("check.sh", &[]).1, 0);
    // A second time there is nothing to do, and what was there first is not forgotten.
    assert_eq!(root.run("apply.sh", &[]), (String::new(), 0));
    root.write("proc/sys/vm/swappiness", "100");
    root.run("apply.sh", &[]);
    assert_eq!(root.read("proc/sys/vm/swappiness"), "1");

    let (printed, code) = root.run("revert.sh", &["--dry-run"]);
    assert!(code == 0 && printed.contains("would set swappiness: 1 -> 60"), "{printed}");
    assert_eq!(root.files(), after);
    let (printed, code) = root.run("revert.sh", &[]);
    assert_eq!(code, 0, "{printed}");
    let mut expected = before;
    // The kernel reads a word and shows all of them; a copy holds what was written.
    for (path, word) in [
        ("sys/kernel/mm/transparent_hugepage/enabled", "always"),
        ("sys/block/disk/queue/scheduler", "bfq"),
    ] {
        expected.insert(path, word.to_owned());
    }
    assert_eq!(root.files(), expected);
    assert!(!root.has_state());
    assert!(root.run("revert.sh", &[]).0.contains("nothing to revert"));
}

#[test]
fn a_dry_run_changes_nothing() {
    let root = Root::new();
    let before = root.files();
    let (printed, code) = root.run("apply.sh", &["--dry-run"]);
    assert!(code == 0 && printed.contains("would set somaxconn: 128 -> 4096"), "{printed}");
    assert_eq!(root.files(), before);
    assert!(!root.has_state());
}

#[test]
fn knobs_can_be_chosen_and_left_out() {
    let root = Root::new();
    root.run("apply.sh", &["--only", "swappiness,io-uring", "--skip", "io-uring"]);
    assert_eq!(root.read("proc/sys/vm/swappiness"), "1");
    assert_eq!(root.read("proc/sys/kernel/io_uring_disabled"), "2");
    assert_eq!(root.read("proc/sys/net/core/somaxconn"), "128");
    let (printed, code) = root.run("apply.sh", &["--only", "nosuch"]);
    assert!(code == 2 && printed.contains("nosuch"), "{printed}");
    assert_eq!(root.run("check.sh", &["--nosuch"]).1, 2);
}

/// The kernel has two forms of this one, and writing the one makes the other 0.
#[test]
fn a_share_of_memory_comes_back_as_a_share() {
    let root = Root::new();
    let (bytes, ratio) =
        ("proc/sys/vm/dirty_background_bytes", "proc/sys/vm/dirty_background_ratio");
    root.run("apply.sh", &[]);
    assert_eq!(root.read(bytes), "0", "only where it is asked for");
    let (printed, code) = root.run("apply.sh", &["--only", "dirty-background"]);
    assert!(code == 0 && printed.contains("ratio:10 -> 67108864"), "{printed}");
    assert_eq!(root.read(bytes), "67108864");
    root.write(ratio, "0");
    root.run("revert.sh", &[]);
    assert_eq!(root.read(ratio), "10");
}

#[test]
fn what_was_saved_before_a_boot_is_not_put_back() {
    let root = Root::new();
    root.run("apply.sh", &["--only", "swappiness"]);
    // The boot has made it something else.
    root.write("proc/sys/kernel/random/boot_id", "second");
    root.write("proc/sys/vm/swappiness", "30");
    assert!(root.run("revert.sh", &["--dry-run"]).0.contains("nothing to revert"));
    root.run("apply.sh", &["--only", "swappiness"]);
    root.run("revert.sh", &[]);
    assert_eq!(root.read("proc/sys/vm/swappiness"), "30");
}

/// On the host itself, with what changes nothing there.
#[test]
fn check_and_dry_runs_work_on_this_host() {
    let files = ["/proc/sys/vm/swappiness", "/proc/sys/net/core/somaxconn"];
    let read = || files.map(|file| fs::read_to_string(file).expect("read"));
    let before = read();
    let (printed, code) = run("check.sh", &["--dir", "/nowhere/at/all"], None);
    assert!(matches!(code, 0 | 1) && printed.contains("swappiness"), "{code}: {printed}");
    let (printed, dry) = run("apply.sh", &["--dry-run"], None);
    assert_eq!(dry, 0, "{printed}");
    assert_eq!(read(), before);
}

#[test]
fn the_scripts_are_clean() {
    if env::tool_or_skip("shellcheck", "it reads the scripts of tuning/").is_none() {
        return;
    }
    let mut command = Command::new("shellcheck");
    command.arg("-x").args(["knobs.sh", "check.sh", "apply.sh", "revert.sh"]);
    // Paths in the scripts are relative to the checkout.
    command.args(["-P", ".."]).current_dir(folder());
    let output = command.output().expect("run shellcheck");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
