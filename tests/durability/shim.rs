//! The library `shim.c` in front of a server's file calls, built with `cc` once a process, and the
//! block of shared memory that steers it. What a server does with files while no fault is armed
//! is counted all the same.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::common::env;
use crate::common::server::{self, Options};

/// What a call that fails does instead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Fault {
    Eio = 1,
    Enospc,
    /// Writes do half of their work and say so; other calls fail with EIO.
    ShortWrite,
    /// The process ends before the call.
    Crash,
    /// The process ends after half of a write, or before any other call.
    TornWrite,
    /// Writes and syncs claim to have done what they have not.
    Lie,
}

/// Kinds of calls, to be added up.
pub const WRITE: u64 = 2;
pub const SYNC: u64 = 4;
/// Creating, writing, syncing, resizing, and naming.
pub const ALL: u64 = 31;

/// The exit status of a process that the shim ends.
pub const CRASH_STATUS: i32 = 77;

const BLOCK_BYTES: u64 = 4096;
const CALLS_AT: u64 = 0;
const HITS_AT: u64 = 8;
const FAULT_AT: u64 = 16;
const FIRST_CALL_AT: u64 = 24;
const CALL_COUNT_AT: u64 = 32;
const KINDS_AT: u64 = 40;
const PATTERN_AT: u64 = 48;
const PATTERN_BYTES: usize = 64;
const FIRST_HIT_AT: u64 = 112;
const FIRST_HIT_BYTES: usize = 512;

/// The shim of the servers on one data directory, which it removes on drop. Counts go on from one
/// server to the next.
pub struct Shim {
    library: PathBuf,
    /// Holds the data directory and the control block.
    home: PathBuf,
    control: File,
}

impl Shim {
    /// `None`, with a line that says so, where there is no C compiler.
    pub fn new() -> Option<Self> {
        let library = library()?.clone();
        // The kernel tells the shim paths without symbolic links.
        let home = fs::canonicalize(server::new_home()).expect("the directory of the test");
        let control = File::options().read(true).write(true).create_new(true).open(control(&home));
        let control = control.expect("create the control block");
        control.set_len(BLOCK_BYTES).expect("give the control block its size");
        let shim = Self { library, home, control };
        shim.count_only(ALL, "");
        Some(shim)
    }

    /// The data directory of the servers.
    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// The options for a server on the watched directory, with the shim in front of its calls.
    pub fn around(&self, options: Options) -> Options {
        options
            .dir(&self.data())
            .env("LD_PRELOAD", &self.library.display().to_string())
            .env("BASALT_SHIM_DIRECTORY", &self.data().display().to_string())
            .env("BASALT_SHIM_CONTROL", &control(&self.home).display().to_string())
    }

    /// Counts from zero the calls of these kinds on paths that hold `pattern`; none of them fails.
    pub fn count_only(&self, kinds: u64, pattern: &str) {
        self.put(FAULT_AT, 0);
        self.put(KINDS_AT, kinds);
        let mut bytes = [0; PATTERN_BYTES];
        bytes[..pattern.len()].copy_from_slice(pattern.as_bytes());
        self.control.write_all_at(&bytes, PATTERN_AT).expect("write the control block");
        self.control.write_all_at(&[0; FIRST_HIT_BYTES], FIRST_HIT_AT).expect("write it");
        self.put(HITS_AT, 0);
        self.put(CALLS_AT, 0);
    }

    /// From the counted call `first` on, `count` calls meet the fault.
    pub fn arm(&self, fault: Fault, first: u64, count: u64) {
        self.put(FIRST_CALL_AT, first);
        self.put(CALL_COUNT_AT, count);
        self.put(FAULT_AT, fault as u64);
    }

    /// From now on, every call of these kinds on paths that hold `pattern` meets the fault.
    pub fn fail_all(&self, fault: Fault, kinds: u64, pattern: &str) {
        self.count_only(kinds, pattern);
        self.arm(fault, 1, u64::MAX);
    }

    /// No call fails any more.
    pub fn calm(&self) {
        self.put(FAULT_AT, 0);
    }

    pub fn calls(&self) -> u64 {
        self.get(CALLS_AT)
    }

    /// How many calls met a fault.
    pub fn hits(&self) -> u64 {
        self.get(HITS_AT)
    }

    /// Which call met the first fault.
    pub fn first_hit(&self) -> String {
        let mut bytes = [0; FIRST_HIT_BYTES];
        self.control.read_exact_at(&mut bytes, FIRST_HIT_AT).expect("read the control block");
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    }

    fn put(&self, at: u64, value: u64) {
        self.control.write_all_at(&value.to_ne_bytes(), at).expect("write the control block");
    }

    fn get(&self, at: u64) -> u64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, at).expect("read the control block");
        u64::from_ne_bytes(bytes)
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        server::remove_home(&self.home);
    }
}

fn control(home: &Path) -> PathBuf {
    home.join("control")
}

/// The library, in the place that cargo has for such things, the same for all test programs.
fn library() -> Option<&'static PathBuf> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = LIBRARY.get_or_init(|| {
        let compiler = env::tool_or_skip("cc", "a C compiler; Debian package build-essential")?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/durability/shim.c");
        let new = folder.join(format!("shim-{}.so", std::process::id()));
        let flags = ["-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared", "-o"];
        let built = Command::new(compiler).args(flags).arg(&new).arg(source).output();
        let built = built.expect("run cc");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let library = folder.join("shim.so");
        // Another process may be using the old one.
        fs::rename(new, &library).expect("put the library in place");
        Some(library)
    });
    built.as_ref()
}
