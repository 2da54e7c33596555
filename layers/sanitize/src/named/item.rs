//! Values that no sign parts from their name: the next item of a list, an argument, a tuple, a named element, the inside of a
//! type.

use crate::named::separator::Separator;
use crate::text::quote::{self, Quote};
use crate::text::{Text, is_base64url, is_blank, is_word};

const MAX_SPACES: usize = 40;
const MAX_INDENT: usize = 160;

/// The value of a quoted name that no sign follows: `("token", "x")`, `["--token", "x"]`, `"name": "token", "value": "x"`.
pub(crate) fn item(text: Text<'_>, start: usize, close: usize) -> Option<(Separator, usize)> {
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
    if is_named(text, open)
        && let Some(tag_end) = tag_end(text, at)
    {
        return Some((Separator::Tag, inner_element(text, tag_end)));
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
    if !comma && at == close + quote.len() {
        return None;
    }
    let inner = inner?;
    let (end, is_closed) = next_quote?.close(text, inner);
    // `"AUTH" "x"`, `set "Smtp:Password" "x"`: arguments.
    if !comma {
        let value = text.slice(inner, end);
        let is_argument = is_closed
            && value.iter().any(u8::is_ascii_digit)
            && value.iter().any(u8::is_ascii_alphabetic)
            && !value.contains(&b' ');
        // `"AUTH" "ann" "x"`, as redis' monitor prints it.
        if is_closed && !is_argument && text.slice(start, close).eq_ignore_ascii_case(b"auth") {
            let second = text.run_most(end + quote.len(), 2, is_blank);
            let is_second = second > end + quote.len() && quote::open(text, second).is_some();
            return is_second.then_some((Separator::Item, second));
        }
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

/// Behind the `>` of a tag whose attributes go on at `at`; none when it is closed at once or has a value among them.
fn tag_end(text: Text<'_>, at: usize) -> Option<usize> {
    let close = text.run_most(at, 160, |byte| !matches!(byte, b'<' | b'>' | b'\n'));
    let attributes = text.slice(at, close);
    let has_value = attributes
        .windows(6)
        .any(|part| part.eq_ignore_ascii_case(b"value="));
    let is_open = text.at(close) == b'>' && text.back(close, 1) != b'/' && !has_value;
    (is_open && (close == at || is_blank(text.at(at)))).then_some(close + 1)
}

/// Behind the element inside of a named one: `<setting name="Password"><value>x</value>`.
fn inner_element(text: Text<'_>, at: usize) -> usize {
    let open = text.run_most(at, MAX_INDENT, |byte| byte.is_ascii_whitespace());
    let close = text.run_most(open + 1, 16, is_word);
    let is_value = text.at(open) == b'<' && close > open + 1 && text.at(close) == b'>';
    if is_value { close + 1 } else { at }
}

/// Erlang's and Elixir's `{password, "x"}`, `{password,<<"x">>}`, `{:password, "x"}`; `comma` is behind the name.
pub(crate) fn tuple(text: Text<'_>, start: usize, comma: usize) -> Option<usize> {
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
pub(crate) fn inside_type(text: Text<'_>, at: usize) -> Option<usize> {
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
pub(crate) fn is_setter(name: &[u8]) -> bool {
    let name = name.rsplit(|&byte| byte == b'.').next().unwrap_or(name);
    ["set", "with"].iter().any(|verb| {
        name.strip_prefix(verb.as_bytes())
            .and_then(<[u8]>::first)
            .is_some_and(|next| next.is_ascii_uppercase() || *next == b'_')
    })
}

/// `put(auth_token, 0f1e…)`: the last argument behind a name that is the first one; `comma` is behind the name.
pub(crate) fn argument(text: Text<'_>, start: usize, comma: usize) -> Option<usize> {
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
    let word = b"default";
    let found = text.run_at(open, 256, |at, byte| byte != b'}' && !text.has(at, word));
    if !text.has(found, word) {
        return None;
    }
    let sign = text.run_most(found + word.len(), MAX_SPACES, is_blank);
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
pub(crate) fn yaml_item(text: Text<'_>, start: usize, end: usize) -> Option<usize> {
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
