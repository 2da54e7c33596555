//! Where a value ends: where its own container ends, and nowhere else.
//!
//! | the value stands in | it ends at | in |
//! |---|---|---|
//! | quotes of any depth | the same quote at the same depth, else the end of the line | `quote` |
//! | brackets (JSON, Debug, Erlang) | the bracket that closes them | `structure` |
//! | an XML element | its closing tag | `element` |
//! | a header | the end of its list, of its cookies or of its line | `header` |
//! | a YAML key, a TOML or ini section | the block below it | `block` |
//! | a connection string, a struct, a list of pairs | the separator of that level, not a space | `level` |
//! | a shell word, a URL, a form body, nothing | white space, or a separator of its own level | `bare` |
//!
//! All scanners ask here, so that a value has one end, whoever finds its beginning.

mod bare;
pub(crate) mod block;
pub(crate) mod element;
mod form;
pub(crate) mod header;
pub(crate) mod spaced;
mod structure;
mod value;

pub(crate) use bare::{end as bare_end, end_within as bare_end_within, is_bare};
pub(crate) use form::{Around, Extent, Form};
pub(crate) use value::{value, value_within, word};
