//! A forked child writes to a queue of its own, and does not keep the parent's from being adopted.
//!
//! One test in a file of its own: a fork copies the whole process.

#![cfg(unix)]
#![allow(unsafe_code)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;
use tracing_courier::queue::{Context, DiskQueue, Durability, Line, QueueId, inspect};

fn append(queue: &DiskQueue, n: u64) {
    let mut line = Line::new();
    line.body()
        .extend_from_slice(format!("\"timestamp\":\"t\",\"n\":{n}}}").as_bytes());
    let _ = queue.append(&mut line, Durability::Durable);
}

fn numbers(root: &std::path::Path, id: QueueId) -> Vec<u64> {
    let queues = inspect::queues(root).unwrap();
    let queue = queues
        .iter()
        .find(|queue| queue.id() == id)
        .expect("the queue is there");
    assert!(queue.verify().is_clean());
    let number = |json: Vec<u8>| {
        serde_json::from_slice::<Value>(&json).unwrap()["n"]
            .as_u64()
            .unwrap()
    };
    let records: Vec<_> = queue.records().collect();
    assert!(
        records
            .iter()
            .all(|record| record.context.contains("\"userId\":\"a\""))
    );
    records
        .into_iter()
        .map(|record| number(record.json))
        .collect()
}

#[test]
fn a_forked_child_has_its_own_queue_under_the_same_context() {
    let root = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(root.path()).unwrap();
    let mut context = Context::default();
    context.context.insert("userId".to_owned(), "a".into());
    queue.set_context(&context);
    append(&queue, 1);
    let parents = queue.id();
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();

    // SAFETY: the child runs the queue's own code, which is what is tested, and leaves by `_exit`.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        // So that the child ends with the parent, whatever the parent finds.
        drop(ours);
        append(&queue, 10);
        append(&queue, 11);
        let said = theirs.write_all(queue.id().to_string().as_bytes());
        // Lives on until the parent has seen what it wanted.
        let heard = theirs.read(&mut [0]);
        // SAFETY: nothing of the parent's is run at exit.
        unsafe { libc::_exit(i32::from(said.is_err() || heard.is_err())) };
    }
    drop(theirs);
    let mut childs = [0; 16];
    ours.read_exact(&mut childs).unwrap();
    let childs = QueueId::parse(std::str::from_utf8(&childs).unwrap()).unwrap();
    append(&queue, 2);
    assert_eq!(queue.id(), parents);
    assert_ne!(childs, parents);
    assert_eq!(numbers(root.path(), parents), [1, 2]);
    assert_eq!(numbers(root.path(), childs), [10, 11]);

    drop(queue);
    let next = DiskQueue::open(root.path()).unwrap();
    assert_eq!(
        next.pending().records,
        2,
        "the parent's queue is free while the child lives"
    );
    ours.write_all(b"x").unwrap();
    let mut status = 0;
    // SAFETY: our own child, waited for once.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert_eq!(status, 0);
    let mut adopted = Vec::new();
    while let Some(batch) = next.drain(1, 10_000) {
        adopted.push(batch.queue());
        next.confirm(batch.token());
    }
    assert_eq!(adopted, [parents, parents, childs, childs]);
}
