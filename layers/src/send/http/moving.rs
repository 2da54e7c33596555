//! A sender that goes on at another relay.

use super::super::backend::Backend;
use super::endpoint::EndpointError;

impl Backend {
    /// Sends to another relay from now on, at once if the sender paused or backs off. A request that is under way
    /// still goes to the old one.
    ///
    /// # Errors
    /// The URL is none that records could be sent to, the endpoint is locked, or the transport is the program's own.
    pub fn set_endpoint(&self, url: &str) -> Result<(), EndpointError> {
        let place = self.place().ok_or(EndpointError::OwnTransport)?;
        place.set(url)?;
        self.endpoint_changed();
        Ok(())
    }

    /// From now on nothing changes the endpoint any more.
    pub fn lock_endpoint(&self) {
        if let Some(place) = self.place() {
            place.lock();
            self.changes().note();
        }
    }
}
