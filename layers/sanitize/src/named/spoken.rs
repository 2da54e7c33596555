//! A secret that follows its name without a sign: `password is Kittens4Ever`, `api key 7c4a8d09…`, `PASSWORD 'x'`.
//!
//! Most text that goes on behind such a word is prose, so here the value itself must look like a secret.

use crate::named::extent::{self, Around, Extent, Form};
use crate::named::opaque::looks_opaque;
use crate::named::prose::{self, is_mixed};
use crate::named::secret_words::Sort;
use crate::named::statement;
use crate::text::marks::Marks;
use crate::text::quote;
use crate::text::{Text, is_blank, is_word};

/// Shortest run of letters and digits that is a secret behind nothing but a name.
const MIN_OPAQUE_BYTES: usize = 16;

/// Is there anything behind the name at `end` that may be a value? A quick look, since most often there is not.
#[inline]
pub(crate) fn may_follow(text: Text<'_>, marks: &mut Marks, end: usize) -> bool {
    match text.at(end) {
        b' ' | b'\t' => marks.next(text, end) < end + MAX_LOOK_BYTES,
        b'%' | b'+' => begins_statement(text, end),
        _ => false,
    }
}

/// A statement in a URL: `PASSWORD%20%27x%27`.
fn begins_statement(text: Text<'_>, end: usize) -> bool {
    statement::gap_end(text, end).is_some_and(|at| quote::open(text, at).is_some())
}

/// `login ann password x`, as a .netrc has it: whatever follows.
#[inline]
pub(crate) fn is_netrc(text: Text<'_>, start: usize, end: usize) -> bool {
    end - start == b"password".len() && text.back(start, 1) == b' ' && follows_login(text, start)
}

fn follows_login(text: Text<'_>, start: usize) -> bool {
    text.has(start, b"password") && {
        let user = text.run_back(start - 1, 64, |byte| byte > b' ');
        text.ends_any_case(user, b"login ")
    }
}

/// Room for the longest filler and the first half of a value.
const MAX_LOOK_BYTES: usize = 48;

/// The value behind the secret name `start..end`.
pub(crate) fn value(
    text: Text<'_>,
    start: usize,
    end: usize,
    sort: Option<Sort>,
) -> Option<Extent> {
    let gap = match text.at(end) {
        b'%' | b'+' => statement::gap_end(text, end)?,
        _ => text.run_most(end, 4, is_blank),
    };
    // A scheme's word is no name; that rule knows what follows it.
    if gap == end || text.slice(start, end).eq_ignore_ascii_case(b"bearer") {
        return None;
    }
    if let Some(extent) = said_to_server(text, start, end, gap) {
        return Some(extent);
    }
    let (at, has_filler) = behind_filler(text, gap);
    // `PASSWORD E'x'`
    let at = at + usize::from(matches!(text.at(at), b'E' | b'N') && text.at(at + 1) == b'\'');
    let is_password = matches!(sort, Some(Sort::Password) | None);
    if let Some((quote, inner)) = quote::open(text, at) {
        let (close, is_closed) = quote.close(text, inner);
        let inside = text.slice(inner, close);
        let is_statement = is_password && statement::is_statement(text, start, end)
            || is_large_setting(text.slice(start, end))
            || text.back(start, 1) == b':';
        let is_phrase = text.ends_any_case(end, b"phrase");
        let is_secret = is_statement
            || is_phrase
            || (is_password && (has_filler || is_used(text, start)))
            || if is_password {
                is_mixed(inside)
            } else {
                looks_opaque(inside)
            };
        let is_secret = is_secret || (sort == Some(Sort::Cookie) && inside.contains(&b'='));
        let is_one_word = is_statement
            || is_password && (has_filler || is_phrase)
            || !inside.contains(&b' ') && close - inner >= 4;
        return (is_closed && is_secret && is_one_word && !prose::is_placeholder(inside))
            .then_some(Extent {
                start: inner,
                end: close,
                form: Form::Quoted,
            });
    }
    let at = at + usize::from(text.at(at) == b'(');
    // `AUTH PLAIN x`: behind the mechanism.
    let at = if (text.has(at, b"PLAIN ") || text.has(at, b"LOGIN ")) && text.has(start, b"AUTH ") {
        at + b"PLAIN ".len()
    } else {
        at
    };
    let value_end = extent::bare_end(text, at, Around::Text);
    let value_end = value_end - usize::from(matches!(text.back(value_end, 1), b',' | b'!' | b'?'));
    let value = text.slice(at, value_end);
    if is_code_for_pairing(text, end, value) {
        return Some(Extent {
            start: at,
            end: value_end,
            form: Form::Bare,
        });
    }
    if prose::is_placeholder(value)
        || prose::names_form(value)
        // `method=password user_id=7`: the name is a value itself, and the next pair stands behind it.
        || text.back(start, 1) == b'='
        || (prose::holds_pair(value) && !value.ends_with(b"="))
        || value.first().is_none_or(|byte| !byte.is_ascii_graphic())
        || is_sized_type(value)
    {
        return None;
    }
    let is_opaque = value.len() >= MIN_OPAQUE_BYTES
        && has_digit_and_letter(value)
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_+/=.".contains(byte))
        && !value.contains(&b'/');
    let is_secret = is_opaque
        || (!is_password && is_coined(value))
        || (has_filler && is_mixed(value) && value.len() >= 4 && !is_path(value))
        || (is_password && is_mixed(value) && has_digit_and_letter(value) && value.len() >= 5)
        || (is_directive(text, start, end) && has_digit_and_letter(value) && value.len() >= 6)
        || is_netrc(text, start, end);
    if let Some(start) = is_mixed(value)
        .then(|| behind_user(text, start, at, value_end))
        .flatten()
    {
        return Some(Extent {
            start,
            end: value_end,
            form: Form::Bare,
        });
    }
    is_secret.then_some(Extent {
        start: at,
        end: behind_change(text, at, value_end),
        form: Form::Bare,
    })
}

