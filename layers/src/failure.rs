//! Errors that a program has in its hand: one that it wants to be heard of, and the one that ends it.

use std::error::Error;
use std::fmt;
use std::panic::Location;

use tracing::Level;

use crate::courier::Courier;
use crate::gate;

/// What programs pass on as errors, for [`Courier::capture_error`] and [`Courier::run`]: every type that is an error,
/// `dyn Error`, boxed errors, the reports of anyhow and eyre, and texts.
///
/// `Via` says which of these it is; the compiler finds it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no error that Courier knows",
    label = "neither an error, nor a boxed one, nor a report of anyhow or eyre, nor a text",
    note = "turn it into one first: `.map_err(Box::<dyn std::error::Error>::from)`"
)]
pub trait Failure<Via>: fmt::Debug + fmt::Display {
    /// The error itself, unless it is only a text.
    fn as_error(&self) -> Option<&(dyn Error + 'static)>;
}

/// Ways to be a [`Failure`].
pub mod via {
    /// It is an error.
    #[derive(Debug)]
    pub struct Itself;
    /// It holds an error that threads may share, as boxes and reports do.
    #[derive(Debug)]
    pub struct Report;
    /// It is a box of an error that stays on its thread.
    #[derive(Debug)]
    pub struct Boxed;
    /// It is any error.
    #[derive(Debug)]
    pub struct Dynamic;
    /// It is only a text.
    #[derive(Debug)]
    pub struct Text;
}

impl<E: Error + 'static> Failure<via::Itself> for E {
    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

impl<R> Failure<via::Report> for R
where
    R: AsRef<dyn Error + Send + Sync> + fmt::Debug + fmt::Display,
{
    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.as_ref())
    }
}

impl Failure<via::Boxed> for Box<dyn Error> {
    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(&**self)
    }
}

impl Failure<via::Dynamic> for dyn Error {
    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

impl Failure<via::Dynamic> for dyn Error + Send + Sync {
    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

impl Failure<via::Text> for String {
    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        None
    }
}

impl Failure<via::Text> for &str {
    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        None
    }
}

impl Courier {
    /// Logs an error with its causes, its type and the backtrace that it carries as an ERROR record, whose message is
    /// the error's own text. The record says where this was called, and goes through `tracing` like any event: with the
    /// open spans, the trail, and the stack's filters.
    ///
    /// ```
    /// # fn example(courier: &tracing_courier::Courier) {
    /// if let Err(error) = std::fs::read("settings.toml") {
    ///     courier.capture_error(&error);
    /// }
    /// # }
    /// ```
    ///
    /// Reports of anyhow and eyre are taken as they are, and so are boxed errors.
    #[track_caller]
    pub fn capture_error<Via>(&self, error: &(impl Failure<Via> + ?Sized)) {
        log(error, Location::caller());
    }

    /// Runs the program and logs the error that it ends with, if it does, as
    /// [`capture_error`](Self::capture_error) does. The result is handed on.
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
    pub fn run<T, E, Via>(&self, program: impl FnOnce() -> Result<T, E>) -> Result<T, E>
    where
        E: Failure<Via>,
    {
        let at = Location::caller();
        let result = program();
        if let Err(error) = &result {
            log(error, at);
        }
        result
    }
}

fn log<Via>(failure: &(impl Failure<Via> + ?Sized), at: &Location<'_>) {
    let (file, line) = (at.file(), at.line());
    match failure.as_error() {
        // Only the report's `Debug` shows the backtrace that it carries.
        Some(error) => tracing::event!(
            target: "error",
            Level::ERROR,
            log.file = file,
            log.line = line,
            stack_trace = gate::stack_in_debug_of(&failure),
            error
        ),
        None => tracing::event!(
            target: "error",
            Level::ERROR,
            log.file = file,
            log.line = line,
            error = %failure
        ),
    }
}
