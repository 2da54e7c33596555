//! What is known of a callsite before anything is logged there: which fields are secret, what each is for, and the
//! JSON that all of its records share.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, PoisonError, RwLock};

use tracing_core::Metadata;

use crate::sanitize::{KeyClass, Place, Sanitizer};

/// What a field is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Attribute,
    Message,
    Fatal,
    Category,
    Error,
    Stack,
    LogTarget,
    LogModule,
    LogFile,
    LogLine,
}

/// How many roles there are.
const ROLES: usize = Role::LogLine as usize + 1;

impl Role {
    fn of(name: &str, is_span: bool, is_log: bool) -> Self {
        match name {
            "message" => Self::Message,
            _ if is_span => Self::Attribute,
            "fatal" => Self::Fatal,
            "breadcrumb_category" => Self::Category,
            "error" | "err" | "exception" => Self::Error,
            "stack_trace" | "backtrace" | "exception.stacktrace" => Self::Stack,
            "log.target" if is_log => Self::LogTarget,
            "log.module_path" if is_log => Self::LogModule,
            "log.file" if is_log => Self::LogFile,
            "log.line" if is_log => Self::LogLine,
            _ => Self::Attribute,
        }
    }

    /// How a text of this role is scanned. What the log bridge says about a record's origin is structure.
    fn place(self, name: &str, sanitizer: &Sanitizer) -> Option<Place> {
        match self {
            Self::Message => Some(Place::Message),
            Self::Error => Some(Place::Error),
            Self::Stack => Some(Place::Stack),
            Self::LogTarget | Self::LogModule | Self::LogFile | Self::LogLine => None,
            Self::Attribute | Self::Fatal | Self::Category => {
                Some(sanitizer.place(Place::Attribute, name))
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct FieldPlan {
    pub name: &'static str,
    /// As a JSON member's key: `"name":`.
    pub key: Box<str>,
    pub role: Role,
    pub is_secret: bool,
    /// How its text is scanned; `None` for structure, which never is.
    pub place: Option<Place>,
}

/// The plan of one callsite.
#[derive(Debug)]
pub(crate) struct Plan {
    pub metadata: &'static Metadata<'static>,
    pub fields: Box<[FieldPlan]>,
    pub json: CallsiteJson,
    /// Of the policy that was in force before it was made. It may know a newer one already; then it is made again.
    generation: u64,
    /// The first field of each role.
    by_role: [Option<usize>; ROLES],
}

/// The JSON of what is the same for all records of a callsite.
#[derive(Debug)]
pub(crate) struct CallsiteJson {
    pub target: Box<str>,
    /// The object that says where in the source it is, if that is known.
    pub location: Option<Box<str>>,
}

impl CallsiteJson {
    fn of(metadata: &Metadata<'_>) -> Self {
        Self {
            target: json(metadata.target()),
            location: metadata.file().map(|file| {
                let file = json(crate_relative(file));
                let line = metadata.line().map(|line| format!(",\"line\":{line}"));
                format!("{{\"file\":{file}{}}}", line.unwrap_or_default()).into()
            }),
        }
    }
}

fn json(text: &str) -> Box<str> {
    // A string always has a JSON.
    serde_json::to_string(text).unwrap_or_default().into()
}

impl Plan {
    fn new(
        metadata: &'static Metadata<'static>,
        sanitizer: Option<&Sanitizer>,
        generation: u64,
    ) -> Self {
        let has_origin =
            |target, field| metadata.target() == target && metadata.fields().field(field).is_some();
        // The bridge of the `log` crate, and `Courier::capture_error`, say by fields where they were called.
        let is_log = has_origin("log", "log.target") || has_origin("error", "log.file");
        let fields: Box<[FieldPlan]> = metadata
            .fields()
            .iter()
            .map(|field| {
                let name = field.name();
                let role = Role::of(name, metadata.is_span(), is_log);
                let place = sanitizer.and_then(|rules| role.place(name, rules));
                let is_secret = place.is_some_and(|place| place != Place::Message)
                    && sanitizer.is_some_and(|rules| rules.key(name) == KeyClass::Secret);
                FieldPlan {
                    name,
                    key: format!("{}:", json(name)).into(),
                    role,
                    is_secret,
                    place,
                }
            })
            .collect();
        #[cfg(test)]
        tests::meanwhile();
        let mut by_role = [None; ROLES];
        for (index, field) in fields.iter().enumerate().rev() {
            if let Some(first) = by_role.get_mut(field.role as usize) {
                *first = Some(index);
            }
        }
        Self {
            metadata,
            generation,
            by_role,
            fields,
            json: CallsiteJson::of(metadata),
        }
    }

    pub fn field(&self, index: usize) -> Option<&FieldPlan> {
        self.fields.get(index)
    }

    /// The index of the first field with this role.
    pub fn index(&self, role: Role) -> Option<usize> {
        self.by_role.get(role as usize).copied().flatten()
    }
}

/// A dependency's `file!()` is an absolute path in the home of whoever built the program: only what follows the
/// registry's or checkout's folder is anybody's business.
pub(crate) fn crate_relative(file: &str) -> &str {
    for root in ["/registry/src/", "/git/checkouts/"] {
        if let Some((_, inside)) = file.split_once(root) {
            return inside.split_once('/').map_or(inside, |(_, rest)| rest);
        }
    }
    match file.rfind("/library/") {
        Some(at) if file.starts_with("/rustc/") => file.get(at + 1..).unwrap_or(file),
        _ => file,
    }
}

/// The plans of all callsites seen, got or computed: a callsite may be registered several times, late, or (the
/// `log` bridge) never. A new policy makes new plans.
#[derive(Debug, Default)]
pub(crate) struct Plans(RwLock<HashMap<usize, Arc<Plan>, BuildHasherDefault<AddressHasher>>>);

impl Plans {
    pub fn of(
        &self,
        metadata: &'static Metadata<'static>,
        sanitizer: Option<&Sanitizer>,
    ) -> Arc<Plan> {
        let address = std::ptr::from_ref(metadata).addr();
        let generation = sanitizer.map_or(0, Sanitizer::generation);
        let plans = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(&address)
            && plan.generation == generation
        {
            return Arc::clone(plan);
        }
        drop(plans);
        let plan = Plan::new(metadata, sanitizer, generation);
        let plan = Arc::new(plan);
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(address, Arc::clone(&plan));
        plan
    }
}

/// Addresses are spread already, but for their low bits.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_usize(&mut self, address: usize) {
        self.0 = (address as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tracing_core::Metadata;

    use super::{Plans, crate_relative};
    use crate::sanitize::{Policy, Sanitizer};

    thread_local! {
        static MEANWHILE: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
    }

    /// Runs what a test wants to happen while a plan is being made.
    pub(super) fn meanwhile() {
        if let Some(happens) = MEANWHILE.take() {
            happens();
        }
    }

    fn metadata() -> &'static Metadata<'static> {
        let stack = tracing_subscriber::registry();
        tracing::subscriber::with_default(stack, || {
            tracing::info_span!("opened", case_number = 1)
                .metadata()
                .unwrap()
        })
    }

    #[test]
    fn a_policy_that_is_reloaded_while_a_plan_is_made_is_in_force_afterwards() {
        let sanitizer = Sanitizer::new(&Policy::new());
        let reloaded = sanitizer.clone();
        MEANWHILE.set(Some(Box::new(move || {
            reloaded.reload(&Policy::new().deny("case_number")).unwrap();
        })));
        let (plans, metadata) = (Plans::default(), metadata());
        let under_way = plans.of(metadata, Some(&sanitizer));
        assert!(
            !under_way.fields[0].is_secret,
            "made by the policy of before"
        );
        let after = plans.of(metadata, Some(&sanitizer));
        assert!(after.fields[0].is_secret);
    }

    #[test]
    fn a_dependencys_path_is_cut_to_its_crate() {
        for (file, shown) in [
            ("src/main.rs", "src/main.rs"),
            (
                "/home/ada/.cargo/registry/src/index.example-1949/hyper-1.6.0/src/lib.rs",
                "hyper-1.6.0/src/lib.rs",
            ),
            (
                "/home/ada/.cargo/git/checkouts/thing-0123/abcdef0/src/lib.rs",
                "abcdef0/src/lib.rs",
            ),
            (
                "/rustc/0123456789abcdef/library/core/src/option.rs",
                "library/core/src/option.rs",
            ),
        ] {
            assert_eq!(crate_relative(file), shown, "{file}");
        }
    }
}
