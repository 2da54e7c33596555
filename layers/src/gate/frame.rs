//! What the gate captured for the call that is going on, for our own layers to read.
//!
//! A frame lives on a thread-local stack from just before the inner subscriber sees an event until that call
//! returns. It is found by the address of the very event that the gate handed on, so a layer that is given any
//! other event (no gate, or a gate around somebody else) finds nothing and records nothing: it fails closed.
//!
//! A gate without policy hands the original event on and captures nothing. Its event is *due*: the first of our layers
//! that asks captures it, the others share that.

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use tracing_core::Event;

use super::fields::{Fields, Value};
use super::plan::{Plan, Role};
use super::span_fields::GateId;
use crate::clock::Clock;
use crate::record::Level;

/// A frame that held more than this is not kept for reuse.
const MAX_POOLED_BYTES: usize = 64 * 1024;
/// Frames kept per thread: as deep as events nest, plus a spare.
const MAX_POOLED: usize = 4;

/// One captured event.
#[derive(Debug)]
pub(crate) struct Frame {
    pub plan: Arc<Plan>,
    pub fields: Fields,
    pub timestamp: Timestamp,
    /// Counts the frames of this thread; tells a record from the ones before it.
    pub serial: u64,
    /// The gate that the event came through.
    pub gate: GateId,
    /// The policy wants this record nowhere.
    pub is_dropped: bool,
    /// The first members of the record's JSON, which the breadcrumb shares.
    head: RefCell<Vec<u8>>,
}

impl Frame {
    pub fn level(&self) -> Level {
        let level = Level::from(*self.plan.metadata.level());
        let fatal = self.plan.index(Role::Fatal);
        match fatal.and_then(|index| self.fields.get(index)) {
            Some(Value::Bool(true)) if level == Level::Error => Level::Fatal,
            _ => level,
        }
    }

    /// What the event gives as its message, as text.
    pub fn message(&self) -> Cow<'_, str> {
        let value = self
            .message_index()
            .and_then(|index| self.fields.get(index));
        match value {
            Some(Value::Str(text) | Value::Text(text) | Value::Tree(_, text)) => text.into(),
            None | Some(Value::Bytes(_) | Value::Error(_)) => Cow::default(),
            Some(Value::Bool(value)) => value.to_string().into(),
            Some(Value::I64(value)) => value.to_string().into(),
            Some(Value::U64(value)) => value.to_string().into(),
            Some(Value::I128(value)) => value.to_string().into(),
            Some(Value::U128(value)) => value.to_string().into(),
            Some(Value::F64(value)) => value.to_string().into(),
        }
    }

    /// Which field is the message: the first of that name that says anything. `info!(message = "b", "")` has two, and
    /// the first is empty.
    pub fn message_index(&self) -> Option<usize> {
        let first = self.plan.index(Role::Message)?;
        match self.fields.text(Some(first)) {
            Some("") => Some(self.other_message(first)),
            _ => Some(first),
        }
    }

    #[cold]
    fn other_message(&self, first: usize) -> usize {
        let fields = self.plan.fields.iter().enumerate().skip(first + 1);
        let mut others = fields.filter(|(index, field)| {
            field.role == Role::Message
                && self.fields.get(*index).is_some()
                && self.fields.text(Some(*index)) != Some("")
        });
        others.next().map_or(first, |(index, _)| index)
    }

    /// The head as `encode` writes it: once, by the first layer that needs it.
    pub fn head(&self, encode: impl FnOnce(&Self, &mut Vec<u8>)) -> Ref<'_, [u8]> {
        if self.head.borrow().is_empty() {
            encode(self, &mut self.head.borrow_mut());
        }
        Ref::map(self.head.borrow(), Vec::as_slice)
    }
}

/// What stands for an event that is being handed on.
enum Capture {
    Done(Rc<Frame>),
    /// Nobody has asked for it yet. With the clock and the name of its gate.
    Due(Clock, GateId),
}

/// What [`of`] finds.
pub(crate) enum Found {
    Done(Rc<Frame>),
    /// To be captured at this time for this gate, and told by [`settle`].
    Due(Timestamp, GateId),
}

#[derive(Default)]
struct Stack {
    open: Vec<(usize, Capture)>,
    pool: Vec<Rc<Frame>>,
    serial: u64,
}

thread_local! {
    static STACK: RefCell<Stack> = RefCell::default();
    /// In place of the other while a thread's destructors run and that is gone: without a destructor of its own it is
    /// there to the last.
    static LAST: ManuallyDrop<RefCell<Stack>> = const {
        ManuallyDrop::new(RefCell::new(Stack {
            open: Vec::new(),
            pool: Vec::new(),
            serial: 0,
        }))
    };
}

