//! One UDP socket that answers from the address that was asked.
//!
//! A machine can have many addresses, and a socket for all of them answers from the one that the system prefers: a browser takes no answer from
//! another address than the one it asked. So the system tells for each datagram to which address it came, and is told from which to answer. The
//! crate `quinn-udp`, of the QUIC implementation `quinn`, does that without unsafe code of ours.

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
    slice,
};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use tokio::{io::Interest, net::UdpSocket};

/// See the module.
#[derive(Debug)]
pub(super) struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
}

/// Datagrams of one sender, of the same length but for the last, which can be shorter. Mostly it is one.
#[derive(Debug)]
pub(super) struct Received<'a> {
    pub(super) from: SocketAddr,
    /// Our address that was asked, as far as the system tells.
    pub(super) at: Option<IpAddr>,
    bytes: &'a [u8],
    len: usize,
}

impl Received<'_> {
    pub(super) fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks(self.len.max(1))
    }
}

impl Socket {
    pub(super) async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(address).await?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        Ok(Self { socket, state })
    }

    /// Waits for the next datagrams. The `buffer` is to be as large as a datagram can be: the system puts several into it.
    pub(super) async fn recv<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Received<'a>> {
        let mut meta = RecvMeta::default();
        let read = || {
            let (meta, mut buffer) = (slice::from_mut(&mut meta), [IoSliceMut::new(buffer)]);
            self.state.recv(UdpSockRef::from(&self.socket), &mut buffer, meta)
        };
        self.socket.async_io(Interest::READABLE, read).await?;
        Ok(Received {
            from: meta.addr,
            at: meta.dst_ip,
            bytes: &buffer[..meta.len],
            len: meta.stride,
        })
    }

    /// Sends to `to`, from our address `from`, if the system takes the datagram at once.
    pub(super) fn try_send(&self, datagram: &[u8], to: SocketAddr, from: Option<IpAddr>) -> io::Result<()> {
        let transmit = Transmit {
            destination: to,
            ecn: None,
            contents: datagram,
            segment_size: None,
            src_ip: from,
        };
        let write = || self.state.try_send(UdpSockRef::from(&self.socket), &transmit);
        self.socket.try_io(Interest::WRITABLE, write)
    }
}
