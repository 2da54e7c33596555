//! A key and the one algorithm that it may be used with.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

/// A key pinned to its algorithm: a public key is never an HMAC secret.
#[derive(Clone)]
pub struct Key {
    /// What signatures are checked with.
    pub decoding: DecodingKey,
    /// By which algorithm, and no other.
    pub algorithm: Algorithm,
}

impl Key {
    /// An HS256 secret.
    #[must_use]
    pub fn secret(secret: &[u8]) -> Self {
        Self {
            decoding: DecodingKey::from_secret(secret),
            algorithm: Algorithm::HS256,
        }
    }

    /// A public key in PEM: RSA, P-256 or Ed25519.
    #[must_use]
    pub fn from_pem(pem: &[u8]) -> Option<Self> {
        let key = |algorithm| {
            move |decoding| Self {
                decoding,
                algorithm,
            }
        };
        let rsa = || DecodingKey::from_rsa_pem(pem).map(key(Algorithm::RS256));
        let ec = || DecodingKey::from_ec_pem(pem).map(key(Algorithm::ES256));
        let ed = || DecodingKey::from_ed_pem(pem).map(key(Algorithm::EdDSA));
        rsa().or_else(|_| ec()).or_else(|_| ed()).ok()
    }

    /// A published key; `None` for one that is a secret, is for something else, or of another kind.
    #[must_use]
    pub fn published(jwk: &Jwk) -> Option<Self> {
        if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
            return None;
        }
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                Algorithm::ES256
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                Algorithm::EdDSA
            }
            _ => return None,
        };
        let says = match jwk.common.key_algorithm {
            None => algorithm,
            Some(KeyAlgorithm::RS256) => Algorithm::RS256,
            Some(KeyAlgorithm::ES256) => Algorithm::ES256,
            Some(KeyAlgorithm::EdDSA) => Algorithm::EdDSA,
            Some(_) => return None,
        };
        let decoding = DecodingKey::from_jwk(jwk).ok()?;
        (says == algorithm).then_some(Self {
            decoding,
            algorithm,
        })
    }
}
