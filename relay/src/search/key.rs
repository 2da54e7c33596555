//! The keys that a query knows.

/// What a word of a query is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Who: the user of the record or the token's subject.
    User,
    /// The token's subject.
    Sender,
    /// The installation.
    Install,
    /// The support code of an installation.
    Code,
    /// The session.
    Session,
    /// One record, by its `log.record.uid`.
    Record,
    /// The error group.
    Group,
    /// `service.name`.
    Service,
    /// `service.version`.
    Version,
    /// The level, which has an order.
    Level,
    /// The logger; a whole path segment of it at least.
    Logger,
    /// `event_name`.
    Event,
    /// Log, span or metric.
    Kind,
    /// The trace id.
    Trace,
    /// Whether a record has something.
    Has,
}

/// A key, how it is written, and an example of its values.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// What it is about.
    pub key: Key,
    /// As it is written.
    pub name: &'static str,
    /// A value.
    pub example: &'static str,
}

/// Every key.
pub const KEYS: [Known; 15] = [
    known(Key::User, "user", "ada"),
    known(Key::Sender, "sender", "ada"),
    known(Key::Install, "install", "0190…"),
    known(Key::Code, "code", "ABCD-EFGH-J"),
    known(Key::Session, "session", "0190…"),
    known(Key::Record, "record", "32 hex digits"),
    known(Key::Group, "group", "g1:…"),
    known(Key::Service, "service", "field-app"),
    known(Key::Version, "version", "2.3.1"),
    known(Key::Level, "level", ">=warning"),
    known(Key::Logger, "logger", "app::sync"),
    known(Key::Event, "event", "session.start"),
    known(Key::Kind, "kind", "log"),
    known(Key::Trace, "trace", "32 hex digits"),
    known(Key::Has, "has", "error"),
];

/// What `has:` can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    /// An error.
    Error,
    /// A stack trace.
    Stack,
    /// Breadcrumbs.
    Breadcrumbs,
    /// Attachments.
    Attachments,
    /// A trace id.
    Trace,
    /// A user.
    User,
}

/// Every value of `has:`.
pub const HAS: [(&str, Has); 6] = [
    ("error", Has::Error),
    ("stack", Has::Stack),
    ("breadcrumbs", Has::Breadcrumbs),
    ("attachments", Has::Attachments),
    ("trace", Has::Trace),
    ("user", Has::User),
];

/// Levels as they are written, with the least OTLP severity number of each.
pub const LEVELS: [(&str, i32); 8] = [
    ("trace", 1),
    ("debug", 5),
    ("info", 9),
    ("warning", 13),
    ("error", 17),
    ("fatal", 21),
    ("warn", 13),
    ("critical", 21),
];

/// Values of `kind:`.
pub const KINDS: [&str; 3] = ["log", "span", "metric"];

const fn known(key: Key, name: &'static str, example: &'static str) -> Known {
    Known { key, name, example }
}
