//! Whether the program runs in somebody's pipeline, so that its records can be told from the field's.

use serde_json::{Map, Value};

use super::surroundings::Surroundings;

/// Adds `cicd.*` where there are signs of a pipeline.
pub(super) fn find(around: &dyn Surroundings, resource: &mut Map<String, Value>) {
    let system = SYSTEMS
        .iter()
        .find(|system| around.variable(system.sign).is_some());
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            resource.insert(name.to_owned(), value.into());
        }
    };
    if let Some(system) = system {
        set("cicd.system", Some(system.name.to_owned()));
        set("cicd.pipeline.name", around.variable(system.pipeline));
        set("cicd.pipeline.run.id", around.variable(system.run));
    } else if around
        .variable("CI")
        .is_some_and(|ci| ci != "false" && ci != "0")
    {
        set("cicd.system", Some("unknown".to_owned()));
    }
}

struct System {
    name: &'static str,
    /// The variable that tells it from others.
    sign: &'static str,
    /// The variables that name pipeline and run.
    pipeline: &'static str,
    run: &'static str,
}

const SYSTEMS: [System; 7] = [
    System {
        name: "github",
        sign: "GITHUB_ACTIONS",
        pipeline: "GITHUB_WORKFLOW",
        run: "GITHUB_RUN_ID",
    },
    System {
        name: "gitlab",
        sign: "GITLAB_CI",
        pipeline: "CI_PROJECT_PATH",
        run: "CI_PIPELINE_ID",
    },
    System {
        name: "jenkins",
        sign: "JENKINS_URL",
        pipeline: "JOB_NAME",
        run: "BUILD_ID",
    },
    System {
        name: "azure",
        sign: "TF_BUILD",
        pipeline: "BUILD_DEFINITIONNAME",
        run: "BUILD_BUILDID",
    },
    System {
        name: "buildkite",
        sign: "BUILDKITE",
        pipeline: "BUILDKITE_PIPELINE_SLUG",
        run: "BUILDKITE_BUILD_ID",
    },
    System {
        name: "circleci",
        sign: "CIRCLECI",
        pipeline: "CIRCLE_JOB",
        run: "CIRCLE_WORKFLOW_ID",
    },
    System {
        name: "woodpecker",
        sign: "CI_SYSTEM_NAME",
        pipeline: "CI_REPO",
        run: "CI_PIPELINE_NUMBER",
    },
];

#[cfg(test)]
mod tests {
    use super::super::surroundings::made::Made;
    use super::*;

    #[test]
    fn a_pipeline_is_known_by_its_variables() {
        for (variables, expected) in [
            (vec![], r#"{}"#),
            (vec![("CI", "false")], r#"{}"#),
            (vec![("CI", "true")], r#"{"cicd.system":"unknown"}"#),
            (
                vec![
                    ("CI", "true"),
                    ("GITHUB_ACTIONS", "true"),
                    ("GITHUB_WORKFLOW", "nightly"),
                    ("GITHUB_RUN_ID", "7"),
                ],
                r#"{"cicd.pipeline.name":"nightly","cicd.pipeline.run.id":"7","cicd.system":"github"}"#,
            ),
        ] {
            let made = Made {
                variables: variables.into_iter().collect(),
                ..Made::default()
            };
            let mut resource = Map::new();
            find(&made, &mut resource);
            assert_eq!(Value::Object(resource).to_string(), expected);
        }
    }
}
