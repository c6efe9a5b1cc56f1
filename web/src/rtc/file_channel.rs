//! The channel of a connection that carries files: nothing waits in front of it, for the node sends only what it takes.

use std::{cell::Cell, rc::Rc};

use client::driver::Events;
use gloo_events::EventListener;
use mesh::{
    config::FILE_CHANNEL_LOW_BYTES,
    io::{Input, LinkId},
};
use wasm_bindgen_futures::spawn_local;
use web_sys::{RtcDataChannel, RtcPeerConnection};

use super::channel::{bytes_in, negotiated};
use crate::{config::FILE_CHANNEL_ID, js};

/// A data channel, ordered and reliable.
#[derive(Debug)]
pub(super) struct FileChannel {
    channel: RtcDataChannel,
    room: Rc<Room>,
    listeners: Vec<EventListener>,
}

/// Tells that the channel takes more: once, until something is sent.
#[derive(Debug)]
struct Room {
    link: LinkId,
    events: Events,
    is_told: Cell<bool>,
    /// Whether somebody is about to look.
    is_looked_at: Cell<bool>,
}

impl Room {
    fn tell(&self) {
        if !self.is_told.replace(true) {
            self.events.input(Input::FileWritable { link: self.link });
        }
    }
}

impl FileChannel {
    /// Makes the channel of a connection that has no description yet.
    pub(super) fn new(peer_connection: &RtcPeerConnection, link: LinkId, events: Events) -> Self {
        let channel = negotiated(peer_connection, "files", FILE_CHANNEL_ID, low());
        let room = Rc::new(Room {
            link,
            events: events.clone(),
            is_told: Cell::new(false),
            is_looked_at: Cell::new(false),
        });
        let opened = events.clone();
        let on_open = EventListener::new(&channel, "open", move |_| opened.input(Input::FilesOpen { link }));
        let has_room = Rc::clone(&room);
        let on_low = EventListener::new(&channel, "bufferedamountlow", move |_| has_room.tell());
        let on_message = EventListener::new(&channel, "message", move |event| {
            let bytes = bytes_in(event);
            events.input(Input::FileFragment { link, bytes });
        });
        Self {
            channel,
            room,
            listeners: vec![on_open, on_low, on_message],
        }
    }

    /// Sends a message.
    pub(super) fn send(&self, message: &[u8]) {
        if let Err(error) = self.channel.send_with_u8_array(message) {
            // The connection is over, or about to be: its other channel reports that.
            js::log_error("a part of a file could not be sent", &error);
            return;
        }
        self.room.is_told.set(false);
        if self.room.is_looked_at.replace(true) {
            return;
        }
        let (room, channel) = (Rc::clone(&self.room), self.channel.clone());
        // After all that is sent together.
        spawn_local(async move {
            room.is_looked_at.set(false);
            if channel.buffered_amount() <= low() {
                room.tell();
            }
        });
    }

    /// Reports nothing any more.
    pub(super) fn silence(&mut self) {
        self.listeners.clear();
    }
}

fn low() -> u32 {
    u32::try_from(FILE_CHANNEL_LOW_BYTES).unwrap_or(u32::MAX)
}
