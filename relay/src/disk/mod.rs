//! The file system that the relay keeps its data on.

pub mod private;
mod space;

pub use space::{Disk, Space};
