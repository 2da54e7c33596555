//! Follows what the relay says about levels: asks, takes what makes sense, ends what has had its time, keeps it.
//!
//! 1. Before the first record of a program, what the relay last said is in force again, for what is left of it.
//! 2. No answer, or one that says no levels, changes nothing, and is counted.
//! 3. What was for a while ends by itself, by a clock that nobody sets, with or without a relay.
//! 4. Each change is a record, `log_level_changed`, with `from`, `to`, `rule` and `until`.
//!
//! All of it happens on the sender's thread: no event waits for it.

mod kept;
mod refresh;

use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::answer_form::Success;
use super::answer_form::described;
use super::round::jitter;
use super::time::Time;
use super::token::Token;
use super::transport::{Answer, Get, MAX_ANSWER_BYTES, Transport};
use crate::level::{Change, Levels, Setting};
use crate::own_records::Own;
use crate::queue::DiskQueue;
use crate::quiet_thread::quietly;
use crate::record::{Field, Level};
use kept::Kept;
use refresh::Refresh;

/// How often it asks until a relay says how often: ten minutes. From the contract.
const DEFAULT_REFRESH: Duration = Duration::from_secs(600);
/// A tag that led to nothing new is not followed again for so long.
const STALE_FOR: Duration = Duration::from_secs(60);
/// A longer tag is none.
const MAX_TAG_BYTES: usize = 256;

pub(super) struct Follow {
    levels: Levels,
    queue: DiskQueue,
    time: Time,
    own: Own,
    /// Of what was taken last.
    etag: Option<String>,
    refresh: Refresh,
    /// The tag of the last batch's answer, if it is not the one above.
    heard: Option<String>,
    /// A tag of a batch's answer that was asked for in vain, and until when it counts for nothing.
    stale: Option<(String, Duration)>,
    /// What came into force again at the start, until it is noted.
    recalled: Option<Change>,
    /// The last batch's answer carried the tag of what is in force.
    is_current: bool,
}

impl Follow {
    /// Puts in force again what is left of what the relay said last.
    pub fn begin(levels: Levels, queue: &DiskQueue, time: &Time, own: &Own) -> Self {
        let now = time.now();
        let kept = Kept::load(queue.root(), time.wall(now));
        let passing = kept.passing.map(|(said, left)| (said, now + left));
        let recalled = levels.recall(kept.standing, passing);
        levels.observe({
            let (queue, time, own) = (queue.clone(), time.clone(), own.clone());
            move |change| note(&own, &queue, &time, change)
        });
        Self {
            levels,
            queue: queue.clone(),
            time: time.clone(),
            own: own.clone(),
            etag: kept.etag,
            refresh: Refresh::new(now, kept.refresh.unwrap_or(DEFAULT_REFRESH)),
            heard: None,
            stale: None,
            recalled,
            is_current: false,
        }
    }

    /// When there is something to do.
    pub fn due(&self) -> Duration {
        let asks = self.refresh.due();
        self.levels.ends_at().map_or(asks, |ends| ends.min(asks))
    }

    /// Whether it wants to ask now.
    pub fn wants_to_ask(&self) -> bool {
        self.refresh.due() <= self.time.now()
    }

    /// The relay's answer to a batch carried this tag.
    pub fn hear(&mut self, tag: String) {
        let now = self.time.now();
        self.is_current = self.etag.as_ref() == Some(&tag);
        let is_stale = matches!(&self.stale, Some((stale, until)) if *stale == tag && now < *until);
        if is_tag(&tag) && self.etag.as_ref() != Some(&tag) && !is_stale {
            self.heard = Some(tag);
            self.refresh.heard_news(now);
        }
    }

    /// Whether the answer to a batch has said that nothing is new. Then that counts as an answer, also to the first
    /// question.
    pub fn is_current(&mut self) -> bool {
        if self.is_current {
            let every = self.refresh.every();
            self.refresh.answered(self.time.now(), every, jitter());
            self.note_recalled();
        }
        self.is_current
    }

    /// Ends what has had its time.
    pub fn expire(&mut self) {
        let now = self.time.now();
        if self.levels.ends_at().is_some_and(|end| end <= now) {
            self.levels.expire(now);
            self.keep();
        }
    }

