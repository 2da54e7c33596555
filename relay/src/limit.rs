//! How much one user, one address and everybody together may ask for.
//!
//! Rates are buckets that hold a minute's worth: a full minute may come at once. What a user sends counts against that
//! user only, so that nobody pays for a noisy neighbour. Bytes in memory are bounded for all together, and one user has a
//! quarter of them at most while bodies come in; whoever finds no room waits a little and is then asked to come back.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Rates;
use crate::error::ApiError;

/// The limits of one relay.
#[derive(Debug)]
pub struct Limits {
    records: Option<Rate<String>>,
    bytes: Option<Rate<String>>,
    requests: Option<Rate<IpAddr>>,
    trusted_proxies: Vec<IpAddr>,
    told: Told,
    receiving: Room,
    receiving_of: Shares,
    working: Room,
}

impl Limits {
    /// Limits by `rates`; the word of `trusted_proxies` on a client's address counts.
    #[must_use]
    pub fn new(rates: &Rates, trusted_proxies: Vec<IpAddr>) -> Self {
        Self {
            records: rates.records.map(Rate::per_minute),
            bytes: rates.bytes.map(Rate::per_minute),
            requests: rates.requests.map(Rate::per_minute),
            trusted_proxies,
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
        rate.take(&address, 1).map_err(Refusal::into_error)
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

    /// Room for a body on its way in.
    ///
    /// # Errors
    ///
    /// When there is none for a while, or this user has its share of it.
    pub async fn receive(&self, subject: &str, bytes: usize) -> Result<Held, ApiError> {
        let share = self.receiving_of.take(subject, self.receiving.kib(bytes))?;
        let mut held = self.receiving.hold(bytes).await?;
        held.share = Some(share);
        Ok(held)
    }

    /// Room for a batch that is being parsed, mapped and kept.
    ///
    /// # Errors
    ///
    /// When there is none for a while.
    pub async fn work(&self, bytes: usize) -> Result<Held, ApiError> {
        self.working.hold(bytes).await
    }
}

/// Room that is free again when this is dropped.
#[derive(Debug)]
pub struct Held {
    permit: OwnedSemaphorePermit,
    share: Option<Share>,
}

impl Held {
    /// Gives back what is not needed for `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let spare = self.permit.num_permits().saturating_sub(bytes / 1024 + 1);
        drop(self.permit.split(spare));
    }
}

#[derive(Debug)]
struct Room {
    free: Arc<Semaphore>,
    kib: u32,
}

impl Room {
    fn new(kib: u32) -> Self {
        Self {
            free: Arc::new(Semaphore::new(usize::try_from(kib).unwrap_or(usize::MAX))),
            kib,
        }
    }

    /// What so many bytes take; never more than there is, so that a cap above it is slow and not impossible.
    fn kib(&self, bytes: usize) -> u32 {
        u32::try_from(bytes / 1024 + 1)
            .unwrap_or(u32::MAX)
            .min(self.kib)
    }

    async fn hold(&self, bytes: usize) -> Result<Held, ApiError> {
        let permit = Arc::clone(&self.free).acquire_many_owned(self.kib(bytes));
        match tokio::time::timeout(ROOM_TIMEOUT, permit).await {
            Ok(Ok(permit)) => Ok(Held {
                permit,
                share: None,
            }),
            Ok(Err(_)) | Err(_) => Err(ApiError::Unavailable("the relay is busy")),
        }
    }
}

/// Who holds how much of a room.
#[derive(Debug)]
struct Shares {
    most_kib: u32,
    held: Arc<Mutex<HashMap<String, u32>>>,
}

#[derive(Debug)]
struct Share {
    kib: u32,
    subject: String,
    held: Arc<Mutex<HashMap<String, u32>>>,
}

impl Shares {
    fn new(most_kib: u32) -> Self {
        Self {
            most_kib,
            held: Arc::default(),
        }
    }

    fn take(&self, subject: &str, kib: u32) -> Result<Share, ApiError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let own = held.entry(subject.to_owned()).or_default();
        // Whoever holds nothing may take what it needs.
        if *own > 0 && *own + kib > self.most_kib {
            return Err(ApiError::RateLimited(1));
        }
        *own += kib;
        Ok(Share {
            kib,
            subject: subject.to_owned(),
            held: Arc::clone(&self.held),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = held.get_mut(&self.subject) {
            *own = own.saturating_sub(self.kib);
            if *own == 0 {
                held.remove(&self.subject);
            }
        }
    }
}

/// Who was asked to wait, and until when.
#[derive(Debug, Default)]
struct Told(Mutex<HashMap<String, Wait>>);

#[derive(Debug)]
struct Wait {
    /// When what was asked for will be there.
    over: Instant,
    /// Until when it is said again without looking. Soon: what another device of the same user asks for may be less.
    said: Instant,
}

impl Told {
    fn remember(&self, subject: &str, wait: Duration, now: Instant) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MAX_TOLD {
            told.retain(|_, wait| wait.said > now);
        }
        if told.len() < MAX_TOLD {
            let said = now + wait.min(SAID_AGAIN);
            told.insert(
                subject.to_owned(),
                Wait {
                    over: now + wait,
                    said,
                },
            );
        }
    }

