//! The gate around a whole stack.

use std::any::TypeId;

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, Event, LevelFilter, Metadata, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::registry::{LookupSpan, SpanData as _};

use super::cleaner::{Cleaner, with_attributes, with_record};
use super::sanitize_layer::SanitizeLayer;
use super::span_fields::SpanFields;
use super::{frame, thread_exit};
use crate::quiet_thread::is_quiet;

/// Adds [`sanitized`](Self::sanitized) to every stack of layers.
///
/// ```
/// use tracing_courier::{BreadcrumbLayer, Breadcrumbs, SanitizeExt as _, SanitizeLayer};
/// use tracing_subscriber::prelude::*;
///
/// let crumbs = Breadcrumbs::new();
/// let stack = tracing_subscriber::registry()
///     .with(BreadcrumbLayer::new(&crumbs)) // any layer sees clean data
///     .sanitized(SanitizeLayer::default()); // always last
/// tracing::dispatcher::with_default(&stack.into(), || tracing::info!("login of ada@example.org"));
/// assert_eq!(crumbs.recent()[0].message, "login of [REDACTED:email]");
/// ```
pub trait SanitizeExt: Sized {
    /// Closes the stack with a gate: all of its layers see clean data only.
    ///
    /// ```
    /// use tracing_courier::{SanitizeExt as _, SanitizeLayer};
    /// use tracing_subscriber::prelude::*;
    ///
    /// tracing_subscriber::registry()
    ///     .with(tracing_subscriber::fmt::layer())
    ///     .sanitized(SanitizeLayer::default())
    ///     .init();
    /// tracing::info!(password = "hunter2", "mail to ada@example.org");
    /// // prints: mail to [REDACTED:email] password=[REDACTED]
    /// ```
    fn sanitized(self, policy: impl Into<SanitizeLayer>) -> Sealed<Self>;
}

impl<S> SanitizeExt for S
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn sanitized(self, policy: impl Into<SanitizeLayer>) -> Sealed<Self> {
        Sealed(Sanitized {
            inner: self,
            cleaner: Cleaner::new(policy.into()),
        })
    }
}

/// A stack behind its gate, ready to be the subscriber: `.init()`, `.try_init()`, `.set_default()`, `Dispatch::from`.
///
/// It takes no more layers: one added outside of the gate would see raw data, so this does not compile:
///
/// ```compile_fail
/// use tracing_courier::{SanitizeExt as _, SanitizeLayer};
/// use tracing_subscriber::prelude::*;
/// tracing_subscriber::registry()
///     .sanitized(SanitizeLayer::default())
///     .with(tracing_subscriber::fmt::layer());
/// ```
#[derive(Debug)]
#[must_use = "it records nothing before `.init()`"]
pub struct Sealed<S>(Sanitized<S>);

/// No type is one: what [`Sealed::with`] asks for, so that the compiler says in a sentence what is wrong.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "no layer can be added after `.sanitized(..)`: it would see what the gate takes out",
    label = "add this layer before `.sanitized(..)`",
    note = "write `registry().with(..).with(..).sanitized(..)`: `.sanitized(..)` comes last, before `.init()`"
)]
pub trait TakesLayers {}

impl<S> Sealed<S> {
    /// Only here so that the compiler can say why not.
    #[doc(hidden)]
    pub fn with<L>(self, _layer: L) -> Self
    where
        Self: TakesLayers,
    {
        self
    }

    /// The way out for who must: the gate as a plain `Subscriber`. Layers added to it see raw data.
    pub fn into_raw_subscriber(self) -> Sanitized<S> {
        self.0
    }
}

impl<S> From<Sealed<S>> for Dispatch
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    fn from(sealed: Sealed<S>) -> Self {
        Self::new(sealed.0)
    }
}

/// The gate itself. See [`SanitizeExt::sanitized`].
#[derive(Debug)]
pub struct Sanitized<S> {
    inner: S,
    cleaner: Cleaner,
}

