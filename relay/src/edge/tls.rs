//! TLS by rustls, with a certificate that may be exchanged while connections last.
//!
//! The files are read at start, and again when they change or on SIGHUP. New connections get the new
//! certificate; those that are open go on. Files that are no good then are said in the log, and the certificate at hand
//! stays in use: who renews it writes two files, and in between they do not match.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::TlsConfig;
use crate::text::chain;

/// A listener's certificate.
pub struct Tls {
    files: TlsConfig,
    seen: Mutex<Stamp>,
    current: ArcSwap<Current>,
}

/// A certificate that is in use.
struct Current {
    config: Arc<ServerConfig>,
    /// When it ends; `None` where that can't be read.
    ends: Option<SystemTime>,
}

/// The certificate can't be used. Nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can't be read. Check the path and its owner.
    #[error("--{flag}: cannot read `{}`", .path.display())]
    File {
        /// The setting, as a flag.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such thing in the file. Write it in PEM: the certificate first, then those that signed it.
    #[error("--{flag}: no {what} in PEM in `{}`", .path.display())]
    NotPem {
        /// The setting, as a flag.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
    },
    /// The certificate can't be used: it is damaged, or not of version 3. Have it issued anew.
    #[error("--tls-cert-file: `{}` can't be used", .path.display())]
    Certificate {
        /// The certificate's file.
        path: PathBuf,
        /// What rustls said.
        source: rustls::Error,
    },
    /// The key is another certificate's, or of a kind that can't be used. Give the one that was made with it.
    #[error("--tls-key-file: `{}` is not the key of the certificate", .path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// What rustls said.
        source: rustls::Error,
    },
}

/// When each file was written, and how long it is.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Tls {
    /// The certificate and key of `files`.
    ///
    /// # Errors
    ///
    /// When the files can't be used.
    pub fn read(files: TlsConfig) -> Result<Self, TlsError> {
        let seen = stamp(&files);
        let current = server(&files)?;
        current.warn(SystemTime::now());
        let current = ArcSwap::from_pointee(current);
        Ok(Self {
            files,
            seen: Mutex::new(seen),
            current,
        })
    }

    /// Seconds until the certificate ends, below zero once it has.
    pub fn seconds_left(&self, now: SystemTime) -> f64 {
        self.current.load().seconds_left(now)
    }

    /// Shakes hands.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(Arc::clone(&self.current.load().config))
            .accept(stream)
            .await
    }

    /// Reads the files again; whether they are in use now.
    pub fn reload(&self) -> bool {
        // Before they are read, so that what is written meanwhile is seen the next time.
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamp(&self.files);
        match server(&self.files) {
            Ok(current) => {
                tracing::info!("the certificate was read again");
                current.warn(SystemTime::now());
                self.current.store(Arc::new(current));
                true
            }
            Err(error) => {
                tracing::error!(
                    error = chain(&error),
                    "the certificate can't be used; the one at hand stays in use"
                );
                false
            }
        }
    }

    /// Reads the files again whenever they have changed, until `stop` is set.
    pub async fn watch(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            if self.has_changed() {
                self.reload();
            }
        }
    }

    fn has_changed(&self) -> bool {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen != stamp(&self.files)
    }
}

fn stamp(files: &TlsConfig) -> Stamp {
    [&files.certificate, &files.key].map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

fn server(files: &TlsConfig) -> Result<Current, TlsError> {
    let (cert_flag, key_flag) = ("tls-cert-file", "tls-key-file");
    let certificate = bytes(cert_flag, &files.certificate)?;
    let key = bytes(key_flag, &files.key)?;
    let not_pem = |flag, path: &Path, what| TlsError::NotPem {
        flag,
        path: path.to_owned(),
        what,
    };
    let chain = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<Vec<_>, _>>()
        .unwrap_or_default();
    if chain.is_empty() {
        return Err(not_pem(cert_flag, &files.certificate, "certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|_| not_pem(key_flag, &files.key, "private key"))?;
    let unusable = |source| match source {
        rustls::Error::InvalidCertificate(_) => TlsError::Certificate {
            path: files.certificate.clone(),
            source,
        },
        source => TlsError::Key {
            path: files.key.clone(),
            source,
        },
    };
    let ends = chain.first().and_then(ends);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = Arc::new(config);
    Ok(Current { config, ends })
}

/// When a certificate ends. rustls says so of one that has ended: so it is asked as if a thousand years had gone by.
fn ends(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    let roots = RootCertStore::empty();
    let then = UnixTime::since_unix_epoch(A_THOUSAND_YEARS);
    match verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], then, &[]) {
        Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext {
            not_after,
            ..
        })) => SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(not_after.as_secs())),
        _ => None,
    }
}

impl Current {
    fn seconds_left(&self, now: SystemTime) -> f64 {
        let Some(ends) = self.ends else {
            return f64::MAX;
        };
        match ends.duration_since(now) {
            Ok(left) => left.as_secs_f64(),
            Err(ago) => -ago.duration().as_secs_f64(),
        }
    }

    /// Says it where it has ended.
    fn warn(&self, now: SystemTime) {
        if self.seconds_left(now) <= 0.0 {
            tracing::error!(
                "the certificate has expired: clients that check it don't connect. Renew --tls-cert-file and its key"
            );
        }
    }
}

fn bytes(flag: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::File {
        flag,
        path: path.to_owned(),
        source,
    })
}

/// From 1970 on: far behind the end of any certificate in use.
const A_THOUSAND_YEARS: Duration = Duration::from_secs(1000 * 365 * 24 * 60 * 60);

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);
