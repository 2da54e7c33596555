//! What a program is told once about how it uses Courier: as a record, for support, and as a line on stderr, for whoever
//! develops it (see [`CourierBuilder::debug`](crate::CourierBuilder::debug)).

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Map;

use crate::life::Life;
use crate::queue::DiskQueue;
use crate::record::Level;
use crate::sanitize::{Place, Sanitizer};
use crate::stderr;

/// Gives it.
#[derive(Debug)]
pub(crate) struct Advice {
    is_told: bool,
    has_seen_email: AtomicBool,
}

impl Advice {
    pub fn new(is_told: bool) -> Self {
        Self {
            is_told,
            has_seen_email: AtomicBool::new(false),
        }
    }

    /// Looks at a user id: ids are never scanned, so an e-mail address in one leaves the device with each record.
    pub fn on_user(&self, user_id: Option<&str>, life: &Life, queue: &DiskQueue) {
        if user_id.is_some_and(is_email) && !self.has_seen_email.swap(true, Ordering::Relaxed) {
            self.give(life, queue, "user_id_is_an_email", EMAIL);
        }
    }

    /// Another panic hook was set after ours, or has taken it out, and does not call it.
    pub fn on_hook_replaced(&self, life: &Life, queue: &DiskQueue) {
        self.give(life, queue, "panic_hook_replaced", HOOK);
    }

    /// The program ends, and no layer ever wrote to its queue: panics were recorded, and what it logged was not.
    pub fn on_end(&self, queue: &DiskQueue) {
        if self.is_told && !queue.has_layer() {
            stderr::say(NO_LAYER);
        }
    }

    /// What is switched off is remembered from another run.
    pub fn on_switches(&self, sends: bool, records: bool) {
        for (is_on, what, call) in [
            (records, "recording", "set_recording"),
            (sends, "sending", "set_enabled"),
        ] {
            if self.is_told && !is_on {
                stderr::say(&format!(
                    "{what} is switched off, by an earlier run in this directory: `courier.{call}(true)` switches it on"
                ));
            }
        }
    }

    fn give(&self, life: &Life, queue: &DiskQueue, name: &str, what: &str) {
        let attributes = Map::from_iter([("advice".to_owned(), what.into())]);
        life.say(queue, Level::Warning, name, attributes);
        if self.is_told {
            stderr::say(what);
        }
    }
}

/// Whether the text holds an e-mail address, by the sanitizer's own rule.
fn is_email(text: &str) -> bool {
    // The rule needs one, and most ids have none.
    text.contains('@')
        && Sanitizer::default()
            .clean(Place::Attribute, text)
            .contains("[REDACTED:email]")
}

const EMAIL: &str = "the user id is an e-mail address: ids are never redacted, so it leaves the device with each \
                     record, while the same address is redacted everywhere else. Use an opaque id";
const NO_LAYER: &str = "no layer wrote to the queue, so nothing that the program logged was recorded: add \
                        `.with(courier.layer())` to the stack, before `.sanitized(..)`";
const HOOK: &str = "another panic hook was set after Courier's and does not call it: panics leave no record from here \
                    on. Set that hook (`color_eyre::install()`) before `.start()`, or let it call the one that was there";

#[cfg(test)]
mod tests {
    use super::is_email;

    #[test]
    fn an_email_is_told_from_an_opaque_id() {
        for (id, expected) in [
            ("ada@example.org", true),
            ("mailto:ada.lovelace+x@mail.example.org", true),
            ("user-7", false),
            ("@ada", false),
            ("7d0f4c0e-7a1b-4c1d-9b1a-000000000000", false),
            ("", false),
        ] {
            assert_eq!(is_email(id), expected, "{id}");
        }
    }
}
