use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};
use prost::Message;

use super::*;
use crate::wire::{self, CUT_MARK};

fn received() -> Timestamp {
    "2026-02-06T12:00:06Z".parse().expect("a timestamp")
}

fn map(body: &str) -> ResourceLogs {
    let batch = wire::parse(body.as_bytes(), 1000).expect("a batch");
    let mapped = to_otlp(
        &batch,
        &batch.records,
        &Arrival {
            subject: "sub-1",
            received: received(),
            body: Some([7; 32]),
        },
    );
    let logs = ResourceLogs::decode(&mapped.body[..]).expect("it decodes");
    assert!(
        logs.encode_to_vec().len() == mapped.body.len(),
        "nothing in it that prost does not know"
    );
    let times = || {
        logs.scope_logs
            .iter()
            .flat_map(|scope| &scope.log_records)
            .map(|record| record.time_unix_nano)
    };
    assert_eq!(
        (times().min(), times().max()),
        (Some(mapped.oldest), Some(mapped.newest))
    );
    logs
}

fn text(text: &str) -> AnyValue {
    AnyValue {
        value: Some(Any::StringValue(text.to_owned())),
    }
}

fn int(number: i64) -> AnyValue {
    AnyValue {
        value: Some(Any::IntValue(number)),
    }
}

fn only(body: &str) -> LogRecord {
    let logs = map(body);
    assert_eq!(logs.scope_logs.len(), 1, "one logger");
    logs.scope_logs[0].log_records[0].clone()
}

/// A record with the three required fields and `more`.
fn record(more: &str) -> LogRecord {
    only(&format!(
        r#"[{{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m"{more}}}]"#
    ))
}

fn get<'r>(attributes: &'r [KeyValue], key: &str) -> Option<&'r AnyValue> {
    let mut found = attributes.iter().filter(|pair| pair.key == key);
    let value = found.next().and_then(|pair| pair.value.as_ref());
    assert!(found.next().is_none(), "{key} is there twice");
    value
}

#[test]
fn names_of_the_relay_can_not_be_forged() {
    let log = record(
        r#","attributes":{"logfire.level_num":99,"courier.sender":"me","server.received_at":"then","install.id":"x","client.courier.sender":"y"},"installId":"i-1""#,
    );
    assert_eq!(get(&log.attributes, "logfire.level_num"), None);
    assert_eq!(
        get(&log.attributes, "client.logfire.level_num"),
        Some(&int(99))
    );
    assert_eq!(get(&log.attributes, "courier.sender"), Some(&text("sub-1")));
    assert_eq!(
        get(&log.attributes, "client.courier.sender"),
        Some(&text("me"))
    );
    assert_eq!(
        get(&log.attributes, "client.client.courier.sender"),
        Some(&text("y"))
    );
    assert_eq!(
        get(&log.attributes, "server.received_at"),
        Some(&text("2026-02-06T12:00:06Z"))
    );
    assert_eq!(
        get(&log.attributes, "client.server.received_at"),
        Some(&text("then"))
    );
    assert_eq!(get(&log.attributes, "install.id"), Some(&text("i-1")));
    assert_eq!(get(&log.attributes, "client.install.id"), Some(&text("x")));
    assert_eq!(log.dropped_attributes_count, 0, "nothing had to go");
}

#[test]
fn a_clock_over_a_minute_off_is_corrected_and_says_so() {
    let body = |sent_at: &str| {
        format!(
            r#"{{"sentAt":"{sent_at}","logs":[{{"timestamp":"2026-02-06T10:00:00.5Z","level":"info","message":"m"}}]}}"#
        )
    };
    let log = only(&body("2026-02-06T10:00:01Z"));
    assert_eq!(
        log.time_unix_nano, 1_770_379_205_500_000_000,
        "five and a half seconds before it came"
    );
    assert_eq!(
        get(&log.attributes, "client.timestamp"),
        Some(&text("2026-02-06T10:00:00.5Z"))
    );
    assert_eq!(
        get(&log.attributes, "client.clock_skew_ms"),
        Some(&int(7_205_000))
    );

    let log = only(&body("2026-02-06T11:59:06Z"));
    assert_eq!(
        log.time_unix_nano, 1_770_372_000_500_000_000,
        "a minute is not over a minute"
    );
    assert_eq!(get(&log.attributes, "client.timestamp"), None);
    assert_eq!(get(&log.attributes, "client.clock_skew_ms"), None);
}

