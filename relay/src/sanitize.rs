//! `courier-relay sanitize`: what the sanitizer takes, tried on real lines.

use std::io::{self, BufRead, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use courier_relay::redact::{Lines, explain, read_policy};
use tracing_courier::sanitize::{Policy, Sanitizer};

/// Reads stdin, writes stdout; the last line on stderr counts what went, by rule.
#[derive(Debug, Args)]
pub struct Sanitize {
    /// TOML file with a [sanitize] table
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Print what would go instead, without the text
    #[arg(long, conflicts_with = "text")]
    report: bool,
    /// Lines of plain text instead of records
    #[arg(long)]
    text: bool,
    /// Say which rule decides about a field of this name, and end
    #[arg(long, value_name = "KEY")]
    explain: Option<String>,
}

impl Sanitize {
    /// Does it; exits 1 when a line was no record.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let policy = self
            .policy
            .as_deref()
            .map(read_policy)
            .transpose()?
            .unwrap_or_else(Policy::new);
        let sanitizer = Sanitizer::new(&policy);
        if let Some(name) = &self.explain {
            println!("{}", explain(&sanitizer, name));
            return Ok(ExitCode::SUCCESS);
        }
        let lines = Lines::by(sanitizer);
        let (mut out, mut input) = (BufWriter::new(io::stdout().lock()), io::stdin().lock());
        let (mut bad, mut not_utf8) = (0u64, 0u64);
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
            let written = match self.line(&lines, &line, number) {
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
        eprintln!("{}", lines.counts());
        Ok(if bad > 0 {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }

    fn line(&self, lines: &Lines, line: &str, number: usize) -> Result<Vec<String>, String> {
        if self.text {
            return Ok(vec![lines.text(line).into_owned()]);
        }
        let found = if self.report {
            lines.report(line, number)
        } else {
            lines.record(line).map(|line| vec![line.into_owned()])
        };
        found.map_err(|error| error.to_string())
    }
}
