//! Public keys that somebody publishes and rotates.
//!
//! 1. One fetch at a time, however many requests wait for it; at most one in ten seconds, whatever tokens come;
//! 2. a token is refused for an unknown key only after a fetch that began after the token came: until then nobody can know,
//!    and the answer is "later", never "no". So a stranger's made-up token costs an honest device of a new key nothing
//!    but a few seconds;
//! 3. keys that were fetched stay good while the publisher is away, however long, and nobody waits for newer ones;
//! 4. a key that is not published any more ends with the next fetch, and so do the tokens that it was good for. A set
//!    without any key is most likely a mistake: the keys at hand stay for [`EMPTY_GRACE`], then they all end.
//!
//! Keys are fetched when the relay starts and every [`REFRESH`], and whenever an unknown key is named.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::Algorithm;
use tokio::time::Instant;
use url::Url;

use super::known::{KeySet, Known, TRY_AGAIN};
use super::published::{Fingerprint, Published, read};
use crate::http::{Client, End};
use crate::text::chain;

/// The keys at one URL; a cheap handle.
#[derive(Clone)]
pub struct Jwks(Arc<Inner>);

struct Inner {
    client: Client,
    url: Url,
    known: RwLock<Arc<Known>>,
    fetching: tokio::sync::Mutex<()>,
}

impl Jwks {
    /// The keys at `url`: fetched in the background from now on, if a runtime is there.
    #[must_use]
    pub fn at(url: Url, client: Client) -> Self {
        let jwks = Self(Arc::new(Inner {
            client,
            url,
            known: RwLock::default(),
            fetching: tokio::sync::Mutex::new(()),
        }));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let inner = Arc::downgrade(&jwks.0);
            runtime.spawn(async move {
                while let Some(inner) = inner.upgrade() {
                    if inner.known().is_due() {
                        inner.refresh().await;
                    }
                    drop(inner);
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            });
        }
        jwks
    }

    /// The keys that a token of this name and algorithm may be signed with; of a token without a name, the first
    /// [`MAX_TRIES`] of its algorithm.
    #[must_use]
    pub fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> Candidates {
        let known = self.0.known();
        let is_named = |key: &&Arc<Published>| kid.is_none() || key.kid.as_deref() == kid;
        let named: Vec<_> = known.keys.iter().filter(is_named).collect();
        if kid.is_some() && named.is_empty() {
            return Candidates::Unknown;
        }
        let keys: Vec<_> = named
            .into_iter()
            .filter(|key| key.key.algorithm == algorithm)
            .take(MAX_TRIES)
            .cloned()
            .collect();
        match (kid, keys.is_empty()) {
            (Some(_), true) => Candidates::OtherAlgorithm,
            (None, true) => Candidates::Unknown,
            _ => Candidates::Keys(keys),
        }
    }

    /// Asks the publisher about a key that is not known, if it may be asked now.
    ///
    /// # Errors
    ///
    /// Gives the time until it may be asked again, when no fetch is newer than this call.
    pub async fn ask(&self) -> Result<(), Duration> {
        let now = Instant::now();
        if self.0.known().may_try() {
            self.0.fetch().await;
        }
        let known = self.0.known();
        let is_answered = known.asked.is_some_and(|asked| asked >= now)
            && known
                .empty_since
                .is_none_or(|since| since.elapsed() >= EMPTY_GRACE);
        if is_answered {
            return Ok(());
        }
        let passed = known.tried.map_or(TRY_AGAIN, |tried| tried.elapsed());
        Err(TRY_AGAIN.saturating_sub(passed))
    }

    /// Whether a key is still published.
    #[must_use]
    pub fn holds(&self, print: &Fingerprint) -> bool {
        self.0.known().keys.iter().any(|key| key.print() == *print)
    }

    /// Fetches them once, to see whether that works; how many there are.
    ///
    /// # Errors
    ///
    /// Says in words why no key could be fetched.
    pub async fn fetch_once(&self) -> Result<usize, String> {
        match self.0.get_in_time().await?.len() {
            0 => Err(NO_KEY.to_owned()),
            keys => Ok(keys),
        }
    }

    /// What is known now.
    #[must_use]
    pub fn state(&self) -> KeySet {
        self.0.known().state()
    }
}

/// Which keys a token may be signed with.
pub enum Candidates {
    /// One of these; at least one.
    Keys(Vec<Arc<Published>>),
    /// None that is known here.
    Unknown,
    /// The key of its name is of another algorithm.
    OtherAlgorithm,
}

