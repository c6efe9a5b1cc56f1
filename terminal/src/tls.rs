//! Which servers are believed to be who they say (TLS, by rustls).

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use thiserror::Error;

/// Whom this program trusts to say who a server is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tls(Arc<ClientConfig>);

/// TLS cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A certificate that is to be trusted cannot be used as such.
    #[error("a certificate cannot be trusted, for it is none of an authority")]
    Certificate(#[source] rustls::Error),
    /// A mistake of ours.
    #[error("TLS cannot be set up")]
    Versions(#[source] rustls::Error),
}

impl Tls {
    /// Trusts whom this machine trusts. Where that cannot be read, servers with TLS cannot be reached, and others can.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn of_this_machine() -> Result<Self, TlsError> {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "a certificate that this machine trusts cannot be read");
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        Self::with(roots)
    }

    /// Trusts these authorities alone.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn trusting(authorities: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority).map_err(TlsError::Certificate)?;
        }
        Self::with(roots)
    }

    fn with(roots: RootCertStore) -> Result<Self, TlsError> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Versions)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn config(&self) -> &Arc<ClientConfig> {
        &self.0
    }
}
