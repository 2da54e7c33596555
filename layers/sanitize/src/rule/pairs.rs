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
use crate::rule::scanner::{Context, Samples, Scanner};
use crate::rule_names::{Place, Rule};
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

const SAMPLES: Samples = Samples {
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
        (
            r#"{"authorization": "Bearer abc", "n": 1}"#,
            r#"{"authorization": "Bearer [REDACTED]", "n": 1}"#,
        ),
        (
            r#"ApiKey(0123456789abcdef0123) and Token { raw: "0a1b2c3d" }"#,
            r#"ApiKey([REDACTED]) and Token { raw: "[REDACTED]" }"#,
        ),
        (
            r#"variable "db_password" { default = "s3same" }"#,
            r#"variable "db_password" { default = "[REDACTED]" }"#,
        ),
        (
            r#"set "Smtp:Password" "s3same""#,
            r#"set "Smtp:Password" "[REDACTED]""#,
        ),
        ("userPassword:: czNzYW1l", "userPassword:: [REDACTED]"),
        (
            r#"db.setPassword("s3same") done"#,
            r#"db.setPassword("[REDACTED]") done"#,
        ),
        (
            "put(auth_token, 0123456789abcdef01) done",
            "put(auth_token, [REDACTED]) done",
        ),
        ("Unseal Key 1: q83v/0a1b2c3d4=", "Unseal Key 1: [REDACTED]"),
        (
            "pairing passkey 573313 shown",
            "pairing passkey [REDACTED] shown",
        ),
        (
            "token: Some(\n    \"abc\",\n), n: 1",
            "token: Some(\n    \"[REDACTED]\",\n), n: 1",
        ),
        (
            "<key>ApiToken</key>\n<string>abc</string>",
            "<key>ApiToken</key>\n<string>[REDACTED]</string>",
        ),
        (
            "password: |-\n  one\n  two\nuser: ann",
            "password: |-\n  [REDACTED]\nuser: ann",
        ),
        (
            "SET PASSWORD FOR 'ann'@'%' = 's3same'",
            "SET PASSWORD FOR 'ann'@'%' = '[REDACTED]'",
        ),
        (
            "password for ann set to s3same.",
            "password for ann set to [REDACTED].",
        ),
        ("mot_de_passe=s3same", "mot_de_passe=[REDACTED]"),
        ("password=a1%26b2&x=1", "password=[REDACTED]&x=1"),
        (
            "next=a%253Ftoken%253Dx7%2526n%253D1",
            "next=a%253Ftoken%253D[REDACTED]%2526n%253D1",
        ),
        (
            "Cookie: a=\"b7 c8\"; e=f9\nHost: x",
            "Cookie: [REDACTED]\nHost: x",
        ),
        (
            "\"{\"\"password\"\":\"\"x7y\"\",\"\"n\"\":1}\"",
            "\"{\"\"password\"\":\"\"[REDACTED]\"\",\"\"n\"\":1}\"",
        ),
        (
            "<password>Elm&amp;Oak7</password>",
            "<password>[REDACTED]</password>",
        ),
        (
            "<password><![CDATA[a<b7]]></password>",
            "<password><![CDATA[[REDACTED]]]></password>",
        ),
        (
            "<string name=\"password\">a b7</string>",
            "<string name=\"password\">[REDACTED]</string>",
        ),
        (
            "{user,\"ann\"},{password,<<\"x7y\">>}",
            "{user,\"ann\"},{password,<<\"[REDACTED]\">>}",
        ),
        (
            "secrets:\n  db: hunter27\nregion: eu",
            "secrets:\n  [REDACTED]\nregion: eu",
        ),
        (
            "[credentials]\ndb = \"x7\"\n[other]\nn = 1",
            "[credentials]\n[REDACTED]\n[other]\nn = 1",
        ),
        (
            "~ password = \"old77x\" -> \"new88y\"",
            "~ password = \"[REDACTED]\" -> \"[REDACTED]\"",
        ),
        ("password=ab(c)7 n=1", "password=[REDACTED] n=1"),
        ("password=ab<c>7 n=1", "password=[REDACTED] n=1"),
        ("DB_PASSWORD=abc'def7 n=1", "DB_PASSWORD=[REDACTED] n=1"),
        (
            "'password=moss7' was used",
            "'password=[REDACTED]' was used",
        ),
        (
            "User ID=sa;Password=Plum Tree 8;X=1",
            "User ID=sa;Password=[REDACTED];X=1",
        ),
        (
            "User(name=ann, password=Plum Tree 8, n=1)",
            "User(name=ann, password=[REDACTED], n=1)",
        ),
        (
            "&{Host:db Password:a b7 Port:5432}",
            "&{Host:db Password:[REDACTED] Port:5432}",
        ),
        (
            "run --password 'it'\\''s 7' -v",
            "run --password '[REDACTED]' -v",
        ),
        ("x-rapidapi-key: 9f;Maple\"22", "x-rapidapi-key: [REDACTED]"),
        (
            "{\"token\":12345678,\"n\":1}",
            "{\"token\":\"[REDACTED]\",\"n\":1}",
        ),
        (
            "{\\\"token\\\":12345678,\\\"n\\\":1}",
            "{\\\"token\\\":\\\"[REDACTED]\\\",\\\"n\\\":1}",
        ),
        (
            "Der API-Schlüssel lautet 0a1b2c3d4e5f6071",
            "Der API-Schlüssel lautet [REDACTED]",
        ),
        (
            "jeton d'accès : 0a1b2c3d4e5f6071",
            "jeton d'accès : [REDACTED]",
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
        "tokens: [Ident(\"let\"), Eq, Number(4)]",
        "Auth(\"token has expired 3 times\")",
        "| password: |\n| token: |",
        "<key>Label</key><string>abc</string>",
        "password for ann set by admin7",
        "Schlüssel: Temperatur7",
        "password: SecretString { .. }",
        "token=Token(3) readiness=READABLE",
        "token: Token { kind: Ident, span: 12..17 }",
        r#"{"tokens":{"input":12,"output":31}}"#,
        "tokens: [101, 2054]",
        "password = (sensitive value)",
        "id-token: write",
        "method=password user_id=7",
        "type Token = { kind: string };",
        r#""password":{"type":"string"},"n":1"#,
        "QPasswordDigestor: 100000 iterations",
        "auth_request: upstream sent 3",
        "tagged acme/auth:1.2.3-alpine",
        "access_key.ci: Refreshing state...",
        "password: Path `password` is required.",
        "clave primaria: id7",
        r#""client_secret": "${PORTAL_SECRET}","#,
        "the secret from /usr/lib/x86_64-linux/store",
        "unexpected token: \"foo\"",
        "failed to refresh token:\n    at Foo.bar(Foo.java:1)",
        "Missing secrets:\n  - DB_PASSWORD",
        "secrets:\n  - source: db\n    target: app",
        "[auth]\nmethod = \"basic\"",
        "invalid password; try=3; user=ann",
        "X-Idempotency-Key: 7f9c-22",
        "password = (sensitive value) -> (sensitive value)",
        "expected token `,`, found `}`",
        "<xs:element name=\"password\" type=\"xs:string\"/>",
    ],
};
