//! What to redact, as the program or its operator says.

use std::fmt;
use std::net::IpAddr;

use super::key::Keys;
use super::marker::Markers;
use super::name_words::{STRICT, STRICT_ALONE};
use super::own_literals::{Own, Triggers};
use super::pattern::{MIN_KNOWN_BYTES, Pattern};
use super::pseudonym::Pseudonyms;
use super::rule::Rule;
use super::span::Span;
use super::trigger::{self, Trigger};

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

/// What happens to a text with a classification marking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Classification {
    /// The whole text goes: to delete the marking alone would hide a spill and keep what was spilled.
    #[default]
    DropValue,
    /// Only the marking goes.
    MarkOnly,
    /// The whole text goes, and [`Cleaned::drop_record`](super::Cleaned) asks for the record to go too.
    DropRecord,
}

/// What stands where an IP address was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IpMode {
    /// `[REDACTED:ip]`.
    #[default]
    Redact,
    /// `[REDACTED:ip:private]`: what kind of network it belongs to.
    Class,
}

/// Does the sanitizer act or only say what it would do?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Secrets go.
    #[default]
    Redact,
    /// Nothing is changed, everything is counted.
    Report,
}

/// A policy that can't be followed. The one in force stays.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A built-in rule did not treat its own samples as it should: a defect of this crate, please report it.
    #[error("rule `{}` fails its own samples", .0.as_str())]
    SelfTest(Rule),
    /// The marker has another form than `[WORD]`.
    #[error("marker `{0}` is not `[`, 1 to 32 letters, digits, `_` or `-`, and `]`")]
    Marker(String),
    /// A pattern's name stands in its marker, so it is short and plain.
    #[error("pattern name `{0}` is not 1 to 32 of a-z, 0-9, `_` and `-`")]
    PatternName(String),
    /// Without a literal a pattern would be tried at every byte.
    #[error("pattern `{0}` has no literal; give the text that every match has in it")]
    NoLiteral(String),
    /// The pattern is no regular expression, too large, or matches the empty text.
    #[error("pattern `{name}`: {reason}")]
    Pattern {
        /// The pattern's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A known value so short would be found in harmless words. The value is not shown.
    #[error("a known value has {0} bytes; it needs at least 6")]
    ShortKnownValue(usize),
    /// All values of this rule can be tried, so a pseudonym would hide nothing.
    #[error("no pseudonyms for `{}`: all its values can be tried; use email and ip only", .0.as_str())]
    Enumerable(Rule),
    /// The key is shorter than the hash.
    #[error("the pseudonym key has {0} bytes; it needs at least 32")]
    ShortKey(usize),
}
crate::debug_is_display!(PolicyError);

/// What a sanitizer takes. Setters consume, so that a policy reads as a list.
#[derive(Clone, Default)]
#[must_use]
pub struct Policy {
    profile: Profile,
    mode: Mode,
    markers: Markers,
    classification: Classification,
    ip: IpMode,
    redacts_loopback: bool,
    deny: Vec<String>,
    allow: Vec<String>,
    patterns: Vec<Pattern>,
    known: Vec<String>,
    pseudonyms: Option<Pseudonyms>,
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

    /// Sets whether secrets go or are only counted. By default [`Mode::Redact`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the marker, whose word all others share: `[GONE]`, `[GONE:email]`. By default `[REDACTED]`.
    ///
    /// # Errors
    /// Anything but `[`, 1 to 32 letters, digits, `_` or `-`, and `]`.
    pub fn marker(mut self, marker: &str) -> Result<Self, PolicyError> {
        self.markers = Markers::new(marker)?;
        Ok(self)
    }

    /// Sets what happens to a text with a classification marking. By default [`Classification::DropValue`].
    pub fn classification(mut self, classification: Classification) -> Self {
        self.classification = classification;
        self
    }

    /// Sets what stands where an IP address was. By default [`IpMode::Redact`].
    pub fn ip(mut self, ip: IpMode) -> Self {
        self.ip = ip;
        self
    }

