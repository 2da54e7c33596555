//! A key and the one algorithm that it may be used with.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;

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

    /// A public key in PEM: RSA, P-256 or Ed25519. A private key is refused, and so is another curve: no token would ever
    /// be good.
    #[must_use]
    pub fn from_pem(pem: &[u8]) -> Option<Self> {
        let is_private = pem
            .windows(PRIVATE.len())
            .any(|window| window == PRIVATE.as_slice());
        if is_private {
            return None;
        }
        let is_p256 = SubjectPublicKeyInfoDer::from_pem_slice(pem)
            .is_ok_and(|key| key.windows(P256.len()).any(|window| window == P256));
        let key = |algorithm| {
            move |decoding| Self {
                decoding,
                algorithm,
            }
        };
        let rsa = || DecodingKey::from_rsa_pem(pem).map(key(Algorithm::RS256));
        let ec = || DecodingKey::from_ec_pem(pem).map(key(Algorithm::ES256));
        let ed = || DecodingKey::from_ed_pem(pem).map(key(Algorithm::EdDSA));
        rsa()
            .ok()
            .or_else(|| ec().ok().filter(|_| is_p256))
            .or_else(|| ed().ok())
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

const PRIVATE: &[u8; 11] = b"PRIVATE KEY";

/// The object identifier of P-256, 1.2.840.10045.3.1.7, in DER.
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

#[cfg(test)]
mod tests {
    use super::*;

    fn algorithm(pem: &str) -> Option<Algorithm> {
        Key::from_pem(pem.as_bytes()).map(|key| key.algorithm)
    }

    #[test]
    fn each_kind_of_public_key_has_its_algorithm_and_others_are_refused() {
        let pair = |algorithm| rcgen::KeyPair::generate_for(algorithm).expect("it is made");
        let p256 = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
        assert_eq!(algorithm(&p256.public_key_pem()), Some(Algorithm::ES256));
        let ed25519 = pair(&rcgen::PKCS_ED25519);
        assert_eq!(algorithm(&ed25519.public_key_pem()), Some(Algorithm::EdDSA));
        let p384 = pair(&rcgen::PKCS_ECDSA_P384_SHA384);
        assert_eq!(algorithm(&p384.public_key_pem()), None, "another curve");
        assert_eq!(algorithm(&p256.serialize_pem()), None, "a private key");
        assert_eq!(algorithm("junk"), None);
    }
}
