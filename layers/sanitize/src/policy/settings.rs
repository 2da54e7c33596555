//! What to redact, as the program or its operator says.

use std::fmt;

use crate::marker::Markers;
use crate::policy::error::PolicyError;
use crate::policy::pattern::{MIN_KNOWN_BYTES, Pattern};
use crate::policy::pseudonym::Pseudonyms;

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
    /// The whole text goes, and [`Cleaned::drop_record`](crate::Cleaned) asks for the record to go too.
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

/// What a sanitizer takes. Setters consume, so that a policy reads as a list.
#[derive(Clone, Default)]
#[must_use]
pub struct Policy {
    pub(crate) profile: Profile,
    pub(crate) mode: Mode,
    pub(crate) markers: Markers,
    pub(crate) classification: Classification,
    pub(crate) ip: IpMode,
    pub(crate) redacts_loopback: bool,
    pub(crate) deny: Vec<String>,
    pub(crate) allow: Vec<String>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) known: Vec<String>,
    pub(crate) pseudonyms: Option<Pseudonyms>,
    pub(crate) max_string_bytes: Option<usize>,
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
        self.markers = Markers::new(marker)
            .ok_or_else(|| PolicyError::Marker(marker.chars().take(64).collect()))?;
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
