//! Everything at once that costs the sender little and the reader much.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::relay::Relay;
use crate::{Batches, TURN, is_full, millis, well_behaved};

const MIB: usize = 1 << 20;

/// A body, its coding, and what it is answered with.
type Bomb = (&'static str, Vec<u8>, &'static str, &'static [u16]);

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("it compresses");
    encoder.finish().expect("it ends")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("it compresses")
}

/// As much of `piece` as fits into a body, in one record's attribute.
fn full_of(opens: &str, piece: impl Fn(usize) -> String, closes: &str) -> Vec<u8> {
    let head = format!(
        r#"[{{"timestamp":"2026-02-06T12:00:00Z","level":"error","message":"m","attributes":{{"a":{opens}"#
    );
    let tail = format!("{closes}}}}}]");
    let mut body = head.into_bytes();
    for n in 0.. {
        let piece = piece(n);
        if body.len() + piece.len() + tail.len() > MIB {
            break;
        }
        body.extend_from_slice(piece.as_bytes());
    }
    body.extend_from_slice(tail.as_bytes());
    body
}

fn bombs() -> Vec<Bomb> {
    let zeros = full_of("[0", |_| ",0".to_owned(), "]");
    let names = full_of("{\"\":0", |n| format!(",\"{n:x}\":0"), "}");
    let same = full_of("{\"\":0", |_| ",\"\":0".to_owned(), "}");
    let deep = full_of("", |_| "[".to_owned(), "");
    let half = (MIB - 200) / 2;
    let closed = full_of(&"[".repeat(half), |_| "]".to_owned(), "");
    let number = full_of("1", |_| "7".repeat(1000), "");
    let fraction = full_of("0.1", |_| "7".repeat(1000), "");
    let frames = full_of("\"", |_| "0".to_owned(), "\"");
    let records: String = "{},".repeat(MIB / 3 - 10);
    let near = full_of(
        "\"",
        |_| "password pass word: a@b a@b. 4111-1111-".to_owned(),
        "\"",
    );
    let torn = gzip(&names);
    let torn = torn[..torn.len() / 2].to_vec();
    vec![
        (
            "64 MiB of zeros in gzip",
            gzip(&vec![0; 64 * MIB]),
            "gzip",
            &[413],
        ),
        (
            "64 MiB of zeros in zstd",
            zstd(&vec![0; 64 * MIB]),
            "zstd",
            &[413],
        ),
        (
            "a MiB of zeros in gzip",
            gzip(&vec![b' '; MIB]),
            "gzip",
            &[413],
        ),
        ("names in gzip", gzip(&names), "gzip", &[200]),
        ("names in zstd", zstd(&names), "zstd", &[200]),
        ("half a million numbers", zeros, "identity", &[200]),
        ("a hundred thousand names", names, "identity", &[200]),
        ("one name many times", same, "identity", &[200]),
        ("a million brackets", deep, "identity", &[400]),
        ("half a million levels", closed, "identity", &[200, 400]),
        ("a number of a MiB", number, "identity", &[200]),
        ("a fraction of a MiB", fraction, "identity", &[200]),
        ("a text of a MiB", frames, "identity", &[200]),
        ("near misses of secrets", near, "identity", &[200]),
        (
            "a third of a million records",
            format!("[{}{{}}]", records).into_bytes(),
            "identity",
            &[413],
        ),
        ("torn gzip", torn, "gzip", &[400]),
        ("junk", vec![0xff; MIB], "identity", &[400]),
        ("junk as zstd", vec![0x28; MIB], "zstd", &[400]),
    ]
}

