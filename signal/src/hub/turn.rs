//! Credentials for TURN, after draft-uberti-behave-turn-rest-00 ("REST API for access to TURN services"), as coturn takes them.
//!
//! The user's name tells until when the credentials are good, and the password is a code of the name under the secret that both servers have:
//! so the TURN server needs no list of users, and this server keeps nothing of what it hands out. Deviation: no HTTP. A client gets the
//! credentials over its socket, and before they end it gets newer ones.
//!
//! Nothing here is drawn at random: the same client gets the same credentials at the same time.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use shared::{PeerId, limits::ICE_URLS_MAX, signal::IceServer};

use crate::config::{Turn, TurnSecret, TurnUrl};

/// How much of the peer's id is in the user's name: enough to tell clients apart in the log of a TURN server.
// No limit: a form.
const PEER_CHARS: usize = 8;

/// The TURN servers, for this peer and until this time in seconds since 1970. A browser takes only so many URLs in one.
pub(super) fn turn_servers(turn: &Turn, peer: &PeerId, expires_at: u64) -> Vec<IceServer> {
    let peer: String = peer.to_text().chars().take(PEER_CHARS).collect();
    let login = login(&turn.secret, &peer, expires_at);
    let server = |urls: &[TurnUrl]| IceServer {
        urls: urls.iter().map(|url| url.as_str().to_owned()).collect(),
        username: Some(login.username.clone()),
        credential: Some(login.credential.clone()),
    };
    turn.urls.chunks(ICE_URLS_MAX).map(server).collect()
}

/// What somebody proves to a TURN server that they may use it.
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) credential: String,
}

/// The credentials of somebody who is called `who` in the log of a TURN server.
pub(crate) fn login(secret: &TurnSecret, who: &str, expires_at: u64) -> Login {
    let username = format!("{expires_at}:{who}");
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes())
        .expect("invariant: HMAC takes a key of any length (RFC 2104 section 2)");
    mac.update(username.as_bytes());
    let credential = BASE64.encode(&mac.finalize().into_bytes());
    Login { username, credential }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(urls: &[&str]) -> Turn {
        Turn {
            urls: urls.iter().map(|url| url.parse().unwrap()).collect(),
            secret: TurnSecret::new(b"north wind").unwrap(),
        }
    }

    /// Computed by another program.
    #[test]
    fn the_credential_is_the_code_of_the_name_under_the_secret() {
        let peer = PeerId::from_bytes([7; 32]);
        let servers = turn_servers(&turn(&["turn:turn.example:3478"]), &peer, 1_700_003_600);
        assert_eq!(
            servers,
            [IceServer {
                urls: vec!["turn:turn.example:3478".to_owned()],
                username: Some("1700003600:BwcHBwcH".to_owned()),
                credential: Some("F8WX7F65iuw8wz1lPBBQ/xFKsjA=".to_owned()),
            }]
        );
    }

    #[test]
    fn a_browser_takes_each_of_many() {
        let peer = PeerId::from_bytes([7; 32]);
        let servers = turn_servers(&turn(&["turn:turn.example"; 9]), &peer, 1);
        let counts = servers.iter().map(|server| server.urls.len());
        assert_eq!(counts.collect::<Vec<_>>(), [4, 4, 1]);
        assert!(servers.iter().all(IceServer::is_valid));
    }
}
