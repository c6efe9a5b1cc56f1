//! The other tabs of this browser that are in the same room: what one posts, all others get (`BroadcastChannel`). Bytes are for their nodes; `null`
//! says that this browser forgets the room.

use client::driver::{DriverEvent, Events};
use gloo_events::EventListener;
use js_sys::Uint8Array;
use mesh::io::Input;
use shared::RoomId;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

/// A way to the other tabs. Dropping it closes and silences it.
#[derive(Debug)]
pub(crate) struct Nearby {
    channel: BroadcastChannel,
    _on_message: EventListener,
}

impl Nearby {
    /// Opens the channel of a room. `None` if the browser has no such thing: then the server introduces tabs as it does people.
    pub(crate) fn open(room: &RoomId, events: &Events) -> Option<Self> {
        let channel = channel(room)?;
        let events = events.clone();
        let on_message = EventListener::new(&channel, "message", move |event| {
            let data = event.unchecked_ref::<MessageEvent>().data();
            if data.is_null() {
                events.send(DriverEvent::Forgotten);
            } else if let Ok(bytes) = data.dyn_into::<Uint8Array>() {
                let bytes = bytes.to_vec();
                events.input(Input::Nearby { bytes });
            }
        });
        Some(Self {
            channel,
            _on_message: on_message,
        })
    }

    /// Posts a message to all other tabs.
    pub(crate) fn post(&self, bytes: &[u8]) {
        // Fails only for a closed channel, and it is open until this is dropped.
        let _ = self.channel.post_message(&Uint8Array::from(bytes));
    }
}

fn channel(room: &RoomId) -> Option<BroadcastChannel> {
    BroadcastChannel::new(&format!("starling/{}", room.to_text())).ok()
}

/// Tells all who are in the room by this browser, in this tab, too, that the room is forgotten.
pub(crate) fn tell_forgotten(room: &RoomId) {
    if let Some(channel) = channel(room) {
        // Fails only for a closed channel.
        let _ = channel.post_message(&JsValue::NULL);
        channel.close();
    }
}

impl Drop for Nearby {
    fn drop(&mut self) {
        self.channel.close();
    }
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use shared::RoomCode;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    async fn what_is_posted_reaches_others_of_the_same_room_only() {
        let [lobby, attic] = ["near lobby", "near attic"].map(|name| RoomCode::parse(name).unwrap().open().id());
        let (events, mut queue) = Events::channel();
        let (elsewhere, mut unheard) = Events::channel();
        let own = Nearby::open(&lobby, &elsewhere).unwrap();
        let _other = Nearby::open(&lobby, &events).unwrap();
        let _attic = Nearby::open(&attic, &elsewhere).unwrap();
        own.post(&[1, 2, 3]);
        own.post(&[]);
        for expected in [vec![1, 2, 3], Vec::new()] {
            let Some(DriverEvent::Input(Input::Nearby { bytes })) = queue.next().await else {
                panic!("another event");
            };
            assert_eq!(bytes, expected);
        }
        assert!(
            unheard.try_next().is_none(),
            "neither the sender nor another room hears it"
        );
        tell_forgotten(&lobby);
        assert_eq!(queue.next().await, Some(DriverEvent::Forgotten));
        assert_eq!(unheard.next().await, Some(DriverEvent::Forgotten));
        assert!(unheard.try_next().is_none(), "nobody in another room is told");
    }
}
