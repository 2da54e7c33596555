//! A value next to a secret name in free text: `password=x`, `"token": "x"`, `--api-key x`, `Cookie: a=b`.
//!
//! Starts at a strong word, reads left to where the name begins, asks the key rules about the whole name, and only then
//! looks for a separator and a value. Debug output, JSON inside JSON, headers, command lines, YAML, TOML, ini, env and
//! form bodies are all this one rule.

use crate::marker::Markers;
use crate::named::credential;
use crate::named::extent::block;
use crate::named::extent::element;
use crate::named::extent::header;
use crate::named::extent::spaced;
use crate::named::extent::{self, Around, Extent, Form};
use crate::named::key::{KeyClass, Scalar, is_taken};
use crate::named::name::{self, in_words, is_code_path, is_signature};
use crate::named::pair::{Pair, is_before_word, separated};
use crate::named::prose;
use crate::named::secret_words::Sort;
use crate::named::separator::Separator;
use crate::named::spoken;
use crate::rule::pairs_samples::SAMPLES;
use crate::rule::scanner::{Context, Scanner};
use crate::rule_names::Rule;
use crate::text::marks::Marks;
use crate::text::quote;
use crate::text::span::{Seen, Span};
use crate::text::{Bytes, Text};

/// `start..end` is a strong word.
fn scan(cx: &mut Context<'_, '_>, start: usize, end: usize) -> Seen {
    let (text, marks) = (cx.text, &mut cx.marks);
    let (start, end) = name::around(text, start, end);
    // Most hits end here: a word of prose, no sign behind it and no value.
    if is_before_word(text, start, end) && !may_be_spoken(text, marks, start, end) {
        return Seen::NothingBefore(end);
    }
    named(cx, start, end)
}

/// `start..end` is a name with a strong word in it, and a value may follow.
#[inline(never)]
fn named(cx: &mut Context<'_, '_>, start: usize, end: usize) -> Seen {
    let (text, markers, marks) = (cx.text, cx.markers, &mut cx.marks);
    let signed = separated(text, start, end);
    let is_section = signed.is_none() && begins_section(text, start, end);
    if signed.is_none() && !is_section && !may_be_spoken(text, marks, start, end) {
        return Seen::NothingBefore(end);
    }
    let is_userinfo = text.ends_any_case(start, b"//")
        && signed.is_some_and(|pair| pair.separator == Separator::TightColon);
    let is_marker = matches!(text.back(start, 1), b':' | b'[') && markers.holds(text, start, end);
    if is_userinfo || is_marker || is_code_path(text, start, end) {
        return Seen::NothingBefore(end);
    }
    let marked = signed.and_then(|pair| marked(text, markers, pair));
    if marked == Some(None) {
        return Seen::NothingBefore(end);
    }
    let (class, sort) = cx.keys.class(text.str(start, end));
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
        Some(pair) => {
            let pair = Pair { sort, ..pair };
            match marked.flatten() {
                Some(end) => behind_marker(text, pair, end),
                None => taken(text, markers, marks, pair),
            }
        }
        None if is_section => block::section(text, markers, sort, start, end),
        None => spoken::value(text, start, end, sort),
    };
    let Some(extent) = extent else {
        return Seen::NothingBefore(end);
    };
    let first = Span::of(Rule::Key, extent.start, extent.end);
    match other_side(text, markers, extent) {
        Some(other) => Seen::Both(first, Span::of(Rule::Key, other.start, other.end)),
        None => Seen::Found(first),
    }
}

/// Does a built-in literal of names stand in `literal`? Then each name with it is looked at anyway.
pub(crate) fn finds_name(literal: &str) -> bool {
    let literal = literal.to_ascii_lowercase();
    NAMES.literals.iter().any(|name| literal.contains(name))
}

/// `[secrets]` with nothing behind it.
fn begins_section(text: Text<'_>, start: usize, end: usize) -> bool {
    text.at(end) == b']'
        && text.back(start, 1) == b'['
        && matches!(text.at(end + 1), b'\n' | b'\r' | b']')
}

