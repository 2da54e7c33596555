//! A certificate authority of a test's own, and servers that it vouches for.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::wire_server::{Act, Server, Stream};

#[allow(dead_code, reason = "each test takes what it needs")]
pub struct Tls {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
    /// Its root, as PEM.
    pub root: String,
    asks_clients: bool,
}

#[allow(dead_code, reason = "each test takes what it needs")]
impl Tls {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            root: certificate.pem(),
            issuer: Issuer::new(params, key),
            certificate,
            asks_clients: false,
        }
    }

    /// Its servers speak to those it vouches for only.
    pub fn asking_for_clients(mut self) -> Self {
        self.asks_clients = true;
        self
    }

    /// A client's certificate and key, as PEM.
    pub fn client(&self) -> (String, String) {
        let (certificate, key) = self.issue(&["client.example"]);
        (certificate.pem(), key.serialize_pem())
    }

    /// A server on `https://localhost`, which may also be called `relay.example`.
    pub fn serve(&self) -> Server {
        let (certificate, key) = self.issue(&["localhost", "relay.example"]);
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let provider = Arc::new(default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = if self.asks_clients {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            config.with_no_client_auth()
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = config
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let wrap = move |stream: TcpStream| -> io::Result<Box<dyn Stream>> {
            let connection =
                ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
            Ok(Box::new(StreamOwned::new(connection, stream)))
        };
        Server::start_with("https://localhost", wrap, |_| Act::Receipt)
    }

    fn issue(&self, names: &[&str]) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params =
            CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())
                .unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}