/// Tokens that are no good, each in its own way.
fn broken_tokens(good: &str) -> Vec<String> {
    let claims = serde_json::json!({"sub": "u", "exp": jiff::Timestamp::now().as_second() + 600});
    let sign = |algorithm, key: &[u8], claims: &serde_json::Value| {
        jsonwebtoken::encode(
            &Header::new(algorithm),
            claims,
            &EncodingKey::from_secret(key),
        )
        .expect("it signs")
    };
    let parts: Vec<&str> = good.split('.').collect();
    vec![
        // {"alg":"none","typ":"JWT"}
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]),
        format!("{}.{}.", parts[0], parts[1]),
        sign(Algorithm::HS512, b"another", &claims),
        sign(Algorithm::HS256, b"another", &claims),
        sign(
            Algorithm::HS256,
            b"another",
            &serde_json::json!({"sub": "u"}),
        ),
        "x".repeat(20_000),
        "..".to_owned(),
        String::new(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_bounded_under_every_bomb_at_once_and_nothing_accepted_is_lost() {
    let _turn = TURN.lock().await;
    let seconds = if is_full() { 60 } else { 6 };
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let until = Instant::now() + Duration::from_secs(seconds);
    let accepted = Arc::new(AtomicU64::new(0));
    let answers = Arc::new(AtomicU64::new(0));
    let mut crowd = Vec::new();
    for (n, (what, body, coding, expected)) in bombs()
        .into_iter()
        .cycle()
        .take(if is_full() { 72 } else { 36 })
        .enumerate()
    {
        let request = relay
            .client
            .post(format!("http://{}/api/v1/logs", relay.addr))
            .bearer_auth(crate::relay::token(dir.path(), &format!("user-{n}")))
            .header("content-type", "application/json")
            .header("content-encoding", coding)
            .body(body);
        let (accepted, answers) = (Arc::clone(&accepted), Arc::clone(&answers));
        crowd.push(tokio::spawn(async move {
            while Instant::now() < until {
                let request = request.try_clone().expect("its body is in memory");
                // Whoever sends too much may be hung up on in the middle.
                let Ok(response) = request.send().await else {
                    continue;
                };
                let status = response.status().as_u16();
                assert!(
                    expected.contains(&status) || status == 503 || status == 429,
                    "{what} is answered with {status}: {:?}",
                    response.text().await
                );
                answers.fetch_add(1, Ordering::Relaxed);
                if status == 200 {
                    let receipt: serde_json::Value =
                        serde_json::from_str(&response.text().await.expect("text"))
                            .expect("a receipt");
                    accepted.fetch_add(
                        receipt["accepted"].as_u64().expect("a number"),
                        Ordering::Relaxed,
                    );
                }
            }
        }));
    }
    for token in broken_tokens(&relay.token) {
        let request = relay
            .client
            .post(format!("http://{}/api/v1/logs", relay.addr))
            .bearer_auth(token)
            .body("not read");
        crowd.push(tokio::spawn(async move {
            while Instant::now() < until {
                let request = request.try_clone().expect("its body is in memory");
                let Ok(response) = request.send().await else {
                    continue;
                };
                assert_eq!(response.status(), 401);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }));
    }
    let slow_token = crate::relay::token(dir.path(), "slow");
    for n in 0..200 {
        crowd.push(tokio::spawn(slow(
            relay.addr.clone(),
            slow_token.clone(),
            n,
            until,
        )));
    }
    // Beside all of that, somebody who behaves.
    let mut batches = Batches::of("healthy", 10);
    let (took, own) = well_behaved(&relay, &mut batches, 10.0, until).await;
    for one in crowd {
        one.await.expect("each is answered as the table says");
    }
    let accepted = accepted.load(Ordering::Relaxed) + own;
    println!(
        "bombs: {} answers, {accepted} records accepted; beside them {} answers, p50 {:.0} ms, p99 {:.0} ms",
        answers.load(Ordering::Relaxed),
        took.len(),
        millis(&took, 0.5),
        millis(&took, 0.99)
    );
    let kept = relay.metric("courier_spool_records").await;
    assert_eq!(kept as u64, accepted, "nothing accepted is lost");
    #[cfg(target_os = "linux")]
    {
        let peak = crate::peak_mib(relay.pid());
        println!("bombs: {peak} MiB resident at most");
        assert!(peak <= 256, "{peak} MiB");
    }
}

/// Heads and bodies that lie: they promise a megabyte and send it a byte at a time, or hang up.
async fn slow(addr: String, token: String, n: usize, until: Instant) {
    let head = format!(
        "POST /api/v1/logs HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: 1000000\r\n\r\n"
    );
    while Instant::now() < until {
        let Ok(mut stream) = TcpStream::connect(&addr).await else {
            continue;
        };
        let begins = match n % 4 {
            0 => &head[..20],
            1 => &head[..head.len() - 2],
            _ => &head[..],
        };
        let _ = stream.write_all(begins.as_bytes()).await;
        if n % 4 == 3 {
            // Gone again at once.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        }
        let mut answer = [0; 64];
        while Instant::now() < until {
            let read =
                tokio::time::timeout(Duration::from_millis(500), stream.read(&mut answer)).await;
            if matches!(read, Ok(Ok(0) | Err(_))) || stream.write_all(b"[").await.is_err() {
                break;
            }
        }
    }
}
