//! A secret name and what parts it from its value: `name=`, `"name": `, `--name `, `<name>`.

use super::quote::{self, Quote};
use super::secret_words::Sort;
use super::text::{Text, is_base64url, is_blank, is_word, skip_sgr};

const MAX_SPACES: usize = 40;
const MAX_INDENT: usize = 160;

/// A name, what stood around it, and where its value begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// The name itself.
    pub start: usize,
    pub end: usize,
    pub value: usize,
    pub separator: Separator,
    /// How often the sign was percent-encoded.
    pub encoded: u8,
    pub quote: Option<Quote>,
    pub sort: Option<Sort>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// `=`, `=>`, `:=`, `%3D`.
    Equals,
    /// `:` with space behind it.
    Colon,
    /// `:` without.
    TightColon,
    /// The space behind `--flag`.
    Flag,
    /// The end of an XML tag.
    Tag,
    /// A list's next item, or the `value` that belongs to a `name`.
    Item,
    /// A bracket and a quote, as the Debug output of a newtype has them: `ApiKey("x")`.
    Call,
}

/// A word stands behind the name, as in prose, and nothing makes a flag or a tag of it.
#[inline]
pub(super) fn is_before_word(text: Text<'_>, start: usize, end: usize) -> bool {
    is_blank(text.at(end)) && {
        let word = text.run_most(end, MAX_SPACES, is_blank);
        text.at(word).is_ascii_alphabetic()
            && !matches!(text.back(start, 1), b'<' | b':')
            && text.at(start) != b'-'
    }
}

/// The name `start..end` with what parts it from its value; its sort is not known yet.
pub(super) fn separated(text: Text<'_>, start: usize, end: usize) -> Option<Pair> {
    if is_before_word(text, start, end) {
        return None;
    }
    let pair = |separator, value, quote| Pair {
        start,
        end,
        value,
        separator,
        encoded: 0,
        quote,
        sort: None,
    };
    let mut at = skip_sgr(text, end);
    let mut closing = None;
    if let Some((quote, inner)) = quote::behind_name(text, start, at) {
        closing = Some((quote, at));
        at = inner;
    }
    // `password[0]=`, `passwords[admin]=`.
    if text.at(at) == b'[' {
        let index = text.run_most(at + 1, 32, is_word);
        at = if text.at(index) == b']' { index } else { at };
    }
    at = text.run_most(at, 3, |byte| matches!(byte, b']' | b'*' | b')'));
    if text.has_any_case(at, b"%5d") {
        at += 3;
    }
    let spaced = skip_sgr(
        text,
        text.run_most(skip_sgr(text, at), MAX_SPACES, is_blank),
    );
    let quote = closing.map(|(quote, _)| quote);
    if let Some((is_colon, after, encoded)) = sign(text, spaced) {
        // PHP and pretty JSON may go on in the next line.
        let is_arrow = text.back(after, 1) == b'>' && text.back(after, 2) == b'=';
        let after = if is_arrow || quote.is_some() {
            text.run_most(after, MAX_SPACES, |byte| byte.is_ascii_whitespace())
        } else {
            after
        };
        let mut value = skip_sgr(
            text,
            text.run_most(skip_sgr(text, after), MAX_SPACES, is_blank),
        );
        // **Password:** in Markdown.
        value = text.run_most(value, 2, |byte| byte == b'*');
        value = text.run_most(value, MAX_SPACES, is_blank);
        value = behind_type(text, value);
        let separator = match is_colon {
            false => Separator::Equals,
            true if value > after => Separator::Colon,
            true => Separator::TightColon,
        };
        return Some(Pair {
            encoded,
            ..pair(separator, value, quote)
        });
    }
    if let Some((_, close)) = closing {
        return item(text, start, close).map(|(separator, value)| pair(separator, value, quote));
    }
    if text.at(at) == b','
        && at == end
        && let Some(value) = tuple(text, start, at).or_else(|| argument(text, start, at))
    {
        return Some(pair(Separator::Item, value, None));
    }
    if at == end
        && (text.at(start).is_ascii_uppercase() || is_setter(text.slice(start, end)))
        && let Some(value) = inside_type(text, at)
    {
        return Some(pair(Separator::Call, value, None));
    }
    if text.at(start) == b'-' && spaced > at && at == end {
        return Some(pair(Separator::Flag, spaced, None));
    }
    if let Some(value) = yaml_item(text, start, at) {
        return Some(pair(Separator::Item, value, None));
    }
    tag(text, start, at).map(|value| pair(Separator::Tag, value, None))
}

