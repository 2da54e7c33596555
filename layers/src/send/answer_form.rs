//! Whose answer it is: the relay's, or that of something between the program and its relay.
//!
//! A captive portal answers with redirects, 403 and 404, a proxy with 407, 421 and 502, a filter with 451 and 511, each
//! with a page of its own. So a verdict counts only in the relay's own form: a receipt for 2xx, JSON `{"error":"…"}`
//! for everything else. Rules: the contract.

use serde::de::DeserializeOwned;

use super::transport::Answer;
use crate::wire::Refusal;

/// Which answers are verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Success {
    /// Those in a relay's own form, a receipt or a refusal: a captive portal answers 200 and 404 too.
    Receipt,
    /// Each by its status alone, for backends that are no relay.
    Any,
}

/// Whether an answer that is no success has the relay's own form.
pub(super) fn is_refusal(answer: &Answer) -> bool {
    object::<Refusal>(&answer.body).is_some()
}

/// What a JSON object says. serde would take an array of the right values for one too.
pub(super) fn object<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let is_object = body.trim_ascii_start().starts_with(b"{");
    is_object.then(|| serde_json::from_slice(body).ok())?
}

/// What went wrong, in a few words; nothing of the answer's body, which may be anything.
pub(super) fn described(answer: &Answer, success: Success) -> String {
    match (answer.status, &answer.error) {
        (Some(status @ 200..=299), _) => between(&format!("{status} without a receipt")),
        (Some(401), _) => "the relay answered 401".to_owned(),
        (Some(status), _) if success == Success::Any || is_refusal(answer) => {
            format!("the relay answered {status}")
        }
        (Some(status), _) => between(&status.to_string()),
        (None, Some(error)) => error.clone(),
        (None, None) => "no answer".to_owned(),
    }
}

fn between(answer: &str) -> String {
    format!("something between here and the relay answers ({answer}): a captive portal, a proxy?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_with_an_error_in_it_is_the_relays_own_form() {
        for (body, is_relays) in [
            (r#"{"error":"the body is not JSON"}"#, true),
            (r#"{"error":"no such path","hint":"added later"}"#, true),
            (r#"{"error":{"code":404}}"#, false),
            (r#"{"message":"Forbidden"}"#, false),
            (r#"["error"]"#, false),
            (r#"{"error":"the body is n"#, false),
            ("<html><title>403 Forbidden</title></html>", false),
            ("", false),
        ] {
            let answer = Answer {
                status: Some(400),
                body: body.as_bytes().to_vec(),
                ..Answer::default()
            };
            assert_eq!(is_refusal(&answer), is_relays, "{body}");
            let named = described(&answer, Success::Receipt);
            assert_eq!(named == "the relay answered 400", is_relays, "{named}");
            assert_eq!(
                named.starts_with("something between"),
                !is_relays,
                "{named}"
            );
            assert_eq!(described(&answer, Success::Any), "the relay answered 400");
        }
    }
}
