//! A certificate as it is kept.

use str0m::config::DtlsCert;

use super::Certificate;
use crate::store;

impl Certificate {
    /// One that was kept.
    #[must_use]
    pub fn from_stored(stored: &store::Certificate) -> Self {
        Self(DtlsCert {
            certificate: stored.certificate.clone(),
            private_key: stored.private_key.to_vec(),
        })
    }

    /// As it is kept.
    #[must_use]
    pub fn to_stored(&self) -> store::Certificate {
        store::Certificate {
            certificate: self.0.certificate.clone(),
            private_key: self.0.private_key.clone().into(),
        }
    }
}
