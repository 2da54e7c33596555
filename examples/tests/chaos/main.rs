//! Trials from outside: `field_app` and `courier-relay` as processes of their own, killed, cut off and fed nonsense.
//!
//! What is shown, in this order:
//!
//! 1. a number that the program printed as acknowledged is on disk or with the relay, whatever dies when;
//! 2. an outage of the relay or of its upstream loses nothing and doubles nothing;
//! 3. a planted secret is nowhere: not printed, not on either disk, not upstream; the words around it are;
//! 4. a panic is a record that survives its program, however it came about;
//! 5. where there is too little room, every number is on disk or in a loss record;
//! 6. the report of the last flush, and what `courier-relay queue` says, is true;
//! 7. nonsense is refused by name before anything is made;
//! 8. the level of one user's program is raised from afar, for a while and for nobody else;
//! 9. a service and a desktop program end as their examples say;
//! 10. a program that goes elsewhere, has a proxy, a disk that is full, read-only or gone, or a clock that is set in
//!     mid-run loses nothing that was promised;
//! 11. whatever a server answers, nothing is lost and the contract is kept; a signal gets a last flush;
//! 12. what the README says to copy works as it stands.
//!
//! The trials are sized for CI: half a minute. At full size outages take 20 s and kills come anywhere in 100,000
//! records, which takes three minutes:
//!
//! ```sh
//! COURIER_CHAOS=full cargo test --release -p courier-examples --test chaos -- --nocapture
//! ```
#![cfg(unix)]

mod built;
mod chance;
mod lossy;
mod planted;
mod process;
mod program;
mod relay;
mod size;
mod stored;
mod upstream;
#[path = "../../../layers/tests/wire_server/mod.rs"]
mod wire_server;

mod carried;
mod commands;
mod cramped;
mod environment;
mod hello;
mod hostile;
mod kill;
mod levels;
mod neighbours;
mod nonsense;
mod outage;
mod panic;
mod report;
mod secrets;
mod service;
mod signals;
