//! The report that anyhow, eyre and color-eyre make of an error: its text, its causes and its backtrace in one.
//!
//! anyhow and eyre:
//!
//! ```text
//! reading the settings
//!
//! Caused by:
//!     0: cannot open settings.toml
//!     1: No such file or directory (os error 2)
//!
//! Stack backtrace:
//!    0: app::settings::read
//! ```
//!
//! color-eyre numbers the error itself as 0, colours everything, and puts headings between lines of `━`. Words may stand
//! before a report; its message begins with them.

use std::borrow::Cow;

/// One report, in its parts.
#[derive(Debug, PartialEq)]
pub(crate) struct Report {
    /// The error's own text.
    pub message: String,
    /// The texts of its causes, from the outermost in.
    pub causes: Vec<String>,
    /// The backtrace.
    pub stack: Option<String>,
}

impl Report {
    /// The text of the innermost cause.
    pub fn innermost(&self) -> &str {
        self.causes.last().unwrap_or(&self.message)
    }

    /// The error and its causes, a line for each, as all records have them.
    pub fn chain(&self) -> String {
        let mut chain = self.message.clone();
        for cause in &self.causes {
            chain.push_str("\ncaused by: ");
            chain.push_str(cause);
        }
        chain
    }
}

/// What begins a part of anyhow's and eyre's reports.
const CAUSES: &str = "Caused by:\n";
const STACK: &str = "Stack backtrace:\n";
/// Parts that say where or how the report was made.
const ABOUT_THE_REPORT: [&str; 3] = ["Location:\n", "Backtrace omitted", "Run with "];

/// The parts of `text`, if it is a report.
pub(crate) fn parse(text: &str) -> Option<Report> {
    // Nearly no text has a line of its own for this; and those that have none end here.
    if !text.contains('\n') {
        return None;
    }
    let text = without_colours(text);
    numbered(&text).or_else(|| plain(&text))
}

fn plain(text: &str) -> Option<Report> {
    let starts = [CAUSES, STACK, ABOUT_THE_REPORT[0]];
    let mut parts = text.split("\n\n");
    let first = parts.next()?;
    let mut report = Report {
        message: first.to_owned(),
        causes: Vec::new(),
        stack: None,
    };
    let mut is_report = false;
    let mut at = first.len();
    for part in parts {
        at += 2;
        is_report |= starts.iter().any(|start| part.starts_with(start));
        if let Some(causes) = part.strip_prefix(CAUSES) {
            report.causes = causes_in(causes);
        } else if part.starts_with(STACK) {
            // A backtrace is the last part; all that follows belongs to it.
            let stack = text.get(at + STACK.len()..).unwrap_or_default();
            report.stack = Some(stack.trim_end().to_owned());
            break;
        } else if !is_report {
            // The error's own text has more than one paragraph.
            report.message.push_str("\n\n");
            report.message.push_str(part);
        }
        at += part.len();
    }
    is_report.then_some(report)
}

/// The causes: numbered, or a single one without a number. A cause of several lines goes on deeper in.
fn causes_in(part: &str) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    for line in part.lines() {
        let line = line.trim_start();
        let next = numbered_line(line).filter(|&(number, _)| number == causes.len());
        if let Some((_, text)) = next {
            causes.push(text.to_owned());
        } else if let Some(last) = causes.last_mut() {
            last.push('\n');
            last.push_str(line);
        } else {
            causes.push(line.to_owned());
        }
    }
    causes
}

/// `3: text` in its parts.
fn numbered_line(line: &str) -> Option<(usize, &str)> {
    let (number, text) = line.split_once(": ")?;
    Some((number.parse().ok()?, text))
}

/// color-eyre's: after a line that is empty, or what the program says before it, the error under 0 and its causes.
fn numbered(text: &str) -> Option<Report> {
    let at = text.find("\n   0: ")?;
    let (before, report) = text.split_at_checked(at)?;
    let mut parts = report.get(1..)?.split("\n\n");
    let mut chain = causes_in(parts.next()?).into_iter();
    let is_known = |part: &str| {
        part.trim_start().starts_with('━')
            || ABOUT_THE_REPORT.iter().any(|known| part.starts_with(known))
    };
    // A backtrace that somebody logs behind words of their own has numbers too.
    if !before.is_empty() && !parts.clone().any(is_known) {
        return None;
    }
    let message = format!("{before}{}", chain.next()?);
    let causes = chain.collect();
    let mut stack = String::new();
    for part in parts {
        if part.trim_start().starts_with('━') {
            let frames = part.lines().skip(1).filter(|line| !line.contains('⋮'));
            for line in frames {
                if !stack.is_empty() {
                    stack.push('\n');
                }
                stack.push_str(line);
            }
        }
    }
    Some(Report {
        message,
        causes,
        stack: (!stack.is_empty()).then_some(stack),
    })
}

/// Drops the escape sequences that colour a terminal.
fn without_colours(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic());
        rest = end.and_then(|end| after.get(end + 1..)).unwrap_or_default();
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_is_no_report_is_left_alone() {
        for text in [
            "",
            "one line",
            "two\nlines",
            "two\n\nparagraphs",
            "Caused by: nothing",
            "\n   1: numbered",
            "   0: numbered",
            "a\n\nStack backtrace: none",
            "a\n   0: app::main\n             at src/main.rs:1:2",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_message_of_several_paragraphs_stays_whole() {
        let report = parse("a\n\nb\n\nCaused by:\n    c").unwrap();
        assert_eq!(report.chain(), "a\n\nb\ncaused by: c");
    }

    #[test]
    fn words_before_a_numbered_report_are_its_messages() {
        let report = parse("failed: \n   0: a\n   1: b\n\nLocation:\n   src/main.rs:7").unwrap();
        assert_eq!(report.chain(), "failed: a\ncaused by: b");
        assert_eq!(report.innermost(), "b");
    }
}
