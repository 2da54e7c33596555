//! Appending allocates nothing on the caller's thread.
//!
//! In a file of its own: it counts every allocation of the process.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use tracing_courier::queue::{Appended, DiskQueue, Durability, Line};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: hands everything to the system's allocator, and counts in a cell that needs no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn appending_allocates_only_where_a_segment_begins() {
    let root = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(root.path()).unwrap();
    let mut line = Line::new();
    let mut append = || {
        line.clear();
        line.body().extend_from_slice(
            br#""timestamp":"t","level":"info","message":"a message of the usual size"}"#,
        );
        let before = ALLOCATIONS.get();
        assert_eq!(
            queue.append(&mut line, Durability::PageCache),
            Appended::InPageCache
        );
        ALLOCATIONS.get() - before
    };
    append();
    let counts: Vec<u64> = (0..10_000).map(|_| append()).collect();
    let without = counts.iter().filter(|&&count| count == 0).count();
    let began = std::fs::read_dir(
        std::fs::read_dir(root.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path(),
    );
    let segments = began
        .unwrap()
        .filter(|file| file.as_ref().unwrap().file_name() != "lock")
        .count();
    assert!(segments > 2, "several segments");
    assert!(
        10_000 - without <= segments,
        "{without} of 10000 without an allocation, {segments} files"
    );
}
