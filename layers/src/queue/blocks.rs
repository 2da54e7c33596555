//! What files take on a disk.

/// A block, as nearly all file systems have it.
pub(super) const BLOCK_BYTES: u64 = 4096;

/// Bytes that a file of `bytes` takes in blocks of 4 KiB.
pub(super) fn on_disk(bytes: u64) -> u64 {
    bytes.next_multiple_of(BLOCK_BYTES)
}
