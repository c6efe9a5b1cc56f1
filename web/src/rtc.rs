//! One WebRTC connection: set up in the order it is told to, with one *control lane* (a negotiated data channel, ordered and reliable).
//!
//! Browsers want descriptions and candidates applied one after the other; a [`Connection`] has a queue of [`Op`]s and one task that
//! works through it. Everything that happens comes back as an [`Input`] of the node. Dropping a connection silences it and closes
//! it.
//!
//! The control lane carries messages of at most 16 KiB. A lane for bulk data is not opened: Chromium does not
//! interleave messages within an association, so file data would delay chat there whatever the lane.

mod lane;

use std::{cell::RefCell, rc::Rc, time::Duration};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::StreamExt;
use gloo_events::EventListener;
use gloo_timers::{callback::Timeout, future::sleep};
use js_sys::Array;
use mesh::io::{Candidate, Input, LinkEnd, LinkId, LinkKind, Path};
use shared::signal::IceServer;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    RtcCertificate, RtcConfiguration, RtcIceCandidateInit, RtcIceConnectionState, RtcIceServer, RtcOfferOptions,
    RtcPeerConnection, RtcPeerConnectionIceEvent, RtcSdpType, RtcSessionDescriptionInit,
};

use self::lane::Lane;
use crate::{driver::Events, js};

/// How long candidates are gathered into one envelope. They come in bursts, and each envelope costs a signature; but a link
/// cannot open before the first of them has arrived.
const CANDIDATE_BATCH: Duration = Duration::from_millis(2);

/// How long a connection that still has data to send is kept open after it was hung up.
const DRAIN: Duration = Duration::from_millis(500);

/// A step of a connection's set-up.
#[derive(Debug)]
pub(crate) enum Op {
    /// Make an offer; at first, or to restart ICE.
    Offer { restart: bool },
    /// Take an offer and answer it.
    Accept { sdp: String },
    /// Take an answer.
    Answer { sdp: String },
    /// Take candidates.
    Candidates { candidates: Vec<Candidate> },
}

/// A connection of this page.
#[derive(Debug)]
pub(crate) struct Connection {
    peer_connection: RtcPeerConnection,
    lane: Lane,
    ops: UnboundedSender<Op>,
    _listeners: Vec<EventListener>,
}

/// The browser makes no more connections in this page.
#[derive(Debug)]
pub(crate) struct Exhausted;

impl Connection {
    /// Makes a connection that waits for its first [`Op`].
    pub(crate) fn new(
        link: LinkId,
        ice_servers: &[IceServer],
        certificate: Option<&RtcCertificate>,
        events: &Events,
    ) -> Result<Self, Exhausted> {
        let configuration = configuration(ice_servers, certificate);
        let peer_connection = RtcPeerConnection::new_with_configuration(&configuration).map_err(|error| {
            js::log(&format!("cannot make a connection: {}", js::describe(&error)));
            Exhausted
        })?;
        let lane = Lane::new(&peer_connection, link, events.clone());
        let (ops, queue) = unbounded();
        let listeners = vec![
            listen_to_candidates(&peer_connection, link, events.clone()),
            listen_to_path(&peer_connection, link, events.clone()),
        ];
        spawn_local(work(peer_connection.clone(), link, queue, events.clone()));
        Ok(Self {
            peer_connection,
            lane,
            ops,
            _listeners: listeners,
        })
    }

    /// Queues a step.
    pub(crate) fn push(&self, op: Op) {
        // The task that works through the queue lives as long as the connection.
        let _ = self.ops.unbounded_send(op);
    }

    /// Sends a message on the control lane, or queues it there. `false` if the queue is full: the peer does not read.
    #[must_use]
    pub(crate) fn send(&self, bytes: impl Into<Rc<[u8]>>) -> bool {
        self.lane.send(bytes.into())
    }

    /// Closes the connection, once what was sent is on its way.
    pub(crate) fn hang_up(self) {
        if self.lane.is_drained() {
            return;
        }
        spawn_local(async move {
            sleep(DRAIN).await;
            drop(self);
        });
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.lane.silence();
        self.peer_connection.close();
    }
}

fn configuration(ice_servers: &[IceServer], certificate: Option<&RtcCertificate>) -> RtcConfiguration {
    let configuration = RtcConfiguration::new();
    let servers: Array = ice_servers
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
        .collect();
    configuration.set_ice_servers(&servers);
    if let Some(certificate) = certificate {
        configuration.set_certificates(&Array::of1(certificate));
    }
    configuration
}

