//! What the host says about itself below `/proc` and `/sys`, or a directory with copies of them.

use std::fs;
use std::path::{Path, PathBuf};

/// See the module.
pub(super) struct Host {
    root: PathBuf,
}

impl Host {
    /// `root` is `/`, or a directory with copies for tests.
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A file without the blanks around its text; `path` is relative to the root.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let bytes = fs::read(self.root.join(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    pub(super) fn number(&self, path: &str) -> Option<u64> {
        self.text(path)?.parse().ok()
    }

    /// The number of a kernel setting, named as by `sysctl`.
    pub(super) fn sysctl(&self, name: &str) -> Option<u64> {
        self.number(&format!("proc/sys/{}", name.replace('.', "/")))
    }

    /// The word in brackets of a file that lists what could be chosen, or its only word.
    pub(super) fn choice(&self, path: &str) -> Option<String> {
        let text = self.text(path)?;
        let chosen = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
        Some(chosen.map_or(text.as_str(), |(word, _)| word).to_owned())
    }

    /// What follows `name:` in a file of such lines.
    pub(super) fn field(&self, path: &str, name: &str) -> Option<String> {
        self.text(path)?
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'))
            .map(|rest| rest.trim().to_owned())
    }

    /// Bytes of a line of `/proc/meminfo`.
    pub(super) fn memory_bytes(&self, name: &str) -> Option<u64> {
        let field = self.field("proc/meminfo", name)?;
        let kilobytes: u64 = field.strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes.saturating_mul(1024))
    }

    /// The limit of this process that is in force; `u64::MAX`: none.
    pub(super) fn limit(&self, name: &str) -> Option<u64> {
        self.limit_in_column(name, 0)
    }

    /// The one up to which the process may raise it by itself.
    pub(super) fn hard_limit(&self, name: &str) -> Option<u64> {
        self.limit_in_column(name, 1)
    }

    fn limit_in_column(&self, name: &str, column: usize) -> Option<u64> {
        let text = self.text("proc/self/limits")?;
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        let limit = rest.split_whitespace().nth(column)?;
        if limit == "unlimited" { Some(u64::MAX) } else { limit.parse().ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::TestDir;

    #[test]
    fn files_are_read_as_the_kernel_writes_them() {
        let dir = TestDir::new();
        dir.write("proc/sys/vm/swappiness", "60\n");
        dir.write("a", "always [madvise] never\n");
        dir.write("b", "none\n");
        dir.write("proc/meminfo", "MemTotal:  2 kB\nSwapTotal: 5 kB\n");
        dir.write(
            "proc/self/limits",
            "Limit                     Soft Limit           Hard Limit           Units     \n\
             Max open files            1024                 524288               files     \n\
             Max locked memory         unlimited            unlimited            bytes     \n",
        );
        let host = Host::new(dir.path());
        assert_eq!(host.sysctl("vm.swappiness"), Some(60));
        assert_eq!(host.sysctl("vm.none"), None);
        assert_eq!(host.choice("a").unwrap(), "madvise");
        assert_eq!(host.choice("b").unwrap(), "none");
        assert_eq!(host.memory_bytes("SwapTotal"), Some(5 * 1024));
        assert_eq!(host.memory_bytes("Swap"), None);
        assert_eq!(host.limit("Max open files"), Some(1024));
        assert_eq!(host.hard_limit("Max open files"), Some(524_288));
        assert_eq!(host.limit("Max locked memory"), Some(u64::MAX));
        assert_eq!(host.limit("Max cpu time"), None);
    }
}
