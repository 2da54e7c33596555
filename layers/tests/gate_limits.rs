//! What a program logs by mistake or under attack costs its own thread a bounded time and memory: values without an
//! end, chains without an end, spans by the thousand.

use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::ser::{Serialize, SerializeSeq as _, SerializeStruct as _, Serializer};
use serde_json::Value;
use tracing::{Span, error, info, info_span};
use tracing_courier::{Record, json, testing};

/// The most that is rendered of one value, in bytes.
const VALUE: usize = 128 * 1024;
/// The most that is rendered of one event, in bytes.
const EVENT: usize = 256 * 1024;
const CUT: &str = "…[truncated]";

/// The processor time that `work` takes on this thread.
fn cpu(work: impl FnOnce()) -> Duration {
    let now = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    };
    let before = now();
    work();
    now() - before
}

fn only(captured: &testing::Captured) -> Record {
    let mut records = captured.records();
    assert_eq!(records.len(), 1);
    records.remove(0)
}

/// Writes up to this many bytes, a few at a time, and goes on when it is told to stop, if it is stubborn.
struct Long<'a> {
    bytes: usize,
    is_stubborn: bool,
    written: &'a Cell<usize>,
}

impl fmt::Debug for Long<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PIECE: &str = "all work and no play makes jack a dull boy, and so does this li\n";
        for _ in 0..self.bytes / PIECE.len() {
            let result = f.write_str(PIECE);
            if !self.is_stubborn {
                result?;
            }
            self.written.set(self.written.get() + PIECE.len());
        }
        Ok(())
    }
}

#[test]
fn a_debug_of_a_gigabyte_is_cut_while_it_is_written() {
    for is_stubborn in [false, true] {
        let captured = testing::capture();
        let written = Cell::new(0);
        let bytes = if is_stubborn { 1 << 26 } else { 1 << 30 };
        let long = Long {
            bytes,
            is_stubborn,
            written: &written,
        };
        info!(value = ?long, "long");
        let record = only(&captured);
        let value = record.attributes["value"].as_str().unwrap();
        assert!(
            value.len() <= VALUE && value.contains("[TRUNCATED:"),
            "{}",
            value.len()
        );
        if !is_stubborn {
            assert!(written.get() <= VALUE, "{}", written.get());
        }
    }
}

#[test]
fn an_event_is_rendered_up_to_a_limit_in_all() {
    let written = Cell::new(0);
    let long = Long {
        bytes: VALUE / 2,
        is_stubborn: false,
        written: &written,
    };
    let captured = testing::capture();
    info!(
        a = ?long, b = ?long, c = ?long, d = ?long, e = ?long, f = ?long, g = ?long, h = ?long, i = ?long, j = ?long,
        last = ?"the last one",
        number = 7,
        "ten of them"
    );
    assert!(written.get() <= EVENT, "{} bytes rendered", written.get());
    let record = only(&captured);
    assert_eq!(record.attributes["last"], CUT);
    assert_eq!(record.attributes["number"], 7);
    assert_eq!(record.message, "ten of them");
}

/// Its own cause, for ever; each text is long.
struct Endless<'a> {
    bytes: usize,
    shown: &'a Cell<usize>,
}

impl fmt::Debug for Endless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endless")
    }
}

impl fmt::Display for Endless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for _ in 0..self.bytes {
            f.write_char('x')?;
            self.shown.set(self.shown.get() + 1);
        }
        Ok(())
    }
}

impl Error for Endless<'static> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

#[test]
fn a_chain_of_causes_without_an_end_is_rendered_up_to_a_limit_in_all() {
    let shown: &'static Cell<usize> = Box::leak(Box::new(Cell::new(0)));
    let endless = Endless {
        bytes: 100_000,
        shown,
    };
    let captured = testing::capture();
    error!(error = &endless as &dyn Error, "loop");
    assert!(shown.get() <= VALUE, "{} bytes rendered", shown.get());
    let record = only(&captured);
    assert!(record.error.unwrap().len() <= VALUE + 1024);
}

