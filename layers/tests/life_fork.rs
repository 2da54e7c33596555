//! A forked child is a program of its own: its queue, its session, its mark. One test in a file of its own, since a
//! fork copies the whole process.
#![cfg(unix)]
#![allow(unsafe_code)]

mod child;

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use child::{all_records, records};
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

#[test]
fn a_forked_child_has_a_session_of_its_own_that_names_its_parents() {
    let dir = tempfile::tempdir().unwrap();
    let courier = Courier::builder("fork", "1")
        .dir(dir.path())
        .start()
        .unwrap();
    let stack = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer());
    stack.init();
    courier.set_user(Some("user-a"));
    tracing::info!("of the parent");
    let parents = courier.session();
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();

    // SAFETY: the child logs, which is what is tested, and leaves by `_exit`.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        drop(ours);
        tracing::info!("of the child");
        courier.set_user(Some("user-b"));
        tracing::error!("an error of the child");
        let childs = courier.session();
        let is_new = childs.session_id != parents.session_id
            && childs.parent_session_id == Some(parents.session_id)
            && childs.install_id == parents.install_id;
        let said = theirs.write_all(&[u8::from(is_new)]);
        let heard = theirs.read(&mut [0]);
        // SAFETY: nothing of the parent's is run at exit.
        unsafe { libc::_exit(i32::from(said.is_err() || heard.is_err())) };
    }
    drop(theirs);
    let mut is_new = [0];
    ours.read_exact(&mut is_new).unwrap();
    assert_eq!(is_new, [1]);
    tracing::info!("of the parent, later");

    let record = |message: &str| records(dir.path(), message).remove(0);
    let session = |message: &str| record(message)["context"]["sessionId"].clone();
    let user = |message: &str| record(message)["context"]["userId"].clone();
    assert_eq!(session("of the parent"), parents.session_id.to_string());
    assert_eq!(
        session("of the parent, later"),
        parents.session_id.to_string()
    );
    assert_eq!(session("of the child"), session("an error of the child"));
    assert_ne!(session("of the child"), session("of the parent"));
    assert_eq!(
        (user("of the child"), user("an error of the child")),
        ("user-a".into(), "user-b".into())
    );
    assert_eq!(record("of the child")["resource"]["process.pid"], pid);

    let of_child = |record: &serde_json::Value| record["resource"]["process.pid"] == pid;
    let first = all_records(dir.path()).into_iter().find(of_child).unwrap();
    assert_eq!(
        first["message"], "session_start",
        "the child's first record"
    );
    assert_eq!(
        first["attributes"]["parent_session_id"],
        parents.session_id.to_string()
    );
    let crumbs = record("an error of the child")["breadcrumbs"].to_string();
    assert!(
        crumbs.contains("of the parent") && crumbs.contains("of the child"),
        "{crumbs}"
    );

    // The child lives: its session is not dead. Once it is gone without an end, it is.
    let unclean = |dir: &std::path::Path| {
        let next = Courier::builder("fork", "1")
            .dir(dir)
            .without_panic_hook()
            .start()
            .unwrap();
        drop(next);
        records(dir, "session_unclean_exit")
    };
    assert_eq!(unclean(dir.path()).len(), 0);
    ours.write_all(b"x").unwrap();
    let mut status = 0;
    // SAFETY: our own child, waited for once.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert_eq!(status, 0);
    let reports = unclean(dir.path());
    assert_eq!(reports.len(), 1);
    assert_eq!(
        reports[0]["attributes"]["previous.session_id"],
        session("of the child")
    );
    assert_eq!(
        reports[0]["attributes"]["previous.parent_session_id"],
        parents.session_id.to_string()
    );
}
