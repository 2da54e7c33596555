//! A policy as the operator writes it, in TOML.
//!
//! What was written ([`Raw`]: everything optional, unknown keys refused) becomes a [`Policy`] in one step, or an error
//! that names the line. Nothing is in force before all of it made sense.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::Sanitizer;
use crate::file::words::{Ip, Word};
use crate::policy::error::PolicyError;
use crate::policy::pattern::Pattern;
use crate::policy::settings::{Classification, IpMode, Mode, Policy, Profile};
use crate::rule_names::Rule;

/// Why a policy file was refused.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file could not be read. Check the path and its owner.
    #[error("cannot read policy `{}`", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others than its owner may read the key. Take their rights away: `chmod 600`.
    #[error("key file `{}` can be read by others; chmod 600 it", .path.display())]
    OpenKey {
        /// The file.
        path: PathBuf,
    },
    /// The policy makes sense and still can't be followed; the one in force stays.
    #[error("policy `{}`", .path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// Why.
        source: PolicyError,
    },
    /// Something in the file makes no sense.
    #[error("{}:{line}: {reason}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}
crate::debug_is_display!(FileError);

/// What a policy file says about pseudonyms; the key itself lies elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PseudonymSettings {
    /// What gets pseudonyms.
    pub rules: Vec<Rule>,
    /// Where the key lies.
    pub key_file: PathBuf,
    /// Which key it is, to be written down beside the logs.
    pub key_id: String,
    /// The line of the policy that asks for it, from 1.
    pub line: usize,
}

/// A policy read from a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PolicyFile {
    /// What it says, without pseudonyms.
    pub policy: Policy,
    /// What it says about pseudonyms, when it does.
    pub pseudonym: Option<PseudonymSettings>,
}

impl PolicyFile {
    /// Reads the policy at `path`, with the key of its pseudonyms where it asks for them: all that it takes to follow it.
    ///
    /// # Errors
    /// A file that can't be read or makes no sense, in it or in its key; pseudonyms in a build without them.
    pub fn read(path: &Path) -> Result<Policy, FileError> {
        let file = Self::load(path)?;
        match file.pseudonym {
            None => Ok(file.policy),
            Some(settings) => with_pseudonyms(file.policy, &settings, path),
        }
    }

    /// Reads the file at `path`, and no other.
    ///
    /// # Errors
    /// A file that can't be read or makes no sense.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let text = std::fs::read_to_string(path).map_err(|source| FileError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Reads `text`; `path` is only named in errors.
    ///
    /// # Errors
    /// Text that is no TOML, has unknown keys, or asks for what can't be done.
    pub fn parse(text: &str, path: &Path) -> Result<Self, FileError> {
        let content = |span: Option<Range<usize>>, reason: String| FileError::Content {
            path: path.to_owned(),
            line: line(text, span),
            reason,
        };
        let raw: RawFile = toml::from_str(text)
            .map_err(|error| content(error.span(), error.message().to_owned()))?;
        raw.sanitize
            .policy(|span| line(text, Some(span)))
            .map_err(|Wrong { span, reason }| content(Some(span), reason))
    }
}

impl Sanitizer {
    /// Follows the policy at `path` from now on, in all clones.
    ///
    /// # Errors
    /// As [`PolicyFile::read`]; the policy in force stays.
    pub fn reload_from(&self, path: &Path) -> Result<(), FileError> {
        let policy = PolicyFile::read(path)?;
        self.reload(&policy).map_err(|source| FileError::Policy {
            path: path.to_owned(),
            source,
        })
    }
}

/// The policy with the pseudonyms that it asks for. What is wrong with their key is said of the line that names it.
fn with_pseudonyms(
    policy: Policy,
    settings: &PseudonymSettings,
    path: &Path,
) -> Result<Policy, FileError> {
    #[cfg(feature = "pseudonym")]
    let made = settings
        .load(path.parent().unwrap_or(Path::new("")))
        .map_err(|error| match error {
            FileError::Read { path, source } => {
                format!("cannot read key file `{}`: {source}", path.display())
            }
            error => error.to_string(),
        });
    #[cfg(not(feature = "pseudonym"))]
    let made: Result<crate::Pseudonyms, String> = Err("this program has no pseudonyms".to_owned());
    made.map(|pseudonyms| policy.pseudonyms(pseudonyms))
        .map_err(|reason| FileError::Content {
            path: path.to_owned(),
            line: settings.line,
            reason,
        })
}

