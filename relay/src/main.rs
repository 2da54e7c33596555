//! `courier-relay`.
fn main() {}
