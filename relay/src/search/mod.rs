//! The language in which one looks for records, the same in the terminal, the API and the page.
//!
//! ```text
//! user:ada level:>=warning -logger:http "upload failed" @http.status:>=500 (has:error OR record:…)
//! ```
//!
//! What stands side by side must all hold; `OR` binds weaker, `-` negates the word or the parentheses behind it. `key:value`
//! is about a key of [`KEYS`](key::KEYS), `@name:value` about an attribute, anything else is full text over message and error. A value
//! is a word, `"quoted"`, a beginning (`x*`), or compared (`>=x`, `<x`). The first `:` ends the key.
//!
//! Two promises:
//!
//! 1. a word that can't be understood is named with its place and what is possible there; it is never ignored
//!    (`a_word_that_is_wrong_is_named_with_its_place_and_what_is_possible`);
//! 2. reading takes time in proportion to the text, whatever it is, and at most [`MAX_BYTES`](parse::MAX_BYTES) are read
//!    (`reading_a_hostile_query_takes_time_in_proportion_to_its_length`).
//!
//! What it does not do: look anywhere. See `index`.

mod key;
mod parse;
mod tree;
mod word;

pub use key::{Has, Key};
pub use parse::parse;
pub use tree::{Compare, Expr, Match, Term, Text};
