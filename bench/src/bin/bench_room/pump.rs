//! A bare pump: one connection of str0m over a UDP socket of loopback, through which one end pushes bytes and the other counts them. The set-up of the
//! connection is that of `starling`; there is no signature, no hash and no disk.

use std::{
    io::{self, BufRead as _, ErrorKind, Write as _},
    net::UdpSocket,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use rustix::net::sockopt;
use str0m::{
    Candidate, Event, Input, Output, Rtc,
    change::{SdpAnswer, SdpOffer},
    channel::{ChannelConfig, ChannelId, Reliability},
    config::DtlsVersion,
    net::{Protocol, Receive},
};

/// One end of the pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum End {
    /// Makes the offer, and sends once it is asked.
    Send,
    /// Answers, asks, counts, and prints how many seconds it took.
    Receive,
}

/// The bytes of a message: as long as those that carry a file.
const MESSAGE_BYTES: usize = mesh::config::FILE_FRAME_BYTES_MAX;

/// How much is handed to the connection at once: see `CHANNEL_BUFFER_BYTES` of the terminal, which was found by trying.
const BUFFERED_BYTES_MAX: usize = 128 * 1024;

/// What each socket asks the system for, as the terminal's do.
const SOCKET_BUFFER_BYTES: usize = 2 * 1024 * 1024;

/// How long a datagram is waited for before it is looked what is due.
const LOOK: Duration = Duration::from_millis(1);

/// How long the receiver waits before it asks: what follows from the set-up is over.
const SETTLE: Duration = Duration::from_secs(1);

const MIB: usize = 1024 * 1024;

struct Pump {
    rtc: Rtc,
    socket: UdpSocket,
    channel: Option<ChannelId>,
    is_open: bool,
}

/// Is one end. Offer and answer are a line of JSON each, on the standard output and input.
///
/// # Errors
/// What went wrong.
pub(crate) fn be(end: End, mib: u32) -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    // Set once: at each datagram that would be one call of the system more.
    socket.set_read_timeout(Some(LOOK))?;
    let _ = sockopt::set_socket_recv_buffer_size(&socket, SOCKET_BUFFER_BYTES);
    let _ = sockopt::set_socket_send_buffer_size(&socket, SOCKET_BUFFER_BYTES);
    let mut rtc = Rtc::builder()
        .clear_codecs()
        .set_dtls_version(DtlsVersion::Auto)
        .set_sctp_max_buffered_amount(2 * (BUFFERED_BYTES_MAX + MESSAGE_BYTES))
        .build(Instant::now());
    rtc.add_local_candidate(Candidate::host(socket.local_addr()?, "udp")?);
    let channel = match end {
        End::Send => {
            let mut change = rtc.sdp_api();
            let channel = change.add_channel_with_config(config());
            let (offer, pending) = change.apply().context("an offer")?;
            print(&serde_json::to_string(&offer)?)?;
            let answer: SdpAnswer = serde_json::from_str(&read()?)?;
            rtc.sdp_api().accept_answer(pending, answer)?;
            channel
        }
        End::Receive => {
            let offer: SdpOffer = serde_json::from_str(&read()?)?;
            let answer = rtc.sdp_api().accept_offer(offer)?;
            let channel = rtc.direct_api().create_data_channel(config());
            print(&serde_json::to_string(&answer)?)?;
            channel
        }
    };
    let pump = Pump {
        rtc,
        socket,
        channel: Some(channel),
        is_open: false,
    };
    let bytes = mib as usize * MIB;
    match end {
        End::Send => pump.send(bytes),
        End::Receive => pump.receive(bytes),
    }
}

fn config() -> ChannelConfig {
    ChannelConfig {
        label: "pump".to_owned(),
        ordered: true,
        reliability: Reliability::Reliable,
        negotiated: Some(0),
        protocol: String::new(),
    }
}

fn print(line: &str) -> Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{line}")?;
    out.flush().context("nobody reads")
}

fn read() -> Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

impl Pump {
    fn send(mut self, bytes: usize) -> Result<()> {
        let message = vec![7; MESSAGE_BYTES];
        let mut left = None;
        loop {
            let received = self.turn()?;
            if received > 0 {
                left = Some(bytes);
            }
            let Some(left) = &mut left else { continue };
            while *left > 0 {
                let mut channel = self
                    .channel
                    .and_then(|id| self.rtc.channel(id))
                    .context("the channel")?;
                if channel.buffered_amount() >= BUFFERED_BYTES_MAX {
                    break;
                }
                let part = &message[..MESSAGE_BYTES.min(*left)];
                if !channel.write(true, part)? {
                    bail!("a message was not taken");
                }
                *left -= part.len();
            }
        }
    }

    fn receive(mut self, bytes: usize) -> Result<()> {
        while !self.is_open {
            self.turn()?;
        }
        let settled = Instant::now() + SETTLE;
        while Instant::now() < settled {
            self.turn()?;
        }
        let started = Instant::now();
        let mut channel = self
            .channel
            .and_then(|id| self.rtc.channel(id))
            .context("the channel")?;
        channel.write(true, b"go")?;
        let mut left = bytes;
        while left > 0 {
            left = left.saturating_sub(self.turn()?);
        }
        print(&started.elapsed().as_secs_f64().to_string())
    }

    /// Does what is due, waits for a datagram if nothing is, and takes it. Gives how many bytes of messages came.
    fn turn(&mut self) -> Result<usize> {
        let mut received = 0;
        let until = loop {
            match self.rtc.poll_output()? {
                Output::Transmit(datagram) => match self.socket.send_to(&datagram.contents, datagram.destination) {
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => bail!("the other end is gone"),
                    Ok(_) | Err(_) => {}
                },
                Output::Event(Event::ChannelOpen(..)) => self.is_open = true,
                Output::Event(Event::ChannelData(data)) => received += data.data.len(),
                Output::Event(Event::ChannelClose(_) | Event::Closed) => bail!("the connection ended"),
                Output::Event(_) => {}
                Output::Timeout(at) => break at,
            }
        };
        if received > 0 {
            return Ok(received);
        }
        if until <= Instant::now() {
            self.rtc.handle_input(Input::Timeout(Instant::now()))?;
            return Ok(received);
        }
        let mut buffer = [0; 2048];
        let input = match self.socket.recv_from(&mut buffer) {
            Ok((count, source)) => {
                let local = self.socket.local_addr()?;
                let Ok(datagram) = Receive::new(Protocol::Udp, source, local, &buffer[..count]) else {
                    return Ok(received);
                };
                Input::Receive(Instant::now(), datagram)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Input::Timeout(Instant::now())
            }
            Err(error) => return Err(error).context("the socket"),
        };
        self.rtc.handle_input(input)?;
        Ok(received)
    }
}