#[test]
fn a_short_chain_of_causes_without_an_end_ends() {
    let shown: &'static Cell<usize> = Box::leak(Box::new(Cell::new(0)));
    let captured = testing::capture();
    error!(error = &Endless { bytes: 3, shown } as &dyn Error, "loop");
    let error = only(&captured).error.unwrap();
    assert_eq!(error.lines().count(), 17, "{error}");
}

/// A list whose nodes lie within one another.
struct Node(usize);

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut node = serializer.serialize_struct("Node", 2)?;
        node.serialize_field("depth", &self.0)?;
        node.serialize_field("next", &Node(self.0 + 1))?;
        node.end()
    }
}

/// A sequence that ends after 2^40 numbers, and counts those that were asked for.
struct Numbers<'a>(&'a Cell<u64>);

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut numbers = serializer.serialize_seq(None)?;
        for number in 0..1_u64 << 40 {
            numbers.serialize_element(&number)?;
            self.0.set(number);
        }
        numbers.end()
    }
}

#[test]
fn a_nested_value_without_an_end_is_cut_in_depth_and_width() {
    let captured = testing::capture();
    info!(deep = ?json(&Node(0)), "deep");
    let record = only(&captured);
    assert_eq!(record.attributes["deep"]["next"]["next"]["depth"], 2);
    assert!(record.attributes["deep"].to_string().contains(CUT));
    drop(captured);

    let captured = testing::capture();
    let asked = Cell::new(0);
    let wide = serde_json::json!({"before": 1});
    info!(wide = ?json(&(wide, Numbers(&asked))), "wide");
    assert!(asked.get() < 100_000, "{}", asked.get());
    let record = only(&captured);
    let wide = &record.attributes["wide"];
    assert_eq!(wide[0]["before"], 1);
    assert_eq!(wide[1][3], 3);
    assert!(wide.to_string().contains(CUT));
}

#[test]
fn a_nested_value_is_what_serde_json_makes_of_it() {
    #[derive(serde::Serialize)]
    enum Shape {
        Unit,
        New(i8),
        Tuple(u8, char),
        Struct { a: Option<bool>, b: f32 },
    }
    #[derive(serde::Serialize)]
    struct All<'a> {
        shapes: [Shape; 4],
        unit: (),
        text: &'a str,
        float: f64,
        not_a_number: f64,
        by_number: std::collections::BTreeMap<i32, [u8; 2]>,
        by_text: std::collections::BTreeMap<char, Value>,
        empty: [u8; 0],
        tree: Value,
    }
    let all = All {
        shapes: [
            Shape::Unit,
            Shape::New(-3),
            Shape::Tuple(4, 'ä'),
            Shape::Struct { a: None, b: 0.1 },
        ],
        unit: (),
        text: "a \"b\"\n",
        float: 0.1 + 0.2,
        not_a_number: f64::NAN,
        by_number: [(-1, [1, 2])].into(),
        by_text: [('x', Value::Null)].into(),
        empty: [],
        tree: serde_json::json!({"a": [1, -1, 1.5, true, null, {"b": u64::MAX}]}),
    };
    let captured = testing::capture_with(tracing_courier::SanitizeLayer::none());
    info!(all = ?json(&all), "all");
    let expected = serde_json::to_value(&all).unwrap();
    assert_eq!(only(&captured).attributes["all"], expected);
    assert_eq!(format!("{:?}", json(&all)), expected.to_string());
}

#[test]
fn spans_10_000_deep_cost_an_event_no_more_than_1_000() {
    let time = |deep: usize| {
        let captured = testing::capture();
        let mut spans: Vec<tracing::span::EnteredSpan> = Vec::new();
        for depth in 0..deep {
            spans.push(info_span!("level", depth, a = 1, b = 2).entered());
        }
        let took = cpu(|| {
            for _ in 0..20 {
                info!("at the bottom");
            }
        });
        let records = captured.records();
        assert_eq!(records[0].attributes["depth"], deep - 1);
        // From the innermost, as they were entered the other way round.
        while spans.pop().is_some() {}
        took
    };
    let (thousand, ten_thousand) = (time(1_000), time(10_000));
    assert!(
        ten_thousand < thousand * 3,
        "{thousand:?} for 1,000, {ten_thousand:?} for 10,000"
    );
}

