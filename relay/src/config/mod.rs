//! What the operator wrote, and what makes sense of it.
//!
//! A setting is a flag, an environment variable and a TOML key; the flag wins, then the environment. [`RawConfig`] holds
//! them as text; [`Config`] is the only thing that the rest of the relay sees, and nothing is checked a second time.
//! Every error names the setting and what to do, before anything is started.

mod checked;
mod defaults;
mod error;
mod files;
mod keep_free;
mod key;
mod listeners;
mod nearest;
mod network;
mod raw;
mod read;
mod setting;
mod upstream;
mod value;

pub use checked::{
    Clamp, Config, Connections, Exceptions, IndexConfig, KeyConfig, Rates, SpoolKind, TlsConfig,
    TokenConfig, UpstreamConfig,
};
pub use defaults::*;
pub use error::ConfigError;
pub use files::FileConfig;
pub use keep_free::KeepFree;
pub use network::Networks;
pub use raw::RawConfig;
pub use setting::Setting;
pub use value::duration;