/// `SECRET_ACCESS_KEY 'x'`, `SECRET 'x'`: a keyword of a statement.
fn is_large_setting(name: &[u8]) -> bool {
    let is_large = name
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    is_large && (name.contains(&b'_') || name == b"SECRET" || name == b"CREDENTIALS")
}

/// `passkey 573313`, `passcode 8291`: digits that are no count.
fn is_code_for_pairing(text: Text<'_>, name_end: usize, value: &[u8]) -> bool {
    let is_code =
        text.ends_any_case(name_end, b"passkey") || text.ends_any_case(name_end, b"passcode");
    is_code && (4..=8).contains(&value.len()) && value.iter().all(u8::is_ascii_digit)
}

/// `credentials ann:x`: where the secret begins.
fn behind_user(text: Text<'_>, name: usize, at: usize, end: usize) -> Option<usize> {
    let colon = text.run_most(at, 64, |byte| is_word(byte) || matches!(byte, b'.' | b'-'));
    let is_login = text.has_any_case(name, b"cred") || text.has_any_case(name, b"login");
    (is_login
        && colon > at
        && text.at(colon) == b':'
        && end > colon + 4
        && text.at(colon + 1) != b'/')
        .then_some(colon + 1)
}

/// `from x to y`: where `y` ends, when the value is that `x`.
fn behind_change(text: Text<'_>, at: usize, end: usize) -> usize {
    if text.ends_any_case(at, b"from ") && text.has(end, b" to ") {
        extent::bare_end(text, end + b" to ".len(), Around::Text)
    } else {
        end
    }
}

/// Behind `is`, `was:`, `to`, `of`, `set to`, and whether one of them stood there.
fn behind_filler(text: Text<'_>, at: usize) -> (usize, bool) {
    const FILLERS: &[&[u8]] = &[
        b"is: ",
        b"is now ",
        b"is set to ",
        b"is still ",
        b"provided: ",
        b"provided ",
        b"supplied: ",
        b"received: ",
        b"entered: ",
        b"given: ",
        b"used: ",
        b"found: ",
        b"value: ",
        b"value is ",
        b"reset to ",
        b"set to ",
        b"changed to ",
        b"is ",
        b"was: ",
        b"was ",
        b"to ",
        b"from ",
        b"value ",
        b"now ",
        b"ist ",
        b"lautet ",
        b"est ",
        b"es ",
    ];
    match FILLERS.iter().find(|filler| text.has_any_case(at, filler)) {
        Some(filler) => (at + filler.len(), true),
        None => behind_owner(text, at)
            .or_else(|| behind_number(text, at))
            .map_or((at, false), |value| (value, true)),
    }
}

/// Behind `for ann: `, `for user ann is `, `de ann : `, `FOR 'ann'@'%' = `.
fn behind_owner(text: Text<'_>, at: usize) -> Option<usize> {
    let word = OWNERS.iter().find(|word| text.has_any_case(at, word))?;
    let mut end = at + word.len();
    for _ in 0..4 {
        end = text.run_most(end, 64, |byte| byte > b' ' && byte != b':');
        if let Some(sign) = SIGNS.iter().find(|sign| text.has_any_case(end, sign)) {
            return Some(end + sign.len());
        }
        end += 1;
    }
    None
}

/// Behind the `1: ` of `Unseal Key 1: `.
fn behind_number(text: Text<'_>, at: usize) -> Option<usize> {
    let end = text.run_most(at, 2, |byte| byte.is_ascii_digit());
    (end > at && text.has(end, b": ")).then_some(end + 2)
}

