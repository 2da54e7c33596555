//! A value next to a secret name in free text: `password=x`, `"token": "x"`, `--api-key x`, `Cookie: a=b`.
//!
//! Starts at a strong word, reads left to where the name begins, asks the key rules about the whole name, and only then
//! looks for a separator and a value. Debug output, JSON inside JSON, headers, command lines, YAML, TOML, ini, env and
//! form bodies are all this one rule.

use super::extent::{self, Around, Extent, Form};
use super::key::{KeyClass, Scalar, is_taken};
use super::marker::Markers;
use super::policy::Compiled;
use super::prose;
use super::quote::{self, Quote};
use super::rule::{Place, Rule};
use super::samples::Samples;
use super::secret_words::Sort;
use super::span::Seen;
use super::spoken;
use super::text::{Text, after_sgr, is_word, skip_sgr};

const MAX_NAME_BYTES: usize = 96;
const MAX_SPACES: usize = 40;

/// A name, what stood around it, and where its value begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// The name itself.
    pub start: usize,
    pub end: usize,
    pub value: usize,
    pub separator: Separator,
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
}

/// `start..end` is a strong word.
pub(super) fn scan(text: Text<'_>, rules: &Compiled, start: usize, end: usize) -> Seen {
    let (start, end) = name(text, start, end);
    let signed = separator(text, start, end);
    // Most hits end here: a word of prose, no sign behind it and no value.
    if signed.is_none() && !spoken::may_follow(text, end) {
        return Seen::NothingBefore(end);
    }
    let is_userinfo =
        text.ends_any_case(start, b"//") && matches!(signed, Some((Separator::TightColon, ..)));
    let is_marker =
        matches!(text.back(start, 1), b':' | b'[') && rules.markers().holds(text, start, end);
    if is_userinfo || is_marker || is_code_path(text, start, end) {
        return Seen::NothingBefore(end);
    }
    let (class, sort) = rules.keys.class(text.str(start, end));
    let is_query_signature =
        matches!(text.back(start, 1), b'?' | b'&') && is_signature(text.slice(start, end));
    let sort = match class {
        KeyClass::Secret => sort,
        KeyClass::Clean if is_query_signature => Some(Sort::Token),
        KeyClass::Clean => match in_words(text, start, end) {
            Some(sort) => Some(sort),
            None => return Seen::NothingBefore(end),
        },
    };
    let extent = match signed {
        Some((separator, value, quote)) => {
            let pair = Pair {
                start,
                end,
                value,
                separator,
                quote,
                sort,
            };
            taken(text, rules.markers(), pair)
        }
        None => spoken::value(text, start, end, sort),
    };
    match extent {
        Some(extent) => Seen::found(Rule::Key, extent.start, extent.end),
        None => Seen::NothingBefore(end),
    }
}

/// `end` is behind `IDENTIFIED BY`: a quoted password.
pub(super) fn scan_identified(text: Text<'_>, markers: &Markers, end: usize) -> Seen {
    let at = text.run_most(end, 4, is_blank);
    let at = if text.has_any_case(at, b"password ") {
        at + b"password ".len()
    } else {
        at
    };
    match extent::value(text, at, Around::Text) {
        Some(extent)
            if extent.form == Form::Quoted && markers.end(text, extent.start).is_none() =>
        {
            Seen::found(Rule::Key, extent.start, extent.end)
        }
        _ => Seen::NothingBefore(end),
    }
}

/// `sig` and `signature` of a presigned URL.
fn is_signature(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"sig") || name.eq_ignore_ascii_case(b"signature")
}

/// `api key`, `pass phrase`, `mot de passe`: a name in several words of prose.
fn in_words(text: Text<'_>, start: usize, end: usize) -> Option<Sort> {
    let is_behind = |first: &[&[u8]]| {
        first.iter().any(|first| {
            text.ends_any_case(start, first) && !is_word(text.back(start, first.len() + 1))
        })
    };
    let name = text.slice(start, end);
    if name.eq_ignore_ascii_case(b"key") && is_behind(BEFORE_KEY) {
        return Some(Sort::Token);
    }
    let is_phrase = name.eq_ignore_ascii_case(b"phrase") && is_behind(BEFORE_PHRASE);
    let is_passe = name.eq_ignore_ascii_case(b"passe") && is_behind(&[b"mot de "]);
    (is_phrase || is_passe).then_some(Sort::Password)
}

