//! What threads meet at. A module of its own, so that a test can compile what stands on it against `shuttle`, which
//! tries the orders that threads can run in.

pub(super) use std::sync::atomic::AtomicBool;
pub(super) use std::sync::{Condvar, Mutex, MutexGuard};
