//! Every pair of policies in every placement: what a layer records of an event *and of its spans* is what its own gate
//! lets pass, whatever stands beside it or around it.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::{Dispatch, dispatcher, field, info_span};
use tracing_courier::sanitize::{Mode, Policy, Profile, Sanitizer};
use tracing_courier::{
    BreadcrumbLayer, Breadcrumbs, DiskQueue, DiskQueueLayer, SanitizeExt, SanitizeLayer,
};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Registry, reload};

/// Of a mail, a phone number and a name that only one policy denies: what stays.
const MAIL: &str = "ada@example.org";
const PHONE: &str = "+1 415 555 2671";
const CASE: &str = "FK-1234";
const PASSWORD: &str = "hunter2";
const ALL: [&str; 4] = [MAIL, PHONE, CASE, PASSWORD];

#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    /// A gate without policy.
    Nothing,
    Default,
    Strict,
    OwnName,
    /// Says what it would take, and takes nothing.
    Report,
}

const POLICIES: [By; 5] = [
    By::Nothing,
    By::Default,
    By::Strict,
    By::OwnName,
    By::Report,
];

impl By {
    fn layer(self) -> SanitizeLayer {
        let policy = match self {
            Self::Nothing => return SanitizeLayer::none(),
            Self::Default => Policy::new(),
            Self::Strict => Policy::new().profile(Profile::Strict),
            Self::OwnName => Policy::new().deny("case_number"),
            Self::Report => Policy::new().mode(Mode::Report),
        };
        SanitizeLayer::new(Sanitizer::new(&policy))
    }

    fn passes(self, text: &str) -> bool {
        match self {
            Self::Nothing => true,
            // What a field's name denies is never looked at, not even to report it.
            Self::Report => text != PASSWORD,
            Self::Default => matches!(text, PHONE | CASE),
            Self::Strict => text == CASE,
            Self::OwnName => text == PHONE,
        }
    }
}

/// A layer of ours, with what it keeps.
struct Ours {
    _dir: tempfile::TempDir,
    queue: DiskQueue,
    crumbs: Breadcrumbs,
}

impl Ours {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            queue: DiskQueue::open(dir.path()).unwrap(),
            crumbs: Breadcrumbs::new(),
            _dir: dir,
        }
    }

    fn disk(&self) -> DiskQueueLayer {
        DiskQueueLayer::new(&self.queue).breadcrumbs(&self.crumbs)
    }

    /// Both, for any stack.
    fn pair<S>(&self) -> Vec<Box<dyn Layer<S> + Send + Sync>>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    {
        vec![self.crumb().boxed(), self.disk().boxed()]
    }

    fn crumb(&self) -> BreadcrumbLayer {
        BreadcrumbLayer::new(&self.crumbs)
    }

    /// All that is on disk, as one text.
    fn stored(&self) -> String {
        let mut all = String::new();
        while let Some(batch) = self.queue.drain(100, 900_000) {
            for at in 0..batch.len() {
                all.push_str(std::str::from_utf8(batch.record(at)).unwrap());
                all.push('\n');
            }
            self.queue.confirm(batch.token());
        }
        all
    }
}

fn log(stack: &Dispatch) {
    dispatcher::with_default(stack, || {
        let outer = info_span!(
            "outer",
            of = MAIL,
            case_number = field::Empty,
            phone = PHONE
        );
        let inner =
            outer.in_scope(|| info_span!("inner", password = PASSWORD, late = field::Empty));
        outer.record("case_number", CASE);
        inner.record("late", MAIL);
        inner.in_scope(|| {
            tracing::info!(case_number = CASE, "before: {MAIL} {PHONE}");
            tracing::error!(password = PASSWORD, "failed for {MAIL} {PHONE}");
        });
    });
}

/// What stays is what all the policies pass that the event went through; and it was recorded at all.
fn assert_by(placement: &str, ours: &Ours, through: &[By]) {
    let stored = ours.stored();
    assert_eq!(stored.lines().count(), 2, "{placement}: {stored}");
    for text in ALL {
        let passes = through.iter().all(|by| by.passes(text));
        assert_eq!(
            stored.contains(text),
            passes,
            "{placement}: {text} in {stored}"
        );
    }
    let error = stored.lines().last().unwrap();
    assert!(error.contains("\"breadcrumbs\":[{"), "{placement}: {error}");
}

#[test]
fn a_layer_in_a_gate_of_its_own_keeps_its_policy_beside_any_other() {
    for mine in POLICIES {
        for other in POLICIES {
            for is_first in [true, false] {
                let (ours, theirs) = (Ours::new(), Ours::new());
                let stack: Dispatch = if is_first {
                    Registry::default()
                        .with(mine.layer().around(ours.pair()))
                        .with(other.layer().around(theirs.pair()))
                        .into()
                } else {
                    Registry::default()
                        .with(other.layer().around(theirs.pair()))
                        .with(mine.layer().around(ours.pair()))
                        .into()
                };
                log(&stack);
                assert_by(&format!("{mine:?} beside {other:?}"), &ours, &[mine]);
                assert_by(&format!("{other:?} beside {mine:?}"), &theirs, &[other]);
            }
        }
    }
}

