//! Without the feature `local-log` there is none.

use std::sync::Arc;

use tracing_subscriber::layer::Identity;

use crate::context::RunContext;
use crate::life::Life;
use crate::record::Record;

#[derive(Debug, Default)]
pub(crate) struct Settings {}

#[derive(Clone, Debug, Default)]
pub(crate) struct LocalLog {}

impl Settings {
    pub fn open(self, _service: &str) -> Result<LocalLog, std::convert::Infallible> {
        Ok(LocalLog {})
    }

    pub fn open_or_none(
        self,
        service: &str,
        _complain: impl FnOnce(&str),
    ) -> Result<LocalLog, std::convert::Infallible> {
        self.open(service)
    }
}

impl LocalLog {
    #[allow(
        clippy::extra_unused_type_parameters,
        reason = "with the feature it is needed"
    )]
    pub fn layer<S>(&self, _life: &Arc<Life>, _context: &RunContext) -> Option<Identity> {
        None
    }

    pub fn write(&self, _record: &Record, _user: Option<&str>) {}

    pub fn finish(&self) {}
}
