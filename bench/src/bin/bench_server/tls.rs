//! A certificate for our server with TLS, and clients that trust it.

use std::{env, fs, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use signal::tls::Tls;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Where the server finds the certificate.
const FOLDER: &str = "STARLING_BENCH_CERTIFICATE";

/// A new certificate; gone with this value.
pub(crate) struct Certificate {
    folder: TempDir,
    client: Arc<ClientConfig>,
}

impl Certificate {
    pub(crate) fn issue() -> Result<Self> {
        let folder = TempDir::new()?;
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()])?;
        fs::write(folder.path().join("cert.pem"), cert.pem())?;
        fs::write(folder.path().join("key.pem"), signing_key.serialize_pem())?;
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone())?;
        let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            folder,
            client: Arc::new(client),
        })
    }

    /// For the process of the server.
    pub(crate) fn variable(&self) -> (&'static str, PathBuf) {
        (FOLDER, self.folder.path().to_owned())
    }

    pub(crate) async fn connect(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost")?;
        Ok(TlsConnector::from(Arc::clone(&self.client))
            .connect(name, stream)
            .await?)
    }
}

/// The certificate, in the process of the server.
pub(crate) fn load() -> Result<Tls> {
    let folder = env::var_os(FOLDER).map(PathBuf::from).context("no certificate")?;
    Ok(Tls::load(folder.join("cert.pem"), folder.join("key.pem"))?)
}
