//! Published keys, as they are rotated and as their publisher goes away.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::record;
use crate::relay::Relay;

/// A key server that says what it is told to.
struct Publisher {
    url: String,
    says: Arc<Mutex<Option<Value>>>,
    asked: Arc<AtomicUsize>,
}

impl Publisher {
    fn start(keys: Value) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
        let says = Arc::new(Mutex::new(Some(keys)));
        let asked = Arc::new(AtomicUsize::new(0));
        let (answer, count) = (Arc::clone(&says), Arc::clone(&asked));
        let keys = get(move || {
            count.fetch_add(1, Ordering::SeqCst);
            let says = answer.lock().expect("no test panics with it").clone();
            std::future::ready(
                says.map(axum::Json)
                    .ok_or(axum::http::StatusCode::SERVICE_UNAVAILABLE),
            )
        });
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                listener.set_nonblocking(true).expect("it is set");
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                axum::serve(listener, Router::new().route("/keys", keys)).await
            })
        });
        Self { url, says, asked }
    }

    fn now_says(&self, keys: Option<Value>) {
        *self.says.lock().expect("no test panics with it") = keys;
    }
}

/// A signing key and its published half, named `kid`; `None` without openssl.
fn key(kid: &str) -> Option<(EncodingKey, Value)> {
    let dir = tempfile::tempdir().expect("a directory");
    let openssl = |args: &[&str]| {
        Command::new("openssl")
            .args(args)
            .current_dir(dir.path())
            .output()
            .ok()
    };
    openssl(&["genpkey", "-algorithm", "ED25519", "-out", "key.pem"])
        .filter(|output| output.status.success())?;
    let der = openssl(&["pkey", "-in", "key.pem", "-pubout", "-outform", "DER"])?.stdout;
    // The last 32 bytes of an Ed25519 key's DER are the key.
    let x = base64url(&der[der.len() - 32..]);
    let private = std::fs::read(dir.path().join("key.pem")).expect("a key");
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "x": x});
    Some((EncodingKey::from_ed_pem(&private).expect("a key"), jwk))
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0u32, |bits, &byte| bits << 8 | u32::from(byte))
            << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

fn token(key: &EncodingKey, kid: &str, user: &str) -> String {
    let header = Header {
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::EdDSA)
    };
    let claims = json!({"sub": user, "exp": jiff::Timestamp::now().as_second() + 60});
    jsonwebtoken::encode(&header, &claims, key).expect("it signs")
}