impl Inner {
    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for newer keys, and fetches them unless another task does.
    async fn fetch(&self) {
        let _one = self.fetching.lock().await;
        // Unless somebody fetched while this one waited.
        if self.known().may_try() {
            self.replace().await;
        }
    }

    /// Fetches newer keys unless another task does.
    async fn refresh(&self) {
        if let Ok(_one) = self.fetching.try_lock()
            && self.known().may_try()
        {
            self.replace().await;
        }
    }

    /// Fetches them once.
    async fn get_in_time(&self) -> Result<Vec<Arc<Published>>, String> {
        tokio::time::timeout(FETCH_TIMEOUT, self.get())
            .await
            .unwrap_or_else(|_| Err("it does not answer in time".to_owned()))
    }

    async fn replace(&self) {
        let began = Instant::now();
        let fetched = self.get_in_time().await;
        let now = Instant::now();
        let mut known = Known::clone(&self.known());
        known.tried = Some(now);
        match fetched {
            Ok(keys) if keys.is_empty() => {
                let since = *known.empty_since.get_or_insert(now);
                known.fail(NO_KEY);
                known.asked = Some(began);
                if since.elapsed() >= EMPTY_GRACE {
                    tracing::error!("no key is published at --jwks-url any more: no token is good");
                    known.keys.clear();
                    known.fetched = Some(now);
                } else {
                    tracing::error!(
                        "no key is published at --jwks-url; those at hand stay in use for ten minutes"
                    );
                }
            }
            Ok(keys) => {
                known.keys = keys;
                known.fetched = Some(now);
                known.asked = Some(began);
                known.empty_since = None;
                known.is_failing = false;
            }
            Err(reason) => {
                tracing::error!(
                    reason,
                    "the keys at --jwks-url can't be fetched; those at hand stay in use"
                );
                known.fail(&reason);
            }
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }

    async fn get(&self) -> Result<Vec<Arc<Published>>, String> {
        let request = self.client.get(self.url.clone());
        let answer = self.client.send(request, MAX_BYTES).await;
        let answer = answer.map_err(|error| chain(&error))?;
        if !answer.status.is_success() {
            return Err(format!("it answers {}", answer.status.as_u16()));
        }
        match answer.end {
            End::Whole => {}
            End::Cut => return Err(format!("it answers with over {MAX_BYTES} bytes")),
            End::Broken(error) => return Err(chain(&error)),
        }
        read(&answer.body).ok_or_else(|| "it answers with no key set".to_owned())
    }
}

/// How often it is looked whether the keys have to be fetched; after a failure they are.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// How long the keys at hand stay good while the publisher says that there are none. A deployment that goes wrong for a
/// moment must not turn every device away; a publisher that withdraws all keys on purpose waits no longer than for a refresh.
const EMPTY_GRACE: Duration = Duration::from_secs(600);

/// How long a fetch may take: a request whose token names an unknown key waits for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// A key set at most.
const MAX_BYTES: usize = 1 << 20;

/// Signatures checked at most for a token that names no key.
const MAX_TRIES: usize = 16;

/// Why a set is as good as empty.
const NO_KEY: &str = "it answers with no key that could be used";

#[cfg(test)]
mod tests {
    use super::super::known::REFRESH;
    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn set(kids: &[&str]) -> String {
        let keys: Vec<_> = kids
            .iter()
            .map(|kid| serde_json::json!({"kty": "OKP", "kid": kid, "crv": "Ed25519", "x": X}))
            .collect();
        serde_json::json!({ "keys": keys }).to_string()
    }

    /// A publisher that says what it is told to, on a thread of its own, and how often it was asked.
    struct Publisher {
        says: Arc<RwLock<String>>,
        asked: Arc<std::sync::atomic::AtomicUsize>,
        jwks: Jwks,
    }

    impl Publisher {
        fn start(says: String) -> Self {
            use std::io::{Read, Write};
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            let url = format!("http://{}/", listener.local_addr().expect("an address"));
            let says = Arc::new(RwLock::new(says));
            let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let (answer, count) = (Arc::clone(&says), Arc::clone(&asked));
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = stream.expect("a connection");
                    let _ = stream.read(&mut [0; 4096]);
                    count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let body = answer.read().expect("no panic").clone();
                    let _ = write!(
                        stream,
                        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                }
            });
            let client = Client::new(false).expect("a client");
            // Not `at`: its background fetches would come in between.
            let jwks = Jwks(Arc::new(Inner {
                client,
                url: url.parse().expect("a URL"),
                known: RwLock::default(),
                fetching: tokio::sync::Mutex::new(()),
            }));
            Self { says, asked, jwks }
        }

