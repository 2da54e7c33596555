//! Reads rows out of a damaged database, page by page, without SQLite.
//!
//! A damaged inner page of a tree hides everything below it from SQLite, although it is whole. Here every page of the file
//! and of its write-ahead log is looked at by itself: a row of ours is taken, whatever pointed to it. A frame is
//! whole when its body has the CRC that stands beside it.
//!
//! What is written where: <https://www.sqlite.org/fileformat2.html>.

mod cell;
mod found;
mod log;
mod pages;
mod place;

pub use cell::{Row, Value};
pub use found::Found;
pub use log::is_damaged;
pub use pages::Pages;
