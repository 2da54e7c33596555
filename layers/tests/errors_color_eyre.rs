//! color-eyre's report, as it is. Its hook is one for the process, so in a file of its own.

use color_eyre::eyre::{WrapErr as _, eyre};
use tracing_courier::testing;

#[test]
fn a_report_of_color_eyre_arrives_in_parts() {
    color_eyre::install().unwrap();
    let report = Err::<(), _>(eyre!("the inner one"))
        .wrap_err("the middle one")
        .wrap_err("the outer one")
        .unwrap_err();
    let captured = testing::capture();
    tracing::error!(error = ?report, "failed");
    tracing::error!(error = &*report as &dyn std::error::Error);
    for record in captured.records() {
        assert_eq!(
            record.error.as_deref(),
            Some("the outer one\ncaused by: the middle one\ncaused by: the inner one"),
            "{record:#?}"
        );
    }
    assert_eq!(captured.records()[1].message, "the outer one");
}
