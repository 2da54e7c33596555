//! Reads a query.

use std::fmt;

use tracing_courier::session::SupportCode;

use super::key::{HAS, KEYS, KINDS, Key, LEVELS};
use super::tree::{Compare, Expr, Match, Term, Text};
use super::word::{Value, What, Word, words};

/// Why a query can't be read: what is wrong, where, and what would do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mistake {
    /// Where the wrong part begins, in characters from 0.
    pub at: usize,
    /// Where it ends.
    pub end: usize,
    /// What is wrong with it.
    pub what: String,
    /// What would do there.
    pub possible: Vec<String>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.at + 1, self.what)?;
        if !self.possible.is_empty() {
            write!(f, "; possible: {}", self.possible.join(", "))?;
        }
        Ok(())
    }
}

/// Reads a query; an empty one is about every record.
///
/// # Errors
///
/// When a word of it can't be understood: see [`Mistake`].
pub fn parse(query: &str) -> Result<Expr, Mistake> {
    if query.len() > MAX_BYTES {
        return Err(Mistake {
            at: 0,
            end: query.chars().count(),
            what: format!("the query is longer than {MAX_BYTES} bytes"),
            possible: Vec::new(),
        });
    }
    let (words, open_quote) = words(query);
    let mut reading = Reading {
        query,
        words: &words,
        next: 0,
    };
    if let Some(word) = words.get(MAX_WORDS) {
        return Err(reading.mistake(
            word.at,
            word.end,
            format!("more than {MAX_WORDS} words"),
            NOTHING,
        ));
    }
    if let Some(at) = open_quote {
        return Err(reading.mistake(
            at,
            query.len(),
            "a quote that begins here does not end",
            ["\""],
        ));
    }
    let expr = reading.any(0)?;
    match reading.words.get(reading.next) {
        None => Ok(expr),
        Some(word) => {
            Err(reading.mistake(word.at, word.end, "`)` without a `(` before it", NOTHING))
        }
    }
}

struct Reading<'q> {
    query: &'q str,
    words: &'q [Word],
    next: usize,
}

