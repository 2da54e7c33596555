//! How bad a record is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How bad it is. `tracing` has no FATAL: it is an ERROR event whose own field `fatal` is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Every step.
    Trace,
    /// For whoever looks for a bug.
    Debug,
    /// The story of the program.
    Info,
    /// Unexpected, and handled.
    Warning,
    /// Something that the user asked for failed.
    Error,
    /// The program can't go on.
    Fatal,
}

impl Level {
    /// The name on the wire, in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no level. Use trace, debug, info, warning, error or fatal.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no level; use trace, debug, info, warning, error or fatal")]
pub struct UnknownLevel(String);
courier_sanitize::debug_is_display!(UnknownLevel);

impl FromStr for Level {
    type Err = UnknownLevel;

    /// Any case; `warn` and `critical` are understood too.
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        const NAMES: [(&str, Level); 8] = [
            ("trace", Level::Trace),
            ("debug", Level::Debug),
            ("info", Level::Info),
            ("warning", Level::Warning),
            ("warn", Level::Warning),
            ("error", Level::Error),
            ("fatal", Level::Fatal),
            ("critical", Level::Fatal),
        ];
        NAMES
            .iter()
            .find(|(name, _)| text.eq_ignore_ascii_case(name))
            .map(|&(_, level)| level)
            .ok_or_else(|| UnknownLevel(text.chars().take(64).collect()))
    }
}

impl From<tracing_core::Level> for Level {
    fn from(level: tracing_core::Level) -> Self {
        match level {
            tracing_core::Level::TRACE => Self::Trace,
            tracing_core::Level::DEBUG => Self::Debug,
            tracing_core::Level::INFO => Self::Info,
            tracing_core::Level::WARN => Self::Warning,
            tracing_core::Level::ERROR => Self::Error,
        }
    }
}
