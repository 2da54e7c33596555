//! Every field that a record has on the wire: one row each.
//!
//! | who asks | for what |
//! |---|---|
//! | the encoder, [`Session`](crate::session::Session) | how our programs write it |
//! | the guard of 64 KiB | what is cut, and in which order |
//! | the relay's reader | which spellings are one field |
//! | the relay's redaction, `courier-relay sanitize` | what a person may have written into it |
//!
//! To add one, add its row. What it needs besides, the compiler asks for (each `match` on a [`Field`] has all of them),
//! or a test that goes through [`Field::ALL`]: the shape in memory (`shape.rs`), what the encoder writes, and in the relay
//! that it arrives as OTLP, and without a secret that it held.

use courier_sanitize::Place;

/// What stands in a field, and so what is redacted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Times, levels, places and opaque ids: never looked at.
    Structure,
    /// A hexadecimal id; whatever else it is, it is text of an attribute.
    Hex,
    /// A text.
    Text(Place),
    /// Named values.
    Members(Place),
    /// A list of texts or of named values.
    List(Place),
}

/// Where our programs write a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Into each record that has it.
    InRecord,
    /// Once for many records, into their context.
    InContext,
    /// By the queue, when the record gets its place.
    ByQueue,
    /// Not by our programs: other clients do.
    ByOthers,
}

impl Holds {
    /// In which place redaction looks at it; `None` for never.
    #[must_use]
    pub const fn place(self) -> Option<Place> {
        match self {
            Self::Structure => None,
            Self::Hex => Some(Place::Attribute),
            Self::Text(place) | Self::Members(place) | Self::List(place) => Some(place),
        }
    }
}

macro_rules! fields {
    ($($field:ident $name:literal $(or $other:literal)?, $holds:expr, $written:ident $(, cut $cut:literal)?;)*) => {
        /// A field of a record on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Field {
            $(#[doc = concat!("`", $name, "`")] $field,)*
        }

        impl Field {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$field),*];

            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// Its place among [all](Self::ALL).
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }

            /// The field that a reader finds under this name, in either spelling.
            #[must_use]
            pub fn read(name: &str) -> Option<Self> {
                match name {
                    $($name $(| $other)? => Some(Self::$field),)*
                    _ => None,
                }
            }

            /// Its name, as our programs write it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$field => $name,)* }
            }

            /// The same as a member behind others: `,"name":`.
            pub(crate) const fn key(self) -> &'static [u8] {
                match self { $(Self::$field => concat!(",\"", $name, "\":").as_bytes(),)* }
            }

            /// What stands in it.
            #[must_use]
            pub const fn holds(self) -> Holds {
                match self { $(Self::$field => $holds,)* }
            }

            /// Where our programs write it.
            #[must_use]
            pub const fn written(self) -> Written {
                match self { $(Self::$field => Written::$written,)* }
            }

            /// When it is cut in a record that is too long: the least number first; `None` for never.
            const fn cut(self) -> Option<u8> {
                match self { $(Self::$field => cut!($($cut)?),)* }
            }
        }
    };
}

macro_rules! cut {
    () => {
        None
    };
    ($cut:literal) => {
        Some($cut)
    };
}

use Holds::{Hex, List, Members, Structure, Text};

fields! {
    Queued      "q",                            Structure,                   ByQueue;
    Timestamp   "timestamp",                    Structure,                   InRecord;
    Level       "level",                        Structure,                   InRecord;
    Logger      "logger",                       Structure,                   InRecord;
    Message     "message",                      Text(Place::Message),        InRecord, cut 1;
    Attributes  "attributes",                   Members(Place::Attribute),   InRecord, cut 2;
    Error       "error",                        Text(Place::Error),          InRecord, cut 4;
    ErrorType   "errorType" or "error_type",    Text(Place::Error),          InRecord;
    StackTrace  "stackTrace" or "stack_trace",  Text(Place::Stack),          InRecord, cut 3;
    TraceId     "traceId" or "trace_id",        Hex,                         InRecord;
    SpanId      "spanId" or "span_id",          Hex,                         InRecord;
    Spans       "spans",                        List(Place::Attribute),      InRecord;
    Location    "location",                     Structure,                   InRecord;
    Breadcrumbs "breadcrumbs",                  List(Place::Breadcrumb),     InRecord, cut 5;
    EventName   "eventName" or "event_name",    Text(Place::Attribute),      ByOthers;
    Install     "installId" or "install_id",    Structure,                   InContext;
    Session     "sessionId" or "session_id",    Structure,                   InContext;
    User        "userId" or "user_id",          Structure,                   InContext;
}

impl Field {
    /// The fields that are cut in a record that is too long, in their order.
    pub(crate) fn in_order_of_cutting() -> impl Iterator<Item = Self> {
        let cut = |step| move |field: &&Self| field.cut() == Some(step);
        (1..=u8::MAX).map_while(move |step| Self::ALL.iter().find(cut(step)).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_read_by_its_name_and_none_is_cut_out_of_turn() {
        for &field in Field::ALL {
            assert_eq!(Field::read(field.name()), Some(field));
        }
        let cut: Vec<Option<u8>> = Field::in_order_of_cutting().map(Field::cut).collect();
        let count = Field::ALL
            .iter()
            .filter(|field| field.cut().is_some())
            .count();
        assert_eq!(cut, (1..=5).map(Some).collect::<Vec<_>>(), "the contract's");
        assert_eq!(count, cut.len(), "a number twice, or left out");
    }
}
