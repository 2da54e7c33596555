//! Files that records are also written to.

use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Where to, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileConfig {
    /// The directory; made if absent, for its owner only.
    pub dir: PathBuf,
    /// A file that has reached this is done.
    pub max_bytes: u64,
    /// Full files kept; `None` keeps all.
    pub keep: Option<NonZeroUsize>,
}

impl FileConfig {
    /// The file that grows.
    #[must_use]
    pub fn growing(&self) -> PathBuf {
        self.dir.join(GROWING)
    }
}

/// The file that grows, as the collector's file exporter would name it.
const GROWING: &str = "logs.jsonl";
