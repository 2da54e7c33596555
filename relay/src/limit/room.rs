//! Bytes in memory: how many for all together, and how many of them for one user.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::ApiError;

/// Room that is free again when this is dropped.
#[derive(Debug)]
pub struct Held {
    permit: OwnedSemaphorePermit,
    pub(super) share: Option<Share>,
}

impl Held {
    /// Gives back what is not needed for `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let spare = self.permit.num_permits().saturating_sub(bytes / 1024 + 1);
        drop(self.permit.split(spare));
    }
}

#[derive(Debug)]
pub(super) struct Room {
    pub(super) free: Arc<Semaphore>,
    kib: u32,
}

impl Room {
    pub(super) fn new(kib: u32) -> Self {
        Self {
            free: Arc::new(Semaphore::new(usize::try_from(kib).unwrap_or(usize::MAX))),
            kib,
        }
    }

    /// What so many bytes take; never more than there is, so that a cap above it is slow and not impossible.
    pub(super) fn kib(&self, bytes: usize) -> u32 {
        u32::try_from(bytes / 1024 + 1)
            .unwrap_or(u32::MAX)
            .min(self.kib)
    }

    pub(super) async fn hold(&self, bytes: usize) -> Result<Held, ApiError> {
        let permit = Arc::clone(&self.free).acquire_many_owned(self.kib(bytes));
        match tokio::time::timeout(ROOM_TIMEOUT, permit).await {
            Ok(Ok(permit)) => Ok(Held {
                permit,
                share: None,
            }),
            Ok(Err(_)) | Err(_) => Err(ApiError::Unavailable("the relay is busy")),
        }
    }
}

/// Who holds how much of a room.
#[derive(Debug)]
pub(super) struct Shares {
    most_kib: u32,
    pub(super) held: Arc<Mutex<HashMap<String, u32>>>,
}

#[derive(Debug)]
pub(super) struct Share {
    kib: u32,
    subject: String,
    held: Arc<Mutex<HashMap<String, u32>>>,
}

impl Shares {
    pub(super) fn new(most_kib: u32) -> Self {
        Self {
            most_kib,
            held: Arc::default(),
        }
    }

    pub(super) fn take(&self, subject: &str, kib: u32) -> Result<Share, ApiError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let own = held.entry(subject.to_owned()).or_default();
        // Whoever holds nothing may take what it needs.
        if *own > 0 && *own + kib > self.most_kib {
            return Err(ApiError::RateLimited(1));
        }
        *own += kib;
        Ok(Share {
            kib,
            subject: subject.to_owned(),
            held: Arc::clone(&self.held),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = held.get_mut(&self.subject) {
            *own = own.saturating_sub(self.kib);
            if *own == 0 {
                held.remove(&self.subject);
            }
        }
    }
}

/// How long a request waits for room.
const ROOM_TIMEOUT: Duration = Duration::from_secs(5);
