//! What to redact, as the program or its operator says.

use super::key::Keys;
use super::rule::Rule;
use super::trigger::{Trigger, Triggers};

/// The longest text that is scanned: 64 KiB, the cap of a whole record. What is not scanned is not handed on.
pub const DEFAULT_MAX_STRING_BYTES: usize = 64 * 1024;

/// Which rules are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// Names, credentials and tokens only; no personal data.
    Minimal,
    /// All that is hardly ever anything else.
    #[default]
    Default,
    /// Also what is often harmless: phone numbers, coordinates, hardware addresses, PINs and codes.
    Strict,
}

/// A policy that can't be followed. The one in force stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A built-in rule did not find its own samples: a defect of this crate, please report it.
    #[error("rule `{}` does not find its own samples", .0.as_str())]
    SelfTest(Rule),
}

/// What a sanitizer takes. Setters consume, so that a policy reads as a list.
#[derive(Clone, Default)]
#[must_use]
pub struct Policy {
    profile: Profile,
    deny: Vec<String>,
    allow: Vec<String>,
    max_string_bytes: Option<usize>,
}

impl Policy {
    /// The default policy.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets which rules are on. By default [`Profile::Default`].
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Makes a name, or a glob of names (`*.mrn`), secret.
    pub fn deny(mut self, name: impl Into<String>) -> Self {
        self.deny.push(name.into());
        self
    }

    /// Makes a name, or a glob of names, clean although it has a secret word.
    pub fn allow(mut self, name: impl Into<String>) -> Self {
        self.allow.push(name.into());
        self
    }

    /// Sets how many bytes of one text are kept. By default [`DEFAULT_MAX_STRING_BYTES`], at least 256.
    pub fn max_string_bytes(mut self, bytes: usize) -> Self {
        self.max_string_bytes = Some(bytes.max(256));
        self
    }

    pub(super) fn compile(&self) -> Compiled {
        let keys = Keys::new(self.profile == Profile::Strict, &self.deny, &self.allow);
        let names: Vec<_> = keys
            .literals()
            .map(|literal| (literal.to_owned(), Trigger::Name))
            .collect();
        Compiled {
            own_triggers: (!names.is_empty()).then(|| Triggers::new(&names)),
            has_additions: !self.deny.is_empty() || self.profile == Profile::Strict,
            has_exceptions: !self.allow.is_empty(),
            keys,
            max_string_bytes: self.max_string_bytes.unwrap_or(DEFAULT_MAX_STRING_BYTES),
        }
    }
}

impl std::fmt::Debug for Policy {
    /// Counts instead of names: what a policy denies may be confidential itself.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy")
            .field("profile", &self.profile)
            .field("deny", &self.deny.len())
            .field("allow", &self.allow.len())
            .finish_non_exhaustive()
    }
}

/// A policy made ready to scan.
pub(super) struct Compiled {
    pub keys: Keys,
    /// The policy takes something back from the built-in rules.
    pub has_exceptions: bool,
    /// The policy adds rules of its own.
    pub has_additions: bool,
    pub max_string_bytes: usize,
    own_triggers: Option<Triggers>,
}

impl Compiled {
    pub fn triggers(&self) -> &Triggers {
        self.own_triggers
            .as_ref()
            .unwrap_or_else(|| Triggers::built_in())
    }

    /// What stands where `rule` took something.
    pub fn marker(&self, rule: Rule) -> &'static str {
        match rule {
            Rule::Error => "[REDACTED:error]",
            Rule::Key => super::REDACTED,
            Rule::Jwt => "[REDACTED:jwt]",
            Rule::Bearer => "[REDACTED:bearer]",
            Rule::Basic => "[REDACTED:basic]",
            Rule::Userinfo => "[REDACTED:userinfo]",
            Rule::Ssn => "[REDACTED:ssn]",
            Rule::Card => "[REDACTED:card]",
            Rule::Email => "[REDACTED:email]",
            Rule::Ip => "[REDACTED:ip]",
            _ => super::REDACTED,
        }
    }
}
