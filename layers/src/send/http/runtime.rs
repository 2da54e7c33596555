//! The sender's own runtime: one thread's, built at the first use.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Runtime;
use tracing_core::Dispatch;
use tracing_core::dispatcher::{self, DefaultGuard};

/// Shared by what runs on the sender's thread: the client, and a token provider that is a future.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnRuntime(Arc<OnceLock<Runtime>>);

impl OwnRuntime {
    pub fn get(&self) -> Result<&Runtime, String> {
        if let Some(runtime) = self.0.get() {
            return Ok(runtime);
        }
        let runtime =
            build().map_err(|error| format!("cannot start the sender's runtime: {error}"))?;
        Ok(self.0.get_or_init(|| runtime))
    }
}

thread_local! {
    static QUIET: Cell<Option<DefaultGuard>> = const { Cell::new(None) };
}

fn build() -> std::io::Result<Runtime> {
    // Name look-ups block a thread of the runtime's pool: one, without a subscriber, gone after a while. With it goes
    // its default: while any thread has one, `tracing` takes the long way for each event of the program.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .thread_name("courier-resolve")
        .thread_keep_alive(Duration::from_secs(1))
        .on_thread_start(|| QUIET.set(Some(dispatcher::set_default(&Dispatch::none()))))
        .on_thread_stop(|| drop(QUIET.take()))
        .build()
}