#[test]
fn a_record_holds_a_bounded_number_of_attributes() {
    let fields = many::callsite(3_000, tracing_core::Kind::EVENT);
    let captured = testing::capture();
    let took = cpu(|| many::event(fields, &Value::from(1)));
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(only(&captured).attributes.len(), 1_024);
}

#[test]
fn a_span_of_300_fields_that_is_recorded_again_and_again_keeps_a_bounded_text() {
    let captured = testing::capture();
    let fields = many::callsite(300, tracing_core::Kind::SPAN);
    let span = many::span(fields);
    let long = "x".repeat(60_000);
    let took = cpu(|| {
        for round in 0..2_000 {
            let field = fields.fields().iter().nth(round % 300).unwrap();
            span.record(&field, long.as_str());
        }
    });
    // Without a bound 18 MB are copied at each call.
    assert!(took < Duration::from_secs(20), "{took:?}");
    span.in_scope(|| info!("within"));
    let record = only(&captured);
    let bytes: usize = record
        .attributes
        .values()
        .map(|value| value.as_str().unwrap().len())
        .sum();
    assert_eq!(record.attributes.len(), 300);
    assert!(bytes < EVENT + 64 * 1024, "{bytes}");
}

/// Callsites of any number of fields.
mod many {
    use std::sync::OnceLock;

    use serde_json::Value;
    use tracing::Span;
    use tracing_core::callsite::{Callsite, Identifier};
    use tracing_core::field::{FieldSet, Value as Recorded};
    use tracing_core::subscriber::Interest;
    use tracing_core::{Event, Kind, Level, Metadata};

    struct AnyCallsite(OnceLock<Metadata<'static>>);

    impl Callsite for AnyCallsite {
        fn set_interest(&self, _: Interest) {}

        fn metadata(&self) -> &Metadata<'_> {
            self.0.get().unwrap()
        }
    }

    pub fn callsite(fields: usize, kind: Kind) -> &'static Metadata<'static> {
        let names: Vec<&'static str> = (0..fields)
            .map(|at| &*Box::leak(format!("f{at}").into_boxed_str()))
            .collect();
        let callsite: &'static AnyCallsite = Box::leak(Box::new(AnyCallsite(OnceLock::new())));
        callsite.0.get_or_init(|| {
            let fields = FieldSet::new(Box::leak(names.into_boxed_slice()), Identifier(callsite));
            Metadata::new(
                "many",
                "limits",
                Level::INFO,
                None,
                None,
                None,
                fields,
                kind,
            )
        })
    }

    pub fn event(metadata: &'static Metadata<'static>, value: &Value) {
        let value = value.as_u64().unwrap_or_default();
        let values: Vec<Option<&dyn Recorded>> = metadata
            .fields()
            .iter()
            .map(|_| Some(&value as &dyn Recorded))
            .collect();
        Event::dispatch(metadata, &metadata.fields().value_set_all(&values));
    }

    pub fn span(metadata: &'static Metadata<'static>) -> Span {
        let values: Vec<Option<&dyn Recorded>> = metadata.fields().iter().map(|_| None).collect();
        Span::new(metadata, &metadata.fields().value_set_all(&values))
    }
}

#[test]
fn a_display_that_panics_costs_its_own_value_only() {
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("in Debug")
        }
    }
    impl fmt::Display for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("in Display")
        }
    }
    impl Error for Panics {}
    let captured = testing::capture();
    error!(error = &Panics as &dyn Error, other = 1, value = ?Panics, "the record");
    let span: Span = info_span!("span", value = %Panics, kept = true);
    span.in_scope(|| info!("in a span"));
    let records = captured.records();
    assert_eq!(records[0].message, "the record");
    assert_eq!(records[0].attributes["other"], 1);
    assert_eq!(records[0].attributes["value"], "[FORMAT PANIC]");
    assert_eq!(records[0].error.as_deref(), Some("[FORMAT PANIC]"));
    assert_eq!(records[1].attributes["kept"], true);
    assert_eq!(records[1].attributes["value"], "[FORMAT PANIC]");
}
