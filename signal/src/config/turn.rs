//! TURN servers that clients may use, and the secret that is shared with these servers.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use shared::signal::IceServer;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{ParseFlagError, TURN_SECRET_BYTES_MAX};

/// TURN servers (RFC 8656) that all have one secret. From the secret and a time, both sides make the same credentials: nobody is registered anywhere.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Where the servers are.
    pub urls: Vec<TurnUrl>,
    /// coturn's `static-auth-secret`.
    pub secret: TurnSecret,
}

impl Turn {
    /// Puts together what the operator said; `None` if they said nothing of TURN.
    ///
    /// # Errors
    /// See [`TurnError`].
    pub fn read(urls: Vec<TurnUrl>, secret_file: Option<&Path>) -> Result<Option<Self>, TurnError> {
        let path = match secret_file {
            None if urls.is_empty() => return Ok(None),
            None => return Err(TurnError::NoSecret),
            Some(_) if urls.is_empty() => return Err(TurnError::NoUrl),
            Some(path) => path,
        };
        let text = read_secret(path).map_err(|source| TurnError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let secret = TurnSecret::new(&text).map_err(|source| TurnError::Unusable {
            path: path.to_owned(),
            source,
        })?;
        Ok(Some(Self { urls, secret }))
    }
}

/// Reads the file, and hardly more of it than a secret has.
fn read_secret(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let most = TURN_SECRET_BYTES_MAX * 2;
    // The buffer never grows: what it grows out of would not be wiped.
    let mut text = Zeroizing::new(vec![0; most]);
    let mut file = File::open(path)?;
    let mut len = 0;
    while len < most {
        match file.read(&mut text[len..]) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    text.truncate(len);
    Ok(text)
}

/// Why the server does not start with TURN.
#[derive(Debug, Error)]
pub enum TurnError {
    /// Credentials cannot be made.
    #[error(
        "--turn names a TURN server, but --turn-secret-file is missing: say which file has the secret of that server"
    )]
    NoSecret,
    /// Credentials would be for nothing.
    #[error(
        "--turn-secret-file is given, but --turn is missing: say where the TURN server is, like turn:turn.example.org:3478"
    )]
    NoUrl,
    /// The system does not give us the file.
    #[error("cannot read the secret of the TURN server in {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file has something else in it.
    #[error("cannot use the secret of the TURN server in {}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: TurnSecretError,
    },
}

/// Why something is no secret of a TURN server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TurnSecretError {
    /// Anybody could make credentials.
    #[error("it is empty")]
    Empty,
    /// coturn takes no more.
    #[error("it is longer than {TURN_SECRET_BYTES_MAX} bytes")]
    TooLong,
    /// It is some other file.
    #[error("it has more than one line, or other characters that cannot be seen")]
    NotOneLine,
}

/// The secret of a TURN server. Clones share it; it is wiped when the last one is dropped, and never shown.
#[derive(Clone)]
pub struct TurnSecret(Arc<Zeroizing<Vec<u8>>>);

impl TurnSecret {
    /// Takes a secret without the white space around it.
    ///
    /// # Errors
    /// See [`TurnSecretError`].
    pub fn new(text: &[u8]) -> Result<Self, TurnSecretError> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(TurnSecretError::Empty);
        }
        if text.len() > TURN_SECRET_BYTES_MAX {
            return Err(TurnSecretError::TooLong);
        }
        if text.iter().any(u8::is_ascii_control) {
            return Err(TurnSecretError::NotOneLine);
        }
        Ok(Self(Arc::new(Zeroizing::new(text.to_vec()))))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TurnSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TurnSecret(…)")
    }
}

/// Where a TURN server is: `turn:HOST:PORT`, `turn:HOST:PORT?transport=udp`, the same with `tcp`, or with `turns`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnUrl(String);

impl TurnUrl {
    /// As a client is told.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a TURN server takes questions, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TurnAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) transport: TurnTransport,
}

/// How clients reach a TURN server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnTransport {
    Udp,
    Tcp,
    Tls,
}

impl TurnUrl {
    /// Where it leads (RFC 7065 section 3.1 has the ports and transports that need not be said). `None` for TLS over UDP.
    pub(crate) fn address(&self) -> Option<TurnAddress> {
        let (scheme, rest) = self.0.split_once(':')?;
        let (place, transport) = rest.split_once("?transport=").unwrap_or((rest, ""));
        let (transport, usual_port) = match (scheme, transport) {
            ("turn", "tcp") => (TurnTransport::Tcp, 3478),
            ("turn", _) => (TurnTransport::Udp, 3478),
            (_, "udp") => return None,
            (_, _) => (TurnTransport::Tls, 5349),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(literal) => literal.split_once(']')?,
            None => place.split_at(place.find(':').unwrap_or(place.len())),
        };
        let port = port
            .strip_prefix(':')
            .map_or(Some(usual_port), |port| port.parse().ok())?;
        Some(TurnAddress {
            host: host.to_owned(),
            port,
            transport,
        })
    }
}