#[test]
fn under_a_gate_a_layer_in_its_own_sees_what_both_let_pass_and_its_neighbour_the_outer_ones() {
    for outer in POLICIES {
        for inner in POLICIES {
            for placed in ["first", "last", "boxed", "filtered", "reload"] {
                let (ours, neighbour) = (Ours::new(), Ours::new());
                let base = Registry::default();
                let stack: Dispatch = match placed {
                    "first" => base
                        .with(inner.layer().around(ours.pair()))
                        .with(neighbour.pair())
                        .sanitized(outer.layer())
                        .into(),
                    "last" => base
                        .with(neighbour.pair())
                        .with(inner.layer().around(ours.pair()))
                        .sanitized(outer.layer())
                        .into(),
                    "boxed" => base
                        .with(neighbour.pair())
                        .with(inner.layer().around(ours.pair()).boxed())
                        .sanitized(outer.layer())
                        .into(),
                    "filtered" => base
                        .with(neighbour.pair())
                        .with(
                            inner
                                .layer()
                                .around(ours.pair())
                                .with_filter(tracing_subscriber::filter::LevelFilter::INFO),
                        )
                        .sanitized(outer.layer())
                        .into(),
                    _ => base
                        .with(neighbour.pair())
                        .with(reload::Layer::new(inner.layer().around(ours.pair())).0)
                        .sanitized(outer.layer())
                        .into(),
                };
                log(&stack);
                let placement = format!("{inner:?} {placed} under {outer:?}");
                assert_by(&placement, &ours, &[outer, inner]);
                assert_by(&format!("plain beside {placement}"), &neighbour, &[outer]);
            }
        }
    }
}

#[test]
fn gates_within_gates_all_count() {
    for one in POLICIES {
        for two in POLICIES {
            for three in POLICIES {
                let ours = Ours::new();
                let nested = one.layer().around(two.layer().around(ours.pair()));
                let stack: Dispatch = Registry::default()
                    .with(nested)
                    .sanitized(three.layer())
                    .into();
                log(&stack);
                assert_by(
                    &format!("{one:?} {two:?} {three:?}"),
                    &ours,
                    &[one, two, three],
                );
            }
        }
    }
}

#[test]
fn a_layer_that_is_allowed_raw_data_sees_it_and_nobody_else_does() {
    for by in POLICIES {
        for is_first in [true, false] {
            let (ours, raw) = (Ours::new(), Ours::new());
            let (crumb, disk) = (raw.crumb().allow_raw(), raw.disk().allow_raw());
            let stack: Dispatch = if is_first {
                Registry::default()
                    .with(crumb)
                    .with(disk)
                    .with(by.layer().around(ours.pair()))
                    .into()
            } else {
                Registry::default()
                    .with(by.layer().around(ours.pair()))
                    .with(crumb)
                    .with(disk)
                    .into()
            };
            log(&stack);
            assert_by(&format!("{by:?} beside raw"), &ours, &[by]);
            assert_by("raw", &raw, &[By::Nothing]);
        }
    }
}

/// The trail of one ring goes into records of another gate; never what no policy has cleaned.
#[test]
fn raw_crumbs_are_in_no_clean_record() {
    let ours = Ours::new();
    let stack: Dispatch = Registry::default()
        .with(ours.crumb().allow_raw())
        .with(SanitizeLayer::default().around(ours.disk()))
        .into();
    log(&stack);
    let stored = ours.stored();
    assert!(!stored.contains(MAIL), "{stored}");
    assert_eq!(stored.lines().count(), 2);
}

/// Counts how often it is shown.
struct Counted<'c>(&'c AtomicUsize);

impl fmt::Debug for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fetch_add(1, Ordering::Relaxed);
        f.write_str("shown")
    }
}

#[test]
fn a_value_is_shown_once_to_each_gate() {
    let ours = Ours::new();
    let count = AtomicUsize::new(0);
    let stack: Dispatch = Registry::default()
        .with(SanitizeLayer::default().around(ours.pair()))
        .into();
    dispatcher::with_default(&stack, || tracing::info!(value = ?Counted(&count), "once"));
    assert_eq!(count.load(Ordering::Relaxed), 1);
    assert!(ours.stored().contains("shown"));
}

/// Whatever waits between the two questions about an event belongs to that event: one that another layer turned down
/// leaves nothing behind.
#[test]
fn an_event_that_is_turned_down_leaves_nothing_to_the_next() {
    struct NoSecond;
    impl<S: tracing::Subscriber> Layer<S> for NoSecond {
        fn event_enabled(
            &self,
            event: &tracing::Event<'_>,
            _: tracing_subscriber::layer::Context<'_, S>,
        ) -> bool {
            event.metadata().name() != "second"
        }
    }
    let ours = Ours::new();
    let stack: Dispatch = Registry::default()
        .with(NoSecond)
        .with(SanitizeLayer::default().around(ours.disk()))
        .into();
    dispatcher::with_default(&stack, || {
        for n in 0..3 {
            tracing::info!(name: "first", n, "first");
            tracing::info!(name: "second", n, "second");
        }
    });
    let stored = ours.stored();
    let numbers: Vec<i64> = stored
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["attributes"]["n"]
                .as_i64()
                .unwrap()
        })
        .collect();
    assert_eq!(numbers, [0, 1, 2], "{stored}");
}
