//! Which names are secret by themselves: the built-in word lists, compared word by word.
//!
//! A name is secret when it has a strong word or pair, unless its first or last word says that it only talks about
//! one: `token_count`, `max_tokens`, `password_policy`. Words are compared whole, so `author`, `compass` and
//! `keyboard` never match.

use std::sync::LazyLock;

use crate::named::name_words::{
    BEFORE_KEY, BEFORE_PASS, NOT_FIRST, NOT_FIRST_OF_TOKENS, NOT_IN_HEADER_KEY, NOT_LAST, STRICT,
    STRICT_ALONE, VALUE_WORDS,
};
use crate::text::list::Index;
use crate::text::words::Words;

/// What the built-in lists say about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Secret, because of this word.
    Secret(&'static str, Sort),
    /// It has a strong word, but this word of it makes it harmless.
    Harmless(&'static str),
    /// Nothing in it is known.
    Unknown,
}

/// What the values of a strong word look like; in free text this decides what may be prose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// People choose it: any word may be one.
    Password,
    /// `pass` alone: a password, or the number of tests that passed.
    Pass,
    /// Machines make it: long, mixed, never an English word.
    Token,
    /// The same in plural: a small number is a count.
    Tokens,
    /// A header or a mode: `auth=basic` is none.
    Auth,
    /// `name=value; name=value`.
    Cookie,
    /// Digits.
    Number,
}

/// Looks the words of `name` up. `strict` adds the words that are secret in some programs and harmless in most.
pub(crate) fn look_up(name: &str, strict: bool) -> Verdict {
    let words = &Words::of(name);
    let Some((at, word, sort)) = strongest(words, strict) else {
        return if is_header_key(name, words) {
            Verdict::Secret("key", Sort::Token)
        } else {
            Verdict::Unknown
        };
    };
    if words.len() == 1 {
        return Verdict::Secret(word, sort);
    }
    let (first, last) = (words.first(), words.last_name());
    // A cookie jar is full of them.
    if let Some(harmless) = NOT_LAST
        .find(last)
        .filter(|_| sort != Sort::Cookie || last != b"jar")
    {
        return Verdict::Harmless(harmless);
    }
    if let Some(harmless) = NOT_FIRST.find(first) {
        return Verdict::Harmless(harmless);
    }
    if matches!(sort, Sort::Token | Sort::Tokens)
        && let Some(harmless) = NOT_FIRST_OF_TOKENS.find(first)
    {
        return Verdict::Harmless(harmless);
    }
    // `auth.retries`, `token.bucket`: a namespace, not a name.
    if !words.is_in_last_segment(at)
        && matches!(sort, Sort::Auth | Sort::Token | Sort::Tokens)
        && matches!(word, "auth" | "token" | "tokens")
        && VALUE_WORDS.find(last).is_none()
    {
        return Verdict::Harmless("its last segment");
    }
    Verdict::Secret(word, sort)
}

/// `X-Vendor-Key`, `HTTP_X_RAPIDAPI_KEY`: whatever a vendor calls the key in its own header, unless the key is one of a table
/// or a cache.
fn is_header_key(name: &str, words: &Words) -> bool {
    let is_header = ["x-", "http_x_"].iter().any(|head| {
        name.get(..head.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(head))
    });
    is_header
        && words.len() > 2
        && words.last() == b"key"
        && !words
            .iter()
            .any(|word| NOT_IN_HEADER_KEY.find(word.as_bytes()).is_some())
}

/// The last strong word or pair: its place, itself, its sort.
fn strongest(words: &Words, strict: bool) -> Option<(usize, &'static str, Sort)> {
    (0..words.len()).rev().find_map(|at| {
        let word = words.at(at);
        let before = || {
            at.checked_sub(1)
                .map_or(&b""[..], |before| words.at(before))
        };
        let found = single(word)
            .or_else(|| pair(before(), word))
            .or_else(|| suffix(word))
            .or_else(|| {
                if strict {
                    strict_word(words, word)
                } else {
                    None
                }
            });
        found.map(|(word, sort)| (at, word, sort))
    })
}

