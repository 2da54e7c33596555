//! The tables of `docs/errors.md`, as they come out of this build.

use std::fmt::Write as _;

use color_eyre::eyre;
use tracing_courier::Courier;

use crate::arrived::{Arrived, arriving};
use crate::cause::{PassedOn, SettingsError};
use crate::{values, ways};

/// The programs of the page; each is a process of its own, since eyre's hook is one for the process.
pub const PROGRAMS: [&str; 5] = ["anyhow", "eyre", "color-eyre", "thiserror", "values"];

/// One table of the page: of what this program's errors become when it logs them.
///
/// # Errors
/// There is no such program, or a trial can't be set up.
pub fn table(program: &str) -> anyhow::Result<String> {
    match program {
        "anyhow" => table_of_ways::<anyhow::Error>(),
        "eyre" => table_of_ways::<eyre::Report>(),
        "color-eyre" => {
            color_eyre::install().map_err(|report| anyhow::anyhow!("{report}"))?;
            table_of_ways::<eyre::Report>()
        }
        "thiserror" => table_of_ways::<SettingsError>(),
        "values" => table_of_values(),
        _ => anyhow::bail!("no program `{program}`; use one of {PROGRAMS:?}"),
    }
}

fn table_of_ways<E: PassedOn>() -> anyhow::Result<String> {
    let dir = tempfile::tempdir()?;
    let courier = Courier::builder("trials", "1")
        .dir(dir.path())
        .without_panic_hook()
        .start()?;
    let mut table = String::from(
        "| logged as | message | type | error and causes | stack | fingerprint |\n|---|---|---|---|---|---|\n",
    );
    for way in ways::all::<E>() {
        let error = E::made();
        for arrived in arriving(|| (way.log)(&courier, &error)) {
            writeln!(
                table,
                "| `{}` | {} | {} | {} | {} | {} |",
                way.written.replace('|', "\\|"),
                cell(Some(&arrived.message)),
                code(arrived.kind()),
                cell(arrived.chain()),
                code(arrived.stack().and_then(own_frame)),
                fingerprint(&arrived),
            )?;
        }
    }
    Ok(table)
}

fn table_of_values() -> anyhow::Result<String> {
    let mut table =
        String::from("| crate | what failed | type | fingerprint |\n|---|---|---|---|\n");
    for value in values::all()? {
        let arrived = value.arrived();
        writeln!(
            table,
            "| {} | {} | {} | {} |",
            value.of,
            value.what,
            code(arrived.kind()),
            fingerprint(&arrived),
        )?;
    }
    Ok(table)
}

fn cell(text: Option<&str>) -> String {
    text.map_or_else(
        || "–".to_owned(),
        |text| text.replace('|', "\\|").replace('\n', "<br>"),
    )
}

fn code(text: Option<&str>) -> String {
    text.map_or_else(|| "–".to_owned(), |text| format!("`{text}`"))
}

/// The first frame that is this program's, without its number, and without the hash that color-eyre shows.
fn own_frame(stack: &str) -> Option<&str> {
    let line = stack
        .lines()
        .find(|line| line.contains("courier_error_trials"))?;
    let frame = line.split_once(": ")?.1.trim();
    Some(frame.rsplit_once("::h").map_or(frame, |(frame, _)| frame))
}

/// Its first digits, and what went into it.
fn fingerprint(arrived: &Arrived) -> String {
    let kind = arrived.kind().unwrap_or_default();
    let has_frames = courier_relay::fingerprint(kind, "") != arrived.fingerprint();
    let of = match (kind.is_empty(), has_frames) {
        (false, false) => "type",
        (false, true) => "type, stack",
        (true, true) => "stack",
        (true, false) => "nothing",
    };
    let digits = arrived.fingerprint().get(..8).unwrap_or_default();
    format!("`{digits}` ({of})")
}
