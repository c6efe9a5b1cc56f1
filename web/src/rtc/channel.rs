//! The data channel of a connection, with a bounded queue in front of it.

use std::{cell::RefCell, rc::Rc, time::Duration};

use client::{
    channel::{ChannelState, Offered, SendQueue},
    config::BUFFERED_BYTES_LOW,
    driver::{Events, SlowReader},
};
use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use mesh::io::{Input, LinkEnd, LinkId};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Event, MessageEvent, RtcDataChannel, RtcDataChannelInit, RtcDataChannelState, RtcDataChannelType, RtcPeerConnection,
};

use super::report_kind;
use crate::{config::CHANNEL_ID, js};

/// A data channel, ordered and reliable.
#[derive(Debug)]
pub(super) struct Channel {
    channel: RtcDataChannel,
    queue: Rc<RefCell<SendQueue>>,
    listeners: Vec<EventListener>,
}

impl Channel {
    /// Makes the channel of a connection that has no description yet.
    pub(super) fn new(peer_connection: &RtcPeerConnection, link: LinkId, events: Events) -> Self {
        let channel = negotiated(peer_connection, "control", CHANNEL_ID, BUFFERED_BYTES_LOW);
        let queue: Rc<RefCell<SendQueue>> = Rc::default();

        let opened = events.clone();
        let (writable, waiting) = (channel.clone(), Rc::clone(&queue));
        let connection = peer_connection.clone();
        let on_open = EventListener::new(&channel, "open", move |_| {
            opened.input(Input::LinkOpen { link });
            report_kind(&connection, link, &opened);
            flush(&writable, &waiting);
        });
        let received = events.clone();
        let on_message = EventListener::new(&channel, "message", move |event| {
            let bytes = bytes_in(event);
            received.input(Input::Fragment { link, bytes });
        });
        let on_close = EventListener::new(&channel, "close", move |_| {
            events.input(Input::LinkClosed {
                link,
                end: LinkEnd::ClosedByPeer,
            });
        });
        let (writable, waiting) = (channel.clone(), Rc::clone(&queue));
        let on_low = EventListener::new(&channel, "bufferedamountlow", move |_| flush(&writable, &waiting));
        Self {
            channel,
            queue,
            listeners: vec![on_open, on_message, on_close, on_low],
        }
    }

    /// Sends a message or queues it.
    pub(super) fn send(&self, message: &[u8]) -> Result<(), SlowReader> {
        let offered = self.queue.borrow_mut().offer(message, state(&self.channel));
        match offered {
            Offered::Send => {
                // If that fails, the channel's close event follows and reports it.
                let _ = write(&self.channel, message);
            }
            Offered::Queued => flush(&self.channel, &self.queue),
            Offered::Full => return Err(SlowReader),
        }
        Ok(())
    }

    /// How long to wait until what was sent has left the page.
    pub(super) fn linger(&self) -> Option<Duration> {
        self.queue.borrow().linger(state(&self.channel))
    }

    /// Tells at any time whether the channel is open.
    pub(super) fn is_open(&self) -> impl Fn() -> bool + 'static {
        let channel = self.channel.clone();
        move || is_open(&channel)
    }

    /// Reports nothing any more.
    pub(super) fn silence(&mut self) {
        self.listeners.clear();
    }
}

/// A channel, ordered and reliable, that both sides make without a word about it.
pub(super) fn negotiated(peer_connection: &RtcPeerConnection, label: &str, id: u16, low: u32) -> RtcDataChannel {
    let init = RtcDataChannelInit::new();
    init.set_negotiated(true);
    init.set_id(id);
    let channel = peer_connection.create_data_channel_with_data_channel_dict(label, &init);
    channel.set_binary_type(RtcDataChannelType::Arraybuffer);
    channel.set_buffered_amount_low_threshold(low);
    channel
}

/// What a message brought. Text is none of ours: an empty message stands for it, and is refused where all bad ones are.
pub(super) fn bytes_in(event: &Event) -> Rc<[u8]> {
    let data = event.unchecked_ref::<MessageEvent>().data();
    let bytes = data.dyn_ref::<ArrayBuffer>();
    bytes
        .map_or_else(Vec::new, |data| Uint8Array::new(data).to_vec())
        .into()
}

fn is_open(channel: &RtcDataChannel) -> bool {
    channel.ready_state() == RtcDataChannelState::Open
}

fn state(channel: &RtcDataChannel) -> ChannelState {
    if is_open(channel) {
        let buffered = channel.buffered_amount();
        ChannelState::Open { buffered }
    } else {
        ChannelState::Closed
    }
}

/// Hands what waits to the browser, until its buffer is full enough or the channel fails.
fn flush(channel: &RtcDataChannel, queue: &RefCell<SendQueue>) {
    loop {
        // The borrow ends with this statement.
        let message = queue.borrow_mut().poll(state(channel));
        let Some(message) = message else { return };
        if write(channel, &message).is_err() {
            return;
        }
    }
}

fn write(channel: &RtcDataChannel, message: &[u8]) -> Result<(), JsValue> {
    channel
        .send_with_u8_array(message)
        .inspect_err(|error| js::log_error("a message could not be sent", error))
}
