//! What holds for every text.

use std::borrow::Cow;
use std::sync::LazyLock;
#[cfg(unix)]
use std::time::Duration;

use courier_sanitize::{Place, Policy, Profile, Sanitizer};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;

static DEFAULT: LazyLock<Sanitizer> = LazyLock::new(Sanitizer::default);
static STRICT: LazyLock<Sanitizer> =
    LazyLock::new(|| Sanitizer::new(&Policy::new().profile(Profile::Strict)));

/// Pieces that mean something to a scanner; glued at random they make what no author of a rule thinks of.
const PIECES: &[&str] = &[
    "password",
    "token",
    "api_key",
    "auth",
    "cookie",
    "secret",
    "ssn",
    "pwd",
    "key",
    "sig",
    "=",
    ":",
    ": ",
    " = ",
    "=>",
    ":=",
    "%3D",
    "%22",
    "\"",
    "\\\"",
    "\\\\\\\"",
    "'",
    "`",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    ",",
    ";",
    "&",
    "|",
    " ",
    "\n",
    "\\n",
    "\t",
    "--",
    "-",
    "/",
    "//",
    "://",
    "@",
    "%40",
    ".",
    "..",
    "::",
    "Bearer ",
    "Basic ",
    "eyJhbGciOiJIUzI1NiJ9",
    ".eyJzdWIiOiIxMjM0In0",
    ".c2ln",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "MIIEvQIBADANBgkq",
    "ann",
    "example.com",
    "10.0.0.1",
    "127.0.0.1",
    "2001:db8::1",
    "fe80",
    "::1",
    "123-45-6789",
    "4111 1111 1111 1111",
    "4111111111111111",
    "+1 415 555 2671",
    "/home/",
    "/home/ann",
    "C:\\Users\\Ann Lee\\",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_",
    "SECRET//NOFORN",
    "(U)",
    "[REDACTED]",
    "[REDACTED:email]",
    "[REDACTED:key",
    "[TRUNCATED:7]",
    "Some(",
    "None",
    "null",
    "true",
    "42",
    "is ",
    "hunter2",
    "curl -u ",
    "é",
    "✓",
    "\u{1b}[3m",
    "\u{1b}[0m",
    "\u{0}",
    "INSERT INTO t (password) VALUES ('",
    "$",
    "${",
    "?",
    "#",
    "12",
    "ab",
    "x",
    "Z",
];