/// Words that lead from a secret's name to whose or which it is.
const OWNERS: [&[u8]; 10] = [
    b"for ",
    b"of ",
    b"f\xc3\xbcr ",
    b"von ",
    b"zu ",
    b"de ",
    b"d'",
    b"del ",
    b"para ",
    b"pour ",
];
/// What stands before the value of a spoken name.
const SIGNS: [&[u8]; 12] = [
    b": ",
    b" : ",
    b" = ",
    b" is : ",
    b" is ",
    b" set to ",
    b" reset to ",
    b" changed to ",
    b" ist ",
    b" lautet ",
    b" est ",
    b" es ",
];

/// `Zr8Lm2Qx`: both cases and two numbers in one word, which no name of a thing has.
fn is_coined(value: &[u8]) -> bool {
    let numbers = value
        .split(|byte| !byte.is_ascii_digit())
        .filter(|number| !number.is_empty());
    value.len() >= 8
        && numbers.count() >= 2
        && value.iter().any(u8::is_ascii_uppercase)
        && value.iter().any(u8::is_ascii_lowercase)
        && value.first().is_some_and(u8::is_ascii_alphanumeric)
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_+/=~".contains(byte))
}

/// `VARCHAR(255)`: the type of a column.
fn is_sized_type(value: &[u8]) -> bool {
    let open = value.iter().position(|&byte| byte == b'(');
    let (name, size) = value
        .split_at_checked(open.unwrap_or(0))
        .unwrap_or_default();
    !name.is_empty()
        && name.iter().all(u8::is_ascii_alphabetic)
        && size
            .iter()
            .all(|byte| byte.is_ascii_digit() || b"(),".contains(byte))
}

/// `with password "x"`, `wrong password 'x'`: somebody used it.
fn is_used(text: Text<'_>, start: usize) -> bool {
    const BEFORE: [&[u8]; 12] = [
        b"with ",
        b"with the ",
        b"using ",
        b"wrong ",
        b"bad ",
        b"invalid ",
        b"incorrect ",
        b"new ",
        b"old ",
        b"temporary ",
        b"default ",
        b"and ",
    ];
    BEFORE
        .iter()
        .any(|before| text.ends_any_case(start, before))
}

/// `/usr/lib/x86_64-linux-gnu`: where it came from.
fn is_path(value: &[u8]) -> bool {
    value.starts_with(b"/") && value.iter().filter(|&&byte| byte == b'/').count() > 1
}

fn has_digit_and_letter(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// A name of several words in one, as settings are called: `requirepass`, `aws_secret_access_key`, `SECRET_TOKEN`.
fn is_directive(text: Text<'_>, start: usize, end: usize) -> bool {
    let name = text.slice(start, end);
    let is_joined = name.contains(&b'_');
    let is_known = [&b"requirepass"[..], b"masterauth", b"rootpw", b"bindpw"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known));
    is_joined || is_known
}

/// What stands behind the verb of a protocol in a line of its own: `PASS x`, `AUTH x`, redis' `AUTH ann x`, and behind its
/// `USER ann` FTP's `PASS x y`.
fn said_to_server(text: Text<'_>, start: usize, end: usize, from: usize) -> Option<Extent> {
    let verb = text.slice(start, end);
    if !matches!(verb, b"PASS" | b"AUTH") || !is_first(text, start) {
        return None;
    }
    let line = text.run_most(from, 256, |byte| {
        !matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b'\\')
    });
    let space = text.run_most(from, line - from, |byte| byte > b' ');
    let rest = text.slice((space + 1).min(line), line);
    let at = if rest.is_empty() {
        // A test's runner says PASS and its file.
        let word = text.slice(from, line);
        let is_test = verb == b"PASS" && word.iter().any(|byte| b"/._(".contains(byte));
        let is_secret =
            is_mixed(word) && !is_test && !word.contains(&b'/') && !word.starts_with(b"test");
        is_secret.then_some(from)?
    } else if verb == b"AUTH" {
        let user = text.slice(from, space);
        let is_user = user
            .iter()
            .all(|&byte| is_word(byte) || matches!(byte, b'-' | b'.' | b'@'));
        let is_secret = !rest.contains(&b' ') && is_mixed(rest);
        (is_user && is_secret).then_some(space + 1)?
    } else {
        let before = text.run_back(start, 64, |byte| byte != b'\n');
        let line_start = text.run_back(before.saturating_sub(1), 96, |byte| byte != b'\n');
        let has_user = text
            .slice(line_start, before)
            .windows(5)
            .any(|part| part == b"USER ");
        has_user.then_some(from)?
    };
    let is_value = text.at(at) != b'[' && !prose::is_placeholder(text.slice(at, line));
    (is_value && line > at).then_some(Extent {
        start: at,
        end: line,
        form: Form::Bare,
    })
}

/// Does a line of a protocol begin at `start`, or behind the sign of who says it?
fn is_first(text: Text<'_>, start: usize) -> bool {
    matches!(text.back(start, 1), 0 | b'\n' | b'"' | b'\'')
        || text.back(start, 1) == b' ' && matches!(text.back(start, 2), b':' | b'>')
}
