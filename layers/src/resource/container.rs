//! Whether the program runs in a container, and in which.

use serde_json::{Map, Value};

use super::surroundings::Surroundings;

/// Adds `container.*` and `k8s.*` where there are signs of one.
pub(super) fn find(around: &dyn Surroundings, resource: &mut Map<String, Value>) {
    let mut set = |name: &str, value: String| resource.insert(name.to_owned(), value.into());
    if let Some(runtime) = runtime(around) {
        set("container.runtime.name", runtime);
    }
    if let Some(id) = id(around) {
        set("container.id", id);
    }
    if around.variable("KUBERNETES_SERVICE_HOST").is_some()
        && let Some(namespace) =
            around.file("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    {
        set("k8s.namespace.name", namespace.trim().to_owned());
    }
}

/// By the marks that the runtimes leave.
fn runtime(around: &dyn Surroundings) -> Option<String> {
    if around.exists("/run/.containerenv") {
        Some("podman".to_owned())
    } else if around.exists("/.dockerenv") {
        Some("docker".to_owned())
    } else {
        // Set by systemd-nspawn, LXC and others for the first process; inherited where that passes it on.
        around.variable("container")
    }
}

/// The container's id: 64 hex digits in a path of this process's control groups, or, where those are hidden, in the
/// path of a file that the runtime mounts.
fn id(around: &dyn Surroundings) -> Option<String> {
    let groups = around.file("/proc/self/cgroup").unwrap_or_default();
    let of_group = groups
        .lines()
        .find_map(|line| hex_id(line.rsplit('/').next()?));
    of_group.or_else(|| {
        let mounts = around.file("/proc/self/mountinfo").unwrap_or_default();
        mounts
            .lines()
            .filter(|line| line.contains("/hostname "))
            .find_map(|line| line.split('/').find_map(hex_id))
    })
}

/// The 64 hex digits among a path's parts such as `docker-<id>.scope`.
fn hex_id(part: &str) -> Option<String> {
    part.split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::surroundings::made::Made;
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn found(
        files: &[(&'static str, String)],
        variables: &[(&'static str, &'static str)],
    ) -> Map<String, Value> {
        let files: HashMap<_, &'static str> = files
            .iter()
            .map(|(path, text)| (*path, &*text.clone().leak()))
            .collect();
        let made = Made {
            files,
            variables: variables.iter().copied().collect(),
            ..Made::default()
        };
        let mut resource = Map::new();
        find(&made, &mut resource);
        resource
    }

    #[test]
    fn the_id_is_found_wherever_the_runtime_shows_it() {
        for (path, text) in [
            ("/proc/self/cgroup", format!("12:pids:/docker/{ID}\n0::/\n")),
            (
                "/proc/self/cgroup",
                format!("0::/system.slice/docker-{ID}.scope\n"),
            ),
            (
                "/proc/self/cgroup",
                format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope\n"),
            ),
            (
                "/proc/self/mountinfo",
                format!(
                    "5 4 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
                ),
            ),
        ] {
            assert_eq!(
                found(&[(path, text.clone())], &[])["container.id"],
                ID,
                "{text}"
            );
        }
    }

    #[test]
    fn a_machine_of_its_own_shows_nothing() {
        let files = [(
            "/proc/self/cgroup",
            "0::/user.slice/session-1.scope\n".to_owned(),
        )];
        assert_eq!(found(&files, &[]), Map::new());
    }

    #[test]
    fn each_runtime_is_known_by_its_mark() {
        let none = String::new();
        for (files, variables, runtime) in [
            (vec![("/.dockerenv", none.clone())], vec![], "docker"),
            (vec![("/run/.containerenv", none)], vec![], "podman"),
            (
                vec![],
                vec![("container", "systemd-nspawn")],
                "systemd-nspawn",
            ),
        ] {
            assert_eq!(found(&files, &variables)["container.runtime.name"], runtime);
        }
    }
}
