//! The last flush of a program that is asked to end by a signal.
//!
//! 1. SIGTERM and SIGINT (Ctrl-C) first let the guard's handle finish, with its own deadline, on a thread of its own:
//!    nothing of it runs in the signal handler.
//! 2. Then comes what the signal did before: by default the process ends by it; a handler that the program had
//!    installed has run already, and decides alone. A signal that was ignored stays ignored.
//!
//! What it does not do: know of handlers that are installed later. A program that handles these signals itself (by
//! `tokio::signal`, say) needs no hook: its guard is dropped at its clean end.

use std::fs;
use std::io;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::guard::{Finish, Guard};

impl<T: Finish + Clone + Send + 'static> Guard<T> {
    /// From now on SIGTERM and SIGINT (Ctrl-C) finish what the drop of the guard would, before they do what they did.
    /// A program that handles these signals itself needs it not.
    ///
    /// # Errors
    /// The system refuses a handler or a thread.
    pub fn finish_on_signals(&self) -> io::Result<()> {
        let before = Dispositions::read();
        let signals: Vec<i32> = [SIGTERM, SIGINT]
            .into_iter()
            .filter(|&signal| before.of(signal) != Disposition::Ignored)
            .collect();
        let mut arrivals = Signals::new(signals)?;
        let handle = T::clone(self);
        let thread = std::thread::Builder::new().name("courier-signal".to_owned());
        thread.spawn(move || {
            for signal in arrivals.forever() {
                handle.end();
                if before.of(signal) == Disposition::Default {
                    // By which the process ends; there is nothing to do if it does not.
                    let _ = emulate_default_handler(signal);
                }
            }
        })?;
        Ok(())
    }
}

/// What the process does on a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disposition {
    Default,
    Ignored,
    Handled,
}

/// What the process did on each signal before the hook. From Linux's own account; elsewhere taken for the default.
#[derive(Clone, Copy, Debug, Default)]
struct Dispositions {
    ignored: u64,
    handled: u64,
}

impl Dispositions {
    fn read() -> Self {
        Self::parse(&fs::read_to_string("/proc/self/status").unwrap_or_default())
    }

    fn parse(status: &str) -> Self {
        let mask = |name: &str| {
            let mut lines = status.lines();
            let mask = lines.find_map(|line| line.strip_prefix(name))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        };
        Self {
            ignored: mask("SigIgn:").unwrap_or_default(),
            handled: mask("SigCgt:").unwrap_or_default(),
        }
    }

    fn of(self, signal: i32) -> Disposition {
        let bit = 1_u64.checked_shl(signal.unsigned_abs().wrapping_sub(1));
        let is_in = |mask: u64| bit.is_some_and(|bit| mask & bit != 0);
        if is_in(self.ignored) {
            Disposition::Ignored
        } else if is_in(self.handled) {
            Disposition::Handled
        } else {
            Disposition::Default
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_signal_does_is_read_from_the_systems_account() {
        let status = "Name:\tapp\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000004002\n";
        let before = Dispositions::parse(status);
        for (signal, disposition) in [
            (1, Disposition::Ignored),
            (SIGINT, Disposition::Handled),
            (13, Disposition::Ignored),
            (SIGTERM, Disposition::Handled),
            (3, Disposition::Default),
            (64, Disposition::Default),
        ] {
            assert_eq!(before.of(signal), disposition, "{signal}");
        }
        assert_eq!(Dispositions::parse("").of(SIGTERM), Disposition::Default);
    }
}