/// The sign itself at `at`: is it a colon, what stands behind it, and how often was it percent-encoded?
fn sign(text: Text<'_>, at: usize) -> Option<(bool, usize, u8)> {
    let next = text.at(at + 1);
    let plain = |is_colon, len| Some((is_colon, at + len, 0));
    match text.at(at) {
        b'=' if matches!(next, b'>' | b'=') => plain(false, 2),
        b'=' if next == b'~' => None,
        b'=' => plain(false, 1),
        b':' if next == b'=' => plain(false, 2),
        // LDIF writes base64 behind two.
        b':' if next == b':' && text.at(at + 2) == b' ' => plain(true, 2),
        b':' if next == b':' || text.has(at + 1, b"//") => None,
        b':' => plain(true, 1),
        b'-' if next == b'>' && text.at(at + 2) == b' ' => plain(true, 2),
        0xef if text.has(at, "＝".as_bytes()) => plain(false, "＝".len()),
        0xe2 if text.has(at, "⇒".as_bytes()) => plain(true, "⇒".len()),
        0xef if text.has(at, "：".as_bytes()) => plain(true, "：".len()),
        0xe2 if text.has(at, "→".as_bytes()) => plain(true, "→".len()),
        b'%' => encoded_sign(text, at),
        b'\\' if text.has_any_case(at, b"\\u003d") => plain(false, 6),
        _ => None,
    }
}

/// `%3D` and `%3A`, encoded again too: `%253D`.
fn encoded_sign(text: Text<'_>, at: usize) -> Option<(bool, usize, u8)> {
    let mut code = at + 1;
    let mut times = 1;
    while text.has(code, b"25") && times < MAX_ENCODED {
        code += 2;
        times += 1;
    }
    match (text.at(code), text.at(code + 1)) {
        (b'3', b'D' | b'd') => Some((false, code + 2, times)),
        (b'3', b'A' | b'a') => Some((true, code + 2, times)),
        _ => None,
    }
}

/// How often a text is encoded at most.
const MAX_ENCODED: u8 = 4;

/// The value of a quoted name that no sign follows: `("token", "x")`, `["--token", "x"]`, `"name": "token", "value": "x"`.
fn item(text: Text<'_>, start: usize, close: usize) -> Option<(Separator, usize)> {
    // `"Smtp:Password"`: the name's last part.
    let head = text.run_back(start, 64, |byte| {
        is_word(byte) || matches!(byte, b':' | b'/')
    });
    let (quote, open) = quote::open_before(text, head)?;
    let mut at = close + quote.len();
    if let Some(value) = default_value(text, at).or_else(|| part_value(text, open, at)) {
        return Some((Separator::Item, value));
    }
    // `<Data Name="Password">x</Data>`
    if text.at(at) == b'>' && is_named(text, open) {
        return Some((Separator::Tag, inner_element(text, at + 1)));
    }
    let comma = text.at(at) == b',';
    at += usize::from(comma);
    at = text.run_most(at, MAX_SPACES, |byte| is_blank(byte) || byte == b'\n');
    let (next_quote, inner) = quote::open(text, at).unzip();
    let word = inner.unwrap_or(at);
    if text.has_any_case(word, b"value") && matches!(text.back(open, 1), b' ' | b':' | b'=') {
        let after = word + b"value".len() + next_quote.map_or(0, Quote::len);
        let after = text.run_most(after, MAX_SPACES, is_blank);
        if matches!(text.at(after), b':' | b'=') {
            let value = text.run_most(after + 1, MAX_SPACES, is_blank);
            return Some((Separator::Item, value));
        }
    }
    let inner = inner?;
    let (end, is_closed) = next_quote?.close(text, inner);
    // `"AUTH" "x"`, `set "Smtp:Password" "x"`: arguments.
    if !comma {
        let value = text.slice(inner, end);
        let is_argument = at > close + quote.len()
            && is_closed
            && value.iter().any(u8::is_ascii_digit)
            && value.iter().any(u8::is_ascii_alphabetic)
            && !value.contains(&b' ');
        return is_argument.then_some((Separator::Item, at));
    }
    let after = end + quote.len();
    let is_pair = match (text.back(open, 1), text.at(after)) {
        (b'(', b')') | (b'[', b']') => true,
        // Elixir's tuple; two names in a set are no pair.
        (b'{', b'}') => is_no_name(text.slice(inner, end)),
        _ => false,
    };
    (is_closed && (is_pair || text.at(start) == b'-')).then_some((Separator::Item, at))
}

