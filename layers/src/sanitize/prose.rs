//! Text that speaks of a secret and holds none: `token: unexpected end of input`, `password: must be 8 characters`.
//!
//! Only for names without quotes: what stands behind a quoted name is data, whatever it says.

use super::extent::{Extent, Form};
use super::pairs::{Pair, Separator};
use super::secret_words::Sort;
use super::text::{Text, is_word};

/// Is the value of `pair` only talk, a placeholder, or code?
pub(super) fn is_talk(text: Text<'_>, pair: Pair, extent: Extent) -> bool {
    let value = text.slice(extent.start, extent.end);
    // What stands behind a quoted name is data, but in a program's source.
    if pair.quote.is_some() {
        return extent.form == Form::Bare && is_code(text, pair, value);
    }
    if is_placeholder(value) {
        return true;
    }
    match extent.form {
        Form::Quoted => is_quoted_mode(pair.sort, value),
        Form::Structure => false,
        Form::Bare => is_bare_talk(text, pair, value),
    }
}

/// `auth: "basic"`, `credentials: 'include'`: a mode, not a secret.
fn is_quoted_mode(sort: Option<Sort>, value: &[u8]) -> bool {
    matches!(sort, Some(Sort::Auth | Sort::Token | Sort::Cookie))
        && (is_one_of(AUTH_MODES, value) || is_one_of(STATES, value))
}

fn is_bare_talk(text: Text<'_>, pair: Pair, value: &[u8]) -> bool {
    if is_one_of(STATES, value) || is_code(text, pair, value) || is_key_file(text, pair, value) {
        return true;
    }
    let is_password = matches!(
        pair.sort,
        Some(Sort::Password | Sort::Pass | Sort::Number) | None
    );
    let is_word = is_lower_words(value);
    match pair.separator {
        Separator::Equals => pair.sort == Some(Sort::Auth) && is_one_of(AUTH_MODES, value),
        Separator::Flag => {
            is_one_of(TALK, value)
                || is_metavariable(value)
                || is_one_of(AUTH_MODES, value) && pair.sort == Some(Sort::Auth)
                || value.starts_with(b"-")
                || is_punctuation(value)
        }
        Separator::Colon if is_password => {
            is_one_of(TALK, value) || matches!(value, [b'(', b'A'..=b'Z' | b'a'..=b'z', .., b')'])
        }
        Separator::Colon => {
            names_form(value)
                || (is_word && !is_setting(text, pair))
                || is_one_of(TALK, value)
                || is_number(value, 5)
                || value.windows(3).any(|part| part == b"://")
                || holds_pair(value)
                || value.starts_with(b"(")
        }
        Separator::TightColon => {
            !is_password
                && (is_word
                    || is_number(value, 5)
                    || value.starts_with(b"v") && value.get(1).is_some_and(u8::is_ascii_digit)
                    || value.starts_with(b"//"))
        }
        Separator::Tag | Separator::Item => false,
    }
}

/// `--private-key /etc/tls/site.pem`, `ssh_key=id.pem`: where a key lies.
fn is_key_file(text: Text<'_>, pair: Pair, value: &[u8]) -> bool {
    let is_key = text.ends_any_case(pair.end, b"key");
    let is_path = matches!(value, [b'/', ..] | [b'.', b'/', ..] | [b'~', b'/', ..]);
    let is_file = [
        ".pem", ".key", ".der", ".p12", ".pfx", ".json", ".txt", ".pub", ".crt",
    ]
    .iter()
    .any(|tail| ends_with_any_case(value, tail.as_bytes()));
    is_key && (is_path || is_file)
}

