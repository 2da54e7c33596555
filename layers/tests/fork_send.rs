//! A forked child brings its own records home, while the parent goes on. One test in a file of its own, since a fork
//! copies the whole process.
#![cfg(all(unix, feature = "http"))]
#![allow(unsafe_code)]

mod relay;

use std::time::Duration;

use relay::Server;
use serde_json::Value;
use tracing_courier::prelude::*;
use tracing_courier::send::WhyStopped;
use tracing_subscriber::prelude::*;

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_forked_child_has_a_sender_of_its_own() {
    let (port, server) = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let courier = Courier::builder("fork", "1")
        .dir(dir.path())
        .relay(format!("http://127.0.0.1:{port}"))
        .token("t-1")
        .start()
        .unwrap();
    tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .init();
    tracing::info!("of the parent");
    // The parent's client has a connection and a runtime when it forks.
    assert_eq!(courier.flush(PATIENCE).why_stopped, WhyStopped::Drained);

    // SAFETY: the child logs and flushes, which is what is tested, and leaves by `_exit`.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        tracing::error!("of the child");
        let report = courier.flush(PATIENCE);
        let is_home = report.why_stopped == WhyStopped::Drained && report.delivered == 2;
        // SAFETY: nothing of the parent's is run at exit.
        unsafe { libc::_exit(i32::from(!is_home)) };
    }
    tracing::info!("of the parent, later");
    let mut status = 0;
    // SAFETY: our own child, waited for once.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert_eq!(status, 0, "the child's two records are home");
    let report = courier.flush(PATIENCE);
    assert_eq!(
        (report.why_stopped, report.pending),
        (WhyStopped::Drained, 0)
    );

    let records = server.take();
    let sessions = |message: &str| -> Vec<Value> {
        let of = records.iter().filter(|record| record["message"] == message);
        of.map(|record| record["context"]["sessionId"].clone())
            .collect()
    };
    let parents = Value::from(courier.session().session_id.to_string());
    assert_eq!(sessions("of the parent"), std::slice::from_ref(&parents));
    assert_eq!(
        sessions("of the parent, later"),
        std::slice::from_ref(&parents)
    );
    let childs = sessions("of the child");
    assert_eq!(childs.len(), 1);
    assert_ne!(childs[0], parents);
    assert_eq!(sessions("session_start"), [parents, childs[0].clone()]);
}
