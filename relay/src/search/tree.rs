//! What a query says, once it is read.

use super::key::{Has, Key};

/// What must hold of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// All of these; of none, every record.
    All(Vec<Self>),
    /// One of these at least.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// This.
    Is(Term),
}

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// Full text over message and error.
    Text(Text),
    /// A known key, but `level` and `has`.
    Key(Key, Match),
    /// A level: its least severity number, and the one behind it.
    Level(Compare, i32),
    /// That there is something.
    Has(Has),
    /// An attribute of that name; with `None`, that there is one.
    Attribute(String, Option<Match>),
}

/// Words that stand behind each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// As they were written.
    pub words: String,
    /// Whether the last of them is only a beginning.
    pub is_beginning: bool,
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// Exactly this.
    Is(String),
    /// Something that begins with this.
    Begins(String),
    /// Something on that side of this.
    Compared(Compare, String),
}

/// On which side of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// `=`, or nothing.
    Equal,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
}

impl Compare {
    /// Whether what compares so with the value is meant.
    #[must_use]
    pub fn takes(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }
}

impl Expr {
    /// The terms of which every record that is meant has all: what a look-up can be narrowed by.
    pub fn certain(&self) -> Vec<&Term> {
        match self {
            Self::Is(term) => vec![term],
            Self::All(all) => all.iter().flat_map(Self::certain).collect(),
            Self::Any(any) => match &any[..] {
                [one] => one.certain(),
                _ => Vec::new(),
            },
            Self::Not(_) => Vec::new(),
        }
    }

    /// Whether it asks for anything that only a record's blob can tell.
    #[must_use]
    pub fn looks_inside(&self) -> bool {
        match self {
            Self::Is(term) => term.looks_inside(),
            Self::All(all) | Self::Any(all) => all.iter().any(Self::looks_inside),
            Self::Not(inner) => inner.looks_inside(),
        }
    }
}

impl Term {
    /// Whether only a record's blob can tell.
    #[must_use]
    pub fn looks_inside(&self) -> bool {
        match self {
            Self::Attribute(..) => true,
            Self::Has(has) => *has != Has::User,
            Self::Key(key, _) => matches!(key, Key::Kind | Key::Trace),
            Self::Text(_) | Self::Level(..) => false,
        }
    }
}
