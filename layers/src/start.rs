//! How the parts of the paved path are put together.
//!
//! 1. A setting that makes no sense is an error, and nothing is installed then.
//! 2. A directory that can't be used (missing rights, no room, a file in its way) is no reason to run without a log:
//!    [`start`](CourierBuilder::start) keeps records in memory, says so, and moves to the directory once it can be used.
//!    [`try_start`](CourierBuilder::try_start) makes that an error too.
//! 3. Where the program goes later is its own business: all paths are made absolute here.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::advice::Advice;
use crate::before_record::BeforeRecord;
use crate::breadcrumb::Breadcrumbs;
use crate::budget::Budget;
use crate::builder::CourierBuilder;
use crate::context::RunContext;
use crate::courier::{Courier, Inner};
use crate::hook_watch::HookWatch;
use crate::install_id::{self, install_id};
use crate::level::{Levels, LevelsError};
use crate::life::{self, Life};
#[cfg(feature = "local-log")]
use crate::local_log;
use crate::own_records::Own;
use crate::panic::PanicHook;
use crate::queue::{self, DiskQueue, Health};
use crate::record::Level;
use crate::resource;
use crate::sanitize::Place;
use crate::send::{Backend, BackendError, Guard};
use crate::session::{Session, SessionError};
use crate::stderr;
use crate::switches::Switches;
use crate::watch::Changes;

/// What a directory that can't be used leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Without {
    Fail,
    Wait,
}

impl CourierBuilder {
    /// Opens the queue, writes `session_start`, starts the sender and installs the panic hook.
    ///
    /// Where the directory can't be used, records wait in memory, bounded by
    /// [`MEMORY_BYTES`](queue::MEMORY_BYTES), and are sent from there; a line on stderr and
    /// [`Connection::Degraded`](crate::send::Connection::Degraded) say so. The directory is tried again after a second,
    /// then less and less often, down to once a minute, and what waits moves there in order. The install id is one for
    /// this run until then. Without a directory for the local log there is none.
    ///
    /// # Errors
    /// A setting makes no sense, or the system gives no thread. Nothing is installed then.
    pub fn start(self) -> Result<Guard<Courier>, StartError> {
        self.start_by(Without::Wait)
    }

    /// As [`start`](Self::start), but a directory that can't be used is an error.
    ///
    /// # Errors
    /// A setting makes no sense, or the directory can't be used. Nothing is installed then.
    pub fn try_start(self) -> Result<Guard<Courier>, StartError> {
        self.start_by(Without::Fail)
    }

    fn start_by(self, without: Without) -> Result<Guard<Courier>, StartError> {
        let dir = absolute(self.dir.ok_or(StartError::NoDirectory)?);
        if let [first, second, ..] = self.senders[..] {
            return Err(StartError::TwoSenders { first, second });
        }
        let needs_one = [
            ("token", self.token.is_some()),
            ("flush_every", self.flush_every.is_some()),
            ("drop_deadline", self.drop_deadline.is_some()),
        ];
        if let (None, Some(&(setting, _))) =
            (&self.backend, needs_one.iter().find(|(_, is_set)| *is_set))
        {
            return Err(StartError::NoSender { setting });
        }
        let levels = Levels::new(&self.levels)?;
        levels.set_floor(self.level_floor);
        levels.set_ceiling(self.level_ceiling);
        let backend = self
            .backend
            .map(|backend| {
                let backend = match self.token {
                    Some(token) => backend.token(token),
                    None => backend,
                };
                let backend = match self.debug {
                    Some(is_told) => backend.debug(is_told),
                    None => backend,
                };
                let backend = match self.flush_every {
                    Some(interval) => backend.flush_every(interval),
                    None => backend,
                };
                let backend = match self.drop_deadline {
                    Some(deadline) => backend.drop_deadline(deadline),
                    None => backend,
                }
                .levels(&levels);
                match self.exits_later {
                    true => backend.exit_later(),
                    false => backend,
                }
                .check()
            })
            .transpose()?;

        let mut queue = DiskQueue::builder(&dir)
            .clock(self.clock.clone())
            .goes_on(self.exits_later);
        if let Some(bytes) = self.max_bytes {
            queue = queue.max_bytes(bytes);
        }
        if let Some(bytes) = self.keep_free {
            queue = queue.keep_free(bytes);
        }
        if let Some(fsync) = self.fsync {
            queue = queue.fsync(fsync);
        }
        queue.check()?;
        let budget = match self.budget.map(NonZeroU32::new) {
            Some(None) => return Err(StartError::NoBudget),
            budget => budget.flatten().map(Budget::new),
        };

        let service = &self.program.service;
        let local_log = match without {
            Without::Fail => self.local_log.open(service)?,
            Without::Wait => self.local_log.open_or_none(service, |why| {
                stderr::say(&format!("{why}; there is no local log"));
            })?,
        };
        let install_id = match install_id(&dir) {
            // The queue says what is wrong with the directory.
            Err(_) if without == Without::Wait => Uuid::new_v4(),
            known => known?,
        };
        let (resource, error) = resource::find(self.program, install_id, &resource::Real);
        let mut resource = Value::Object(resource);
        self.sanitizer.value(Place::Resource, &mut resource);
        let resource = match resource {
            Value::Object(resource) => resource,
            _ => Map::new(),
        };
        let mut session = Session::of(install_id, resource);
        session.user_id = self.user;

        let switches = Switches::load(&dir);
        let advice = Advice::new(stderr::is_for_developers(self.debug));
        advice.on_switches(switches.sends(), switches.records());
        // Where nothing is recorded, nobody can report the dead: they stay for a start that can.
        let unclean = match switches.records() {
            true => life::unclean(&dir),
            false => Vec::new(),
        };
        let (queue, without_home) = match without {
            Without::Fail => (queue.open()?, None),
            Without::Wait => queue.open_or_wait()?,
        };
        let left = queue.pending();
        let (crumbs, context) = (Breadcrumbs::new(), RunContext::new());
        let own = Own::new(&context, &switches, budget);
        let life = Life::new(session, &queue, &self.clock, &own);
        life.begin(&queue, unclean);
        // The first record was written, or could not be: only then is a full disk known.
        match (without_home, queue.health()) {
            (Some(error), _) => stderr::say(&waits(&format!("{error:?}"))),
            (None, Health::Degraded(reason)) => stderr::say(&waits(&reason)),
            (None, Health::Healthy) => {}
        }
        advice.on_user(life.session().user_id.as_deref(), &life, &queue);
        if let Some(error) = error {
            life.say(&queue, Level::Warning, &error.to_string(), Map::new());
        }
        let backend = backend
            .map(|backend| backend.start(&queue, switches.sends(), own.clone(), left))
            .transpose()
            // It has ended before it did anything: no death to report.
            .inspect_err(|_| life.end(&queue))?;
        let hook_watch = HookWatch::default();
        if self.has_panic_hook {
            let mut hook = PanicHook::new(&queue)
                .breadcrumbs(&crumbs)
                .context(&context)
                .life(&life)
                .local_log(&local_log)
                .watch(&hook_watch)
                .sanitizer(&self.sanitizer)
                .clock(self.clock.clone())
                .trace_ids_by(self.trace_ids);
            if !self.has_backtrace {
                hook = hook.without_backtrace();
            }
            hook.install();
        }
        if let Some(backend) = &backend {
            life.then_in_child(backend.in_child());
        }
        let changes = backend
            .as_ref()
            .map_or_else(Changes::default, Backend::changes);
        let before_record = self
            .before_record
            .map(|hook| BeforeRecord::new(&self.sanitizer, hook));
        let courier = Courier::new(Inner {
            queue,
            crumbs,
            levels,
            sanitizer: self.sanitizer,
            clock: self.clock,
            backend,
            context,
            life,
            local_log,
            switches,
            changes,
            trace_ids: self.trace_ids,
            before_record,
            hook: hook_watch,
            advice,
            own,
        });
        let weak = Arc::downgrade(&courier.0);
        courier.0.hook.when_replaced(move || {
            if let Some(inner) = weak.upgrade() {
                inner.hook_is_replaced();
            }
        });
        let weak = Arc::downgrade(&courier.0);
        courier.0.queue.when_moved_in(move || {
            if let Some(inner) = weak.upgrade() {
                inner.moved_in();
            }
        });
        Ok(Guard::new(courier))
    }
}

