//! Who logs: the install, the session, the user, and the resource they run on.

use std::path::Path;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::install_id::install_id;
pub use crate::install_id::{INSTALL_ID_FILE, SessionError};
use crate::record::Field;
use crate::resource::{self, Program};
pub use crate::support_code::{NoSupportCode, SupportCode};

/// What is true of all records until it changes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Session {
    /// This installation of the program, for as long as its directory lives.
    pub install_id: Uuid,
    /// This run of the program.
    pub session_id: Uuid,
    /// The session of the process that this one was forked from.
    pub parent_session_id: Option<Uuid>,
    /// Whoever is logged in. Use an opaque id: it is never scanned for personal data.
    pub user_id: Option<String>,
    /// The service, its version, the system: OpenTelemetry's resource attributes.
    pub resource: Map<String, Value>,
}

impl Session {
    /// A new session of the installation that lives in `dir`.
    ///
    /// # Errors
    /// The directory or the file that keeps the install id can't be made or read.
    pub fn start(dir: &Path, service: &str, version: &str) -> Result<Self, SessionError> {
        let install_id = install_id(dir)?;
        let program = Program {
            service: service.to_owned(),
            version: version.to_owned(),
            ..Program::default()
        };
        let (resource, _) = resource::find(program, install_id, &resource::Real);
        Ok(Self::of(install_id, resource))
    }

    /// A new session of this installation.
    pub(crate) fn of(install_id: Uuid, resource: Map<String, Value>) -> Self {
        Self {
            install_id,
            session_id: Uuid::new_v4(),
            parent_session_id: None,
            user_id: None,
            resource,
        }
    }

    /// The installation turned out to be this one.
    pub(crate) fn now_of(&mut self, install_id: Uuid) {
        let old = self.install_id.to_string();
        if let Some(instance) = self.resource.get_mut("service.instance.id")
            && instance.as_str() == Some(&*old)
        {
            *instance = install_id.to_string().into();
        }
        self.install_id = install_id;
    }

    /// The session of a child that this process has just been forked into.
    pub(crate) fn of_child(&self) -> Self {
        let mut child = Self::of(self.install_id, self.resource.clone());
        child.parent_session_id = Some(self.session_id);
        child.user_id.clone_from(&self.user_id);
        child
            .resource
            .insert("process.pid".to_owned(), std::process::id().into());
        child
    }

    /// What the person at the device reads out on the telephone, so that support finds this installation.
    #[must_use]
    pub fn support_code(&self) -> SupportCode {
        SupportCode::of(&self.install_id.to_string())
    }

    /// The members of `context` on the wire.
    #[must_use]
    pub fn wire_context(&self) -> Map<String, Value> {
        let mut context = Map::new();
        let mut say = |field: Field, id: String| context.insert(field.name().to_owned(), id.into());
        say(Field::Install, self.install_id.to_string());
        say(Field::Session, self.session_id.to_string());
        if let Some(user_id) = &self.user_id {
            say(Field::User, user_id.clone());
        }
        context
    }
}
