//! One WebRTC connection, without IO: what comes goes in by one method each, and what it wants sent goes to a [`Sink`].
//!
//! str0m asks for a strict order: one change, then all its output, before the next change. Every method here that changes the connection
//! ends with [`Connection::settle`], which does that. Where one gives a [`LinkEnd`], the connection is over.

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use client::{
    core::Step,
    driver::{Events, SlowReader},
};
use mesh::io::{Candidate as Line, Input, LinkEnd, LinkId, Path};
use str0m::{
    Candidate, Event, IceConnectionState, Input as RtcInput, Output, Rtc, RtcError,
    change::{SdpAnswer, SdpOffer, SdpPendingOffer},
    channel::ChannelId,
    config::DtlsVersion,
    net::{Protocol, Receive, Transmit},
};

use super::{
    Certificate,
    candidate::{self, Remote, RemoteEnds},
    outgoing::{Control, FileChannel, Which, negotiated},
};
use crate::config::{CONNECTION_BUFFER_BYTES, SETTLE_AGAIN, SETTLE_ROUNDS_MAX};

/// Where datagrams go.
pub(super) trait Sink {
    /// Sends one. What the system does not take is lost, as it can be on the way.
    fn send(&self, datagram: &Transmit);
}

/// One connection.
pub(super) struct Connection {
    link: LinkId,
    rtc: Rtc,
    events: Events,
    /// Our offer that is not answered yet.
    pending: Option<SdpPendingOffer>,
    /// What both channels are in str0m's numbers, once they were made.
    channels: Option<[ChannelId; 2]>,
    control: Control,
    files: FileChannel,
    /// The name of the section that candidates are for.
    section: Option<String>,
    /// Our candidates, with which a restart begins anew.
    own: Vec<Candidate>,
    remote_ends: RemoteEnds,
    /// Where encrypted packets go.
    far_end: Option<SocketAddr>,
    /// Whether ICE ever had a path. Before, that there is none yet is no news.
    had_path: bool,
    /// When to look again.
    deadline: Instant,
    /// Since it was hung up: until when what was sent may take to leave.
    hung_up: Option<Instant>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("link", &self.link).finish()
    }
}

impl Connection {
    /// A connection that waits for its first step.
    pub(super) fn new(link: LinkId, certificate: &Certificate, events: Events, now: Instant) -> Self {
        let rtc = Rtc::builder()
            .clear_codecs()
            .set_dtls_cert(certificate.0.clone())
            // Browsers differ in what they have.
            .set_dtls_version(DtlsVersion::Auto)
            .set_sctp_max_buffered_amount(CONNECTION_BUFFER_BYTES)
            .build(now);
        Self {
            link,
            rtc,
            events,
            pending: None,
            channels: None,
            control: Control::default(),
            files: FileChannel::default(),
            section: None,
            own: Vec::new(),
            remote_ends: RemoteEnds::default(),
            far_end: None,
            had_path: false,
            deadline: now,
            hung_up: None,
        }
    }

    /// When to call [`Connection::handle_timeout`].
    pub(super) fn deadline(&self) -> Instant {
        self.hung_up.map_or(self.deadline, |until| until.min(self.deadline))
    }

    /// Our part of the credentials in checks of ICE.
    pub(super) fn own_ufrag(&mut self) -> String {
        self.rtc.direct_api().local_ice_credentials().ufrag
    }

    /// Takes a step of the set-up other than candidates. Gives our description if it made one.
    pub(super) fn take(&mut self, step: Step) -> Result<Option<String>, LinkEnd> {
        let described = self.describe(step).map_err(|error| {
            tracing::debug!(link = ?self.link, %error, "a connection could not be set up");
            LinkEnd::Failed
        })?;
        if let Some(sdp) = &described {
            self.section = candidate::section(sdp).map(str::to_owned);
        }
        Ok(described)
    }

    fn describe(&mut self, step: Step) -> Result<Option<String>, RtcError> {
        match step {
            Step::Offer => {
                let mut change = self.rtc.sdp_api();
                let made =
                    [Which::Control, Which::Files].map(|which| change.add_channel_with_config(negotiated(which)));
                self.channels = Some(made);
                let offer = change.apply();
                Ok(self.offer(offer))
            }
            Step::Restart => {
                self.remote_ends.clear();
                let mut change = self.rtc.sdp_api();
                change.ice_restart(true);
                let offer = change.apply();
                Ok(self.offer(offer))
            }
            Step::Accept { sdp } => {
                let offer = SdpOffer::from_sdp_string(&sdp)?;
                self.remote_ends.clear();
                let answer = self.rtc.sdp_api().accept_offer(offer)?;
                if self.channels.is_none() {
                    let mut direct = self.rtc.direct_api();
                    let made =
                        [Which::Control, Which::Files].map(|which| direct.create_data_channel(negotiated(which)));
                    self.channels = Some(made);
                }
                Ok(Some(answer.to_sdp_string()))
            }
            Step::Answer { sdp } => {
                let answer = SdpAnswer::from_sdp_string(&sdp)?;
                if let Some(pending) = self.pending.take() {
                    self.rtc.sdp_api().accept_answer(pending, answer)?;
                }
                Ok(None)
            }
            Step::Servers { .. } | Step::Candidates { .. } => Ok(None),
        }
    }