/// What `extent` was changed to, or from: `"old" -> "new"`.
fn other_side(text: Text<'_>, markers: &Markers, extent: Extent) -> Option<Extent> {
    let other = spaced::other_side(text, extent.end)?;
    // Without quotes a number is the answer's (`?token=x -> 401`), and what follows an arrow a state.
    let is_alike = match extent.form {
        Form::Bare => {
            other.form == Form::Bare
                && matches!(shape(text, other), Scalar::Text)
                && prose::is_mixed(text.slice(other.start, other.end))
        }
        _ => other.form == extent.form,
    };
    let is_value = is_alike
        && !matches!(shape(text, other), Scalar::Null | Scalar::Bool)
        && !prose::is_placeholder(text.slice(other.start, other.end))
        && markers.end(text, other.start) != Some(other.end);
    is_value.then_some(other)
}

/// May a value follow the name without a sign?
fn may_be_spoken(text: Text<'_>, marks: &mut Marks, start: usize, end: usize) -> bool {
    spoken::may_follow(text, marks, end) || spoken::is_netrc(text, start, end)
}

/// The value that goes, when there is one that is not just talk.
fn taken(text: Text<'_>, markers: &Markers, marks: &mut Marks, pair: Pair) -> Option<Extent> {
    if pair.separator == Separator::Tag {
        return element::inside(text, marks.cdata_ends(), pair.value);
    }
    if pair.sort == Some(Sort::Cookie)
        && let Some(end) = header::cookies_end(text, pair.value)
    {
        return Some(Extent {
            start: pair.value,
            end,
            form: Form::Bare,
        });
    }
    let is_colon = matches!(pair.separator, Separator::Colon | Separator::TightColon);
    if is_colon && matches!(text.at(pair.value), b'\n' | b'\r' | b'#' | b'|' | b'>') {
        let block = block::below(text, markers, pair);
        if block.is_some() {
            return block;
        }
    }
    if is_directory(text, pair) {
        return None;
    }
    let extent = extent::value(text, pair.value, around(text, pair))?;
    if extent.form == Form::Bare
        && let Some(credential) = credential::behind(text, markers, pair, extent)
    {
        return credential;
    }
    if !is_taken(pair.sort, shape(text, extent)) || prose::is_talk(text, pair, extent) {
        return None;
    }
    if extent.form == Form::Quoted
        && let Some(credential) = credential::quoted(text, markers, extent)
    {
        return credential;
    }
    Some(match extent.form {
        Form::Bare if pair.encoded == 0 => spaced::widened(text, pair, extent),
        Form::Bare | Form::Quoted | Form::Ticked | Form::Structure => extent,
    })
}

/// `PWD=/srv`: the working directory, no password.
fn is_directory(text: Text<'_>, pair: Pair) -> bool {
    let is_pwd = matches!(
        text.slice(pair.start, pair.end),
        b"PWD" | b"OLDPWD" | b"pwd"
    );
    is_pwd && {
        let inner = quote::open(text, pair.value).map_or(pair.value, |(_, inner)| inner);
        matches!(text.at(inner), b'/' | b'~')
    }
}

/// Where the marker ends that the value begins with. `None` when it begins with none, `Some(None)` when the marker is all
/// of it: then nothing is left to do.
#[allow(clippy::option_option)]
fn marked(text: Text<'_>, markers: &Markers, pair: Pair) -> Option<Option<usize>> {
    // An element is as long as it is.
    if pair.separator == Separator::Tag {
        return None;
    }
    let value = pair.value;
    let inner = quote::open(text, value).map_or(value, |(_, inner)| inner);
    let end = markers.end(text, inner)?;
    let goes_on = inner == value && extent::is_bare(text, end, end + 1, around_marker(text, pair));
    Some(goes_on.then_some(end))
}

/// `[REDACTED]hunter2` still holds something; `marker_end` is behind the marker.
fn behind_marker(text: Text<'_>, pair: Pair, marker_end: usize) -> Option<Extent> {
    let end = extent::bare_end(text, marker_end, around_marker(text, pair));
    (end > marker_end).then_some(Extent {
        start: pair.value,
        end,
        form: Form::Bare,
    })
}