#[tokio::test]
async fn an_outage_of_the_publisher_is_503_and_never_401_and_keys_at_hand_stay_good() {
    let (Some((old, old_jwk)), Some((new, new_jwk))) = (key("old"), key("new")) else {
        eprintln!("skipped: there is no openssl to make keys with");
        return;
    };
    let publisher = Publisher::start(json!({"keys": [old_jwk]}));
    publisher.now_says(None);
    let dir = tempfile::tempdir().expect("a directory");
    let mut relay = Relay::start(dir.path(), &["--jwks-url", &publisher.url]);
    relay.token = token(&old, "old", "a");
    let response = relay.post(record("m")).send().await.expect("an answer");
    assert_eq!(response.status(), 503, "nothing is known yet");
    assert!(response.headers().contains_key("retry-after"));
    drop(relay);

    publisher.now_says(Some(json!({"keys": [old_jwk]})));
    let mut relay = Relay::start(dir.path(), &["--jwks-url", &publisher.url]);
    relay.token = token(&old, "old", "a");
    assert_eq!(relay.accept(record("m")).await["accepted"], 1);
    publisher.now_says(None);
    relay.token = token(&old, "old", "b");
    assert_eq!(
        relay.accept(record("m")).await["accepted"],
        1,
        "the key at hand stays good"
    );

    // Within ten seconds of a fetch an unknown name is not looked up again, whoever asks how often.
    let asked = publisher.asked.load(Ordering::SeqCst);
    for n in 0..20 {
        relay.token = token(&new, &format!("unknown-{n}"), "a");
        let response = relay.post(record("m")).send().await.expect("an answer");
        assert_eq!(response.status(), 503, "it may be published by now");
        let wait = response.headers()["retry-after"].to_str().expect("text");
        let wait: u64 = wait.parse().expect("seconds");
        assert!((1..=11).contains(&wait), "{wait}");
    }
    assert_eq!(publisher.asked.load(Ordering::SeqCst), asked);
    drop(relay);

    publisher.now_says(Some(
        json!({"keys": [new_jwk, {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"}]}),
    ));
    let mut relay = Relay::start(dir.path(), &["--jwks-url", &publisher.url]);
    relay.token = token(&new, "new", "a");
    assert_eq!(relay.accept(record("m2")).await["accepted"], 1);
    relay.token = token(&old, "new", "a");
    assert_eq!(
        relay
            .post(record("m"))
            .send()
            .await
            .expect("an answer")
            .status(),
        401,
        "another key's name"
    );
    relay.token = token(&old, "old", "a");
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let response = relay.post(record("m")).send().await.expect("an answer");
        match response.status().as_u16() {
            401 => break,
            503 => assert!(Instant::now() < until, "nobody looks"),
            status => panic!("{status}: it was withdrawn"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn whoever_comes_while_keys_are_fetched_waits_for_that_one_fetch() {
    let Some((signing, jwk)) = key("k") else {
        eprintln!("skipped: there is no openssl to make keys with");
        return;
    };
    let publisher = Publisher::start(json!({"keys": [jwk]}));
    let dir = tempfile::tempdir().expect("a directory");
    let mut relay = Relay::start(dir.path(), &["--jwks-url", &publisher.url]);
    let mut requests = tokio::task::JoinSet::new();
    for n in 0..50 {
        // Fifty users, so that no token is known already.
        relay.token = token(&signing, "k", &format!("user-{n}"));
        let request = relay.post(record("m"));
        requests.spawn(async move { request.send().await.expect("an answer").status().as_u16() });
    }
    let answers = requests.join_all().await;
    assert_eq!(answers, [200; 50]);
    assert_eq!(publisher.asked.load(Ordering::SeqCst), 1);
}

/// Devices with tokens of the old and then of the new key, and a stranger who makes up names of keys all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_honest_device_pauses_while_keys_rotate_and_a_stranger_makes_names_up() {
    let (Some((old, old_jwk)), Some((new, new_jwk))) = (key("old"), key("new")) else {
        eprintln!("skipped: there is no openssl to make keys with");
        return;
    };
    let publisher = Publisher::start(json!({"keys": [old_jwk]}));
    let dir = tempfile::tempdir().expect("a directory");
    let more = [
        "--jwks-url",
        &publisher.url,
        "--rate-requests-per-minute",
        "0",
    ];
    let mut relay = Relay::start(dir.path(), &more);
    relay.token = token(&old, "old", "first");
    relay.accept(record("m")).await;
    let began = Instant::now();

    let is_over = Arc::new(AtomicBool::new(false));
    let stranger = {
        let (url, client) = (
            format!("http://{}/api/v1/logs", relay.addr),
            relay.client.clone(),
        );
        let (is_over, forged) = (Arc::clone(&is_over), new.clone());
        tokio::spawn(async move {
            let mut sent = 0_u64;
            while !is_over.load(Ordering::SeqCst) {
                sent += 1;
                let garbage = token(&forged, &format!("made-up-{sent}"), "stranger");
                let request = client.post(&url).bearer_auth(garbage).body("x");
                // A refusal, whichever.
                let status = request.send().await.expect("an answer").status();
                assert!(matches!(status.as_u16(), 401 | 503), "{status}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            sent
        })
    };
    let mut devices = tokio::task::JoinSet::new();
    for n in 0..40 {
        let user = format!("device-{n}");
        let tokens = [token(&old, "old", &user), token(&new, "new", &user)];
        let (url, client) = (
            format!("http://{}/api/v1/logs", relay.addr),
            relay.client.clone(),
        );
        devices.spawn(async move {
            let mut waited = 0;
            for (round, token) in tokens.iter().enumerate() {
                // Each comes with its new token at a moment of its own.
                tokio::time::sleep(Duration::from_millis(25 * n)).await;
                loop {
                    let request = client
                        .post(&url)
                        .bearer_auth(token)
                        .header("content-type", "application/json")
                        .body(record(&format!("{user} {round}")));
                    let response = request.send().await.expect("an answer");
                    match response.status().as_u16() {
                        200 => break,
                        503 => {
                            let wait = response.headers()["retry-after"].to_str().expect("text");
                            let wait: u64 = wait.parse().expect("seconds");
                            assert!(wait <= 11, "{wait} s");
                            waited += 1;
                            tokio::time::sleep(Duration::from_secs(wait)).await;
                        }
                        status => panic!("{user} {round}: {status}, and it pauses for good"),
                    }
                }
            }
            waited
        });
    }
    // The new key is published only now: tokens of it are out already.
    tokio::time::sleep(Duration::from_millis(300)).await;
    publisher.now_says(Some(json!({"keys": [old_jwk, new_jwk]})));
    let waited: u32 = devices.join_all().await.into_iter().sum();
    is_over.store(true, Ordering::SeqCst);
    let sent = stranger.await.expect("it is refused each time");
    let (asked, took) = (publisher.asked.load(Ordering::SeqCst), began.elapsed());
    eprintln!("{sent} made-up tokens, {waited} waits of 40 devices, {asked} fetches in {took:?}");
    assert!(waited > 0, "the stranger was in between");
    let most = took.as_secs() / 10 + 2;
    assert!(
        u64::try_from(asked).expect("few") <= most,
        "{asked} fetches in {took:?}"
    );
    assert!(relay.metric("courier_jwks_age_seconds").await < 30.0);
    assert_eq!(relay.metric("courier_jwks_keys").await, 2.0);
    let log = relay.log().len();
    assert!(log < 1_000_000, "{log} bytes of log");
}
