//! The operating system's own view of the network, by its interfaces; with a watcher that hears of changes at once.
//!
//! What it does not know: whether anything answers behind an interface. A relay on this very machine is reached without
//! any; then leave this off.

use std::collections::HashMap;
use std::net::IpAddr;
use std::process;
use std::sync::{Arc, Mutex};

use netwatcher::{Interface, WatchHandle, list_interfaces, watch_interfaces_with_callback};

use super::network::{Network, NetworkCheck, NetworkKind};
use super::shared::Shared;

/// Online while an interface other than loopback has an address that others can reach.
#[derive(Debug, Default)]
pub(super) struct Interfaces;

impl NetworkCheck for Interfaces {
    fn network(&mut self) -> Network {
        match list_interfaces() {
            Ok(interfaces) => network(&interfaces),
            // The request finds out.
            Err(_) => true.into(),
        }
    }
}

/// Tells the sender of changes, for as long as it lives. Where the system has no watcher, the sender looks itself.
pub(super) struct Watcher {
    process: u32,
    /// Nothing is done with it, but it must be shared between threads.
    handle: Mutex<Option<WatchHandle>>,
}

impl Watcher {
    pub fn start(is_wanted: bool, shared: &Arc<Shared>) -> Self {
        let shared = Arc::downgrade(shared);
        let tell = move |_| {
            if let Some(shared) = shared.upgrade() {
                shared.network_changed();
            }
        };
        let handle = is_wanted.then(|| watch_interfaces_with_callback(tell));
        Self {
            process: process::id(),
            handle: Mutex::new(handle.and_then(Result::ok)),
        }
    }
}

impl Drop for Watcher {
    /// In a forked child nobody is left who would end.
    fn drop(&mut self) {
        if self.process != process::id() {
            std::mem::forget(self.handle.get_mut().map(Option::take));
        }
    }
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watcher").finish_non_exhaustive()
    }
}

fn network<K>(interfaces: &HashMap<K, Interface>) -> Network {
    let mut reaching: Vec<&str> = interfaces
        .values()
        .filter(|interface| interface.ips.iter().any(|record| reaches(record.ip)))
        .map(|interface| interface.name.as_str())
        .collect();
    // The same answer for the same interfaces.
    reaching.sort_unstable();
    Network {
        is_online: !reaching.is_empty(),
        kind: reaching
            .into_iter()
            .map(kind)
            .find(|&kind| kind != NetworkKind::Unknown)
            .unwrap_or_default(),
    }
}

/// Whether others can be reached from this address.
fn reaches(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local() && !ip.is_unspecified(),
    }
}

/// By the names that systemd, the kernel and Android give.
fn kind(name: &str) -> NetworkKind {
    const KINDS: [(&str, NetworkKind); 11] = [
        ("wl", NetworkKind::Wifi),
        ("ath", NetworkKind::Wifi),
        ("eth", NetworkKind::Wired),
        ("enp", NetworkKind::Wired),
        ("ens", NetworkKind::Wired),
        ("eno", NetworkKind::Wired),
        ("usb", NetworkKind::Wired),
        ("ww", NetworkKind::Cell),
        ("rmnet", NetworkKind::Cell),
        ("ccmni", NetworkKind::Cell),
        ("ppp", NetworkKind::Cell),
    ];
    KINDS
        .into_iter()
        .find(|(start, _)| name.starts_with(start))
        .map_or(NetworkKind::Unknown, |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use netwatcher::IpRecord;

    use super::*;

    fn seen(interfaces: &[(&str, &[&str])]) -> (bool, &'static str) {
        let interfaces: HashMap<u32, Interface> = (1..)
            .zip(interfaces)
            .map(|(index, (name, ips))| {
                let ips = ips.iter().map(|ip| IpRecord {
                    ip: ip.parse().unwrap(),
                    prefix_len: 24,
                });
                let interface = Interface {
                    index,
                    name: (*name).to_owned(),
                    hw_addr: String::new(),
                    ips: ips.collect(),
                };
                (index, interface)
            })
            .collect();
        let network = network(&interfaces);
        (network.is_online, network.kind.as_str())
    }

    #[test]
    fn an_interface_with_an_address_that_others_reach_is_a_network() {
        const LO: (&str, &[&str]) = ("lo", &["127.0.0.1", "::1"]);
        for (interfaces, online, kind) in [
            (&[LO][..], false, "unknown"),
            (&[LO, ("eth0", &[])], false, "unknown"),
            (
                &[LO, ("wlan0", &["fe80::1", "169.254.1.2"])],
                false,
                "unknown",
            ),
            (&[LO, ("wlan0", &["192.0.2.7"])], true, "wifi"),
            (&[LO, ("enp3s0", &["2001:db8::7"])], true, "wired"),
            (&[LO, ("wwan0", &["192.0.2.7"])], true, "cell"),
            (&[LO, ("tun0", &["192.0.2.7"])], true, "unknown"),
            (
                &[LO, ("tun0", &["192.0.2.7"]), ("wlp2s0", &["192.0.2.8"])],
                true,
                "wifi",
            ),
        ] {
            assert_eq!(seen(interfaces), (online, kind), "{interfaces:?}");
        }
    }
}
