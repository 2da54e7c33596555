use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::key::Has;
use super::*;

fn text(words: &str) -> Expr {
    Expr::Is(Term::Text(Text {
        words: words.to_owned(),
        is_beginning: false,
    }))
}

fn key(key: Key, value: &str) -> Expr {
    Expr::Is(Term::Key(key, Match::Is(value.to_owned())))
}

fn attribute(name: &str, matched: Option<Match>) -> Expr {
    Expr::Is(Term::Attribute(name.to_owned(), matched))
}

fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

#[test]
fn each_form_of_a_word_is_understood() {
    let least = |compare, least| Expr::Is(Term::Level(compare, least));
    let rows = [
        ("", Expr::All(vec![])),
        ("  \t ", Expr::All(vec![])),
        ("user:ada", key(Key::User, "ada")),
        ("logger:app::sync", key(Key::Logger, "app::sync")),
        ("level:>=warning", least(Compare::GreaterOrEqual, 13)),
        ("level:WARN", least(Compare::Equal, 13)),
        ("level:<error", least(Compare::Less, 17)),
        ("-logger:http", not(key(Key::Logger, "http"))),
        ("\"upload failed\"", text("upload failed")),
        ("user:\"o'hara \\\"x\\\"\"", key(Key::User, "o'hara \"x\"")),
        (
            "uplo*",
            Expr::Is(Term::Text(Text {
                words: "uplo".to_owned(),
                is_beginning: true,
            })),
        ),
        (
            "version:2.3*",
            Expr::Is(Term::Key(Key::Version, Match::Begins("2.3".to_owned()))),
        ),
        ("version:\"2*\"", key(Key::Version, "2*")),
        (
            "@http.status:>=500",
            attribute(
                "http.status",
                Some(Match::Compared(Compare::GreaterOrEqual, "500".to_owned())),
            ),
        ),
        (
            "@user:bea",
            attribute("user", Some(Match::Is("bea".to_owned()))),
        ),
        (
            "@\"odd name\":1",
            attribute("odd name", Some(Match::Is("1".to_owned()))),
        ),
        ("@retry:*", attribute("retry", None)),
        ("has:@retry", attribute("retry", None)),
        ("has:error", Expr::Is(Term::Has(Has::Error))),
        (
            "a b OR c",
            Expr::Any(vec![Expr::All(vec![text("a"), text("b")]), text("c")]),
        ),
        (
            "a (b OR -c)",
            Expr::All(vec![text("a"), Expr::Any(vec![text("b"), not(text("c"))])]),
        ),
        ("-(a b)", not(Expr::All(vec![text("a"), text("b")]))),
        ("--a", text("a")),
        ("ORder", text("ORder")),
        ("\"OR\"", text("OR")),
        ("time-out", text("time-out")),
        ("用户:x", Expr::All(vec![])),
    ];
    let (last, rows) = rows.split_last().expect("rows");
    for (query, expr) in rows {
        assert_eq!(parse(query).as_ref(), Ok(expr), "{query}");
    }
    assert!(parse(last.0).is_err(), "a key that nobody knows");
}

#[test]
fn a_word_that_is_wrong_is_named_with_its_place_and_what_is_possible() {
    let rows = [
        ("usr:ada", (0, 4), "did you mean `user:`?", "user:"),
        ("fine levle:x", (5, 11), "did you mean `level:`?", "level:"),
        (
            "http://a.b",
            (0, 5),
            "`http:` is no key",
            "\"http:…\" for text",
        ),
        ("é level:loud", (8, 12), "`loud` is no level", "warning"),
        ("level:>=", (0, 8), "`level:` has no value", "level:x"),
        ("user:", (0, 5), "`user:` has no value", "user:x*"),
        ("@retry:", (0, 7), "`@retry:` has no value", "@retry:x"),
        ("has:arms", (4, 8), "`arms` is nothing", "breadcrumbs"),
        ("version:>2", (8, 10), "no order", "level:>=warning"),
        ("kind:thing", (5, 10), "no kind", "span"),
        ("record:12", (7, 9), "32 hexadecimal", ""),
        ("code:ABCD", (5, 9), "9 letters", ""),
        ("level:err*", (6, 10), "takes no `*`", "level:>=warning"),
        ("@n:>=5*", (3, 7), "can't end with `*`", ""),
        ("a \"b c", (2, 6), "does not end", "\""),
        ("a (b", (2, 3), "does not end", ")"),
        ("a) b", (1, 2), "without a `(`", ""),
        ("a OR", (2, 4), "both sides", "a OR b"),
        ("OR a", (0, 2), "both sides", "\"OR\""),
        ("a -", (2, 3), "no letter", "word"),
        ("a -)", (3, 4), "missing before", "-word"),
        ("- a", (0, 1), "no letter", "word"),
        ("!!!", (0, 3), "no letter", "word"),
    ];
    for (query, place, what, possible) in rows {
        let mistake = parse(query).expect_err(query);
        assert_eq!((mistake.at, mistake.end), place, "{query}: {mistake}");
        assert!(mistake.what.contains(what), "{query}: {mistake}");
        let is_said = mistake.possible.iter().any(|would| would == possible);
        assert!(is_said || possible.is_empty(), "{query}: {mistake}");
    }
}