const BEFORE_KEY: &[&[u8]] = &[
    b"api ",
    b"access ",
    b"secret ",
    b"private ",
    b"signing ",
    b"encryption ",
    b"account ",
    b"master ",
];
const BEFORE_PHRASE: &[&[u8]] = &[b"pass ", b"seed ", b"recovery ", b"mnemonic ", b"secret "];

/// The whole identifier around a strong word.
fn name(text: Text<'_>, start: usize, end: usize) -> (usize, usize) {
    // Arrows, dashes and wide signs are no letters.
    let is_part =
        |byte: u8| (is_word(byte) && !matches!(byte, 0xe2 | 0xef)) || matches!(byte, b'-' | b'.');
    // The literals `sig=` and `pw"` have the sign in them.
    let end = end - usize::from(!is_word(text.back(end, 1)));
    let mut start = text.run_back(start, MAX_NAME_BYTES, is_part);
    start = text.run(start, |byte| (0x80..0xc0).contains(&byte));
    let mut end = text.run_most(end, MAX_NAME_BYTES, is_part);
    while end > start && matches!(text.back(end, 1), b'.' | b'-') {
        end -= 1;
    }
    // What an escape left in front: `\n`, `\u0022`, `%22`, `ESC[2m`.
    let head = text.at(start);
    if text.back(start, 1) == b'\\' {
        if head == b'u'
            && text
                .slice(start + 1, start + 5)
                .iter()
                .all(u8::is_ascii_hexdigit)
        {
            start += 5;
        } else if matches!(head, b'n' | b't' | b'r') && end > start + 1 {
            start += 1;
        }
    } else if text.back(start, 1) == b'%'
        && text
            .slice(start, start + 2)
            .iter()
            .all(u8::is_ascii_hexdigit)
    {
        start += 2;
    } else {
        start = after_sgr(text, start);
    }
    (start.min(end), end)
}

/// What parts the name from its value, where the value begins, and the quote around the name.
fn separator(
    text: Text<'_>,
    start: usize,
    end: usize,
) -> Option<(Separator, usize, Option<Quote>)> {
    let word = text.run_most(end, MAX_SPACES, is_blank);
    let is_before_word = word > end && text.at(word).is_ascii_alphabetic();
    if is_before_word && !matches!(text.back(start, 1), b'<' | b':') && text.at(start) != b'-' {
        return None;
    }
    let mut at = skip_sgr(text, end);
    let mut closing = None;
    if let Some((quote, inner)) = quote::open(text, at) {
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
    if let Some((is_colon, after)) = sign(text, spaced) {
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
        return Some((separator, value, quote));
    }
    if let Some((_, close)) = closing {
        return item(text, start, close).map(|value| (Separator::Item, value, quote));
    }
    if text.at(start) == b'-' && spaced > at && at == end {
        return Some((Separator::Flag, spaced, None));
    }
    if let Some(value) = yaml_item(text, start, at) {
        return Some((Separator::Item, value, None));
    }
    tag(text, start, at).map(|value| (Separator::Tag, value, None))
}

/// The sign itself at `at`: is it a colon, and what stands behind it?
fn sign(text: Text<'_>, at: usize) -> Option<(bool, usize)> {
    let next = text.at(at + 1);
    match text.at(at) {
        b'=' if matches!(next, b'>' | b'=') => Some((false, at + 2)),
        b'=' if next == b'~' => None,
        b'=' => Some((false, at + 1)),
        b':' if next == b'=' => Some((false, at + 2)),
        b':' if next == b':' || text.has(at + 1, b"//") => None,
        b':' => Some((true, at + 1)),
        b'-' if next == b'>' && text.at(at + 2) == b' ' => Some((true, at + 2)),
        0xef if text.has(at, "＝".as_bytes()) => Some((false, at + "＝".len())),
        0xe2 if text.has(at, "⇒".as_bytes()) => Some((true, at + "⇒".len())),
        0xef if text.has(at, "：".as_bytes()) => Some((true, at + "：".len())),
        0xe2 if text.has(at, "→".as_bytes()) => Some((true, at + "→".len())),
        b'%' if text.has_any_case(at, b"%3d") => Some((false, at + 3)),
        b'%' if text.has_any_case(at, b"%3a") => Some((true, at + 3)),
        b'\\' if text.has_any_case(at, b"\\u003d") => Some((false, at + 6)),
        _ => None,
    }
}

/// The value of a quoted name that no sign follows: `("token", "x")`, `["--token", "x"]`, `"name": "token", "value": "x"`.
fn item(text: Text<'_>, start: usize, close: usize) -> Option<usize> {
    let (quote, open) = quote::open_before(text, start)?;
    let mut at = close + quote.len();
    if let Some(value) = part_value(text, open, at) {
        return Some(value);
    }
    // `<Data Name="Password">x</Data>`
    if text.at(at) == b'>'
        && is_named(text, open)
        && !matches!(text.at(at + 1), b'<' | b'\n' | b' ')
    {
        return Some(at + 1);
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
            return Some(text.run_most(after + 1, MAX_SPACES, is_blank));
        }
    }
    let inner = inner.filter(|_| comma)?;
    let (end, is_closed) = next_quote?.close(text, inner);
    let after = end + quote.len();
    let is_pair = matches!(
        (text.back(open, 1), text.at(after)),
        (b'(', b')') | (b'[', b']')
    );
    (is_closed && (is_pair || text.at(start) == b'-')).then_some(at)
}

