//! Where the programs under trial lie. They are built first when they are missing or older than their sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::SystemTime;

/// The program in the field.
pub fn field_app() -> PathBuf {
    example("field_app")
}

/// The program that panics.
pub fn panics() -> PathBuf {
    example("panics")
}

/// One of the examples.
pub fn example(name: &str) -> PathBuf {
    PROFILE_DIR.join("examples").join(name)
}

/// The program whose panics abort, in a workspace of its own. It is built each time, which takes half a minute once.
pub fn abort() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("abort/Cargo.toml");
    let target = PROFILE_DIR
        .parent()
        .expect("it is below target")
        .join("abort");
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--locked", "--quiet", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .status();
    assert!(built.is_ok_and(|status| status.success()), "it compiles");
    target.join("debug/courier-abort")
}

/// The relay and its command line.
pub fn courier_relay() -> PathBuf {
    PROFILE_DIR.join("courier-relay")
}

/// `target/debug` or `target/release`, whichever this test was built to.
static PROFILE_DIR: LazyLock<PathBuf> = LazyLock::new(|| {
    let test = std::env::current_exe().expect("a test knows itself");
    let dir = test.ancestors().nth(2).expect("it lies in deps").to_owned();
    let examples = [
        "field_app",
        "panics",
        "axum_service",
        "desktop_life",
        "hello",
    ];
    let mut programs = examples
        .map(|name| dir.join("examples").join(name))
        .to_vec();
    programs.push(dir.join("courier-relay"));
    if !programs.iter().all(|program| is_current(program)) {
        build(&dir);
    }
    for program in programs {
        assert!(
            program.exists(),
            "`{}` is missing: build it by `cargo build --workspace --bins --examples`",
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
        .args(["--workspace", "--bins", "--examples", "--target-dir"])
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
