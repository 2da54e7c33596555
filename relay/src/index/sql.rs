//! A query as a condition on the table `record` of a segment.

use crate::search::{Compare, Expr, Has, Key, Match, Term, Text};

use super::arrival::Kind;

/// A condition, with the values of its `?`s.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// SQL.
    pub text: String,
    /// What is bound, in order.
    pub binds: Vec<Bind>,
}

/// A value that is bound.
#[derive(Clone, Debug, PartialEq)]
pub enum Bind {
    /// Text.
    Text(String),
    /// A number.
    Number(i64),
    /// The installations of the segment that have this support code, as a list of numbers in JSON.
    Code(String),
}

impl Condition {
    /// What of a query the columns can tell. Where only a record's blob can, every record passes.
    pub fn of(expr: &Expr) -> Self {
        let mut condition = Self::default();
        condition.expr(expr, true);
        condition
    }

    /// What one term says, where columns can tell.
    pub fn of_term(term: &Term) -> Self {
        let mut condition = Self::default();
        condition.term(term);
        condition
    }

    fn expr(&mut self, expr: &Expr, unknown_is: bool) {
        match expr {
            Expr::All(all) => self.joined(all, " AND ", "1", unknown_is),
            Expr::Any(any) => self.joined(any, " OR ", "0", unknown_is),
            Expr::Not(inner) => {
                // What is not there is not the one that was asked for.
                self.text.push_str("NOT coalesce(");
                self.expr(inner, !unknown_is);
                self.text.push_str(", 0)");
            }
            Expr::Is(term) if term.looks_inside() => {
                self.text.push_str(if unknown_is { "1" } else { "0" });
            }
            Expr::Is(term) => self.term(term),
        }
    }

    fn joined(&mut self, parts: &[Expr], by: &str, none: &str, unknown_is: bool) {
        if parts.is_empty() {
            self.text.push_str(none);
            return;
        }
        self.text.push('(');
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                self.text.push_str(by);
            }
            self.expr(part, unknown_is);
        }
        self.text.push(')');
    }

    fn term(&mut self, term: &Term) {
        match term {
            Term::Text(text) => {
                self.text
                    .push_str("record.id IN (SELECT rowid FROM text WHERE text MATCH ?)");
                self.binds.push(Bind::Text(phrase(text)));
            }
            Term::Level(compare, least) => {
                // A level is four severity numbers.
                let (least, most) = (i64::from(*least), i64::from(*least) + 3);
                let (sign, number) = match compare {
                    Compare::Equal => {
                        self.text.push_str("(level >= ? AND level <= ?)");
                        self.binds.extend([Bind::Number(least), Bind::Number(most)]);
                        return;
                    }
                    Compare::Greater => (">", most),
                    Compare::GreaterOrEqual => (">=", least),
                    Compare::Less => ("<", least),
                    Compare::LessOrEqual => ("<=", most),
                };
                self.text.push_str(&format!("level {sign} ?"));
                self.binds.push(Bind::Number(number));
            }
            Term::Has(Has::User) => self.text.push_str("user IS NOT NULL"),
            Term::Key(Key::User, who) => {
                self.text.push('(');
                self.named(Kind::User, who);
                self.text.push_str(" OR ");
                self.named(Kind::Sender, who);
                self.text.push(')');
            }
            Term::Key(Key::Sender, who) => {
                self.text.push('(');
                self.named(Kind::Sender, who);
                self.text.push_str(" OR (sender IS NULL AND ");
                self.named(Kind::User, who);
                self.text.push_str("))");
            }
            Term::Key(Key::Code, Match::Is(code)) => {
                self.text
                    .push_str("install IN (SELECT value FROM json_each(?))");
                self.binds.push(Bind::Code(code.clone()));
            }
            Term::Key(Key::Record, Match::Is(uid)) => {
                let first = uid
                    .get(..16)
                    .and_then(|hex| u64::from_str_radix(hex, 16).ok());
                self.text.push_str("uid = ?");
                let first = first.map(u64::cast_signed).unwrap_or_default();
                self.binds.push(Bind::Number(first));
            }
            Term::Key(key, matched) => match column(*key) {
                Some(kind) => self.named(kind, matched),
                None => self.text.push('0'),
            },
            // Told by the blob.
            Term::Has(_) | Term::Attribute(..) => self.text.push('1'),
        }
    }

    /// That a column has a name which matches.
    fn named(&mut self, kind: Kind, matched: &Match) {
        let column = kind.column();
        self.text.push_str(&format!(
            "{column} IN (SELECT id FROM name WHERE kind = {} AND ",
            kind.code()
        ));
        match matched {
            Match::Is(name) if kind == Kind::Logger => {
                // Whole segments of its path, as in rules for levels.
                self.text.push_str("(name = ? OR substr(name, 1, ?) = ?)");
                let length = i64::try_from(name.chars().count()).unwrap_or(i64::MAX);
                self.binds.extend([
                    Bind::Text(name.clone()),
                    Bind::Number(length.saturating_add(2)),
                    Bind::Text(format!("{name}::")),
                ]);
            }
            Match::Is(name) | Match::Compared(_, name) => {
                self.text.push_str("name = ?");
                self.binds.push(Bind::Text(name.clone()));
            }
            Match::Begins(name) => {
                self.text.push_str("substr(name, 1, ?) = ?");
                let length = i64::try_from(name.chars().count()).unwrap_or(i64::MAX);
                self.binds
                    .extend([Bind::Number(length), Bind::Text(name.clone())]);
            }
        }
        self.text.push(')');
    }
}

/// The column that a key is about.
pub fn column(key: Key) -> Option<Kind> {
    match key {
        Key::User => Some(Kind::User),
        Key::Sender => Some(Kind::Sender),
        Key::Install => Some(Kind::Install),
        Key::Session => Some(Kind::Session),
        Key::Group => Some(Kind::Group),
        Key::Service => Some(Kind::Service),
        Key::Version => Some(Kind::Version),
        Key::Logger => Some(Kind::Logger),
        Key::Event => Some(Kind::Event),
        Key::Code | Key::Record | Key::Level | Key::Kind | Key::Trace | Key::Has => None,
    }
}

/// Words as FTS5 reads a phrase; nothing in them is its syntax.
fn phrase(text: &Text) -> String {
    let star = if text.is_beginning { "*" } else { "" };
    format!("\"{}\"{star}", text.words.replace('"', "\"\""))
}
