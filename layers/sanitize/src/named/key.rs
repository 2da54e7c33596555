//! Is a field of this name secret?
//!
//! The first of these that matches decides, so that a policy can be read top-down:
//!
//! 1. an exact name in `deny`,
//! 2. an exact name in `allow`,
//! 3. a glob in `deny`,
//! 4. a glob in `allow`,
//! 5. the built-in words.
//!
//! Names are compared in one spelling: `caseNumber`, `Case-Number` and `case_number` are the same name, dots stay.
//! `*` in a glob stands for any text.

use crate::named::secret_words::{self, Sort, Verdict};
use crate::text::words::Words;

/// What a field's name says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyClass {
    /// The value goes as a whole, whatever it looks like.
    Secret,
    /// The value is scanned like any text.
    Clean,
}

/// What a value is, as far as a secret name is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// Nothing: never redacted.
    Null,
    /// True or false: never redacted.
    Bool,
    /// A whole number: under a plural `tokens` a small one is a count.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// Text, bytes, lists and maps.
    Text,
}

/// Which rule decides a name; what `--explain` prints.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// This exact name is denied by the policy.
    Denied(String),
    /// This exact name is allowed by the policy.
    Allowed(String),
    /// This glob of the policy denies it.
    DeniedByGlob(String),
    /// This glob of the policy allows it.
    AllowedByGlob(String),
    /// This built-in word makes it secret.
    Word(&'static str),
    /// It has a secret word, and this word of it makes it harmless.
    Harmless(&'static str),
    /// No rule knows it.
    Unknown,
}

/// Largest integer under a plural `tokens` that is taken for a count: a context window is 2^20 or so.
const MAX_COUNT: i128 = 99_999_999;

/// The key rules of one policy.
#[derive(Clone, Default)]
pub(crate) struct Keys {
    strict: bool,
    deny: Vec<String>,
    allow: Vec<String>,
    deny_globs: Vec<String>,
    allow_globs: Vec<String>,
}

impl Keys {
    pub fn new(strict: bool, deny: &[String], allow: &[String]) -> Self {
        let split = |names: &[String]| {
            names
                .iter()
                .map(|name| spelled(name))
                .partition(|name| !name.contains('*'))
        };
        let ((deny, deny_globs), (allow, allow_globs)) = (split(deny), split(allow));
        Self {
            strict,
            deny,
            allow,
            deny_globs,
            allow_globs,
        }
    }

    /// The class of `name`, and the sort of value when the built-in words decided.
    #[inline]
    pub fn class(&self, name: &str) -> (KeyClass, Option<Sort>) {
        match self.by_policy(name) {
            Some(Reason::Denied(_) | Reason::DeniedByGlob(_)) => return (KeyClass::Secret, None),
            Some(_) => return (KeyClass::Clean, None),
            None => {}
        }
        match secret_words::look_up(name, self.strict) {
            Verdict::Secret(_, sort) => (KeyClass::Secret, Some(sort)),
            Verdict::Harmless(_) | Verdict::Unknown => (KeyClass::Clean, None),
        }
    }

    pub fn explain(&self, name: &str) -> (KeyClass, Reason) {
        let reason = self.by_policy(name).unwrap_or_else(|| {
            match secret_words::look_up(name, self.strict) {
                Verdict::Secret(word, _) => Reason::Word(word),
                Verdict::Harmless(word) => Reason::Harmless(word),
                Verdict::Unknown => Reason::Unknown,
            }
        });
        (self.class(name).0, reason)
    }

    pub fn redacts(&self, name: &str, scalar: Scalar) -> bool {
        let (class, sort) = self.class(name);
        class == KeyClass::Secret && is_taken(sort, scalar)
    }

    /// The longest plain part of each denied name: in free text a hit of it starts a look at the name.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.deny
            .iter()
            .chain(&self.deny_globs)
            .filter_map(|name| name.split(['*', '.', '_']).max_by_key(|part| part.len()))
            .filter(|part| !part.is_empty())
    }

    fn by_policy(&self, name: &str) -> Option<Reason> {
        let lists = [&self.deny, &self.allow, &self.deny_globs, &self.allow_globs];
        if lists.iter().all(|list| list.is_empty()) {
            return None;
        }
        let name = spelled(name);
        let exact = |list: &Vec<String>| list.iter().find(|known| **known == name).cloned();
        let glob = |list: &Vec<String>| list.iter().find(|glob| matches(glob, &name)).cloned();
        None.or_else(|| exact(&self.deny).map(Reason::Denied))
            .or_else(|| exact(&self.allow).map(Reason::Allowed))
            .or_else(|| glob(&self.deny_globs).map(Reason::DeniedByGlob))
            .or_else(|| glob(&self.allow_globs).map(Reason::AllowedByGlob))
    }
}

