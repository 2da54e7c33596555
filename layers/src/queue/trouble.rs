//! Why records wait in memory, and how much room is left to others.

use std::io;

use super::storage::Space;

/// Why records wait in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) reason: String,
    pub(super) is_full: bool,
}

/// Whether a write was refused for want of room.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

impl Trouble {
    pub(super) fn of(error: &io::Error) -> Self {
        let is_full = is_full(error);
        Self {
            reason: match is_full {
                true => format!("disk full: {error}"),
                false => error.to_string(),
            },
            is_full,
        }
    }

    pub(super) fn without_home(reason: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            is_full: false,
        }
    }

    pub(super) fn below(floor: u64, space: Space) -> Self {
        Self {
            reason: format!(
                "disk full: {} MiB are free, and {} MiB are kept free",
                space.available >> 20,
                floor.div_ceil(1 << 20)
            ),
            is_full: true,
        }
    }
}

/// How much of the file system is left to others.
#[derive(Debug)]
pub(super) struct Floor {
    bytes: Option<u64>,
}

impl Floor {
    /// So many bytes; by default a share of the file system.
    pub(super) fn new(bytes: Option<u64>) -> Self {
        Self { bytes }
    }

    pub(super) fn of(&self, space: Space) -> u64 {
        let share = space.total / 100 * DEFAULT_KEEP_FREE_PERCENT;
        self.bytes.unwrap_or(share)
    }
}

/// How much of a file system is left to others: 1 %, so that a program that logs is not what stops the device.
pub const DEFAULT_KEEP_FREE_PERCENT: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_what_was_asked_for_or_a_hundredth() {
        let space = Space {
            total: 1000 << 20,
            available: 5 << 20,
        };
        for (asked, floor) in [(None, 10 << 20), (Some(0), 0), (Some(7), 7)] {
            assert_eq!(Floor::new(asked).of(space), floor);
        }
        let trouble = Trouble::below(10 << 20, space);
        assert_eq!(
            trouble.reason,
            "disk full: 5 MiB are free, and 10 MiB are kept free"
        );
    }

    #[test]
    fn a_disk_without_room_is_named_as_such() {
        for (kind, is_full) in [
            (io::ErrorKind::StorageFull, true),
            (io::ErrorKind::QuotaExceeded, true),
            (io::ErrorKind::ReadOnlyFilesystem, false),
            (io::ErrorKind::FileTooLarge, false),
        ] {
            let trouble = Trouble::of(&kind.into());
            assert_eq!(trouble.is_full, is_full, "{kind}");
            assert_eq!(trouble.reason.starts_with("disk full"), is_full, "{kind}");
        }
    }
}
