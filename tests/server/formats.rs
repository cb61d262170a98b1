//! Data directories of formats before today's are opened, with every value, and what a newer Basalt
//! may have written is refused by name.
//!
//! `tests/fixtures/data-format-N` is a directory as a server of that format left it after a
//! `kill -9`, with one shard: the keys `flushed:…` are in RocksDB, the keys `logged:…` in the log
//! alone. What a server makes anew is left out, and the zeros at the end of the log's segments.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::common::server::Options;
use crate::common::{Client, Server};

const SEGMENT_BYTES: u64 = 16 << 20;
const YEAR_2100_MS: i64 = 4_102_444_800_000;
const FIELDS: usize = 200;

/// A copy of a fixture to run a server on, removed on drop.
struct Fixture(PathBuf);

impl Fixture {
    fn copy(name: &str, purpose: &str) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        let copy = format!("basalt-{name}-{purpose}-{}", std::process::id());
        let copy = Self(std::env::temp_dir().join(copy));
        let _ = fs::remove_dir_all(&copy.0);
        copy_folder(&source, &copy.0);
        for segment in fs::read_dir(copy.0.join("shard-000/log")).expect("a log") {
            let path = segment.expect("a segment").path();
            let segment = File::options().write(true).open(path).expect("open a segment");
            segment.set_len(SEGMENT_BYTES).expect("give a segment its length");
        }
        copy
    }

    fn options(&self) -> Options {
        Options::default().durable().shards(1).dir(&self.0)
    }

    fn manifest(&self) -> String {
        fs::read_to_string(self.0.join("basalt.manifest")).expect("a manifest")
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("make a folder");
    for entry in fs::read_dir(from).expect("read a fixture") {
        let entry = entry.expect("read a fixture");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copy a file");
        }
    }
}

#[test]
fn a_directory_of_format_3_has_every_value() {
    let fixture = Fixture::copy("data-format-3", "values");
    assert!(fixture.manifest().starts_with("basalt-manifest 3\n"));
    let mut server = Server::with(fixture.options());
    check(&mut server.client());
    assert!(fixture.manifest().starts_with("basalt-manifest 4\n"));
    // What is written now has the new format, beside the old one.
    let mut client = server.client();
    for part in ["flushed", "logged"] {
        assert_eq!(client.run(&format!("HSET {part}:large more fields")).int(), 1);
        assert_eq!(client.run(&format!("HLEN {part}:large")).int(), FIELDS as i64 + 1);
        assert_eq!(client.run(&format!("HDEL {part}:large more")).int(), 1);
        assert_eq!(client.run(&format!("COPY {part}:large-volatile {part}:copy")).int(), 1);
        assert_eq!(client.run(&format!("DEL {part}:large-volatile")).int(), 1);
        client.ok(&format!("RENAME {part}:copy {part}:large-volatile"));
    }
    server.kill9();
    server.restart();
    check(&mut server.client());
    server.terminate();
    server.restart();
    check(&mut server.client());
}

fn check(client: &mut Client) {
    client.ok("SELECT 0");
    assert_eq!(client.run("DBSIZE").int(), 17);
    assert_eq!(client.run("STRLEN flushed:pieces").int(), 400_000);
    assert_eq!(client.run("GET flushed:pieces").text(), "0123456789".repeat(40_000));
    assert_eq!(client.run("PEXPIRETIME flushed:pieces").int(), YEAR_2100_MS);
    for part in ["flushed", "logged"] {
        for (key, value, encoding) in [
            ("string", "value", "embstr"),
            ("volatile", "v", "embstr"),
            ("raw", "appended", "raw"),
            ("float", "1.5", "embstr"),
            ("integer", "42", "int"),
        ] {
            assert_eq!(client.run(&format!("GET {part}:{key}")).text(), value, "{part}:{key}");
            let found = client.run(&format!("OBJECT ENCODING {part}:{key}")).text();
            assert_eq!(found, encoding, "{part}:{key}");
        }
        assert_eq!(client.run(&format!("HLEN {part}:small")).int(), 2);
        assert_eq!(client.run(&format!("HGET {part}:small b")).text(), "2");
        check_fields(client, &format!("{part}:large"), None);
        check_fields(client, &format!("{part}:large-volatile"), Some(7));
        for (key, end) in
            [("large", -1), ("large-volatile", YEAR_2100_MS), ("volatile", YEAR_2100_MS)]
        {
            let found = client.run(&format!("PEXPIRETIME {part}:{key}")).int();
            assert_eq!(found, end, "{part}:{key}");
        }
        client.ok("SELECT 3");
        check_fields(client, &format!("{part}:other-database"), None);
        client.ok("SELECT 0");
    }
}

/// Whether a large hash has all its fields but one that was deleted.
fn check_fields(client: &mut Client, key: &str, deleted: Option<usize>) {
    assert_eq!(client.run(&format!("OBJECT ENCODING {key}")).text(), "hashtable");
    let count = FIELDS - usize::from(deleted.is_some());
    assert_eq!(client.run(&format!("HLEN {key}")).int(), count as i64, "{key}");
    for field in (0..FIELDS).filter(|field| Some(*field) != deleted) {
        let value = client.run(&format!("HGET {key} field:{field}")).text();
        assert_eq!(value, format!("value:{field}"), "{key}");
    }
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let fixture = Fixture::copy("data-format-3", "newer");
    let newer = fixture.manifest().replacen("basalt-manifest 3", "basalt-manifest 5", 1);
    fs::write(fixture.0.join("basalt.manifest"), &newer).expect("write the manifest");
    let (status, log) = Server::refused(fixture.options(), &fixture.0);
    assert!(!status.success());
    assert!(log.contains("format is version 5, this server reads versions 3 to 4"), "{log}");
    assert_eq!(fixture.manifest(), newer, "it is left as it was");
}
