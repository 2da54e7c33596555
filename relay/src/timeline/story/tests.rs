use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::super::{Ask, End, Of, Row, Told, markdown, text, told_json};
use super::*;
use crate::index::Place;

const SECOND: u64 = 1_000_000_000;
/// 2026-12-01T08:30:00Z, which is 14:00 in Kolkata.
const BEGIN: u64 = 1_796_113_800 * SECOND;
const QUEUE: &str = "9f86d081884c7d65";

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn said(key: &str, text: &str) -> KeyValue {
    pair(key, Value::StringValue(text.to_owned()))
}

fn number(key: &str, number: i64) -> KeyValue {
    pair(key, Value::IntValue(number))
}

/// A record of the session `one` of `ada`, so many seconds after the beginning.
fn record(
    seq: u64,
    second: u64,
    level: i32,
    logger: &str,
    message: &str,
    attributes: Vec<KeyValue>,
) -> Found {
    let mut names: [Option<String>; Kind::ALL.len()] = Default::default();
    let mut set = |kind: Kind, name: &str| names[kind.place()] = Some(name.to_owned());
    set(Kind::User, "ada");
    set(Kind::Install, "install-1");
    set(Kind::Session, "one");
    set(Kind::Queue, QUEUE);
    set(Kind::Logger, logger);
    set(Kind::Service, "field-app");
    set(Kind::Version, "2.3.1");
    let time = BEGIN + second * SECOND;
    Found {
        place: Place {
            time,
            segment: 1,
            row: i64::try_from(seq).expect("few"),
        },
        received: i64::try_from(time / 1_000_000).expect("a time") + 90_000,
        level,
        names,
        seq: Some(seq),
        uid: [u8::try_from(seq % 256).expect("a byte"); 16],
        message: message.to_owned(),
        rest: LogRecord {
            attributes,
            ..LogRecord::default()
        },
        resource: Arc::new(Resource {
            attributes: vec![
                said("os.name", "linux"),
                said("device.model.name", "Tablet 7"),
            ],
            ..Resource::default()
        }),
    }
}

fn lost(seq: u64, second: u64, (first, last): (i64, i64), reason: &str) -> Found {
    let attributes = vec![
        said("loss.queue", QUEUE),
        number("loss.first_seq", first),
        number("loss.last_seq", last),
        number("loss.count", last - first + 1),
        said("loss.reason", reason),
    ];
    record(seq, second, 13, "courier", "records lost", attributes)
}

fn next_start(message: &str) -> Found {
    let attributes = vec![
        said("previous.session_id", "one"),
        said("previous.last_record_at", "2026-12-01T08:40:00Z"),
    ];
    let mut next = record(0, 900, 21, "courier", message, attributes);
    next.names[Kind::Session.place()] = Some("two".to_owned());
    next.names[Kind::Queue.place()] = Some("0123456789abcdef".to_owned());
    next
}

fn whole() -> Vec<Found> {
    let crumb = Value::KvlistValue(KeyValueList {
        values: vec![
            said("timestamp", "2026-12-01T08:31:59Z"),
            said("logger", "app::net"),
            said("message", "online"),
        ],
    });
    let failed = |seq, second| {
        let crumbs = ArrayValue {
            values: vec![AnyValue {
                value: Some(crumb.clone()),
            }],
        };
        let attributes = vec![
            said("exception.type", "Timeout"),
            said("exception.message", "no answer in 5 s"),
            number("http.status", 503),
            pair("breadcrumbs", Value::ArrayValue(crumbs)),
        ];
        record(seq, second, 17, "app::sync", "upload failed", attributes)
    };
    vec![
        record(0, 0, 9, "courier", "session_start", vec![]),
        record(1, 60, 9, "app", "ready", vec![]),
        failed(2, 120),
        failed(3, 130),
        lost(416, 300, (4, 415), "disk"),
        record(417, 301, 9, "app", "free again", vec![]),
        record(420, 310, 9, "app", "later", vec![]),
    ]
}

fn kolkata() -> Zone {
    Zone::named("Kolkata", None).expect("a zone")
}

fn story(whole: Vec<Found>, ends: &[Found]) -> Story {
    Story::of_ended(
        kolkata(),
        (BEGIN, BEGIN + 3_600 * SECOND),
        whole,
        ends,
        |_| true,
    )
}

/// The answer to somebody who asked for a moment of ada's.
fn told(mut story: Story) -> Told {
    story.older = Some(BEGIN - 60 * SECOND);
    story.newer_than_as_of = 2;
    Told {
        ask: Ask {
            of: Of::User("ada".to_owned()),
            at: Some(BEGIN + 1_800 * SECOND),
            around: std::time::Duration::from_secs(1_800),
            zone: kolkata(),
            as_of: 1_796_113_800_000,
        },
        as_of: 1_796_113_800_000,
        indexed_until: 1_796_113_700_000,
        kept_since: Some(1_793_000_000_000),
        story: Some(story),
    }
}

fn gaps(story: &Story) -> Vec<(u64, u64, u64, Option<&str>)> {
    let gaps = story.rows.iter().filter_map(|row| match row {
        Row::Gap(gap) => Some((
            gap.first_seq,
            gap.last_seq,
            gap.count,
            gap.reason.as_deref(),
        )),
        Row::Record(_) => None,
    });
    gaps.collect()
}

