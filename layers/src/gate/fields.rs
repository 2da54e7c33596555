//! The clean values of one field set, by field index, in one buffer that is used again and again.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use crate::cut::TRUNCATED;
use serde_json::Value as Tree;

/// What stands in place of a value whose name alone makes it secret.
pub(crate) const REDACTED: &str = crate::sanitize::REDACTED;

/// Less than this is never swept out, in bytes.
const MIN_SWEPT_BYTES: usize = 1024;

/// One clean value, as its reader sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Bool(bool),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    /// Was recorded as a string.
    Str(&'a str),
    /// Was recorded by `Debug` or `Display`, or is a marker.
    Text(&'a str),
    Bytes(&'a [u8]),
    Error(&'a CleanError),
    /// Was recorded with [`json`](crate::json); the text is its JSON.
    Tree(&'a Tree, &'a str),
}

#[derive(Clone, Debug)]
enum Slot {
    Absent,
    Redacted,
    Bool(bool),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    Str(Range<usize>),
    Text(Range<usize>),
    Bytes(Box<[u8]>),
    Error(Box<CleanError>),
    Tree(Box<Tree>, Range<usize>),
}

/// The values of one event or span, cleaned. As many slots as the field set has fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    text: String,
    slots: Vec<Slot>,
}

impl Fields {
    /// Empties it for a field set of `len` fields. Keeps the buffers.
    pub fn reset(&mut self, len: usize) {
        self.text.clear();
        self.slots.clear();
        self.slots.resize_with(len, || Slot::Absent);
    }

    /// Gives up buffers that one huge value has blown up.
    pub fn shrink(&mut self, max_bytes: usize) {
        if self.text.capacity() > max_bytes {
            self.text = String::new();
        }
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The value of the field with this index, if it has been recorded.
    pub fn get(&self, index: usize) -> Option<Value<'_>> {
        Some(match self.slots.get(index)? {
            Slot::Absent => return None,
            Slot::Redacted => Value::Text(REDACTED),
            Slot::Bool(value) => Value::Bool(*value),
            Slot::I64(value) => Value::I64(*value),
            Slot::U64(value) => Value::U64(*value),
            Slot::I128(value) => Value::I128(*value),
            Slot::U128(value) => Value::U128(*value),
            Slot::F64(value) => Value::F64(*value),
            Slot::Str(range) => Value::Str(self.slice(range)),
            Slot::Text(range) => Value::Text(self.slice(range)),
            Slot::Bytes(bytes) => Value::Bytes(bytes),
            Slot::Error(error) => Value::Error(error),
            Slot::Tree(tree, range) => Value::Tree(tree, self.slice(range)),
        })
    }

    /// The text of the field with this index, if it is one.
    pub fn text(&self, index: Option<usize>) -> Option<&str> {
        match self.get(index?)? {
            Value::Str(text) | Value::Text(text) | Value::Tree(_, text) => Some(text),
            _ => None,
        }
    }

    /// Puts the recorded values of `newer`, of the same field set, over these. All texts together stay within
    /// `max_bytes`: one that would go beyond it is `…[truncated]`.
    pub fn replace_by(&mut self, newer: &Fields, max_bytes: usize) {
        for (index, slot) in newer.slots.iter().enumerate() {
            if matches!(slot, Slot::Absent) {
                continue;
            }
            // The old value is given up first, so that its bytes count no more.
            self.put(index, Slot::Absent);
            let live = self.live_bytes();
            let fits = live + newer.bytes_at(index) <= max_bytes;
            let copy = match slot {
                _ if !fits => Slot::Text(self.push(TRUNCATED)),
                Slot::Str(range) => Slot::Str(self.push(newer.slice(range))),
                Slot::Text(range) => Slot::Text(self.push(newer.slice(range))),
                Slot::Tree(tree, range) => Slot::Tree(tree.clone(), self.push(newer.slice(range))),
                other => other.clone(),
            };
            self.put(index, copy);
            // What was replaced is swept out once it is more than the rest, so that a value costs its own length.
            if self.text.len() > 2 * live.max(MIN_SWEPT_BYTES) {
                self.sweep();
            }
        }
    }

    /// What the value at `index` holds on the heap, about.
    fn bytes_at(&self, index: usize) -> usize {
        match self.slots.get(index) {
            Some(Slot::Str(range) | Slot::Text(range)) => range.len(),
            // The text and the tree of it.
            Some(Slot::Tree(_, range)) => 2 * range.len(),
            Some(Slot::Bytes(bytes)) => bytes.len(),
            Some(Slot::Error(error)) => error.bytes(),
            _ => 0,
        }
    }

    fn live_bytes(&self) -> usize {
        (0..self.slots.len())
            .map(|index| self.bytes_at(index))
            .sum()
    }

    /// Drops the texts that no value names any more.
    fn sweep(&mut self) {
        let old = std::mem::take(&mut self.text);
        for slot in &mut self.slots {
            if let Slot::Str(range) | Slot::Text(range) | Slot::Tree(_, range) = slot {
                let start = self.text.len();
                self.text
                    .push_str(old.get(range.clone()).unwrap_or_default());
                *range = start..self.text.len();
            }
        }
    }

    fn slice(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    fn push(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    fn put(&mut self, index: usize, slot: Slot) {
        if let Some(place) = self.slots.get_mut(index) {
            *place = slot;
        }
    }
}

/// Writing, for the gate's visitor. The text of a value is rendered at the end of one buffer, cleaned there, and
/// then named by its range.
impl Fields {
    pub fn set_redacted(&mut self, index: usize) {
        self.put(index, Slot::Redacted);
    }

    pub fn set_bool(&mut self, index: usize, value: bool) {
        self.put(index, Slot::Bool(value));
    }

    pub fn set_i64(&mut self, index: usize, value: i64) {
        self.put(index, Slot::I64(value));
    }

    pub fn set_u64(&mut self, index: usize, value: u64) {
        self.put(index, Slot::U64(value));
    }

    pub fn set_i128(&mut self, index: usize, value: i128) {
        self.put(index, Slot::I128(value));
    }

    pub fn set_u128(&mut self, index: usize, value: u128) {
        self.put(index, Slot::U128(value));
    }

    pub fn set_f64(&mut self, index: usize, value: f64) {
        self.put(index, Slot::F64(value));
    }

    pub fn set_bytes(&mut self, index: usize, value: &[u8]) {
        self.put(index, Slot::Bytes(value.into()));
    }

    pub fn set_error(&mut self, index: usize, error: CleanError) {
        self.put(index, Slot::Error(Box::new(error)));
    }

    /// The shared buffer; what is pushed behind `start` becomes a value with [`set_str`](Self::set_str) and its kin.
    pub fn buffer(&mut self) -> &mut String {
        &mut self.text
    }

    pub fn set_str(&mut self, index: usize, start: usize) {
        let range = start..self.text.len();
        self.put(index, Slot::Str(range));
    }

    pub fn set_text(&mut self, index: usize, start: usize) {
        let range = start..self.text.len();
        self.put(index, Slot::Text(range));
    }

    pub fn set_tree(&mut self, index: usize, start: usize, tree: Tree) {
        let range = start..self.text.len();
        self.put(index, Slot::Tree(Box::new(tree), range));
    }
}

/// An error as it may be shown: its text and its causes, cleaned. Layers get this, never the original.
#[derive(Clone, Default)]
pub(crate) struct CleanError {
    /// The name of its type as far as that is known: `ParseIntError`, `io::NotFound`.
    pub kind: Option<String>,
    pub message: String,
    /// The backtrace that it carries, as far as its `Debug` shows one.
    pub stack: Option<String>,
    pub source: Option<Box<CleanError>>,
}

impl CleanError {
    /// The type of the innermost cause that has one of its own.
    pub fn innermost_kind(&self) -> Option<&str> {
        let inner = self.source.as_deref().and_then(Self::innermost_kind);
        inner.or(self.kind.as_deref())
    }

    /// The first backtrace in the chain.
    pub fn stack(&self) -> Option<&str> {
        let own = self.stack.as_deref();
        own.or_else(|| self.source.as_deref()?.stack())
    }

    fn bytes(&self) -> usize {
        let own = self.message.len() + self.stack.as_deref().map_or(0, str::len);
        own + self.source.as_deref().map_or(0, Self::bytes)
    }
}

impl fmt::Display for CleanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for CleanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Some(kind) => write!(f, "{kind}({:?})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Error for CleanError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}