/// Anything but small letters: no name of a field.
fn is_no_name(value: &[u8]) -> bool {
    value
        .iter()
        .any(|byte| !byte.is_ascii_lowercase() && *byte != b'_')
}

/// Behind the element inside of a named one: `<setting name="Password"><value>x</value>`.
fn inner_element(text: Text<'_>, at: usize) -> usize {
    let open = text.run_most(at, MAX_INDENT, |byte| byte.is_ascii_whitespace());
    let close = text.run_most(open + 1, 16, is_word);
    let is_value = text.at(open) == b'<' && close > open + 1 && text.at(close) == b'>';
    if is_value { close + 1 } else { at }
}

/// Erlang's and Elixir's `{password, "x"}`, `{password,<<"x">>}`, `{:password, "x"}`; `comma` is behind the name.
fn tuple(text: Text<'_>, start: usize, comma: usize) -> Option<usize> {
    let open = start - usize::from(text.back(start, 1) == b':');
    if text.back(open, 1) != b'{' {
        return None;
    }
    let at = text.run_most(comma + 1, MAX_SPACES, is_blank);
    let quoted = at + if text.has(at, b"<<") { 2 } else { 0 };
    let end = match quote::open(text, quoted) {
        Some((quote, inner)) => {
            let (end, is_closed) = quote.close(text, inner);
            let is_value = is_closed && (quoted > at || is_no_name(text.slice(inner, end)));
            is_value.then_some(end + quote.len() + (quoted - at))?
        }
        None => {
            let end = text.run_most(at, 256, is_base64url);
            let word = text.slice(at, end);
            let is_mixed =
                word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic);
            is_mixed.then_some(end)?
        }
    };
    (text.at(end) == b'}').then_some(at)
}

/// Is the quoted word that opens at `open` what an attribute calls its element: `name="x"`, `key="x"`?
fn is_named(text: Text<'_>, open: usize) -> bool {
    text.ends_any_case(open, b"name=") || text.ends_any_case(open, b"key=")
}

/// What a type with a secret's name holds: `ApiKey("x")`, `ApiKey(0f1e…)`, `Token { raw: "x" }`.
fn inside_type(text: Text<'_>, at: usize) -> Option<usize> {
    if text.at(at) == b'(' {
        let is_quoted = matches!(text.at(at + 1), b'"' | b'\'');
        let end = text.run_most(at + 1, 256, is_base64url);
        let is_opaque = text.at(end) == b')' && is_opaque(text.slice(at + 1, end));
        return (is_quoted || is_opaque).then_some(at + 1);
    }
    let field = at + b" { ".len();
    [
        &b"raw: \""[..],
        b"value: \"",
        b"inner: \"",
        b"secret: \"",
        b"0: \"",
    ]
    .iter()
    .find(|name| text.has(at, b" { ") && text.has(field, name))
    .map(|name| field + name.len() - 1)
}

/// `setPassword`, `with_token`.
fn is_setter(name: &[u8]) -> bool {
    let name = name.rsplit(|&byte| byte == b'.').next().unwrap_or(name);
    ["set", "with"].iter().any(|verb| {
        name.strip_prefix(verb.as_bytes())
            .and_then(<[u8]>::first)
            .is_some_and(|next| next.is_ascii_uppercase() || *next == b'_')
    })
}

/// `put(auth_token, 0f1e…)`: the last argument behind a name that is the first one; `comma` is behind the name.
fn argument(text: Text<'_>, start: usize, comma: usize) -> Option<usize> {
    let value = text.run_most(comma + 1, 2, is_blank);
    let end = text.run_most(value, 256, is_base64url);
    (text.back(start, 1) == b'(' && text.at(end) == b')' && is_opaque(text.slice(value, end)))
        .then_some(value)
}

/// Letters and digits, and too many for a word.
fn is_opaque(value: &[u8]) -> bool {
    value.len() >= 16
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
}

/// Terraform's `variable "db_password" { default = "x" }`; `at` is behind the quoted name.
fn default_value(text: Text<'_>, at: usize) -> Option<usize> {
    let open = text.run_most(at, 4, is_blank);
    if text.at(open) != b'{' {
        return None;
    }
    let close = text.run_most(open, 256, |byte| byte != b'}');
    let word = b"default";
    let found = text
        .slice(open, close)
        .windows(word.len())
        .position(|part| part == word)?;
    let sign = text.run_most(open + found + word.len(), MAX_SPACES, is_blank);
    (text.at(sign) == b'=').then(|| text.run_most(sign + 1, MAX_SPACES, is_blank))
}

