//! Errors that a program has in its hand: one that it wants to be heard of, and the one that ends it.

use std::error::Error;
use std::fmt;
use std::panic::Location;

use tracing::Level;

use crate::courier::Courier;

impl Courier {
    /// Logs an error with its causes as an ERROR record, whose message is the error's own text. It says where this was
    /// called, and goes through `tracing` like any event: with the open spans, the trail, and the stack's filters.
    ///
    /// ```
    /// # fn example(courier: &tracing_courier::Courier) {
    /// if let Err(error) = std::fs::read("settings.toml") {
    ///     courier.capture_error(&error);
    /// }
    /// # }
    /// ```
    ///
    /// For anyhow and eyre: `courier.capture_error(&*report)`.
    #[track_caller]
    pub fn capture_error(&self, error: &(dyn Error + 'static)) {
        let at = Location::caller();
        tracing::event!(target: "error", Level::ERROR, log.file = at.file(), log.line = at.line(), error);
    }

    /// Runs the program and logs the error that it ends with, if it does, as an ERROR record. The result is handed on.
    ///
    /// ```no_run
    /// # fn work() -> Result<(), Box<dyn std::error::Error>> { Ok(()) }
    /// # use tracing_courier::Courier;
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let courier = Courier::builder("app", "1.0").start()?;
    ///     courier.run(work)
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of `program`, as they came.
    #[track_caller]
    pub fn run<T, E>(&self, program: impl FnOnce() -> Result<T, E>) -> Result<T, E>
    where
        E: fmt::Debug + fmt::Display,
    {
        let at = Location::caller();
        let result = program();
        if let Err(error) = &result {
            tracing::event!(
                target: "error",
                Level::ERROR,
                log.file = at.file(),
                log.line = at.line(),
                ?error,
                "{error}"
            );
        }
        result
    }
}
