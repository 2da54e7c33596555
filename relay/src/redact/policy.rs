//! A policy as an operator writes it, in TOML: the `[sanitize]` table.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use regex::RegexBuilder;
use serde::Deserialize;
use tracing_courier::sanitize::{
    Classification, IpMode, MIN_KEY_BYTES, Mode, Pattern, Policy, PolicyError, Profile, Pseudonyms,
    Rule,
};

/// A policy file can't be followed. The policy in force stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFileError {
    /// The file can't be read. Check the path and its owner.
    #[error("cannot read policy `{}`", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no TOML, or has a key that means nothing. The text says where.
    #[error("policy `{}`", .path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// What and where.
        source: Box<toml::de::Error>,
    },
    /// What it asks for can't be done.
    #[error("policy `{}`", .path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What and why.
        source: PolicyError,
    },
    /// Others can read the key of the pseudonyms. Take their rights away (`chmod 600`).
    #[error("pseudonym key `{}` is readable by others; chmod 600 it", .path.display())]
    ReadableKey {
        /// The key's file.
        path: PathBuf,
    },
    /// A kind that no pseudonym can be made for.
    #[error("policy `{}`: pseudonyms are for `email` and `ip`, not for `{kind}`", .path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        kind: String,
    },
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    sanitize: Sanitize,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sanitize {
    profile: Option<ProfileName>,
    mode: Option<ModeName>,
    marker: Option<String>,
    max_string_bytes: Option<usize>,
    classification: Option<ClassificationName>,
    ip: Option<IpName>,
    keep_loopback: Option<bool>,
    keys: KeyNames,
    pattern: Vec<PatternText>,
    pseudonym: Option<PseudonymKinds>,
    known_values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ProfileName {
    Default,
    Strict,
    Minimal,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModeName {
    Redact,
    Report,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClassificationName {
    MarkOnly,
    DropValue,
    DropRecord,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum IpName {
    Redact,
    Pseudonym,
    Class,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct KeyNames {
    deny: Vec<String>,
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PatternText {
    name: String,
    regex: String,
    literal: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PseudonymKinds {
    kinds: Vec<String>,
    key_file: PathBuf,
    #[serde(default)]
    #[allow(dead_code, reason = "for people: which key a marker was made with")]
    key_id: Option<String>,
}

/// Reads a policy file.
///
/// # Errors
///
/// When it can't be followed: see [`PolicyFileError`].
pub fn read(path: &Path) -> Result<Policy, PolicyFileError> {
    let failed = |source| PolicyFileError::File {
        path: path.to_owned(),
        source,
    };
    let text = fs::read_to_string(path).map_err(failed)?;
    let file: File = toml::from_str(&text).map_err(|source| PolicyFileError::Toml {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    let said = file.sanitize;
    let refused = |source| PolicyFileError::Policy {
        path: path.to_owned(),
        source,
    };
    let mut policy = Policy::new();
    if let Some(profile) = said.profile {
        policy = policy.profile(match profile {
            ProfileName::Default => Profile::Default,
            ProfileName::Strict => Profile::Strict,
            ProfileName::Minimal => Profile::Minimal,
        });
    }
    if let Some(ModeName::Report) = said.mode {
        policy = policy.mode(Mode::Report);
    }
    if let Some(marker) = said.marker {
        policy = policy.marker(&marker).map_err(refused)?;
    }
    if let Some(bytes) = said.max_string_bytes {
        policy = policy.max_string_bytes(bytes);
    }
    if let Some(classification) = said.classification {
        policy = policy.classification(match classification {
            ClassificationName::MarkOnly => Classification::MarkOnly,
            ClassificationName::DropValue => Classification::DropValue,
            ClassificationName::DropRecord => Classification::DropRecord,
        });
    }
    let mut kinds = Vec::new();
    match said.ip {
        None | Some(IpName::Redact) => {}
        Some(IpName::Class) => policy = policy.ip(IpMode::Class),
        Some(IpName::Pseudonym) => kinds.push(Rule::Ip),
    }
    if let Some(keep) = said.keep_loopback {
        policy = policy.keep_loopback(keep);
    }
    policy = said.keys.deny.into_iter().fold(policy, Policy::deny);
    policy = said.keys.allow.into_iter().fold(policy, Policy::allow);
    for value in said.known_values {
        policy = policy.known_value(value).map_err(refused)?;
    }
    for text in said.pattern {
        policy = policy.pattern(pattern(text).map_err(refused)?);
    }
    if let Some(said) = said.pseudonym {
        for kind in said.kinds {
            kinds.push(match kind.as_str() {
                "email" => Rule::Email,
                "ip" => Rule::Ip,
                _ => {
                    return Err(PolicyFileError::Kind {
                        path: path.to_owned(),
                        kind,
                    });
                }
            });
        }
        policy = policy.pseudonyms(pseudonyms(kinds, path, &said.key_file)?);
    }
    Ok(policy)
}

/// Linear by the engine, bounded in size, tried only where its literal stands.
fn pattern(text: PatternText) -> Result<Pattern, PolicyError> {
    let bad = |reason: String| PolicyError::Pattern {
        name: text.name.clone(),
        reason,
    };
    let regex = RegexBuilder::new(&text.regex)
        .size_limit(MAX_REGEX_BYTES)
        .dfa_size_limit(MAX_REGEX_BYTES)
        .build()
        .map_err(|error| bad(error.to_string()))?;
    if regex.is_match("") {
        return Err(bad("it matches the empty text".to_owned()));
    }
    Pattern::new(
        text.name.clone(),
        text.literal.unwrap_or_default(),
        move |text, from| regex.find_at(text, from).map(|found| found.range()),
    )
}

fn pseudonyms(
    kinds: Vec<Rule>,
    policy: &Path,
    key_file: &Path,
) -> Result<Pseudonyms, PolicyFileError> {
    use hmac::{Hmac, KeyInit, Mac};
    let failed = |source| PolicyFileError::File {
        path: key_file.to_owned(),
        source,
    };
    let refused = |source| PolicyFileError::Policy {
        path: policy.to_owned(),
        source,
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(key_file).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(PolicyFileError::ReadableKey {
                path: key_file.to_owned(),
            });
        }
    }
    let key = fs::read(key_file).map_err(failed)?;
    if key.len() < MIN_KEY_BYTES {
        return Err(refused(PolicyError::ShortKey(key.len())));
    }
    let hmac = Hmac::<sha2::Sha256>::new_from_slice(&key)
        .map_err(|_| refused(PolicyError::ShortKey(key.len())))?;
    let tag = move |input: &[u8]| {
        let hash = hmac.clone().chain_update(input).finalize().into_bytes();
        let mut tag = [0; 7];
        tag.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        tag
    };
    Pseudonyms::new(kinds, tag).map_err(refused)
}

/// A compiled pattern at most: 1 MiB, many times what any sensible one needs.
const MAX_REGEX_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use tracing_courier::sanitize::{Place, Sanitizer};

    use super::*;
    use crate::error::chain;

    fn read_text(text: &str) -> Result<Policy, PolicyFileError> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("policy.toml");
        fs::write(
            &path,
            text.replace("$DIR", dir.path().to_str().expect("text")),
        )
        .expect("it is written");
        for (name, mode) in [("good.key", 0o600), ("open.key", 0o644)] {
            let key = dir.path().join(name);
            fs::write(&key, [7; 32]).expect("it is written");
            #[cfg(unix)]
            fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(mode))
                .expect("it is set");
        }
        read(&path)
    }

    #[test]
    fn what_the_file_says_is_done() {
        let policy = read_text(
            "[sanitize]\nmarker = \"[GONE]\"\n[sanitize.keys]\ndeny = [\"case_number\"]\nallow = [\"auth_method\"]\n\
             [[sanitize.pattern]]\nname = \"case-id\"\nregex = 'FK-\\d{6}'\nliteral = \"FK-\"\n\
             [sanitize.pseudonym]\nkinds = [\"email\"]\nkey_file = \"$DIR/good.key\"\n",
        )
        .expect("it is fine");
        let sanitizer = Sanitizer::new(&policy);
        let clean = |text| sanitizer.clean(Place::Message, text).into_owned();
        assert!(
            clean("case FK-123456 is open").contains(":case-id]"),
            "{}",
            clean("case FK-123456 is open")
        );
        let (once, again) = (clean("to ann@example.com"), clean("TO ANN@example.com"));
        assert!(once.starts_with("to [GONE:email#"), "{once}");
        assert_eq!(
            once.to_lowercase(),
            again.to_lowercase(),
            "one person is one pseudonym"
        );
    }

    #[test]
    fn what_can_not_be_followed_is_refused_with_its_reason() {
        let cases = [
            ("[sanitise]", "unknown field `sanitise`"),
            ("[sanitize]\nprofil = \"strict\"", "unknown field `profil`"),
            ("[sanitize]\nprofile = \"lax\"", "unknown variant `lax`"),
            (
                "[[sanitize.pattern]]\nname = \"a\"\nregex = \"(\"\nliteral = \"x\"",
                "pattern `a`",
            ),
            (
                "[[sanitize.pattern]]\nname = \"a\"\nregex = \"x*\"\nliteral = \"x\"",
                "matches the empty text",
            ),
            (
                "[[sanitize.pattern]]\nname = \"a\"\nregex = \"x\"",
                "has no literal",
            ),
            (
                "[sanitize.pseudonym]\nkinds = [\"ssn\"]\nkey_file = \"$DIR/good.key\"",
                "not for `ssn`",
            ),
            (
                "[sanitize.pseudonym]\nkinds = [\"ip\"]\nkey_file = \"$DIR/no.key\"",
                "no.key",
            ),
            (
                "[sanitize.pseudonym]\nkinds = [\"ip\"]\nkey_file = \"$DIR/open.key\"",
                "readable by others",
            ),
        ];
        for (text, expected) in cases {
            let error = chain(&read_text(text).expect_err(text));
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
