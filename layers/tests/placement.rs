//! Each of our layers in each placement: inside a gate it records clean data, outside it records nothing and counts.

mod printed;

use printed::{Printed, fmt_layer};
use tracing::{Dispatch, Subscriber, dispatcher, info, info_span};
use tracing_courier::{
    BreadcrumbLayer, Breadcrumbs, DiskQueue, DiskQueueLayer, Loss, SanitizeExt, SanitizeLayer,
};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Registry, reload};

/// Both layers as one boxed list, so that every placement can take them.
struct Ours {
    _dir: tempfile::TempDir,
    crumbs: Breadcrumbs,
    queue: DiskQueue,
}

impl Ours {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            crumbs: Breadcrumbs::new(),
            queue: DiskQueue::open(dir.path()).unwrap(),
            _dir: dir,
        }
    }

    fn crumb_layer(&self) -> BreadcrumbLayer {
        BreadcrumbLayer::new(&self.crumbs)
    }

    fn disk_layer(&self) -> DiskQueueLayer {
        DiskQueueLayer::new(&self.queue).breadcrumbs(&self.crumbs)
    }

    fn boxed<S>(&self) -> Vec<Box<dyn Layer<S> + Send + Sync>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        vec![self.crumb_layer().boxed(), self.disk_layer().boxed()]
    }

    /// What both recorded of one event: the crumb's message, and the record on disk.
    fn after(&self, stack: &Dispatch) -> (Vec<String>, Vec<serde_json::Value>) {
        dispatcher::with_default(stack, || {
            info_span!("s", of = "bob@example.org").in_scope(|| info!("of ada@example.org"));
        });
        let crumbs = self.crumbs.recent().into_iter().map(|crumb| crumb.message);
        let mut records = Vec::new();
        while let Some(batch) = self.queue.drain(100, 900_000) {
            records.extend(
                (0..batch.len()).map(|at| serde_json::from_slice(batch.record(at)).unwrap()),
            );
            self.queue.confirm(batch.token());
        }
        (crumbs.collect(), records)
    }
}

fn assert_clean(placement: &str, ours: &Ours, stack: &Dispatch) {
    let (crumbs, records) = ours.after(stack);
    assert_eq!(crumbs, ["of [REDACTED:email]"], "{placement}");
    assert_eq!(records.len(), 1, "{placement}");
    assert_eq!(records[0]["message"], "of [REDACTED:email]", "{placement}");
    assert_eq!(
        records[0]["attributes"]["of"], "[REDACTED:email]",
        "{placement}"
    );
    assert_eq!(ours.queue.losses().count(Loss::NoGate), 0, "{placement}");
}

fn assert_closed(placement: &str, ours: &Ours, stack: &Dispatch) {
    let (crumbs, records) = ours.after(stack);
    assert!(crumbs.is_empty(), "{placement}: {crumbs:?}");
    assert!(records.is_empty(), "{placement}: {records:?}");
    assert_eq!(ours.queue.losses().count(Loss::NoGate), 1, "{placement}");
}

#[test]
fn behind_a_gate_every_placement_records_clean_data() {
    let policy = SanitizeLayer::default;

    let ours = Ours::new();
    let stack = Registry::default()
        .with(ours.crumb_layer())
        .with(ours.disk_layer())
        .sanitized(policy());
    assert_clean("in the list", &ours, &stack.into());

    let ours = Ours::new();
    let stack = Registry::default().with(ours.boxed()).sanitized(policy());
    assert_clean("boxed in a Vec", &ours, &stack.into());

    let ours = Ours::new();
    let stack = Registry::default()
        .with(Some(ours.crumb_layer()))
        .with(Some(ours.disk_layer()))
        .sanitized(policy());
    assert_clean("in an Option", &ours, &stack.into());

    let ours = Ours::new();
    let (layers, swap) = reload::Layer::new(Ours::new().boxed());
    let stack = Registry::default().with(layers).sanitized(policy()).into();
    // Within: outside of it tracing-core would ask the thread's default, which is none, what it is interested in.
    dispatcher::with_default(&stack, || swap.reload(ours.boxed()).unwrap());
    assert_clean("swapped in by reload", &ours, &stack);

    let ours = Ours::new();
    let stack = Registry::default()
        .with(ours.crumb_layer().with_filter(LevelFilter::INFO))
        .with(ours.disk_layer().with_filter(LevelFilter::INFO))
        .with(fmt_layer(&Printed::default()).with_filter(LevelFilter::OFF))
        .sanitized(policy());
    assert_clean("inside a Filtered", &ours, &stack.into());

    let ours = Ours::new();
    let stack = Registry::default()
        .with(policy().around(ours.crumb_layer()))
        .with(policy().around(ours.disk_layer()));
    assert_clean("each in a gate of its own", &ours, &stack.into());
}