/// Under a secret name, is a value of this kind taken?
pub(crate) fn is_taken(sort: Option<Sort>, scalar: Scalar) -> bool {
    match scalar {
        Scalar::Null | Scalar::Bool => false,
        Scalar::Integer(number) => match sort {
            Some(Sort::Tokens) => !(0..=MAX_COUNT).contains(&number),
            Some(Sort::Pass) => false,
            _ => true,
        },
        Scalar::Float(_) => !matches!(sort, Some(Sort::Tokens | Sort::Pass)),
        Scalar::Text => true,
    }
}

/// One spelling for all: words of a segment joined by `_`, segments by `.`, globs kept.
fn spelled(name: &str) -> String {
    let segment = |segment: &str| {
        let parts = segment.split('*').map(spelled_part);
        parts.collect::<Vec<_>>().join("*")
    };
    name.split('.').map(segment).collect::<Vec<_>>().join(".")
}

/// A part between stars; `_` beside a star stays, since `token_*` is not `token*`.
fn spelled_part(part: &str) -> String {
    let words = Words::of(part);
    let is_gap = |byte: Option<&u8>| byte.is_some_and(|byte| !byte.is_ascii_alphanumeric());
    let head = is_gap(part.as_bytes().first()).then_some("");
    let tail = is_gap(part.as_bytes().last()).then_some("");
    let all = head.into_iter().chain(words.iter()).chain(tail);
    all.collect::<Vec<_>>().join("_")
}

/// Does `glob`, where `*` is any text, match all of `name`? Each star is tried once, so this is linear in both.
fn matches(glob: &str, name: &str) -> bool {
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(deny: &[&str], allow: &[&str]) -> Keys {
        let owned = |names: &[&str]| names.iter().map(|&name| name.into()).collect::<Vec<_>>();
        Keys::new(false, &owned(deny), &owned(allow))
    }

    #[test]
    fn exact_deny_beats_exact_allow_beats_deny_glob_beats_allow_glob_beats_words() {
        let keys = keys(
            &["case_number", "*.mrn", "token_*"],
            &[
                "case_number",
                "token_kind_name",
                "*.note",
                "a.mrn",
                "*password",
            ],
        );
        for (name, class, reason) in [
            (
                "caseNumber",
                KeyClass::Secret,
                Reason::Denied("case_number".into()),
            ),
            ("a.mrn", KeyClass::Clean, Reason::Allowed("a.mrn".into())),
            (
                "b.mrn",
                KeyClass::Secret,
                Reason::DeniedByGlob("*.mrn".into()),
            ),
            (
                "TokenKindName",
                KeyClass::Clean,
                Reason::Allowed("token_kind_name".into()),
            ),
            (
                "token_count",
                KeyClass::Secret,
                Reason::DeniedByGlob("token_*".into()),
            ),
            (
                "user_password",
                KeyClass::Clean,
                Reason::AllowedByGlob("*password".into()),
            ),
            ("api_key", KeyClass::Secret, Reason::Word("key")),
            ("auth_url", KeyClass::Clean, Reason::Harmless("url")),
            ("colour", KeyClass::Clean, Reason::Unknown),
        ] {
            assert_eq!(keys.explain(name), (class, reason), "{name}");
        }
    }

    #[test]
    fn a_glob_matches_whole_names() {
        for (glob, name, is_match) in [
            ("*.mrn", "patient.mrn", true),
            ("*.mrn", "mrn", false),
            ("*", "anything", true),
            ("a*b*c", "a_x_b_y_c", true),
            ("a*b*c", "a_x_c", false),
            ("a*", "ba", false),
            ("*aab", "aaab", true),
        ] {
            assert_eq!(matches(glob, name), is_match, "{glob} on {name}");
        }
    }

    #[test]
    fn booleans_nulls_and_counts_stay() {
        let keys = keys(&[], &[]);
        for (name, scalar, is_taken) in [
            ("password", Scalar::Bool, false),
            ("password", Scalar::Null, false),
            ("password", Scalar::Integer(12345), true),
            ("password", Scalar::Float(1.5), true),
            ("password", Scalar::Text, true),
            ("tokens", Scalar::Integer(1532), false),
            ("tokens", Scalar::Integer(987_654_321_987), true),
            ("tokens", Scalar::Text, true),
            ("token", Scalar::Integer(1532), true),
            ("pass", Scalar::Integer(12), false),
            ("colour", Scalar::Text, false),
        ] {
            assert_eq!(keys.redacts(name, scalar), is_taken, "{name} {scalar:?}");
        }
    }
}
