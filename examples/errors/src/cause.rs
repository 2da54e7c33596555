//! The error of the page's tables: a file that isn't there, two steps further down, in the four ways that programs pass
//! errors on.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::io;

use color_eyre::eyre::{self, WrapErr as _};
use tracing_courier::Courier;

/// An error type of a program's own, as thiserror derives it.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There is no such file, or it can't be read.
    #[error("reading the settings")]
    Read(#[from] io::Error),
}

/// How a program passes its errors on.
pub trait PassedOn: Debug + Display + Sized + 'static {
    /// A new one, made the same way each time.
    fn made() -> Self;

    /// As an error, for `error = … as &dyn Error`.
    fn error(&self) -> &(dyn Error + 'static);

    /// How the tables write that.
    const AS_ERROR: &str;

    /// Hands it to [`Courier::capture_error`].
    fn capture(&self, courier: &Courier);

    /// Ends a program run by [`Courier::run`] with it.
    fn end(courier: &Courier);
}

fn open() -> io::Result<std::fs::File> {
    std::fs::File::open("/no/such/settings.toml")
}

impl PassedOn for anyhow::Error {
    fn made() -> Self {
        anyhow::Context::context(open(), "reading the settings").unwrap_err()
    }

    fn error(&self) -> &(dyn Error + 'static) {
        &**self
    }

    const AS_ERROR: &str = "error = &*e as &dyn Error";

    fn capture(&self, courier: &Courier) {
        courier.capture_error(self);
    }

    fn end(courier: &Courier) {
        let _ = courier.run(|| Err::<(), _>(Self::made()));
    }
}

impl PassedOn for eyre::Report {
    fn made() -> Self {
        open().wrap_err("reading the settings").unwrap_err()
    }

    fn error(&self) -> &(dyn Error + 'static) {
        &**self
    }

    const AS_ERROR: &str = "error = &*e as &dyn Error";

    fn capture(&self, courier: &Courier) {
        courier.capture_error(self);
    }

    fn end(courier: &Courier) {
        let _ = courier.run(|| Err::<(), _>(Self::made()));
    }
}

impl PassedOn for SettingsError {
    fn made() -> Self {
        open().map(drop).map_err(Self::from).unwrap_err()
    }

    fn error(&self) -> &(dyn Error + 'static) {
        self
    }

    const AS_ERROR: &str = "error = &e as &dyn Error";

    fn capture(&self, courier: &Courier) {
        courier.capture_error(self);
    }

    fn end(courier: &Courier) {
        let _ = courier.run(|| Err::<(), _>(Self::made()));
    }
}
