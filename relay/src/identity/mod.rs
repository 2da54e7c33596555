//! Who sends: decided from the token alone, before a byte of the body is read.
//!
//! Algorithms are pinned to the key, so a public key is never an HMAC secret and `none` is never one. `exp` and `sub` are
//! required; issuer and audience are checked when set. Clocks may be a minute apart. Every refusal looks the same from
//! outside; the reason is in the relay's log.

mod development;
mod jwks;
mod key;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::Validation;
use secrecy::ExposeSecret;
use serde::Deserialize;
use sha2::{Digest, Sha256};

pub use development::{ADMIN_TOKEN, DEVELOPMENT_SECRET, Secret, SecretError};

use crate::config::{KeyConfig, TokenConfig};
use crate::export::{self, UpstreamError};
use jwks::{Found, Jwks};
use key::Key;

/// Whose token it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The token's `sub`.
    pub subject: String,
}

/// A token is no good. All reasons get one answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is no `Authorization: Bearer …`.
    #[error("no bearer token")]
    Missing,
    /// It is longer than any token should be.
    #[error("a token of {0} bytes")]
    TooLong(usize),
    /// Its signature, its times, its issuer or audience: what the check said.
    #[error("{0}")]
    Bad(String),
    /// Nobody is named.
    #[error("`sub` is empty")]
    NoSubject,
    /// It names a key that nobody publishes.
    #[error("an unknown key")]
    UnknownKey,
    /// Whether it is good can't be known now: whoever publishes the keys is away.
    #[error("the key server is away")]
    KeysAway,
}

/// The key can't be used. Nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Write an RSA, P-256 or Ed25519 public key in PEM into the file.
    #[error("--jwt-public-key-file: no RSA, P-256 or Ed25519 public key in PEM")]
    NotAPublicKey,
    /// The development secret could not be made or read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// There is no way to verify the key server's certificate.
    #[error(transparent)]
    Client(#[from] UpstreamError),
}

/// Checks tokens.
pub struct Verifier {
    keys: Keys,
    issuer: Option<String>,
    audience: Option<String>,
    verified: Mutex<HashMap<[u8; 32], Verified>>,
}

enum Keys {
    One(Box<Key>),
    Published(Box<Jwks>),
}

/// A token that was good, and for how long that is believed.
struct Verified {
    subject: String,
    until: Instant,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
}

impl Verifier {
    /// A verifier for `config`; `secret` is the development secret, if that is its key.
    ///
    /// # Errors
    ///
    /// When the key is of no use: see [`KeyError`].
    pub fn new(config: &TokenConfig, secret: Option<&Secret>) -> Result<Self, KeyError> {
        let keys = match &config.key {
            KeyConfig::Development => Keys::One(Box::new(Key::secret(
                secret.map(Secret::expose).unwrap_or_default(),
            ))),
            KeyConfig::Secret(secret) => Keys::One(Box::new(Key::secret(secret.expose_secret()))),
            KeyConfig::PublicKey(pem) => {
                Keys::One(Box::new(Key::from_pem(pem).ok_or(KeyError::NotAPublicKey)?))
            }
            KeyConfig::Jwks(url) => {
                let client = export::client(url.scheme() == "https")?;
                Keys::Published(Box::new(Jwks::at(url.clone(), client)))
            }
        };
        let (issuer, audience) = (config.issuer.clone(), config.audience.clone());
        Ok(Self {
            keys,
            issuer,
            audience,
            verified: Mutex::default(),
        })
    }

    /// Whose token an `Authorization` header carries.
    ///
    /// # Errors
    ///
    /// When it carries none that is good.
    pub async fn identify(&self, authorization: Option<&[u8]>) -> Result<Identity, TokenError> {
        let (scheme, token) = authorization
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .and_then(|text| text.split_once(' '))
            .ok_or(TokenError::Missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(TokenError::Missing);
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong(token.len()));
        }
        let token = token.trim();
        let name: [u8; 32] = Sha256::digest(token).into();
        if let Some(subject) = self.verified(&name) {
            return Ok(Identity { subject });
        }
        let claims = self.verify(token).await?;
        if claims.sub.is_empty() {
            return Err(TokenError::NoSubject);
        }
        self.remember(name, &claims);
        Ok(Identity {
            subject: claims.sub,
        })
    }

    async fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let bad = |error: jsonwebtoken::errors::Error| TokenError::Bad(error.to_string());
        let found;
        let key = match &self.keys {
            Keys::One(key) => key,
            Keys::Published(jwks) => {
                let header = jsonwebtoken::decode_header(token).map_err(bad)?;
                found = match jwks.find(header.kid.as_deref()).await {
                    Found::Key(key) => key,
                    Found::None => return Err(TokenError::UnknownKey),
                    Found::Away => return Err(TokenError::KeysAway),
                };
                &found
            }
        };
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.validate_aud = self.audience.is_some();
        validation.set_required_spec_claims(&["exp", "sub"]);
        if let Some(audience) = &self.audience {
            validation.set_audience(&[audience]);
            validation.required_spec_claims.insert("aud".to_owned());
        }
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        let data =
            jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation).map_err(bad)?;
        Ok(data.claims)
    }

    fn verified(&self, name: &[u8; 32]) -> Option<String> {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified
            .get(name)
            .filter(|verified| verified.until > Instant::now())
            .map(|verified| verified.subject.clone())
    }

    fn remember(&self, name: [u8; 32], claims: &Claims) {
        let left = claims.exp - jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
        let left = Duration::try_from_secs_f64(left.max(0.0))
            .unwrap_or(REMEMBERED)
            .min(REMEMBERED);
        let now = Instant::now();
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= MAX_VERIFIED {
            verified.retain(|_, verified| verified.until > now);
        }
        if verified.len() < MAX_VERIFIED {
            verified.insert(
                name,
                Verified {
                    subject: claims.sub.clone(),
                    until: now + left,
                },
            );
        }
    }
}