/// The line, from 1, where a span of the text begins.
fn line(text: &str, span: Option<Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start));
    1 + before.map_or(0, |before| before.matches('\n').count())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    sanitize: Raw,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    profile: Option<Word<Profile>>,
    mode: Option<Word<Mode>>,
    marker: Option<Spanned<String>>,
    max_string_bytes: Option<usize>,
    classification: Option<Word<Classification>>,
    ip: Option<Spanned<Word<Ip>>>,
    keep_loopback: Option<bool>,
    keys: RawKeys,
    pattern: Vec<Spanned<RawPattern>>,
    known_values: Vec<Spanned<String>>,
    pseudonym: Option<Spanned<RawPseudonym>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawKeys {
    deny: Vec<String>,
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPattern {
    name: Spanned<String>,
    regex: Spanned<String>,
    #[serde(default)]
    literal: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPseudonym {
    kinds: Vec<Spanned<String>>,
    key_file: Spanned<PathBuf>,
    #[serde(default)]
    key_id: String,
}

/// What is wrong, and where in the text.
struct Wrong {
    span: Range<usize>,
    reason: String,
}

impl Wrong {
    fn at(span: Range<usize>) -> impl Fn(PolicyError) -> Self {
        move |error| Self {
            span: span.clone(),
            reason: error.to_string(),
        }
    }
}

impl Raw {
    fn policy(self, line: impl Fn(Range<usize>) -> usize) -> Result<PolicyFile, Wrong> {
        let mut policy = Policy::new()
            .profile(self.profile.map(|word| word.0).unwrap_or_default())
            .mode(self.mode.map(|word| word.0).unwrap_or_default())
            .classification(self.classification.map(|word| word.0).unwrap_or_default())
            .keep_loopback(self.keep_loopback.unwrap_or(true));
        let wants_ip = match self.ip {
            Some(word) if word.get_ref().0 == Ip::Pseudonym => Some(word.span()),
            Some(word) if word.get_ref().0 == Ip::Class => {
                policy = policy.ip(IpMode::Class);
                None
            }
            _ => None,
        };
        if let Some(bytes) = self.max_string_bytes {
            policy = policy.max_string_bytes(bytes);
        }
        if let Some(marker) = self.marker {
            policy = policy
                .marker(marker.get_ref())
                .map_err(Wrong::at(marker.span()))?;
        }
        policy = self.keys.deny.into_iter().fold(policy, Policy::deny);
        policy = self.keys.allow.into_iter().fold(policy, Policy::allow);
        for pattern in self.pattern {
            let whole = pattern.span();
            let RawPattern {
                name,
                regex,
                literal,
            } = pattern.into_inner();
            let (in_name, in_regex) = (name.span(), regex.span());
            let wrong = |error: PolicyError| {
                let span = match error {
                    PolicyError::PatternName(_) => in_name.clone(),
                    PolicyError::Pattern { .. } => in_regex.clone(),
                    _ => whole.clone(),
                };
                Wrong::at(span)(error)
            };
            let made = Pattern::regex(name.into_inner(), literal, regex.get_ref());
            policy = policy.pattern(made.map_err(wrong)?);
        }
        for value in self.known_values {
            let wrong = Wrong::at(value.span());
            policy = policy.known_value(value.into_inner()).map_err(wrong)?;
        }
        let mut pseudonym = self
            .pseudonym
            .map(|raw| raw.into_inner().settings(line))
            .transpose()?;
        match (&mut pseudonym, wants_ip) {
            (Some(settings), Some(_)) if !settings.rules.contains(&Rule::Ip) => {
                settings.rules.push(Rule::Ip);
            }
            (None, Some(span)) => {
                return Err(Wrong {
                    span,
                    reason: "`ip = \"pseudonym\"` needs a key: add [sanitize.pseudonym]".to_owned(),
                });
            }
            _ => {}
        }
        Ok(PolicyFile { policy, pseudonym })
    }
}

impl RawPseudonym {
    fn settings(self, line: impl Fn(Range<usize>) -> usize) -> Result<PseudonymSettings, Wrong> {
        let mut rules = Vec::new();
        for kind in self.kinds {
            let rule = Rule::ALL
                .into_iter()
                .find(|rule| rule.as_str() == kind.get_ref())
                .ok_or_else(|| Wrong {
                    span: kind.span(),
                    reason: format!("`{}` is no rule; use email or ip", kind.get_ref()),
                })?;
            if !matches!(rule, Rule::Email | Rule::Ip) {
                return Err(Wrong::at(kind.span())(PolicyError::Enumerable(rule)));
            }
            rules.push(rule);
        }
        Ok(PseudonymSettings {
            rules,
            line: line(self.key_file.span()),
            key_file: self.key_file.into_inner(),
            key_id: self.key_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyClass, Place};

    fn parse(text: &str) -> Result<PolicyFile, FileError> {
        PolicyFile::parse(text, Path::new("policy.toml"))
    }

    #[test]
    fn a_whole_policy_is_followed() {
        let file = parse(
            r#"
            [sanitize]
            profile = "strict"
            marker = "[GONE]"
            max_string_bytes = 4096
            classification = "mark_only"
            ip = "class"
            keep_loopback = false
            known_values = ["open-sesame"]
            [sanitize.keys]
            deny = ["case_number", "*.mrn"]
            allow = ["auth_method", "auth"]
            [[sanitize.pattern]]
            name = "case-id"
            regex = 'FK-\d{6}'
            literal = "FK-"
            [sanitize.pseudonym]
            kinds = ["email", "ip"]
            key_file = "key"
            key_id = "2026a"
            "#,
        )
        .unwrap();
        let sanitizer = Sanitizer::new(&file.policy);
        assert_eq!(
            sanitizer.clean(
                Place::Message,
                "case_number=1 FK-123456 FK-12 open-sesame 127.0.0.1 10.0.0.1 a@example.com auth=x call 5551234 SECRET//NF ok"
            ),
            "case_number=[GONE] [GONE:case-id] FK-12 [GONE:known] [GONE:ip:loopback] [GONE:ip:private] [GONE:email] auth=x call [GONE:phone] [GONE:classification] ok"
        );
        assert_eq!(sanitizer.key("auth"), KeyClass::Clean);
        let pseudonym = file.pseudonym.unwrap();
        assert_eq!(pseudonym.rules, [Rule::Email, Rule::Ip]);
    }

    #[test]
    fn what_makes_no_sense_is_named_with_its_line() {
        for (text, error) in [
            (
                "[sanitize]\nprofil = \"strict\"",
                "policy.toml:2: unknown field `profil`",
            ),
            (
                "\n[sanitize]\nprofile = \"loose\"",
                "policy.toml:3: `loose` is none of default, strict, minimal",
            ),
            (
                "[sanitize]\nmarker = \"gone\"",
                "policy.toml:2: marker `gone` is not",
            ),
            (
                "[[sanitize.pattern]]\nname = \"x\"\nregex = 'a('\nliteral = \"a\"",
                "policy.toml:3: pattern `x`: unclosed group",
            ),
            (
                "[[sanitize.pattern]]\nname = \"x\"\nregex = 'a*'\nliteral = \"a\"",
                "policy.toml:3: pattern `x`: it matches the empty text",
            ),
            (
                "[[sanitize.pattern]]\nname = \"x\"\nregex = 'ab'",
                "policy.toml:1: pattern `x` has no literal",
            ),
            (
                "[[sanitize.pattern]]\nregex = 'ab'\nname = \"X y\"\nliteral = \"ab\"",
                "policy.toml:3: pattern name `X y` is not",
            ),
            (
                "[sanitize]\nip = \"pseudonym\"",
                "policy.toml:2: `ip = \"pseudonym\"` needs a key",
            ),
            (
                "[sanitize]\nknown_values = [\"short\"]",
                "policy.toml:2: a known value has 5 bytes",
            ),
            (
                "[sanitize.pseudonym]\nkinds = [\"ssn\"]\nkey_file = \"k\"\nkey_id = \"a\"",
                "policy.toml:2: no pseudonyms for `ssn`",
            ),
            ("[sanitize", "policy.toml:1: "),
        ] {
            let found = parse(text).unwrap_err().to_string();
            assert!(found.contains(error), "{text:?} gave {found:?}");
        }
    }
}
