//! The sanitizer as its callers see it.

use std::borrow::Cow;

use courier_sanitize::{KeyClass, Place, Policy, Profile, REDACTED, Rule, Sanitizer, Sensitive};
use serde_json::json;

const DIRTY: &str =
    r#"login password=hunter2 from 203.0.113.7 by ann@example.com {"token":"abc","n":1}"#;

#[test]
fn clean_text_comes_back_borrowed() {
    let sanitizer = Sanitizer::default();
    let text = "upload finished in 12.5 ms, 3 of 4 parts, status 200";
    let cleaned = sanitizer.clean(Place::Message, text);
    assert!(matches!(cleaned, Cow::Borrowed(same) if std::ptr::eq(same, text)));
}

#[test]
fn cleaning_in_place_touches_only_what_stands_behind_the_offset() {
    let sanitizer = Sanitizer::default();
    let mut text = format!("ann@example.com|{DIRTY}");
    let cleaned = sanitizer.clean_into(Place::Attribute, &mut text, "ann@example.com|".len());
    assert_eq!(
        text,
        r#"ann@example.com|login password=[REDACTED] from [REDACTED:ip] by [REDACTED:email] {"token":"[REDACTED]","n":1}"#
    );
    assert_eq!(cleaned.redactions, 4);
}

#[test]
fn cleaning_twice_is_cleaning_once() {
    let sanitizer = Sanitizer::default();
    let once = sanitizer.clean(Place::Message, DIRTY).into_owned();
    assert!(matches!(
        sanitizer.clean(Place::Message, &once),
        Cow::Borrowed(_)
    ));
}

#[test]
fn nested_values_lose_what_secret_names_hold_and_keep_their_types() {
    let sanitizer = Sanitizer::default();
    let mut value = json!({
        "user": {"password": {"old": "a", "new": ["b"]}, "has_password": true, "token": null, "id": 7},
        "tokens": 1532,
        "ann@example.com": "said hello",
        "app.version": "1.2.3.4",
        "peer": "203.0.113.7",
        "body": "{\"secret\":\"x\"}",
        "card": 4_111_111_111_111_111_u64,
    });
    sanitizer.value(Place::Attribute, &mut value);
    assert_eq!(
        value,
        json!({
            "user": {"password": REDACTED, "has_password": true, "token": null, "id": 7},
            "tokens": 1532,
            "[REDACTED:email]": "said hello",
            "app.version": "1.2.3.4",
            "peer": "[REDACTED:ip]",
            "body": "{\"secret\":\"[REDACTED]\"}",
            "card": "[REDACTED:card]",
        })
    );
}

#[test]
fn a_long_text_is_cut_and_says_so_and_stays_cut() {
    let sanitizer = Sanitizer::new(&Policy::new().max_string_bytes(1024));
    let text = "ann@example.com, grüße ".repeat(500);
    let cleaned = sanitizer.clean(Place::Message, &text).into_owned();
    assert!(cleaned.len() <= 1024, "{}", cleaned.len());
    assert!(
        cleaned.contains("[TRUNCATED:") && !cleaned.contains("ann@"),
        "{cleaned}"
    );
    assert_eq!(sanitizer.clean(Place::Message, &cleaned), cleaned);
    assert_eq!(sanitizer.counts().truncated(), 1);
}

#[test]
fn a_secret_that_the_cap_cuts_in_two_is_gone() {
    let sanitizer = Sanitizer::new(&Policy::new().max_string_bytes(1024));
    for before in 900..1100 {
        let text = format!(
            "{}password=hunter2hunter2hunter2 {}",
            "x ".repeat(before / 2),
            "y ".repeat(1000)
        );
        let cleaned = sanitizer.clean(Place::Message, &text);
        assert!(!cleaned.contains("hunter"), "{before}: {cleaned}");
    }
}

#[test]
fn counters_say_which_rule_took_how_much_where() {
    let sanitizer = Sanitizer::default();
    let clone = sanitizer.clone();
    let _ = clone.clean(Place::Error, DIRTY);
    let counts = sanitizer.counts();
    assert_eq!(
        (
            counts.rule(Rule::Key),
            counts.rule(Rule::Email),
            counts.rule(Rule::Ip)
        ),
        (2, 1, 1)
    );
    assert_eq!(counts.rule_in(Rule::Key, Place::Error), 2);
    assert_eq!(counts.rule_in(Rule::Key, Place::Message), 0);
    assert_eq!(
        counts.by_rule().into_iter().collect::<Vec<_>>(),
        [("email", 1), ("ip", 1), ("key", 2)]
    );
}

#[test]
fn a_policy_denies_and_allows_names_in_text_too() {
    let sanitizer = Sanitizer::new(
        &Policy::new()
            .deny("case_number")
            .deny("*.mrn")
            .allow("auth_token"),
    );
    assert_eq!(sanitizer.key("caseNumber"), KeyClass::Secret);
    assert_eq!(
        sanitizer.clean(
            Place::Message,
            "caseNumber=FK-1 patient.mrn: 77 auth_token=abc token=abc"
        ),
        "caseNumber=[REDACTED] patient.mrn: [REDACTED] auth_token=abc token=[REDACTED]"
    );
}

#[test]
fn a_reload_reaches_every_clone() {
    let sanitizer = Sanitizer::default();
    let clone = sanitizer.clone();
    let before = clone.generation();
    sanitizer.reload(&Policy::new().deny("colour")).unwrap();
    assert_eq!(clone.key("colour"), KeyClass::Secret);
    assert_ne!(clone.generation(), before);
}

#[test]
fn nothing_prints_what_a_policy_knows() {
    let policy = Policy::new().deny("operation_nightfall");
    let sanitizer = Sanitizer::new(&policy);
    let sensitive = Sensitive("hunter2");
    let printed = format!("{policy:?} {sanitizer:?} {sensitive:?} {sensitive}");
    assert!(
        !printed.contains("nightfall") && !printed.contains("hunter2"),
        "{printed}"
    );
}

#[test]
fn the_strict_profile_takes_what_is_often_harmless() {
    let sanitizer = Sanitizer::new(&Policy::new().profile(Profile::Strict));
    for (text, left) in [
        ("pin=1234 otp: 987654", "pin=[REDACTED] otp: [REDACTED]"),
        (
            "/cb?code=abc&state=xyz&n=1",
            "/cb?code=[REDACTED]&state=[REDACTED]&n=1",
        ),
        (
            r#"{"phone":5551234567,"lat":52.52,"name":"x"}"#,
            r#"{"phone":"[REDACTED]","lat":"[REDACTED]","name":"x"}"#,
        ),
        (
            "status_code=404 spinning=true",
            "status_code=404 spinning=true",
        ),
    ] {
        assert_eq!(sanitizer.clean(Place::Message, text), left);
        assert_eq!(sanitizer.clean(Place::Message, left), left);
    }
}

#[test]
fn the_minimal_profile_leaves_personal_data() {
    let sanitizer = Sanitizer::new(&Policy::new().profile(Profile::Minimal));
    assert_eq!(
        sanitizer.clean(
            Place::Message,
            "ann@example.com 10.0.0.1 123-45-6789 password=x /home/ann/y"
        ),
        "ann@example.com 10.0.0.1 123-45-6789 password=[REDACTED] /home/ann/y"
    );
}
