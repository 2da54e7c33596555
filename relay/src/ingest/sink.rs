//! Where accepted records go: into the spool, or straight to the upstream.

use crate::export::{Fit, Next, Upstream, next};
use crate::http::ApiError;
use crate::spool::{Frame, Offer, Spool, Verdict};

/// What stands behind a 200.
#[derive(Clone, Debug)]
pub enum Sink {
    /// The spool: committed and synced.
    Spool(Spool),
    /// The upstream itself; the database only keeps the names, to find duplicates.
    Through(Spool, Upstream, Fit),
}

impl Sink {
    /// Keeps an offer, or says what of it was there before.
    ///
    /// # Errors
    ///
    /// When nothing of it was kept.
    pub async fn accept(&self, mut offer: Offer) -> Result<Verdict, ApiError> {
        match self {
            Self::Spool(spool) => Ok(spool.offer(offer).await?),
            Self::Through(names, upstream, fit) => {
                let frame = offer.frame.take().unwrap_or_default();
                let verdict = names.look(offer.clone()).await?;
                if verdict != Verdict::Kept {
                    return Ok(verdict);
                }
                send(upstream, *fit, &frame).await?;
                match names.offer(offer).await {
                    // Another request with the same records came in between: both were sent, as at-least-once allows.
                    Ok(_) => Ok(Verdict::Kept),
                    Err(error) => {
                        tracing::warn!(error = %error, "the upstream has records whose names could not be kept");
                        Ok(Verdict::Kept)
                    }
                }
            }
        }
    }

    /// The database behind it.
    #[must_use]
    pub fn spool(&self) -> &Spool {
        match self {
            Self::Spool(spool) | Self::Through(spool, ..) => spool,
        }
    }
}

async fn send(upstream: &Upstream, fit: Fit, frame: &Frame) -> Result<(), ApiError> {
    let Some(request) = fit.request(frame) else {
        return Err(ApiError::Unavailable("the relay failed on this body"));
    };
    let answer = upstream.send(request).await;
    if next(&answer, 0) == Next::Done {
        return Ok(());
    }
    // What it says may be about the relay's own credentials: for the log, not for the client.
    tracing::warn!(
        status = answer.status,
        said = answer.message,
        "the upstream did not accept a batch"
    );
    Err(ApiError::Upstream)
}
