//! What goes to stderr.

/// Text of several lines, fit for a terminal: an error may repeat text from outside, so it is escaped; line ends stay,
/// since a parser's error has several lines.
pub fn lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(courier_relay::escape).collect();
    lines.join("\n")
}
