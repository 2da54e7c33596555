//! Errors that show people's text under `{:?}` too: a `main` that returns one prints it by `Debug`.
//!
//! `Debug` is the text of `Display`, then `: ` and each source whose text is not in there already.

use std::error::Error;
use std::fmt;

/// Implements `Debug` for an error by [`write()`].
#[doc(hidden)]
#[macro_export]
macro_rules! debug_is_display {
    ($error:ty) => {
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::shown::write(self, f)
            }
        }
    };
}
/// The error and what it came from, in one line.
pub fn write(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut said = error.to_string();
    f.write_str(&said)?;
    let mut source = error.source();
    for _ in 0..MAX_SOURCES {
        let Some(error) = source else { break };
        let text = error.to_string();
        if !said.contains(&text) {
            write!(f, ": {text}")?;
            said = text;
        }
        source = error.source();
    }
    Ok(())
}

/// A program's own error could be its own source.
const MAX_SOURCES: usize = 16;

#[cfg(test)]
mod tests {
    use std::io;

    #[derive(thiserror::Error)]
    enum Failed {
        #[error("cannot open the door: {source}")]
        WithIt { source: io::Error },
        #[error("cannot open the door")]
        WithoutIt { source: io::Error },
        #[error(transparent)]
        Transparent(Box<Failed>),
        #[error("outer")]
        Outer { source: Box<Failed> },
        #[error("the door is open")]
        Alone,
    }
    debug_is_display!(Failed);

    #[test]
    fn what_display_leaves_out_follows_once() {
        let source = || io::Error::from(io::ErrorKind::PermissionDenied);
        let without = || Box::new(Failed::WithoutIt { source: source() });
        for (error, text) in [
            (
                Failed::WithIt { source: source() },
                "cannot open the door: permission denied",
            ),
            (*without(), "cannot open the door: permission denied"),
            (
                Failed::Transparent(without()),
                "cannot open the door: permission denied",
            ),
            (
                Failed::Outer { source: without() },
                "outer: cannot open the door: permission denied",
            ),
            (Failed::Alone, "the door is open"),
        ] {
            assert_eq!(format!("{error:?}"), text);
        }
    }

    #[test]
    fn an_error_that_is_its_own_source_ends() {
        struct Round;
        impl std::fmt::Display for Round {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("round")
            }
        }
        impl std::error::Error for Round {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&Round)
            }
        }
        debug_is_display!(Round);
        assert_eq!(format!("{Round:?}"), "round");
    }
}
