//! What a text holds.

use std::borrow::Cow;

/// A value, borrowing from the text wherever it can.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// Any other number that is finite as a double, and how it was written.
    Float(f64, &'a str),
    /// A number that no type holds, as it was written.
    Number(&'a str),
    /// A string, unescaped.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Value<'a>>),
    /// An object; of duplicate keys the last has won.
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
    /// An array or object nested deeper than the reader went, as it was written.
    Deep(&'a str),
}

/// What an object has, keys unique.
pub type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// How deep arrays and objects may be nested in an attribute's value before the rest stays text.
pub const DEPTH: usize = 16;
