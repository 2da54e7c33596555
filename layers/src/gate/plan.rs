//! What is known of a callsite before anything is logged there: which fields are secret, and what each is for.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, PoisonError, RwLock};

use tracing_core::Metadata;

use crate::sanitize::{KeyClass, Sanitizer};

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

    /// True for what the log bridge says about the place of a record: never scanned, never an attribute.
    pub fn is_structural(self) -> bool {
        matches!(
            self,
            Self::LogTarget | Self::LogModule | Self::LogFile | Self::LogLine
        )
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldPlan {
    pub name: &'static str,
    pub role: Role,
    pub is_secret: bool,
}

/// The plan of one callsite.
#[derive(Debug)]
pub(crate) struct Plan {
    pub metadata: &'static Metadata<'static>,
    pub fields: Box<[FieldPlan]>,
    /// The source file as it may be shown: relative to its crate.
    pub file: Option<&'static str>,
    /// The first field of each role.
    by_role: [Option<usize>; ROLES],
}

impl Plan {
    fn new(metadata: &'static Metadata<'static>, sanitizer: Option<&Sanitizer>) -> Self {
        let is_log = metadata.target() == "log" && metadata.fields().field("log.target").is_some();
        let fields: Box<[FieldPlan]> = metadata
            .fields()
            .iter()
            .map(|field| {
                let name = field.name();
                let role = Role::of(name, metadata.is_span(), is_log);
                let is_secret = role != Role::Message
                    && !role.is_structural()
                    && sanitizer.is_some_and(|rules| rules.key(name) == KeyClass::Secret);
                FieldPlan {
                    name,
                    role,
                    is_secret,
                }
            })
            .collect();
        let mut by_role = [None; ROLES];
        for (index, field) in fields.iter().enumerate().rev() {
            if let Some(first) = by_role.get_mut(field.role as usize) {
                *first = Some(index);
            }
        }
        Self {
            metadata,
            by_role,
            fields,
            file: metadata.file().map(crate_relative),
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
/// `log` bridge) never.
#[derive(Debug, Default)]
pub(crate) struct Plans(RwLock<HashMap<usize, Arc<Plan>, BuildHasherDefault<AddressHasher>>>);

impl Plans {
    pub fn of(
        &self,
        metadata: &'static Metadata<'static>,
        sanitizer: Option<&Sanitizer>,
    ) -> Arc<Plan> {
        let address = std::ptr::from_ref(metadata).addr();
        if let Some(plan) = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&address)
        {
            return Arc::clone(plan);
        }
        let plan = Arc::new(Plan::new(metadata, sanitizer));
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
    use super::crate_relative;

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
