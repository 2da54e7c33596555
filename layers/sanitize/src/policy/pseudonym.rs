//! Pseudonyms: `[REDACTED:email#k3f9q2m7xa]`, the same for the same person in every record, sink and restart.
//!
//! Only for what can't be guessed by trying all of it: e-mail addresses and IP addresses, never numbers of people,
//! cards or phones. Whoever has the key can test a guess; keep it as a secret, outside the log directory, and rotate it
//! with its id.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::policy::error::PolicyError;
use crate::rule_names::Rule;

/// Shortest key: 32 bytes, as long as the hash.
pub const MIN_KEY_BYTES: usize = 32;

type Tag = dyn Fn(&[u8]) -> [u8; 7] + Send + Sync;

/// Makes pseudonyms for some rules with one key.
#[derive(Clone)]
pub struct Pseudonyms {
    rules: Vec<Rule>,
    tag: Arc<Tag>,
}

impl Pseudonyms {
    /// Pseudonyms for `rules`, by a keyed hash of the rule and the normalised value.
    ///
    /// # Errors
    /// A rule other than e-mail and IP: what it takes could be found by trying all values.
    pub fn new(
        rules: impl IntoIterator<Item = Rule>,
        tag: impl Fn(&[u8]) -> [u8; 7] + Send + Sync + 'static,
    ) -> Result<Self, PolicyError> {
        let rules: Vec<_> = rules.into_iter().collect();
        match rules
            .iter()
            .find(|rule| !matches!(rule, Rule::Email | Rule::Ip))
        {
            Some(&rule) => Err(PolicyError::Enumerable(rule)),
            None => Ok(Self {
                rules,
                tag: Arc::new(tag),
            }),
        }
    }

    /// Writes `#` and ten characters when `rule` has pseudonyms.
    pub(crate) fn write(&self, rule: Rule, matched: &str, out: &mut String) {
        if !self.rules.contains(&rule) {
            return;
        }
        let mut input = rule.as_str().as_bytes().to_vec();
        input.push(0);
        input.extend_from_slice(normalised(rule, matched).as_bytes());
        let bits = (self.tag)(&input)
            .iter()
            .fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte))
            >> 6;
        out.push('#');
        for place in (0..10).rev() {
            let index = usize::try_from(bits >> (5 * place) & 31).unwrap_or_default();
            out.push(ALPHABET.get(index).copied().map_or('a', char::from));
        }
    }
}

/// The one spelling of a value: an address in lower case, an IP without width and zone.
fn normalised(rule: Rule, matched: &str) -> String {
    if rule == Rule::Ip {
        let address = matched.split(['/', '%']).next().unwrap_or_default();
        if let Ok(address) = address.parse::<IpAddr>() {
            return address.to_canonical().to_string();
        }
    }
    matched
        .to_lowercase()
        .replace("%40", "@")
        .replace("\\u0040", "@")
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pseudonyms")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
