//! The answer table of `POST /api/v1/logs`, row by row.

use std::io::Write;

use serde_json::{Value, json};

use crate::relay::{Relay, with_and_without_spool};
use crate::{batch, record};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("it compresses");
    encoder.finish().expect("it ends")
}

#[tokio::test]
async fn a_good_batch_is_answered_with_a_receipt_and_the_tag_of_the_levels() {
    with_and_without_spool(&[], async |relay| {
        let response = relay
            .post(record("m"))
            .header("x-request-id", "id-1")
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["x-request-id"], "id-1");
        let tag = response.headers()["courier-config"].clone();
        let receipt: Value =
            serde_json::from_str(&response.text().await.expect("text")).expect("JSON");
        assert_eq!(
            receipt,
            json!({"accepted": 1, "duplicates": 0, "rejected": []})
        );

        let url = format!("http://{}/api/v1/config/logging?installId=i", relay.addr);
        let levels = relay.client.get(&url).send().await.expect("an answer");
        assert_eq!(
            (levels.status().as_u16(), &levels.headers()["etag"]),
            (200, &tag)
        );
        let levels: Value =
            serde_json::from_str(&levels.text().await.expect("text")).expect("JSON");
        assert_eq!(
            levels,
            json!({"min_level": "info", "modules": {}, "expires_at": null, "refresh_seconds": 600, "rule": "none"})
        );
        let same = relay
            .client
            .get(&url)
            .header("if-none-match", tag)
            .send()
            .await
            .expect("an answer");
        assert_eq!(
            (
                same.status().as_u16(),
                same.text().await.expect("text").len()
            ),
            (304, 0)
        );
    })
    .await;
}

