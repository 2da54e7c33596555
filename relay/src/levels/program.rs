//! Which program logs, or asks for its levels.

use std::borrow::Cow;

use tracing_courier::record::Field;
use url::form_urlencoded;

use crate::wire::{Batch, json::Value};

/// What a program says of itself, and under whose token. What it does not say, or says empty, is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Program<T = String> {
    /// Its token's subject; without a token only what is for everyone and for its service counts.
    pub subject: Option<T>,
    /// Which installation.
    pub install: Option<T>,
    /// Which run.
    pub session: Option<T>,
    /// Which service.
    pub service: Option<T>,
    /// In which version.
    pub version: Option<T>,
}

impl Program {
    /// The sender of this batch: of its context, else of the first record; without a subject.
    #[must_use]
    pub fn of(batch: &Batch<'_>) -> Self {
        let context = &batch.context;
        let first = batch.records.first();
        let install = first.and_then(|record| record.install.as_ref());
        let session = first.and_then(|record| record.session.as_ref());
        let attribute = |wanted: &str| {
            let (_, value) = batch.resource.iter().find(|(name, _)| name == wanted)?;
            match value {
                Value::Text(text) if !text.is_empty() => Some(text),
                _ => None,
            }
        };
        let said = Program {
            subject: None,
            install: context.install.as_ref().or(install),
            session: context.session.as_ref().or(session),
            service: attribute("service.name"),
            version: attribute("service.version"),
        };
        said.map(ToString::to_string)
    }
}

impl<'q> Program<Cow<'q, str>> {
    /// The program that says this query of itself; without a subject.
    pub fn read(query: &'q str) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match (Field::read(&name), name.as_ref()) {
                (Some(Field::Install), _) => &mut read.install,
                (Some(Field::Session), _) => &mut read.session,
                (None, "service") => &mut read.service,
                (None, "version") => &mut read.version,
                _ => continue,
            };
            *place = Some(value).filter(|value| !value.is_empty());
        }
        read
    }
}

impl<T> Program<T> {
    /// The same in other words.
    pub fn map<U>(self, of: impl Fn(T) -> U) -> Program<U> {
        Program {
            subject: self.subject.map(&of),
            install: self.install.map(&of),
            session: self.session.map(&of),
            service: self.service.map(&of),
            version: self.version.map(&of),
        }
    }

    /// All that is known of it, in the order of the fields.
    pub fn texts(self) -> [Option<T>; 5] {
        let Self {
            subject,
            install,
            session,
            service,
            version,
        } = self;
        [subject, install, session, service, version]
    }
}

impl<T: AsRef<str>> Program<T> {
    /// The same, borrowed, under a token of `subject`; without one, or with an empty one, nobody's.
    pub fn under<'p>(&'p self, subject: Option<&'p str>) -> Program<&'p str> {
        Program {
            subject: subject.filter(|subject| !subject.is_empty()),
            ..self.by_ref()
        }
    }

    /// The same, borrowed.
    pub fn by_ref(&self) -> Program<&str> {
        let Self {
            subject,
            install,
            session,
            service,
            version,
        } = self;
        let borrowed = Program {
            subject: subject.as_ref(),
            install: install.as_ref(),
            session: session.as_ref(),
            service: service.as_ref(),
            version: version.as_ref(),
        };
        borrowed.map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn the_context_names_the_sender_and_else_the_first_record() {
        let body = br#"{"resource":{"service.name":"app","service.version":"1.0"},"context":{"installId":"i-1"},
            "logs":[{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m","installId":"i-2","sessionId":"s-2"}]}"#;
        let batch = wire::parse(body, 10).expect("a batch");
        let program = Program::of(&batch);
        assert_eq!(
            program.under(Some("u")),
            Program {
                subject: Some("u"),
                install: Some("i-1"),
                session: Some("s-2"),
                service: Some("app"),
                version: Some("1.0"),
            }
        );
        assert_eq!(program.under(Some("")).subject, None);
        let bare = wire::parse(b"[]", 10).expect("a batch");
        assert_eq!(Program::of(&bare), Program::default());
    }

    #[test]
    fn a_query_names_it_in_either_spelling_and_nothing_by_an_empty_text() {
        let asks = Program::read("installId=i%201&session_id=s&service=&other=1&version=2");
        let known = Program {
            install: Some("i 1"),
            session: Some("s"),
            version: Some("2"),
            ..Program::default()
        };
        assert_eq!(asks.by_ref(), known);
    }
}
