//! What the tests over whole shards share.

use std::fs;
use std::path::PathBuf;

use basalt_shard::resp::Span;

/// A directory that goes with the test.
pub struct Directory(pub PathBuf);

impl Directory {
    /// A new one; `name` tells the tests apart.
    pub fn new(name: &str) -> Self {
        let name = format!("basalt-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Where the words of a command given as one line are.
pub fn spans(words: &str) -> Vec<Span> {
    let mut start = 0;
    words
        .split(' ')
        .map(|word| {
            let span = Span { start, len: word.len() as u32 };
            start += word.len() as u32 + 1;
            span
        })
        .collect()
}