#[tokio::test]
async fn every_coding_is_understood_and_nothing_else() {
    with_and_without_spool(&[], async |relay| {
        let zstd = zstd::encode_all(record("zstd").as_bytes(), 3).expect("it compresses");
        for (coding, body) in [
            ("gzip", gzip(&record("gzip"))),
            ("zstd", zstd),
            ("identity", record("none").into_bytes()),
        ] {
            let response = relay
                .post(body)
                .header("content-encoding", coding)
                .send()
                .await
                .expect("an answer");
            assert_eq!(response.status(), 200, "{coding}");
        }
        for coding in ["br", "deflate", "gzip, zstd"] {
            let response = relay
                .post(record("m"))
                .header("content-encoding", coding)
                .send()
                .await
                .expect("an answer");
            assert_eq!(response.status(), 415, "{coding}");
        }
        for kind in ["text/plain", "application/jsonl", ""] {
            let request = relay
                .client
                .post(format!("http://{}/api/v1/logs", relay.addr))
                .bearer_auth(&relay.token);
            let response = request
                .header("content-type", kind)
                .body(record("m"))
                .send()
                .await
                .expect("an answer");
            assert_eq!(response.status(), 415, "{kind}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_batch_is_400() {
    with_and_without_spool(&[], async |relay| {
        for body in [
            "",
            "{",
            "{}",
            "null",
            "7",
            r#"{"logs":{}}"#,
            r#"{"logs":[1,]}"#,
            "[] []",
            "[\"\u{1}\"]",
        ] {
            let response = relay.post(body).send().await.expect("an answer");
            assert_eq!(response.status(), 400, "{body:?}");
        }
        let torn = gzip(&record("m"));
        for body in [torn[..torn.len() - 4].to_vec(), record("m").into_bytes()] {
            let response = relay
                .post(body)
                .header("content-encoding", "gzip")
                .send()
                .await
                .expect("an answer");
            assert_eq!(response.status(), 400);
        }
        let response = relay
            .post(&b"[\"\xff\"]"[..])
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 400);
    })
    .await;
}

#[tokio::test]
async fn too_much_is_413_as_sent_and_inflated_and_by_records() {
    with_and_without_spool(&[], async |relay| {
        let fits = record(&"x".repeat((1 << 20) - record("").len()));
        assert_eq!(fits.len(), 1 << 20);
        relay.accept(fits).await;
        let large = record(&"x".repeat((1 << 20) + 1 - record("").len()));
        for (body, coding) in [
            (large.clone().into_bytes(), "identity"),
            (gzip(&large), "gzip"),
            (vec![b' '; 5 << 20], "identity"),
        ] {
            let response = relay
                .post(body)
                .header("content-encoding", coding)
                .send()
                .await
                .expect("an answer");
            assert_eq!(response.status(), 413, "{coding}");
        }
        let bomb = gzip(&" ".repeat(64 << 20));
        let response = relay
            .post(bomb)
            .header("content-encoding", "gzip")
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 413);

        let receipt = relay
            .accept(batch("q", (0..1000).map(|n| (n, String::new()))))
            .await;
        assert_eq!(receipt["accepted"], 1000);
        let response = relay
            .post(batch("q", (0..1001).map(|n| (n, String::new()))))
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 413);
    })
    .await;
}

#[tokio::test]
async fn a_stranger_gets_one_answer_for_all_reasons_before_the_body() {
    with_and_without_spool(&[], async |relay| {
        let url = format!("http://{}/api/v1/logs", relay.addr);
        let other =
            crate::relay::token(tempfile::tempdir().expect("a directory").path(), "user-abc");
        let expired = {
            let output = crate::relay::command()
                .args(["token", "--user", "u", "--ttl", "0s", "--data-dir"])
                .arg(&relay.dir)
                .output()
                .expect("it runs");
            String::from_utf8(output.stdout).expect("text")
        };
        let mut bodies = Vec::new();
        for authorization in [
            None,
            Some("Bearer x".to_owned()),
            Some(format!("Basic {}", relay.token)),
            Some(format!("Bearer {other}")),
        ] {
            let mut request = relay.client.post(&url).body("not even JSON");
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status(), 401);
            bodies.push(response.text().await.expect("text"));
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        // The leeway is a minute.
        let response = relay
            .client
            .post(&url)
            .bearer_auth(expired.trim())
            .header("content-type", "application/json")
            .body("[]");
        assert_eq!(response.send().await.expect("an answer").status(), 200);

        // The head alone is enough for the answer: nobody waits for a stranger's body.
        let addr = relay.addr.clone();
        let answer = tokio::task::spawn_blocking(move || {
            use std::io::Read;
            let mut stream = std::net::TcpStream::connect(addr).expect("it connects");
            stream
                .write_all(
                    b"POST /api/v1/logs HTTP/1.1\r\nhost: relay\r\ncontent-length: 1000000\r\n\r\n",
                )
                .expect("it is sent");
            let mut head = [0; 12];
            stream.read_exact(&mut head).expect("an answer");
            String::from_utf8_lossy(&head).into_owned()
        });
        assert_eq!(answer.await.expect("it ends"), "HTTP/1.1 401");
    })
    .await;
}

#[tokio::test]
async fn other_methods_are_405_and_ids_that_are_no_ids_are_replaced() {
    with_and_without_spool(&[], async |relay| {
        let url = format!("http://{}/api/v1/logs", relay.addr);
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let method = method.parse().expect("a method");
            let response = relay
                .client
                .request(method, &url)
                .send()
                .await
                .expect("an answer");
            assert_eq!(response.status(), 405);
            assert!(!response.headers()["x-request-id"].is_empty());
        }
        let long = "x".repeat(1000);
        let response = relay
            .post(record("m"))
            .header("x-request-id", &long)
            .send()
            .await
            .expect("an answer");
        assert_ne!(response.headers()["x-request-id"], long.as_str());
    })
    .await;
}

#[tokio::test]
async fn a_full_spool_is_503_with_retry_after_and_not_ready() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--spool-max-bytes", "2000"]);
    assert_eq!(relay.admin("/healthz").await.status(), 200);
    assert_eq!(relay.admin("/readyz").await.status(), 200);
    relay.accept(record(&"x".repeat(1000))).await;
    let response = relay
        .post(record(&"y".repeat(1000)))
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    relay.accept(record("small")).await;
    assert!(relay.metric("courier_spool_records").await >= 2.0);
}

#[tokio::test]
async fn the_hostile_batch_costs_its_bad_records_only() {
    with_and_without_spool(&[], async |relay| {
        let receipt = relay.accept(include_str!("hostile-batch.json")).await;
        assert_eq!(
            (&receipt["accepted"], &receipt["duplicates"]),
            (&json!(7), &json!(0))
        );
        let rejected = receipt["rejected"].as_array().expect("a list");
        let indexes: Vec<u64> = rejected
            .iter()
            .filter_map(|reject| reject["index"].as_u64())
            .collect();
        assert_eq!(indexes, [4, 5, 6, 7]);
        let reasons: Vec<&str> = rejected
            .iter()
            .filter_map(|reject| reject["reason"].as_str())
            .collect();
        for (reason, word) in reasons
            .iter()
            .zip(["timestamp", "level", "message", "object"])
        {
            assert!(reason.contains(word), "{reason}");
        }
    })
    .await;
}

