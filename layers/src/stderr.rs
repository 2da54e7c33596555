//! Lines on the program's stderr, for whoever started it.

use std::io::{self, Write as _};

/// Writes `tracing-courier: …` and a line break at once. stderr may be closed: then nobody is told.
pub(crate) fn say(what: &str) {
    let line = format!("tracing-courier: {what}\n");
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// Whether whoever develops the program is told what nobody else would ask for: what the variable `COURIER_DEBUG` says,
/// else what the program says, else whether this library was built with debug assertions. A program's release build
/// builds its libraries without them.
pub(crate) fn is_for_developers(programs_choice: Option<bool>) -> bool {
    let variable = std::env::var(VARIABLE).ok();
    chosen(variable.as_deref(), programs_choice).unwrap_or(cfg!(debug_assertions))
}

fn chosen(variable: Option<&str>, programs_choice: Option<bool>) -> Option<bool> {
    match variable.map(str::trim) {
        None | Some("") => programs_choice,
        Some("0" | "false" | "off" | "no") => Some(false),
        Some(_) => Some(true),
    }
}

const VARIABLE: &str = "COURIER_DEBUG";

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn the_variable_comes_before_the_program() {
        for (variable, programs, is_told) in [
            (None, None, None),
            (None, Some(true), Some(true)),
            (Some(""), Some(false), Some(false)),
            (Some("1"), Some(false), Some(true)),
            (Some("yes"), None, Some(true)),
            (Some("0"), Some(true), Some(false)),
            (Some("off"), None, Some(false)),
        ] {
            assert_eq!(
                chosen(variable, programs),
                is_told,
                "{variable:?} {programs:?}"
            );
        }
    }
}
