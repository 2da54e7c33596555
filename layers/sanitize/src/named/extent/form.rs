//! What a value is, and what it stands in.

/// A value's inside, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub start: usize,
    pub end: usize,
    pub form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Quoted,
    /// In backticks, as prose sets code.
    Ticked,
    Structure,
    Bare,
}

/// What a bare value stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Around {
    /// A URL's query or fragment, where `&` and `#` end it.
    Url,
    /// Something in which commas, semicolons and bars part the values.
    Text,
    /// Nothing: it may hold any sign.
    Free,
    /// A shell's line: the same, and what is quoted or escaped inside belongs to it.
    Shell,
    /// A header's line: every sign but white space belongs to it.
    Header,
    /// Percent-encoded so many times together with what parts it from others: `%26` ends it, or `%2526`.
    Encoded(u8),
}
