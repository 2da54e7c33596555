//! A data directory as a command reaches it: opened by itself, or through the relay that runs on it.

use super::admin_client::{AdminClient, AdminClientError};
use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError};
use crate::spool::{self, Lock, OpenError};

/// Who has the data directory now.
pub enum Reached<D> {
    /// This command: `D` keeps it open or locked.
    Directory(D),
    /// A running relay, which is asked.
    Relay(AdminClient),
}

impl<D> Reached<D> {
    /// The same with what `make` makes of the open directory.
    pub fn map<T>(self, make: impl FnOnce(D) -> T) -> Reached<T> {
        match self {
            Self::Directory(dir) => Reached::Directory(make(dir)),
            Self::Relay(relay) => Reached::Relay(relay),
        }
    }
}

impl<D> Reached<D> {
    /// The same, with `why` for the audit of the relay, if it is one.
    #[must_use]
    pub fn because(self, why: &str) -> Self {
        match self {
            Self::Directory(dir) => Self::Directory(dir),
            Self::Relay(relay) => Self::Relay(relay.because(why)),
        }
    }
}

impl Reached<Box<DataDir>> {
    /// Opens the data directory with its spool, unless a relay runs on it.
    ///
    /// # Errors
    ///
    /// When neither the directory can be used nor its relay be asked.
    pub async fn open<E>(config: &Config) -> Result<Self, E>
    where
        E: From<DataDirError> + From<AdminClientError>,
    {
        match DataDir::open(config).await {
            Ok(dir) => Ok(Self::Directory(Box::new(dir))),
            Err(DataDirError::Spool(OpenError::InUse { dir })) => {
                Ok(Self::Relay(AdminClient::at(config, &dir)?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Closes the directory, if it is open here.
    pub async fn close(self) {
        if let Self::Directory(dir) = self {
            dir.close().await;
        }
    }
}

impl Reached<Lock> {
    /// Locks the data directory and opens nothing in it, unless a relay runs on it.
    ///
    /// # Errors
    ///
    /// When neither the directory can be used nor its relay be asked.
    pub fn lock<E>(config: &Config) -> Result<Self, E>
    where
        E: From<OpenError> + From<AdminClientError>,
    {
        match spool::lock(&config.data_dir) {
            Ok(lock) => Ok(Self::Directory(lock)),
            Err(OpenError::InUse { dir }) => Ok(Self::Relay(AdminClient::at(config, &dir)?)),
            Err(error) => Err(error.into()),
        }
    }
}