impl Inner {
    /// The directory can be used now. What it remembers counts from here on.
    fn moved_in(&self) {
        self.switches.load_late();
        if let Some(backend) = &self.backend
            && !self.switches.sends()
        {
            backend.set_enabled(false);
        }
        let ours = self.life.session().install_id;
        let settled = install_id::settle(self.queue.root(), ours);
        if settled != ours {
            self.life
                .change(&self.queue, |session| session.now_of(settled));
        }
        self.life.moved_in(&self.queue);
        self.changes.note();
    }

    /// Another panic hook has taken the place of ours. After the session's end that is nobody's concern.
    fn hook_is_replaced(&self) {
        if !self.life.has_ended() {
            self.advice.on_hook_replaced(&self.life, &self.queue);
            self.changes.note();
        }
    }
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn waits(why: &str) -> String {
    let kib = queue::MEMORY_BYTES / 1024;
    format!("{why}: records wait in memory ({kib} KiB) until it can be used")
}

/// The program's logging could not be set up; nothing was installed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No directory was given. Call `.dir(..)` with one that the program may write to.
    #[error("no directory for the queue: call `.dir(..)` with one that the program may write to")]
    NoDirectory,
    /// Of [`relay`](CourierBuilder::relay), [`transport`](CourierBuilder::transport) and
    /// [`backend`](CourierBuilder::backend) two were called, and there is one sender.
    #[error(
        "`.{first}(..)` and `.{second}(..)` were both called, and there is one sender: leave one out"
    )]
    TwoSenders {
        /// What was called first.
        first: &'static str,
        /// What was called then.
        second: &'static str,
    },
    /// A setting of the sender, and no sender: nothing would be sent. Call [`relay`](CourierBuilder::relay), or leave it
    /// out.
    #[error(
        "`.{setting}(..)` is for a sender, and there is none: call `.relay(..)` with the relay's URL, or leave it out"
    )]
    NoSender {
        /// Which one.
        setting: &'static str,
    },
    /// The budget is zero. Set at least one record a minute, or leave `.budget(..)` out.
    #[error(
        "the budget is zero records a minute, so nothing below ERROR would be recorded: set at least 1, or leave `.budget(..)` out"
    )]
    NoBudget,
    /// The levels name something that is no level.
    #[error(transparent)]
    Levels(#[from] LevelsError),
    /// The directory or the install id in it can't be used.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The queue can't be opened.
    #[error(transparent)]
    Queue(#[from] queue::OpenError),
    /// The sender can't be started.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The local log can't be opened.
    #[cfg(feature = "local-log")]
    #[error(transparent)]
    LocalLog(#[from] local_log::LocalLogError),
}
courier_sanitize::debug_is_display!(StartError);

#[cfg(not(feature = "local-log"))]
impl From<std::convert::Infallible> for StartError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
