//! How much one user, one address and everybody together may ask for.
//!
//! Rates are buckets that hold a minute's worth: a full minute may come at once. What a user sends counts against that
//! user only, so that nobody pays for a noisy neighbour. Bytes in memory are bounded for all together, and one user has a
//! quarter of them at most while bodies come in; a request that finds no room waits a little and is then answered with 503.

mod address;
mod alone;
mod rate;
mod room;

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use axum::http::HeaderMap;

use crate::config::{Networks, Rates};
use crate::http::ApiError;

pub use address::network;
pub use room::Held;

use address::client_address;
use alone::Alone;
use rate::{Rate, Refusal, Told};
use room::{Room, Shares};

/// The limits of one relay.
#[derive(Debug)]
pub struct Limits {
    records: Option<Rate<String>>,
    bytes: Option<Rate<String>>,
    requests: Option<Rate<IpAddr>>,
    trusted_proxies: Networks,
    alone: Alone,
    told: Told,
    receiving: Room,
    receiving_of: Shares,
    working: Room,
}

impl Limits {
    /// Limits by `rates`; the word of `trusted_proxies` on a client's address counts.
    #[must_use]
    pub fn new(rates: &Rates, trusted_proxies: Networks) -> Self {
        Self {
            records: rates.records.map(Rate::per_minute),
            bytes: rates.bytes.map(Rate::per_minute),
            requests: rates.requests.map(Rate::per_minute),
            trusted_proxies,
            alone: Alone::default(),
            told: Told::default(),
            receiving: Room::new(RECEIVING_KIB),
            receiving_of: Shares::new(RECEIVING_KIB / 4),
            working: Room::new(WORKING_KIB),
        }
    }

    /// Lets a request in, by where it comes from; before anybody looks at its token.
    ///
    /// # Errors
    ///
    /// When that address has used up its minute.
    pub fn admit_request(&self, peer: SocketAddr, headers: &HeaderMap) -> Result<(), ApiError> {
        let Some(rate) = &self.requests else {
            return Ok(());
        };
        let address = network(client_address(peer.ip(), headers, &self.trusted_proxies));
        let now = Instant::now();
        self.alone.hear(address, now);
        rate.take(&address, 1).map_err(|refusal| {
            // Behind a trusted proxy it is that client, and no proxy.
            let is_peer = address == network(peer.ip().to_canonical());
            if is_peer && self.alone.is_to_be_said(address, now) {
                tracing::warn!(
                    %address,
                    "requests are refused (429), and all come from one address: is a proxy in front? set --trusted-proxy"
                );
            }
            refusal.into_error()
        })
    }

    /// Lets a batch in, by whose it is.
    ///
    /// # Errors
    ///
    /// When that user has used up a minute of records or bytes, or the batch is more than a whole one.
    pub fn admit_batch(&self, subject: &str, records: usize, bytes: usize) -> Result<(), ApiError> {
        let subject = subject.to_owned();
        for (rate, amount) in [(&self.bytes, bytes), (&self.records, records)] {
            if let Some(rate) = rate {
                rate.take(&subject, amount).map_err(|refusal| {
                    if let Refusal::Wait(wait) = refusal {
                        self.told.remember(&subject, wait, Instant::now());
                    }
                    refusal.into_error()
                })?;
            }
        }
        Ok(())
    }

    /// Says again what a user was told within this second, so that one who does not listen costs no parsing.
    ///
    /// # Errors
    ///
    /// When that user has just been asked to wait.
    pub fn admit_user(&self, subject: &str) -> Result<(), ApiError> {
        match self.told.wait(subject, Instant::now()) {
            Some(wait) => Err(Refusal::Wait(wait).into_error()),
            None => Ok(()),
        }
    }

    /// Reserves memory for a body on its way in.
    ///
    /// # Errors
    ///
    /// When no memory comes free in time, or this user already has its share.
    pub async fn receive(&self, subject: &str, bytes: usize) -> Result<Held, ApiError> {
        let share = self.receiving_of.take(subject, self.receiving.kib(bytes))?;
        let mut held = self.receiving.hold(bytes).await?;
        held.share = Some(share);
        Ok(held)
    }

    /// Reserves memory for a batch that is being parsed, mapped and kept.
    ///
    /// # Errors
    ///
    /// When no memory comes free in time.
    pub async fn work(&self, bytes: usize) -> Result<Held, ApiError> {
        self.working.hold(bytes).await
    }
}

/// Bodies on their way in: 32 MiB in all.
const RECEIVING_KIB: u32 = 32 * 1024;

/// Batches being worked on: 4 MiB of text in all, because text becomes up to thirty times as much on the way.
const WORKING_KIB: u32 = 4 * 1024;

#[cfg(test)]
mod tests;
