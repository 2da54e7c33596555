//! The disk that the data directory is on: how much is free, and when that is too little.
//!
//! 1. Batches are refused (503, `Retry-After`) before the disk is really full, so that what was accepted can still be
//!    exported, marked as done and deleted, and other programs on the disk go on;
//! 2. both turns are said in the log, once each, with what to do;
//! 3. it is over by itself, once there is a quarter more than the floor.
//!
//! What it does not do: trust what it can't ask. Where the system does not say how much is free, nothing is refused.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::config::KeepFree;

/// The disk of one data directory; a cheap handle.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    keep_free: KeepFree,
    looked: Mutex<Option<(Instant, Option<Space>)>>,
    is_low: AtomicBool,
}

/// How much there is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Free for the user that asks.
    pub free: u64,
    /// In all.
    pub size: u64,
    /// To be kept free: below it batches are refused.
    pub floor: u64,
}

impl Space {
    /// Free on the disk that `path` is on.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn of(path: &Path, keep_free: KeepFree) -> io::Result<Self> {
        let found = fs4::statvfs(path)?;
        let (free, size) = (found.available_space(), found.total_space());
        Ok(Self {
            free,
            size,
            floor: keep_free.of(size),
        })
    }

    /// Whether batches are to be refused, given that they `were` so far.
    #[must_use]
    pub fn is_low(&self, were: bool) -> bool {
        // A little more to go on than to stop, so that it does not flap with each frame that is deleted.
        let mark = if were {
            self.floor.saturating_add(self.floor / 4)
        } else {
            self.floor
        };
        self.free < mark
    }

    /// Whether an operator should make room before batches are refused.
    #[must_use]
    pub fn is_nearly_low(&self) -> bool {
        self.free < self.floor.saturating_mul(NEARLY)
    }
}

impl Disk {
    /// The disk of `dir`.
    #[must_use]
    pub fn of(dir: &Path, keep_free: KeepFree) -> Self {
        Self(Arc::new(Inner {
            dir: dir.to_owned(),
            keep_free,
            looked: Mutex::default(),
            is_low: AtomicBool::new(false),
        }))
    }

    /// How much is free, as of this second; `None` where the system does not say.
    #[must_use]
    pub fn space(&self) -> Option<Space> {
        let mut looked = self.0.looked.lock().unwrap_or_else(PoisonError::into_inner);
        // While it is low each request looks: whoever made room should not wait for that to be noticed.
        let is_low = self.0.is_low.load(Ordering::Acquire);
        if let Some((at, space)) = *looked
            && !is_low
            && at.elapsed() < LOOK_EVERY
        {
            return space;
        }
        let space = Space::of(&self.0.dir, self.0.keep_free).ok();
        *looked = Some((Instant::now(), space));
        if let Some(space) = space {
            self.turn(space);
        }
        space
    }

    /// Whether batches are to be refused for want of room.
    #[must_use]
    pub fn is_low(&self) -> bool {
        let _ = self.space();
        self.0.is_low.load(Ordering::Acquire)
    }

    /// Looks at it until `stop` is set, so that the log says what happens although no requests come.
    pub async fn watch(self, mut stop: watch::Receiver<bool>) {
        loop {
            let _ = self.space();
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    fn turn(&self, space: Space) {
        let were = self.0.is_low.load(Ordering::Acquire);
        let is_low = space.is_low(were);
        if self.0.is_low.swap(is_low, Ordering::AcqRel) == is_low {
            return;
        }
        let Space { free, size, floor } = space;
        let dir = self.0.dir.display();
        if is_low {
            tracing::error!(
                %dir, free, size, keep_free = floor,
                "the disk of the data directory is nearly full: batches are answered with 503 until there is room. \
                 Make free space on it, or --keep-free smaller; what was accepted is safe"
            );
        } else {
            tracing::info!(%dir, free, "there is room again: batches are accepted");
        }
    }
}

/// A disk is looked at again after this.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// An operator should make room when this many times the floor is left.
const NEARLY: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_a_quarter_more_to_go_on_than_to_stop() {
        let space = |free| Space {
            free,
            size: 10_000,
            floor: 100,
        };
        assert!(!space(100).is_low(false), "the floor itself is enough");
        assert!(space(99).is_low(false));
        assert!(space(124).is_low(true), "not yet");
        assert!(!space(125).is_low(true));
        assert!(space(399).is_nearly_low() && !space(400).is_nearly_low());
    }

    #[test]
    fn a_floor_of_nothing_refuses_nothing() {
        let space = Space {
            free: 0,
            size: 10,
            floor: 0,
        };
        assert!(!space.is_low(false) && !space.is_low(true) && !space.is_nearly_low());
    }

    #[test]
    fn a_disk_that_can_not_be_asked_refuses_nothing() {
        let disk = Disk::of(Path::new("/no/such/directory"), KeepFree::DEFAULT);
        assert!(disk.space().is_none() && !disk.is_low());
    }
}
