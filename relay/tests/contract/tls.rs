//! TLS: both versions of HTTP, and a certificate that is exchanged while the relay runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, ServerName};

use crate::record;
use crate::relay::{Relay, command, token};

/// Writes a new certificate for `localhost` and its key; the certificate.
fn renew(dir: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("it is made");
    let [certificate, key] = files(dir);
    std::fs::write(certificate, made.cert.pem()).expect("it is written");
    std::fs::write(key, made.signing_key.serialize_pem()).expect("it is written");
    made.cert.der().clone()
}

fn files(dir: &Path) -> [PathBuf; 2] {
    ["cert.pem", "key.pem"].map(|name| dir.join(name))
}

fn flags(dir: &Path) -> Vec<String> {
    let [certificate, key] = files(dir);
    vec![
        format!("--tls-cert-file={}", certificate.display()),
        format!("--tls-key-file={}", key.display()),
    ]
}

fn start(dir: &Path) -> Relay {
    let flags = flags(dir);
    Relay::start(dir, &flags.iter().map(String::as_str).collect::<Vec<_>>())
}

fn trusting(certificate: &CertificateDer<'static>) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).expect("it is one");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// A client that trusts this certificate only, and speaks this version of HTTP.
fn client(certificate: &CertificateDer<'static>, alpn: &[u8]) -> reqwest::Client {
    let mut tls = trusting(certificate);
    tls.alpn_protocols = vec![alpn.to_vec()];
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .expect("a client")
}

fn url(relay: &Relay) -> String {
    let port = relay.addr.rsplit(':').next().expect("a port");
    format!("https://localhost:{port}/api/v1/logs")
}

#[tokio::test]
async fn both_versions_of_http_are_agreed_upon_and_plain_http_is_not_answered() {
    let dir = tempfile::tempdir().expect("a directory");
    let certificate = renew(dir.path());
    let relay = start(dir.path());
    for (n, (alpn, version)) in [
        (&b"h2"[..], reqwest::Version::HTTP_2),
        (b"http/1.1", reqwest::Version::HTTP_11),
    ]
    .into_iter()
    .enumerate()
    {
        let response = client(&certificate, alpn)
            .post(url(&relay))
            .bearer_auth(&relay.token)
            .header("content-type", "application/json")
            .body(record(&n.to_string()))
            .send()
            .await
            .expect("an answer");
        assert_eq!(
            (response.status().as_u16(), response.version()),
            (200, version)
        );
    }
    assert!(relay.post(record("m")).send().await.is_err(), "plain HTTP");
    assert_eq!(
        relay.admin("/healthz").await.status(),
        200,
        "the admin listener is plain"
    );
}

/// The certificate that a new connection sees.
async fn seen(relay: &Relay) -> CertificateDer<'static> {
    let addr = relay.addr.clone();
    tokio::task::spawn_blocking(move || {
        #[derive(Debug)]
        struct Any;
        use rustls::client::danger::{
            HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
        };
        impl ServerCertVerifier for Any {
            fn verify_server_cert(
                &self,
                _: &CertificateDer<'_>,
                _: &[CertificateDer<'_>],
                _: &ServerName<'_>,
                _: &[u8],
                _: rustls::pki_types::UnixTime,
            ) -> Result<ServerCertVerified, rustls::Error> {
                Ok(ServerCertVerified::assertion())
            }
            fn verify_tls12_signature(
                &self,
                _: &[u8],
                _: &CertificateDer<'_>,
                _: &rustls::DigitallySignedStruct,
            ) -> Result<HandshakeSignatureValid, rustls::Error> {
                Ok(HandshakeSignatureValid::assertion())
            }
            fn verify_tls13_signature(
                &self,
                _: &[u8],
                _: &CertificateDer<'_>,
                _: &rustls::DigitallySignedStruct,
            ) -> Result<HandshakeSignatureValid, rustls::Error> {
                Ok(HandshakeSignatureValid::assertion())
            }
            fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
                rustls::crypto::ring::default_provider()
                    .signature_verification_algorithms
                    .supported_schemes()
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Any))
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let mut client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut stream = std::net::TcpStream::connect(addr).expect("it connects");
        while client.is_handshaking() {
            client.complete_io(&mut stream).expect("it shakes hands");
        }
        client.peer_certificates().expect("it showed one")[0]
            .clone()
            .into_owned()
    })
    .await
    .expect("it ends")
}