        fn now_says(&self, says: String) {
            *self.says.write().expect("no panic") = says;
        }

        fn knows(&self, kid: &str) -> bool {
            let found = self.jwks.candidates(Some(kid), Algorithm::EdDSA);
            matches!(found, Candidates::Keys(_))
        }

        fn asked(&self) -> usize {
            self.asked.load(std::sync::atomic::Ordering::SeqCst)
        }
    }

    /// Lets time pass without waiting for it.
    async fn pass(time: Duration) {
        tokio::time::pause();
        tokio::time::advance(time).await;
        tokio::time::resume();
    }

    #[tokio::test]
    async fn an_unknown_key_is_refused_only_after_a_fetch_that_began_later() {
        let publisher = Publisher::start(set(&["a"]));
        assert_eq!(publisher.jwks.ask().await, Ok(()), "a fetch for it");
        // A stranger's question was the last one; now a key is published, and an honest device comes.
        publisher.now_says(set(&["a", "b"]));
        for _ in 0..20 {
            let wait = publisher.jwks.ask().await.expect_err("nobody can know");
            assert!(wait <= TRY_AGAIN && wait > Duration::ZERO, "{wait:?}");
            assert!(!publisher.knows("b"));
        }
        assert_eq!(publisher.asked(), 1, "not more than one in ten seconds");
        pass(TRY_AGAIN).await;
        assert_eq!(publisher.jwks.ask().await, Ok(()));
        assert!(publisher.knows("b"));
        assert_eq!(publisher.asked(), 2);
    }

    #[tokio::test]
    async fn a_withdrawn_key_ends_with_the_next_fetch_and_an_empty_set_ends_all_after_a_grace() {
        let publisher = Publisher::start(set(&["a", "b"]));
        assert_eq!(publisher.jwks.ask().await, Ok(()));
        let found = publisher.jwks.candidates(Some("a"), Algorithm::EdDSA);
        let Candidates::Keys(keys) = found else {
            panic!("it is known");
        };
        let print = keys[0].print();
        assert!(publisher.jwks.holds(&print));
        publisher.now_says(set(&["b"]));
        pass(TRY_AGAIN).await;
        assert_eq!(publisher.jwks.ask().await, Ok(()));
        assert!(!publisher.knows("a") && publisher.knows("b"));
        assert!(!publisher.jwks.holds(&print), "its tokens end with it");

        publisher.now_says(set(&[]));
        pass(TRY_AGAIN).await;
        assert!(publisher.jwks.ask().await.is_err(), "it may be a mistake");
        assert!(publisher.knows("b"));
        let state = publisher.jwks.state();
        assert!(state.is_failing && state.failures == 1, "{state:?}");
        assert_eq!(
            state.last_failure.map(|failure| failure.reason).as_deref(),
            Some(NO_KEY)
        );
        pass(EMPTY_GRACE).await;
        assert_eq!(publisher.jwks.ask().await, Ok(()));
        assert!(!publisher.knows("b"), "all are withdrawn");
    }

    #[tokio::test]
    async fn keys_at_hand_stay_good_while_the_publisher_is_away() {
        let publisher = Publisher::start(set(&["a"]));
        assert_eq!(publisher.jwks.ask().await, Ok(()));
        publisher.now_says("<html>".to_owned());
        pass(100 * REFRESH).await;
        assert!(publisher.jwks.ask().await.is_err(), "it can't be known");
        assert!(publisher.knows("a"));
        let state = publisher.jwks.state();
        assert!(state.age.is_some_and(|age| age >= 100 * REFRESH));
        assert!(state.is_failing);
    }

    #[tokio::test]
    async fn a_token_without_a_name_is_for_any_key_of_its_algorithm() {
        let publisher = Publisher::start(set(&["a", "b"]));
        assert_eq!(publisher.jwks.ask().await, Ok(()));
        let found = publisher.jwks.candidates(None, Algorithm::EdDSA);
        assert!(matches!(found, Candidates::Keys(keys) if keys.len() == 2));
        let found = publisher.jwks.candidates(None, Algorithm::RS256);
        assert!(matches!(found, Candidates::Unknown));
        let found = publisher.jwks.candidates(Some("a"), Algorithm::RS256);
        assert!(matches!(found, Candidates::OtherAlgorithm));
    }
}