fn single(word: &[u8]) -> Option<(&'static str, Sort)> {
    static SINGLE: LazyLock<Index<Sort>> = LazyLock::new(|| {
        let lists = [SINGLE_PKSM, SINGLE_ACT, SINGLE_OTHERS, SINGLE_FOREIGN];
        Index::new(lists.into_iter().flatten().copied())
    });
    SINGLE.find(word)
}

fn pair(before: &[u8], word: &[u8]) -> Option<(&'static str, Sort)> {
    let before = std::str::from_utf8(before).unwrap_or_default();
    match std::str::from_utf8(word).unwrap_or_default() {
        "key" | "keys" => BEFORE_KEY
            .find(before.as_bytes())
            .map(|_| ("key", Sort::Token)),
        "pass" => Some(match BEFORE_PASS.find(before.as_bytes()) {
            Some(_) => ("pass", Sort::Password),
            None if before.is_empty() => ("pass", Sort::Pass),
            None => return None,
        }),
        "schlüssel" | "schluessel" | "clave" | "clé" | "cle" | "chiave" | "llave" => BEFORE_KEY
            .find(before.as_bytes())
            .map(|_| ("key", Sort::Token)),
        "passe" if before == "de" => Some(("mot de passe", Sort::Password)),
        "data" if before == "key" => Some(("key data", Sort::Token)),
        "security" if before == "social" => Some(("social security", Sort::Number)),
        "signature" if matches!(before, "amz" | "goog" | "access" | "oauth") => {
            Some(("signature", Sort::Token))
        }
        // Romance languages put the kind behind: `clave_api`, `clé privée`.
        "api" | "secreta" | "secrète" | "secrete" | "privada" | "privata" | "privée" | "privee"
            if matches!(
                before,
                "clave" | "clé" | "cle" | "chiave" | "llave" | "chave"
            ) =>
        {
            Some(("key", Sort::Token))
        }
        "code" | "codes" if matches!(before, "recovery" | "backup" | "scratch") => {
            Some(("recovery code", Sort::Token))
        }
        _ => None,
    }
}

/// Environment names with a glued prefix: `PGPASSWORD`, `MYAPPSECRET`.
fn suffix(word: &[u8]) -> Option<(&'static str, Sort)> {
    const LONG: &[(&str, Sort)] = &[
        ("password", Sort::Password),
        ("passwd", Sort::Password),
        ("passphrase", Sort::Password),
        ("secret", Sort::Token),
        ("apikey", Sort::Token),
    ];
    let no = word.starts_with(b"no") && word.len() <= "nopassword".len();
    LONG.iter()
        .find(|(tail, _)| word.ends_with(tail.as_bytes()) && !no)
        .copied()
}

fn strict_word(words: &Words, word: &[u8]) -> Option<(&'static str, Sort)> {
    if let Some(found) = STRICT.find(word) {
        return Some((found, Sort::Token));
    }
    if words.len() == 1 {
        return STRICT_ALONE.find(word).map(|found| (found, Sort::Token));
    }
    None
}

