//! TLS by rustls: the platform's roots, those that the program adds, and its own certificate where the relay asks for
//! one (mTLS).

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// A certificate or key can't be used: it is no PEM, or the two do not belong together. Nothing was started.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// What was given as root certificates is not PEM with `CERTIFICATE` blocks, or one of them is no certificate.
    #[error("root certificates: {reason}")]
    Roots {
        /// What is wrong.
        reason: String,
    },
    /// The client certificate or its key is not PEM, or they do not belong together. The key may be PKCS #8, PKCS #1
    /// or SEC 1, not encrypted.
    #[error("client certificate: {reason}")]
    Client {
        /// What is wrong.
        reason: String,
    },
}
courier_sanitize::debug_is_display!(CertificateError);

/// Whom the sender trusts beside the platform's roots, and who it says it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    roots: Vec<CertificateDer<'static>>,
    client: Option<Arc<CertifiedKey>>,
}

impl Trust {
    pub fn add_roots(&mut self, pem: &[u8]) -> Result<(), CertificateError> {
        let refused = |reason: String| CertificateError::Roots { reason };
        let roots = certificates(pem).map_err(refused)?;
        let mut store = RootCertStore::empty();
        for root in &roots {
            store
                .add(root.clone())
                .map_err(|error| refused(error.to_string()))?;
        }
        self.roots.extend(roots);
        Ok(())
    }

    pub fn set_client(&mut self, certificate: &[u8], key: &[u8]) -> Result<(), CertificateError> {
        let refused = |reason: String| CertificateError::Client { reason };
        let chain = certificates(certificate).map_err(refused)?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| refused(format!("the key is not PEM: {error}")))?;
        let client = CertifiedKey::from_der(chain, key, &provider())
            .map_err(|error| refused(error.to_string()))?;
        self.client = Some(Arc::new(client));
        Ok(())
    }

    /// The settings of connections, for an endpoint with TLS: reading the platform's roots takes time and memory.
    pub fn config(&self) -> Result<ClientConfig, String> {
        let failed = |error: rustls::Error| format!("cannot set TLS up: {error}");
        let provider = provider();
        let verifier =
            Verifier::new_with_extra_roots(self.roots.iter().cloned(), Arc::clone(&provider))
                .map_err(failed)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        Ok(match &self.client {
            Some(client) => {
                let resolver = rustls::sign::SingleCertAndKey::from(Arc::clone(client));
                config.with_client_cert_resolver(Arc::new(resolver))
            }
            None => config.with_no_client_auth(),
        })
    }

    /// The settings for an endpoint without TLS, which trust nobody.
    pub fn none() -> Result<ClientConfig, String> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("cannot set TLS up: {error}"))?;
        Ok(config
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth())
    }
}

/// Named, so that no process-wide default is needed or touched.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The `CERTIFICATE` blocks of a PEM text; at least one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("not PEM: {error}"))?;
    if certificates.is_empty() {
        return Err("no `CERTIFICATE` block in the PEM".to_owned());
    }
    Ok(certificates)
}
