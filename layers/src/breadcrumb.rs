//! The trail: the last records of the process, in short, attached to each error and fatal record.
//!
//! One ring for the whole program, bounded by count and by bytes. A crumb is kept as its JSON but for its category, so
//! that attaching the trail to an error is a copy, and pushing one allocates nothing once the ring is warm and asks
//! nothing that only an error needs to know.
//!
//! What it does not do: keep an event's attributes, or anything that the levels have filtered out. A program may leave
//! crumbs that are no events, which have some: see [`Courier::breadcrumb`](crate::Courier::breadcrumb).

use std::collections::VecDeque;
use std::process;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use serde_json::Map;
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::cut::{TRUNCATED, char_floor};
use crate::gate::{Frame, Intake, Role};
use crate::record::{Breadcrumb, encode_head, encode_head_with, message};

/// Crumbs kept: 20, what a person reads before an error.
pub const DEFAULT_MAX_RECORDS: usize = 20;
/// Bytes kept, as JSON: 16 KiB, a quarter of the largest record.
pub const DEFAULT_MAX_BYTES: usize = 16 * 1024;
/// What a category takes, in bytes: `,"category":"network"}`.
const CATEGORY_BYTES: usize = 23;
/// A crumb's message is cut here, in bytes.
const MAX_MESSAGE_BYTES: usize = 512;

/// The ring. A cheap handle: clones share it.
///
/// ```
/// use tracing_courier::{BreadcrumbLayer, Breadcrumbs, SanitizeExt as _, SanitizeLayer};
/// use tracing_subscriber::prelude::*;
///
/// let crumbs = Breadcrumbs::new();
/// let stack = tracing_subscriber::registry()
///     .with(BreadcrumbLayer::new(&crumbs))
///     .sanitized(SanitizeLayer::default());
/// tracing::dispatcher::with_default(&stack.into(), || tracing::info!("online"));
/// assert_eq!(crumbs.recent()[0].message, "online");
/// ```
#[derive(Clone, Debug)]
pub struct Breadcrumbs(Arc<ArcSwap<Held>>);

/// The ring of one process.
#[derive(Debug)]
struct Held {
    process: u32,
    max_records: usize,
    max_bytes: usize,
    ring: Mutex<Ring>,
}

#[derive(Debug)]
struct Ring {
    crumbs: VecDeque<Crumb>,
    bytes: usize,
    max_records: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Crumb {
    /// All but the category and the closing brace.
    json: Vec<u8>,
    /// What the program said it was.
    category: Option<&'static str>,
    of: Mark,
    /// No policy has cleaned it.
    is_raw: bool,
}

/// Tells the record that a crumb was made of, so that an error does not carry itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Mark(usize, u64);

impl Mark {
    fn of(frame: &Rc<Frame>) -> Self {
        Self(Rc::as_ptr(frame).addr(), frame.serial)
    }
}

impl Breadcrumbs {
    /// A ring of [`DEFAULT_MAX_RECORDS`] and [`DEFAULT_MAX_BYTES`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(DEFAULT_MAX_RECORDS, DEFAULT_MAX_BYTES)
    }

