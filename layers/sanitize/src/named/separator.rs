//! What parts a name from its value.

/// A sign, a space, a tag or a bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    /// `=`, `=>`, `:=`, `%3D`.
    Equals,
    /// `:` with space behind it.
    Colon,
    /// `:` without.
    TightColon,
    /// The space behind `--flag`.
    Flag,
    /// The end of an XML tag.
    Tag,
    /// A list's next item, or the `value` that belongs to a `name`.
    Item,
    /// A bracket and a quote, as the Debug output of a newtype has them: `ApiKey("x")`.
    Call,
}
