//! Words that no person would have written.

pub(crate) const MIN_TOKEN_BYTES: usize = 8;
/// From this length on a run of plain letters is no English word.
pub(crate) const MIN_OPAQUE_BYTES: usize = 20;

/// Made by a machine: digits in it, or cases mixed inside the word, or too long for a word.
pub(crate) fn looks_opaque(token: &[u8]) -> bool {
    if token.len() < MIN_TOKEN_BYTES || token.contains(&b'=') && !token.ends_with(b"=") {
        return false;
    }
    let has_digit = token.iter().any(u8::is_ascii_digit);
    let inner_upper = token
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    let is_words = token
        .split(|byte| matches!(byte, b'-' | b'_' | b'.' | b'/'))
        .all(|word| word.iter().all(u8::is_ascii_alphabetic));
    has_digit
        || (!is_words && token.len() >= MIN_OPAQUE_BYTES)
        || inner_upper
        || (token.len() >= MIN_OPAQUE_BYTES && !token.iter().any(|b| b"-_./".contains(b)))
}
