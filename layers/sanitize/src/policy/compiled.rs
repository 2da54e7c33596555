//! A policy made ready to scan.

use std::net::IpAddr;

use crate::marker::Markers;
use crate::named::key::Keys;
use crate::named::name_words::{STRICT, STRICT_ALONE};
use crate::policy::own_literals::{Asked, Own, OwnLiterals};
use crate::policy::pattern::Pattern;
use crate::policy::settings::{
    Classification, DEFAULT_MAX_STRING_BYTES, IpMode, Mode, Policy, Profile,
};
use crate::rule::pairs;
use crate::rule_names::{Rule, Whose};
use crate::text::span::Span;

/// A policy made ready to scan.
pub(crate) struct Compiled {
    pub keys: Keys,
    pub max_string_bytes: usize,
    policy: Policy,
    own_literals: Option<OwnLiterals>,
}

impl Compiled {
    /// Makes `policy` ready.
    pub fn of(policy: &Policy) -> Self {
        let keys = Keys::new(
            policy.profile == Profile::Strict,
            &policy.deny,
            &policy.allow,
        );
        let strict = STRICT
            .iter()
            .chain(STRICT_ALONE.iter())
            .filter(|_| policy.profile == Profile::Strict)
            .map(|word: &str| word);
        let names = keys
            .literals()
            .chain(strict)
            .filter(|literal| !pairs::finds_name(literal))
            .map(|literal| Own::new(literal, Asked::Name));
        let patterns = policy.patterns.iter().map(Pattern::literal);
        let own: Vec<Own> = names
            .chain(
                patterns
                    .zip(0..)
                    .map(|(literal, which)| Own::new(literal, Asked::Pattern(which))),
            )
            .chain(
                policy
                    .known
                    .iter()
                    .zip(0..)
                    .map(|(value, which)| Own::new(value, Asked::Known(which))),
            )
            .collect();
        Self {
            own_literals: (!own.is_empty()).then(|| OwnLiterals::new(&own)),
            keys,
            policy: Policy {
                patterns: policy
                    .patterns
                    .iter()
                    .map(|pattern| pattern.marked(&policy.markers))
                    .collect(),
                ..policy.clone()
            },
            max_string_bytes: policy.max_string_bytes.unwrap_or(DEFAULT_MAX_STRING_BYTES),
        }
    }

    /// The literals of the policy itself.
    pub fn own_literals(&self) -> Option<&OwnLiterals> {
        self.own_literals.as_ref()
    }

    /// Is `rule` on?
    pub fn has(&self, rule: Rule) -> bool {
        match rule.whose() {
            Whose::Always => true,
            Whose::Personal => self.has_personal(),
            Whose::Strict => self.is_strict(),
        }
    }

    pub fn is_strict(&self) -> bool {
        self.policy.profile == Profile::Strict
    }

    /// Are the rules on that take personal data?
    pub fn has_personal(&self) -> bool {
        self.policy.profile != Profile::Minimal
    }

    pub fn is_report(&self) -> bool {
        self.policy.mode == Mode::Report
    }

    pub fn keeps_loopback(&self) -> bool {
        !self.policy.redacts_loopback
    }

    pub fn classification(&self) -> Classification {
        self.policy.classification
    }

    pub fn markers(&self) -> &Markers {
        &self.policy.markers
    }

    pub fn pattern(&self, which: u16) -> Option<&Pattern> {
        self.policy.patterns.get(usize::from(which))
    }

    pub fn known(&self, which: u16) -> Option<&str> {
        self.policy
            .known
            .get(usize::from(which))
            .map(String::as_str)
    }

    /// The policy takes something back from the built-in rules.
    pub fn has_exceptions(&self) -> bool {
        !self.policy.allow.is_empty()
    }

    /// The policy adds rules of its own, or lacks some.
    pub fn has_changes(&self) -> bool {
        self.own_literals.is_some()
            || self.policy.profile != Profile::Default
            || self.policy.redacts_loopback
    }

    /// Writes what stands where `span` took `matched`.
    pub fn write_marker(&self, span: Span, matched: &str, out: &mut String) {
        let marker = match self.pattern(span.pattern) {
            Some(pattern) if span.rule == Rule::Pattern => pattern.marker(),
            _ => self.markers().text(span.rule),
        };
        let is_classed = span.rule == Rule::Ip && self.policy.ip == IpMode::Class;
        let (Some(open), true) = (
            marker.strip_suffix(']'),
            is_classed || self.policy.pseudonyms.is_some(),
        ) else {
            out.push_str(marker);
            return;
        };
        out.push_str(open);
        if is_classed {
            out.push(':');
            out.push_str(network(matched));
        }
        if let Some(pseudonyms) = &self.policy.pseudonyms {
            pseudonyms.write(span.rule, matched, out);
        }
        out.push(']');
    }
}

/// What kind of network an address belongs to.
fn network(address: &str) -> &'static str {
    let address = address.split(['/', '%']).next().unwrap_or_default();
    match address
        .parse::<IpAddr>()
        .map(|address| address.to_canonical())
    {
        Ok(address) if address.is_loopback() => "loopback",
        Ok(address) if address.is_multicast() => "multicast",
        Ok(IpAddr::V4(address)) if address.is_private() => "private",
        Ok(IpAddr::V4(address)) if address.is_link_local() => "link_local",
        Ok(IpAddr::V6(address)) if address.is_unique_local() => "private",
        Ok(IpAddr::V6(address)) if address.is_unicast_link_local() => "link_local",
        _ => "public",
    }
}
