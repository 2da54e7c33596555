//! A key that somebody publishes, and a set of them as it is read.

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::jwk::Jwk;
use sha2::{Digest, Sha256};

use super::key::Key;

/// A key, its name, and what it is as a whole.
pub struct Published {
    /// Its name, if it has one.
    pub kid: Option<String>,
    /// Of the published JSON: equal keys are one key, whichever fetch brought them.
    print: Fingerprint,
    /// The key.
    pub key: Key,
}

impl Published {
    /// What names the key in [`Jwks::holds`].
    #[must_use]
    pub fn print(&self) -> Fingerprint {
        self.print
    }
}

/// A hash of a published key.
pub type Fingerprint = [u8; 32];

/// The keys of a set, as JSON; `None` when it is no key set. Keys of a kind that is not ours are passed over; those around them count.
pub fn read(body: &[u8]) -> Option<Vec<Arc<Published>>> {
    let mut set: HashMap<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let keys = set.remove("keys")?;
    let published = |json: &serde_json::Value| {
        let jwk: Jwk = serde_json::from_value(json.clone()).ok()?;
        Some(Arc::new(Published {
            kid: jwk.common.key_id.clone(),
            print: Sha256::digest(json.to_string()).into(),
            key: Key::published(&jwk)?,
        }))
    };
    let usable = keys.as_array()?.iter().filter_map(published);
    Some(usable.take(MAX_KEYS).collect())
}

/// Keys of a set at most; no publisher rotates through more.
const MAX_KEYS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn of_a_key_set_only_public_signing_keys_are_taken() {
        let set = serde_json::json!({"keys": [
            {"kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256"},
            {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": X},
            {"kty": "OKP", "kid": "enc", "crv": "Ed25519", "use": "enc", "x": X},
            {"kty": "OKP", "kid": "lie", "crv": "Ed25519", "alg": "HS256", "x": X},
            {"kty": "unheard of", "kid": "new"},
            7,
        ]});
        let keys = read(set.to_string().as_bytes()).expect("a key set");
        let names: Vec<&str> = keys.iter().filter_map(|key| key.kid.as_deref()).collect();
        assert_eq!(names, ["ed"]);
        for empty in [
            r#"{"keys":[]}"#,
            r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#,
        ] {
            assert_eq!(
                read(empty.as_bytes()).map(|keys| keys.len()),
                Some(0),
                "{empty}"
            );
        }
        for none in ["{}", "<html>", r#"{"keys":7}"#] {
            assert!(read(none.as_bytes()).is_none(), "{none}");
        }
    }
}
