use super::text::plain_run;
use super::*;
fn value(text: &str) -> Result<Value<'_>, Error> {
    let mut reader = Reader::new(text);
    let value = reader.value(16)?;
    reader.end()?;
    Ok(value)
}

#[test]
fn numbers_keep_their_type_or_their_text() {
    let cases = [
        ("0", Value::Int(0)),
        ("-12", Value::Int(-12)),
        ("9223372036854775807", Value::Int(i64::MAX)),
        ("9223372036854775808", Value::Number("9223372036854775808")),
        (
            "340282366920938463463374607431768211456",
            Value::Number("340282366920938463463374607431768211456"),
        ),
        ("12.5", Value::Float(12.5, "12.5")),
        ("1e3", Value::Float(1000.0, "1e3")),
        ("1e999", Value::Number("1e999")),
        ("-1E+999", Value::Number("-1E+999")),
    ];
    for (text, expected) in cases {
        assert_eq!(value(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    let cases = [
        "",
        "{",
        "[1,]",
        "{\"a\"}",
        "{\"a\":1,}",
        "{a:1}",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "nul",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\n\"",
        "[1 2]",
        "1 1",
        "[1}",
        "{\"a\":1]",
        "NaN",
        "'a'",
        "-",
        "]",
        "{,}",
        "\"\\u+123\"",
    ];
    for text in cases {
        assert!(
            value(text).is_err(),
            "{text:?} was read as {:?}",
            value(text)
        );
        let mut reader = Reader::new(text);
        let skipped = reader.skip().and_then(|_| reader.end());
        assert!(skipped.is_err(), "{text:?} was skipped");
    }
}

#[test]
fn strings_are_unescaped_and_never_fail_on_surrogates_or_nul() {
    let cases = [
        (r#""plain""#, "plain"),
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r#""\u00e9\u20ac""#, "é€"),
        (r#""\ud83d\ude00""#, "😀"),
        (r#""a\ud800b""#, "a\u{fffd}b"),
        (r#""\ud800\ud800\udc00""#, "\u{fffd}\u{10000}"),
        (r#""\udc00""#, "\u{fffd}"),
        (r#""nul \u0000 inside""#, "nul \u{fffd} inside"),
    ];
    for (text, expected) in cases {
        assert_eq!(value(text), Ok(Value::Text(expected.into())), "{text}");
    }
}

#[test]
fn a_plain_run_ends_at_each_byte_that_ends_it_wherever_it_stands() {
    for length in 0..40 {
        for stop in (0..=255).map(|byte| [byte]) {
            let mut bytes = vec![0xff; length];
            bytes.extend(stop);
            bytes.extend([0; 9]);
            let is_stop = matches!(stop[0], b'"' | b'\\' | 0..0x20);
            assert_eq!(
                plain_run(&bytes),
                length + usize::from(!is_stop),
                "{stop:?} behind {length} bytes"
            );
        }
    }
}

#[test]
fn of_duplicate_keys_the_last_wins_whether_few_or_many() {
    let few = r#"{"a":1,"b":2,"a":3}"#;
    assert_eq!(
        value(few),
        Ok(Value::Map(vec![
            ("a".into(), Value::Int(3)),
            ("b".into(), Value::Int(2))
        ]))
    );

    let many: Vec<String> = (0..100).map(|n| format!("\"k{}\":{n}", n % 40)).collect();
    let many = format!("{{{}}}", many.join(","));
    let Ok(Value::Map(members)) = value(&many) else {
        panic!("{many} is a map")
    };
    assert_eq!(members.len(), 40);
    assert_eq!(members[19], ("k19".into(), Value::Int(99)));
    assert_eq!(members[20], ("k20".into(), Value::Int(60)));
}

#[test]
fn what_is_too_deep_stays_text() {
    let mut reader = Reader::new(r#"{"a":{"b":[1, {"c":2}]}}"#);
    assert_eq!(
        reader.value(2),
        Ok(Value::Map(vec![(
            "a".into(),
            Value::Map(vec![("b".into(), Value::Deep(r#"[1, {"c":2}]"#))])
        )]))
    );
}

#[test]
fn a_million_brackets_overflow_no_stack() {
    let open = "[".repeat(1_000_000);
    assert!(value(&open).is_err());
    let closed = format!("{open}{}", "]".repeat(1_000_000));
    assert!(value(&closed).is_ok());
}

proptest::proptest! {
    #[test]
    fn skipping_and_reading_agree_with_serde_json(text in r#"[\[\]{}":,0-9a-e.\\u \-]{0,40}"#) {
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        let ours = value(&text);
        let mut reader = Reader::new(&text);
        let skipped = reader.skip().and_then(|_| reader.end());
        proptest::prop_assert_eq!(ours.is_ok(), skipped.is_ok());
        if theirs.is_ok() {
            proptest::prop_assert!(ours.is_ok(), "serde_json reads {}", text);
        }
    }
}
