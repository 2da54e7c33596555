//! What nested values cost: as much as their size allows, whatever stands in them.
#![cfg(unix)]

use std::time::Duration;

use courier_sanitize::{Place, Sanitizer};
use serde_json::{Map, Value, json};

type Tree = (&'static str, fn(usize) -> Value);

/// Nested values of some size that try to make a walk look again at what it has seen.
const TREES: &[Tree] = &[
    ("members that begin like `value`", |size| {
        members(size, |at| (format!("v{at}"), json!("x")))
    }),
    ("a name for the value of each", |size| {
        members(size, |at| match at % 2 {
            0 => (format!("name{at}"), json!("token")),
            _ => (format!("value{at}"), json!("x")),
        })
    }),
    ("one name and one value among many", |size| {
        let mut tree = members(size, |at| (format!("value {at}"), json!(at)));
        tree["value"] = json!("x");
        tree["name"] = json!("token");
        tree
    }),
    ("flags and arguments", |size| {
        (0..size)
            .map(|at| json!(["--token", "x1"][at % 2]))
            .collect()
    }),
    ("numbers below secrets", |size| {
        members(size / 8, |at| {
            (format!("token{at}"), json!([1, 2, 3, 4, 5, 6, 7, "x"]))
        })
    }),
    ("a long name over many", |size| {
        let items: Value = (0..size)
            .map(|at| json!(format!("a{at}@example.com")))
            .collect();
        json!({ "n".repeat(4 * size): items })
    }),
    ("deep", |size| {
        let leaf = json!({ "password": "x", "at": "ann@example.com" });
        (0..size / 64)
            .map(|_| (0..60).fold(leaf.clone(), |tree, _| json!({ "a": tree })))
            .collect()
    }),
    ("addresses for names", |size| {
        members(size, |at| (format!("a{at}@example.com"), json!(null)))
    }),
];

fn members(size: usize, member: impl Fn(usize) -> (String, Value)) -> Value {
    Value::Object((0..size).map(member).collect::<Map<_, _>>())
}

/// The time that this thread has worked: on a busy machine less than what has passed.
fn worked() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[test]
fn nested_values_cost_what_their_size_allows() {
    const SIZE: usize = 500;
    let sanitizer = Sanitizer::default();
    let time = |work: &dyn Fn()| {
        let tries = (0..3).map(|_| {
            let start = worked();
            work();
            worked().saturating_sub(start)
        });
        tries.min().unwrap()
    };
    for (name, tree) in TREES {
        let [small, large] = [SIZE, SIZE * 16].map(tree);
        for (way, work) in [
            (
                "cleaned",
                (&|tree: &Value| sanitizer.value(Place::Attribute, &mut tree.clone()))
                    as &dyn Fn(&Value),
            ),
            ("found", &|tree: &Value| {
                drop(sanitizer.find_in(Place::Attribute, tree))
            }),
        ] {
            let (few, many) = (time(&|| work(&small)), time(&|| work(&large)));
            println!("{name}, {way}: {few:?}, {many:?}");
            // A quadratic walk would take 256 times as long.
            assert!(
                many < few * 16 * 4 + Duration::from_millis(20),
                "{name}, {way}: {few:?}, then {many:?}"
            );
        }
    }
}