#[test]
fn a_time_before_1970_is_kept_as_text() {
    let log = only(r#"[{"timestamp":"0001-01-01T00:00:00Z","level":"info","message":"m"}]"#);
    assert_eq!(log.time_unix_nano, 0);
    assert_eq!(
        get(&log.attributes, "client.timestamp"),
        Some(&text("0001-01-01T00:00:00Z"))
    );
}

#[test]
fn too_many_attributes_and_too_long_values_are_cut_and_counted() {
    let many: Vec<String> = (0..200).map(|n| format!("\"a{n}\":{n}")).collect();
    let log = record(&format!(",\"attributes\":{{{}}}", many.join(",")));
    assert_eq!(
        log.attributes
            .iter()
            .filter(|pair| pair.key.starts_with('a'))
            .count(),
        128
    );
    assert_eq!(log.dropped_attributes_count, 72);

    let log = record(&format!(
        ",\"attributes\":{{\"long\":\"{}\",\"short\":1}}",
        "x".repeat(40_000)
    ));
    let Some(Any::StringValue(long)) =
        get(&log.attributes, "long").and_then(|value| value.value.as_ref())
    else {
        panic!("text stays text");
    };
    assert_eq!(long.len(), MAX_VALUE_BYTES);
    assert!(long.ends_with(CUT_MARK));
    assert_eq!(get(&log.attributes, "short"), Some(&int(1)));
    assert_eq!(log.dropped_attributes_count, 1);
}

#[test]
fn sixteen_levels_are_kept_and_the_seventeenth_is_json_text() {
    let deep = format!("{}1{}", "[".repeat(18), "]".repeat(18));
    let log = record(&format!(",\"attributes\":{{\"a\":{deep}}}"));
    let mut value = get(&log.attributes, "a").expect("it is there").clone();
    for level in 1..=16 {
        let Some(Any::ArrayValue(list)) = value.value else {
            panic!("level {level} is {value:?}")
        };
        value = list.values[0].clone();
    }
    assert_eq!(value, text("[[1]]"));
}

#[test]
fn trace_ids_are_bytes_and_invalid_ones_are_kept_as_text() {
    let log =
        record(r#","traceId":"2858b245789667e5f284d6f014f510EC","span_id":"a1b2c3d4e5f67890""#);
    assert_eq!(
        log.trace_id,
        [
            0x28, 0x58, 0xb2, 0x45, 0x78, 0x96, 0x67, 0xe5, 0xf2, 0x84, 0xd6, 0xf0, 0x14, 0xf5,
            0x10, 0xec
        ]
    );
    assert_eq!(
        log.span_id,
        [0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x78, 0x90]
    );
    assert_eq!(get(&log.attributes, "client.trace_id"), None);

    for invalid in [
        "abc",
        "00000000000000000000000000000000",
        "zz58b245789667e5f284d6f014f510ec",
        "é858b245789667e5f284d6f014f510ec",
    ] {
        let log = record(&format!(",\"traceId\":\"{invalid}\",\"spanId\":null"));
        assert!(log.trace_id.is_empty(), "{invalid}");
        assert_eq!(
            get(&log.attributes, "client.trace_id"),
            Some(&text(invalid))
        );
        assert_eq!(get(&log.attributes, "client.span_id"), None);
    }
}

#[test]
fn an_error_is_split_at_its_first_colon_and_has_a_fingerprint() {
    let at = |level: &str, more: &str| {
        only(&format!(
            r#"[{{"timestamp":"2026-02-06T12:00:00Z","level":"{level}","message":"m"{more}}}]"#
        ))
    };
    let log = at(
        "error",
        r#","error":"Timeout: no answer: 5 s","stackTrace":"0: app::main""#,
    );
    assert_eq!(
        get(&log.attributes, "exception.type"),
        Some(&text("Timeout"))
    );
    assert_eq!(
        get(&log.attributes, "exception.message"),
        Some(&text("no answer: 5 s"))
    );
    assert_eq!(
        get(&log.attributes, "exception.stacktrace"),
        Some(&text("0: app::main"))
    );
    assert_eq!(
        get(&log.attributes, "error.fingerprint"),
        Some(&text(&fingerprint("Timeout", "0: app::main")))
    );

    let log = at("fatal", r#","error":"no colon""#);
    assert_eq!(get(&log.attributes, "exception.type"), None);
    assert_eq!(
        get(&log.attributes, "exception.message"),
        Some(&text("no colon"))
    );
    assert_eq!(
        get(&log.attributes, "error.fingerprint"),
        Some(&text(&fingerprint("", "")))
    );

    assert_eq!(
        get(
            &at("warn", r#","error":"A: b""#).attributes,
            "error.fingerprint"
        ),
        None
    );
}

#[test]
fn a_record_wins_over_its_context_and_nobody_is_nobody() {
    let body = |more: &str| {
        format!(
            r#"{{"context":{{"installId":"ci","sessionId":"cs","userId":"cu"}},"logs":[{{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m"{more}}}]}}"#
        )
    };
    let cases = [
        ("", Some("ci"), Some("cs"), Some("cu")),
        (
            r#","install_id":"ri","sessionId":"rs","userId":"ru""#,
            Some("ri"),
            Some("rs"),
            Some("ru"),
        ),
        (
            r#","installId":null,"sessionId":null,"userId":null"#,
            Some("ci"),
            Some("cs"),
            None,
        ),
    ];
    for (more, install, session, user) in cases {
        let log = only(&body(more));
        assert_eq!(
            get(&log.attributes, "install.id"),
            install.map(text).as_ref(),
            "{more}"
        );
        assert_eq!(
            get(&log.attributes, "session.id"),
            session.map(text).as_ref(),
            "{more}"
        );
        assert_eq!(
            get(&log.attributes, "user.id"),
            user.map(text).as_ref(),
            "{more}"
        );
    }
}

#[test]
fn the_instance_is_the_install_unless_the_resource_says() {
    let record = |install: &str| {
        format!(r#"{{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m"{install}}}"#)
    };
    let of_records = format!(
        r#"{{"resource":{{}},"logs":[{},{}]}}"#,
        record(""),
        record(r#","installId":"i-1""#)
    );
    let of_context = format!(
        r#"{{"context":{{"installId":"i-2"}},"logs":[{}]}}"#,
        record(r#","installId":"i-1""#)
    );
    let of_resource = format!(
        r#"{{"resource":{{"service.instance.id":"i-3"}},"logs":[{}]}}"#,
        record(r#","installId":"i-1""#)
    );
    for (body, instance) in [
        (of_records, "i-1"),
        (of_context, "i-2"),
        (of_resource, "i-3"),
    ] {
        let resource = map(&body).resource.expect("a resource");
        assert_eq!(
            get(&resource.attributes, "service.instance.id"),
            Some(&text(instance)),
            "{body}"
        );
    }
}

#[test]
fn records_are_grouped_by_logger_in_their_order() {
    let record = |logger: &str, n: u8| {
        format!(
            r#"{{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"{n}","logger":"{logger}"}}"#
        )
    };
    let logs = map(&format!(
        "[{},{},{}]",
        record("a", 1),
        record("b", 2),
        record("a", 3)
    ));
    let shape: Vec<(String, Vec<Option<AnyValue>>)> = logs
        .scope_logs
        .into_iter()
        .map(|scope| {
            (
                scope.scope.unwrap_or_default().name,
                scope.log_records.into_iter().map(|log| log.body).collect(),
            )
        })
        .collect();
    assert_eq!(
        shape,
        [
            ("a".to_owned(), vec![Some(text("1")), Some(text("3"))]),
            ("b".to_owned(), vec![Some(text("2"))])
        ]
    );
}

#[test]
fn an_errors_type_is_told_or_is_an_identifier_before_the_first_colon() {
    let cases = [
        (
            r#""error":"Timeout: no answer""#,
            Some("Timeout"),
            Some("no answer"),
        ),
        (
            r#""error":"uploading /nope/x.bin: not found""#,
            None,
            Some("uploading /nope/x.bin: not found"),
        ),
        (
            r#""error":"uploading: not found","errorType":"io::NotFound""#,
            Some("io::NotFound"),
            Some("uploading: not found"),
        ),
        (
            r#""error":"io::NotFound: gone","error_type":"io::NotFound""#,
            Some("io::NotFound"),
            Some("gone"),
        ),
        (r#""errorType":"app::Sync""#, Some("app::Sync"), None),
        (
            r#""error":"a b","errorType":"two words""#,
            None,
            Some("a b"),
        ),
        (
            r#""error":"starting: not found","errorType":"""#,
            None,
            Some("starting: not found"),
        ),
    ];
    for (more, kind, message) in cases {
        let log = only(&format!(
            r#"[{{"timestamp":"2026-02-06T12:00:00Z","level":"error","message":"m",{more}}}]"#
        ));
        let of = |name| get(&log.attributes, name).cloned();
        assert_eq!(of("exception.type"), kind.map(text), "{more}");
        assert_eq!(of("error.type"), kind.map(text), "{more}");
        assert_eq!(of("exception.message"), message.map(text), "{more}");
    }
}

#[test]
fn each_record_of_a_known_installation_has_its_support_code() {
    let log = |context: &str, more: &str| {
        only(&format!(
            r#"{{{context}"logs":[{{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m"{more}}}]}}"#
        ))
    };
    let code = |context, more| get(&log(context, more).attributes, "courier.support_code").cloned();
    assert_eq!(
        code(r#""context":{"installId":"abc"},"#, ""),
        Some(text("Q9W1-DFWF-4"))
    );
    assert_eq!(code("", r#","installId":"abc""#), Some(text("Q9W1-DFWF-4")));
    assert_eq!(code("", ""), None);
}

#[test]
fn what_was_over_the_cap_on_members_is_said_on_the_record() {
    let members: Vec<String> = (0..5000).map(|n| format!("\"k{n}\":{n}")).collect();
    let record = only(&format!(
        r#"[{{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m","attributes":{{{}}}}}]"#,
        members.join(",")
    ));
    let said = record
        .attributes
        .iter()
        .find(|pair| pair.key == "courier.dropped_members");
    assert_eq!(said.and_then(|pair| pair.value.clone()), Some(int(904)));
    assert_eq!(record.dropped_attributes_count, 5000 - 128);
}

#[test]
fn our_own_events_have_names_and_a_clients_word_comes_first() {
    let name = |logger: &str, message: &str, more: &str| {
        let record = only(&format!(
            r#"{{"logs":[{{"timestamp":"2026-02-06T12:00:00Z","level":"info","logger":"{logger}","message":"{message}"{more}}}]}}"#
        ));
        record.event_name
    };
    for (logger, message, more, expected) in [
        ("courier", "session_start", "", "session.start"),
        ("courier", "session_end", "", "session.end"),
        ("courier", "app.crash", "", "app.crash"),
        (
            "courier",
            "session_unclean_exit",
            "",
            "courier.session.unclean_exit",
        ),
        (
            "courier",
            "log_level_changed",
            "",
            "courier.log_level_changed",
        ),
        ("courier", "network_changed", "", "courier.network_changed"),
        ("courier", "records lost", "", "courier.records_lost"),
        (
            "panic",
            "oh",
            r#","attributes":{"panic":true}"#,
            "exception",
        ),
        ("panic", "oh", "", ""),
        ("app", "session_start", "", ""),
        (
            "app",
            "slow frame",
            r#","eventName":"app.jank""#,
            "app.jank",
        ),
        (
            "courier",
            "session_start",
            r#","event_name":"other""#,
            "other",
        ),
    ] {
        assert_eq!(
            name(logger, message, more),
            expected,
            "{logger} {message} {more}"
        );
    }
}

#[test]
fn a_record_is_named_for_everybody_the_same_each_time_and_no_client_can_name_it() {
    let uid = |queue: &str, q: &str, attributes: &str| {
        let logs = map(&format!(
            r#"{{"context":{{{queue}"installId":"i-1"}},"logs":[{{{q}"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m","attributes":{{{attributes}}}}}]}}"#
        ));
        let attributes = logs.scope_logs[0].log_records[0].attributes.clone();
        move |name: &str| {
            let pair = attributes.iter().find(|pair| pair.key == name);
            match pair.and_then(|pair| pair.value.clone()?.value) {
                Some(Any::StringValue(text)) => text,
                other => format!("{other:?}"),
            }
        }
    };
    let queue = r#""queue":"9f86d081884c7d65","#;
    let q = r#""q":"000000000000002a-00000001-00000000","#;
    let expected =
        crate::fingerprint::hex(&crate::wire::uid::queued("sub-1", "9f86d081884c7d65", 42));
    let named = uid(
        queue,
        q,
        r#""log.record.uid":"forged","app.installation.id":"forged""#,
    );
    assert_eq!(named("log.record.uid"), expected);
    assert_eq!(named("client.log.record.uid"), "forged");
    assert_eq!(named("app.installation.id"), "i-1");
    assert_eq!(named("client.app.installation.id"), "forged");
    let unnamed = crate::fingerprint::hex(&crate::wire::uid::in_body(&[7; 32], 0));
    assert_eq!(uid(queue, "", "")("log.record.uid"), unnamed);
    assert_eq!(uid("", q, "")("log.record.uid"), unnamed);
}

#[test]
fn a_record_keeps_its_name_whichever_of_its_batch_were_there_before() {
    let body = r#"{"context":{"queue":"9f86d081884c7d65"},"logs":[
        {"timestamp":"2026-02-06T12:00:00Z","level":"nonsense","message":"rejected"},
        {"q":"000000000000002a-00000001-00000000","timestamp":"2026-02-06T12:00:00Z","level":"info","logger":"b","message":"named"},
        {"timestamp":"2026-02-06T12:00:00Z","level":"info","logger":"a","message":"of a"},
        {"timestamp":"2026-02-06T12:00:00Z","level":"info","logger":"b","message":"of b"}]}"#;
    let names = |skipped: usize| {
        let batch = wire::parse(body.as_bytes(), 1000).expect("a batch");
        let arrival = Arrival {
            subject: "sub-1",
            received: received(),
            body: Some([7; 32]),
        };
        let mapped = to_otlp(&batch, &batch.records[skipped..], &arrival);
        let logs = ResourceLogs::decode(&mapped.body[..]).expect("it decodes");
        let records = logs.scope_logs.into_iter().flat_map(|of| of.log_records);
        let named = records.map(|record| {
            let uid = get(&record.attributes, "log.record.uid").cloned();
            (format!("{:?}", record.body), uid.expect("it has one"))
        });
        named.collect::<std::collections::BTreeMap<_, _>>()
    };
    let all = names(0);
    let rest = names(1);
    assert_eq!((all.len(), rest.len()), (3, 2));
    for (record, uid) in rest {
        assert_eq!(all[&record], uid, "{record}");
    }
    let third = text(&hex(&uid::in_body(&[7; 32], 3)));
    assert!(
        all.values().any(|uid| *uid == third),
        "by its place in the body"
    );
}
