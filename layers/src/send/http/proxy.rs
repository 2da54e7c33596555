//! Which requests go through the proxy that the environment names.
//!
//! 1. None over plain http: its proxy would read records and token. A relay on this machine is never asked through one
//!    either.
//! 2. None to a relay that `NO_PROXY` (or `no_proxy`) names, read as curl reads it: `*`, a domain with all below it, an
//!    address, a network (`10.0.0.0/8`), each also with a port (`relay.example:8443`), with commas or spaces between.
//! 3. All others: https by `CONNECT`, or by SOCKS (`socks4://`, `socks4a://`, `socks5://`, `socks5h://`), so that the
//!    proxy sees the relay's name and port, and nothing else.

use std::net::IpAddr;

use super::endpoint::Endpoint;

/// Whether requests to this endpoint go to it directly, by the environment as it is now.
pub(super) fn is_passed_by(endpoint: &Endpoint) -> bool {
    let excepted = |name: &str| {
        let list = std::env::var(name).unwrap_or_default();
        names(&list, endpoint.host(), endpoint.port())
    };
    !endpoint.has_tls() || endpoint.is_loopback() || excepted("NO_PROXY") || excepted("no_proxy")
}

/// Whether one of the list's entries names the host.
fn names(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_end_matches('.');
    list.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let (pattern, wanted) = split_port(entry);
            wanted.is_none_or(|wanted| wanted == port) && fits(pattern, host)
        })
}

/// The entry without its port, and the port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        // More colons without brackets are an IPv6 address.
        Some((pattern, port)) if !pattern.contains(':') || pattern.ends_with(']') => {
            match port.parse() {
                Ok(port) => (pattern, Some(port)),
                Err(_) => (entry, None),
            }
        }
        _ => (entry, None),
    }
}

fn fits(pattern: &str, host: &str) -> bool {
    let pattern = pattern.trim_start_matches('[').trim_end_matches(']');
    if pattern == "*" {
        return true;
    }
    if let Ok(ip) = host.parse::<IpAddr>() {
        return match pattern.split_once('/') {
            Some((net, bits)) => is_in(ip, net.parse().ok(), bits.parse().ok()),
            None => pattern.parse() == Ok(ip),
        };
    }
    let domain = pattern.trim_start_matches('.').trim_end_matches('.');
    let Some(above) = host.len().checked_sub(domain.len()) else {
        return false;
    };
    let is_end = host
        .get(above..)
        .is_some_and(|end| end.eq_ignore_ascii_case(domain));
    !domain.is_empty() && is_end && (above == 0 || host.as_bytes().get(above - 1) == Some(&b'.'))
}

/// Whether the first `bits` of two addresses of one kind are the same.
fn is_in(ip: IpAddr, net: Option<IpAddr>, bits: Option<u32>) -> bool {
    let shares = |difference: u128, width: u32| {
        bits.is_some_and(|bits| bits <= width && (bits == 0 || difference >> (width - bits) == 0))
    };
    match (ip, net) {
        (IpAddr::V4(ip), Some(IpAddr::V4(net))) => {
            shares(u128::from(ip.to_bits() ^ net.to_bits()), 32)
        }
        (IpAddr::V6(ip), Some(IpAddr::V6(net))) => shares(ip.to_bits() ^ net.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_what_curls_would_name() {
        for (list, host, is_named) in [
            ("", "relay.example", false),
            ("*", "relay.example", true),
            ("*", "10.1.2.3", true),
            ("a.example, *", "10.1.2.3", true),
            ("relay.example", "relay.example", true),
            ("RELAY.example", "relay.Example", true),
            ("relay.example", "eu.relay.example", true),
            (".relay.example", "relay.example", true),
            ("relay.example.", "relay.example", true),
            ("relay.example", "relay.example.", true),
            ("relay.example", "myrelay.example", false),
            ("relay.example", "example", false),
            ("other.example relay.example", "relay.example", true),
            (".", "relay.example", false),
            ("relay.example:8443", "relay.example", true),
            ("relay.example:443", "relay.example", false),
            ("relay.example:https", "relay.example", false),
            ("*:8443", "relay.example", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3:8443", "10.1.2.3", true),
            ("10.1.2.3:443", "10.1.2.3", false),
            ("10.1.2.4", "10.1.2.3", false),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8:8443", "10.1.2.3", true),
            ("11.0.0.0/8", "10.1.2.3", false),
            ("10.1.2.2/31", "10.1.2.3", true),
            ("10.1.2.2/32", "10.1.2.3", false),
            ("0.0.0.0/0", "10.1.2.3", true),
            ("10.0.0.0/33", "10.1.2.3", false),
            ("10.0.0.0/8", "10.example", false),
            ("2.3", "10.1.2.3", false),
            ("fd00::/8", "fd12::1", true),
            ("fd12::1", "fd12::1", true),
            ("[fd12::1]", "fd12::1", true),
            ("[fd12::1]:8443", "fd12::1", true),
            ("[fd12::1]:443", "fd12::1", false),
            ("fe00::/8", "fd12::1", false),
            ("::/0", "10.1.2.3", false),
        ] {
            assert_eq!(names(list, host, 8443), is_named, "{list} {host}");
        }
    }

    #[test]
    fn loopback_and_plain_http_know_no_proxy() {
        for (url, is_direct) in [
            ("http://127.0.0.1:8787", true),
            ("https://127.0.0.1:8787", true),
            ("https://localhost", true),
            ("https://[::1]:8787", true),
            ("http://relay.example", true),
            ("https://relay.invalid", false),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!(is_passed_by(&endpoint), is_direct, "{url}");
        }
    }
}