    fn wait(&self, subject: &str, now: Instant) -> Option<Duration> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = told.get(subject).filter(|wait| wait.said > now)?;
        Some(wait.over - now)
    }
}

/// One rate, kept for each key that used it in the last minute.
#[derive(Debug)]
struct Rate<K: Clone + Hash + Eq> {
    buckets: RateLimiter<K, HashMapStateStore<K>, DefaultClock>,
    taken: AtomicU32,
}

/// Why nothing was taken.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    Wait(Duration),
    NeverFits,
}

impl Refusal {
    fn into_error(self) -> ApiError {
        match self {
            // Rounded up: whoever comes back then must find enough.
            Self::Wait(wait) => ApiError::RateLimited(wait.as_secs() + 1),
            Self::NeverFits => ApiError::OverAMinute,
        }
    }
}

impl<K: Clone + Hash + Eq> Rate<K> {
    fn per_minute(amount: NonZeroU32) -> Self {
        Self {
            buckets: RateLimiter::hashmap(Quota::per_minute(amount)),
            taken: AtomicU32::new(0),
        }
    }

    fn take(&self, key: &K, amount: usize) -> Result<(), Refusal> {
        if self
            .taken
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(FORGET_EVERY)
        {
            // Full buckets are as good as none.
            self.buckets.retain_recent();
        }
        let Ok(amount) = u32::try_from(amount) else {
            return Err(Refusal::NeverFits);
        };
        let Some(amount) = NonZeroU32::new(amount) else {
            return Ok(());
        };
        match self.buckets.check_key_n(key, amount) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(Refusal::Wait(
                not_until.wait_time_from(DefaultClock::default().now()),
            )),
            Err(_) => Err(Refusal::NeverFits),
        }
    }
}

/// The nearest address that is no trusted proxy: only what such a proxy wrote is believed.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let mut address = peer.to_canonical();
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let hops = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    for hop in hops {
        if !trusted.contains(&address) {
            break;
        }
        let Ok(hop) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        address = hop.to_canonical();
    }
    address
}

/// One customer's worth of addresses: an IPv6 host has a whole /64.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

/// Bodies on their way in: 32 MiB in all.
const RECEIVING_KIB: u32 = 32 * 1024;

/// Batches being worked on: 4 MiB of text in all, because text becomes up to thirty times as much on the way.
const WORKING_KIB: u32 = 4 * 1024;

/// How long a request waits for room.
const ROOM_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a refusal is repeated without looking.
const SAID_AGAIN: Duration = Duration::from_secs(1);

/// Users whose refusal is remembered.
const MAX_TOLD: usize = 10_000;