impl FromStr for TurnUrl {
    type Err = ParseFlagError;

    fn from_str(text: &str) -> Result<Self, ParseFlagError> {
        // With some login, so that only the URL decides.
        let server = IceServer {
            urls: vec![text.to_owned()],
            username: Some(String::new()),
            credential: Some(String::new()),
        };
        if server.is_relay() && server.is_valid() {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseFlagError::Turn)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> Vec<TurnUrl> {
        vec!["turn:turn.example:3478".parse().unwrap()]
    }

    #[test]
    fn a_turn_server_is_a_host_with_perhaps_a_port_and_a_transport() {
        for text in [
            "turn:turn.example",
            "turn:192.0.2.1:3478?transport=udp",
            "turn:[2001:db8::1]:3478?transport=tcp",
            "turns:turn.example:5349",
            "turns:turn.example:443?transport=tcp",
        ] {
            assert_eq!(text.parse().as_ref().map(TurnUrl::as_str), Ok(text));
        }
        for text in [
            "",
            "turn.example:3478",
            "stun:turn.example:3478",
            "turn:",
            "turn:turn.example:0",
            "turn:turn.example?transport=sctp",
            "turn:ann:secret@turn.example",
            "turn://turn.example",
        ] {
            assert_eq!(text.parse::<TurnUrl>(), Err(ParseFlagError::Turn), "{text}");
        }
    }

    #[test]
    fn a_url_leads_to_a_host_a_port_and_a_transport() {
        for (text, address) in [
            ("turn:turn.example", Some(("turn.example", 3478, TurnTransport::Udp))),
            (
                "turn:192.0.2.1:99?transport=udp",
                Some(("192.0.2.1", 99, TurnTransport::Udp)),
            ),
            (
                "turn:[2001:db8::1]:99?transport=tcp",
                Some(("2001:db8::1", 99, TurnTransport::Tcp)),
            ),
            ("turn:[2001:db8::1]", Some(("2001:db8::1", 3478, TurnTransport::Udp))),
            ("turns:turn.example", Some(("turn.example", 5349, TurnTransport::Tls))),
            (
                "turns:turn.example:443?transport=tcp",
                Some(("turn.example", 443, TurnTransport::Tls)),
            ),
            ("turns:turn.example?transport=udp", None),
        ] {
            let address = address.map(|(host, port, transport)| TurnAddress {
                host: host.to_owned(),
                port,
                transport,
            });
            assert_eq!(text.parse::<TurnUrl>().unwrap().address(), address, "{text}");
        }
    }

    #[test]
    fn a_secret_is_one_line_without_the_white_space_around_it_and_is_not_shown() {
        let secret = TurnSecret::new(b" north wind\r\n").unwrap();
        assert_eq!(secret.as_bytes(), b"north wind");
        assert_eq!(format!("{secret:?}"), "TurnSecret(…)");
        let long = vec![b'x'; TURN_SECRET_BYTES_MAX + 1];
        assert!(TurnSecret::new(&long[1..]).is_ok());
        for (text, error) in [
            (&b""[..], TurnSecretError::Empty),
            (b" \n", TurnSecretError::Empty),
            (&long, TurnSecretError::TooLong),
            (b"north\nwind", TurnSecretError::NotOneLine),
            (b"north\0wind", TurnSecretError::NotOneLine),
        ] {
            assert_eq!(TurnSecret::new(text).err(), Some(error));
        }
    }

    #[test]
    fn servers_and_their_secret_go_together() {
        assert!(Turn::read(vec![], None).unwrap().is_none());
        assert!(matches!(Turn::read(url(), None), Err(TurnError::NoSecret)));
        let nowhere = Path::new("/nowhere/secret");
        assert!(matches!(Turn::read(vec![], Some(nowhere)), Err(TurnError::NoUrl)));
        assert!(matches!(
            Turn::read(url(), Some(nowhere)),
            Err(TurnError::Unreadable { .. })
        ));
        // An endless file is not read to its end.
        assert!(matches!(
            Turn::read(url(), Some(Path::new("/dev/zero"))),
            Err(TurnError::Unusable {
                source: TurnSecretError::TooLong,
                ..
            })
        ));
    }
}
