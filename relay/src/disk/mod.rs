//! The file system that the relay keeps its data on.

mod space;

pub use space::{Disk, Space};
