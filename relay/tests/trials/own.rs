//! What the relay says about itself: spans where they are wanted, a log that is safe to look at.

use std::io::Read;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::{Value, json};

use crate::relay::Relay;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn traced(relay: &Relay) -> reqwest::RequestBuilder {
    relay
        .post(json!([{"timestamp": "2026-02-06T12:00:00Z", "level": "info", "message": "body-of-a-client"}]).to_string())
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
}

#[tokio::test]
async fn a_request_is_a_span_in_the_clients_trace() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let requests = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("it comes");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("it is set");
        let mut bytes = Vec::new();
        let mut block = [0; 4096];
        loop {
            let read = stream.read(&mut block).expect("it sends");
            bytes.extend_from_slice(&block[..read]);
            let head = bytes.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(head) = head {
                let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
                let length = text
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                if bytes.len() >= head + 4 + length.expect("a length") {
                    std::io::Write::write_all(
                        &mut stream,
                        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
                    )
                    .expect("it is answered");
                    return (text, bytes[head + 4..].to_vec());
                }
            }
            assert!(read > 0, "it ended early");
        }
    });
    let dir = tempfile::tempdir().expect("a directory");
    let token = dir.path().join("telemetry-token");
    std::fs::write(&token, "raw telemetry token\n").expect("it is written");
    let args = [
        "--telemetry-endpoint",
        &endpoint,
        "--telemetry-token-file",
        token.to_str().expect("text"),
    ];
    let mut relay = Relay::start(&dir.path().join("data"), &args);
    assert_eq!(
        traced(&relay).send().await.expect("an answer").status(),
        200
    );
    // What is left is sent at the end.
    let ended = tokio::task::spawn_blocking(move || relay.terminate())
        .await
        .expect("it ends");
    assert_eq!(ended.code(), Some(0));
    let (head, body) = requests.join().expect("a request");
    assert!(
        head.starts_with("post /v1/traces ") && head.contains("authorization: raw telemetry token"),
        "{head}"
    );
    let request = ExportTraceServiceRequest::decode(&body[..]).expect("it decodes");
    let spans: Vec<_> = request
        .resource_spans
        .iter()
        .flat_map(|spans| &spans.scope_spans)
        .flat_map(|scope| &scope.spans)
        .collect();
    let span = spans
        .iter()
        .find(|span| span.name == "POST /api/v1/logs")
        .unwrap_or_else(|| panic!("{spans:?}"));
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    assert_eq!(
        (
            hex(&span.trace_id).as_str(),
            hex(&span.parent_span_id).as_str()
        ),
        (TRACE, PARENT)
    );
    let text = format!("{request:?}");
    assert!(
        text.contains("courier-relay") && text.contains("200"),
        "{text}"
    );
    assert!(
        !text.contains("body-of-a-client") && !text.contains("eyJ"),
        "neither bodies nor tokens: {text}"
    );
}

#[tokio::test]
async fn the_log_is_json_with_control_characters_escaped_and_without_bodies_or_tokens() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut relay = Relay::start(dir.path(), &[]);
    assert_eq!(
        traced(&relay)
            .header("x-request-id", "my-id")
            .send()
            .await
            .expect("an answer")
            .status(),
        200
    );
    let stranger = relay
        .client
        .post(format!("http://{}/api/v1/logs", relay.addr))
        .bearer_auth("stolen.secret.token")
        .body("body-of-a-client");
    assert_eq!(stranger.send().await.expect("an answer").status(), 401);
    assert_eq!(
        relay
            .client
            .get(format!("http://{}/no%1b%5b31m", relay.addr))
            .send()
            .await
            .expect("an answer")
            .status(),
        404
    );
    relay.terminate();
    let log = std::fs::read_to_string(dir.path().join("relay.log")).expect("text");
    assert!(
        !log.chars()
            .any(|character| character.is_control() && character != '\n'),
        "{log:?}"
    );
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).expect("each line is JSON");
        assert!(
            line["level"].is_string() && line["timestamp"].is_string(),
            "{line}"
        );
    }
    assert!(log.contains("my-id"), "{log}");
    for secret in ["body-of-a-client", "stolen.secret.token", &relay.token] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn what_an_upstream_warns_of_is_counted_and_said() {
    let upstream = crate::flapping::Flapping::start(7);
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    let deadline = Instant::now() + Duration::from_secs(25);
    let mut n = 0;
    // By chance it takes a part, and says why.
    while relay.metric("courier_records_upstream_refused_total").await == 0.0 {
        assert!(Instant::now() < deadline, "it refuses a part sometimes");
        relay.accept(json!([{"timestamp": "2026-02-06T12:00:00Z", "level": "info", "message": n.to_string()}]).to_string()).await;
        n += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = std::fs::read_to_string(dir.path().join("relay.log")).expect("text");
    assert!(
        log.contains("too old[31m") && !log.contains('\u{1b}'),
        "{log}"
    );
}
