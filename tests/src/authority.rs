//! A certificate authority of a test, and the stores of browsers that trust it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// An authority with a folder, which is removed when it is dropped.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    /// Makes an authority, and stores that trust it.
    ///
    /// # Errors
    /// If `certutil` is missing.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("starling-ca-").tempdir()?;
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::new(Vec::<String>::new())?;
        // Another name than that of what it certifies, which would look certified by itself.
        let name = &mut parameters.distinguished_name;
        name.push(DnType::CommonName, "Starling's tests");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key)?.pem();
        let this = Self {
            issuer: Issuer::new(parameters, key),
            folder,
        };
        fs::write(this.certificate(), certificate)?;
        this.trust(&this.home().join(".pki/nssdb"))?;
        this.trust(&this.profile())?;
        Ok(this)
    }

    /// The authority's own certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A home folder: a Chromium that has it trusts the authority.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A profile for one Firefox, which trusts the authority.
    pub(crate) fn profile(&self) -> PathBuf {
        self.folder.path().join("profile")
    }

    /// Certifies a host of this name; gives the files of the certificate and of its key.
    pub(crate) fn certify(&self, name: &str) -> Result<[PathBuf; 2]> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, &self.issuer)?;
        let files = ["cert.pem", "key.pem"].map(|name| self.folder.path().join(name));
        fs::write(&files[0], certificate.pem())?;
        fs::write(&files[1], key.serialize_pem())?;
        Ok(files)
    }

    /// Makes a store of NSS, as both browsers have, with the authority in it.
    fn trust(&self, store: &Path) -> Result<()> {
        fs::create_dir_all(store)?;
        let (store, certificate) = (format!("sql:{}", store.display()), self.certificate());
        let certificate = certificate.display().to_string();
        for arguments in [
            &["-N", "--empty-password"][..],
            &["-A", "-n", "test", "-t", "C,,", "-i", &certificate],
        ] {
            let output = Command::new("certutil")
                .arg("-d")
                .arg(&store)
                .args(arguments)
                .output()
                .context("cannot start `certutil` of the package libnss3-tools")?;
            ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }
}