    fn offer(&mut self, made: Option<(SdpOffer, SdpPendingOffer)>) -> Option<String> {
        let (offer, pending) = made?;
        self.pending = Some(pending);
        Some(offer.to_sdp_string())
    }

    /// Takes candidates of ours. Gives those that are new, as lines.
    pub(super) fn add_own(&mut self, found: impl IntoIterator<Item = Candidate>) -> Vec<Line> {
        let known = self.own.len();
        for candidate in found {
            if !self.own.contains(&candidate) {
                // One that str0m has already is none the worse for it.
                self.rtc.add_local_candidate(candidate.clone());
                self.own.push(candidate);
            }
        }
        self.own[known..].iter().map(|own| self.line(own)).collect()
    }

    /// All candidates of ours, as lines.
    pub(super) fn own_lines(&self) -> Vec<Line> {
        self.own.iter().map(|own| self.line(own)).collect()
    }

    fn line(&self, own: &Candidate) -> Line {
        candidate::line(own, self.section.as_deref())
    }

    /// Takes a candidate of the peer.
    pub(super) fn add_remote(&mut self, remote: Remote) {
        self.remote_ends.note(&remote);
        if let Remote::Known(candidate) = remote {
            self.rtc.add_remote_candidate(candidate);
        }
    }

    /// Whether a datagram is for this connection: str0m takes whatever comes from where it sends to, or has checked a path to.
    pub(super) fn accepts(&self, receive: Receive<'_>, now: Instant) -> bool {
        self.rtc.accepts(&RtcInput::Receive(now, receive))
    }

    /// Takes a datagram.
    pub(super) fn handle_datagram(
        &mut self,
        receive: Receive<'_>,
        now: Instant,
        sink: &impl Sink,
    ) -> Result<(), LinkEnd> {
        let taken = self.rtc.handle_input(RtcInput::Receive(now, receive));
        taken.map_err(|error| self.fail(&error))?;
        self.settle(now, sink)
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Instant, sink: &impl Sink) -> Result<(), LinkEnd> {
        let taken = self.rtc.handle_input(RtcInput::Timeout(now));
        taken.map_err(|error| self.fail(&error))?;
        self.settle(now, sink)
    }

    /// Queues a message. It leaves when the connection settles next.
    pub(super) fn send(&mut self, message: &[u8]) -> Result<(), SlowReader> {
        self.control.push(message)
    }

    /// Queues a message of the channel for files.
    pub(super) fn send_file(&mut self, message: &[u8]) -> Result<(), SlowReader> {
        self.files.push(message)
    }

    /// Reports nothing any more, and stays for as long as what was sent may take to leave.
    pub(super) fn hang_up(&mut self, now: Instant) {
        let linger: Option<Duration> = self.control.linger(&mut self.rtc);
        self.hung_up = Some(now + linger.unwrap_or_default());
    }

    /// Whether nothing is reported any more.
    pub(super) fn is_silent(&self) -> bool {
        self.hung_up.is_some()
    }

    /// Whether a connection that was hung up has nothing to wait for any more.
    pub(super) fn is_done(&mut self, now: Instant) -> bool {
        self.hung_up
            .is_some_and(|until| now >= until || self.control.linger(&mut self.rtc).is_none())
    }

    /// Tells the peer that it is over, as far as one datagram can.
    pub(super) fn close(&mut self, now: Instant, sink: &impl Sink) {
        // Nothing is reported from here on.
        self.hung_up = Some(now);
        if self.rtc.close().is_ok() {
            let _ = self.drain(now, sink);
        }
    }

    /// Has everything done that follows from what was changed, and channels filled again.
    fn settle(&mut self, now: Instant, sink: &impl Sink) -> Result<(), LinkEnd> {
        loop {
            self.drain(now, sink)?;
            // Both, the channel of the mesh first.
            let control = self.control.refill(&mut self.rtc)?;
            let files = self.files.refill(&mut self.rtc)?;
            if !control && !files {
                break;
            }
        }
        if self.files.is_writable_again(&mut self.rtc) {
            self.tell(Input::FileWritable { link: self.link });
        }
        Ok(())
    }

