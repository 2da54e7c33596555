//! Public keys that somebody publishes and rotates.
//!
//! 1. One fetch at a time, whoever waits for it; not more than one in ten seconds, whatever tokens come;
//! 2. keys that were fetched stay good while the publisher is away, however long, and nobody waits for newer ones;
//! 3. what can't be decided because the publisher is away is said as that, and never as a bad token.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::Jwk;
use url::Url;

use super::key::Key;
use crate::error::chain;

/// The keys at one URL; a cheap handle.
#[derive(Clone)]
pub struct Jwks(Arc<Inner>);

struct Inner {
    client: reqwest::Client,
    url: Url,
    known: RwLock<Arc<Known>>,
    fetching: tokio::sync::Mutex<()>,
}

/// What the last fetches brought.
#[derive(Default)]
struct Known {
    keys: Vec<(Option<String>, Key)>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
    is_away: bool,
}

/// Whether a token's key was found.
pub enum Found {
    /// This one.
    Key(Box<Key>),
    /// The publisher has none of that name.
    None,
    /// The publisher can't be asked.
    Away,
}

impl Jwks {
    /// The keys at `url`, fetched when the first token comes.
    #[must_use]
    pub fn at(url: Url, client: reqwest::Client) -> Self {
        Self(Arc::new(Inner {
            client,
            url,
            known: RwLock::default(),
            fetching: tokio::sync::Mutex::new(()),
        }))
    }

    /// The key that a token names.
    pub async fn find(&self, kid: Option<&str>) -> Found {
        let known = self.0.known();
        if let Some(key) = known.key(kid) {
            let is_old = known
                .fetched
                .is_none_or(|fetched| fetched.elapsed() > REFRESH);
            if is_old && known.may_try() {
                // Behind the request's back: a publisher that is slow must not make everybody slow.
                let inner = Arc::clone(&self.0);
                tokio::spawn(async move { inner.refresh().await });
            }
            return Found::this(key);
        }
        if known.may_try() {
            self.0.fetch().await;
        }
        let known = self.0.known();
        match known.key(kid) {
            Some(key) => Found::this(key),
            None if known.is_away => Found::Away,
            None => Found::None,
        }
    }
}

impl Inner {
    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for newer keys, whoever fetches them.
    async fn fetch(&self) {
        let _one = self.fetching.lock().await;
        // Unless somebody fetched while this one waited.
        if self.known().may_try() {
            self.replace().await;
        }
    }

    /// Fetches newer keys unless somebody does.
    async fn refresh(&self) {
        if let Ok(_one) = self.fetching.try_lock()
            && self.known().may_try()
        {
            self.replace().await;
        }
    }

