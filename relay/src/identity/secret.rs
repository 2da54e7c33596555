//! Secrets of our own, kept in the data directory for its owner only, and the tokens that one of them signs.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{EncodingKey, Header};
use secrecy::{ExposeSecret, SecretBox};
use serde::Serialize;

use crate::config::{Config, TokenConfig};
use crate::disk::private;

/// A secret: for HS256, or a bearer token itself.
#[derive(Debug)]
pub struct Secret(SecretBox<[u8]>);

/// A secret could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The secret could not be made or read. Check the data directory and its owner.
    #[error("cannot use secret `{}`", .path.display())]
    File {
        /// The secret's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others on this machine could make tokens. Take their rights away (`chmod 600`) or delete the file.
    #[error("secret `{}` is readable by others; chmod 600 it, or delete it to get a new one", .path.display())]
    Readable {
        /// The secret's file.
        path: PathBuf,
    },
    /// The secret's file is damaged. Delete it to get a new one.
    #[error("secret `{}` is too short; delete it to get a new one", .path.display())]
    Short {
        /// The secret's file.
        path: PathBuf,
    },
    /// Tokens are checked with a public key. Get one from whoever has the private key.
    #[error("tokens are checked with a public key, so they are signed elsewhere")]
    None,
    /// The token could not be signed.
    #[error("cannot sign a token: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

impl Secret {
    /// A secret that was made elsewhere.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(secret.to_vec().into_boxed_slice().into())
    }

    /// The secret `name` in `dir`, made if absent.
    ///
    /// # Errors
    ///
    /// When it can't be made or read, or others can read it.
    pub fn in_dir(dir: &Path, name: &str) -> Result<Self, SecretError> {
        let path = dir.join(name);
        let failed = |source| SecretError::File {
            path: path.clone(),
            source,
        };
        private::make_dir(dir).map_err(failed)?;
        if !path.exists() {
            make(&path).map_err(failed)?;
        }
        if private::is_open_to_others(&path).map_err(failed)? {
            return Err(SecretError::Readable { path });
        }
        let secret = fs::read(&path).map_err(failed)?;
        if secret.len() < SECRET_BYTES {
            return Err(SecretError::Short { path });
        }
        Ok(Self(secret.into_boxed_slice().into()))
    }

    /// The bytes, for signing and checking only.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// A token for `user` that is good for `ttl`, with the issuer and audience that `config` asks for.
    ///
    /// # Errors
    ///
    /// When the token can't be signed.
    pub fn token(
        &self,
        user: &str,
        ttl: Duration,
        config: &TokenConfig,
    ) -> Result<String, SecretError> {
        let now = Timestamp::now().as_second();
        let ttl = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
        let claims = Claims {
            sub: user,
            iat: now,
            exp: now.saturating_add(ttl),
            iss: config.issuer.as_deref(),
            aud: config.audience.as_deref(),
        };
        Ok(jsonwebtoken::encode(
            &Header::default(),
            &claims,
            &EncodingKey::from_secret(self.expose()),
        )?)
    }
}

/// The admin API's bearer token.
///
/// # Errors
///
/// When no token is configured, and the one in the data directory can't be made or read.
pub fn admin_token(config: &Config) -> Result<SecretBox<[u8]>, SecretError> {
    match &config.admin_token {
        Some(token) => Ok(token
            .expose_secret()
            .as_bytes()
            .to_vec()
            .into_boxed_slice()
            .into()),
        None => {
            let made = Secret::in_dir(&config.data_dir, ADMIN_TOKEN)?;
            Ok(made.expose().to_vec().into_boxed_slice().into())
        }
    }
}

/// Written whole under another name first: a relay and a `token` command that start together agree on one.
fn make(path: &Path) -> io::Result<()> {
    let mut text = String::new();
    while text.len() < SECRET_BYTES {
        text.push_str(&uuid::Uuid::new_v4().simple().to_string());
    }
    let draft = path.with_extension(std::process::id().to_string());
    let mut options = private::options();
    options.create(true).truncate(true).write(true);
    let mut file = options.open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

/// Signs the tokens of development mode.
pub const DEVELOPMENT_SECRET: &str = "development-jwt-secret";

/// Is the bearer token of the admin API.
pub const ADMIN_TOKEN: &str = "admin-token";

/// 64 hex digits of which each UUID has 122 random bits: over 240 bits.
const SECRET_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_secret_is_made_once_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let first = Secret::in_dir(dir.path(), DEVELOPMENT_SECRET).expect("it is made");
        let second = Secret::in_dir(dir.path(), DEVELOPMENT_SECRET).expect("it is read");
        assert_eq!(first.expose(), second.expose());

        let path = dir.path().join(DEVELOPMENT_SECRET);
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(dir.path()).expect("it lists").count(),
            1,
            "no draft is left"
        );

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it changes");
        assert!(matches!(
            Secret::in_dir(dir.path(), DEVELOPMENT_SECRET),
            Err(SecretError::Readable { .. })
        ));
    }

    #[test]
    fn a_secret_is_not_in_its_debug_text() {
        let secret = Secret::new(b"hunter2hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
