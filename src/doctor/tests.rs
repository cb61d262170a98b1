//! What the tests of the checks share: a host of files, and a configuration for it.

use std::path::PathBuf;

use super::*;
use crate::config::tests::TestDir;

/// A host with two processors, and a server that is to have its data in `data`.
pub(super) struct Fixture {
    dir: TestDir,
    config: Config,
}

impl Fixture {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        Self::with(files, &[])
    }

    /// `arguments` are the server's.
    pub(super) fn with(files: &[(&str, &str)], arguments: &[&str]) -> Self {
        let dir = TestDir::new();
        for (path, text) in files {
            dir.write(path, text);
        }
        let data = dir.path().join("data").display().to_string();
        let config = dir.load(&[&["--dir", &data], arguments].concat()).unwrap();
        Self { dir, config }
    }

    pub(super) fn and(self, path: &str, text: &str) -> Self {
        self.dir.write(path, text);
        self
    }

    /// The data directory, which is not there at first.
    pub(super) fn data(&self) -> PathBuf {
        self.config.dir.clone()
    }

    pub(super) fn with_subject<T>(&self, look: impl FnOnce(&Subject<'_>) -> T) -> T {
        let host = Host::new(self.dir.path());
        look(&Subject::new(&host, &self.config, 2))
    }

    pub(super) fn check(&self, check: impl FnOnce(&Subject<'_>) -> Finding) -> Finding {
        self.with_subject(check)
    }
}

#[test]
fn the_worst_finding_decides() {
    let ok = Finding::ok("a", "");
    let skip = Finding::skip("a", "");
    let warn = Finding::warn("a", "", "", "");
    let fail = Finding::fail("a", "", "", "");
    let check = |findings: &[&Finding], lenient, strict| {
        let findings: Vec<Finding> = findings.iter().map(|finding| (*finding).clone()).collect();
        assert_eq!((exit_code(&findings, false), exit_code(&findings, true)), (lenient, strict));
    };
    check(&[], 0, 0);
    check(&[&ok, &skip], 0, 0);
    check(&[&warn, &ok], 0, 1);
    check(&[&fail, &warn], 2, 2);
}

#[test]
fn a_host_that_says_nothing_is_no_panic() {
    let findings = Fixture::new(&[]).with_subject(findings);
    let mut names: Vec<_> = findings.iter().map(|finding| finding.check).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), findings.len(), "a check has a name of its own");
    for finding in findings {
        let is_bad = finding.level > Level::Skip;
        assert_eq!(is_bad, !finding.fix.is_empty() && !finding.why.is_empty(), "{finding:?}");
    }
}
