//! The proxy that the environment names is used, unless the program says otherwise.
//!
//! One test in a file of its own: the environment is the process's.
#![cfg(feature = "http")]
#![allow(unsafe_code)]

mod scripted;
mod wire_server;

use std::time::Duration;

use scripted::{PATIENCE, append};
use tracing_courier::send::WhyStopped;
use tracing_courier::{Backend, DiskQueue};
use wire_server::Server;

#[test]
fn the_proxy_of_the_environment_is_used_unless_it_is_refused() {
    let proxy = Server::start(vec![]);
    // SAFETY: no other thread reads the environment yet.
    unsafe { std::env::set_var("HTTP_PROXY", proxy.url()) };
    let dir = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(dir.path()).unwrap();
    append(&queue, 0..3);
    // Nobody listens there.
    let relay = "http://127.0.0.1:9";
    let direct = Backend::builder(relay).without_proxy();
    let direct = direct
        .drop_deadline(Duration::from_millis(1))
        .start(&queue)
        .unwrap();
    let report = direct.flush(Duration::from_millis(300));
    assert_eq!(
        (report.why_stopped, report.pending),
        (WhyStopped::Deadline, 3)
    );
    assert_eq!(proxy.seen().len(), 0);
    drop(direct);

    let proxied = Backend::builder(relay).start(&queue).unwrap();
    assert_eq!(proxied.flush(PATIENCE).pending, 0);
    let seen = proxy.seen();
    assert_eq!(seen.len(), 1);
    let line = "POST http://127.0.0.1:9/api/v1/logs HTTP/1.1\r\n";
    assert!(seen[0].head.starts_with(line), "{}", seen[0].head);
    assert_eq!(seen[0].numbers(), [0, 1, 2]);
}