fn with_stack<T>(f: impl FnOnce(&mut Stack) -> T) -> Option<T> {
    let mut f = Some(f);
    let mut call = |stack: &RefCell<Stack>| {
        let mut stack = stack.try_borrow_mut().ok()?;
        Some(f.take()?(&mut stack))
    };
    STACK.try_with(&mut call).unwrap_or_else(|_| {
        LAST.with(|stack| {
            let result = call(stack);
            // Nobody drops it: what is not in use is given back now.
            if let Ok(mut stack) = stack.try_borrow_mut() {
                stack.pool = Vec::new();
                if stack.open.is_empty() {
                    stack.open = Vec::new();
                }
            }
            result
        })
    })
}

thread_local! {
    static TOUCHED: Cell<u64> = const { Cell::new(0) };
}

/// Notes that this thread has asked or used the filters inside, which remember one decision per thread.
pub(crate) fn touch() {
    let _ = TOUCHED.try_with(|touched| touched.set(touched.get().wrapping_add(1)));
}

/// Changes with every [`touch`] of this thread.
pub(crate) fn touched() -> u64 {
    TOUCHED.try_with(Cell::get).unwrap_or_default()
}

/// An empty frame for a callsite, from this thread's pool where there is one.
pub(crate) fn begin(plan: Arc<Plan>, timestamp: Timestamp, gate: GateId) -> Rc<Frame> {
    let (pooled, serial) = with_stack(|stack| {
        stack.serial += 1;
        (stack.pool.pop(), stack.serial)
    })
    .unwrap_or_default();
    let len = plan.fields.len();
    if let Some(mut rc) = pooled
        && let Some(frame) = Rc::get_mut(&mut rc)
    {
        frame.plan = plan;
        frame.fields.reset(len);
        frame.timestamp = timestamp;
        frame.serial = serial;
        frame.gate = gate;
        frame.is_dropped = false;
        frame.head.get_mut().clear();
        return rc;
    }
    let mut fields = Fields::default();
    fields.reset(len);
    Rc::new(Frame {
        plan,
        fields,
        timestamp,
        serial,
        gate,
        is_dropped: false,
        head: RefCell::default(),
    })
}

/// Keeps a frame findable while the inner subscriber works on its event.
#[must_use]
pub(crate) struct Open(());

/// Opens `frame` for `event`, the one that is handed on.
pub(crate) fn open(event: &Event<'_>, frame: &Rc<Frame>) -> Option<Open> {
    push(event, Capture::Done(Rc::clone(frame)))
}

/// Opens `event` itself, which is handed on as it came and captured when one of our layers asks.
pub(crate) fn open_due(event: &Event<'_>, clock: &Clock, gate: GateId) -> Option<Open> {
    push(event, Capture::Due(clock.clone(), gate))
}

fn push(event: &Event<'_>, capture: Capture) -> Option<Open> {
    let address = std::ptr::from_ref(event).addr();
    with_stack(|stack| stack.open.push((address, capture))).map(Open)
}

impl Drop for Open {
    fn drop(&mut self) {
        // The frame itself is dropped outside of the borrow: nothing of it may run while the stack is held.
        let closed = with_stack(|stack| stack.open.pop()).flatten();
        if let Some((_, Capture::Done(frame))) = closed {
            end(frame);
        }
    }
}

/// Gives a frame back to this thread's pool.
pub(crate) fn end(mut frame: Rc<Frame>) {
    if let Some(unshared) = Rc::get_mut(&mut frame) {
        unshared.fields.shrink(MAX_POOLED_BYTES);
        unshared.head.get_mut().shrink_to(MAX_POOLED_BYTES);
        with_stack(|stack| {
            if stack.pool.len() < MAX_POOLED {
                stack.pool.push(frame);
            }
        });
    }
}

/// The frame of this very event, if it came through a gate on this thread.
pub(crate) fn of(event: &Event<'_>) -> Option<Found> {
    let address = std::ptr::from_ref(event).addr();
    with_stack(|stack| match stack.open.last()? {
        (top, _) if *top != address => None,
        (_, Capture::Due(clock, gate)) => Some(Found::Due(clock.now(), *gate)),
        (_, Capture::Done(frame)) => std::ptr::eq(frame.plan.metadata, event.metadata())
            .then(|| Found::Done(Rc::clone(frame))),
    })
    .flatten()
}

/// Keeps the frame of an event that was due, for the other layers.
pub(crate) fn settle(event: &Event<'_>, frame: &Rc<Frame>) {
    let address = std::ptr::from_ref(event).addr();
    with_stack(|stack| {
        if let Some((top, capture)) = stack.open.last_mut()
            && *top == address
        {
            *capture = Capture::Done(Rc::clone(frame));
        }
    });
}
