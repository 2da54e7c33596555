//! Without the feature `local-log` there is none.

use tracing_subscriber::layer::Identity;

#[derive(Debug, Default)]
pub(crate) struct Settings {}

#[derive(Debug)]
pub(crate) struct LocalLog;

impl Settings {
    pub fn open(self, _service: &str) -> Result<LocalLog, std::convert::Infallible> {
        Ok(LocalLog)
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
    pub fn layer<S>(&self) -> Option<Identity> {
        None
    }

    pub fn finish(&self) {}
}
