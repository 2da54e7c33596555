//! Where the programs under trial lie. They are built first when they are missing or older than their sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::SystemTime;

/// The program in the field.
pub fn field_app() -> PathBuf {
    PROFILE_DIR.join("examples/field_app")
}

/// The relay and its command line.
pub fn courier_relay() -> PathBuf {
    PROFILE_DIR.join("courier-relay")
}

/// `target/debug` or `target/release`, whichever this test was built to.
static PROFILE_DIR: LazyLock<PathBuf> = LazyLock::new(|| {
    let test = std::env::current_exe().expect("a test knows itself");
    let dir = test.ancestors().nth(2).expect("it lies in deps").to_owned();
    let programs = [dir.join("examples/field_app"), dir.join("courier-relay")];
    if !programs.iter().all(|program| is_current(program)) {
        build(&dir);
    }
    for program in programs {
        assert!(
            program.exists(),
            "`{}` is missing: build it by `cargo build -p courier-relay -p courier-examples --bins --examples`",
            program.display()
        );
    }
    dir
});

fn build(profile_dir: &Path) {
    let profile = match profile_dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    // What it says goes where cargo's own words go; when it fails, what is missing is named by the caller.
    let _ = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--offline", "--profile", profile])
        .args(["-p", "courier-relay", "-p", "courier-examples"])
        .args(["--bins", "--examples", "--target-dir"])
        .arg(profile_dir.parent().expect("it is below target"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
}

/// Whether it is there, and newer than all that cargo says it was made from.
fn is_current(program: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    let Some(built) = changed(program) else {
        return false;
    };
    let made_from = fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let sources = made_from
        .split_once(": ")
        .map_or("", |(_, sources)| sources);
    sources
        .replace("\\ ", "\0")
        .split_whitespace()
        .map(|source| PathBuf::from(source.replace('\0', " ")))
        .all(|source| changed(&source).unwrap_or(SystemTime::UNIX_EPOCH) <= built)
}