    /// A ring of at most `max_records` crumbs in at most `max_bytes` of JSON. Either at 0: no trail.
    #[must_use]
    pub fn with_limits(max_records: usize, max_bytes: usize) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Held::new(
            max_records,
            max_bytes,
        ))))
    }

    /// The trail as it is now, oldest first: for a log viewer inside the program.
    #[must_use]
    pub fn recent(&self) -> Vec<Breadcrumb> {
        let json: Vec<Vec<u8>> = self.with(|ring| ring.crumbs.iter().map(Crumb::to_json).collect());
        json.iter()
            .filter_map(|json| serde_json::from_slice(json).ok())
            .collect()
    }

    /// Forgets the trail.
    pub fn clear(&self) {
        self.with(|ring| {
            ring.crumbs.clear();
            ring.bytes = 0;
        });
    }

    fn push(&self, frame: &Rc<Frame>) {
        self.with(|ring| ring.push(frame));
    }

    /// Adds a crumb that was no event, cleaned already.
    pub(crate) fn leave(&self, crumb: &Breadcrumb) {
        let crumb = Crumb::of(crumb);
        self.with(|ring| ring.keep(crumb));
    }

    /// Appends the trail's JSON objects to `out`, joined by commas, without the crumb of `frame` itself.
    pub(crate) fn write_before(&self, frame: &Rc<Frame>, out: &mut Vec<u8>) {
        // A record that a policy has cleaned takes no crumb that none has.
        let takes_raw = frame.gate.is_raw;
        self.with(|ring| ring.write(Some(Mark::of(frame)), takes_raw, out));
    }

    /// As [`write_before`](Self::write_before), for the panic hook: gives up after `patience`, since the thread that
    /// holds the ring may be the one that panics.
    pub(crate) fn try_write(&self, patience: Duration, out: &mut Vec<u8>) {
        let deadline = Instant::now() + patience;
        let held = self.0.load();
        loop {
            match held.ring.try_lock() {
                Ok(ring) => return ring.write(None, false, out),
                Err(TryLockError::Poisoned(poisoned)) => {
                    return poisoned.into_inner().write(None, false, out);
                }
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::yield_now();
                }
                Err(TryLockError::WouldBlock) => return,
            }
        }
    }

    /// The process id is asked for only where the ring is held: in a forked child that may be by a thread that exists
    /// in the parent alone, and for ever.
    fn with<T>(&self, f: impl FnOnce(&mut Ring) -> T) -> T {
        let held = self.0.load();
        match held.ring.try_lock() {
            Ok(mut ring) => return f(&mut ring),
            Err(TryLockError::Poisoned(poisoned)) => return f(&mut poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if held.process == process::id() => {}
            Err(TryLockError::WouldBlock) => {
                let fresh = Arc::new(Held::new(held.max_records, held.max_bytes));
                // Another thread of the child may have been quicker; then its ring stays.
                self.0.compare_and_swap(&*held, fresh);
                return self.with(f);
            }
        }
        f(&mut held.ring.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Held {
    fn new(max_records: usize, max_bytes: usize) -> Self {
        Self {
            process: process::id(),
            max_records,
            max_bytes,
            ring: Mutex::new(Ring {
                crumbs: VecDeque::new(),
                bytes: 0,
                max_records,
                max_bytes,
            }),
        }
    }
}

impl Default for Breadcrumbs {
    fn default() -> Self {
        Self::new()
    }
}

impl Ring {
    fn push(&mut self, frame: &Rc<Frame>) {
        if self.max_records == 0 || self.max_bytes == 0 {
            return;
        }
        let mut crumb = if self.crumbs.len() < self.max_records {
            Crumb::default()
        } else {
            self.drop_oldest().unwrap_or_default()
        };
        crumb.json.clear();
        encode(frame, &mut crumb.json);
        crumb.category = said_category(frame);
        crumb.of = Mark::of(frame);
        crumb.is_raw = frame.gate.is_raw;
        self.put(crumb);
    }

    fn keep(&mut self, crumb: Crumb) {
        if self.max_records == 0 || self.max_bytes == 0 {
            return;
        }
        if self.crumbs.len() >= self.max_records {
            self.drop_oldest();
        }
        self.put(crumb);
    }

    fn put(&mut self, crumb: Crumb) {
        self.bytes += crumb.bytes();
        self.crumbs.push_back(crumb);
        while self.bytes > self.max_bytes && self.drop_oldest().is_some() {}
    }

    fn drop_oldest(&mut self) -> Option<Crumb> {
        let oldest = self.crumbs.pop_front()?;
        self.bytes = self.bytes.saturating_sub(oldest.bytes());
        Some(oldest)
    }

    fn write(&self, without: Option<Mark>, takes_raw: bool, out: &mut Vec<u8>) {
        for crumb in &self.crumbs {
            if Some(crumb.of) != without && (takes_raw || !crumb.is_raw) {
                if out.last().is_some_and(|&last| last != b'[') {
                    out.push(b',');
                }
                crumb.write(out);
            }
        }
    }
}

fn encode(frame: &Frame, out: &mut Vec<u8>) {
    out.push(b'{');
    let message = message(frame);
    if message.len() <= MAX_MESSAGE_BYTES {
        out.extend_from_slice(&frame.head(encode_head));
    } else {
        let cut = char_floor(&message, MAX_MESSAGE_BYTES);
        let head = message.get(..cut).unwrap_or_default();
        encode_head_with(frame, &format!("{head}{TRUNCATED}"), out);
    }
}

/// What the program said by the field `breadcrumb_category`, if that is one of the four.
fn said_category(frame: &Frame) -> Option<&'static str> {
    let said = frame.fields.text(frame.plan.index(Role::Category))?;
    let known = CATEGORIES.iter().find(|(name, _)| *name == said)?;
    Some(known.0)
}

/// One of the four categories, by its name or by the words of what the program calls it: `ui.click` is `ui`.
pub(crate) fn category_of(said: &str) -> &'static str {
    by_logger(said)
}

impl Crumb {
    /// One that was no event. Its message is cut as all are; attributes that are longer than that are left out.
    fn of(crumb: &Breadcrumb) -> Self {
        let mut crumb = crumb.clone();
        if crumb.message.len() > MAX_MESSAGE_BYTES {
            let cut = char_floor(&crumb.message, MAX_MESSAGE_BYTES);
            crumb.message.truncate(cut);
            crumb.message.push_str(TRUNCATED);
        }
        let attributes = serde_json::to_vec(&crumb.attributes).unwrap_or_default();
        if attributes.len() > MAX_MESSAGE_BYTES {
            crumb.attributes = Map::from_iter([("truncated".to_owned(), TRUNCATED.into())]);
        }
        let category = category_of(&crumb.category);
        let mut json = serde_json::to_value(&crumb).unwrap_or_default();
        if let Some(members) = json.as_object_mut() {
            members.remove("category");
        }
        let mut json = serde_json::to_vec(&json).unwrap_or_default();
        json.pop();
        Self {
            json,
            category: Some(category),
            of: Mark::default(),
            is_raw: false,
        }
    }

    fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::new();
        self.write(&mut json);
        json
    }

    fn write(&self, out: &mut Vec<u8>) {
        let category = self
            .category
            .unwrap_or_else(|| by_logger(logger(&self.json)));
        out.extend_from_slice(&self.json);
        out.extend_from_slice(b",\"category\":\"");
        out.extend_from_slice(category.as_bytes());
        out.extend_from_slice(b"\"}");
    }

    fn bytes(&self) -> usize {
        self.json.len() + CATEGORY_BYTES
    }
}

