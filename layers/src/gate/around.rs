//! [`SanitizeLayer::around`]: a gate for one layer in a stack that is otherwise raw.

use std::any::TypeId;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, Event, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::cleaner::{Cleaner, with_attributes, with_record};
use super::sanitize_layer::SanitizeLayer;
use super::{SpanFields, frame, waiting};
use crate::quiet_thread::is_quiet;

/// One layer behind a gate of its own. From [`SanitizeLayer::around`].
#[derive(Debug)]
pub struct Around<L> {
    inner: L,
    cleaner: Cleaner,
}

impl SanitizeLayer {
    /// Puts a gate around one layer, in a stack whose other layers go on to see raw data: for a program that can't
    /// close its whole stack with [`sanitized`](crate::SanitizeExt::sanitized). That is the better way: it renders
    /// and cleans each value once for all layers.
    ///
    /// ```
    /// use tracing_courier::SanitizeLayer;
    /// use tracing_subscriber::prelude::*;
    ///
    /// let stack = tracing_subscriber::registry()
    ///     .with(SanitizeLayer::default().around(tracing_subscriber::fmt::layer()));
    /// # drop(stack);
    /// ```
    #[must_use]
    pub fn around<L>(self, layer: L) -> Around<L> {
        Around {
            inner: layer,
            cleaner: Cleaner::new(self),
        }
    }
}

impl<S, L> Layer<S> for Around<L>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    L: Layer<S>,
{
    fn event_enabled(&self, event: &Event<'_>, ctx: Context<'_, S>) -> bool {
        if is_quiet() {
            return true;
        }
        // Asked before each `on_event`: what is captured here waits for that.
        let frame = self.cleaner.frame(event);
        let is_enabled = self
            .cleaner
            .hand_on(event, &frame, |clean| self.inner.event_enabled(clean, ctx));
        match is_enabled {
            true => waiting::put(event, self.cleaner.id(), frame),
            false => frame::end(frame),
        }
        is_enabled
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        if is_quiet() {
            return;
        }
        let frame =
            waiting::take(event, self.cleaner.id()).unwrap_or_else(|| self.cleaner.frame(event));
        self.cleaner
            .hand_on(event, &frame, |clean| self.inner.on_event(clean, ctx));
        frame::end(frame);
    }

    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let clean = self.cleaner.span_fields(span);
        with_attributes(span, &clean.fields, |attributes| {
            self.inner.on_new_span(attributes, id, ctx.clone());
        });
        if let Some(span) = ctx.span(id) {
            SpanFields::keep(&mut span.extensions_mut(), clean);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else {
            return;
        };
        let fields = self.cleaner.record_fields(span.metadata(), record);
        with_record(span.metadata(), &fields, |record| {
            self.inner.on_record(id, record, ctx.clone());
        });
        SpanFields::replace(&mut span.extensions_mut(), self.cleaner.id(), &fields);
    }

    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.inner.on_register_dispatch(dispatch);
    }

    fn on_layer(&mut self, subscriber: &mut S) {
        self.inner.on_layer(subscriber);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.inner.register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, ctx: Context<'_, S>) -> bool {
        self.inner.enabled(metadata, ctx)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.inner.max_level_hint()
    }

    fn on_follows_from(&self, span: &Id, follows: &Id, ctx: Context<'_, S>) {
        self.inner.on_follows_from(span, follows, ctx);
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        self.inner.on_enter(id, ctx);
    }

    fn on_exit(&self, id: &Id, ctx: Context<'_, S>) {
        self.inner.on_exit(id, ctx);
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        self.inner.on_close(id, ctx);
    }

    fn on_id_change(&self, old: &Id, new: &Id, ctx: Context<'_, S>) {
        self.inner.on_id_change(old, new, ctx);
    }

    /// As the gate's own: what is inside must be found.
    #[allow(unsafe_code)]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            return Some(std::ptr::from_ref(self).cast());
        }
        // SAFETY: as in `Sanitized::downcast_raw`.
        unsafe { self.inner.downcast_raw(id) }
    }
}
