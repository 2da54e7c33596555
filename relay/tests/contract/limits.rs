//! Rates, origins, keys.

use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::relay::{Relay, token, with_and_without_spool};
use crate::{batch, record};

fn numbered(seqs: std::ops::Range<u64>) -> String {
    batch("q", seqs.map(|n| (n, n.to_string())))
}

#[tokio::test]
async fn a_rate_that_is_used_up_is_429_with_a_true_retry_after() {
    let rate = &["--rate-records-per-minute", "60"];
    with_and_without_spool(rate, async |mut relay| {
        relay.accept(numbered(0..60)).await;
        let response = relay
            .post(numbered(60..62))
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 429);
        let seconds: u64 = response.headers()["retry-after"]
            .to_str()
            .expect("text")
            .parse()
            .expect("seconds");
        assert!((1..=3).contains(&seconds), "{seconds}");
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        assert_eq!(
            relay.accept(numbered(60..62)).await["accepted"],
            2,
            "it was true"
        );

        relay.token = token(&relay.dir, "somebody else");
        assert_eq!(relay.accept(numbered(0..60)).await["accepted"], 60);
    })
    .await;
}

#[tokio::test]
async fn bytes_have_a_rate_of_their_own_and_zero_is_off() {
    let rates = &[
        "--rate-bytes-per-minute",
        "6000",
        "--rate-records-per-minute",
        "0",
    ];
    with_and_without_spool(rates, async |mut relay| {
        let large = |n: u64| batch("q", [(n, "x".repeat(4000))]);
        relay.accept(large(0)).await;
        let response = relay.post(large(1)).send().await.expect("an answer");
        assert_eq!(response.status(), 429);
        let seconds: u64 = response.headers()["retry-after"]
            .to_str()
            .expect("text")
            .parse()
            .expect("seconds");
        assert!(
            (15..=25).contains(&seconds),
            "about 2,300 bytes too many: {seconds}"
        );
        relay.token = token(&relay.dir, "another");
        let response = relay
            .post(batch("q", [(2, "x".repeat(7000))]))
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 413, "it would never fit: halve it");
    })
    .await;
}

#[tokio::test]
async fn an_address_is_limited_before_its_token_is_looked_at() {
    let flags = &[
        "--rate-requests-per-minute",
        "2",
        "--trusted-proxy",
        "127.0.0.1",
    ];
    with_and_without_spool(flags, async |mut relay| {
        relay.token = "no token".to_owned();
        let from =
            |address: &'static str| relay.post("[]").header("x-forwarded-for", address).send();
        let mut answers = Vec::new();
        for address in ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"] {
            answers.push(from(address).await.expect("an answer").status().as_u16());
        }
        assert_eq!(answers, [401, 401, 429, 401]);
        let last = from("192.0.2.1").await.expect("an answer");
        let seconds = last.headers()["retry-after"]
            .to_str()
            .expect("text")
            .to_owned();
        assert!(
            seconds
                .parse::<u64>()
                .is_ok_and(|seconds| (29..=31).contains(&seconds)),
            "{seconds}"
        );
    })
    .await;
}

#[tokio::test]
async fn one_origin_is_answered_and_no_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--cors-origin", "https://app.example"]);
    let preflight = |path: &str| {
        relay
            .client
            .request(
                reqwest::Method::OPTIONS,
                format!("http://{}{path}", relay.addr),
            )
            .header("origin", "https://app.example")
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type",
            )
            .send()
    };
    for path in ["/api/v1/logs", "/api/v1/config/logging"] {
        let response = preflight(path).await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.headers()["access-control-allow-origin"],
            "https://app.example"
        );
        let allowed = response.headers()["access-control-allow-headers"]
            .to_str()
            .expect("text");
        assert!(
            allowed.contains("authorization") && allowed.contains("content-encoding"),
            "{allowed}"
        );
    }
    let response = relay
        .post(record("m"))
        .header("origin", "https://app.example")
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        response.headers()["access-control-allow-origin"],
        "https://app.example"
    );

    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let response = relay
        .post(record("m"))
        .header("origin", "https://app.example")
        .send()
        .await
        .expect("an answer");
    assert!(
        !response
            .headers()
            .contains_key("access-control-allow-origin")
    );
}

#[tokio::test]
async fn a_public_key_checks_its_own_algorithm_and_is_never_a_secret() {
    let dir = tempfile::tempdir().expect("a directory");
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl")
            .args(args)
            .current_dir(dir.path())
            .output();
        output.is_ok_and(|output| output.status.success())
    };
    if !openssl(&["version"]) {
        eprintln!("skipped: there is no openssl to make keys with");
        return;
    }
    let claims = json!({"sub": "user-abc", "exp": jiff::Timestamp::now().as_second() + 60});
    for (name, make, algorithm) in [
        (
            "rsa",
            &[
                "genpkey",
                "-algorithm",
                "RSA",
                "-pkeyopt",
                "rsa_keygen_bits:2048",
                "-out",
                "rsa",
            ][..],
            jsonwebtoken::Algorithm::RS256,
        ),
        (
            "ec",
            &[
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-out",
                "ec",
            ],
            jsonwebtoken::Algorithm::ES256,
        ),
        (
            "ed",
            &["genpkey", "-algorithm", "ED25519", "-out", "ed"],
            jsonwebtoken::Algorithm::EdDSA,
        ),
    ] {
        assert!(openssl(make), "{name}");
        assert!(
            openssl(&["pkey", "-in", name, "-pubout", "-out", "public.pem"]),
            "{name}"
        );
        let public = dir.path().join("public.pem");
        let private = std::fs::read(dir.path().join(name)).expect("a key");
        let key = match name {
            "rsa" => jsonwebtoken::EncodingKey::from_rsa_pem(&private),
            "ec" => jsonwebtoken::EncodingKey::from_ec_pem(&private),
            _ => jsonwebtoken::EncodingKey::from_ed_pem(&private),
        };
        let sign = |algorithm, key: &jsonwebtoken::EncodingKey| {
            jsonwebtoken::encode(&jsonwebtoken::Header::new(algorithm), &claims, key)
                .expect("it signs")
        };
        let data = tempfile::tempdir().expect("a directory");
        let mut relay = Relay::start(
            data.path(),
            &["--jwt-public-key-file", public.to_str().expect("text")],
        );
        relay.token = sign(algorithm, &key.expect("a key"));
        assert_eq!(relay.accept(record("m")).await["accepted"], 1, "{name}");

        let pem = std::fs::read(&public).expect("a key");
        relay.token = sign(
            jsonwebtoken::Algorithm::HS256,
            &jsonwebtoken::EncodingKey::from_secret(&pem),
        );
        let response = relay.post(record("m")).send().await.expect("an answer");
        assert_eq!(
            response.status(),
            401,
            "{name}: the public key is no secret"
        );
    }
}
