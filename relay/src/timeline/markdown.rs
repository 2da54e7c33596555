//! A timeline as Markdown, for a ticket. Nothing that a record says becomes markup, a link or a picture.

use std::fmt::Write;

use crate::index::{Found, Kind, text_of};
use crate::text::escape;

use super::in_short::clock;
use super::row::Row;
use super::session::Session;
use super::story::Story;
use super::text::{breadcrumbs, is_shown_elsewhere, level, shown};
use super::told::{Told, day};

/// A timeline as Markdown.
#[must_use]
pub fn markdown(told: &Told) -> String {
    let (kind, name) = told.ask.of.flag();
    let mut out = format!("## {kind} {}\n\n", code(name));
    if let Some(story) = &told.story {
        let (from, to) = (day(story.from, &story.zone), day(story.to, &story.zone));
        // Writing to a string does not fail.
        let _ = writeln!(out, "{from} to {to}, {}\n", code(&story.zone.name));
        for session in &story.sessions {
            let _ = writeln!(out, "- {}", self::session(session, story));
        }
        if told.is_found() {
            out.push('\n');
            for sentence in &story.in_short {
                let _ = writeln!(out, "- {}", plain(&sentence.text));
            }
            rows(&mut out, story);
        }
    }
    if !told.is_found() {
        for why in told.nothing() {
            let _ = writeln!(out, "{}\n", plain(&why));
        }
    }
    let _ = writeln!(out, "\nThe same: {}", code(&told.link()));
    out
}

fn session(session: &Session, story: &Story) -> String {
    let of = |text: &Option<String>| text.as_deref().map(code);
    let mut said = vec![format!("session {}", code(&session.session))];
    said.extend(of(&session.service));
    said.extend(of(&session.version));
    said.extend(of(&session.device));
    said.extend(of(&session.os));
    said.push(format!("from {}", clock(session.started, &story.zone)));
    said.push(session.end.as_str().to_owned());
    said.join(", ")
}

fn rows(out: &mut String, story: &Story) {
    out.push_str("\n| time | level | logger | message |\n|---|---|---|---|\n");
    for row in &story.rows {
        let _ = match row {
            Row::Record(record) => writeln!(
                out,
                "| {} | {} | {} | {} |",
                clock(record.place.time, &story.zone),
                level(record.level),
                code(record.name(Kind::Logger).unwrap_or_default()),
                said(record)
            ),
            Row::Gap(gap) => writeln!(
                out,
                "| {} | | | **{} records are missing until {}**: {} |",
                clock(gap.time, &story.zone),
                gap.count,
                clock(gap.until, &story.zone),
                plain(gap.reason.as_deref().unwrap_or("nobody said why"))
            ),
        };
    }
}

fn said(record: &Found) -> String {
    let attributes = &record.rest.attributes;
    let mut said = plain(&record.message);
    let error = [
        text_of(attributes, "exception.type"),
        text_of(attributes, "exception.message"),
    ];
    let error: Vec<&str> = error.into_iter().flatten().collect();
    if !error.is_empty() {
        let _ = write!(said, "<br>{}", code(&error.join(": ")));
    }
    let named = attributes
        .iter()
        .filter(|pair| !is_shown_elsewhere(&pair.key));
    for pair in named {
        let value = shown(pair.value.as_ref());
        let _ = write!(said, "<br>{}", code(&format!("{}={value}", pair.key)));
    }
    let crumbs = breadcrumbs(attributes).len();
    if crumbs > 0 {
        let crumbs = format!("{crumbs} breadcrumb{}", if crumbs == 1 { "" } else { "s" });
        let _ = write!(said, "<br>{crumbs}");
    }
    said
}

/// Text that stays text: each character that means something to a renderer is written as a reference.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in escape(text).chars() {
        match c {
            '\u{201c}' | '\u{201d}' | '-' | '.' | ',' | ' ' | '/' | '=' | '\'' => out.push(c),
            ':' | ';' | '(' | ')' | '%' | '?' | '+' => out.push(c),
            c if c.is_alphanumeric() => out.push(c),
            c => drop(write!(out, "&#{};", u32::from(c))),
        }
    }
    // These become links by themselves.
    out.replace("www.", "www&#46;").replace("://", "&#58;//")
}

/// The same, set as code.
fn code(text: &str) -> String {
    format!("<code>{}</code>", plain(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_record_says_is_markup() {
        let hostile = "![x](https://evil.example/p.png) <script> | `a` **b** # c\n- d www.evil.example @team \u{1b}[31m";
        let said = plain(hostile);
        for mark in [
            "![", "](", "<", "|", "`", "*", "#x", "://", "www.", "@", "\n", "\u{1b}",
        ] {
            assert!(!said.contains(mark), "{mark}: {said}");
        }
        assert_eq!(plain("upload failed, 5 s"), "upload failed, 5 s");
    }
}
