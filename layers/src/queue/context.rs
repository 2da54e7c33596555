//! What is true of the records that follow: written once, not in each of them.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::head::FORMAT_VERSION;
use super::id::QueueId;
use super::line::{Line, MAX_LINE_BYTES};

/// What is true of the records that follow it in the queue, until the next one.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Context {
    /// Install, session, user: the members of the request's `context`. `version` and `queue` are the queue's own.
    pub context: Map<String, Value>,
    /// Attributes of the program and the machine: the request's `resource`.
    pub resource: Map<String, Value>,
}

impl Context {
    /// These members of `context`, and these attributes of the resource.
    #[must_use]
    pub fn new(context: Map<String, Value>, resource: Map<String, Value>) -> Self {
        Self { context, resource }
    }
}

/// The members of a context line, `"context":{…},"resource":{…}`, as they go into a request body.
pub(super) fn members(queue: QueueId, context: &Context) -> Arc<str> {
    let mut text = format!("\"context\":{{\"version\":{FORMAT_VERSION},\"queue\":\"{queue}\"");
    for (name, value) in &context.context {
        if name != "version" && name != "queue" {
            text += &format!(",{}:{value}", Value::from(name.as_str()));
        }
    }
    let resource = Value::from(context.resource.clone());
    text += &format!("}},\"resource\":{resource}");
    if text.len() > MAX_LINE_BYTES / 2 {
        return unknown(queue);
    }
    text.into()
}

/// The members for records whose own context line is lost: the queue alone, rather than somebody else's name.
pub(super) fn unknown(queue: QueueId) -> Arc<str> {
    members(queue, &Context::default())
}

/// The queue that wrote the records under these members.
pub(super) fn queue_of(members: &str) -> Option<QueueId> {
    let known = format!("\"context\":{{\"version\":{FORMAT_VERSION},\"queue\":\"");
    QueueId::parse(members.strip_prefix(&known)?.get(..16)?)
}

/// Makes `line` the context line with these members.
pub(super) fn encode(line: &mut Line, members: &str) {
    line.clear();
    line.body().extend_from_slice(members.as_bytes());
    line.body().push(b'}');
}

/// Whether the members of a context line were written by a version that this one does not know.
pub(super) fn is_newer(members: &str) -> bool {
    let known = format!("\"context\":{{\"version\":{FORMAT_VERSION},");
    !members.starts_with(&known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_and_the_version_are_said_by_the_queue_alone() {
        let id = QueueId::random();
        let mut context = Context::default();
        context.context.insert("queue".to_owned(), "forged".into());
        context
            .context
            .insert("userId".to_owned(), "user-\"abc".into());
        context
            .resource
            .insert("os.name".to_owned(), "linux".into());
        let json: Value = serde_json::from_str(&format!("{{{}}}", members(id, &context))).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "context": {"version": 1, "queue": id.to_string(), "userId": "user-\"abc"},
                "resource": {"os.name": "linux"},
            })
        );
    }

    #[test]
    fn the_queue_is_read_back_from_the_members() {
        let id = QueueId::random();
        assert_eq!(queue_of(&unknown(id)), Some(id));
        assert_eq!(
            queue_of("\"context\":{\"version\":1,\"queue\":\"0\"}"),
            None
        );
    }

    #[test]
    fn a_context_that_no_line_can_hold_becomes_the_bare_one() {
        let id = QueueId::random();
        let mut context = Context::default();
        context
            .resource
            .insert("x".to_owned(), "x".repeat(MAX_LINE_BYTES).into());
        assert_eq!(members(id, &context), unknown(id));
    }

    #[test]
    fn only_another_version_is_newer() {
        let id = QueueId::random();
        assert!(!is_newer(&unknown(id)));
        assert!(is_newer("\"context\":{\"version\":12,\"queue\":\"x\"}"));
    }
}
