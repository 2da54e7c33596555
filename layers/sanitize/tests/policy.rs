//! What a policy adds: patterns, known values, pseudonyms, modes.
#![cfg(all(feature = "policy", feature = "pseudonym"))]

use std::borrow::Cow;

use courier_sanitize::{
    Classification, IpMode, Mode, Pattern, Place, Policy, PolicyError, PolicyFile, Pseudonyms,
    Rule, Sanitizer,
};

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

fn clean(policy: &Policy, text: &str) -> String {
    let sanitizer = Sanitizer::new(policy);
    let once = sanitizer.clean(Place::Message, text).into_owned();
    assert_eq!(
        sanitizer.clean(Place::Message, &once),
        once,
        "again: {text}"
    );
    once
}

#[test]
fn the_same_person_gets_the_same_pseudonym_in_any_spelling() {
    let pseudonyms = Pseudonyms::hmac_sha256([Rule::Email, Rule::Ip], KEY).unwrap();
    let policy = Policy::new().pseudonyms(pseudonyms);
    let text = clean(
        &policy,
        "Ann@Example.com ann%40example.com 10.0.0.1 ::ffff:10.0.0.1 bob@example.com 123-45-6789",
    );
    let words: Vec<_> = text.split(' ').collect();
    assert!(
        words[0].starts_with("[REDACTED:email#") && words[0].len() == 27,
        "{text}"
    );
    assert_eq!(words[0], words[1]);
    assert_eq!(words[2], words[3]);
    assert_ne!(words[0], words[4]);
    assert_eq!(words[5], "[REDACTED:ssn]");
}

#[test]
fn pseudonyms_are_refused_where_all_values_can_be_tried() {
    for rule in [Rule::Ssn, Rule::Card, Rule::Phone, Rule::Key] {
        let refused = Pseudonyms::hmac_sha256([rule], KEY).unwrap_err();
        assert_eq!(refused, PolicyError::Enumerable(rule));
    }
    let refused = Pseudonyms::hmac_sha256([Rule::Email], b"short").unwrap_err();
    assert_eq!(refused, PolicyError::ShortKey(5));
}

