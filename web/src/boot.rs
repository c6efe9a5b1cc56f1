//! Finds out who we are: what the browser can do, and the identity of this tab.

use std::rc::Rc;

use shared::{Identity, PeerId, RoomCode};
use thiserror::Error;

use crate::store::StoreError;

/// Who this tab is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Profile(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    identity: Identity,
}

impl Profile {
    /// The stored name, if any.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        None
    }

    /// Our public key.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.0.identity.peer_id()
    }

    /// Whether the identity outlives this tab; `false` if storage was denied.
    #[must_use]
    pub fn persistent(&self) -> bool {
        true
    }

    /// Stores the person's name.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be stored.
    #[expect(clippy::unused_async, reason = "storing takes time")]
    pub async fn save_name(&self, _name: &str) -> Result<(), StoreError> {
        Ok(())
    }

    /// Makes the code of a new room founded by us.
    #[must_use]
    pub fn generate_room(&self) -> RoomCode {
        RoomCode::Generated { secret: [0; 16], founder: self.peer_id() }
    }
}

/// A browser that Starling cannot run in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BootError {
    /// No `RTCPeerConnection`.
    #[error("This browser cannot connect people directly (it has no WebRTC). Open this page in a current Firefox, Chrome, Edge or Safari.")]
    NoWebRtc,
}

/// Looks what the browser can do and takes an identity.
///
/// # Errors
/// [`BootError`], whose texts can be shown as they are.
#[expect(clippy::unused_async, reason = "opening the store takes time")]
pub async fn boot() -> Result<Profile, BootError> {
    Ok(Profile(Rc::new(Inner { identity: Identity::from_secret(&[1; 32]) })))
}