/// The logger in a crumb's JSON, as it is written there.
fn logger(json: &[u8]) -> &str {
    let text = std::str::from_utf8(json).unwrap_or_default();
    let after = text
        .split_once("\"logger\":\"")
        .map_or("", |(_, after)| after);
    after.split_once('"').map_or(after, |(logger, _)| logger)
}

/// The categories, each with the words of a logger's path that speak for it.
const CATEGORIES: [(&str, &[&str]); 4] = [
    (
        "ui",
        &[
            "ui", "view", "views", "widget", "widgets", "screen", "window", "gui", "page",
        ],
    ),
    (
        "network",
        &[
            "http",
            "https",
            "net",
            "network",
            "api",
            "ws",
            "websocket",
            "socket",
            "dns",
            "tls",
            "grpc",
            "hyper",
            "reqwest",
            "tonic",
            "sync",
        ],
    ),
    (
        "user",
        &["user", "users", "auth", "login", "account", "session"],
    ),
    ("system", &[]),
];

fn by_logger(logger: &str) -> &'static str {
    let mut words = logger.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .find_map(|word| {
            CATEGORIES
                .iter()
                .find(|(_, words)| words.iter().any(|known| known.eq_ignore_ascii_case(word)))
        })
        .map_or("system", |(name, _)| name)
}

/// Keeps the trail. Put it before the [`DiskQueueLayer`](crate::DiskQueueLayer), which attaches it.
#[derive(Debug)]
pub struct BreadcrumbLayer {
    crumbs: Breadcrumbs,
    intake: Intake,
}

impl BreadcrumbLayer {
    /// Fills this ring.
    #[must_use]
    pub fn new(crumbs: &Breadcrumbs) -> Self {
        Self {
            crumbs: crumbs.clone(),
            intake: Intake::new("BreadcrumbLayer"),
        }
    }

    /// Takes events that no gate has cleaned too. They are kept as they are, secrets included; records that a policy has
    /// cleaned, and those of panics, leave them out.
    #[must_use]
    pub fn allow_raw(mut self) -> Self {
        self.intake.allow_raw();
        self
    }
}

impl<S> Layer<S> for BreadcrumbLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_event(&self, event: &Event<'_>, _ctx: Context<'_, S>) {
        if let Some(frame) = self.intake.frame(event)
            && !frame.is_dropped
        {
            self.crumbs.push(&frame);
        }
    }
}
