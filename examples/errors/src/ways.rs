//! The ways in which programs log an error.

use tracing::{error, instrument};
use tracing_courier::Courier;

use crate::cause::PassedOn;

/// One way to log an error.
pub struct Way<E> {
    /// As a program writes it.
    pub written: &'static str,
    /// Does it.
    pub log: fn(&Courier, &E),
}

/// All of them.
#[must_use]
pub fn all<E: PassedOn>() -> Vec<Way<E>> {
    fn way<E>(written: &'static str, log: fn(&Courier, &E)) -> Way<E> {
        Way { written, log }
    }
    vec![
        way(E::AS_ERROR, |_, e| error!(error = e.error(), "failed")),
        way("error = ?e", |_, e| error!(error = ?e, "failed")),
        way("error = %e", |_, e| error!(error = %e, "failed")),
        way("\"failed: {e:#}\"", |_, e| error!("failed: {e:#}")),
        way("\"failed: {e:?}\"", |_, e| error!("failed: {e:?}")),
        way("\"failed: {e}\"", |_, e| error!("failed: {e}")),
        way("#[instrument(err)]", |_, _| {
            #[instrument(err)]
            fn work<E: PassedOn>() -> Result<(), E> {
                Err(E::made())
            }
            let _ = work::<E>();
        }),
        way("#[instrument(err(Debug))]", |_, _| {
            #[instrument(err(Debug))]
            fn work<E: PassedOn>() -> Result<(), E> {
                Err(E::made())
            }
            let _ = work::<E>();
        }),
        way("courier.capture_error(&e)", |courier, e| e.capture(courier)),
        way("courier.run(|| …)", |courier, _| E::end(courier)),
    ]
}
