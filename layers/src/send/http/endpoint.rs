//! Where the relay is: a base URL that makes sense, and may be changed while the program runs.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use reqwest::Url;

/// The endpoint is no URL that records could be sent to. The one in use stays.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It does not parse. Write it with its scheme: `https://relay.example`.
    #[error("relay URL `{url}`: {reason}; write it as `https://relay.example`")]
    Url {
        /// What was given, without its query and fragment: a secret may stand there.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// It carries a user or password, which would end up in logs. Use a token.
    #[error("relay URL with credentials in it: they would end up in logs; use a token")]
    Credentials,
    /// Records and tokens would cross a network in the clear. Use https, or call `.allow_plain_http()`.
    #[error(
        "relay URL `{url}`: http leaves records and token in the clear; use https, or call `.allow_plain_http()` if \
         the network is your own"
    )]
    Plain {
        /// What was given.
        url: String,
    },
    /// It was locked by `.lock_endpoint()`.
    #[error("the relay's URL is locked")]
    Locked,
    /// The sender has a transport of the program's own, which has its endpoint.
    #[error("the sender's transport is the program's own: it has its endpoint itself")]
    OwnTransport,
}
courier_sanitize::debug_is_display!(EndpointError);

/// A base URL without a slash at its end.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    base: Url,
    pub shown: String,
}

impl Endpoint {
    pub fn parse(url: &str) -> Result<Self, EndpointError> {
        let refused = |reason: &str| EndpointError::Url {
            url: url.split(['?', '#']).next().unwrap_or_default().to_owned(),
            reason: reason.to_owned(),
        };
        let mut base = Url::parse(url).map_err(|error| {
            if url.contains('@') {
                EndpointError::Credentials
            } else {
                refused(&error.to_string())
            }
        })?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err(EndpointError::Credentials);
        }
        if !matches!(base.scheme(), "http" | "https") {
            return Err(refused("its scheme is neither http nor https"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(refused("it has a query or fragment"));
        }
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Self {
            shown: base.as_str().trim_end_matches('/').to_owned(),
            base,
        })
    }

    /// Refuses http to anything but this machine.
    fn crossing_no_network_in_the_clear(self) -> Result<Self, EndpointError> {
        if self.has_tls() || self.is_loopback() {
            Ok(self)
        } else {
            Err(EndpointError::Plain { url: self.shown })
        }
    }

    pub fn has_tls(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// The host's name or address; an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        let host = self.base.host_str().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']')
    }

    pub fn port(&self) -> u16 {
        self.base.port_or_known_default().unwrap_or_default()
    }

    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        let is_loopback_ip = host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        // By RFC 6761 names below it are loopback too.
        is_loopback_ip || host == "localhost" || host.ends_with(".localhost")
    }

    /// The URL of a path below the endpoint, which may have a query.
    pub fn below(&self, path_and_query: &str) -> Url {
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path_and_query, None),
        };
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(query);
        url
    }
}

/// The endpoint in force, shared by the transport and the handles that may change it.
#[derive(Clone, Debug)]
pub(crate) struct Place(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    endpoint: ArcSwap<Endpoint>,
    may_be_plain: bool,
    is_locked: AtomicBool,
}

impl Place {
    pub fn new(url: &str, may_be_plain: bool) -> Result<Self, EndpointError> {
        let endpoint = parse(url, may_be_plain)?;
        Ok(Self(Arc::new(Inner {
            endpoint: ArcSwap::from_pointee(endpoint),
            may_be_plain,
            is_locked: AtomicBool::new(false),
        })))
    }

    pub(super) fn endpoint(&self) -> Arc<Endpoint> {
        self.0.endpoint.load_full()
    }

    pub fn shown(&self) -> String {
        self.0.endpoint.load().shown.clone()
    }

    pub fn lock(&self) {
        self.0.is_locked.store(true, Ordering::Release);
    }

    pub fn is_locked(&self) -> bool {
        self.0.is_locked.load(Ordering::Acquire)
    }

    pub(super) fn set(&self, url: &str) -> Result<(), EndpointError> {
        if self.is_locked() {
            return Err(EndpointError::Locked);
        }
        let endpoint = parse(url, self.0.may_be_plain)?;
        self.0.endpoint.store(Arc::new(endpoint));
        Ok(())
    }
}

fn parse(url: &str, may_be_plain: bool) -> Result<Endpoint, EndpointError> {
    let endpoint = Endpoint::parse(url)?;
    if may_be_plain {
        Ok(endpoint)
    } else {
        endpoint.crossing_no_network_in_the_clear()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_is_none_is_refused_by_name() {
        for (url, message) in [
            (
                "",
                "relay URL ``: relative URL without a base; write it as `https://relay.example`",
            ),
            (
                "relay.example",
                "relay URL `relay.example`: relative URL without a base; write it as `https://relay.example`",
            ),
            (
                "ftp://relay.example",
                "relay URL `ftp://relay.example`: its scheme is neither http nor https; write it as `https://relay.example`",
            ),
            (
                "http://",
                "relay URL `http://`: empty host; write it as `https://relay.example`",
            ),
            (
                "https://relay.example?token=t-1",
                "relay URL `https://relay.example`: it has a query or fragment; write it as `https://relay.example`",
            ),
            (
                "https://ada:hunter2@relay.example",
                "relay URL with credentials in it: they would end up in logs; use a token",
            ),
            (
                "https://ada:hunter2@:x",
                "relay URL with credentials in it: they would end up in logs; use a token",
            ),
            (
                "http://relay.example",
                "relay URL `http://relay.example`: http leaves records and token in the clear; use https, or call `.allow_plain_http()` if the network is your own",
            ),
        ] {
            assert_eq!(Place::new(url, false).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn http_is_for_this_machine_unless_it_is_allowed() {
        for (url, is_fine) in [
            ("http://127.0.0.1:8787", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:8787", true),
            ("http://localhost:8787", true),
            ("http://relay.localhost", true),
            ("http://notlocalhost", false),
            ("http://10.0.0.1", false),
            ("http://[::2]", false),
            ("http://0.0.0.0", false),
            ("http://127.0.0.1.example.org", false),
            ("https://relay.example", true),
        ] {
            assert_eq!(Place::new(url, false).is_ok(), is_fine, "{url}");
            assert!(Place::new(url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn an_endpoint_may_have_a_path_and_ends_without_a_slash() {
        for (url, shown, below) in [
            (
                "https://relay.example",
                "https://relay.example",
                "https://relay.example/api/v1/logs?a=b%20c",
            ),
            (
                "http://127.0.0.1:8787/",
                "http://127.0.0.1:8787",
                "http://127.0.0.1:8787/api/v1/logs?a=b%20c",
            ),
            (
                "https://relay.example/logs/",
                "https://relay.example/logs",
                "https://relay.example/logs/api/v1/logs?a=b%20c",
            ),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!(endpoint.shown, shown);
            assert_eq!(endpoint.below("/api/v1/logs?a=b%20c").as_str(), below);
        }
    }

    #[test]
    fn a_locked_place_stays() {
        let place = Place::new("https://relay.example", false).unwrap();
        assert!(place.set("http://elsewhere.example").is_err());
        place.set("https://elsewhere.example").unwrap();
        place.lock();
        assert_eq!(
            place.set("https://relay.example"),
            Err(EndpointError::Locked)
        );
        assert_eq!(place.shown(), "https://elsewhere.example");
    }
}