impl Reading<'_> {
    fn any(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let mut any = vec![self.all(depth)?];
        while let Some(Word {
            at,
            end,
            what: What::Or,
        }) = self.words.get(self.next)
        {
            self.next += 1;
            let is_alone =
                |all: Option<&Expr>| matches!(all, Some(Expr::All(all)) if all.is_empty());
            let before = is_alone(any.last());
            let behind = self.all(depth)?;
            if before || is_alone(Some(&behind)) {
                return Err(self.mistake(
                    *at,
                    *end,
                    "`OR` needs a word on both sides",
                    ["a OR b", "\"OR\""],
                ));
            }
            any.push(behind);
        }
        Ok(match any.len() {
            1 => any.pop().unwrap_or(Expr::All(Vec::new())),
            _ => Expr::Any(any),
        })
    }

    fn all(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let mut all = Vec::new();
        while let Some(word) = self.words.get(self.next) {
            if matches!(word.what, What::Or | What::Close) {
                break;
            }
            all.push(self.one(depth)?);
        }
        Ok(match all.len() {
            1 => all.pop().unwrap_or(Expr::All(Vec::new())),
            _ => Expr::All(all),
        })
    }

    fn one(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let mut is_negated = false;
        loop {
            let Some(word) = self.words.get(self.next) else {
                let end = self.query.len();
                return Err(self.mistake(end, end, "a word is missing", ["-word", "-(a b)"]));
            };
            self.next += 1;
            let expr = match &word.what {
                What::Minus => {
                    is_negated = !is_negated;
                    continue;
                }
                What::Open => {
                    if depth >= MAX_DEPTH {
                        let what = format!("more than {MAX_DEPTH} parentheses in each other");
                        return Err(self.mistake(word.at, word.end, what, NOTHING));
                    }
                    let inner = self.any(depth + 1)?;
                    match self.words.get(self.next).map(|word| &word.what) {
                        Some(What::Close) => self.next += 1,
                        _ => {
                            return Err(self.mistake(
                                word.at,
                                word.end,
                                "a `(` that begins here does not end",
                                [")"],
                            ));
                        }
                    }
                    inner
                }
                What::Close | What::Or => {
                    return Err(self.mistake(
                        word.at,
                        word.end,
                        "a word is missing before this",
                        ["-word", "-(a b)"],
                    ));
                }
                What::Text(value) => Expr::Is(self.text(word, value)?),
                What::Pair {
                    is_attribute,
                    key,
                    value,
                    value_at,
                } => {
                    let place = (word.at, *value_at, word.end);
                    Expr::Is(match is_attribute {
                        true => self.attribute(place, key, value)?,
                        false => self.key(place, key, value)?,
                    })
                }
            };
            return Ok(if is_negated {
                Expr::Not(Box::new(expr))
            } else {
                expr
            });
        }
    }

    fn text(&self, word: &Word, value: &Value) -> Result<Term, Mistake> {
        if !value.text.chars().any(char::is_alphanumeric) {
            return Err(self.mistake(
                word.at,
                word.end,
                "there is no letter and no digit in it to look for",
                ["word", "\"some words\"", "word*"],
            ));
        }
        Ok(Term::Text(Text {
            words: value.text.clone(),
            is_beginning: value.has_star,
        }))
    }

    fn attribute(
        &self,
        (at, value_at, end): Place,
        name: &str,
        value: &Value,
    ) -> Result<Term, Mistake> {
        let matched = self.matched((at, value_at, end), value)?;
        let is_any = !value.is_quoted && value.text == "*";
        Ok(Term::Attribute(
            name.to_owned(),
            Some(matched).filter(|_| !is_any),
        ))
    }

    fn key(&self, (at, value_at, end): Place, name: &str, value: &Value) -> Result<Term, Mistake> {
        let Some(known) = KEYS.iter().find(|known| known.name == name) else {
            let near = KEYS
                .iter()
                .map(|known| {
                    (
                        strsim::damerau_levenshtein(
                            name.get(..name.floor_char_boundary(32)).unwrap_or_default(),
                            known.name,
                        ),
                        known,
                    )
                })
                .min_by_key(|(distance, _)| *distance)
                .filter(|(distance, _)| *distance <= 2);
            let what = match near {
                Some((_, known)) => format!("`{name}:` is no key; did you mean `{}:`?", known.name),
                None => format!("`{name}:` is no key"),
            };
            let keys = KEYS.iter().map(|known| format!("{}:", known.name));
            let as_else = [
                format!("@{name}:… for an attribute"),
                format!("\"{name}:…\" for text"),
            ];
            return Err(self.mistake(at, end.min(at + name.len() + 1), what, keys.chain(as_else)));
        };
        let wrong =
            |what: String, possible: Vec<String>| self.mistake(value_at, end, what, possible);
        let matched = self.matched((at, value_at, end), value)?;
        let strings = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        match (known.key, matched) {
            (Key::Level, Match::Is(level)) => self.level(value_at, end, Compare::Equal, &level),
            (Key::Level, Match::Compared(compare, level)) => {
                self.level(value_at, end, compare, &level)
            }
            (Key::Has, Match::Is(what)) => match HAS.iter().find(|(name, _)| *name == what) {
                Some((_, has)) => Ok(Term::Has(*has)),
                None => match what.strip_prefix('@') {
                    Some(attribute) if !attribute.is_empty() => {
                        Ok(Term::Attribute(attribute.to_owned(), None))
                    }
                    _ => {
                        let mut possible = strings(&HAS.map(|(name, _)| name));
                        possible.push("@attribute".to_owned());
                        Err(wrong(
                            format!("`{what}` is nothing that a record can have"),
                            possible,
                        ))
                    }
                },
            },
            (Key::Kind, Match::Is(kind)) if !KINDS.contains(&kind.as_str()) => Err(wrong(
                format!("`{kind}` is no kind of record"),
                strings(&KINDS),
            )),
            (Key::Record | Key::Trace, Match::Is(id)) if !is_hex(&id, 32) => Err(wrong(
                format!("`{name}:` takes 32 hexadecimal digits"),
                Vec::new(),
            )),
            (
                Key::Level | Key::Has | Key::Kind | Key::Record | Key::Trace | Key::Code,
                Match::Begins(_),
            ) => Err(wrong(
                format!("`{name}:` takes no `*`"),
                vec![format!("{name}:{}", known.example)],
            )),
            (_, Match::Compared(..)) => Err(wrong(
                format!("`{name}:` has no order to compare by"),
                vec![
                    format!("{name}:{}", known.example),
                    format!("{name}:x*"),
                    "level:>=warning".to_owned(),
                    "@attribute:>=5".to_owned(),
                ],
            )),
            (Key::Code, Match::Is(code)) => match code.parse::<SupportCode>() {
                Ok(code) => Ok(Term::Key(Key::Code, Match::Is(code.to_string()))),
                Err(error) => Err(wrong(error.to_string(), Vec::new())),
            },
            (key, matched) => Ok(Term::Key(key, matched)),
        }
    }

    fn level(&self, at: usize, end: usize, compare: Compare, level: &str) -> Result<Term, Mistake> {
        let known = LEVELS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(level));
        match known {
            Some((_, least)) => Ok(Term::Level(compare, *least)),
            None => {
                let levels = LEVELS.iter().take(6).map(|(name, _)| *name);
                Err(self.mistake(at, end, format!("`{level}` is no level"), levels))
            }
        }
    }

    fn matched(&self, (at, value_at, end): Place, value: &Value) -> Result<Match, Mistake> {
        let compared = [
            (">=", Compare::GreaterOrEqual),
            ("<=", Compare::LessOrEqual),
            (">", Compare::Greater),
            ("<", Compare::Less),
            ("=", Compare::Equal),
        ];
        let compared = compared
            .into_iter()
            .filter(|_| !value.is_quoted)
            .find_map(|(sign, compare)| Some((compare, value.text.strip_prefix(sign)?)));
        let text = compared.map_or(value.text.as_str(), |(_, text)| text);
        if text.is_empty() && !value.is_quoted {
            let key = self.query.get(at..value_at).unwrap_or_default();
            let possible = [
                format!("{key}x"),
                format!("{key}\"some words\""),
                format!("{key}x*"),
            ];
            return Err(self.mistake(at, end, format!("`{key}` has no value"), possible));
        }
        Ok(match compared {
            Some(_) if value.has_star => {
                return Err(self.mistake(
                    value_at,
                    end,
                    "what is compared can't end with `*`",
                    NOTHING,
                ));
            }
            Some((Compare::Equal, text)) => Match::Is(text.to_owned()),
            Some((compare, text)) => Match::Compared(compare, text.to_owned()),
            None if !value.is_quoted && value.text == "*" => Match::Begins(String::new()),
            None if value.has_star => Match::Begins(value.text.clone()),
            None => Match::Is(value.text.clone()),
        })
    }

    fn mistake<S: Into<String>>(
        &self,
        at: usize,
        end: usize,
        what: impl Into<String>,
        possible: impl IntoIterator<Item = S>,
    ) -> Mistake {
        let characters = |bytes: usize| {
            self.query
                .get(..bytes)
                .unwrap_or(self.query)
                .chars()
                .count()
        };
        Mistake {
            at: characters(at),
            end: characters(end),
            what: what.into(),
            possible: possible.into_iter().map(Into::into).collect(),
        }
    }
}

/// A longer query is refused.
pub const MAX_BYTES: usize = 8 * 1024;

/// Words of one query at most, with parentheses.
pub const MAX_WORDS: usize = 256;

/// Parentheses in parentheses at most.
pub const MAX_DEPTH: usize = 32;

/// Nothing is possible there.
const NOTHING: [&str; 0] = [];

/// Where a pair begins, where its value begins, where it ends; in bytes.
type Place = (usize, usize, usize);

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
