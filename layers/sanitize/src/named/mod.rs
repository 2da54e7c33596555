//! Names, and what stands beside them: whether a name is secret, where its value begins, and where that ends.

pub(crate) mod code;
pub(crate) mod credential;
pub(crate) mod extent;
pub(crate) mod harmless_words;
pub(crate) mod item;
pub(crate) mod key;
pub(crate) mod name;
pub(crate) mod name_words;
pub(crate) mod opaque;
pub(crate) mod pair;
pub(crate) mod place;
pub(crate) mod prose;
pub(crate) mod secret_words;
pub(crate) mod separator;
pub(crate) mod sibling;
pub(crate) mod spoken;
pub(crate) mod statement;
