//! One WebRTC connection: set up in the order it is told to, with two data channels (negotiated, ordered and reliable).
//!
//! Browsers want descriptions and candidates applied one after the other; a [`Connection`] has a queue of [`Step`]s and one task
//! that works through it. Everything that happens comes back as an [`Input`] of the node. Dropping a connection silences it
//! and closes it.
//!
//! Both channels carry messages of at most 17 KiB, for Chromium does not interleave messages within an association: what people say waits
//! for one message of a file at most, as channels have their turns.

mod channel;
mod file_channel;

use std::{cell::RefCell, pin::pin, rc::Rc};

use client::{
    candidate::{CandidateBatch, Found},
    channel::link_kind,
    core::Step,
    driver::{DriverEvent, Events, Exhausted, SlowReader},
};
use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::{StreamExt, future::select};
use gloo_events::EventListener;
use gloo_timers::{callback::Timeout, future::sleep};
use js_sys::{Array, Object};
use mesh::io::{Candidate, Input, LinkEnd, LinkId, Path, TransportPolicy};
use shared::signal::IceServer;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    RtcCertificate, RtcConfiguration, RtcIceCandidateInit, RtcIceConnectionState, RtcIceServer, RtcIceTransportPolicy,
    RtcOfferOptions, RtcPeerConnection, RtcPeerConnectionIceEvent, RtcSdpType, RtcSessionDescriptionInit,
};

use self::{channel::Channel, file_channel::FileChannel};
use crate::{clock, config::CHECK_MAX, js};

/// A connection of this page.
#[derive(Debug)]
pub(crate) struct Connection {
    peer_connection: RtcPeerConnection,
    channel: Channel,
    files: FileChannel,
    steps: UnboundedSender<Step>,
    _listeners: Vec<EventListener>,
}

impl Connection {
    /// Makes a connection that waits for its first [`Step`].
    pub(crate) fn new(
        link: LinkId,
        ice_servers: &[IceServer],
        policy: TransportPolicy,
        certificate: Option<&RtcCertificate>,
        events: &Events,
    ) -> Result<Self, Exhausted> {
        let connect = |ice_servers| {
            let configuration = configuration(ice_servers, policy, certificate);
            RtcPeerConnection::new_with_configuration(&configuration)
        };
        // If it is a server's address that this browser does not take, the others need not go without a link for it.
        let peer_connection = connect(ice_servers).or_else(|error| {
            js::log_error("a connection cannot be made with these ICE servers", &error);
            connect(&[])
        });
        let peer_connection = peer_connection.map_err(|error| {
            js::log_error("a connection cannot be made", &error);
            Exhausted
        })?;
        let channel = Channel::new(&peer_connection, link, events.clone());
        let files = FileChannel::new(&peer_connection, link, events.clone());
        let (steps, queue) = unbounded();
        let listeners = vec![
            listen_to_candidates(&peer_connection, link, events.clone()),
            listen_to_path(&peer_connection, &channel, link, events.clone()),
        ];
        spawn_local(work(peer_connection.clone(), link, queue, events.clone()));
        Ok(Self {
            peer_connection,
            channel,
            files,
            steps,
            _listeners: listeners,
        })
    }

    /// Queues a step.
    pub(crate) fn push(&self, step: Step) {
        // The task that works through the queue lives as long as the connection.
        let _ = self.steps.unbounded_send(step);
    }

    /// Sends a message on the channel, or queues it there.
    pub(crate) fn send(&self, message: &[u8]) -> Result<(), SlowReader> {
        self.channel.send(message)
    }

    /// Sends a message on the channel for files.
    pub(crate) fn send_file(&self, message: &[u8]) {
        self.files.send(message);
    }

