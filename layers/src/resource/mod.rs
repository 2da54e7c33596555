//! What the records come from: the program, its process, the system under it.
//!
//! Attributes by OpenTelemetry's conventions (<https://opentelemetry.io/docs/specs/semconv/resource/>), found once, at
//! the start, from files and variables; nothing is asked of the network. Of two that say the same, the later wins:
//!
//! 1. what is found: `os.*`, `host.arch`, `process.*`, `build.profile`, `container.*`, `cicd.*`, `telemetry.sdk.*`;
//! 2. the program's name and version, as [`Courier::builder`](crate::Courier::builder) was told;
//! 3. the variable `OTEL_RESOURCE_ATTRIBUTES`;
//! 4. the variable `OTEL_SERVICE_NAME`;
//! 5. what the program says by [`resource`](crate::CourierBuilder::resource) and
//!    [`environment`](crate::CourierBuilder::environment).
//!
//! So whoever operates a program names it without building it anew, and what a program insists on stands, as
//! OpenTelemetry has it. All of it is cleaned like any record before it is written.
//!
//! What it does not do: name the host, unless it is asked to; that is a person's name on many a desk.

mod ci;
mod container;
mod surroundings;
mod system;
mod variables;

use serde_json::{Map, Value};
use uuid::Uuid;

pub(crate) use surroundings::{Real, Surroundings};
pub(crate) use variables::VariableError;

/// What the program says of itself.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub service: String,
    pub version: String,
    /// The host's name is wanted.
    pub has_host_name: bool,
    /// What it insists on.
    pub own: Map<String, Value>,
}

/// All attributes, and what was wrong with the variables: those are then left out.
pub(crate) fn find(
    program: Program,
    install_id: Uuid,
    around: &dyn Surroundings,
) -> (Map<String, Value>, Option<VariableError>) {
    let mut resource = Map::new();
    resource.insert("telemetry.sdk.language".to_owned(), "rust".into());
    resource.insert(
        "telemetry.sdk.name".to_owned(),
        env!("CARGO_PKG_NAME").into(),
    );
    resource.insert(
        "telemetry.sdk.version".to_owned(),
        env!("CARGO_PKG_VERSION").into(),
    );
    system::find(around, program.has_host_name, &mut resource);
    process(&mut resource);
    container::find(around, &mut resource);
    ci::find(around, &mut resource);

    resource.insert(
        "service.instance.id".to_owned(),
        install_id.to_string().into(),
    );
    resource.insert("service.name".to_owned(), program.service.into());
    resource.insert("service.version".to_owned(), program.version.into());
    let error = variables::find(around, &mut resource).err();
    resource.extend(program.own);
    (resource, error)
}

fn process(resource: &mut Map<String, Value>) {
    resource.insert("process.pid".to_owned(), std::process::id().into());
    if let Some(name) = executable_name() {
        resource.insert("process.executable.name".to_owned(), name.into());
    }
    // Known from how this crate was compiled, which cargo does in the program's own profile.
    let profile = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    resource.insert("build.profile".to_owned(), profile.into());
}

fn executable_name() -> Option<String> {
    let path = std::env::current_exe().ok()?;
    Some(path.file_name()?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::surroundings::made::Made;
    use super::*;

    fn program() -> Program {
        Program {
            service: "field-app".to_owned(),
            version: "1.0.0".to_owned(),
            ..Program::default()
        }
    }

    #[test]
    fn of_two_that_say_the_same_the_later_source_wins() {
        let name = |variables: &[(&'static str, &'static str)], own: &[(&str, &str)]| {
            let made = Made {
                variables: variables.iter().copied().collect(),
                ..Made::default()
            };
            let mut program = program();
            for &(name, value) in own {
                program.own.insert(name.to_owned(), value.into());
            }
            find(program, Uuid::nil(), &made).0["service.name"].clone()
        };
        let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=of-attributes");
        let service = ("OTEL_SERVICE_NAME", "of-service-name");
        assert_eq!(name(&[], &[]), "field-app");
        assert_eq!(name(&[attributes], &[]), "of-attributes");
        assert_eq!(name(&[service, attributes], &[]), "of-service-name");
        let own = [("service.name", "insisted")];
        assert_eq!(name(&[service, attributes], &own), "insisted");
    }

    #[test]
    fn variables_that_make_no_sense_are_left_out_whole_and_the_service_name_still_counts() {
        let made = Made {
            variables: HashMap::from([
                ("OTEL_RESOURCE_ATTRIBUTES", "a=1,b=%zz"),
                ("OTEL_SERVICE_NAME", "named"),
            ]),
            ..Made::default()
        };
        let (resource, error) = find(program(), Uuid::nil(), &made);
        assert_eq!(resource["service.name"], "named");
        assert!(!resource.contains_key("a"));
        assert!(error.is_some());
    }

    #[test]
    fn the_process_says_what_it_is() {
        let (resource, error) = find(program(), Uuid::nil(), &Real);
        assert_eq!(resource["process.pid"], std::process::id());
        assert_eq!(
            resource["build.profile"],
            if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            }
        );
        assert!(
            resource["process.executable.name"]
                .as_str()
                .unwrap()
                .starts_with("tracing_courier")
        );
        assert_eq!(resource["service.instance.id"], Uuid::nil().to_string());
        assert!(
            !resource.contains_key("host.name"),
            "only when it is asked for"
        );
        assert_eq!(error, None);
    }
}
