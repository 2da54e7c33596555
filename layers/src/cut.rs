//! Where a text is cut, and what stands there.

/// What stands where a value was cut.
pub(crate) const TRUNCATED: &str = "…[truncated]";

/// The largest character boundary of `text` that is at most `index`.
pub(crate) fn char_floor(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}
