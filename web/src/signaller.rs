//! A WebSocket to a rendezvous server: typed messages in, text out.

use client::{config::CLOSE_ABNORMAL, driver::Events, signalling};
use gloo_events::EventListener;
use mesh::io::{Input, ServerId};
use wasm_bindgen::JsCast;
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use crate::js;

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
                js::log_error("a socket cannot be opened", &error);
                let code = CLOSE_ABNORMAL;
                events.input(Input::ServerDown { server, code });
                return None;
            }
        };
        let sender = events.clone();
        let on_message = EventListener::new(&socket, "message", move |event| {
            // What is no text comes from no server of ours.
            let text = event.unchecked_ref::<MessageEvent>().data().as_string();
            match signalling::parse(&text.unwrap_or_default(), js::parse_json) {
                Ok(event) => sender.input(Input::Signal { server, event }),
                Err(_) => js::log("the server sent a message that is not understood"),
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

    /// Sends a message. If the socket is not open any more, its close is under way and will be reported.
    pub(crate) fn send(&self, text: &str) {
        if let Err(error) = self.socket.send_with_str(text) {
            js::log_error("a message to the server could not be sent", &error);
        }
    }
}

impl Drop for Signaller {
    fn drop(&mut self) {
        // Fails only for a bad code or reason, and there is none.
        let _ = self.socket.close();
    }
}