#[tokio::test]
async fn a_new_certificate_is_used_on_sighup_or_soon_and_a_bad_one_never() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = renew(dir.path());
    let relay = start(dir.path());
    let open = client(&first, b"http/1.1");
    let send = |message: &'static str| {
        open.post(url(&relay))
            .bearer_auth(&relay.token)
            .header("content-type", "application/json")
            .body(record(message))
            .send()
    };
    assert_eq!(send("before").await.expect("an answer").status(), 200);
    assert_eq!(seen(&relay).await, first);

    let second = renew(dir.path());
    relay.signal("HUP");
    let deadline = Instant::now() + Duration::from_secs(20);
    while seen(&relay).await != second {
        assert!(
            Instant::now() < deadline,
            "SIGHUP did nothing: {}",
            relay.log()
        );
    }
    assert_eq!(
        send("after")
            .await
            .expect("the connection is still open")
            .status(),
        200
    );

    // A certificate without its key: the one at hand stays, and the log says why.
    let [_, key] = files(dir.path());
    let good_key = std::fs::read(&key).expect("a key");
    renew(dir.path());
    std::fs::write(&key, &good_key).expect("it is written");
    relay.signal("HUP");
    while !relay.log().contains("the one at hand stays in use") {
        assert!(Instant::now() < deadline, "{}", relay.log());
    }
    assert_eq!(seen(&relay).await, second);

    // Without a signal it is noticed within a quarter of a minute.
    let third = renew(dir.path());
    let deadline = Instant::now() + Duration::from_secs(30);
    while seen(&relay).await != third {
        assert!(Instant::now() < deadline, "nobody looked: {}", relay.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_before_anything_starts() {
    let dir = tempfile::tempdir().expect("a directory");
    renew(dir.path());
    let [certificate, key] = files(dir.path());
    let (good_certificate, good_key) = (
        std::fs::read(&certificate).expect("it is there"),
        std::fs::read(&key).expect("it is there"),
    );
    let other = tempfile::tempdir().expect("a directory");
    renew(other.path());
    let other_key = std::fs::read(&files(other.path())[1]).expect("it is there");
    let damaged = b"-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n";
    let cases: [(&[u8], &[u8], &str); 5] = [
        (b"junk", &good_key, "--tls-cert-file: no certificate in PEM"),
        (damaged, &good_key, "cert.pem` can't be used"),
        (
            &good_certificate,
            b"junk",
            "--tls-key-file: no private key in PEM",
        ),
        (
            &good_certificate,
            &good_certificate,
            "--tls-key-file: no private key in PEM",
        ),
        (
            &good_certificate,
            &other_key,
            "is not the key of the certificate",
        ),
    ];
    for (certificate_bytes, key_bytes, expected) in cases {
        std::fs::write(&certificate, certificate_bytes).expect("it is written");
        std::fs::write(&key, key_bytes).expect("it is written");
        let data = dir.path().join("data");
        let output = command()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
                "--data-dir",
            ])
            .arg(&data)
            .args(flags(dir.path()))
            .output()
            .expect("it runs");
        let error = String::from_utf8(output.stderr).expect("text");
        assert!(
            !output.status.success() && error.contains(expected),
            "{expected}: {error}"
        );
        assert!(!data.exists(), "nothing is left behind");
    }
}

#[tokio::test]
async fn a_handshake_that_never_ends_holds_nobody_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let certificate = renew(dir.path());
    let mut relay = start(dir.path());
    relay.token = token(dir.path(), "somebody");
    let silent: Vec<std::net::TcpStream> = (0..100)
        .map(|_| std::net::TcpStream::connect(&relay.addr).expect("it connects"))
        .collect();
    let response = client(&certificate, b"h2")
        .post(url(&relay))
        .bearer_auth(&relay.token)
        .header("content-type", "application/json")
        .body("[]")
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 200);
    let started = Instant::now();
    assert_eq!(relay.terminate().code(), Some(0));
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    drop(silent);
}