    async fn replace(&self) {
        let before = self.known();
        let fetched = tokio::time::timeout(FETCH_TIMEOUT, self.get())
            .await
            .unwrap_or_else(|_| Err("it does not answer in time".to_owned()));
        let now = Instant::now();
        let known = match fetched {
            Ok(keys) => Known {
                keys,
                fetched: Some(now),
                tried: Some(now),
                is_away: false,
            },
            Err(reason) => {
                tracing::error!(
                    reason,
                    "the keys at --jwks-url can't be fetched; those at hand stay in use"
                );
                Known {
                    keys: before.keys.clone(),
                    fetched: before.fetched,
                    tried: Some(now),
                    is_away: true,
                }
            }
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }

    async fn get(&self) -> Result<Vec<(Option<String>, Key)>, String> {
        let response = self.client.get(self.url.clone()).send().await;
        let mut response = response.map_err(|error| chain(&error.without_url()))?;
        if !response.status().is_success() {
            return Err(format!("it answers {}", response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| chain(&error.without_url()))?
        {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BYTES {
                return Err(format!("it answers with over {MAX_BYTES} bytes"));
            }
        }
        Ok(usable(&body)?)
    }
}

impl Found {
    fn this(key: &Key) -> Self {
        Self::Key(Box::new(key.clone()))
    }
}

impl Known {
    fn key(&self, kid: Option<&str>) -> Option<&Key> {
        match (kid, &self.keys[..]) {
            (Some(kid), keys) => keys
                .iter()
                .find(|(name, _)| name.as_deref() == Some(kid))
                .map(|(_, key)| key),
            // A token without a name is for the only key there is.
            (None, [(_, key)]) => Some(key),
            (None, _) => None,
        }
    }

    fn may_try(&self) -> bool {
        self.tried.is_none_or(|tried| tried.elapsed() >= TRY_AGAIN)
    }
}

/// The keys of a set. One without any is as good as no answer: with none to replace them, the keys at hand stay.
fn usable(body: &[u8]) -> Result<Vec<(Option<String>, Key)>, &'static str> {
    let keys = read(body).ok_or("it answers with no key set")?;
    if keys.is_empty() {
        return Err("it answers with no key that could be used");
    }
    Ok(keys)
}

/// Keys of a kind that is not ours are passed over; those around them count.
fn read(body: &[u8]) -> Option<Vec<(Option<String>, Key)>> {
    let mut set: HashMap<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let keys = set.remove("keys")?;
    let jwks = keys
        .as_array()?
        .iter()
        .filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
    Some(
        jwks.filter_map(|jwk| Some((jwk.common.key_id.clone(), Key::published(&jwk)?)))
            .collect(),
    )
}

/// Keys older than this are fetched anew.
const REFRESH: Duration = Duration::from_secs(600);

/// Between two fetches, whatever tokens come.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// How long a fetch may take: whoever brings an unknown name waits for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// A key set at most.
const MAX_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_key_set_only_public_signing_keys_are_taken() {
        let set = serde_json::json!({"keys": [
            {"kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256"},
            {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            {"kty": "OKP", "kid": "enc", "crv": "Ed25519", "use": "enc", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            {"kty": "OKP", "kid": "lie", "crv": "Ed25519", "alg": "HS256", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            {"kty": "unheard of", "kid": "new"},
            7,
        ]});
        let keys = read(set.to_string().as_bytes()).expect("a key set");
        let names: Vec<&str> = keys
            .iter()
            .filter_map(|(name, _)| name.as_deref())
            .collect();
        assert_eq!(names, ["ed"]);
        assert_eq!(
            usable(set.to_string().as_bytes()).map(|keys| keys.len()),
            Ok(1)
        );
        for none in [
            "{}",
            "<html>",
            r#"{"keys":[]}"#,
            r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#,
        ] {
            assert!(usable(none.as_bytes()).is_err(), "{none}");
        }
    }

    /// A handle whose publisher is away, with the key `kid` fetched `age` ago.
    fn known(kid: &str, age: Duration) -> Jwks {
        let set = serde_json::json!({"keys": [
            {"kty": "OKP", "kid": kid, "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
        ]});
        let url = "http://127.0.0.1:1/keys".parse().expect("a URL");
        let client = crate::export::client(false).expect("a client");
        let jwks = Jwks::at(url, client);
        let then = Instant::now().checked_sub(age);
        *jwks.0.known.write().expect("nobody panicked") = Arc::new(Known {
            keys: read(set.to_string().as_bytes()).expect("a key set"),
            fetched: then,
            tried: then,
            is_away: false,
        });
        jwks
    }

    #[tokio::test]
    async fn old_keys_are_served_at_once_and_fetched_behind_the_requests_back() {
        let jwks = known("a", 2 * TRY_AGAIN);
        assert!(matches!(jwks.find(Some("a")).await, Found::Key(_)));
        assert!(
            jwks.0.known().may_try(),
            "it is not old enough to be fetched"
        );

        let jwks = known("a", 2 * REFRESH);
        let fetching = jwks.0.fetching.lock().await;
        assert!(
            matches!(jwks.find(Some("a")).await, Found::Key(_)),
            "nobody waits"
        );
        drop(fetching);
        let deadline = Instant::now() + Duration::from_secs(10);
        while jwks.0.known().may_try() {
            assert!(Instant::now() < deadline, "nobody fetched");
            assert!(matches!(jwks.find(Some("a")).await, Found::Key(_)));
            tokio::task::yield_now().await;
        }
        assert!(
            matches!(jwks.find(Some("a")).await, Found::Key(_)),
            "it stays good while the publisher is away"
        );
        assert!(
            matches!(jwks.find(Some("b")).await, Found::Away),
            "which can't be known"
        );
    }
}