/// How often full buckets are forgotten.
const FORGET_EVERY: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(records: u32, bytes: u32, requests: u32) -> Limits {
        let rates = Rates {
            records: NonZeroU32::new(records),
            bytes: NonZeroU32::new(bytes),
            requests: NonZeroU32::new(requests),
        };
        Limits::new(&rates, vec![[10, 0, 0, 1].into(), [10, 0, 0, 2].into()])
    }

    fn forwarded(hops: &[&str]) -> HeaderMap {
        hops.iter()
            .map(|hop| {
                (
                    "x-forwarded-for".parse().expect("a name"),
                    hop.parse().expect("a value"),
                )
            })
            .collect()
    }

    #[test]
    fn a_full_minute_may_come_at_once_and_then_a_true_wait() {
        let limits = limits(60, 0, 0);
        assert_eq!(limits.admit_batch("a", 60, 1), Ok(()));
        let Err(ApiError::RateLimited(seconds)) = limits.admit_batch("a", 10, 1) else {
            panic!("it is used up")
        };
        assert!(
            (9..=11).contains(&seconds),
            "ten records take ten seconds, not {seconds}"
        );
        assert_eq!(
            limits.admit_batch("b", 60, 1),
            Ok(()),
            "another user has a minute of their own"
        );
        assert_eq!(
            limits.admit_batch("c", 61, 1),
            Err(ApiError::OverAMinute),
            "it would never fit"
        );
        assert_eq!(limits.admit_batch("c", 0, 0), Ok(()));
    }

    #[test]
    fn bytes_and_addresses_have_rates_of_their_own_and_zero_is_off() {
        let limits = limits(0, 1000, 2);
        assert_eq!(limits.admit_batch("a", 1_000_000, 1000), Ok(()));
        assert!(matches!(
            limits.admit_batch("a", 1, 500),
            Err(ApiError::RateLimited(_))
        ));
        let peer = SocketAddr::from(([192, 0, 2, 1], 1));
        let none = HeaderMap::new();
        assert_eq!(limits.admit_request(peer, &none), Ok(()));
        assert_eq!(limits.admit_request(peer, &none), Ok(()));
        assert!(matches!(
            limits.admit_request(peer, &none),
            Err(ApiError::RateLimited(_))
        ));
        assert_eq!(
            limits.admit_request(SocketAddr::from(([192, 0, 2, 2], 1)), &none),
            Ok(())
        );
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted = [[10, 0, 0, 1].into(), [10, 0, 0, 2].into()];
        let cases = [
            ("192.0.2.9", &["192.0.2.1"][..], "192.0.2.9"),
            ("10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.1, 192.0.2.1"], "192.0.2.1"),
            (
                "10.0.0.1",
                &["198.51.100.1, 192.0.2.1, 10.0.0.2"],
                "192.0.2.1",
            ),
            ("10.0.0.1", &["192.0.2.1", "10.0.0.2"], "192.0.2.1"),
            ("::ffff:10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["junk"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ];
        for (peer, hops, client) in cases {
            let address = client_address(
                peer.parse().expect("an address"),
                &forwarded(hops),
                &trusted,
            );
            assert_eq!(address.to_string(), client, "{peer} {hops:?}");
        }
    }

    #[test]
    fn an_ipv6_host_is_its_network() {
        let host = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(host("2001:db8:1:2:3:4:5:6"), host("2001:db8:1:2::1"));
        assert_ne!(host("2001:db8:1:2::1"), host("2001:db8:1:3::1"));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_no_room_is_asked_to_come_back() {
        let limits = limits(0, 0, 0);
        let all = limits.work(usize::MAX).await.expect("it is empty");
        assert_eq!(
            limits.work(1).await.err(),
            Some(ApiError::Unavailable("the relay is busy"))
        );
        drop(all);
        assert!(limits.work(1).await.is_ok());
    }

    #[tokio::test]
    async fn one_user_has_a_quarter_of_the_room_for_bodies_on_their_way() {
        let limits = limits(0, 0, 0);
        let body = 2 << 20;
        let mut slow = Vec::new();
        for _ in 0..3 {
            slow.push(limits.receive("a", body).await.expect("there is room"));
        }
        assert_eq!(
            limits.receive("a", body).await.err(),
            Some(ApiError::RateLimited(1))
        );
        assert!(limits.receive("b", body).await.is_ok());
        slow.pop();
        assert!(limits.receive("a", body).await.is_ok());
        drop(slow);
        assert!(
            limits
                .receiving_of
                .held
                .lock()
                .expect("it holds")
                .is_empty(),
            "nobody is remembered who has gone"
        );
    }

    #[tokio::test]
    async fn what_turns_out_to_be_small_gives_room_back() {
        let limits = limits(0, 0, 0);
        let mut held = limits.work(usize::MAX).await.expect("it is empty");
        assert_eq!(limits.working.free.available_permits(), 0);
        held.shrink_to(2047);
        assert_eq!(
            limits.working.free.available_permits(),
            WORKING_KIB as usize - 2
        );
        held.shrink_to(1 << 30);
        drop(held);
        assert_eq!(
            limits.working.free.available_permits(),
            WORKING_KIB as usize
        );
    }

    #[test]
    fn who_does_not_listen_is_told_the_same_for_a_second_and_no_longer() {
        let told = Told::default();
        let now = Instant::now();
        let after = |millis| now + Duration::from_millis(millis);
        told.remember("a", Duration::from_secs(10), now);
        assert_eq!(told.wait("a", after(0)), Some(Duration::from_secs(10)));
        assert_eq!(
            told.wait("a", after(900)),
            Some(Duration::from_millis(9100))
        );
        assert_eq!(told.wait("a", after(1000)), None, "it may ask for less now");
        assert_eq!(told.wait("b", after(0)), None);
        told.remember("a", Duration::from_millis(300), now);
        assert_eq!(told.wait("a", after(300)), None, "it is over");

        let limits = limits(60, 0, 0);
        assert_eq!(limits.admit_batch("a", 60, 1), Ok(()));
        assert_eq!(limits.admit_user("a"), Ok(()), "nothing was refused yet");
        assert!(limits.admit_batch("a", 10, 1).is_err());
        assert_eq!(limits.admit_user("a"), Err(ApiError::RateLimited(10)));
        assert_eq!(limits.admit_user("b"), Ok(()));
    }
}
