//! What the handles of a queue share, and who takes over from whom.
//!
//! 1. A forked child begins a queue of its own: the parent's mutexes may have been held when it forked.
//! 2. Where the directory was removed, a new queue begins elsewhere.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::appended::{Appended, Author, Durability};
use super::builder::Builder;
use super::context::Context;
use super::engine::Engine;
use super::housekeeping::Housekeeping;
use super::id::QueueId;
use super::line::Line;
use crate::losses::Losses;

/// What the handles share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Builder,
    pub(super) losses: Arc<Losses>,
    /// For a forked child.
    pub(super) context: ArcSwap<Context>,
    pub(super) in_child: OnceLock<InChild>,
    /// A layer writes to the queue.
    pub(super) has_layer: AtomicBool,
    thread: Mutex<Option<Housekeeping>>,
    /// The engine that the queue began with, kept apart: nearly always it is the one, and costs nothing to come by.
    first: Arc<Engine>,
    /// Whether another one took its place: in a forked child, since the parent's mutexes may have been held when it
    /// forked, and where the directory was removed.
    is_replaced: AtomicBool,
    later: ArcSwap<Engine>,
}

/// See [`DiskQueue::in_child`](super::DiskQueue::in_child).
pub(super) struct InChild(pub(super) Box<dyn Fn(QueueId) -> (Context, Option<Line>) + Send + Sync>);

impl fmt::Debug for InChild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InChild")
    }
}

/// The engine in use.
pub(super) enum Current<'a> {
    First(&'a Engine),
    Later(Guard<Arc<Engine>>),
}

impl Deref for Current<'_> {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        match self {
            Self::First(engine) => engine,
            Self::Later(engine) => engine,
        }
    }
}

impl Shared {
    pub(super) fn new(
        settings: Builder,
        engine: Arc<Engine>,
        thread: Option<Housekeeping>,
        losses: Arc<Losses>,
    ) -> Self {
        Self {
            settings,
            losses,
            context: ArcSwap::default(),
            in_child: OnceLock::new(),
            has_layer: AtomicBool::new(false),
            thread: Mutex::new(thread),
            later: ArcSwap::new(Arc::clone(&engine)),
            is_replaced: AtomicBool::new(false),
            first: engine,
        }
    }

    pub(super) fn current(&self) -> Current<'_> {
        if self.is_replaced.load(Ordering::Acquire) {
            Current::Later(self.later.load())
        } else {
            Current::First(&self.first)
        }
    }

    fn replace(&self, engine: Arc<Engine>) {
        self.later.store(engine);
        self.is_replaced.store(true, Ordering::Release);
    }

    /// Begins a new queue where the directory was removed. Where that can't be, the records wait in memory, and the
    /// housekeeping asks again.
    pub(super) fn begin_again_elsewhere(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.current();
        let Ok(engine) = self.settings.start(&self.losses) else {
            return;
        };
        engine.ledger().set_context(&self.context.load());
        engine.ledger().take_over(&mut old.ledger());
        let next = self.settings.start_thread(&engine).unwrap_or(None);
        self.replace(engine);
        if let Some(thread) = std::mem::replace(&mut *thread, next) {
            thread.stop(old.bell());
        }
        old.let_go_of_locks();
    }

    /// In a forked child.
    pub(super) fn begin_again_after_fork(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.current();
        if old.is_here() {
            return;
        }
        let engine = match self.settings.start(&self.losses) {
            Ok(engine) => engine,
            Err(error) => self
                .settings
                .start_homeless(&self.losses, &error.to_string()),
        };
        let first = self.in_child.get().and_then(|InChild(begin)| {
            let (context, first) = begin(engine.id());
            self.context.store(Arc::new(context));
            first
        });
        engine.ledger().set_context(&self.context.load());
        if let Some(mut first) = first {
            let _: Option<Appended> =
                engine.append(Author::Library, &mut first, Durability::PageCache);
        }
        old.let_go_of_locks();
        if let Some(parents) = thread.take() {
            parents.forget();
        }
        // Without a thread the child's records are synced when a FATAL or a flush asks for it.
        *thread = self.settings.start_thread(&engine).unwrap_or(None);
        self.replace(engine);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let engine = self.current();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if !engine.is_here() {
            if let Some(parents) = thread {
                parents.forget();
            }
            return;
        }
        if let Some(thread) = thread {
            thread.stop(engine.bell());
        }
        engine.close();
    }
}