const SINGLE_PKSM: &[(&str, Sort)] = &[
    ("password", Sort::Password),
    ("passwords", Sort::Password),
    ("passwd", Sort::Password),
    ("pwd", Sort::Password),
    ("passphrase", Sort::Password),
    ("passcode", Sort::Password),
    ("passwort", Sort::Password),
    ("kennwort", Sort::Password),
    ("senha", Sort::Password),
    ("motdepasse", Sort::Password),
    ("pw", Sort::Password),
    ("pswd", Sort::Password),
    ("secret", Sort::Token),
    ("secrets", Sort::Token),
    ("ssn", Sort::Number),
    ("ssns", Sort::Number),
    ("privatekey", Sort::Token),
    ("privkey", Sort::Token),
    ("secretkey", Sort::Token),
    ("signingkey", Sort::Token),
    ("sharedkey", Sort::Token),
    ("masterkey", Sort::Token),
    ("sharedaccesskey", Sort::Token),
    ("sharedaccesssignature", Sort::Token),
    ("storagekey", Sort::Token),
    ("sessiontoken", Sort::Token),
    ("sessionkey", Sort::Token),
    ("phpsessid", Sort::Token),
    ("psk", Sort::Password),
    ("mnemonic", Sort::Password),
    ("seedphrase", Sort::Password),
    ("passkey", Sort::Password),
    ("presharedkey", Sort::Token),
    ("storepass", Sort::Password),
    ("srcstorepass", Sort::Password),
    ("deststorepass", Sort::Password),
    ("keypass", Sort::Password),
    ("srckeypass", Sort::Password),
    ("destkeypass", Sort::Password),
    ("sqlpass", Sort::Password),
    ("smtppass", Sort::Password),
    ("mailpass", Sort::Password),
    ("mypass", Sort::Password),
    ("passord", Sort::Password),
    ("pushtoken", Sort::Token),
    ("securitytoken", Sort::Token),
    ("servicetoken", Sort::Token),
    ("sitzungstoken", Sort::Token),
];
const SINGLE_ACT: &[(&str, Sort)] = &[
    ("auth", Sort::Auth),
    ("authorization", Sort::Auth),
    ("authorisation", Sort::Auth),
    ("apikey", Sort::Token),
    ("apikeys", Sort::Token),
    ("apitoken", Sort::Token),
    ("accesskey", Sort::Token),
    ("accesstoken", Sort::Token),
    ("accountkey", Sort::Token),
    ("authkey", Sort::Token),
    ("authtoken", Sort::Token),
    ("aspsessionid", Sort::Token),
    ("credential", Sort::Token),
    ("credentials", Sort::Token),
    ("cred", Sort::Token),
    ("creds", Sort::Token),
    ("cookie", Sort::Cookie),
    ("cookies", Sort::Cookie),
    ("csrf", Sort::Token),
    ("csrftoken", Sort::Token),
    ("csrfmiddlewaretoken", Sort::Token),
    ("contraseña", Sort::Password),
    ("contrasena", Sort::Password),
    ("clientsecret", Sort::Token),
    ("token", Sort::Token),
    ("tokens", Sort::Tokens),
    ("adminpass", Sort::Password),
    ("apppass", Sort::Password),
    ("apptoken", Sort::Token),
    ("authpass", Sort::Password),
    ("authenticationtoken", Sort::Token),
    ("authentifizierungstoken", Sort::Token),
];
const SINGLE_OTHERS: &[(&str, Sort)] = &[
    ("bearer", Sort::Token),
    ("bearertoken", Sort::Token),
    ("jwt", Sort::Token),
    ("jwts", Sort::Token),
    ("jsessionid", Sort::Token),
    ("xsrf", Sort::Token),
    ("xsrftoken", Sort::Token),
    ("refreshtoken", Sort::Token),
    ("idtoken", Sort::Token),
    ("usertoken", Sort::Token),
    ("encryptionkey", Sort::Token),
    ("requirepass", Sort::Password),
    ("rootpw", Sort::Password),
    ("bindpw", Sort::Password),
    ("bindpass", Sort::Password),
    ("userpass", Sort::Password),
    ("jeton", Sort::Token),
    ("rootpass", Sort::Password),
    ("resettoken", Sort::Token),
    ("requesttoken", Sort::Token),
    ("bottoken", Sort::Token),
    ("jwttoken", Sort::Token),
];
/// The same in other languages, and those whose first letter stands in no list above.
const SINGLE_FOREIGN: &[(&str, Sort)] = &[
    ("zugangstoken", Sort::Token),
    ("zugriffstoken", Sort::Token),
    ("zugangsdaten", Sort::Token),
    ("zugangscode", Sort::Password),
    ("geheimnis", Sort::Token),
    ("dbpass", Sort::Password),
    ("devicetoken", Sort::Token),
    ("ftppass", Sort::Password),
    ("logintoken", Sort::Token),
    ("ldappass", Sort::Password),
    ("oauthtoken", Sort::Token),
    ("verificationtoken", Sort::Token),
    ("adgangskode", Sort::Password),
    ("jelszó", Sort::Password),
    ("şifre", Sort::Password),
    ("пароль", Sort::Password),
    ("Пароль", Sort::Password),
    ("密码", Sort::Password),
    ("口令", Sort::Password),
    ("パスワード", Sort::Password),
    ("비밀번호", Sort::Password),
    ("wachtwoord", Sort::Password),
    ("parola", Sort::Password),
    ("hasło", Sort::Password),
    ("heslo", Sort::Password),
    ("lösenord", Sort::Password),
    ("salasana", Sort::Password),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn is_secret(name: &str, strict: bool) -> bool {
        matches!(look_up(name, strict), Verdict::Secret(..))
    }

    #[test]
    fn names_of_secrets_are_secret() {
        for name in [
            "password",
            "PASSWORD",
            "userPassword",
            "user.password",
            "db_passwd",
            "pwd",
            "MYSQL_PWD",
            "passphrase",
            "secret",
            "clientSecret",
            "client_secret",
            "SECRETS",
            "token",
            "accessToken",
            "access-token",
            "X-Auth-Token",
            "id_token",
            "refreshtoken",
            "auth",
            "Authorization",
            "http.request.header.authorization",
            "proxy-authorization",
            "cookie",
            "Set-Cookie",
            "X-Api-Key",
            "apiKey",
            "APIKEY",
            "api.key",
            "private_key",
            "privateKeyPem",
            "AWS_SECRET_ACCESS_KEY",
            "signing_key",
            "encryptionKey",
            "AccountKey",
            "socialSecurityNumber",
            "ssn",
            "jwt",
            "csrf_token",
            "XSRF-TOKEN",
            "PGPASSWORD",
            "MYAPPSECRET",
            "DB_PASS",
            "smtpPass",
            "password_hash",
            "token_value",
            "auth_header",
            "credentials",
            "aws.creds",
            "JSESSIONID",
            "PHPSESSID",
            "password1",
            "requirepass",
            "contraseña",
            "user_token",
            "bearer_token",
            "x-amz-signature",
            "input_password",
            "mot_de_passe",
            "motDePasse",
            "clave_api",
            "claveApi",
            "clé_privée",
            "API-Schlüssel",
            "Zugangstoken",
            "storepass",
            "PresharedKey",
            "network_key",
            "nwkSKey",
            "DB_ADMINPASS",
        ] {
            assert!(is_secret(name, false), "{name}");
        }
    }

    #[test]
    fn names_about_secrets_are_not() {
        for name in [
            "author",
            "authority",
            "authored_by",
            "tokenizer",
            "secretary",
            "compass",
            "keyboard",
            "monkey",
            "key",
            "cache_key",
            "primary_key",
            "public_key",
            "session",
            "session_id",
            "code",
            "state",
            "pin",
            "token_count",
            "max_tokens",
            "total_tokens",
            "promptTokens",
            "completion_tokens",
            "input_tokens",
            "token_type",
            "expires",
            "token_expires_at",
            "token_ttl",
            "auth_url",
            "auth_endpoint",
            "auth_method",
            "password_policy",
            "password_required",
            "is_authorized",
            "has_password",
            "secret_name",
            "cookie_id",
            "password_length",
            "auth.retries",
            "app.auth.latency_ms",
            "token.bucket",
            "NOPASSWD",
            "bypass",
            "passed",
            "test_pass",
            "AccessKeyId",
            "secretary_name",
            "token_file",
            "credentials.username",
            "clave_primaria",
            "clave",
            "schlüssel",
            "clé_étrangère",
            "passe_partout",
            "renderpass",
            "QPasswordDigestor",
            "auth_request",
            "PasswordHasher",
            "passkey_id",
            "",
        ] {
            assert!(!is_secret(name, false), "{name}");
        }
    }

    #[test]
    fn strict_adds_words_that_are_harmless_in_most_programs() {
        for name in [
            "pin", "otp", "cvv", "card_cvc", "key", "session", "code", "state",
        ] {
            assert!(!is_secret(name, false), "{name}");
            assert!(is_secret(name, true), "{name}");
        }
        for name in [
            "pin_count",
            "cache_key",
            "session_id",
            "status_code",
            "pinned",
        ] {
            assert!(!is_secret(name, true), "{name}");
        }
    }
}
