//! Puts a gate around every subscriber of a process, whatever the subscriber is.
//!
//! `run` adds one line to its copy of tracing-core, so that `Dispatch::new` calls [`gate`]. `COURIER_GATE` says
//! which gate: `none` has no policy and hands events on as they come, `rules` cleans and rebuilds each by the default policy,
//! `off` leaves the gate out, so that the same test binaries also say what they do without it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata, Subscriber};
use tracing_courier::{SanitizeExt as _, SanitizeLayer};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::{Data, LookupSpan};

type Any = Box<dyn Subscriber + Send + Sync>;

/// What the copy of tracing-core calls for each subscriber.
#[unsafe(no_mangle)]
pub fn courier_gate(inner: Any) -> Arc<dyn Subscriber + Send + Sync> {
    let policy = match std::env::var("COURIER_GATE").as_deref() {
        Ok("off") => return Arc::from(inner),
        Ok("none") => SanitizeLayer::none(),
        _ => SanitizeLayer::default(),
    };
    let found = Found {
        inner,
        shadow: Registry::default(),
        ids: Mutex::default(),
    };
    Arc::new(found.sanitized(policy).into_raw_subscriber())
}

/// A subscriber whose spans can be looked up, as the gate asks for: in its own registry, or, of one that has none (a
/// mock), in a registry beside it that knows the spans' metadata and nothing else.
struct Found {
    inner: Any,
    shadow: Registry,
    ids: Mutex<HashMap<u64, Id>>,
}

impl Found {
    /// Itself, not its box: `Subscriber for Box` does not hand on everything.
    fn inner(&self) -> &(dyn Subscriber + Send + Sync) {
        &*self.inner
    }

    fn registry(&self) -> Option<&Registry> {
        self.inner().downcast_ref()
    }

    fn shadow_of(&self, id: &Id) -> Option<Id> {
        self.ids.lock().unwrap().get(&id.into_u64()).cloned()
    }
}

impl<'a> LookupSpan<'a> for Found {
    type Data = Data<'a>;

    fn span_data(&'a self, id: &Id) -> Option<Data<'a>> {
        match self.registry() {
            Some(registry) => registry.span_data(id),
            None => self.shadow.span_data(&self.shadow_of(id)?),
        }
    }
}

impl Subscriber for Found {
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.inner().new_span(span);
        if self.registry().is_none() {
            // Its values are nobody's business here.
            let fields = span.metadata().fields();
            let none = vec![None; fields.len()];
            let none = fields.value_set_all(&none);
            let shadow = self
                .shadow
                .new_span(&Attributes::new_root(span.metadata(), &none));
            self.ids.lock().unwrap().insert(id.into_u64(), shadow);
        }
        id
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.inner().register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.inner().enabled(metadata)
    }

    fn event_enabled(&self, event: &Event<'_>) -> bool {
        self.inner().event_enabled(event)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.inner().max_level_hint()
    }

    fn on_register_dispatch(&self, dispatch: &tracing_core::Dispatch) {
        self.inner().on_register_dispatch(dispatch);
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        self.inner().record(id, values);
    }

    fn record_follows_from(&self, id: &Id, follows: &Id) {
        self.inner().record_follows_from(id, follows);
    }

    fn event(&self, event: &Event<'_>) {
        self.inner().event(event);
    }

    fn enter(&self, id: &Id) {
        self.inner().enter(id);
    }

    fn exit(&self, id: &Id) {
        self.inner().exit(id);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.inner().clone_span(id)
    }

    #[allow(deprecated)]
    fn drop_span(&self, id: Id) {
        self.inner().drop_span(id);
    }

    fn try_close(&self, id: Id) -> bool {
        self.inner().try_close(id)
    }

    fn current_span(&self) -> Current {
        self.inner().current_span()
    }

    #[allow(unsafe_code)]
    unsafe fn downcast_raw(&self, id: std::any::TypeId) -> Option<*const ()> {
        // SAFETY: what the inner subscriber returns lives as long as `self`.
        unsafe { self.inner().downcast_raw(id) }
    }
}