/// Is the quoted word that opens at `open` what an attribute calls its element: `name="x"`, `key="x"`?
fn is_named(text: Text<'_>, open: usize) -> bool {
    text.ends_any_case(open, b"name=") || text.ends_any_case(open, b"key=")
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
        return behind_type(text, value + b"Some(".len());
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
    if text.ends_any_case(start, b"&lt;") && text.has(end, b"&gt;") {
        return Some(end + b"&gt;".len());
    }
    if text.back(open, 1) != b'<' {
        return None;
    }
    let close = text.run_most(end, 256, |byte| !matches!(byte, b'>' | b'<' | b'\n'));
    let is_open = text.at(close) == b'>'
        && text.back(close, 1) != b'/'
        && (close == end || is_blank(text.at(end)));
    let cdata = b"<![CDATA[";
    let inner = close
        + 1
        + if text.has(close + 1, cdata) {
            cdata.len()
        } else {
            0
        };
    is_open.then_some(inner)
}

/// The text of an XML element that begins at `start`, without the space around it.
fn element(text: Text<'_>, start: usize) -> Option<Extent> {
    let start = text.run_most(start, 64, |byte| byte.is_ascii_whitespace());
    let close = text.run_most(start, MAX_ELEMENT_BYTES, |byte| {
        !matches!(byte, b'<' | b'&' | b'\n' | b']')
    });
    let end = text.run_back(close, close - start, |byte| byte.is_ascii_whitespace());
    let after = text.run_most(close, 64, |byte| byte.is_ascii_whitespace());
    let is_closed = text.has(after, b"</") || text.has(after, b"&lt;/") || text.has(after, b"]]>");
    (end > start && is_closed).then_some(Extent {
        start,
        end,
        form: Form::Bare,
    })
}

/// Longest secret in an element.
const MAX_ELEMENT_BYTES: usize = 4096;

/// The value that goes, when there is one that is not just talk.
fn taken(text: Text<'_>, markers: &Markers, pair: Pair) -> Option<Extent> {
    if let Some(extent) = done(text, markers, pair.value) {
        return extent;
    }
    if pair.separator == Separator::Tag {
        return element(text, pair.value);
    }
    if pair.sort == Some(Sort::Cookie)
        && let Some(end) = cookies_end(text, pair.value)
    {
        return Some(Extent {
            start: pair.value,
            end,
            form: Form::Bare,
        });
    }
    let extent = extent::value(text, pair.value, around(text, pair))?;
    if extent.form == Form::Bare
        && let Some(credential) = credential(text, markers, pair, extent)
    {
        return credential;
    }
    if is_directory(text, pair, extent) {
        return None;
    }
    if !is_taken(pair.sort, shape(text, extent)) || prose::is_talk(text, pair, extent) {
        return None;
    }
    Some(match extent.form {
        Form::Bare => with_phrase(text, pair, extent),
        Form::Quoted | Form::Structure => extent,
    })
}