/// A directory with a policy of this text and two keys, of which others may read one.
fn written(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    for (name, mode, key) in [
        ("key", 0o600, KEY),
        ("open", 0o644, KEY),
        ("short", 0o600, b"k"),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, key).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode))
            .unwrap();
    }
    let path = dir.path().join("policy.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

#[test]
fn a_policy_finds_its_key_beside_itself() {
    let text = "[sanitize]\nip = \"pseudonym\"\n[sanitize.pseudonym]\nkinds = [\"email\"]\nkey_file = \"key\"";
    let (_dir, path) = written(text);
    let policy = PolicyFile::read(&path).unwrap();
    let text = clean(&policy, "Ann@example.com ann@example.com 10.0.0.1");
    let words: Vec<_> = text.split(' ').collect();
    assert!(words[0].starts_with("[REDACTED:email#"), "{text}");
    assert_eq!(words[0], words[1]);
    assert!(words[2].starts_with("[REDACTED:ip#"), "{text}");
}

#[cfg(unix)]
#[test]
fn what_is_wrong_with_the_key_is_said_of_the_line_that_names_it_and_the_policy_in_force_stays() {
    for (key, reason) in [
        ("open", "can be read by others"),
        ("short", "has 1 bytes; it needs at least 32"),
        ("none", "cannot read key file"),
    ] {
        let text = format!(
            "[sanitize.pseudonym]\nkinds = [\"email\"]\n\nkey_file = \"{key}\"\nkey_id = \"2026a\""
        );
        let (_dir, path) = written(&text);
        let sanitizer = Sanitizer::new(&Policy::new().known_value("open-sesame").unwrap());
        let error = sanitizer.reload_from(&path).unwrap_err().to_string();
        let place = format!("{}:4: ", path.display());
        assert!(
            error.starts_with(&place) && error.contains(reason),
            "{error}"
        );
        assert_eq!(
            sanitizer.clean(Place::Message, "say open-sesame"),
            "say [REDACTED:known]"
        );
        std::fs::write(&path, "[sanitize]\nknown_values = [\"swordfish\"]").unwrap();
        sanitizer.reload_from(&path).unwrap();
        assert_eq!(
            sanitizer.clean(Place::Message, "say swordfish"),
            "say [REDACTED:known]"
        );
    }
}

#[test]
fn what_is_scanned_and_what_patterns_take_is_counted() {
    let pattern = Pattern::regex("case-id", "FK-", r"\bFK-\d{6}\b").unwrap();
    let sanitizer = Sanitizer::new(&Policy::new().pattern(pattern).max_string_bytes(256));
    let counts = sanitizer.counts();
    let _ = sanitizer.clean(Place::Message, "nothing here");
    assert_eq!((counts.scanned_bytes(), counts.touched()), (12, 0));
    assert!(counts.in_own_patterns().is_zero());
    let _ = sanitizer.clean(Place::Message, &"FK-123456 ".repeat(40));
    assert_eq!(counts.scanned_bytes(), 412);
    assert!(!counts.in_own_patterns().is_zero());
    assert_eq!((counts.truncated(), counts.failed_closed()), (1, 0));
}

#[test]
fn a_pattern_takes_its_matches_around_its_literal() {
    let policy = Policy::new().pattern(Pattern::regex("case-id", "FK-", r"\bFK-\d{6}\b").unwrap());
    assert_eq!(
        clean(&policy, "FK-123456, fk-123456, FK-12, xFK-654321 FK-654321"),
        "[REDACTED:case-id], fk-123456, FK-12, xFK-654321 [REDACTED:case-id]"
    );
}

#[test]
fn a_known_value_goes_wherever_it_stands() {
    let policy = Policy::new().known_value("open-sesame").unwrap();
    assert_eq!(
        clean(&policy, "xopen-sesamex Open-Sesame"),
        "x[REDACTED:known]x Open-Sesame"
    );
    assert_eq!(
        Policy::new().known_value("short").unwrap_err(),
        PolicyError::ShortKnownValue(5)
    );
}

#[test]
fn a_known_value_that_is_part_of_a_marker_leaves_it_alone() {
    let policy = Policy::new().known_value("REDACTED").unwrap();
    assert_eq!(
        clean(&policy, "a@example.com REDACTED"),
        "[REDACTED:email] [REDACTED:known]"
    );
}

#[test]
fn a_report_changes_nothing_and_counts() {
    let sanitizer = Sanitizer::new(&Policy::new().mode(Mode::Report));
    let text = "password=x from a@example.com";
    assert!(matches!(
        sanitizer.clean(Place::Message, text),
        Cow::Borrowed(_)
    ));
    assert_eq!(sanitizer.counts().rule(Rule::Key), 1);
    let findings = sanitizer.find(Place::Message, text);
    let seen: Vec<_> = findings
        .iter()
        .map(|f| (f.rule, f.start, f.len, f.shape.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (Rule::Key, 9, 1, "a"),
            (Rule::Email, 16, 13, "a@aaaaaaa.aaa")
        ]
    );
}

#[test]
fn findings_in_a_value_name_the_way_to_them() {
    let sanitizer = Sanitizer::default();
    let value =
        serde_json::json!({"user": {"password": "Tr0pical", "mails": ["x", "a@example.com"]}});
    let findings = sanitizer.find_in(Place::Attribute, &value);
    let seen: Vec<_> = findings
        .iter()
        .map(|f| (f.key.as_str(), f.rule, f.shape.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("user.mails.1", Rule::Email, "a@aaaaaaa.aaa"),
            ("user.password", Rule::Key, "Aa9aaaaa")
        ]
    );
}

#[test]
fn a_marking_takes_the_text_or_itself_or_the_record() {
    let text = "grid SECRET//NOFORN a@example.com";
    assert_eq!(clean(&Policy::new(), text), "[REDACTED:classification]");
    let only = Policy::new().classification(Classification::MarkOnly);
    assert_eq!(
        clean(&only, text),
        "grid [REDACTED:classification] [REDACTED:email]"
    );
    let sanitizer = Sanitizer::new(&Policy::new().classification(Classification::DropRecord));
    let cleaned = sanitizer.clean_into(Place::Message, &mut text.to_owned(), 0);
    assert!(cleaned.is_classified && cleaned.drop_record);
}

#[test]
fn the_kind_of_network_can_stay() {
    let policy = Policy::new().ip(IpMode::Class);
    assert_eq!(
        clean(
            &policy,
            "10.0.0.1 8.8.8.8/32 fe80::1%eth0 fd00::1 224.0.0.1 169.254.1.1"
        ),
        "[REDACTED:ip:private] [REDACTED:ip:public] [REDACTED:ip:link_local] [REDACTED:ip:private] [REDACTED:ip:multicast] [REDACTED:ip:link_local]"
    );
}

#[test]
fn a_marker_of_ones_own_is_an_atom_too() {
    let policy = Policy::new().marker("[GONE]").unwrap();
    assert_eq!(
        clean(&policy, "password=x a@example.com"),
        "password=[GONE] [GONE:email]"
    );
    assert!(Policy::new().marker("***").is_err());
}