#[test]
fn without_a_gate_every_placement_records_nothing_and_counts() {
    let ours = Ours::new();
    let stack = Registry::default()
        .with(ours.crumb_layer())
        .with(ours.disk_layer());
    assert_closed("in the list", &ours, &stack.into());

    let ours = Ours::new();
    let stack = Registry::default().with(ours.boxed());
    assert_closed("boxed in a Vec", &ours, &stack.into());

    let ours = Ours::new();
    let stack = Registry::default()
        .with(SanitizeLayer::default().around(fmt_layer(&Printed::default())))
        .with(ours.crumb_layer())
        .with(ours.disk_layer());
    assert_closed("beside a gate around somebody else", &ours, &stack.into());

    let ours = Ours::new();
    let stack = Registry::default()
        .sanitized(SanitizeLayer::default())
        .into_raw_subscriber()
        .with(ours.crumb_layer())
        .with(ours.disk_layer());
    assert_closed("outside of a gate", &ours, &stack.into());
}

#[test]
fn raw_data_is_recorded_where_the_program_allows_it() {
    let ours = Ours::new();
    let stack = Registry::default()
        .with(ours.crumb_layer().allow_raw())
        .with(ours.disk_layer().allow_raw());
    let (crumbs, records) = ours.after(&stack.into());
    assert_eq!(crumbs, ["of ada@example.org"]);
    assert_eq!(records[0]["attributes"]["of"], "bob@example.org");
}

#[test]
fn one_layer_in_a_gate_of_its_own_sees_clean_data_and_its_neighbour_raw() {
    let (clean, raw) = (Printed::default(), Printed::default());
    let stack: Dispatch = Registry::default()
        .with(SanitizeLayer::default().around(fmt_layer(&clean)))
        .into();
    let neighbour: Dispatch = Registry::default().with(fmt_layer(&raw)).into();
    for stack in [&stack, &neighbour] {
        dispatcher::with_default(stack, || {
            let span = info_span!("s", of = tracing::field::Empty);
            span.record("of", "bob@example.org");
            span.in_scope(|| info!(n = 1, "of ada@example.org"));
        });
    }
    assert_eq!(
        clean.text(),
        " INFO s{of=\"[REDACTED:email]\"}: placement: of [REDACTED:email] n=1\n"
    );
    assert_eq!(
        raw.text(),
        " INFO s{of=\"bob@example.org\"}: placement: of ada@example.org n=1\n"
    );
}

#[test]
fn what_is_inside_is_found_by_downcast() {
    let ours = Ours::new();
    let stack: Dispatch = Registry::default()
        .with(ours.disk_layer())
        .with(SanitizeLayer::default().around(ours.crumb_layer()))
        .sanitized(SanitizeLayer::default())
        .into();
    assert!(stack.downcast_ref::<DiskQueueLayer>().is_some());
    assert!(stack.downcast_ref::<BreadcrumbLayer>().is_some());
    assert!(stack.downcast_ref::<Registry>().is_some());
    assert!(stack.downcast_ref::<Printed>().is_none());
}
