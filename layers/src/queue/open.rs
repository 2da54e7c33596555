//! Opens a queue.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::builder::{Builder, OpenError};
use super::disk_queue::DiskQueue;
use super::engine::Engine;
use super::shared::Shared;
use crate::losses::Losses;

impl DiskQueue {
    /// Opens a new queue under `root`, with the defaults, and adopts those that dead processes left there.
    ///
    /// # Errors
    /// When the root, or a directory in it, can't be made.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::builder(root.as_ref()).open()
    }

    /// Settings for a queue under `root`.
    pub fn builder(root: impl Into<PathBuf>) -> Builder {
        Builder::new(root.into())
    }
}

impl Builder {
    /// Opens the queue. A relative root is meant from the directory that the program is in now.
    ///
    /// # Errors
    /// When a setting is out of range, or when no directory can be made. What lies in other directories, whole or
    /// damaged, is never an error.
    pub fn open(mut self) -> Result<DiskQueue, OpenError> {
        self.check()?;
        self.fix_root();
        let losses = Arc::new(Losses::default());
        let engine = self.begin(&losses)?;
        self.run(engine, losses)
    }

    /// As [`open`](Self::open), but where no directory can be made the queue begins in memory and says why. It moves in
    /// as soon as it can: see [`super::moving`].
    pub(crate) fn open_or_wait(mut self) -> Result<(DiskQueue, Option<OpenError>), OpenError> {
        self.check()?;
        self.fix_root();
        let losses = Arc::new(Losses::default());
        let (engine, error) = match self.begin(&losses) {
            Ok(engine) => (engine, None),
            Err(error) => {
                let reason = format!("{error:?}");
                (self.start_homeless(&losses, &reason), Some(error))
            }
        };
        Ok((self.run(engine, losses)?, error))
    }

    fn run(self, engine: Arc<Engine>, losses: Arc<Losses>) -> Result<DiskQueue, OpenError> {
        let thread = self.start_thread(&engine).map_err(OpenError::Thread)?;
        engine.look_at_space();
        if engine.home.is_missing() {
            engine.bell().ring();
        }
        Ok(DiskQueue(Arc::new(Shared::new(
            self, engine, thread, losses,
        ))))
    }
}