    /// Asks the relay, and takes what it says.
    pub fn ask(&mut self, transport: &mut dyn Transport, token: Option<&Token>) {
        let get = Get {
            path: &self.question(),
            token: token.map(|token| token.0.as_str()),
            request_id: &Uuid::new_v4().to_string(),
            if_none_match: self.etag.as_deref(),
        };
        let answer = quietly(|| transport.get(&get));
        self.take(&answer);
    }

    /// It can't ask now, for this reason.
    pub fn cannot_ask(&mut self, why: String) {
        self.take(&Answer::none(why));
    }

    fn take(&mut self, answer: &Answer) {
        // What has been in force since the start, before what is heard now.
        self.note_recalled();
        let now = self.time.now();
        match self.read(answer) {
            Ok(Some(setting)) => {
                self.etag = answer.etag.clone().filter(|tag| is_tag(tag));
                self.levels.hear(&setting, now);
                self.refresh.answered(now, setting.refresh, jitter());
                self.keep();
            }
            Ok(None) => {
                let every = self.refresh.every();
                self.refresh.answered(now, every, jitter());
            }
            Err(why) => {
                self.levels.failed(answer.status.is_some(), why);
                self.refresh.failed(now, jitter());
            }
        }
        let heard = self
            .heard
            .take()
            .filter(|tag| self.etag.as_ref() != Some(tag));
        self.stale = heard
            .filter(|_| answer.status.is_some())
            .map(|tag| (tag, now + STALE_FOR))
            .or(self.stale.take());
    }

    fn note_recalled(&mut self) {
        if let Some(change) = self.recalled.take() {
            note(&self.own, &self.queue, &self.time, &change);
        }
    }

    /// What an answer says; `None` if nothing new.
    fn read(&self, answer: &Answer) -> Result<Option<Setting>, String> {
        match answer.status {
            Some(304) if self.etag.is_some() => Ok(None),
            Some(200) => {
                let setting = Setting::read(
                    answer.content_type.as_deref(),
                    &answer.body,
                    MAX_ANSWER_BYTES,
                    self.time.wall(self.time.now()),
                );
                let setting = setting.map_err(|error| error.to_string())?;
                // What was for a while and is over must not begin again by being said again.
                let is_known = self.etag.is_some() && self.etag == answer.etag;
                Ok((!is_known).then_some(setting))
            }
            Some(_) => Err(format!(
                "asked for levels, {}",
                described(answer, Success::Receipt)
            )),
            None => Err(described(answer, Success::Receipt)),
        }
    }

    /// The path, with who asks.
    fn question(&self) -> String {
        let context = self.queue.context();
        let mut path = "/api/v1/config/logging".to_owned();
        let mut separator = '?';
        let id = |field: Field| (field.name(), context.context.get(field.name()));
        for (name, value) in [
            id(Field::Install),
            id(Field::Session),
            ("service", context.resource.get("service.name")),
            ("version", context.resource.get("service.version")),
        ] {
            if let Some(value) = value.and_then(Value::as_str) {
                path.push(separator);
                separator = '&';
                path.push_str(name);
                path.push('=');
                encode(value, &mut path);
            }
        }
        path
    }

    fn keep(&self) {
        let now = self.time.now();
        let (standing, passing) = self.levels.said();
        let kept = Kept {
            etag: self.etag.clone(),
            standing,
            passing: passing.map(|(said, at)| (said, at.saturating_sub(now))),
            refresh: Some(self.refresh.every()),
        };
        // Without it the next start begins with the program's own levels, and asks.
        let _ = kept.save(self.queue.root(), self.time.wall(now));
    }
}

/// Writes the record of a change.
fn note(own: &Own, queue: &DiskQueue, time: &Time, change: &Change) {
    let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::from);
    let attributes = Map::from_iter([
        ("from".to_owned(), Value::from(change.from.as_str())),
        ("to".to_owned(), Value::from(change.to.as_str())),
        ("rule".to_owned(), text(&change.rule)),
        ("until".to_owned(), text(&change.until)),
    ]);
    let now = time.wall(time.now());
    own.say(queue, now, Level::Info, "log_level_changed", attributes);
}

fn is_tag(tag: &str) -> bool {
    !tag.is_empty() && tag.len() <= MAX_TAG_BYTES && tag.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Percent-encodes what is not unreserved in a URI (RFC 3986).
fn encode(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests;
