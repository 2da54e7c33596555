//! Reads JSON as clients really send it.
//!
//! A pull reader over text, with three promises that `serde_json` can't make together:
//!
//! 1. a number that no type holds keeps its literal text;
//! 2. a lone surrogate, and a NUL, arrives as U+FFFD instead of failing the batch;
//! 3. no input overflows a stack: skipping is a loop, and values nested deeper than asked for stay text.
//!
//! What it does not do: forgive. Text that is not JSON by RFC 8259 is an error, with its offset.

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
    pub fn value(&mut self, depth: usize) -> Result<Value<'a>, Error> {
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
                Ok(Value::List(values))
            }
            Next::Map => self.members(depth).map(Value::Map),
        }
    }

    /// Reads the object that comes next; of duplicate keys the last wins, at the place of the first.
    pub fn members(&mut self, depth: usize) -> Result<Vec<(Cow<'a, str>, Value<'a>)>, Error> {
        let mut members = Vec::new();
        self.map(|reader, key| {
            members.push((key, reader.value(depth.saturating_sub(1))?));
            Ok(())
        })?;
        Ok(last_wins(members))
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
    pub fn string(&mut self) -> Result<Cow<'a, str>, Error> {
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

    fn peek(&mut self) -> Option<u8> {
        self.blank();
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Error> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.error(what))
        }
    }

    fn blank(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn error(&self, what: &'static str) -> Error {
        Error { what, at: self.at }
    }
}

/// Of equal keys the last value wins, at the place of the first.
pub fn last_wins<'a>(
    mut members: Vec<(Cow<'a, str>, Value<'a>)>,
) -> Vec<(Cow<'a, str>, Value<'a>)> {
    let repeats = if members.len() <= FEW {
        members
            .iter()
            .enumerate()
            .any(|(at, (key, _))| members.iter().take(at).any(|(earlier, _)| earlier == key))
    } else {
        let keys: std::collections::HashSet<&str> =
            members.iter().map(|(key, _)| key.as_ref()).collect();
        keys.len() < members.len()
    };
    if !repeats {
        return members;
    }
    let mut place_of = std::collections::HashMap::with_capacity(members.len());
    let mut kept: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(members.len());
    for (key, value) in members.drain(..) {
        match place_of
            .get(&key)
            .and_then(|&place: &usize| kept.get_mut(place))
        {
            Some(earlier) => earlier.1 = value,
            None => {
                place_of.insert(key.clone(), kept.len());
                kept.push((key, value));
            }
        }
    }
    kept
}

fn number_value(text: &str) -> Value<'_> {
    if text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return match text.parse::<f64>() {
            Ok(float) if float.is_finite() => Value::Float(float, text),
            _ => Value::Number(text),
        };
    }
    text.parse().map_or(Value::Number(text), Value::Int)
}

/// The length of the number at the start of `bytes`, by the grammar of RFC 8259.
fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let count = bytes
            .get(from..)?
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        (count > 0).then_some(from + count)
    };
    let start = usize::from(bytes.first() == Some(&b'-'));
    let mut at = match bytes.get(start) {
        Some(b'0') => start + 1,
        _ => digits(start)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let signed = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
        at = digits(at + 1 + usize::from(signed))?;
    }
    Some(at)
}

/// `raw` is the inside of a string whose escapes are known to be whole.
fn unescape(raw: &str) -> String {
    let bytes = raw.as_bytes();
    let mut text = String::with_capacity(raw.len());
    let mut from = 0;
    while let Some(offset) = raw.get(from..).and_then(|rest| rest.find('\\')) {
        let escape = from + offset;
        text.push_str(raw.get(from..escape).unwrap_or_default());
        from = escape + 2;
        text.push(match bytes.get(escape + 1) {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let (character, length) = unicode(bytes, escape);
                from = escape + length;
                character
            }
            Some(&other) => char::from(other),
            None => char::REPLACEMENT_CHARACTER,
        });
    }
    text.push_str(raw.get(from..).unwrap_or_default());
    text
}