/// The value of a multipart form: `name="password"`, an empty line, the value.
fn part_value(text: Text<'_>, open: usize, at: usize) -> Option<usize> {
    if !text.ends_any_case(open, b"name=") {
        return None;
    }
    [&b"\r\n\r\n"[..], b"\n\n", b"\\r\\n\\r\\n", b"\\n\\n"]
        .iter()
        .find(|gap| text.has(at, gap))
        .map(|gap| at + gap.len())
}

/// `- name: JWT_SECRET` and `value: x` in the next line.
fn yaml_item(text: Text<'_>, start: usize, end: usize) -> Option<usize> {
    let is_name = text.ends_any_case(start, b"name: ") || text.ends_any_case(start, b"key: ");
    let line_end = text.run_most(end, 4, |byte| matches!(byte, b' ' | b'\r' | b'"'));
    let word = text.run_most(line_end, MAX_SPACES, |byte| byte.is_ascii_whitespace());
    let value = word + b"value:".len();
    let is_item = is_name
        && text.at(line_end) == b'\n'
        && text.has(word, b"value:")
        && is_blank(text.at(value));
    is_item.then(|| text.run_most(value, MAX_SPACES, is_blank))
}

/// Behind what says the type of a value: `!!str x`, `string(8) "x"`, `Some(x)`.
fn behind_type(text: Text<'_>, value: usize) -> usize {
    if text.at(value) == b'!' {
        let tag = text.run_most(value, 16, |byte| byte > b' ');
        return text.run_most(tag, 4, is_blank);
    }
    if text.has(value, b"Some(") {
        // `{:#?}` goes on in the next line.
        let inner = value + b"Some(".len();
        let inner = text.run_most(inner, MAX_INDENT, |byte| byte.is_ascii_whitespace());
        return behind_type(text, inner);
    }
    // Go's `%#v` of a header: `[]string{"x"}`.
    if text.has(value, b"[]string{\"") {
        let inner = value + b"[]string{".len();
        let is_alone = quote::open(text, inner).is_some_and(|(quote, start)| {
            let (end, is_closed) = quote.close(text, start);
            is_closed && text.at(end + quote.len()) == b'}'
        });
        return if is_alone { inner } else { value };
    }
    if text.has(value, b"string(") {
        let close = text.run_most(value + b"string(".len(), 8, |byte| byte.is_ascii_digit());
        if text.has(close, b") \"") {
            return close + 2;
        }
    }
    value
}

/// Where the text of an XML element begins whose name is `start..end`: `<password>x</password>`.
fn tag(text: Text<'_>, start: usize, end: usize) -> Option<usize> {
    let open = text.run_back(start, 32, |byte| is_word(byte) || byte == b':');
    if text.ends_any_case(open, b"&lt;") && text.has(end, b"&gt;") {
        return Some(end + b"&gt;".len());
    }
    if text.ends_any_case(start, b"\\u003c") && text.has_any_case(end, b"\\u003e") {
        return Some(end + b"\\u003e".len());
    }
    if text.back(start, 1) == b'>' {
        return next_element(text, start, end);
    }
    if text.back(open, 1) != b'<' {
        return None;
    }
    let close = text.run_most(end, 256, |byte| !matches!(byte, b'>' | b'<' | b'\n'));
    let is_open = text.at(close) == b'>'
        && text.back(close, 1) != b'/'
        && (close == end || is_blank(text.at(end)));
    is_open.then_some(close + 1)
}

/// Where the text of the element begins that follows the one whose text is the name: `<key>token</key><string>x`,
/// `<name>token</name> <value>x`.
fn next_element(text: Text<'_>, start: usize, end: usize) -> Option<usize> {
    let tag = [&b"key>"[..], b"name>"]
        .into_iter()
        .find(|tag| text.ends_any_case(start, tag))?;
    let closed = end + b"</".len() + tag.len();
    if !text.has(end, b"</") || !text.has_any_case(end + b"</".len(), tag) {
        return None;
    }
    let open = text.run_most(closed, MAX_INDENT, |byte| byte.is_ascii_whitespace());
    let inner = text.run_most(open + 1, 16, is_word);
    (text.at(open) == b'<' && text.at(inner) == b'>').then_some(inner + 1)
}
