//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Networks;
use crate::limit::network;

/// The places of one listener; a cheap handle.
#[derive(Clone, Debug)]
pub struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    free: Arc<Semaphore>,
    all: u32,
    per_address: Option<u32>,
    /// Proxies stand for many.
    proxies: Networks,
    taken: Mutex<HashMap<IpAddr, u32>>,
}

/// A place that is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    places: Places,
    address: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// So many places in `all`, and so many for one address, unless it is one of `proxies`.
    #[must_use]
    pub fn new(all: u32, per_address: Option<u32>, proxies: Networks) -> Self {
        Self(Arc::new(Inner {
            free: Arc::new(Semaphore::new(all as usize)),
            all,
            per_address,
            proxies,
            taken: Mutex::default(),
        }))
    }

    /// Waits until there is a place.
    pub async fn any(&self) {
        // Given back at once: only the listener takes places, so that it is still there then.
        let _ = self.0.free.acquire().await;
    }

    /// A place for a connection from `address`; `None` when all of its places are taken.
    pub fn take(&self, address: IpAddr) -> Option<Place> {
        let permit = Arc::clone(&self.0.free).try_acquire_owned().ok()?;
        let address = address.to_canonical();
        let network = network(address);
        let mut taken = self.taken();
        let count = taken.entry(network).or_default();
        let is_full = self.0.per_address.is_some_and(|most| *count >= most);
        if is_full && !self.0.proxies.contains(address) {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Place {
            places: self.clone(),
            address: network,
            _permit: permit,
        })
    }

    /// Waits until all places are free.
    pub async fn empty(&self) {
        let _ = self.0.free.acquire_many(self.0.all).await;
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whether three quarters of all places are taken.
    pub fn is_crowded(&self) -> bool {
        let Inner { free, all, .. } = &*self.places.0;
        free.available_permits() < *all as usize / 4
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_gets_its_share_and_a_proxy_all() {
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        let places = Places::new(8, Some(2), [address(9)].into_iter().collect());
        let held = [places.take(address(1)), places.take(address(1))];
        assert!(held.iter().all(Option::is_some));
        assert!(places.take(address(1)).is_none(), "it has its two");
        assert!(places.take(address(2)).is_some(), "another has its own");
        let proxy: Vec<_> = (0..6).map(|_| places.take(address(9))).collect();
        assert!(proxy.iter().all(Option::is_some));
        assert!(
            proxy
                .last()
                .is_some_and(|place| place.as_ref().is_some_and(Place::is_crowded))
        );
        assert!(places.take(address(3)).is_none(), "there are eight");
        drop((held, proxy));
        assert!(places.take(address(1)).is_some());
        assert!(
            places.taken().is_empty(),
            "nobody is remembered who has gone"
        );
    }

    #[test]
    fn a_host_with_an_ipv6_network_is_one_address() {
        let places = Places::new(8, Some(1), Networks::default());
        let address = |text: &str| text.parse().expect("an address");
        let _held = places.take(address("2001:db8::1"));
        assert!(places.take(address("2001:db8::2")).is_none());
        assert!(places.take(address("2001:db8:0:1::2")).is_some());
    }
}
