//! `courier-relay sanitize`: what the sanitizer takes, tried on real lines.

use std::io::{self, BufRead, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use courier_relay::redact::lines::{Lines, Totals, explain};
use tracing_courier::sanitize::{Policy, PolicyFile, Sanitizer};

use crate::run::Run;
use crate::settings::Settings;

/// Takes secrets out of records, one JSON object a line, from stdin to stdout
#[derive(Debug, Args)]
pub struct Sanitize {
    /// TOML file with a [sanitize] table
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Print what would go instead, without the text
    #[arg(long)]
    report: bool,
    /// Lines of plain text instead of records
    #[arg(long)]
    text: bool,
    /// Say which rule decides about fields of these names, and end
    #[arg(long, value_name = "KEY", num_args = 1..)]
    explain: Vec<String>,
}

impl Run for Sanitize {
    /// The last line on stderr counts what went, by rule. Exits 1 when a line was no record.
    fn run(self, _settings: Settings) -> anyhow::Result<ExitCode> {
        let policy = self
            .policy
            .as_deref()
            .map(PolicyFile::read)
            .transpose()?
            .unwrap_or_else(Policy::new);
        let sanitizer = Sanitizer::new(&policy);
        if !self.explain.is_empty() {
            for name in &self.explain {
                println!("{}", explain(&sanitizer, name));
            }
            return Ok(ExitCode::SUCCESS);
        }
        let lines = Lines::by(sanitizer);
        let (mut out, mut input) = (BufWriter::new(io::stdout().lock()), io::stdin().lock());
        let (mut bad, mut not_utf8) = (0u64, 0u64);
        let mut totals = Totals::new();
        let mut bytes = Vec::new();
        for number in 1.. {
            bytes.clear();
            if input.read_until(b'\n', &mut bytes)? == 0 {
                break;
            }
            let end = if bytes.last() == Some(&b'\n') {
                "\n"
            } else {
                ""
            };
            let line = String::from_utf8_lossy(bytes.strip_suffix(b"\n").unwrap_or(&bytes));
            not_utf8 += u64::from(matches!(line, std::borrow::Cow::Owned(_)));
            let written = match self.line(&lines, &line, number, &mut totals) {
                Ok(found) if self.report => {
                    found.iter().try_for_each(|line| writeln!(out, "{line}"))
                }
                Ok(found) => found.iter().try_for_each(|line| write!(out, "{line}{end}")),
                Err(reason) => {
                    bad += 1;
                    eprintln!("line {number}: {reason}");
                    Ok(())
                }
            };
            if written.is_err() {
                // Whoever reads has enough.
                break;
            }
        }
        // As above.
        let _ = out.flush();
        if not_utf8 > 0 {
            eprintln!("{not_utf8} lines were not UTF-8; what was not is replaced");
        }
        if self.report {
            eprintln!("{}", serde_json::to_string(&totals)?);
        } else {
            eprintln!("{}", lines.counts());
        }
        Ok(if bad > 0 {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

impl Sanitize {
    fn line(
        &self,
        lines: &Lines,
        line: &str,
        number: usize,
        totals: &mut Totals,
    ) -> Result<Vec<String>, String> {
        let found = match (self.text, self.report) {
            (true, true) => Ok(lines.report_text(line, number, totals)),
            (true, false) => Ok(vec![lines.text(line).into_owned()]),
            (false, true) => lines.report(line, number, totals),
            (false, false) => lines.record(line).map(|line| vec![line.into_owned()]),
        };
        found.map_err(|error| error.to_string())
    }
}
