//! `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`, by OpenTelemetry's rules:
//! <https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable>.
//!
//! 1. `key=value` pairs, joined by commas; all values are strings; space around keys and values is dropped;
//! 2. keys and values are percent-decoded;
//! 3. one that can't be read costs the whole variable, and is reported;
//! 4. `OTEL_SERVICE_NAME` wins over a `service.name` among the pairs.

use serde_json::{Map, Value};

use super::surroundings::Surroundings;

/// What is wrong with `OTEL_RESOURCE_ATTRIBUTES`. It does not repeat what stands there, which may be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VariableError {
    #[error("OTEL_RESOURCE_ATTRIBUTES is left out: its pair {pair} is no `key=value`")]
    NoPair { pair: usize },
    #[error("OTEL_RESOURCE_ATTRIBUTES is left out: its pair {pair} is not percent-encoded UTF-8")]
    Encoding { pair: usize },
}

/// Adds what the variables say.
pub(super) fn find(
    around: &dyn Surroundings,
    resource: &mut Map<String, Value>,
) -> Result<(), VariableError> {
    let pairs = around
        .variable(ATTRIBUTES)
        .map_or(Ok(Vec::new()), |text| pairs(&text));
    let result = pairs.map(|pairs| {
        for (name, value) in pairs {
            resource.insert(name, value.into());
        }
    });
    if let Some(name) = around.variable(SERVICE_NAME) {
        resource.insert("service.name".to_owned(), name.into());
    }
    result
}

fn pairs(text: &str) -> Result<Vec<(String, String)>, VariableError> {
    let mut pairs = Vec::new();
    for (at, part) in text.split(',').enumerate() {
        let part = part.trim();
        if part.is_empty() {
            // A comma at the end.
            continue;
        }
        let pair = at + 1;
        let (name, value) = part.split_once('=').ok_or(VariableError::NoPair { pair })?;
        let decoded = |text: &str| decoded(text.trim()).ok_or(VariableError::Encoding { pair });
        let (name, value) = (decoded(name)?, decoded(value)?);
        if name.is_empty() {
            return Err(VariableError::NoPair { pair });
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// The text with its `%41`s as characters.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || (rest.next()? as char).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_split_trimmed_and_decoded() {
        for (text, expected) in [
            ("a=1", vec![("a", "1")]),
            (" a = 1 , b= 2,", vec![("a", "1"), ("b", "2")]),
            ("a=", vec![("a", "")]),
            ("a=b=c", vec![("a", "b=c")]),
            ("key%3Done=a%2Cb%20c", vec![("key=one", "a,b c")]),
            ("city=Z%C3%BCrich", vec![("city", "Zürich")]),
            ("plain=Zürich", vec![("plain", "Zürich")]),
            ("", vec![]),
        ] {
            let expected: Vec<(String, String)> = expected
                .iter()
                .map(|&(a, b)| (a.to_owned(), b.to_owned()))
                .collect();
            assert_eq!(pairs(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_place_and_never_repeated() {
        for (text, error) in [
            (
                "a=1,hunter2",
                "OTEL_RESOURCE_ATTRIBUTES is left out: its pair 2 is no `key=value`",
            ),
            (
                "=hunter2",
                "OTEL_RESOURCE_ATTRIBUTES is left out: its pair 1 is no `key=value`",
            ),
            (
                "a=hunter2%",
                "OTEL_RESOURCE_ATTRIBUTES is left out: its pair 1 is not percent-encoded UTF-8",
            ),
            (
                "a=1,b=%+1",
                "OTEL_RESOURCE_ATTRIBUTES is left out: its pair 2 is not percent-encoded UTF-8",
            ),
            (
                "a=%ff",
                "OTEL_RESOURCE_ATTRIBUTES is left out: its pair 1 is not percent-encoded UTF-8",
            ),
        ] {
            assert_eq!(pairs(text).unwrap_err().to_string(), error);
        }
    }
}
