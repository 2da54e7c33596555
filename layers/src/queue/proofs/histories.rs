//! Histories that once went wrong, kept so that they never do again.
//!
//! A failing history of `runs` is printed nearly in the form that stands here.

use super::machine::{Op, run};
use super::sim::{Fault, Plan};

/// A disk that failed, power losses and a cap that shrank: the record with the number 55 was durable, and gone.
#[test]
fn a_durable_record_once_went_in_silence() {
    run(
        524288,
        &[
            Op::Append { padding: 0 },
            Op::Append { padding: 40764 },
            Op::Append { padding: 0 },
            Op::Sync,
            Op::Append { padding: 31907 },
            Op::Kill { cap: 65536 },
            Op::Append { padding: 0 },
            Op::LosePower {
                seed: 7684243071423888386,
                cap: 65536,
            },
            Op::Append { padding: 0 },
            Op::LosePower {
                seed: 315555766033204882,
                cap: 65536,
            },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::LosePower {
                seed: 4064965067406280512,
                cap: 65536,
            },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::LosePower {
                seed: 3591489632659579014,
                cap: 65536,
            },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 2963 },
            Op::Append { padding: 32103 },
            Op::LosePower {
                seed: 16090670697849059342,
                cap: 65536,
            },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Fail(Plan {
                from: 3,
                calls: 8,
                fault: Fault::Short,
            }),
            Op::Append { padding: 0 },
            Op::Append { padding: 24379 },
            Op::Append { padding: 0 },
            Op::Kill { cap: 65536 },
            Op::Append { padding: 0 },
            Op::Append { padding: 3635 },
            Op::Append { padding: 20019 },
            Op::AppendFatal { padding: 0 },
            Op::Drain {
                records: 1,
                bytes: 100,
            },
            Op::Confirm(0),
            Op::LosePower {
                seed: 2289255815025606538,
                cap: 131072,
            },
            Op::Append { padding: 0 },
            Op::Append { padding: 1476 },
            Op::Append { padding: 2383 },
            Op::Append { padding: 63 },
            Op::Append { padding: 5463 },
            Op::Append { padding: 77 },
            Op::Sync,
            Op::LosePower {
                seed: 0,
                cap: 131072,
            },
            Op::Append { padding: 20000 },
            Op::Append { padding: 0 },
            Op::LosePower {
                seed: 17005952145170710272,
                cap: 524288,
            },
            Op::Append { padding: 1232 },
            Op::Append { padding: 5383 },
            Op::Append { padding: 1736 },
            Op::Reject(0),
            Op::Append { padding: 5762 },
            Op::Append { padding: 5004 },
            Op::AppendFatal { padding: 170 },
            Op::Append { padding: 193 },
            Op::LosePower {
                seed: 6076138258149614798,
                cap: 65536,
            },
            Op::Append { padding: 35 },
            Op::Kill { cap: 65536 },
            Op::Fail(Plan {
                from: 3,
                calls: 2,
                fault: Fault::Full,
            }),
            Op::Append { padding: 44391 },
            Op::Append { padding: 0 },
            Op::LosePower {
                seed: 13070420219915299970,
                cap: 65536,
            },
            Op::Append { padding: 0 },
            Op::LosePower {
                seed: 13316386875194550808,
                cap: 131072,
            },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::AppendFatal { padding: 0 },
            Op::Fail(Plan {
                from: 0,
                calls: 1,
                fault: Fault::Sync,
            }),
            Op::AppendFatal { padding: 0 },
            Op::LosePower {
                seed: 2494213933028173956,
                cap: 65536,
            },
            Op::Append { padding: 0 },
            Op::Reject(0),
            Op::AppendFatal { padding: 0 },
            Op::Drain {
                records: 5,
                bytes: 449,
            },
            Op::Confirm(9223372036854775808),
            Op::LosePower {
                seed: 4641000859042302456,
                cap: 65536,
            },
        ],
    );
}

/// Two syncs failed, so that a segment held copies alone, and the one behind it was named higher than its first record.
#[test]
fn a_record_once_went_in_silence_after_a_segment_of_copies() {
    run(
        65536,
        &[
            Op::Fail(Plan {
                from: 0,
                calls: 4,
                fault: Fault::Sync,
            }),
            Op::AppendFatal { padding: 0 },
            Op::Drain {
                records: 1,
                bytes: 100,
            },
            Op::Append { padding: 1944 },
            Op::Append { padding: 3165 },
            Op::Append { padding: 4175 },
            Op::Append { padding: 273 },
            Op::Reject(0),
            Op::Append { padding: 32104 },
            Op::Append { padding: 0 },
        ],
    );
}

