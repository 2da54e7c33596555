//! How a relay is, on one screen: what `GET /admin/v1/status` answers, and what `courier-relay status` shows.
//!
//! Whatever is shown comes from the relay itself or its operator: no text of a client is in it.

mod alarms;
mod report;
mod screen;
mod units;

pub(crate) use alarms::{Observed, SOON};
pub use report::Status;
pub(crate) use report::{
    DiskStatus, ExportStatus, IndexStatus, KeysStatus, LedgerStatus, Listening, SpoolStatus,
};
pub use screen::Screen;
pub(crate) use units::age;