#[test]
fn a_gap_is_what_seqs_prove_with_the_reason_that_the_device_gave() {
    let known = story(whole(), &[]);
    assert_eq!(
        gaps(&known),
        [(4, 415, 412, Some("disk")), (418, 419, 2, None)]
    );
    // A loss in a queue of which nothing else is there is told by the note alone.
    let mut other = lost(0, 10, (7, 9), "overflow");
    other.rest.attributes[0] = said("loss.queue", "ffffffffffffffff");
    assert_eq!(
        gaps(&story(vec![other], &[])),
        [(7, 9, 3, Some("overflow"))]
    );
    // What others logged is no gap, nor are seqs that only come in another order.
    let mut mixed = whole();
    mixed.truncate(4);
    mixed.reverse();
    assert!(gaps(&story(mixed, &[])).is_empty());
    // What is not shown is there nevertheless.
    let hidden = Story::of(kolkata(), (0, u64::MAX), whole(), |record| {
        record.seq == Some(420)
    });
    assert_eq!(gaps(&hidden).len(), 2);
    assert_eq!(hidden.rows.len(), 3);
}

#[test]
fn a_session_ended_as_a_record_says_and_is_open_without_one() {
    let end = |whole: Vec<Found>, ends: &[Found]| {
        let story = story(whole, ends);
        let session = story
            .sessions
            .iter()
            .find(|session| session.session == "one");
        session.map(|session| (session.end, session.ended.map(|at| (at - BEGIN) / SECOND)))
    };
    let with = |last: Found| {
        let mut whole = whole();
        whole.push(last);
        whole
    };
    assert_eq!(end(whole(), &[]), Some((End::Open, None)));
    let said_so = record(421, 400, 9, "courier", "session_end", vec![]);
    assert_eq!(
        end(with(said_so.clone()), &[]),
        Some((End::Clean, Some(400)))
    );
    assert_eq!(
        end(whole(), &[next_start("session_unclean_exit")]),
        Some((End::Unclean, Some(600)))
    );
    assert_eq!(
        end(with(next_start("app.crash")), &[]),
        Some((End::Crash, Some(600)))
    );
    // Its own word counts, and a program's message of that name is no word of the library.
    assert_eq!(
        end(with(said_so), &[next_start("app.crash")]),
        Some((End::Clean, Some(400)))
    );
    let forged = record(421, 400, 9, "app", "session_end", vec![]);
    assert_eq!(end(with(forged), &[]), Some((End::Open, None)));
}

#[test]
fn what_is_in_short_is_said_by_rules_and_names_its_rows() {
    let story = story(whole(), &[next_start("app.crash")]);
    let said: Vec<(&str, bool)> = story
        .in_short
        .iter()
        .map(|said| (said.text.as_str(), said.record.is_some()))
        .collect();
    assert_eq!(
        said,
        [
            (
                "\u{201c}upload failed\u{201d} (Timeout) 2 times, first at 14:02:00.",
                true
            ),
            (
                "412 records are missing between 14:02:10 and 14:05:00; the device lost them (disk).",
                false
            ),
            (
                "A panic ended the program; its last record is of 14:10:00.",
                false
            ),
        ]
    );
    assert_eq!(story.in_short[0].record, Some("02".repeat(16)));
    let quiet = vec![record(0, 0, 9, "app", "ready", vec![])];
    let quiet = self::story(quiet, &[]).in_short;
    assert_eq!(quiet.len(), 1);
    assert_eq!(
        quiet[0].text,
        "No error in it, nothing is missing, and no run ended badly."
    );
}

#[test]
fn no_control_character_of_a_record_reaches_the_text() {
    let hostile = "\u{1b}[2J\u{7}\r\nadmin: all is well\u{202e}";
    let attributes = vec![
        said("exception.type", hostile),
        said("exception.message", hostile),
        said(hostile, hostile),
        said("client.timestamp", hostile),
    ];
    let mut records = vec![
        record(0, 0, 17, hostile, hostile, attributes),
        lost(9, 9, (4, 8), hostile),
    ];
    for record in &mut records {
        for name in record.names.iter_mut().flatten() {
            name.push_str(hostile);
        }
    }
    let text = text(&told(story(records, &[])), false);
    for line in text.lines() {
        assert!(
            !line.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{line:?}"
        );
        assert!(!line.starts_with("admin"), "{line}");
    }
}

#[test]
fn a_timeline_as_text() {
    insta::assert_snapshot!(text(
        &told(story(whole(), &[next_start("app.crash")])),
        false
    ));
}

#[test]
fn a_timeline_as_json() {
    let json = told_json(&told(story(whole(), &[next_start("app.crash")])));
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).expect("JSON"));
}

#[test]
fn a_timeline_as_markdown() {
    insta::assert_snapshot!(markdown(&told(story(whole(), &[next_start("app.crash")]))));
}

#[test]
fn an_answer_with_nothing_in_it_says_what_there_is() {
    let mut empty = told(story(Vec::new(), &[]));
    let text_of = |told: &Told| text(told, false);
    assert!(
        text_of(&empty).contains("Nothing since 2026-12-01 13:59:00; it may be offline"),
        "{}",
        text_of(&empty)
    );
    if let Some(story) = &mut empty.story {
        story.newer = Some(BEGIN + 7_200 * SECOND);
    }
    assert!(text_of(&empty).contains("the next of 2026-12-01 16:00:00"));
    empty.story = None;
    let said = text_of(&empty);
    assert!(said.contains("Nothing of user \u{201c}ada\u{201d} is in the index"));
    assert!(said.contains("kept since 2026-10-26 "), "{said}");
    assert_eq!(told_json(&empty)["rows"], serde_json::json!([]));
}

#[test]
fn colours_are_there_only_when_they_are_asked_for() {
    let told = told(story(whole(), &[]));
    assert!(!text(&told, false).contains('\u{1b}'));
    let painted = text(&told, true);
    assert!(
        painted.contains("\u{1b}[1;31merror  \u{1b}[0m"),
        "{painted}"
    );
}
