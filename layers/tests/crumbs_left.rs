//! Crumbs that a program leaves without an event.

mod child;

use serde_json::{Value, json};
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

#[test]
fn a_crumb_is_cleaned_cut_and_in_the_trail_of_the_next_error_alone() {
    let dir = tempfile::tempdir().unwrap();
    let courier = Courier::builder("app", "1")
        .dir(dir.path())
        .without_panic_hook()
        .start()
        .unwrap();
    let stack = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer());
    tracing::dispatcher::with_default(&tracing::Dispatch::from(stack), || {
        courier.breadcrumb(
            "ui.click",
            "save for ada@example.org",
            json!({"password": "hunter2", "form": "f-7"}),
        );
        courier.breadcrumb("payment", "x".repeat(10_000).as_str(), Value::Null);
        courier.breadcrumb("http", "odd", json!({"long": "y".repeat(10_000)}));
        courier.breadcrumb("\"}],", "quotes \" and \\ and \n", json!([1, 2]));
        tracing::error!("it failed");
    });
    let records = child::records(dir.path(), "it failed");
    let crumbs = records[0]["breadcrumbs"].as_array().unwrap();
    let of = |member: &str| {
        crumbs
            .iter()
            .map(|it| it[member].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("category"), ["ui", "system", "network", "system"]);
    assert_eq!(of("level"), ["info"; 4]);
    assert_eq!(crumbs[0]["message"], "save for [REDACTED:email]");
    assert_eq!(
        crumbs[0]["attributes"],
        json!({"form": "f-7", "password": "[REDACTED]"})
    );
    assert!(
        crumbs[1]["message"]
            .as_str()
            .unwrap()
            .ends_with("…[truncated]")
    );
    assert_eq!(crumbs[1].get("attributes"), None);
    assert!(crumbs[2].to_string().len() < 600, "{}", crumbs[2]);
    assert_eq!(crumbs[3]["message"], "quotes \" and \\ and \n");
    assert_eq!(crumbs[3]["attributes"], json!({"value": [1, 2]}));
    assert!(!records[0].to_string().contains("hunter2"));
    assert_eq!(courier.recent().len(), 5);
}