/// `PWD=/srv`: the working directory, no password.
fn is_directory(text: Text<'_>, pair: Pair, extent: Extent) -> bool {
    let is_pwd = matches!(
        text.slice(pair.start, pair.end),
        b"PWD" | b"OLDPWD" | b"pwd"
    );
    is_pwd && matches!(text.at(extent.start), b'/' | b'~')
}

/// A marker stands where the value begins: nothing to do. `None` when none stands there.
#[allow(clippy::option_option)]
fn done(text: Text<'_>, markers: &Markers, value: usize) -> Option<Option<Extent>> {
    let inner = quote::open(text, value).map_or(value, |(_, inner)| inner);
    let end = markers.end(text, inner)?;
    let tail = extent::bare_end(text, end, Around::Text);
    // `[REDACTED]hunter2` still holds something.
    Some((tail > end && inner == value).then_some(Extent {
        start: value,
        end: tail,
        form: Form::Bare,
    }))
}

fn around(text: Text<'_>, pair: Pair) -> Around {
    let before = text.back(pair.start, 1);
    let is_query = pair.separator == Separator::Equals
        && pair.quote.is_none()
        && matches!(before, b'?' | b'&' | b'#' | b';');
    if is_query { Around::Url } else { Around::Text }
}

/// What kind of value the text is.
fn shape(text: Text<'_>, extent: Extent) -> Scalar {
    if extent.form != Form::Bare {
        return Scalar::Text;
    }
    match text.str(extent.start, extent.end) {
        "null" | "None" | "nil" | "NULL" | "undefined" => Scalar::Null,
        "true" | "false" | "True" | "False" | "TRUE" | "FALSE" => Scalar::Bool,
        value => match value.parse() {
            Ok(number) => Scalar::Integer(number),
            Err(_) => match value.parse() {
                Ok(number)
                    if value
                        .bytes()
                        .all(|byte| byte.is_ascii_digit() || b".-+eE".contains(&byte)) =>
                {
                    Scalar::Float(number)
                }
                _ => Scalar::Text,
            },
        },
    }
}

/// `Bearer x` and `Digest username=…`: the scheme's word stays, what follows goes. None when `extent` is no scheme.
#[allow(clippy::option_option)]
fn credential(
    text: Text<'_>,
    markers: &Markers,
    pair: Pair,
    extent: Extent,
) -> Option<Option<Extent>> {
    let word = text.slice(extent.start, extent.end);
    let is_in = |schemes: &[&[u8]]| {
        schemes
            .iter()
            .any(|scheme| word.eq_ignore_ascii_case(scheme))
    };
    let is_list = is_in(SCHEMES_WITH_LISTS);
    let is_followed = is_blank(text.at(extent.end)) || text.has(extent.end, b"%20");
    ((is_list || is_in(SCHEMES)) && is_followed)
        .then(|| behind_scheme(text, markers, pair, extent, is_list))
}

fn behind_scheme(
    text: Text<'_>,
    markers: &Markers,
    pair: Pair,
    extent: Extent,
    is_list: bool,
) -> Option<Extent> {
    let mut start = text.run_most(extent.end, 4, is_blank);
    if text.has(start, b"%20") {
        start += 3;
    }
    if markers.end(text, start).is_some() {
        return None;
    }
    let end = if is_list {
        let quote = quote::open_before(text, pair.start).map(|(quote, _)| quote);
        match quote {
            Some(quote) => quote.close(text, start).0,
            None => list_end(text, start),
        }
    } else {
        extent::bare_end(text, start, Around::Text)
    };
    let is_word = text.slice(start, end).iter().all(u8::is_ascii_lowercase) && end - start < 16;
    let is_place = prose::is_placeholder(text.slice(start, end));
    (end > start && !is_place && (is_list || !is_word)).then_some(Extent {
        start,
        end,
        form: Form::Bare,
    })
}

