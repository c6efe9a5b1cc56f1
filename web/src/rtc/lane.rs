//! The control lane of a connection: a data channel with a bounded queue in front of it.
//!
//! The browser's own queue is filled to [`BUFFERED_MAX`] only: what is beyond waits here, where it can be counted. (Chromium closes
//! a channel whose queue passes 16 MiB.)

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use mesh::io::{Input, LinkEnd, LinkId};
use wasm_bindgen::JsCast;
use web_sys::{
    MessageEvent, RtcDataChannel, RtcDataChannelInit, RtcDataChannelState, RtcDataChannelType, RtcPeerConnection,
};

use super::report_kind;
use crate::{driver::Events, js};

/// The stream number both sides agree on beforehand (`negotiated`): no round trip to open the lane.
const CONTROL: u16 = 0;

/// How much the browser's queue is filled, in bytes.
const BUFFERED_MAX: u32 = 1024 * 1024;

/// When the browser asks for more, in bytes.
const BUFFERED_LOW: u32 = 256 * 1024;

/// How much waits in front of the browser's queue, in bytes. Past it the peer is a slow reader.
const QUEUED_MAX: usize = 8 * 1024 * 1024;

/// A control lane.
#[derive(Debug)]
pub(super) struct Lane {
    channel: RtcDataChannel,
    queue: Rc<RefCell<Queue>>,
    listeners: Vec<EventListener>,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Rc<[u8]>>,
    bytes: usize,
}

impl Lane {
    /// Makes the lane of a connection that has no description yet.
    pub(super) fn new(peer_connection: &RtcPeerConnection, link: LinkId, events: Events) -> Self {
        let init = RtcDataChannelInit::new();
        init.set_negotiated(true);
        init.set_id(CONTROL);
        let channel = peer_connection.create_data_channel_with_data_channel_dict("control", &init);
        channel.set_binary_type(RtcDataChannelType::Arraybuffer);
        channel.set_buffered_amount_low_threshold(BUFFERED_LOW);
        let queue: Rc<RefCell<Queue>> = Rc::default();

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
            let data = event.unchecked_ref::<MessageEvent>().data();
            // Text is none of ours: an empty packet stands for it, and is refused where all bad packets are.
            let bytes = data
                .dyn_ref::<ArrayBuffer>()
                .map_or_else(Vec::new, |data| Uint8Array::new(data).to_vec());
            let bytes = bytes.into();
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

    /// Sends a message or queues it. `false` if the queue is full.
    pub(super) fn send(&self, bytes: Rc<[u8]>) -> bool {
        {
            let mut queue = self.queue.borrow_mut();
            if queue.bytes + bytes.len() > QUEUED_MAX {
                return false;
            }
            queue.bytes += bytes.len();
            queue.messages.push_back(bytes);
        }
        flush(&self.channel, &self.queue);
        true
    }

    /// Whether everything sent has left the browser's queue.
    pub(super) fn is_drained(&self) -> bool {
        let open = self.channel.ready_state() == RtcDataChannelState::Open;
        !open || (self.queue.borrow().messages.is_empty() && self.channel.buffered_amount() == 0)
    }

    /// Reports nothing any more.
    pub(super) fn silence(&mut self) {
        self.listeners.clear();
    }
}

/// Hands messages to the browser until its queue is full enough.
fn flush(channel: &RtcDataChannel, queue: &RefCell<Queue>) {
    while channel.ready_state() == RtcDataChannelState::Open && channel.buffered_amount() < BUFFERED_MAX {
        let Some(message) = pop(queue) else { return };
        if let Err(error) = channel.send_with_u8_array(&message) {
            // The channel's close event follows and reports it.
            js::log(&format!("a message could not be sent: {}", js::describe(&error)));
            return;
        }
    }
}

fn pop(queue: &RefCell<Queue>) -> Option<Rc<[u8]>> {
    let mut queue = queue.borrow_mut();
    let message = queue.messages.pop_front()?;
    queue.bytes -= message.len();
    Some(message)
}
