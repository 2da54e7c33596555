//! Which program a batch comes from.

use super::book::Program;
use crate::wire::{Batch, json::Value};

/// What a batch says of its sender: of the context, else of the first record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    install: Option<String>,
    session: Option<String>,
    service: Option<String>,
    version: Option<String>,
}

impl Origin {
    /// Of this batch.
    #[must_use]
    pub fn of(batch: &Batch<'_>) -> Self {
        let first = batch.records.first();
        let install = first.and_then(|record| record.install.as_ref());
        let session = first.and_then(|record| record.session.as_ref());
        let attribute = |wanted: &str| {
            let (_, value) = batch.resource.iter().find(|(name, _)| name == wanted)?;
            match value {
                Value::Text(text) if !text.is_empty() => Some(text.to_string()),
                _ => None,
            }
        };
        Self {
            install: batch
                .context
                .install
                .as_ref()
                .or(install)
                .map(ToString::to_string),
            session: batch
                .context
                .session
                .as_ref()
                .or(session)
                .map(ToString::to_string),
            service: attribute("service.name"),
            version: attribute("service.version"),
        }
    }

    /// The program, under a token of `subject`.
    #[must_use]
    pub fn program<'p>(&'p self, subject: &'p str) -> Program<'p> {
        Program {
            subject: Some(subject).filter(|subject| !subject.is_empty()),
            install: self.install.as_deref(),
            session: self.session.as_deref(),
            service: self.service.as_deref(),
            version: self.version.as_deref(),
        }
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
        let origin = Origin::of(&batch);
        let program = origin.program("u");
        assert_eq!(
            (
                program.subject,
                program.install,
                program.session,
                program.service,
                program.version
            ),
            (
                Some("u"),
                Some("i-1"),
                Some("s-2"),
                Some("app"),
                Some("1.0")
            )
        );
        let bare = wire::parse(b"[]", 10).expect("a batch");
        assert_eq!(Origin::of(&bare), Origin::default());
    }
}