/// Where `name="value", name=value` ends.
fn list_end(text: Text<'_>, start: usize) -> usize {
    let mut at = start;
    loop {
        let name_end = text.run_most(at, 64, |byte| is_word(byte) || byte == b'-');
        if text.at(name_end) != b'=' || name_end == at {
            // A token without name: NTLM, AWS4's scope.
            return if at == start {
                extent::bare_end(text, at, Around::Text)
            } else {
                text.run_back(at, at - start, |b| matches!(b, b' ' | b','))
            };
        }
        let value = name_end + 1;
        at = match quote::open(text, value) {
            Some((quote, inner)) => {
                let (end, closed) = quote.close(text, inner);
                end + if closed { quote.len() } else { 0 }
            }
            None => extent::bare_end(text, value, Around::Text),
        };
        if text.at(at) != b',' {
            return at;
        }
        at = text.run_most(at + 1, 4, is_blank);
    }
}

/// A passphrase has many words: in a line of its own, `password: correct horse battery staple` goes to its end.
fn with_phrase(text: Text<'_>, pair: Pair, extent: Extent) -> Extent {
    if pair.sort != Some(Sort::Password)
        || !matches!(pair.separator, Separator::Colon | Separator::Equals)
        || pair.quote.is_some()
    {
        return extent;
    }
    let line_start = text.run_back(pair.start, 64, |byte| {
        matches!(byte, b' ' | b'\t' | b'-' | b'>')
    });
    let is_alone = line_start == 0 || matches!(text.back(line_start, 1), b'\n' | b'\r');
    let is_phrase_key =
        text.ends_any_case(pair.end, b"phrase") || text.ends_any_case(pair.end, b"mnemonic");
    let line_end = text.line_end(extent.end);
    let rest = text.slice(extent.end, line_end);
    let is_plain = rest.starts_with(b" ")
        && rest
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ' || *byte >= 0x80);
    let is_spaced = pair.separator == Separator::Colon
        || text.at(pair.value) != b'=' && text.back(pair.value, 1) == b' ';
    if (is_alone || is_phrase_key) && is_plain && is_spaced && rest.len() < 160 {
        Extent {
            end: line_end,
            ..extent
        }
    } else {
        extent
    }
}

/// Where `a=b; c=d; HttpOnly` ends; none when no pair stands at `start`.
fn cookies_end(text: Text<'_>, start: usize) -> Option<usize> {
    let mut end = None;
    let mut at = start;
    loop {
        let name_end = text.run_most(at, 128, |byte| {
            is_word(byte) || matches!(byte, b'-' | b'.' | b'[' | b']' | b'$' | b'%' | b'|' | b'+')
        });
        if name_end == at || (text.at(name_end) != b'=' && end.is_none()) {
            return end;
        }
        let mut value_end = name_end;
        if text.at(name_end) == b'=' {
            value_end = text.run(name_end, |byte| {
                byte > b' ' && byte != 0x7f && !matches!(byte, b';' | b'"' | b'\'' | b'`' | b'\\')
            });
            if text.slice(at, name_end).eq_ignore_ascii_case(b"expires") {
                let date = text.run_most(value_end, 32, |byte| {
                    byte != b';' && byte != b'\n' && byte != b'"' && byte != b'\''
                });
                value_end = if text.ends_any_case(date, b"gmt") {
                    date
                } else {
                    value_end
                };
            }
        } else if text.at(name_end) != b';'
            && text.at(name_end) > b' '
            && !matches!(text.at(name_end), b'"' | b'\'')
        {
            return end;
        }
        end = Some(value_end);
        if text.at(value_end) != b';' {
            return end;
        }
        at = text.run_most(value_end + 1, 4, is_blank);
    }
}