#[test]
fn what_is_certain_narrows_and_what_may_be_does_not() {
    let query = parse("user:ada a OR user:ada b").expect("a query");
    assert!(query.certain().is_empty());
    let query = parse("user:ada -session:x (install:y)").expect("a query");
    assert_eq!(query.certain().len(), 2);
}

#[test]
fn a_query_that_is_too_much_is_refused_and_one_at_the_limit_is_not() {
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    for (fine, too_much, said) in [
        (nested(MAX_DEPTH), nested(MAX_DEPTH + 1), "in each other"),
        ("a ".repeat(MAX_WORDS), "a ".repeat(MAX_WORDS + 1), "words"),
        ("a".repeat(MAX_BYTES), "a".repeat(MAX_BYTES + 1), "bytes"),
    ] {
        assert!(parse(&fine).is_ok(), "{said}");
        let mistake = parse(&too_much).expect_err(said);
        assert!(mistake.what.contains(said), "{mistake}");
    }
}

/// A name, and what makes a query of so many bytes.
type Hostile = (&'static str, Box<dyn Fn(usize) -> String>);

/// What is asked of a reader that is to be slowed down.
fn hostile() -> Vec<Hostile> {
    fn all(piece: &'static str) -> Box<dyn Fn(usize) -> String> {
        Box::new(move |bytes| piece.repeat(bytes / piece.len()))
    }
    vec![
        ("minus", all("-")),
        ("open", all("(")),
        ("pairs of parentheses", all("()")),
        ("quotes", all("\"")),
        ("quoted nothing", all("\"\" ")),
        (
            "a quote of backslashes",
            Box::new(|bytes| format!("\"{}", "\\".repeat(bytes - 1))),
        ),
        ("colons", all(":")),
        ("at", all("@")),
        ("stars", all("*")),
        ("OR", all("OR ")),
        ("one word", all("a")),
        ("words", all("a ")),
        (
            "a long key",
            Box::new(|bytes| format!("{}:", "k".repeat(bytes - 1))),
        ),
        (
            "an open quote at the end",
            Box::new(|bytes| format!("{}\"", "a:".repeat(bytes / 2 - 1))),
        ),
        ("quotes as keys", all("\"a\"b")),
    ]
}

#[test]
fn reading_a_hostile_query_takes_time_in_proportion_to_its_length() {
    let time = |query: &str| {
        let started = Instant::now();
        let _ = std::hint::black_box(parse(query));
        started.elapsed()
    };
    for (name, make) in hostile() {
        let (short, long) = (make(MAX_BYTES / 8), make(MAX_BYTES));
        assert!(long.len() <= MAX_BYTES, "{name}");
        // Eight times the length is about eight times the time; by the square it would be sixty-four. The fastest of many
        // is what it takes; where others keep the processor busy it is measured again.
        let (mut of_short, mut of_long) = (Duration::MAX, Duration::MAX);
        let is_in_proportion = (0..200).any(|round| {
            of_short = of_short.min(time(&short));
            of_long = of_long.min(time(&long));
            round >= 10 && of_long <= of_short.saturating_mul(24).max(Duration::from_millis(1))
        });
        assert!(is_in_proportion, "{name}: {of_short:?} and {of_long:?}");
    }
    assert!(parse(&"a ".repeat(MAX_BYTES)).is_err(), "longer is refused");
}

proptest! {
    #[test]
    fn whatever_is_asked_is_read_or_named(query in "[a-c:@\"*()<>= \\\\ORlevel-]{0,40}") {
        if let Err(mistake) = parse(&query) {
            prop_assert!(mistake.at <= mistake.end && mistake.end <= query.chars().count());
        }
    }

    #[test]
    fn any_text_in_quotes_is_one_word(words in "[a-z]\\PC{0,30}") {
        let quoted = words.replace('\\', "\\\\").replace('"', "\\\"");
        prop_assert_eq!(parse(&format!("\"{quoted}\"")), Ok(text(&words)));
    }
}