    /// Does what str0m wants done, until it wants to wait.
    fn drain(&mut self, now: Instant, sink: &impl Sink) -> Result<(), LinkEnd> {
        let mut rounds = 0;
        loop {
            match self.rtc.poll_output().map_err(|error| self.fail(&error))? {
                Output::Transmit(datagram) => {
                    self.note_path(&datagram);
                    sink.send(&datagram);
                }
                Output::Event(event) => self.on_event(event)?,
                Output::Timeout(at) if at > now => {
                    self.deadline = at;
                    return Ok(());
                }
                Output::Timeout(_) if rounds == SETTLE_ROUNDS_MAX => {
                    self.deadline = now + SETTLE_AGAIN;
                    return Ok(());
                }
                Output::Timeout(_) => {
                    rounds += 1;
                    let taken = self.rtc.handle_input(RtcInput::Timeout(now));
                    taken.map_err(|error| self.fail(&error))?;
                }
            }
        }
    }

    /// The path that ICE chose is the one that encrypted packets take: DTLS, by its first byte (RFC 7983 §7).
    fn note_path(&mut self, datagram: &Transmit) {
        let is_dtls = datagram.contents.first().is_some_and(|byte| (20..64).contains(byte));
        if is_dtls && self.far_end != Some(datagram.destination) {
            self.far_end = Some(datagram.destination);
            // The first one is reported when the channel opens.
            if self.control.is_open() {
                self.report_kind();
            }
        }
    }

    fn report_kind(&self) {
        if let Some(end) = self.far_end {
            let kind = self.remote_ends.kind(end);
            self.tell(Input::LinkKind { link: self.link, kind });
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most of it is of no use here, and more may come"
    )]
    fn on_event(&mut self, event: Event) -> Result<(), LinkEnd> {
        let link = self.link;
        let which = |id: ChannelId| {
            let [control, files] = self.channels?;
            [(control, Which::Control), (files, Which::Files)]
                .into_iter()
                .find_map(|(known, which)| (known == id).then_some(which))
        };
        match event {
            Event::IceConnectionStateChange(state) => self.on_ice(state),
            Event::ChannelOpen(id, _) => match which(id) {
                Some(Which::Control) => {
                    self.control.open(id);
                    self.tell(Input::LinkOpen { link });
                    self.report_kind();
                }
                Some(Which::Files) => {
                    self.files.open(id);
                    self.tell(Input::FilesOpen { link });
                }
                // Each one would take up room here, and there are thousands.
                None => return Err(LinkEnd::Failed),
            },
            Event::ChannelData(data) => {
                // Text is none of ours: an empty message stands for it, and is refused where all bad ones are.
                let bytes = if data.binary { data.data.into() } else { [].into() };
                match which(data.id) {
                    Some(Which::Control) => self.tell(Input::Fragment { link, bytes }),
                    Some(Which::Files) => self.tell(Input::FileFragment { link, bytes }),
                    None => return Err(LinkEnd::Failed),
                }
            }
            Event::ChannelClose(id) if which(id) == Some(Which::Control) => return Err(LinkEnd::ClosedByPeer),
            Event::Closed => return Err(LinkEnd::ClosedByPeer),
            // The channel for files alone, media, and what is measured of it.
            _ => {}
        }
        Ok(())
    }

    fn on_ice(&mut self, state: IceConnectionState) {
        let path = match state {
            IceConnectionState::Connected | IceConnectionState::Completed => Path::Connected,
            IceConnectionState::Disconnected if self.had_path => Path::Disconnected,
            IceConnectionState::New | IceConnectionState::Checking | IceConnectionState::Disconnected => return,
        };
        self.had_path = true;
        let link = self.link;
        self.tell(Input::LinkPath { link, path });
    }

    fn fail(&self, error: &RtcError) -> LinkEnd {
        tracing::debug!(link = ?self.link, %error, "a connection failed");
        LinkEnd::Failed
    }

    fn tell(&self, input: Input) {
        if self.hung_up.is_none() {
            self.events.input(input);
        }
    }

    /// Makes a mistake that str0m answers with a panic: two channels of one number.
    #[cfg(test)]
    pub(super) fn panic(&mut self) {
        let mut direct = self.rtc.direct_api();
        for _ in 0..2 {
            direct.create_data_channel(negotiated(Which::Control));
        }
    }
}

/// A datagram as str0m reads it, if it is any of WebRTC's.
pub(super) fn receive(local: SocketAddr, source: SocketAddr, bytes: &[u8]) -> Option<Receive<'_>> {
    Receive::new(Protocol::Udp, source, local, bytes).ok()
}

#[cfg(test)]
mod tests;