    /// Sets whether loopback and unspecified addresses stay. By default they do: they tell nothing.
    pub fn keep_loopback(mut self, keep: bool) -> Self {
        self.redacts_loopback = !keep;
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

    /// Adds a pattern.
    pub fn pattern(mut self, pattern: Pattern) -> Self {
        self.patterns.push(pattern);
        self
    }

    /// Adds a secret that is known word by word, wherever it stands.
    ///
    /// # Errors
    /// Fewer than 6 bytes: it would be found in harmless words.
    pub fn known_value(mut self, value: impl Into<String>) -> Result<Self, PolicyError> {
        let value = value.into();
        if value.len() < MIN_KNOWN_BYTES {
            return Err(PolicyError::ShortKnownValue(value.len()));
        }
        self.known.push(value);
        Ok(self)
    }

    /// Sets what gets a pseudonym beside its marker. By default nothing.
    pub fn pseudonyms(mut self, pseudonyms: Pseudonyms) -> Self {
        self.pseudonyms = Some(pseudonyms);
        self
    }

    /// Sets how many bytes of one text are kept. By default [`DEFAULT_MAX_STRING_BYTES`], at least 256.
    pub fn max_string_bytes(mut self, bytes: usize) -> Self {
        self.max_string_bytes = Some(bytes.max(256));
        self
    }

    pub(super) fn compile(&self) -> Compiled {
        let keys = Keys::new(self.profile == Profile::Strict, &self.deny, &self.allow);
        let strict = STRICT
            .iter()
            .chain(STRICT_ALONE.iter())
            .filter(|_| self.profile == Profile::Strict)
            .map(|word: &str| word);
        let names = keys
            .literals()
            .chain(strict)
            .filter(|literal| !trigger::finds_name(literal))
            .map(|literal| Own::new(literal, Trigger::Name, 0));
        let patterns = self.patterns.iter().map(Pattern::literal);
        let own: Vec<Own> = names
            .chain(
                patterns
                    .zip(0..)
                    .map(|(literal, which)| Own::new(literal, Trigger::Pattern, which)),
            )
            .chain(
                self.known
                    .iter()
                    .zip(0..)
                    .map(|(value, which)| Own::new(value, Trigger::Known, which)),
            )
            .collect();
        Compiled {
            own_triggers: (!own.is_empty()).then(|| Triggers::new(&own)),
            keys,
            policy: Policy {
                patterns: self
                    .patterns
                    .iter()
                    .map(|pattern| pattern.marked(&self.markers))
                    .collect(),
                ..self.clone()
            },
            max_string_bytes: self.max_string_bytes.unwrap_or(DEFAULT_MAX_STRING_BYTES),
        }
    }
}

impl fmt::Debug for Policy {
    /// Counts instead of names: what a policy knows may be confidential itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("profile", &self.profile)
            .field("mode", &self.mode)
            .field("deny", &self.deny.len())
            .field("allow", &self.allow.len())
            .field("patterns", &self.patterns.len())
            .field("known", &self.known.len())
            .field("pseudonyms", &self.pseudonyms)
            .finish_non_exhaustive()
    }
}

/// A policy made ready to scan.
pub(super) struct Compiled {
    pub keys: Keys,
    pub max_string_bytes: usize,
    policy: Policy,
    own_triggers: Option<Triggers>,
}

impl Compiled {
    /// The literals of the policy itself.
    pub fn own_triggers(&self) -> Option<&Triggers> {
        self.own_triggers.as_ref()
    }

    /// Is `rule` on?
    pub fn has(&self, rule: Rule) -> bool {
        match rule {
            Rule::Iban | Rule::Imei | Rule::Edipi | Rule::Mac | Rule::Phone | Rule::Location => {
                self.is_strict()
            }
            Rule::Email
            | Rule::Ssn
            | Rule::Card
            | Rule::Ip
            | Rule::Home
            | Rule::Path
            | Rule::Classification => self.has_personal(),
            _ => true,
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
        self.own_triggers.is_some()
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
