//! A program whose panics abort: nothing unwinds, nothing is dropped, and the record is on disk all the same.

use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

fn main() {
    assert!(cfg!(panic = "abort"), "compile it in its own workspace");
    let dir = std::env::args_os().nth(1).expect("the queue's root");
    let courier = Courier::builder("abort", env!("CARGO_PKG_VERSION"))
        .dir(dir)
        .start()
        .expect("the directory can be used");
    tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .init();
    tracing::info!("before");
    panic!("gone for ada@example.org");
}
