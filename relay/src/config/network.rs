//! Addresses that stand for many: proxies, one by one or as networks.

use std::net::IpAddr;

use ipnet::IpNet;

use super::error::ConfigError;
use super::setting::Setting;
use super::value::{word, wrong};

/// Networks in CIDR; an address alone is a network of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether `address` is in one of them. An IPv4 address that is written as IPv6 is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Into<IpAddr>> FromIterator<T> for Networks {
    fn from_iter<I: IntoIterator<Item = T>>(addresses: I) -> Self {
        Self(
            addresses
                .into_iter()
                .map(|address| IpNet::from(address.into()))
                .collect(),
        )
    }
}

pub(super) fn proxies(setting: Option<&Setting>) -> Result<Networks, ConfigError> {
    let texts = word(setting).into_iter().flat_map(|text| text.split(','));
    let network = |text: &str| {
        let text = text.trim();
        let expected = "use addresses or networks (10.0.0.0/8), separated by commas";
        match (text.parse::<IpNet>(), text.parse::<IpAddr>()) {
            (Ok(network), _) => Ok(network),
            (_, Ok(address)) => Ok(IpNet::from(address.to_canonical())),
            _ => Err(wrong("trusted-proxy", text, expected)),
        }
    };
    texts.map(network).collect::<Result<_, _>>().map(Networks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_stand_beside_each_other() {
        let setting = Setting::from("10.1.0.0/16, 192.0.2.7,2001:db8::/32,::ffff:198.51.100.1");
        let networks = proxies(Some(&setting)).expect("they are networks");
        let contains = |text: &str| networks.contains(text.parse().expect("an address"));
        for inside in [
            "10.1.255.1",
            "192.0.2.7",
            "2001:db8:1::1",
            "::ffff:10.1.2.3",
            "198.51.100.1",
        ] {
            assert!(contains(inside), "{inside}");
        }
        for outside in ["10.2.0.1", "192.0.2.8", "2001:db9::1", "::1"] {
            assert!(!contains(outside), "{outside}");
        }
        for wrong in ["10.0.0.0/33", "a", "10.0.0.1;10.0.0.2", "10.0.0.1,"] {
            let error = proxies(Some(&Setting::from(wrong)))
                .expect_err(wrong)
                .to_string();
            assert!(
                error.contains("--trusted-proxy") && error.contains("networks"),
                "{error}"
            );
        }
    }
}
