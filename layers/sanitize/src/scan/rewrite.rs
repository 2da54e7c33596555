//! From spans to the output: built once, into a buffer that is kept for the next text.

use std::cell::RefCell;
use std::fmt::Write as _;

use crate::policy::compiled::Compiled;
use crate::rule_names::Rule;
use crate::text::Steps;
use crate::text::floor::floor;
use crate::text::span::Span;

/// Buffers that live as long as the thread, so that a dirty text allocates nothing either.
#[derive(Default)]
pub(crate) struct Scratch {
    pub spans: Vec<Span>,
    pub out: String,
    /// The output before it was cleaned again.
    pub last: String,
    /// Those of the last text.
    pub steps: Steps,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Runs `work` with this thread's buffers, or with fresh ones while the thread ends.
pub(crate) fn with_scratch<T>(mut work: impl FnMut(&mut Scratch) -> T) -> T {
    SCRATCH
        .try_with(|scratch| {
            scratch
                .try_borrow_mut()
                .ok()
                .map(|mut scratch| work(&mut scratch))
        })
        .ok()
        .flatten()
        .unwrap_or_else(|| work(&mut Scratch::default()))
}

/// What became of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Built {
    Whole,
    /// Its tail was left out.
    Cut,
    /// A span was no piece of it, so all of it went.
    Failed,
}

/// Writes `text` without `spans` to `out`, at most `rules.max_string_bytes` of it. A span that is no piece of the text
/// takes all of it.
///
/// `text` may be the beginning of a text of `full_bytes`; then the rest is always left out.
pub(crate) fn build(
    rules: &Compiled,
    text: &str,
    full_bytes: usize,
    spans: &[Span],
    out: &mut String,
) -> Built {
    out.clear();
    // Room enough for whatever stands in their place; when it turns out to fit, nothing is cut.
    let is_cut = full_bytes > text.len()
        || text.len() + spans.len() * MAX_MARKER_BYTES > rules.max_string_bytes;
    let limit = if is_cut {
        rules.max_string_bytes.saturating_sub(MAX_NOTE_BYTES)
    } else {
        usize::MAX
    };
    let mut at = 0;
    for span in spans {
        let (Some(kept), true) = (text.get(at..span.start), text.is_char_boundary(span.end)) else {
            out.clear();
            out.push_str(rules.markers().text(Rule::Error));
            return Built::Failed;
        };
        let before = out.len();
        out.push_str(kept);
        let taken = text.get(span.start..span.end).unwrap_or_default();
        let quote = json_quote(text, *span);
        if quote.is_empty() {
            rules.write_marker(*span, taken, out);
        } else {
            out.push_str(quote);
            rules.write_marker(*span, taken, out);
            out.push_str(quote);
        }
        if out.len() > limit {
            out.truncate(before);
            break;
        }
        at = span.end;
    }
    // Behind a span that found no room nothing but the text before it may follow.
    let next = spans
        .iter()
        .find(|span| span.start >= at)
        .map_or(text.len(), |span| span.start);
    let kept = text.get(at..next).unwrap_or_default();
    let kept = kept
        .get(..cut(kept, limit.saturating_sub(out.len())))
        .unwrap_or_default();
    out.push_str(kept);
    let left_out = full_bytes - (at + kept.len());
    if left_out == 0 {
        return Built::Whole;
    }
    // Writing to a String can't fail.
    let _ = write!(out, "[TRUNCATED:{left_out}]");
    Built::Cut
}

/// The quotes that a marker needs in order to stay a JSON value, where a number or a structure goes: as those around the
/// member's name are written, or in a list of numbers plain ones. Else none.
fn json_quote(text: &str, span: Span) -> &str {
    let taken = text
        .as_bytes()
        .get(span.start..span.end)
        .unwrap_or_default();
    let begins_bare = match taken {
        [b'-', digit, ..] | [digit, ..] if digit.is_ascii_digit() => true,
        [b'{' | b'[', ..] => true,
        _ => false,
    };
    if !begins_bare || matches!(span.rule, Rule::Home | Rule::Path) {
        return "";
    }
    let before = text.get(..span.start).unwrap_or_default();
    let before = before.trim_end_matches([' ', '\t', '\n']);
    let after = text.get(span.end..).unwrap_or_default();
    let after = after.trim_start_matches([' ', '\t', '\r', '\n']);
    let is_last =
        after.is_empty() || after.starts_with([',', '}', ']']) || after.starts_with("\\n");
    if let Some(name) = before.strip_suffix(':')
        && is_last
    {
        return quote_at_end(name);
    }
    let is_number = |byte: &u8| byte.is_ascii_digit();
    let is_item = before.ends_with(['[', ',']) && after.starts_with([',', ']']);
    let is_json = text.starts_with(['{', '[']) && text.ends_with(['}', ']']);
    if is_item && is_json && taken.iter().all(is_number) {
        "\""
    } else {
        ""
    }
}

/// The quote that `name` ends with, as it is written: `"`, `\"`, `""`; nothing when it ends in none.
fn quote_at_end(name: &str) -> &str {
    let Some(quote) = name
        .chars()
        .next_back()
        .filter(|last| matches!(last, '"' | '\''))
    else {
        return "";
    };
    let inner = name.trim_end_matches(quote);
    let inner = if name.len() - inner.len() > 2 {
        name.get(..name.len() - 1).unwrap_or_default()
    } else {
        inner
    };
    let inner = inner.trim_end_matches('\\');
    name.get(inner.len()..)
        .filter(|quote| quote.len() <= MAX_QUOTE_BYTES)
        .unwrap_or_default()
}

/// JSON is nested no deeper than this, or a marker stands without quotes.
const MAX_QUOTE_BYTES: usize = 16;

/// Where `text` is cut to at most `most` bytes: at a space when one is near, else between two characters.
fn cut(text: &str, most: usize) -> usize {
    if text.len() <= most {
        return text.len();
    }
    let bytes = text.as_bytes().get(..most).unwrap_or_default();
    let near = most.saturating_sub(MAX_WORD_BYTES);
    let space = bytes.iter().rposition(|byte| byte.is_ascii_whitespace());
    space
        .filter(|&space| space >= near)
        .unwrap_or_else(|| floor(text, most))
}

/// Longest marker, with a pattern's name and a pseudonym.
const MAX_MARKER_BYTES: usize = 96;
/// Room for `[TRUNCATED:…]` with any number.
const MAX_NOTE_BYTES: usize = 32;
/// How far back a cut looks for a space.
const MAX_WORD_BYTES: usize = 256;