/// A token that was good is believed this long at most, so that a withdrawn key is noticed.
const REMEMBERED: Duration = Duration::from_secs(300);

/// Tokens that are remembered.
const MAX_VERIFIED: usize = 20_000;

/// How far a token's clock may be off.
const LEEWAY_SECONDS: u64 = 60;

/// Longer tokens are refused unread.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use jsonwebtoken::Algorithm;
    use serde_json::json;

    use super::*;

    const SECRET: &[u8] = b"a secret for tests, of thirty-two bytes";

    fn verifier(issuer: Option<&str>, audience: Option<&str>) -> Verifier {
        let config = TokenConfig {
            key: KeyConfig::Secret(SECRET.to_vec().into_boxed_slice().into()),
            issuer: issuer.map(str::to_owned),
            audience: audience.map(str::to_owned),
        };
        Verifier::new(&config, None).expect("the key is fine")
    }

    fn sign(algorithm: Algorithm, secret: &[u8], claims: &serde_json::Value) -> String {
        let key = jsonwebtoken::EncodingKey::from_secret(secret);
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::new(algorithm), claims, &key)
            .expect("it signs");
        format!("Bearer {token}")
    }

    fn in_seconds(seconds: i64) -> i64 {
        jiff::Timestamp::now().as_second() + seconds
    }

    #[tokio::test]
    async fn a_good_token_names_its_subject() {
        let token = sign(
            Algorithm::HS256,
            SECRET,
            &json!({"sub": "user-abc", "exp": in_seconds(-30), "aud": "whoever"}),
        );
        let identity = verifier(None, None).identify(Some(token.as_bytes())).await;
        assert_eq!(
            identity,
            Ok(Identity {
                subject: "user-abc".to_owned()
            }),
            "half a minute late is within the leeway"
        );
    }

    #[tokio::test]
    async fn every_broken_token_is_refused() {
        let good = json!({"sub": "u", "exp": in_seconds(60), "iss": "me", "aud": "relay"});
        let without = |claim: &str| {
            let mut claims = good.clone();
            claims.as_object_mut().map(|claims| claims.remove(claim));
            claims
        };
        let with = |claim: &str, value: serde_json::Value| {
            let mut claims = good.clone();
            claims[claim] = value;
            claims
        };
        // {"alg":"none"} and an empty signature
        let none =
            "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJ1IiwiZXhwIjo5OTk5OTk5OTk5fQ."
                .to_owned();
        let verifier = verifier(Some("me"), Some("relay"));
        let hs256 = |claims| sign(Algorithm::HS256, SECRET, &claims);
        assert!(
            verifier
                .identify(Some(hs256(good.clone()).as_bytes()))
                .await
                .is_ok()
        );
        let cases = [
            ("another algorithm", sign(Algorithm::HS512, SECRET, &good)),
            ("another key", sign(Algorithm::HS256, b"another", &good)),
            ("expired", hs256(with("exp", json!(in_seconds(-61))))),
            ("not yet", hs256(with("nbf", json!(in_seconds(120))))),
            ("no exp", hs256(without("exp"))),
            ("no sub", hs256(without("sub"))),
            ("empty sub", hs256(with("sub", json!("")))),
            ("sub of another type", hs256(with("sub", json!(7)))),
            ("no issuer", hs256(without("iss"))),
            ("another issuer", hs256(with("iss", json!("you")))),
            ("no audience", hs256(without("aud"))),
            ("another audience", hs256(with("aud", json!("web")))),
            ("no algorithm", none),
            ("no token", "Bearer ".to_owned()),
            (
                "another scheme",
                hs256(good.clone()).replace("Bearer", "Basic"),
            ),
            ("a megabyte", format!("Bearer {}", "x".repeat(1 << 20))),
            ("nothing", String::new()),
        ];
        for (case, token) in cases {
            assert!(
                verifier.identify(Some(token.as_bytes())).await.is_err(),
                "{case}"
            );
        }
        assert_eq!(verifier.identify(None).await, Err(TokenError::Missing));
    }
}