/// What a marker stands in that a value begins with.
fn around_marker(text: Text<'_>, pair: Pair) -> Around {
    match around(text, pair) {
        Around::Free => Around::Text,
        around => around,
    }
}

/// What a bare value of `pair` stands in.
fn around(text: Text<'_>, pair: Pair) -> Around {
    if pair.encoded > 0 {
        return Around::Encoded(pair.encoded);
    }
    if pair.quote.is_some() {
        return Around::Text;
    }
    let is_equals = pair.separator == Separator::Equals;
    let before = text.back(pair.start, 1);
    if spaced::is_in_prose(text, pair) && !matches!(pair.sort, Some(Sort::Cookie | Sort::Number)) {
        return Around::Free;
    }
    match before {
        _ if text.at(pair.start) == b'-' => return Around::Shell,
        b'?' | b'&' | b'#' if is_equals => return Around::Url,
        b';' if is_equals && is_in_query(text, pair.start) => return Around::Url,
        _ => {}
    }
    if let Some(header) = spaced::around(text, pair) {
        return header;
    }
    let parted = text.run_back(pair.start, 4, |byte| matches!(byte, b' ' | b':' | b'@'));
    match text.back(parted, 1) {
        b',' | b';' | b'|' | b'(' | b'{' | b'[' => Around::Text,
        _ if matches!(pair.sort, Some(Sort::Cookie | Sort::Number)) => Around::Text,
        _ => Around::Free,
    }
}

/// `?user=ann;pass=x`: semicolons part the parameters too.
fn is_in_query(text: Text<'_>, start: usize) -> bool {
    let word = text.run_back(start, 128, |byte| byte > b' ' && byte != b'?');
    text.back(word, 1) == b'?'
}

/// What kind of value the text is.
fn shape(text: Text<'_>, extent: Extent) -> Scalar {
    if extent.form != Form::Bare {
        return Scalar::Text;
    }
    match text.slice(extent.start, extent.end) {
        b"null" | b"None" | b"nil" | b"NULL" | b"undefined" => Scalar::Null,
        b"true" | b"false" | b"True" | b"False" | b"TRUE" | b"FALSE" => Scalar::Bool,
        value if value.iter().all(|&byte| NUMBER.has(byte)) => {
            let value = text.str(extent.start, extent.end);
            match (value.parse(), value.parse()) {
                (Ok(number), _) => Scalar::Integer(number),
                (Err(_), Ok(number)) => Scalar::Float(number),
                (Err(_), Err(_)) => Scalar::Text,
            }
        }
        _ => Scalar::Text,
    }
}

static NUMBER: Bytes = Bytes::of(b"0123456789.-+eE");

pub(crate) static NAMES: Scanner = Scanner {
    rule: Rule::Key,
    literals: &[
        "pass",
        "pwd",
        "secret",
        "token",
        "auth",
        "cred",
        "cookie",
        "ssn",
        "jwt",
        "csrf",
        "xsrf",
        "key",
        "sessid",
        "sessionid",
        "bearer",
        "social",
        "signature",
        "senha",
        "kennwort",
        "contrase",
        "psk",
        "pswd",
        "rootpw",
        "bindpw",
        "_pw",
        "mnemonic",
        "seedphrase",
        "phrase",
        "backup",
        "recovery",
        "scratch",
        "sig=",
        "pw=",
        "pw:",
        "pw\"",
        "пароль",
        "Пароль",
        "密码",
        "口令",
        "パスワード",
        "비밀번호",
        "wachtwoord",
        "parola",
        "hasło",
        "heslo",
        "lösenord",
        "salasana",
        "schlüssel",
        "schluessel",
        "clave",
        "clé",
        "jeton",
        "zugang",
        "geheimnis",
        "adgangskode",
        "jelszó",
        "şifre",
    ],
    is_exact: false,
    find: |cx, hit| scan(cx, hit.start, hit.end),
    samples: Some(&SAMPLES),
};
