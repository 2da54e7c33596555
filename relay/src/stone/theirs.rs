//! What of a message is a person's, and the message without it.

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::whom::{Of, Whom};

/// What was taken out of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stripped {
    /// Of each record, in their order, whether it went.
    pub gone: Vec<bool>,
    /// Whether what the others ran on named them, and does no more.
    pub was_named: bool,
}

impl Stripped {
    /// How many records went.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.gone.iter().map(|gone| u64::from(*gone)).sum()
    }

    /// Whether there is none left.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.gone.iter().all(|gone| *gone)
    }
}

/// Takes a person's records out of a message. Where other records stay, the resource they share names the person no more.
pub fn strip(logs: &mut ResourceLogs, whom: &Whom) -> Stripped {
    let mut stripped = Stripped::default();
    let mut last: Option<((String, String, String), bool)> = None;
    for scope in &mut logs.scope_logs {
        scope.log_records.retain(|record| {
            let of = of(&record.attributes);
            let text = |id: Option<&str>| id.unwrap_or_default().to_owned();
            let ids = (text(of.user), text(of.install), text(of.sender));
            // Most records of a message have the ids of the one before.
            let is_theirs = match &last {
                Some((same, is_theirs)) if *same == ids => *is_theirs,
                _ => whom.owns(&of),
            };
            last = Some((ids, is_theirs));
            stripped.gone.push(is_theirs);
            !is_theirs
        });
    }
    logs.scope_logs
        .retain(|scope| !scope.log_records.is_empty());
    if let Some(resource) = &mut logs.resource {
        stripped.was_named = unname(resource, whom);
    }
    stripped
}

/// Takes attributes whose value is the person's id out of a resource; whether there were any.
pub fn unname(resource: &mut Resource, whom: &Whom) -> bool {
    let before = resource.attributes.len();
    resource.attributes.retain(|pair| {
        let text = pair.value.as_ref().and_then(|value| value.value.as_ref());
        !matches!(text, Some(Value::StringValue(text)) if whom.is(text))
    });
    resource.attributes.len() < before
}

/// The ids that a record has.
fn of(attributes: &[KeyValue]) -> Of<'_> {
    let mut of = Of::default();
    for pair in attributes {
        let place = match pair.key.as_str() {
            "user.id" => &mut of.user,
            "install.id" => &mut of.install,
            "courier.sender" => &mut of.sender,
            _ => continue,
        };
        if let Some(Value::StringValue(text)) =
            pair.value.as_ref().and_then(|value| value.value.as_ref())
        {
            *place = Some(text);
        }
    }
    of
}
