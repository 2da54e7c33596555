//! Notices a fork without a system call, since it is asked for each record.
//!
//! On Linux by a page that the kernel clears in each child, whoever forks and however (`MADV_WIPEONFORK`, from 4.14).
//! Elsewhere, and where the kernel does not know that, by the id of the process: a system call on most systems.

use std::process;

use platform::Page;

/// The process that something was made in.
#[derive(Debug)]
pub(super) enum Origin {
    Page(Page),
    Process(u32),
}

impl Origin {
    /// This process.
    pub(super) fn here() -> Self {
        Page::new().map_or_else(|| Self::Process(process::id()), Self::Page)
    }

    /// False in a forked child.
    pub(super) fn is_here(&self) -> bool {
        match self {
            Self::Page(page) => page.is_marked(),
            Self::Process(id) => *id == process::id(),
        }
    }
}

/// One of the two files with unsafe code: no crate offers this page, and `getpid` is a sixth of an append.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
mod platform {
    use std::ptr::{self, NonNull};
    use std::sync::atomic::{AtomicU8, Ordering};

    /// A page that is marked here, and in no child.
    #[derive(Debug)]
    pub(in super::super) struct Page(NonNull<AtomicU8>);

    impl Page {
        pub(super) fn new() -> Option<Self> {
            // SAFETY: a new mapping of its own, at an address that the kernel chooses.
            let mapped = unsafe {
                libc::mmap(
                    ptr::null_mut(),
                    PAGE_BYTES,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                    -1,
                    0,
                )
            };
            if mapped == libc::MAP_FAILED {
                return None;
            }
            let page = Self(NonNull::new(mapped)?.cast());
            // SAFETY: the whole of the mapping above.
            if unsafe { libc::madvise(mapped, PAGE_BYTES, libc::MADV_WIPEONFORK) } != 0 {
                return None;
            }
            page.mark().store(1, Ordering::Relaxed);
            Some(page)
        }

        pub(super) fn is_marked(&self) -> bool {
            self.mark().load(Ordering::Relaxed) != 0
        }

        fn mark(&self) -> &AtomicU8 {
            // SAFETY: mapped, aligned and never written to but as an atomic, for as long as `self` lives.
            unsafe { self.0.as_ref() }
        }
    }

    impl Drop for Page {
        fn drop(&mut self) {
            // SAFETY: our own mapping, and the last reference to it.
            unsafe { libc::munmap(self.0.as_ptr().cast(), PAGE_BYTES) };
        }
    }

    // SAFETY: nothing but an atomic.
    unsafe impl Send for Page {}
    // SAFETY: nothing but an atomic.
    unsafe impl Sync for Page {}

    /// At most one page wherever Linux runs; the kernel rounds up.
    const PAGE_BYTES: usize = 4096;
}

#[cfg(not(target_os = "linux"))]
mod platform {
    /// There is none here.
    #[derive(Debug)]
    pub(in super::super) enum Page {}

    impl Page {
        pub(super) fn new() -> Option<Self> {
            None
        }

        pub(super) fn is_marked(&self) -> bool {
            match *self {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_here_is_here() {
        let (one, other) = (Origin::here(), Origin::here());
        drop(one);
        assert!(other.is_here());
        assert!(!Origin::Process(process::id() + 1).is_here());
    }
}
