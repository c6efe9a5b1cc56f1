//! How a question gets to a TURN server: by UDP, by TCP, or by TLS, as its URL says.

use std::{io, sync::Arc};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UdpSocket, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::message::rest_bytes;
use crate::{
    config::{TURN_ANSWER_BYTES_MAX, TURN_RESEND, TurnAddress, TurnTransport},
    stun::message::HEAD_BYTES,
};

/// A stream of bytes.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A way to one TURN server.
pub(super) enum Way {
    Datagrams(UdpSocket),
    Stream(Box<dyn Stream>),
}

impl Way {
    /// Opens a way.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidData`] is of TLS.
    pub(super) async fn open(address: &TurnAddress) -> io::Result<Self> {
        let TurnAddress { host, port, transport } = address;
        if *transport == TurnTransport::Udp {
            let mut found = lookup_host((host.as_str(), *port)).await?;
            let there = found.next().ok_or(io::ErrorKind::NotFound)?;
            let here = if there.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(here).await?;
            socket.connect(there).await?;
            return Ok(Self::Datagrams(socket));
        }
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        if *transport == TurnTransport::Tcp {
            return Ok(Self::Stream(Box::new(stream)));
        }
        let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(whom_this_machine_trusts())
            .connect(name, stream)
            .await?;
        Ok(Self::Stream(Box::new(stream)))
    }

    /// Sends a question until an answer comes back.
    ///
    /// # Errors
    /// What the system says. Never if nothing comes at all: whoever asks has to give up.
    pub(super) async fn ask(&mut self, question: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Datagrams(socket) => {
                let mut answer = vec![0; TURN_ANSWER_BYTES_MAX];
                loop {
                    socket.send(question).await?;
                    if let Ok(received) = timeout(TURN_RESEND, socket.recv(&mut answer)).await {
                        let received = &answer[..received?];
                        // Cookie and transaction are the question's, or it answers an earlier one that was sent twice.
                        if received.get(4..HEAD_BYTES) == question.get(4..HEAD_BYTES) {
                            return Ok(received.to_vec());
                        }
                    }
                }
            }
            Self::Stream(stream) => {
                stream.write_all(question).await?;
                let mut head = [0; HEAD_BYTES];
                stream.read_exact(&mut head).await?;
                // What is longer is no answer, and is found out to be cut off.
                let rest = rest_bytes(&head).min(TURN_ANSWER_BYTES_MAX);
                let mut answer = head.to_vec();
                answer.resize(HEAD_BYTES + rest, 0);
                stream.read_exact(&mut answer[HEAD_BYTES..]).await?;
                Ok(answer)
            }
        }
    }
}

/// The certificates are read anew each time: an authority may have been added.
fn whom_this_machine_trusts() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("invariant: ring has what the protocol versions of rustls need")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}
