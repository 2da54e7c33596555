//! The rules by name, as a marker, a counter and a report call them, and the places that a text may be in.

use crate::rules::rules;

macro_rules! kinds {
    ($($(#[$doc:meta])* $rule:ident = $name:literal, $whose:ident: [$($module:ident::$scanner:ident),*],)*) => {
        /// What took a piece of text. Of two that overlap, the first in this list names the whole.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// Every rule, in the order of declaration.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$rule),*];

            /// The name in markers, counters and reports.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$rule => $name,)*
                }
            }

            /// Which policies have it.
            pub(crate) fn whose(self) -> Whose {
                match self {
                    $(Self::$rule => Whose::$whose,)*
                }
            }
        }
    };
}
rules!(kinds);

/// Which policies have a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Always,
    /// All but the minimal profile: personal data.
    Personal,
    /// The strict profile alone.
    Strict,
}

/// Where a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The record's message, or a panic's.
    Message,
    /// The value of a field of an event or a span.
    Attribute,
    /// A value whose name says that it is a version: `1.2.3.4` is no address there.
    Version,
    /// An error's text.
    Error,
    /// A stack trace: paths to source files are cut to crate-relative.
    Stack,
    /// A resource attribute.
    Resource,
    /// A breadcrumb.
    Breadcrumb,
}

impl Place {
    /// Every place, in the order of declaration.
    pub const ALL: [Self; 7] = [
        Self::Message,
        Self::Attribute,
        Self::Version,
        Self::Error,
        Self::Stack,
        Self::Resource,
        Self::Breadcrumb,
    ];

    /// The name in counters and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Attribute => "attribute",
            Self::Version => "version",
            Self::Error => "error",
            Self::Stack => "stack",
            Self::Resource => "resource",
            Self::Breadcrumb => "breadcrumb",
        }
    }
}
