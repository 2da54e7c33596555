//! Who sends: decided from the token alone, before a byte of the body is read.
//!
//! Algorithms are pinned to the key, so a public key is never an HMAC secret and `none` is never one. `exp` and `sub` are
//! required; issuer and audience are checked when set. Clocks may be a minute apart. Every refusal looks the same from
//! outside; the reason is in the relay's log.

mod development;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::ExposeSecret;
use serde::Deserialize;

pub use development::{ADMIN_TOKEN, DEVELOPMENT_SECRET, Secret, SecretError};

use crate::config::{KeyConfig, TokenConfig};

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
    /// A relay of this version can't fetch keys.
    #[error("--jwks-url is not supported yet; use --jwt-public-key-file")]
    NoJwks,
}

/// Checks tokens.
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

impl Verifier {
    /// A verifier for `config`; `secret` is the development secret, if that is its key.
    ///
    /// # Errors
    ///
    /// When the key is of no use: see [`KeyError`].
    pub fn new(config: &TokenConfig, secret: Option<&Secret>) -> Result<Self, KeyError> {
        let (key, algorithm) = match &config.key {
            KeyConfig::Development => {
                let secret = secret.map(Secret::expose).unwrap_or_default();
                (DecodingKey::from_secret(secret), Algorithm::HS256)
            }
            KeyConfig::Secret(secret) => (
                DecodingKey::from_secret(secret.expose_secret()),
                Algorithm::HS256,
            ),
            KeyConfig::PublicKey(pem) => public_key(pem)?,
            KeyConfig::Jwks(_) => return Err(KeyError::NoJwks),
        };
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.validate_aud = config.audience.is_some();
        validation.set_required_spec_claims(&["exp", "sub"]);
        if let Some(audience) = &config.audience {
            validation.set_audience(&[audience]);
            validation.required_spec_claims.insert("aud".to_owned());
        }
        if let Some(issuer) = &config.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        Ok(Self { key, validation })
    }

    /// Whose token an `Authorization` header carries.
    ///
    /// # Errors
    ///
    /// When it carries none that is good.
    pub fn identify(&self, authorization: Option<&[u8]>) -> Result<Identity, TokenError> {
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
        let data = jsonwebtoken::decode::<Claims>(token.trim(), &self.key, &self.validation)
            .map_err(|error| TokenError::Bad(error.to_string()))?;
        if data.claims.sub.is_empty() {
            return Err(TokenError::NoSubject);
        }
        Ok(Identity {
            subject: data.claims.sub,
        })
    }
}

fn public_key(pem: &[u8]) -> Result<(DecodingKey, Algorithm), KeyError> {
    let rsa = || DecodingKey::from_rsa_pem(pem).map(|key| (key, Algorithm::RS256));
    let ec = || DecodingKey::from_ec_pem(pem).map(|key| (key, Algorithm::ES256));
    let ed = || DecodingKey::from_ed_pem(pem).map(|key| (key, Algorithm::EdDSA));
    rsa()
        .or_else(|_| ec())
        .or_else(|_| ed())
        .map_err(|_| KeyError::NotAPublicKey)
}

/// How far a token's clock may be off.
const LEEWAY_SECONDS: u64 = 60;

/// Longer tokens are refused unread.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_good_token_names_its_subject() {
        let token = sign(
            Algorithm::HS256,
            SECRET,
            &json!({"sub": "user-abc", "exp": in_seconds(-30), "aud": "whoever"}),
        );
        let identity = verifier(None, None).identify(Some(token.as_bytes()));
        assert_eq!(
            identity,
            Ok(Identity {
                subject: "user-abc".to_owned()
            }),
            "half a minute late is within the leeway"
        );
    }

    #[test]
    fn every_broken_token_is_refused() {
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
            assert!(verifier.identify(Some(token.as_bytes())).is_err(), "{case}");
        }
        assert_eq!(verifier.identify(None), Err(TokenError::Missing));
    }
}