/// What comes back for these bytes: the status, and the error that the body names.
fn raw(addr: &str, request: &str) -> (u16, String) {
    use std::io::Read;
    let mut stream = std::net::TcpStream::connect(addr).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it closes");
    let status = answer.split(' ').nth(1).expect("a status");
    let body = answer.split_once("\r\n\r\n").expect("a head").1;
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let error = body["error"].as_str().unwrap_or_default().to_owned();
    (status.parse().expect("a number"), error)
}

#[tokio::test]
async fn every_refusal_is_in_the_relays_own_form_on_both_listeners() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let close = "Host: relay\r\nConnection: close\r\nContent-Length: 0";
    let admin_token = std::fs::read_to_string(dir.path().join("admin-token")).expect("a token");
    let admin = format!("{close}\r\nAuthorization: Bearer {admin_token}");
    for (addr, request, status, word) in [
        (
            &relay.addr,
            format!("GET / HTTP/1.1\r\n{close}"),
            404,
            "path",
        ),
        (
            &relay.addr,
            format!("PUT /api/v1/log HTTP/1.1\r\n{close}"),
            404,
            "path",
        ),
        (
            &relay.addr,
            format!("GET /api/v1/logs HTTP/1.1\r\n{close}"),
            405,
            "method",
        ),
        (
            &relay.addr,
            format!("POST /api/v1/config/logging HTTP/1.1\r\n{close}"),
            405,
            "method",
        ),
        (
            &relay.addr,
            format!("POST /api/v1/logs HTTP/1.1\r\n{close}"),
            401,
            "bearer token",
        ),
        (
            &relay.admin,
            format!("GET /nothing HTTP/1.1\r\n{close}"),
            404,
            "path",
        ),
        (
            &relay.admin,
            format!("POST /healthz HTTP/1.1\r\n{close}"),
            405,
            "method",
        ),
        (
            &relay.admin,
            format!("GET /admin/v1/dead HTTP/1.1\r\n{close}"),
            401,
            "bearer token",
        ),
        (
            &relay.admin,
            format!("POST /admin/v1/dead/replay HTTP/1.1\r\n{admin}"),
            415,
            "Content-Type",
        ),
        (
            &relay.addr,
            "GET /api/v1/config/logging HTTP/1.1\r\nConnection: close".to_owned(),
            400,
            "Host",
        ),
        (
            &relay.admin,
            "GET /healthz HTTP/1.1\r\nConnection: close".to_owned(),
            400,
            "Host",
        ),
        (
            &relay.addr,
            format!("GET /api/v1/config/logging HTTP/1.1\r\nHost: a\r\n{close}"),
            400,
            "Host",
        ),
        (
            &relay.addr,
            format!(
                "POST /api/v1/logs HTTP/1.1\r\n{close}\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b"
            ),
            400,
            "Authorization",
        ),
    ] {
        let (got, error) = raw(addr, &format!("{request}\r\n\r\n"));
        assert_eq!(got, status, "{request}");
        assert!(error.contains(word), "{request}: {error:?}");
    }
    let allowed = relay
        .client
        .get(format!("http://{}/api/v1/logs", relay.addr));
    let allowed = allowed.send().await.expect("an answer");
    assert_eq!(allowed.headers()["allow"], "POST", "what it takes is said");
}

#[tokio::test]
async fn a_flood_of_refusals_with_long_paths_does_not_fill_the_log() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let long = "x".repeat(20_000);
    for n in 0..300 {
        let url = format!("http://{}/{n}{long}", relay.addr);
        let response = relay.client.get(url).send().await.expect("an answer");
        assert_eq!(response.status(), 404);
    }
    let log = relay.log();
    assert!(log.len() < 60_000, "{} bytes", log.len());
    assert!(log.contains("\"unsaid\":0"), "{log}");
    assert_eq!(
        relay.metric("courier_requests_total{status=\"404\"}").await,
        300.0
    );
}