/// `$TOKEN`, `${token}`, `<token>`, `****`, `%s`, `?`, `:password`: a place for a secret, or one that is masked already.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let is_variable = match value {
        [b'$', b'{' | b'(', ..] => true,
        [b'$', b'A'..=b'Z' | b'a'..=b'z' | b'_', name @ ..] => name
            .iter()
            .all(|&byte| is_word(byte) || matches!(byte, b':' | b'.' | b'[' | b']' | b'>' | b'-')),
        _ => false,
    };
    let is_numbered =
        matches!(value, [b'$' | b'@' | b'?', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
    let is_template = value.starts_with(b"{{")
        || value.starts_with(b"<%")
        || matches!(value, [b'{', .., b'}'] if value.len() <= 3)
        || matches!(
            value,
            [b'%', b's' | b'd' | b'v' | b'q' | b'r' | b'('] | [b'%', b'(', ..]
        );
    let is_named = matches!(value, [b'<', name @ ..] if !name.iter().any(u8::is_ascii_digit))
        || matches!(value, [b'%', name @ .., b'%'] if name.iter().all(|&byte| is_word(byte)) && !name.is_empty());
    let is_parameter = matches!(value, [b':', name @ ..] if !name.is_empty() && name.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_'));
    is_variable
        || is_numbered
        || is_template
        || is_named
        || is_parameter
        || is_punctuation(value)
        || is_one_of(MASKS, value)
}

fn is_punctuation(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_punctuation())
        || value
            .chunks_exact(3)
            .all(|sign| sign == "•".as_bytes() || sign == "…".as_bytes())
            && value.len().is_multiple_of(3)
}

/// Source code that hands a secret on or declares one: `token = request.token`, `password=password`, `get_token()`,
/// `token: &mut Token`.
fn is_code(text: Text<'_>, pair: Pair, value: &[u8]) -> bool {
    let is_path = |byte: u8| is_word(byte) || matches!(byte, b'.' | b':');
    let name_end = value
        .iter()
        .position(|&byte| !is_path(byte))
        .unwrap_or(value.len());
    let (name, rest) = value.split_at_checked(name_end).unwrap_or((value, b""));
    let Some(first) = name
        .first()
        .filter(|byte| byte.is_ascii_alphabetic() || **byte == b'_')
    else {
        return is_reference(value);
    };
    let is_call = matches!(rest, [b'(' | b'[' | b'!', inside @ ..] if !inside.contains(&b'"') && !inside.is_empty());
    let head = name.split(|&byte| byte == b'.').next().unwrap_or_default();
    let is_field = head.len() < name.len() && is_one_of(OBJECTS, head);
    let is_module = name.windows(2).any(|pair| pair == b"::");
    let is_type = is_one_of(TYPES, name) || (rest.starts_with(b"<") && first.is_ascii_uppercase());
    let is_keyword = is_one_of(KEYWORDS, value) && text.at(pair.value + value.len()) == b' ';
    is_call || is_field || is_module || is_type || is_keyword || is_own_name(text, pair, name, rest)
}

/// `&mut Token`, `*const u8`, `&[u8]`.
fn is_reference(value: &[u8]) -> bool {
    matches!(value, [b'&' | b'*'] | [b'&', b'[' | b'\'', ..])
        || matches!(value, [b'&' | b'*', word @ ..] if matches!(word, b"mut" | b"const" | b"str" | b"dyn" | b"self"))
}

/// A name in place of a value: `password=password`, `token = Keyword.Type`, `cookie = sCookie`, `secret: SecretKey`.
fn is_own_name(text: Text<'_>, pair: Pair, name: &[u8], rest: &[u8]) -> bool {
    let own = text.slice(pair.start, pair.end);
    if !rest.is_empty() || !matches!(pair.separator, Separator::Equals | Separator::Colon) {
        return false;
    }
    let is_itself = pair.separator == Separator::Equals
        && name.len() > 3
        && own.len() >= name.len()
        && own.ends_with(name);
    let is_token = !matches!(
        pair.sort,
        Some(Sort::Password | Sort::Pass | Sort::Number) | None
    );
    let is_letters = name
        .iter()
        .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'.' | b'_'));
    let is_constant = name
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
        && name.contains(&b'_');
    let is_dotted = name.contains(&b'.') && name.first().is_some_and(u8::is_ascii_uppercase);
    let is_compared = text.back(pair.value, 1) == b'=' && text.back(pair.value, 2) == b'='
        || text.ends_any_case(pair.value, b"== ");
    let speaks_of_it = [
        "key",
        "token",
        "secret",
        "cookie",
        "credentials",
        "password",
        "auth",
    ]
    .iter()
    .any(|word| {
        name.len() > word.len()
            && name.len() < 40
            && ends_with_any_case(name, word.as_bytes())
            && ends_with_any_case(own, word.as_bytes())
    });
    is_itself
        || (is_token && is_letters && (is_constant || is_dotted || is_compared || speaks_of_it))
}

fn ends_with_any_case(name: &[u8], tail: &[u8]) -> bool {
    let at = name.len().checked_sub(tail.len());
    at.and_then(|at| name.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(tail))
}