impl<S> Subscriber for Sanitized<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn event(&self, event: &Event<'_>) {
        if is_quiet() {
            return;
        }
        frame::touch();
        if self.cleaner.is_open() {
            self.cleaner.hand_on_raw(event, |event| {
                if self.inner.event_enabled(event) {
                    self.inner.event(event);
                }
            });
            return;
        }
        let touched = frame::touched();
        let frame = self.cleaner.frame(event);
        if frame::touched() != touched {
            let is_enabled = match event.normalized_metadata() {
                Some(metadata) => self.inner.enabled(&metadata),
                None => self.inner.enabled(event.metadata()),
            };
            if !is_enabled {
                return;
            }
        }
        self.cleaner.hand_on(event, &frame, |clean| {
            if self.inner.event_enabled(clean) {
                self.inner.event(clean);
            }
        });
        frame::end(frame);
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        if is_quiet() || !thread_exit::has_spans() {
            return thread_exit::no_span();
        }
        frame::touch();
        let touched = frame::touched();
        let clean = self.cleaner.span_fields(span);
        if frame::touched() != touched {
            // Only to restore what the per-layer filters remember; the span was found enabled before.
            let _ = self.inner.enabled(span.metadata());
        }
        let id = with_attributes(span, &clean.fields, |attributes| {
            self.inner.new_span(attributes)
        });
        thread_exit::note_span();
        if let Some(data) = self.inner.span_data(&id) {
            SpanFields::keep(&mut data.extensions_mut(), clean);
        }
        id
    }

    fn record(&self, id: &Id, record: &Record<'_>) {
        let Some(metadata) = self.inner.span_data(id).map(|data| data.metadata()) else {
            return;
        };
        let fields = self.cleaner.record_fields(metadata, record);
        with_record(metadata, &fields, |record| self.inner.record(id, record));
        if let Some(data) = self.inner.span_data(id) {
            SpanFields::replace(&mut data.extensions_mut(), self.cleaner.id(), &fields);
        }
    }

    /// Always: [`event`](Subscriber::event) asks the stack inside, with the clean event.
    fn event_enabled(&self, _event: &Event<'_>) -> bool {
        true
    }

    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.inner.on_register_dispatch(dispatch);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.inner.register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        if is_quiet() {
            return false;
        }
        frame::touch();
        self.inner.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.inner.max_level_hint()
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        if thread_exit::is_span(span) && thread_exit::is_span(follows) {
            self.inner.record_follows_from(span, follows);
        }
    }

    fn enter(&self, span: &Id) {
        if thread_exit::is_span(span) && thread_exit::has_spans() {
            self.inner.enter(span);
            thread_exit::note_span();
        }
    }

    fn exit(&self, span: &Id) {
        if thread_exit::is_span(span) {
            self.inner.exit(span);
        }
    }

    fn clone_span(&self, id: &Id) -> Id {
        if thread_exit::is_span(id) {
            self.inner.clone_span(id)
        } else {
            thread_exit::no_span()
        }
    }

    #[allow(deprecated)]
    fn drop_span(&self, id: Id) {
        if thread_exit::is_span(&id) {
            self.inner.drop_span(id);
        }
    }

    fn try_close(&self, id: Id) -> bool {
        thread_exit::is_span(&id) && self.inner.try_close(id)
    }

    fn current_span(&self) -> Current {
        self.inner.current_span()
    }

    /// Without this, tracing-opentelemetry's contexts and the per-layer filters would not find their parts.
    #[allow(unsafe_code)]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            return Some(std::ptr::from_ref(self).cast());
        }
        // SAFETY: the caller's promise is the one that the inner subscriber asks for, and what it returns lives as
        // long as `self`, of which it is a part.
        unsafe { self.inner.downcast_raw(id) }
    }
}

impl<'a, S: LookupSpan<'a>> LookupSpan<'a> for Sanitized<S> {
    type Data = S::Data;

    fn span_data(&'a self, id: &Id) -> Option<Self::Data> {
        self.inner.span_data(id)
    }

    fn register_filter(&mut self) -> tracing_subscriber::filter::FilterId {
        self.inner.register_filter()
    }
}