    /// Closes the connection, once what was sent is on its way.
    pub(crate) fn hang_up(self) {
        if let Some(linger) = self.channel.linger() {
            spawn_local(async move {
                sleep(linger).await;
                drop(self);
            });
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.channel.silence();
        self.files.silence();
        self.peer_connection.close();
    }
}

/// The candidates that a connection for trial finds with these servers by this policy; `None` if the browser makes none.
pub(crate) async fn look_around(ice_servers: &[IceServer], policy: TransportPolicy) -> Option<Vec<Candidate>> {
    let (events, mut queue) = Events::channel();
    let mut found = Vec::new();
    let connection = Connection::new(LinkId(0), ice_servers, policy, None, &events).ok()?;
    connection.push(Step::Offer);
    let all = async {
        while let Some(event) = queue.next().await {
            if let DriverEvent::Input(Input::LocalCandidates { candidates, .. }) = event {
                found.extend(candidates);
            }
            if found.last() == Some(&Candidate::end()) {
                return;
            }
        }
    };
    select(pin!(all), pin!(sleep(CHECK_MAX))).await;
    Some(found)
}

fn configuration(
    ice_servers: &[IceServer],
    policy: TransportPolicy,
    certificate: Option<&RtcCertificate>,
) -> RtcConfiguration {
    let configuration = RtcConfiguration::new();
    configuration.set_ice_servers(&entries(ice_servers));
    if policy == TransportPolicy::Relay {
        configuration.set_ice_transport_policy(RtcIceTransportPolicy::Relay);
    }
    if let Some(certificate) = certificate {
        configuration.set_certificates(&Array::of1(certificate));
    }
    configuration
}

/// The servers as the browser takes them.
fn entries(ice_servers: &[IceServer]) -> Array {
    ice_servers
        .iter()
        .map(|server| {
            let entry = RtcIceServer::new();
            let urls: Array = server.urls.iter().map(|url| JsValue::from(url.as_str())).collect();
            entry.set_urls(&urls);
            if let Some(username) = &server.username {
                entry.set_username(username);
            }
            if let Some(credential) = &server.credential {
                entry.set_credential(credential);
            }
            entry
        })
        .collect()
}

/// Reports candidates in small batches.
fn listen_to_candidates(peer_connection: &RtcPeerConnection, link: LinkId, events: Events) -> EventListener {
    let gathered: Rc<RefCell<(CandidateBatch, Option<Timeout>)>> = Rc::default();
    EventListener::new(peer_connection, "icecandidate", move |event| {
        let event: &RtcPeerConnectionIceEvent = event.unchecked_ref();
        let found = event.candidate().map_or(Found::End, |found| {
            Found::Candidate(Candidate {
                line: found.candidate(),
                mid: found.sdp_mid(),
            })
        });
        let mut pending = gathered.borrow_mut();
        if let Some(after) = pending.0.push(found) {
            // Weak, because the timer is in there too: both end with the listener.
            let (gathered, events) = (Rc::downgrade(&gathered), events.clone());
            pending.1 = Some(Timeout::new(clock::millis(after), move || {
                if let Some(gathered) = gathered.upgrade() {
                    let candidates = gathered.borrow_mut().0.take();
                    events.input(Input::LocalCandidates { link, candidates });
                }
            }));
        }
    })
}

/// Reports whether ICE has a path.
fn listen_to_path(
    peer_connection: &RtcPeerConnection,
    channel: &Channel,
    link: LinkId,
    events: Events,
) -> EventListener {
    let (observed, is_open) = (peer_connection.clone(), channel.is_open());
    EventListener::new(peer_connection, "iceconnectionstatechange", move |_| {
        let path = match observed.ice_connection_state() {
            RtcIceConnectionState::Connected | RtcIceConnectionState::Completed => Path::Connected,
            RtcIceConnectionState::Disconnected => Path::Disconnected,
            RtcIceConnectionState::Failed => Path::Failed,
            // Not there yet, or over; also what later browsers may add.
            RtcIceConnectionState::New | RtcIceConnectionState::Checking | RtcIceConnectionState::Closed | _ => return,
        };
        events.input(Input::LinkPath { link, path });
        // An ICE restart may have found another path. The first one is reported when the channel opens.
        if path == Path::Connected && is_open() {
            report_kind(&observed, link, &events);
        }
    })
}

/// Finds out how a connection reaches its peer, and reports it.
fn report_kind(peer_connection: &RtcPeerConnection, link: LinkId, events: &Events) {
    let (peer_connection, events) = (peer_connection.clone(), events.clone());
    spawn_local(async move {
        if let Some([own, theirs]) = js::candidate_types(&peer_connection).await {
            let kind = link_kind([&own, &theirs]);
            events.input(Input::LinkKind { link, kind });
        }
    });
}

/// Works through a connection's steps, one after the other, until the connection is dropped.
async fn work(peer_connection: RtcPeerConnection, link: LinkId, mut queue: UnboundedReceiver<Step>, events: Events) {
    while let Some(step) = queue.next().await {
        match take(&peer_connection, step).await {
            Ok(Some(sdp)) => events.input(Input::LocalDescription { link, sdp }),
            Ok(None) => {}
            Err(error) => {
                js::log_error("a connection could not be set up", &error);
                events.input(Input::LinkClosed {
                    link,
                    end: LinkEnd::Failed,
                });
                return;
            }
        }
    }
}

/// Takes one step; gives the local description if it made one.
async fn take(peer_connection: &RtcPeerConnection, step: Step) -> Result<Option<String>, JsValue> {
    match step {
        Step::Offer => describe_locally(peer_connection, &implicit()).await.map(Some),
        Step::Servers { ice_servers } => {
            // Nothing but the servers may change.
            let configuration = peer_connection.get_configuration();
            configuration.set_ice_servers(&entries(&ice_servers));
            if let Err(error) = peer_connection.set_configuration_with_configuration(&configuration) {
                js::log_error("a connection keeps the ICE servers it has", &error);
            }
            Ok(None)
        }
        Step::Restart => {
            let options = RtcOfferOptions::new();
            options.set_ice_restart(true);
            let offer = JsFuture::from(peer_connection.create_offer_with_rtc_offer_options(&options)).await?;
            describe_locally(peer_connection, offer.unchecked_ref()).await.map(Some)
        }
        Step::Accept { sdp } => {
            describe_remotely(peer_connection, RtcSdpType::Offer, &sdp).await?;
            describe_locally(peer_connection, &implicit()).await.map(Some)
        }
        Step::Answer { sdp } => describe_remotely(peer_connection, RtcSdpType::Answer, &sdp)
            .await
            .map(|()| None),
        Step::Candidates { candidates } => {
            // All are handed over before the first is waited for: the browser takes them in this order anyway.
            let handed: Vec<_> = candidates
                .iter()
                .map(|candidate| {
                    let init = RtcIceCandidateInit::new(&candidate.line);
                    init.set_sdp_mid(candidate.mid.as_deref());
                    peer_connection.add_ice_candidate_with_opt_rtc_ice_candidate_init(Some(&init))
                })
                .collect();
            for added in handed {
                // One that this browser does not understand leaves the others.
                if let Err(error) = JsFuture::from(added).await {
                    js::log_error("a candidate was not accepted", &error);
                }
            }
            Ok(None)
        }
    }
}

/// A description that the browser makes as it applies it: an offer or an answer, by the state of the connection (W3C WebRTC, 4.4.1.6).
/// Making it first would be one more wait.
fn implicit() -> RtcSessionDescriptionInit {
    Object::new().unchecked_into()
}

/// Applies our own description; gives it as it now is, with candidates that were found at once.
async fn describe_locally(
    peer_connection: &RtcPeerConnection,
    description: &RtcSessionDescriptionInit,
) -> Result<String, JsValue> {
    JsFuture::from(peer_connection.set_local_description(description)).await?;
    let local = peer_connection.local_description();
    local
        .map(|local| local.sdp())
        .ok_or_else(|| JsValue::from("no local description"))
}

async fn describe_remotely(peer_connection: &RtcPeerConnection, kind: RtcSdpType, sdp: &str) -> Result<(), JsValue> {
    let description = RtcSessionDescriptionInit::new(kind);
    description.set_sdp(sdp);
    JsFuture::from(peer_connection.set_remote_description(&description))
        .await
        .map(|_| ())
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
#[expect(clippy::wildcard_enum_match_arm, reason = "every other event fails a test")]
mod tests;
