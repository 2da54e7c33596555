//! Where a text may be cut.

/// The last character boundary of `text` at or before `most`.
pub(crate) fn floor(text: &str, most: usize) -> usize {
    let most = most.min(text.len());
    (0..=most)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or_default()
}