/// The same, and the process was killed: the queue that was adopted had a segment named higher than its first record.
#[test]
fn a_record_once_went_in_silence_when_segments_of_copies_were_adopted() {
    run(
        65536,
        &[
            Op::Fail(Plan {
                from: 0,
                calls: 4,
                fault: Fault::Sync,
            }),
            Op::AppendFatal { padding: 0 },
            Op::Append { padding: 0 },
            Op::Sync,
            Op::Append { padding: 36712 },
            Op::Append { padding: 0 },
            Op::Kill { cap: 65536 },
        ],
    );
}

#[test]
fn a_durable_record_once_went_in_silence_behind_a_segment_of_copies() {
    run(
        65536,
        &[
            Op::LosePower {
                seed: 0,
                cap: 131072,
            },
            Op::AppendFatal { padding: 0 },
            Op::Append { padding: 28476 },
            Op::Fail(Plan {
                from: 0,
                calls: 8,
                fault: Fault::Sync,
            }),
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Sync,
            Op::AppendFatal { padding: 0 },
            Op::Append { padding: 40675 },
            Op::AppendFatal { padding: 56680 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::LosePower {
                seed: 0,
                cap: 65536,
            },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
        ],
    );
}

/// Syncs that failed, one after the other, and then a power loss: the record with the number 11 was durable, and gone.
#[test]
fn a_durable_record_behind_failed_syncs_once_went_in_silence() {
    run(
        524288,
        &[
            Op::Append { padding: 89 },
            Op::Append { padding: 4845 },
            Op::Append { padding: 155 },
            Op::Append { padding: 179 },
            Op::Append { padding: 5297 },
            Op::Append { padding: 2618 },
            Op::Kill { cap: 65536 },
            Op::SetUser(1),
            Op::Sync,
            Op::Kill { cap: 131072 },
            Op::Append { padding: 3490 },
            Op::Fail(Plan {
                from: 0,
                calls: 16,
                fault: Fault::Sync,
            }),
            Op::Append { padding: 0 },
            Op::AppendFatal { padding: 3752 },
            Op::SetUser(1),
            Op::AppendFatal { padding: 24508 },
            Op::AppendFatal { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 28457 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::LosePower {
                seed: 1625329921328821228,
                cap: 65536,
            },
        ],
    );
}

/// Syncs that failed after two power losses, and a third: the record with the number 18 was durable, and gone.
#[test]
fn a_durable_record_after_three_power_losses_once_went_in_silence() {
    run(
        65536,
        &[
            Op::Append { padding: 0 },
            Op::Fail(Plan {
                from: 0,
                calls: u64::MAX,
                fault: Fault::Io,
            }),
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Kill { cap: 131072 },
            Op::Append { padding: 0 },
            Op::Append { padding: 3810 },
            Op::Append { padding: 28475 },
            Op::Append { padding: 3635 },
            Op::Reject(0),
            Op::Append { padding: 24379 },
            Op::Sync,
            Op::LosePower {
                seed: 10776240234875964228,
                cap: 131072,
            },
            Op::Append { padding: 0 },
            Op::AppendFatal { padding: 44859 },
            Op::Append { padding: 0 },
            Op::Sync,
            Op::LosePower {
                seed: 0,
                cap: 65536,
            },
            Op::Fail(Plan {
                from: 1,
                calls: 9,
                fault: Fault::Sync,
            }),
            Op::SetUser(1),
            Op::SetUser(1),
            Op::AppendFatal { padding: 0 },
            Op::AppendFatal { padding: 0 },
            Op::LosePower {
                seed: 0,
                cap: 65536,
            },
            Op::Append { padding: 0 },
        ],
    );
}

/// A disk that was full for a while: the record with the number 11, written behind a copy of an older one, had a user,
/// and came without one.
#[test]
fn a_record_once_came_without_its_user_after_a_full_disk() {
    run(
        65536,
        &[
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::SetUser(1),
            Op::Fail(Plan {
                from: 0,
                calls: 1,
                fault: Fault::Sync,
            }),
            Op::Append { padding: 32086 },
            Op::Fail(Plan {
                from: 0,
                calls: 6,
                fault: Fault::Full,
            }),
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::AppendFatal { padding: 4946 },
            Op::Append { padding: 4167 },
            Op::Reject(0),
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
            Op::Append { padding: 0 },
        ],
    );
}