/// Text of such pieces, with some of any characters between them.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![8 => select(PIECES).prop_map(str::to_owned), 1 => "\\PC{0,6}", 1 => "[a-zA-Z0-9]{1,12}"];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn place() -> impl Strategy<Value = Place> {
    select(Place::ALL.as_slice())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cleaning_twice_is_cleaning_once(text in text(), place in place()) {
        for sanitizer in [&*DEFAULT, &*STRICT] {
            let once = sanitizer.clean(place, &text).into_owned();
            let twice = sanitizer.clean(place, &once);
            prop_assert_eq!(&*twice, once.as_str(), "of {:?}", text);
        }
    }

    #[test]
    fn clean_text_is_the_same_text_and_output_is_bounded(text in text(), place in place()) {
        for sanitizer in [&*DEFAULT, &*STRICT] {
            match sanitizer.clean(place, &text) {
                Cow::Borrowed(same) => prop_assert!(std::ptr::eq(same, text.as_str())),
                Cow::Owned(cleaned) => prop_assert!(cleaned.len() <= 4 * text.len() + 64, "{:?}", cleaned),
            }
        }
    }

    #[test]
    fn cleaning_in_place_is_cleaning(text in text(), before in "\\PC{0,9}", place in place()) {
        let mut buffer = format!("{before}{text}");
        DEFAULT.clean_into(place, &mut buffer, before.len());
        prop_assert_eq!(buffer, format!("{before}{}", DEFAULT.clean(place, &text)));
    }

    #[test]
    fn any_cap_is_kept(text in text(), max in 256_usize..600) {
        let text = text.repeat(600 / text.len().max(1) + 1);
        let sanitizer = Sanitizer::new(&Policy::new().max_string_bytes(max));
        let once = sanitizer.clean(Place::Message, &text).into_owned();
        prop_assert!(once.len() <= max, "{} of {max}", once.len());
        prop_assert_eq!(&*sanitizer.clean(Place::Message, &once), once.as_str());
    }

    #[test]
    fn a_quoted_secret_goes_at_any_depth(secret in "[a-zA-Z0-9 !#$&()*+,./:;<=>?@^_|~-]{1,24}", depth in 0_u32..4, key in select(&["password", "apiKey", "X-Auth-Token", "client_secret"][..])) {
        prop_assume!(secret.trim() == secret && !secret.chars().all(|letter| letter.is_ascii_punctuation()));
        let mut text = format!(r#"{{"{key}":"Q{secret}Q","n":1}}"#);
        for _ in 0..depth {
            text = format!("{{\"body\":{}}}", serde_json::to_string(&text).unwrap());
        }
        let cleaned = DEFAULT.clean(Place::Message, &text);
        let needle = format!("Q{secret}Q");
        prop_assert!(!cleaned.contains(&needle), "{} in {}", needle, cleaned);
        prop_assert!(cleaned.contains("\"n\\") || cleaned.contains("\"n\""), "{cleaned}");
    }

    #[test]
    fn json_as_text_loses_at_least_what_it_loses_as_a_value(secret in "[a-z]{4,9}[0-9]{2,5}", key in select(&["password", "token", "ssn", "cookie", "auth", "credentials", "db_pass"][..]), number in any::<u32>(), nested in any::<bool>()) {
        let held = if nested { serde_json::json!({"a": [secret], "b": number}) } else { serde_json::json!(secret) };
        let mut value = serde_json::json!({"first": 1, key: held, "last": "x"});
        let text = value.to_string();
        DEFAULT.value(Place::Attribute, &mut value);
        prop_assert!(!value.to_string().contains(&secret));
        let cleaned = DEFAULT.clean(Place::Attribute, &text);
        prop_assert!(!cleaned.contains(&secret), "{} gave {}", text, cleaned);
    }
}

/// An output that never settles would go as a whole; no text of pieces does.
#[test]
fn no_text_is_given_up() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let texts = text();
    for _ in 0..3000 {
        let text = texts.new_tree(&mut runner).unwrap().current();
        let cleaned = STRICT.clean(Place::Stack, &text);
        assert!(!cleaned.contains("[REDACTED:error]"), "{text:?}");
    }
}

#[test]
fn all_threads_see_the_same() {
    let text = PIECES.concat();
    let here = DEFAULT.clean(Place::Message, &text).into_owned();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(DEFAULT.clean(Place::Message, &text), here));
        }
    });
}

/// The time that this thread has worked: on a busy machine less than what has passed.
#[cfg(unix)]
fn worked() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(unix)]
#[test]
fn the_cost_grows_with_the_length_and_nothing_else() {
    let sanitizer = Sanitizer::new(
        &Policy::new()
            .profile(Profile::Strict)
            .max_string_bytes(8 << 20),
    );
    let time = |text: &str| {
        let tries = (0..3).map(|_| {
            let start = worked();
            let _ = sanitizer.clean(Place::Stack, text);
            worked().saturating_sub(start)
        });
        tries.min().unwrap_or(Duration::MAX)
    };
    for piece in PIECES {
        let (small, large) = (
            piece.repeat((4 << 10) / piece.len()),
            piece.repeat((128 << 10) / piece.len()),
        );
        let (small, large) = (time(&small), time(&large));
        // 32 times the length; a quadratic rule would take 1024 times as long.
        assert!(
            large < small * 200 + Duration::from_millis(20),
            "{piece:?}: {small:?}, then {large:?}"
        );
    }
}
