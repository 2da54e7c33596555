//! The operating system and the machine.

use serde_json::{Map, Value};

use super::surroundings::Surroundings;

/// Adds `os.*`, `host.*` and `device.time_zone`.
pub(super) fn find(
    around: &dyn Surroundings,
    has_host_name: bool,
    resource: &mut Map<String, Value>,
) {
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            resource.insert(name.to_owned(), value.into());
        }
    };
    let kernel = around.file("/proc/sys/kernel/osrelease");
    let kernel = kernel.as_deref().map(str::trim);
    let release = around
        .file("/etc/os-release")
        .or_else(|| around.file("/usr/lib/os-release"));
    let said = |key: &str| release.as_deref().and_then(|text| of_release(text, key));
    set("os.type", Some(os_type().to_owned()));
    set(
        "os.name",
        Some(said("NAME").unwrap_or_else(|| std::env::consts::OS.to_owned())),
    );
    // A rolling distribution has no version of its own.
    set(
        "os.version",
        said("VERSION_ID").or_else(|| kernel.map(str::to_owned)),
    );
    set("os.build_id", said("BUILD_ID"));
    set(
        "os.description",
        match (said("PRETTY_NAME"), kernel) {
            (Some(name), Some(kernel)) => Some(format!("{name}, kernel {kernel}")),
            (name, kernel) => name.or_else(|| kernel.map(|kernel| format!("kernel {kernel}"))),
        },
    );
    set("host.arch", Some(arch().to_owned()));
    set("device.time_zone", time_zone(around));
    if has_host_name {
        set("host.name", host_name(around));
    }
}

/// The IANA name of the zone that the device is in, so that support reads its times as its user does: the variable `TZ`,
/// else where `/etc/localtime` leads, else what `/etc/timezone` says. `None` where the system says it in another way.
fn time_zone(around: &dyn Surroundings) -> Option<String> {
    let variable = around.variable("TZ");
    let link = || around.link("/etc/localtime");
    let file = || around.file("/etc/timezone");
    let named = |text: &str| {
        let name = match text.trim().rsplit_once("zoneinfo/") {
            Some((_, name)) => name,
            None => text.trim(),
        };
        let name = name.trim_start_matches(':');
        let is_in_name = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
        let is_name = name.len() <= 64 && name.chars().all(is_in_name);
        // `EST5EDT,M3.2.0` and the like are rules, not names.
        (is_name && (name == "UTC" || name.contains('/')) && !name.starts_with('/'))
            .then(|| name.to_owned())
    };
    match variable {
        Some(variable) => named(&variable),
        None => link()
            .and_then(|link| named(&link))
            .or_else(|| file().and_then(|text| named(&text))),
    }
}

/// A value of an `os-release` file: `KEY=value`, perhaps in quotes
/// (<https://www.freedesktop.org/software/systemd/man/latest/os-release.html>).
fn of_release(text: &str, key: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    let quoted = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let mut plain = String::new();
    let mut chars = quoted.unwrap_or(value).chars();
    while let Some(char) = chars.next() {
        plain.extend(if char == '\\' {
            chars.next()
        } else {
            Some(char)
        });
    }
    (!plain.is_empty()).then_some(plain)
}

/// The convention's word where it has one.
fn os_type() -> &'static str {
    match std::env::consts::OS {
        "macos" | "ios" => "darwin",
        os => os,
    }
}

/// The convention's word where it has one.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        arch => arch,
    }
}

/// The host's name as far as files and variables say it: std has no call for it.
fn host_name(around: &dyn Surroundings) -> Option<String> {
    let file = around
        .file("/proc/sys/kernel/hostname")
        .or_else(|| around.file("/etc/hostname"));
    file.map(|text| text.trim().to_owned())
        .filter(|name| !name.is_empty())
        .or_else(|| around.variable("COMPUTERNAME"))
        .or_else(|| around.variable("HOSTNAME"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::surroundings::made::Made;
    use super::*;

    fn found(files: &[(&'static str, &'static str)], has_host_name: bool) -> Map<String, Value> {
        let made = Made {
            files: files.iter().copied().collect(),
            variables: HashMap::from([("HOSTNAME", "of-the-shell")]),
            ..Made::default()
        };
        let mut resource = Map::new();
        find(&made, has_host_name, &mut resource);
        resource
    }

    const DEBIAN: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nID=debian\n";

    #[test]
    fn a_distribution_says_its_name_and_version() {
        let resource = found(
            &[
                ("/etc/os-release", DEBIAN),
                ("/proc/sys/kernel/osrelease", "6.18.0\n"),
            ],
            false,
        );
        assert_eq!(resource["os.name"], "Debian GNU/Linux");
        assert_eq!(resource["os.version"], "12");
        assert_eq!(
            resource["os.description"],
            "Debian GNU/Linux 12 (bookworm), kernel 6.18.0"
        );
    }

    #[test]
    fn one_without_a_version_has_the_kernels_and_a_system_without_files_its_name() {
        let arch = found(
            &[
                (
                    "/usr/lib/os-release",
                    "NAME='Arch \\'Linux\\''\nBUILD_ID=rolling\n",
                ),
                ("/proc/sys/kernel/osrelease", "6.18.0\n"),
            ],
            false,
        );
        assert_eq!(arch["os.name"], "Arch 'Linux'");
        assert_eq!(arch["os.version"], "6.18.0");
        assert_eq!(arch["os.build_id"], "rolling");
        let bare = found(&[], false);
        assert_eq!(bare["os.name"], std::env::consts::OS);
        assert!(!bare.contains_key("os.version"));
    }

    #[test]
    fn the_zone_is_what_the_system_names_it() {
        let zone = |variable: &'static str, link: &'static str, file: &'static str| {
            let some = |key, value: &'static str| {
                let given = (!value.is_empty()).then_some((key, value));
                given.into_iter().collect::<HashMap<_, _>>()
            };
            time_zone(&Made {
                variables: some("TZ", variable),
                links: some("/etc/localtime", link),
                files: some("/etc/timezone", file),
            })
        };
        let berlin = "../usr/share/zoneinfo/Europe/Berlin";
        for (variable, link, file, expected) in [
            (":Asia/Kolkata", berlin, "", Some("Asia/Kolkata")),
            (
                "/usr/share/zoneinfo/Asia/Kolkata",
                berlin,
                "",
                Some("Asia/Kolkata"),
            ),
            ("EST5EDT,M3.2.0,M11.1.0", berlin, "", None),
            ("", berlin, "", Some("Europe/Berlin")),
            ("", "/usr/share/zoneinfo/UTC", "", Some("UTC")),
            (
                "",
                "",
                "America/Argentina/Buenos_Aires\n",
                Some("America/Argentina/Buenos_Aires"),
            ),
            ("", "/etc/elsewhere", "", None),
            ("", "", "not a zone\u{1b}[31m/x", None),
            ("", "", "", None),
        ] {
            assert_eq!(
                zone(variable, link, file).as_deref(),
                expected,
                "{variable} {link} {file}"
            );
        }
    }

    #[test]
    fn the_host_is_named_on_request_only() {
        let files = [("/proc/sys/kernel/hostname", "desk-7\n")];
        assert!(!found(&files, false).contains_key("host.name"));
        assert_eq!(found(&files, true)["host.name"], "desk-7");
        assert_eq!(found(&[], true)["host.name"], "of-the-shell");
    }
}