/// Words of plain letters, parted by hyphens, bars or dots: never made by a machine.
fn is_lower_words(value: &[u8]) -> bool {
    let value = value.strip_suffix(b"...").unwrap_or(value);
    let is_capitalised = value.iter().skip(1).all(|byte| !byte.is_ascii_uppercase());
    let is_letters = value.iter().all(|byte| {
        byte.is_ascii_alphabetic()
            || matches!(byte, b'-' | b'_' | b'/' | b'.' | b'\'' | b',' | b'!' | b'?')
    });
    is_letters
        && value.len() < 32
        && (is_capitalised || value.iter().all(u8::is_ascii_uppercase) && value.len() < 12)
}

/// `TOKEN`, `FILE]`: what a usage text calls a flag's value.
fn is_metavariable(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b']' | b'|'))
}

/// The name of an encoding or a hash, which has letters and digits like a secret.
pub(super) fn names_form(value: &[u8]) -> bool {
    let value = value.strip_suffix(b".").unwrap_or(value);
    let is_version = matches!(value, [b'v' | b'V', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) && rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'));
    is_version || is_one_of(FORMS, value)
}

fn is_number(value: &[u8], most: usize) -> bool {
    value.len() <= most && value.iter().all(u8::is_ascii_digit)
}

/// A name of several words in one, as settings and headers have: `consumer_secret`, `x-api-key`. What stands behind it
/// is a value even when it is a plain word.
fn is_setting(text: Text<'_>, pair: Pair) -> bool {
    text.slice(pair.start, pair.end)
        .iter()
        .any(|byte| matches!(byte, b'_' | b'-'))
}

/// `user=bob`: the text behind a target or a prefix, with pairs of its own.
fn holds_pair(value: &[u8]) -> bool {
    value
        .iter()
        .position(|&byte| byte == b'=')
        .is_some_and(|at| {
            at > 0
                && at + 1 < value.len()
                && value
                    .iter()
                    .take(at)
                    .all(|&byte| is_word(byte) || byte == b'.')
        })
}

fn is_one_of(list: &[&str], value: &[u8]) -> bool {
    let value = value
        .strip_suffix(b",")
        .or_else(|| value.strip_suffix(b"!"))
        .unwrap_or(value);
    list.iter()
        .any(|known| value.eq_ignore_ascii_case(known.as_bytes()))
}

const STATES: &[&str] = &[
    "true",
    "false",
    "null",
    "none",
    "nil",
    "undefined",
    "yes",
    "no",
    "on",
    "off",
    "ok",
    "set",
    "unset",
    "empty",
    "missing",
    "required",
    "optional",
    "present",
    "absent",
    "enabled",
    "disabled",
    "valid",
    "invalid",
    "expired",
    "unknown",
    "n/a",
    "string",
    "str",
    "&str",
    "bool",
    "option",
    "bytes",
    "object",
    "failed",
    "failure",
    "success",
    "ok)",
    "redacted",
    "done",
    "started",
    "stopped",
    "running",
    "ready",
    "complete",
    "completed",
    "skipped",
    "pending",
    "finished",
    "passed",
    "denied",
    "granted",
    "accepted",
    "rejected",
    "loaded",
    "created",
    "updated",
    "deleted",
    "rotated",
    "refreshed",
    "revoked",
    "generated",
    "hidden",
    "masked",
    "filtered",
    "ask",
    "prompt",
];
const FORMS: &[&str] = &[
    "base64",
    "base64url",
    "base32",
    "base58",
    "sha1",
    "sha256",
    "sha512",
    "sha-256",
    "md5",
    "argon2",
    "argon2id",
    "bcrypt",
    "oauth2",
    "oauth2.0",
    "utf8",
    "utf-8",
    "x509",
    "ed25519",
    "p256",
    "p-256",
    "secp256k1",
    "rs256",
    "hs256",
    "es256",
    "aes256",
    "aes-256",
    "aes128",
    "http2",
    "http/2",
    "ipv4",
    "ipv6",
    "pbkdf2",
    "pkcs8",
    "pkcs12",
    "pkcs1",
    "fido2",
    "u2f",
    "ntlmv2",
    "ldapv3",
    "k8s",
    "i18n",
];
const MASKS: &[&str] = &[
    "xxx",
    "xxxx",
    "xxxxx",
    "xxxxxx",
    "xxxxxxxx",
    "redacted",
    "filtered",
    "hidden",
    "masked",
    "[filtered]",
    "[masked]",
    "[hidden]",
    "[removed]",
    "[secret]",
];
const AUTH_MODES: &[&str] = &[
    "basic",
    "bearer",
    "digest",
    "ntlm",
    "kerberos",
    "negotiate",
    "gssapi",
    "oauth",
    "oauth2",
    "jwt",
    "plain",
    "login",
    "cram-md5",
    "ldap",
    "saml",
    "oidc",
    "sso",
    "apikey",
    "api-key",
    "api_key",
    "tls",
    "mtls",
    "password",
    "token",
    "cert",
    "certificate",
    "anonymous",
    "guest",
    "iam",
    "scram",
    "md5",
    "trust",
    "peer",
    "pam",
    "scram-sha-256",
    "open",
    "publickey",
    "google",
    "github",
    "local",
    "pending",
    "passed",
    "denied",
    "granted",
    "skipped",
    "default",
    "auto",
    "required",
    "psk",
    "include",
    "omit",
    "same-origin",
    "wpa2",
    "external",
    "internal",
];
/// First words of what is said about a password or a flag.
const TALK: &[&str] = &[
    "invalid",
    "expired",
    "missing",
    "required",
    "not",
    "must",
    "is",
    "failed",
    "unexpected",
    "expected",
    "the",
    "a",
    "an",
    "no",
    "too",
    "unknown",
    "cannot",
    "can't",
    "could",
    "couldn't",
    "wrong",
    "denied",
    "authentication",
    "incorrect",
    "rejected",
    "mismatch",
    "does",
    "doesn't",
    "didn't",
    "do",
    "has",
    "have",
    "was",
    "were",
    "will",
    "should",
    "to",
    "or",
    "and",
    "for",
    "in",
    "with",
    "flag",
    "option",
    "argument",
    "instead",
    "requires",
    "needs",
    "at",
    "if",
    "when",
    "on",
    "from",
    "of",
    "use",
    "this",
    "that",
    "your",
    "you",
    "please",
    "only",
    "contains",
    "contain",
    "changed",
    "reset",
    "updated",
    "accepted",
    "field",
    "cannot",
    "may",
    "minimum",
    "length",
    "are",
    "it",
    "as",
    "but",
    "supplied",
    "provided",
    "given",
    "value",
    "error",
    "warning",
    "enter",
    "permission",
    "access",
    "user",
    "account",
    "login",
    "never",
    "already",
    "still",
    "been",
    "verification",
    "check",
    "checking",
    "validation",
    "hash",
    "policy",
    "prompt",
    "there",
    "all",
    "both",
    "either",
    "because",
    "after",
    "before",
    "until",
    "stored",
    "loaded",
    "read",
    "reading",
    "env",
    "environment",
    "config",
    "switch",
    "parameter",
    "which",
    "instead.",
    "set",
    "get",
    "empty",
    "same",
    "unchanged",
    "default",
    "disabled",
    "enabled",
    "timeout",
    "connection",
    "none",
    "bad",
    "malformed",
    "refresh",
    "refreshed",
    "rotated",
    "try",
    "trying",
    "retry",
    "via",
    "using",
    "by",
    "deprecated",
    "unsupported",
    "ignored",
    "password",
    "token",
    "secret",
    "characters",
    "updated",
    "should",
    "cookie",
];
const TYPES: &[&str] = &[
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32",
    "f64", "char", "int", "float", "double", "long", "string", "str", "bool", "boolean", "bytes",
    "any", "void", "object", "number", "varchar", "text", "uuid", "__u32", "dict", "list",
    "Token!",
];
const KEYWORDS: &[&str] = &[
    "new", "await", "function", "lambda", "async", "typeof", "not", "if", "mut", "yield",
];
/// What code calls the things that hold secrets.
const OBJECTS: &[&str] = &[
    "self",
    "this",
    "request",
    "req",
    "config",
    "cfg",
    "settings",
    "args",
    "opts",
    "options",
    "env",
    "os",
    "process",
    "ctx",
    "context",
    "params",
    "data",
    "user",
    "event",
    "props",
    "state",
    "credentials",
    "form",
    "body",
    "session",
    "client",
    "conf",
    "res",
    "response",
    "kwargs",
    "app",
    "secrets",
    "var",
    "local",
    "module",
    "steps",
    "github",
    "vars",
    "cls",
];
