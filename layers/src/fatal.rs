//! `tracing` has no FATAL: it is an ERROR event whose own field `fatal` is true.

/// Logs a FATAL record: on disk and synced before it returns, with the trail attached. Takes what
/// [`tracing::error!`] takes.
///
/// ```
/// use tracing_courier::fatal;
///
/// fatal!("cannot go on");
/// fatal!(target: "app::boot", config = "relay.toml", "cannot read {}", "relay.toml");
/// ```
#[macro_export]
macro_rules! fatal {
    (name: $name:expr, target: $target:expr, $($rest:tt)+) => {
        $crate::__tracing::error!(name: $name, target: $target, fatal = true, $($rest)+)
    };
    (name: $name:expr, $($rest:tt)+) => {
        $crate::__tracing::error!(name: $name, fatal = true, $($rest)+)
    };
    (target: $target:expr, parent: $parent:expr, $($rest:tt)+) => {
        $crate::__tracing::error!(target: $target, parent: $parent, fatal = true, $($rest)+)
    };
    (target: $target:expr, $($rest:tt)+) => {
        $crate::__tracing::error!(target: $target, fatal = true, $($rest)+)
    };
    (parent: $parent:expr, $($rest:tt)+) => {
        $crate::__tracing::error!(parent: $parent, fatal = true, $($rest)+)
    };
    ($($rest:tt)+) => {
        $crate::__tracing::error!(fatal = true, $($rest)+)
    };
}
