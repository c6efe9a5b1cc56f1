//! A WebSocket to a rendezvous server: typed messages in and out.

use gloo_events::EventListener;
use mesh::io::{Input, ServerId};
use shared::{limits::SIGNAL_MESSAGE_BYTES_MAX, signal};
use wasm_bindgen::JsCast;
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use crate::{driver::Events, js};

/// The code of a socket that was closed without a closing handshake (RFC 6455 §7.4.1), or never opened.
const ABNORMAL: u16 = 1006;

/// An open socket. Dropping it closes it and silences it: no event comes after.
#[derive(Debug)]
pub(crate) struct Signaller {
    socket: WebSocket,
    _listeners: [EventListener; 2],
}

impl Signaller {
    /// Opens a socket. If even that is impossible (a malformed address, a policy), it is reported as down.
    pub(crate) fn open(server: ServerId, url: &str, events: &Events) -> Option<Self> {
        let socket = match WebSocket::new(url) {
            Ok(socket) => socket,
            Err(error) => {
                js::log(&format!("cannot open {url}: {}", js::describe(&error)));
                events.input(Input::ServerDown { server, code: ABNORMAL });
                return None;
            }
        };
        let sender = events.clone();
        let on_message = EventListener::new(&socket, "message", move |event| {
            let event: &MessageEvent = event.unchecked_ref();
            let parsed = event
                .data()
                .as_string()
                .filter(|text| text.len() <= SIGNAL_MESSAGE_BYTES_MAX)
                .and_then(|text| serde_json::from_str::<signal::Event>(&text).ok());
            match parsed {
                Some(event) => sender.input(Input::Signal { server, event }),
                // A later version of the server may say things we need not understand.
                None => js::log("the server sent a message that is not understood"),
            }
        });
        let sender = events.clone();
        let on_close = EventListener::new(&socket, "close", move |event| {
            let code = event.unchecked_ref::<CloseEvent>().code();
            sender.input(Input::ServerDown { server, code });
        });
        Some(Self {
            socket,
            _listeners: [on_message, on_close],
        })
    }

    /// Sends a request. If the socket is not open any more, its close is under way and will be reported.
    pub(crate) fn send(&self, request: &signal::Request) {
        let text = serde_json::to_string(request).expect("invariant: requests are plain data");
        if let Err(error) = self.socket.send_with_str(&text) {
            js::log(&format!("cannot send to the server: {}", js::describe(&error)));
        }
    }
}

impl Drop for Signaller {
    fn drop(&mut self) {
        // Fails only for a bad code or reason, and there is none.
        let _ = self.socket.close();
    }
}