/// Reports candidates in small batches.
fn listen_to_candidates(peer_connection: &RtcPeerConnection, link: LinkId, events: Events) -> EventListener {
    let batch: Rc<RefCell<(Vec<Candidate>, Option<Timeout>)>> = Rc::default();
    EventListener::new(peer_connection, "icecandidate", move |event| {
        let event: &RtcPeerConnectionIceEvent = event.unchecked_ref();
        // None is the end of all; an empty one is the end of one network's, and of no use to anybody.
        let candidate = event.candidate().map_or_else(Candidate::end, |found| Candidate {
            line: found.candidate(),
            mid: found.sdp_mid(),
        });
        if candidate.line.is_empty() && event.candidate().is_some() {
            return;
        }
        let mut pending = batch.borrow_mut();
        pending.0.push(candidate);
        if pending.1.is_none() {
            let (batch, events) = (Rc::clone(&batch), events.clone());
            #[expect(clippy::cast_possible_truncation, reason = "some milliseconds")]
            let millis = CANDIDATE_BATCH.as_millis() as u32;
            pending.1 = Some(Timeout::new(millis, move || {
                let (candidates, _) = std::mem::take(&mut *batch.borrow_mut());
                events.input(Input::LocalCandidates { link, candidates });
            }));
        }
    })
}

/// Reports whether ICE has a path.
fn listen_to_path(peer_connection: &RtcPeerConnection, link: LinkId, events: Events) -> EventListener {
    let observed = peer_connection.clone();
    EventListener::new(peer_connection, "iceconnectionstatechange", move |_| {
        let path = match observed.ice_connection_state() {
            RtcIceConnectionState::Connected | RtcIceConnectionState::Completed => Path::Connected,
            RtcIceConnectionState::Disconnected => Path::Disconnected,
            RtcIceConnectionState::Failed => Path::Failed,
            // Not there yet, or over; also what later browsers may add.
            RtcIceConnectionState::New | RtcIceConnectionState::Checking | RtcIceConnectionState::Closed | _ => return,
        };
        events.input(Input::LinkPath { link, path });
        // An ICE restart may have found another path.
        if path == Path::Connected {
            report_kind(&observed, link, &events);
        }
    })
}

/// Finds out how a connection reaches its peer, and reports it.
fn report_kind(peer_connection: &RtcPeerConnection, link: LinkId, events: &Events) {
    let (peer_connection, events) = (peer_connection.clone(), events.clone());
    spawn_local(async move {
        if let Some(types) = js::candidate_types(&peer_connection).await {
            let kind = if types.iter().any(|end| end == "relay") {
                LinkKind::Relayed
            } else if types.iter().all(|end| end == "host") {
                LinkKind::Local
            } else {
                LinkKind::Direct
            };
            events.input(Input::LinkKind { link, kind });
        }
    });
}

/// Works through a connection's steps, one after the other, until the connection is dropped.
async fn work(peer_connection: RtcPeerConnection, link: LinkId, mut queue: UnboundedReceiver<Op>, events: Events) {
    while let Some(op) = queue.next().await {
        match step(&peer_connection, op).await {
            Ok(Some(sdp)) => events.input(Input::LocalDescription { link, sdp }),
            Ok(None) => {}
            Err(error) => {
                js::log(&format!("a connection could not be set up: {}", js::describe(&error)));
                events.input(Input::LinkClosed {
                    link,
                    end: LinkEnd::Failed,
                });
                return;
            }
        }
    }
}

/// Does one step; gives the local description if it made one.
async fn step(peer_connection: &RtcPeerConnection, op: Op) -> Result<Option<String>, JsValue> {
    match op {
        Op::Offer { restart } => {
            let options = RtcOfferOptions::new();
            options.set_ice_restart(restart);
            let offer = JsFuture::from(peer_connection.create_offer_with_rtc_offer_options(&options)).await?;
            describe_locally(peer_connection, offer.unchecked_ref()).await.map(Some)
        }
        Op::Accept { sdp } => {
            describe_remotely(peer_connection, RtcSdpType::Offer, &sdp).await?;
            let answer = JsFuture::from(peer_connection.create_answer()).await?;
            describe_locally(peer_connection, answer.unchecked_ref())
                .await
                .map(Some)
        }
        Op::Answer { sdp } => describe_remotely(peer_connection, RtcSdpType::Answer, &sdp)
            .await
            .map(|()| None),
        Op::Candidates { candidates } => {
            for candidate in candidates {
                let init = RtcIceCandidateInit::new(&candidate.line);
                init.set_sdp_mid(candidate.mid.as_deref());
                let added = peer_connection.add_ice_candidate_with_opt_rtc_ice_candidate_init(Some(&init));
                // One that this browser does not understand leaves the others.
                if let Err(error) = JsFuture::from(added).await {
                    js::log(&format!("a candidate was not accepted: {}", js::describe(&error)));
                }
            }
            Ok(None)
        }
    }
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