/// A module, a target or a source file: `auth::login`, `crate::token: text`, `token.rs:12:5`.
fn is_code_path(text: Text<'_>, start: usize, end: usize) -> bool {
    let is_target = text.back(start, 1) == b':' && text.back(start, 2) == b':';
    let extension = text.slice(
        text.run_back(end, 6, |byte| byte.is_ascii_alphabetic()),
        end,
    );
    let is_file = text.at(end) == b':'
        && text.at(end + 1).is_ascii_digit()
        && [
            &b"rs"[..],
            b"py",
            b"js",
            b"ts",
            b"go",
            b"java",
            b"kt",
            b"dart",
            b"rb",
            b"php",
            b"c",
            b"cc",
            b"cpp",
            b"h",
            b"cs",
            b"swift",
            b"jsx",
            b"tsx",
            b"mjs",
            b"scala",
            b"ex",
        ]
        .contains(&extension)
        && text.back(end, extension.len() + 1) == b'.';
    // `arn:aws:secretsmanager:…:secret:name` names a secret.
    let word = text.run_back(start, MAX_NAME_BYTES, |byte| byte > b' ' && byte != b'"');
    let is_resource = text.back(start, 1) == b':' && text.has(word, b"arn:");
    is_target || is_file || is_resource
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

const SCHEMES: &[&[u8]] = &[
    b"bearer",
    b"basic",
    b"token",
    b"apikey",
    b"negotiate",
    b"ntlm",
    b"key",
    b"jwt",
    b"bot",
    b"dpop",
    b"sso-key",
    b"genie-key",
    b"sso-jwt",
    b"zoho-oauthtoken",
    b"goog-auth",
];
const SCHEMES_WITH_LISTS: &[&[u8]] = &[
    b"digest",
    b"aws4-hmac-sha256",
    b"oauth",
    b"hawk",
    b"signature",
    b"sharedkey",
    b"sharedaccesssignature",
    b"mac",
];

pub(super) const SAMPLES: Samples = Samples {
    rule: Rule::Key,
    place: Place::Message,
    taken: &[
        ("login password=hunter2 ok", "login password=[REDACTED] ok"),
        (
            r#"{"user":"ann","password":"hun\"ter2","n":1}"#,
            r#"{"user":"ann","password":"[REDACTED]","n":1}"#,
        ),
        (
            r#"body: "{\"token\":\"abc\",\"n\":1}""#,
            r#"body: "{\"token\":\"[REDACTED]\",\"n\":1}""#,
        ),
        (
            r#"Login { user: "ann", password: Some("hunter2"), n: 1 }"#,
            r#"Login { user: "ann", password: Some("[REDACTED]"), n: 1 }"#,
        ),
        ("GET /x?token=abc&page=2", "GET /x?token=[REDACTED]&page=2"),
        (
            "api_key%3Dabc%26page%3D2",
            "api_key%3D[REDACTED]%26page%3D2",
        ),
        (
            "run --password hunter2 --verbose",
            "run --password [REDACTED] --verbose",
        ),
        ("Cookie: a=b; c=d", "Cookie: [REDACTED]"),
        (
            "Authorization: Bearer abc.def-123 then",
            "Authorization: Bearer [REDACTED] then",
        ),
        (
            "\x1b[3mpassword\x1b[0m\x1b[2m=\x1b[0mhunter2\x1b[0m n=1",
            "\x1b[3mpassword\x1b[0m\x1b[2m=\x1b[0m[REDACTED]\x1b[0m n=1",
        ),
        ("password: correct horse battery", "password: [REDACTED]"),
        (
            "<password>hunter2</password>",
            "<password>[REDACTED]</password>",
        ),
        (
            r#"headers=[("x-api-key", "abc"), ("accept", "*/*")]"#,
            r#"headers=[("x-api-key", "[REDACTED]"), ("accept", "*/*")]"#,
        ),
        (
            "curl -H 'X-Api-Key: abc123' https://x",
            "curl -H 'X-Api-Key: [REDACTED]' https://x",
        ),
        (
            r#"{"name": "password", "value": "x1"}"#,
            r#"{"name": "password", "value": "[REDACTED]"}"#,
        ),
        (
            r#"credentials: Creds { user: "a", key: "b" }, n: 1"#,
            "credentials: [REDACTED], n: 1",
        ),
        (
            "User(name=ann, secret=s3, n=1)",
            "User(name=ann, secret=[REDACTED], n=1)",
        ),
    ],
    kept: &[
        "app::auth: login ok",
        "invalid token: unexpected end of input",
        "tokens=1532",
        "password: None",
        "author=ann",
        "token_count=7",
        "src/token.rs:12:5",
        "password=$DB_PASSWORD",
        "auth{user=7}: in",
        "the --token flag",
        "auth service on auth:8080",
        "password must be long",
        "secret=[REDACTED]",
        r#""password": "[REDACTED]""#,
        "token = request.token",
        "password: ****",
        "cache_key=user:7",
        "password=true",
        "auth=basic",
    ],
};
