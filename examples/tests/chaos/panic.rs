//! The program panics.

use opentelemetry_proto::tonic::common::v1::any_value::Value;

use crate::process::poll;
use crate::relay::Relay;
use crate::upstream::{Upstream, attribute, records, text};
use crate::{program, stored};

#[test]
fn a_panic_is_on_disk_with_its_stack_and_the_next_start_brings_it_home() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("program");
    let ended = program::start(&root, &["--panic-at", "25", "--print-acked"]).wait();
    assert_eq!(ended.code, Some(101), "{:#?}", ended.stderr);
    assert!(program::acked(&ended).into_iter().eq(0..=25));

    let on_disk = stored::cat(&root);
    let panics: Vec<_> = on_disk
        .iter()
        .filter(|record| record.level == "fatal")
        .collect();
    let [panic] = panics[..] else {
        panic!("{on_disk:#?}");
    };
    assert_eq!(panic.message, "asked to panic after record 25");
    assert_eq!(panic.attributes["panic"], true);
    let stack = panic.stack_trace.as_deref().expect("a stack trace");
    assert!(stack.contains("examples/field_app.rs:"), "{stack}");
    let crumbs: Vec<&str> = panic
        .breadcrumbs
        .iter()
        .map(|crumb| crumb.message.as_str())
        .collect();
    assert_eq!(crumbs, ["record"; 20], "the last of what came before");

    let upstream = Upstream::start();
    let relay = Relay::start(&dir.path().join("relay"), &upstream.receiver().url());
    let (url, token) = (relay.url(), relay.token("user-abc"));
    let args = ["--records", "0", "--relay", &url, "--token", &token];
    program::assert_delivered(&program::start(&root, &args).wait());
    assert!(
        stored::cat(&root)
            .iter()
            .all(|record| record.level != "fatal")
    );

    let home = poll("the panic upstream", || {
        let requests = upstream.receiver().requests();
        let mut fatal = requests
            .iter()
            .flat_map(records)
            .filter(|record| record.severity_number == 21);
        fatal.next().cloned()
    });
    assert_eq!(
        attribute(&home, "panic"),
        Some(&Value::BoolValue(true)),
        "typed"
    );
    assert_eq!(text(&home, "exception.type"), Some("panic"));
    assert_eq!(
        text(&home, "exception.message"),
        Some("asked to panic after record 25")
    );
    assert_eq!(text(&home, "exception.stacktrace"), Some(stack));
    assert_eq!(text(&home, "error.fingerprint").map(str::len), Some(64));
    assert_eq!(text(&home, "courier.sender"), Some("user-abc"));
}
