//! The pull reader.

use std::borrow::Cow;

use super::duplicates::last_wins;
use super::number::{number_length, number_value, short_integer};
use super::text::{hex4, plain_run, unescape};
use super::value::{Members, Value};

/// The text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not JSON: {what} at byte {at}")]
pub struct Error {
    what: &'static str,
    at: usize,
}

/// What comes next in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// `{`
    Map,
    /// `[`
    List,
    /// `"`
    Text,
    /// Anything else that may begin a value.
    Scalar,
}

/// Reads one text from its start to its end.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// What kind of value comes next.
    pub fn next_kind(&mut self) -> Result<Next, Error> {
        match self.peek() {
            Some(b'{') => Ok(Next::Map),
            Some(b'[') => Ok(Next::List),
            Some(b'"') => Ok(Next::Text),
            Some(_) => Ok(Next::Scalar),
            None => Err(self.error("the text ends where a value should be")),
        }
    }

    /// Walks the object that comes next: `each` gets every key and must read or skip its value.
    pub fn map(
        &mut self,
        mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.expect(b'{', "expected `{`")?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':', "expected `:`")?;
            each(self, key)?;
            if self.take(b',') {
                continue;
            }
            return self.expect(b'}', "expected `,` or `}`");
        }
    }

    /// Walks the array that comes next: `each` must read or skip every value.
    pub fn list(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.expect(b'[', "expected `[`")?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            each(self)?;
            if self.take(b',') {
                continue;
            }
            return self.expect(b']', "expected `,` or `]`");
        }
    }

    /// Reads a value. Arrays and objects inside more than `depth` others stay text.
    #[inline]
    pub fn value(&mut self, depth: usize) -> Result<Value<'a>, Error> {
        match self.plain_string() {
            Some(text) => Ok(Value::Text(Cow::Borrowed(text))),
            None => self.any_value(depth),
        }
    }

    fn any_value(&mut self, depth: usize) -> Result<Value<'a>, Error> {
        match self.next_kind()? {
            Next::Text => self.string().map(Value::Text),
            Next::Scalar => self.scalar(),
            Next::Map | Next::List if depth == 0 => self.skip().map(Value::Deep),
            Next::List => {
                let mut values = Vec::new();
                self.list(|reader| {
                    values.push(reader.value(depth - 1)?);
                    Ok(())
                })?;
                Ok(Value::List(fitting(values)))
            }
            Next::Map => self.members(depth).map(Value::Map),
        }
    }

    /// Reads the object that comes next; of duplicate keys the last wins, at the place of the first.
    pub fn members(&mut self, depth: usize) -> Result<Members<'a>, Error> {
        self.members_into(Vec::new(), depth)
    }

    /// The same for an object of which there are few, so that most of them are allocated once.
    pub fn many_members(&mut self, depth: usize) -> Result<Members<'a>, Error> {
        self.members_into(Vec::with_capacity(8), depth)
    }

    fn members_into(
        &mut self,
        mut members: Members<'a>,
        depth: usize,
    ) -> Result<Members<'a>, Error> {
        self.map(|reader, key| {
            members.push((key, reader.value(depth.saturating_sub(1))?));
            Ok(())
        })?;
        Ok(fitting(last_wins(members)))
    }

    /// Passes over the value that comes next and returns its text, which is then known to be JSON.
    pub fn skip(&mut self) -> Result<&'a str, Error> {
        self.blank();
        let start = self.at;
        let mut open: Vec<u8> = Vec::new();
        loop {
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    if !self.take(b'}') {
                        open.push(b'}');
                        self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    if !self.take(b']') {
                        open.push(b']');
                        continue;
                    }
                }
                Some(b'"') => {
                    self.string_end()?;
                }
                _ => {
                    self.scalar_text()?;
                }
            }
            // A value has ended: so may the arrays and objects around it.
            loop {
                let Some(&close) = open.last() else {
                    return Ok(self.slice(start, self.at));
                };
                if self.take(b',') {
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                }
                self.expect(close, "expected `,` or the end of the array or object")?;
                open.pop();
            }
        }
    }

    /// The string that comes next, unescaped.
    #[inline]
    pub fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        match self.plain_string() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.any_string(),
        }
    }

    /// The string that comes next if it is what most strings are: right here, and without an escape.
    #[inline]
    fn plain_string(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let end = start + plain_run(bytes.get(start..)?);
        if bytes.get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        self.text.get(start..end)
    }

    fn any_string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.blank();
        let start = self.at + 1;
        let escaped = self.string_end()?;
        let raw = self.slice(start, self.at - 1);
        Ok(if escaped {
            Cow::Owned(unescape(raw))
        } else {
            Cow::Borrowed(raw)
        })
    }

    /// # Errors
    ///
    /// When anything but white space follows.
    pub fn end(&mut self) -> Result<(), Error> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("text after the end")),
        }
    }

    fn scalar(&mut self) -> Result<Value<'a>, Error> {
        self.blank();
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if let Some((number, length)) = short_integer(rest) {
            self.at += length;
            return Ok(Value::Int(number));
        }
        let text = self.scalar_text()?;
        Ok(match text {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number => number_value(number),
        })
    }

    fn scalar_text(&mut self) -> Result<&'a str, Error> {
        self.blank();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = match rest.as_bytes().first() {
            None => return Err(self.error("the text ends where a value should be")),
            Some(b'n') if rest.starts_with("null") => 4,
            Some(b't') if rest.starts_with("true") => 4,
            Some(b'f') if rest.starts_with("false") => 5,
            Some(b'-' | b'0'..=b'9') => {
                number_length(rest.as_bytes()).ok_or_else(|| self.error("a malformed number"))?
            }
            Some(_) => return Err(self.error("expected a value")),
        };
        let start = self.at;
        self.at += length;
        Ok(self.slice(start, self.at))
    }

    fn key(&mut self) -> Result<(), Error> {
        self.blank();
        self.string_end()?;
        self.expect(b':', "expected `:`")
    }

    /// Goes behind the closing quote; whether there was an escape on the way.
    fn string_end(&mut self) -> Result<bool, Error> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return Err(self.error("expected a string"));
        }
        let mut at = self.at + 1;
        let mut escaped = false;
        loop {
            at += plain_run(bytes.get(at..).unwrap_or_default());
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    at += match bytes.get(at + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                        Some(b'u') if hex4(bytes, at + 2).is_some() => 6,
                        _ => {
                            self.at = at;
                            return Err(self.error("an unknown escape"));
                        }
                    };
                }
                Some(_) => {
                    self.at = at;
                    return Err(self.error("a control character in a string"));
                }
                None => return Err(self.error("a string without an end")),
            }
        }
    }

    #[inline]
    fn peek(&mut self) -> Option<u8> {
        self.blank();
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    #[inline]
    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Error> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.error(what))
        }
    }

    /// Most texts have no white space between their values.
    #[inline]
    fn blank(&mut self) {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at).is_some_and(|&byte| byte <= b' ') {
            self.blanks();
        }
    }

    #[cold]
    fn blanks(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
    }

    #[inline]
    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    #[cold]
    fn error(&self, what: &'static str) -> Error {
        Error { what, at: self.at }
    }
}

/// Without much room to spare: text that is all small lists would take seventy times its length, and so takes thirty.
fn fitting<T>(mut values: Vec<T>) -> Vec<T> {
    if values.capacity() / 3 >= values.len() {
        values.shrink_to_fit();
    }
    values
}
