//! The sender's own runtime: one thread's, built at the first use.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::quiet_thread::silence;

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

fn build() -> std::io::Result<Runtime> {
    // Name look-ups block a thread of the runtime's pool: one, unheard, gone after a while.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .thread_name("courier-resolve")
        .thread_keep_alive(Duration::from_secs(1))
        .on_thread_start(silence)
        .build()
}