/// The character of the `\u` escape at `at`, two of them for a pair, and how long that was.
fn unicode(bytes: &[u8], at: usize) -> (char, usize) {
    let first = hex4(bytes, at + 2).unwrap_or_default();
    if (0xD800..0xDC00).contains(&first)
        && bytes.get(at + 6..at + 8) == Some(br"\u")
        && let Some(second @ 0xDC00..0xE000) = hex4(bytes, at + 8)
    {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return (
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            12,
        );
    }
    let character = char::from_u32(first).filter(|&character| character != '\0');
    (character.unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.iter().try_fold(0, |code, &byte| {
        Some(code << 4 | char::from(byte).to_digit(16)?)
    })
}

/// Up to here, comparing each key with each is faster than hashing them.
const FEW: usize = 16;

/// How many bytes come before a quote, a backslash or a control character; eight at a time.
fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let equals = |word: u64, byte: u8| {
        let zero_where_equal = word ^ (ONES * u64::from(byte));
        zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & HIGH
    };
    let mut run = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for &word in words {
        let word = u64::from_le_bytes(word);
        let is_control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        // The lowest hit is exact: a borrow can only reach bytes above one.
        let hits = equals(word, b'"') | equals(word, b'\\') | is_control;
        if hits != 0 {
            return run + usize::try_from(hits.trailing_zeros() / 8).unwrap_or_default();
        }
        run += 8;
    }
    run + rest
        .iter()
        .take_while(|&&byte| !matches!(byte, b'"' | b'\\' | 0..0x20))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<Value<'_>, Error> {
        let mut reader = Reader::new(text);
        let value = reader.value(16)?;
        reader.end()?;
        Ok(value)
    }

    #[test]
    fn numbers_keep_their_type_or_their_text() {
        let cases = [
            ("0", Value::Int(0)),
            ("-12", Value::Int(-12)),
            ("9223372036854775807", Value::Int(i64::MAX)),
            ("9223372036854775808", Value::Number("9223372036854775808")),
            (
                "340282366920938463463374607431768211456",
                Value::Number("340282366920938463463374607431768211456"),
            ),
            ("12.5", Value::Float(12.5, "12.5")),
            ("1e3", Value::Float(1000.0, "1e3")),
            ("1e999", Value::Number("1e999")),
            ("-1E+999", Value::Number("-1E+999")),
        ];
        for (text, expected) in cases {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        let cases = [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "nul",
            "\"a",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\n\"",
            "[1 2]",
            "1 1",
            "[1}",
            "{\"a\":1]",
            "NaN",
            "'a'",
            "-",
            "]",
            "{,}",
            "\"\\u+123\"",
        ];
        for text in cases {
            assert!(
                value(text).is_err(),
                "{text:?} was read as {:?}",
                value(text)
            );
            let mut reader = Reader::new(text);
            let skipped = reader.skip().and_then(|_| reader.end());
            assert!(skipped.is_err(), "{text:?} was skipped");
        }
    }

    #[test]
    fn strings_are_unescaped_and_never_fail_on_surrogates_or_nul() {
        let cases = [
            (r#""plain""#, "plain"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""\u00e9\u20ac""#, "é€"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""a\ud800b""#, "a\u{fffd}b"),
            (r#""\ud800\ud800\udc00""#, "\u{fffd}\u{10000}"),
            (r#""\udc00""#, "\u{fffd}"),
            (r#""nul \u0000 inside""#, "nul \u{fffd} inside"),
        ];
        for (text, expected) in cases {
            assert_eq!(value(text), Ok(Value::Text(expected.into())), "{text}");
        }
    }

    #[test]
    fn a_plain_run_ends_at_each_byte_that_ends_it_wherever_it_stands() {
        for length in 0..40 {
            for stop in (0..=255).map(|byte| [byte]) {
                let mut bytes = vec![0xff; length];
                bytes.extend(stop);
                bytes.extend([0; 9]);
                let is_stop = matches!(stop[0], b'"' | b'\\' | 0..0x20);
                assert_eq!(
                    plain_run(&bytes),
                    length + usize::from(!is_stop),
                    "{stop:?} behind {length} bytes"
                );
            }
        }
    }

    #[test]
    fn of_duplicate_keys_the_last_wins_whether_few_or_many() {
        let few = r#"{"a":1,"b":2,"a":3}"#;
        assert_eq!(
            value(few),
            Ok(Value::Map(vec![
                ("a".into(), Value::Int(3)),
                ("b".into(), Value::Int(2))
            ]))
        );

        let many: Vec<String> = (0..100).map(|n| format!("\"k{}\":{n}", n % 40)).collect();
        let many = format!("{{{}}}", many.join(","));
        let Ok(Value::Map(members)) = value(&many) else {
            panic!("{many} is a map")
        };
        assert_eq!(members.len(), 40);
        assert_eq!(members[19], ("k19".into(), Value::Int(99)));
        assert_eq!(members[20], ("k20".into(), Value::Int(60)));
    }

    #[test]
    fn what_is_too_deep_stays_text() {
        let mut reader = Reader::new(r#"{"a":{"b":[1, {"c":2}]}}"#);
        assert_eq!(
            reader.value(2),
            Ok(Value::Map(vec![(
                "a".into(),
                Value::Map(vec![("b".into(), Value::Deep(r#"[1, {"c":2}]"#))])
            )]))
        );
    }

    #[test]
    fn a_million_brackets_overflow_no_stack() {
        let open = "[".repeat(1_000_000);
        assert!(value(&open).is_err());
        let closed = format!("{open}{}", "]".repeat(1_000_000));
        assert!(value(&closed).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn skipping_and_reading_agree_with_serde_json(text in r#"[\[\]{}":,0-9a-e.\\u \-]{0,40}"#) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            let ours = value(&text);
            let mut reader = Reader::new(&text);
            let skipped = reader.skip().and_then(|_| reader.end());
            proptest::prop_assert_eq!(ours.is_ok(), skipped.is_ok());
            if theirs.is_ok() {
                proptest::prop_assert!(ours.is_ok(), "serde_json reads {}", text);
            }
        }
    }
}
