//! What the encoder writes, beside the table of fields.

mod child;

use std::collections::BTreeSet;
use std::io;

use tracing::{Dispatch, dispatcher, error, info_span};
use tracing_courier::prelude::*;
use tracing_courier::record::{Field, Written};
use tracing_subscriber::prelude::*;

#[test]
fn a_record_with_everything_has_each_field_that_our_programs_write() {
    let dir = tempfile::tempdir().unwrap();
    let courier = Courier::builder("app", "1")
        .dir(dir.path())
        .user("user-abc")
        .trace_ids(|| Some((1, 1)))
        .without_panic_hook()
        .start()
        .unwrap();
    let stack: Dispatch = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .into();
    dispatcher::with_default(&stack, || {
        courier.breadcrumb("ui", "save", serde_json::Value::Null);
        let gone = io::Error::new(io::ErrorKind::NotFound, "gone");
        let gone = &gone as &dyn std::error::Error;
        info_span!("request").in_scope(|| {
            error!(
                error = gone,
                stack_trace = "0: app::main",
                n = 1,
                "it failed"
            )
        });
    });
    let record = &child::records(dir.path(), "it failed")[0];
    let mut members = record.as_object().unwrap().clone();
    // What holds for many records stands before them on the disk.
    members.retain(|name, _| name != "context" && name != "resource");
    let names: BTreeSet<&str> = members.keys().map(String::as_str).collect();
    let fields = Field::ALL.iter();
    let written =
        fields.filter(|field| matches!(field.written(), Written::InRecord | Written::ByQueue));
    assert_eq!(
        names,
        written.map(|field| field.name()).collect(),
        "{record}"
    );

    let context = courier.session().wire_context();
    let names: BTreeSet<&str> = context.keys().map(String::as_str).collect();
    let fields = Field::ALL.iter();
    let written = fields.filter(|field| field.written() == Written::InContext);
    assert_eq!(names, written.map(|field| field.name()).collect());
}
