//! What each callsite was last told, so that an event need not search the modules again.
//!
//! An entry is the address of a callsite's `&'static Metadata` with the decision in its lowest bit, which is free. Such
//! an address never becomes anything else, so the metadata of a `log` record, which lives on a stack, can't be taken for
//! it. A slot that two callsites share belongs to the last one; the other searches.

use std::sync::atomic::{AtomicUsize, Ordering};

use tracing_core::Metadata;

/// Callsites that are remembered at most; 32 KiB.
const SLOTS: usize = 4096;

#[derive(Debug)]
pub(super) struct Decided(Box<[AtomicUsize; SLOTS]>);

impl Decided {
    pub fn new() -> Self {
        Self(Box::new([const { AtomicUsize::new(0) }; SLOTS]))
    }

    #[inline]
    pub fn get(&self, metadata: &Metadata<'_>) -> Option<bool> {
        let address = address(metadata);
        let entry = self.slot(address).load(Ordering::Relaxed);
        (entry & !1 == address).then_some(entry & 1 == 1)
    }

    pub fn put(&self, metadata: &'static Metadata<'static>, is_recorded: bool) {
        let address = address(metadata);
        // Ordered with the swap of the levels, which forgets all entries after it.
        self.slot(address)
            .store(address | usize::from(is_recorded), Ordering::SeqCst);
    }

    pub fn forget(&self, metadata: &'static Metadata<'static>) {
        self.slot(address(metadata)).store(0, Ordering::SeqCst);
    }

    pub fn forget_all(&self) {
        for slot in self.0.iter() {
            slot.store(0, Ordering::SeqCst);
        }
    }

    #[allow(clippy::indexing_slicing)] // The mask keeps it inside, and the compiler sees so.
    #[inline]
    fn slot(&self, address: usize) -> &AtomicUsize {
        // Metadata is 100-odd bytes: the lowest bits say little, so the upper ones are mixed in.
        &self.0[((address >> 4) ^ (address >> 13)) & (SLOTS - 1)]
    }
}

#[inline]
fn address(metadata: &Metadata<'_>) -> usize {
    std::ptr::from_ref(metadata).cast::<()>() as usize
}
