//! Checks tokens with the configured key, or with those that somebody publishes.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use secrecy::ExposeSecret;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::error::{KeyError, TokenError};
use super::jwks::{Candidates, Jwks};
use super::key::Key;
use super::known::KeySet;
use super::published::Fingerprint;
use super::remembered::Remembered;
use super::secret::{DEVELOPMENT_SECRET, Secret};
use crate::config::{Config, KeyConfig, TokenConfig};
use crate::http::Client;

/// Whose token it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The token's `sub`.
    pub subject: String,
}

/// Checks tokens.
pub struct Verifier {
    keys: Keys,
    issuer: Option<String>,
    audience: Option<String>,
    remembered: Remembered,
}

enum Keys {
    One(Box<Key>),
    Published(Box<Jwks>),
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
    /// When the key can't be used: see [`KeyError`].
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
                let client = Client::new(url.scheme() == "https")?;
                Keys::Published(Box::new(Jwks::at(url.clone(), client)))
            }
        };
        let (issuer, audience) = (config.issuer.clone(), config.audience.clone());
        Ok(Self {
            keys,
            issuer,
            audience,
            remembered: Remembered::default(),
        })
    }

    /// What is known of published keys; `None` where tokens are checked with a key of our own.
    #[must_use]
    pub fn key_set(&self) -> Option<KeySet> {
        match &self.keys {
            Keys::One(_) => None,
            Keys::Published(jwks) => Some(jwks.state()),
        }
    }

    /// Whose token an `Authorization` header carries.
    ///
    /// # Errors
    ///
    /// When the header carries no valid token.
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
        if let Some(subject) = self.remembered.subject(&name, |key| self.is_published(key)) {
            return Ok(Identity { subject });
        }
        let (claims, key) = self.verify(token).await?;
        if claims.sub.is_empty() {
            return Err(TokenError::NoSubject);
        }
        let left = claims.exp - jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
        self.remembered.keep(name, &claims.sub, left, key);
        Ok(Identity {
            subject: claims.sub,
        })
    }

    /// Whether a published key still is.
    fn is_published(&self, key: &Fingerprint) -> bool {
        match &self.keys {
            Keys::One(_) => true,
            Keys::Published(jwks) => jwks.holds(key),
        }
    }

    async fn verify(&self, token: &str) -> Result<(Claims, Option<Fingerprint>), TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(bad)?;
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let jwks = match &self.keys {
            Keys::One(key) => return Ok((self.claims(token, key).map_err(bad)?, None)),
            Keys::Published(jwks) => jwks,
        };
        if !PUBLISHED.contains(&header.alg) {
            return Err(TokenError::UnknownKey);
        }
        let kid = header.kid.as_deref();
        if let Some(decided) = self.by_published(jwks, token, kid, header.alg) {
            return decided;
        }
        let asked = jwks.ask().await;
        // A fetch that somebody else began may have brought it, too.
        match (self.by_published(jwks, token, kid, header.alg), asked) {
            (Some(decided), _) => decided,
            (None, Ok(())) => Err(TokenError::UnknownKey),
            (None, Err(wait)) => Err(TokenError::KeysAway(wait)),
        }
    }

    /// What the published keys say; `None` when another key may be the one.
    fn by_published(
        &self,
        jwks: &Jwks,
        token: &str,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Option<Result<(Claims, Option<Fingerprint>), TokenError>> {
        let keys = match jwks.candidates(kid, algorithm) {
            Candidates::Keys(keys) => keys,
            Candidates::Unknown => return None,
            Candidates::OtherAlgorithm => return Some(Err(TokenError::UnknownKey)),
        };
        let mut last = None;
        for key in keys {
            match self.claims(token, &key.key) {
                Ok(claims) => return Some(Ok((claims, Some(key.print())))),
                Err(error) if *error.kind() == ErrorKind::InvalidSignature => last = Some(error),
                // The key was the right one, and the token is no good.
                Err(error) => return Some(Err(bad(error))),
            }
        }
        // Whoever names no key may mean one that is not known yet.
        last.filter(|_| kid.is_some()).map(|error| Err(bad(error)))
    }

    fn claims(&self, token: &str, key: &Key) -> Result<Claims, jsonwebtoken::errors::Error> {
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
        Ok(jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation)?.claims)
    }
}

fn bad(error: jsonwebtoken::errors::Error) -> TokenError {
    TokenError::Bad(error.to_string())
}

/// Algorithms of published keys; a token of another one needs no look at them.
const PUBLISHED: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// How far a token's clock may be off.
const LEEWAY_SECONDS: u64 = 60;

/// Longer tokens are refused unread.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The secret that tokens can be signed with, if there is one.
///
/// # Errors
///
/// When development mode can't make a secret.
pub fn secret(config: &Config) -> Result<Option<Secret>, KeyError> {
    Ok(match &config.tokens.key {
        KeyConfig::Development => Some(Secret::in_dir(&config.data_dir, DEVELOPMENT_SECRET)?),
        KeyConfig::Secret(secret) => Some(Secret::new(secret.expose_secret())),
        KeyConfig::PublicKey(_) | KeyConfig::Jwks(_) => None,
    })
}

/// Fetches the keys at `url` once, to see whether that works; how many there are.
///
/// # Errors
///
/// Says in words why no key could be fetched.
pub async fn fetch(url: &url::Url) -> Result<usize, String> {
    let client = Client::new(url.scheme() == "https").map_err(|error| error.to_string())?;
    Jwks::at(url.clone(), client).fetch_once().await
}

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
        let critical = {
            let header = jsonwebtoken::Header {
                crit: Some(vec!["b64".to_owned()]),
                ..jsonwebtoken::Header::new(Algorithm::HS256)
            };
            let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
            format!(
                "Bearer {}",
                jsonwebtoken::encode(&header, &good, &key).expect("it signs")
            )
        };
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
            ("a critical header", critical),
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
