//! Why a path can't be looked at.

use std::io;
use std::path::PathBuf;

/// The path can't be looked at.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The directory can't be listed. Check the path and its owner.
    #[error("cannot read `{}`", .path.display())]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// Something else lies where a queue has a plain file or its directory. It was not opened. Take it away.
    #[error("`{}` is {kind}: refused, and not opened", .path.display())]
    NotPlain {
        /// What lies there.
        path: PathBuf,
        /// What it is, with its article: `a FIFO`.
        kind: &'static str,
    },
}
courier_sanitize::debug_is_display!(InspectError);
