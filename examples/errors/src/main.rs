//! Prints the tables of `docs/errors.md`: all of them, or that of one program.

use std::process::Command;

use courier_error_trials::page::{PROGRAMS, table};

fn main() -> anyhow::Result<()> {
    if let Some(program) = std::env::args().nth(1) {
        print!("{}", table(&program)?);
        return Ok(());
    }
    for program in PROGRAMS {
        println!("<!-- {program} -->");
        // anyhow and eyre take a backtrace only if they are told to; the values are to be told apart without.
        let backtrace = if program == "values" { "0" } else { "1" };
        let status = Command::new(std::env::current_exe()?)
            .arg(program)
            .env("RUST_BACKTRACE", backtrace)
            .env_remove("RUST_LIB_BACKTRACE")
            .status()?;
        anyhow::ensure!(status.success(), "{program}: {status}");
        println!("<!-- end -->");
    }
    Ok(())
}
