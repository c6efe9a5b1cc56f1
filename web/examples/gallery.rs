//! The component gallery: the page in the states that are hard to reach by hand, with made-up people and no network.
//!
//! From the workspace's root:
//!
//! ```text
//! cargo build -p web --example gallery --target wasm32-unknown-unknown
//! wasm-bindgen --target web --no-typescript --out-dir target/gallery target/wasm32-unknown-unknown/debug/examples/gallery.wasm
//! cp web/examples/gallery.html web/examples/gallery-start.js web/style/starling.css web/assets/flock.svg target/gallery/
//! python3 -m http.server --bind 127.0.0.1 --directory target/gallery 8090
//! ```
//!
//! Then open `http://127.0.0.1:8090/gallery.html#STATE`; the states are the arms of [`Gallery`].

use std::{rc::Rc, time::Duration};

use client::{
    notice::{Notice, NoticeKind},
    room::{RoomAction, RoomState, Visibility, reduce},
    standing::standing,
    store::Space,
    telling::Told,
    words,
};
use mesh::io::{Instant, LinkKind, ServerId};
use mesh::model::{
    Alert, Delivery, Event, InvitationError, Message, Network, NetworkEdge, NetworkLink, NetworkNode, Person,
    PersonState, SendError, ServerState, Timestamp,
};
use shared::{Identity, MessageId, PeerId, RoomCode};
use web::{
    hooks::use_route,
    pages::{room::view::RoomView, start::StartPage},
    rooms::KnownRoom,
};
use yew::prelude::*;

fn main() {
    yew::Renderer::<Gallery>::new().render();
}

/// Shows the state that the address names.
#[component]
fn Gallery() -> Html {
    // Only to be rendered anew when the address changes.
    let _ = use_route();
    let fragment = web_sys::window()
        .and_then(|window| window.location().hash().ok())
        .unwrap_or_default();
    match fragment.trim_start_matches('#') {
        "invited" => html! { <StartPage invitation={private_room()} /> },
        "invited-open" => html! { <StartPage invitation={RoomCode::parse("tea party").ok()} /> },
        "damaged" => {
            let error = words::room_error(shared::room::ParseRoomError::Damaged);
            html! { <StartPage name="Ada" room_error={AttrValue::from(error)} notice={Notice::from(NoticeKind::NotPersistent)} /> }
        }
        "alone" => room(vec![registered()], None),
        "room" => room(conversation(), None),
        "open" => room(conversation(), Some("tea party")),
        "trouble" => room(trouble(), None),
        "many" => room(many(), None),
        "closed" => room([conversation(), vec![Event::RoomClosed]].concat(), None),
        "back" => html! { <StartPage name="Ada" rooms={known_rooms()} /> },
        _ => html! { <StartPage /> },
    }
}

fn known_rooms() -> Vec<KnownRoom> {
    let known = |code, with: &str, unread| KnownRoom {
        code,
        name: String::new(),
        with: with.to_owned(),
        unread,
        told: Told::default(),
    };
    let open = RoomCode::parse("tea party").into_iter();
    let open = open.map(|code| known(code, "", 0));
    std::iter::once(known(private_room(), "Bo, Cy Twombly, Di", 3))
        .chain(open)
        .collect()
}

fn private_room() -> RoomCode {
    RoomCode::Generated {
        secret: [7; 16],
        founder: peer(0),
    }
}

fn room(events: Vec<Event>, open_name: Option<&'static str>) -> Html {
    let mut state = RoomState::new(peer(0), "Ada".to_owned());
    for event in events {
        let visibility = Visibility::Shown;
        reduce(&mut state, RoomAction::Event { event, visibility });
    }
    let network = network(&state);
    let standing = standing(&state, Some(&network));
    let retry_in = standing.retry_at.map(|_| 4);
    html! {
        <RoomView
            state={Rc::new(state)}
            is_open={open_name.is_some()}
            name={open_name.map(AttrValue::from)}
            on_name_room={Callback::from(|_| Err(SendError::Full))}
            on_topic={Callback::from(|_| Err(SendError::Full))}
            link="https://starling.example/#/r/1.BwcHBwcHBwcHBwcHBwcHB7ZdJ6DL3ciaQ3vLwT5Q9KkV0oKzL1rO2m6nZs8Yd1w"
            {standing}
            {retry_in}
            network={Rc::new(network)}
            founder=true
            on_invite={Callback::from(|()| Err(InvitationError::Full))}
            on_take={Callback::from(|_| Err(InvitationError::Damaged))}
            on_diagnose={Callback::from(|()| AttrValue::from("nothing happened"))}
            on_check={Callback::noop()}
            on_space={Callback::from(|told: Callback<Space>| told.emit(SPACE))}
            on_send={Callback::from(|_| Err(SendError::NotReachable))}
            on_edit={Callback::from(|_| Err(SendError::Full))}
            on_delete={Callback::noop()}
            told={Callback::from(|()| Told::Nothing)}
            on_told={Callback::noop()}
            recipients={Callback::from(|_| Vec::new())}
            safety_number={Callback::from(|peer| shared::identity::safety_number(&private_room().open(), &self::peer(0), &peer))}
        />
    }
}

/// A network of everybody who is listed, and with many people one as large as rooms get.
fn network(state: &RoomState) -> Network {
    let known = state.people.iter().map(|person| (person.peer, person.name.clone()));
    let further = (100..if state.people.len() > 7 { 190 } else { 100 })
        .map(|number| (peer(number), Some(format!("No. {number}"))));
    let nodes: Vec<_> = [(state.me, Some(state.my_name.clone()))]
        .into_iter()
        .chain(known)
        .chain(further)
        .zip(0..)
        .map(|((peer, name), index)| NetworkNode {
            peer,
            name,
            on_server: index % 4 != 3,
        })
        .collect();
    let count = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    let edges: Vec<_> = (0..count)
        .flat_map(|one| {
            [one + 1, one * 7 % 13 + one + 2, one * 29 % 83 + one + 9].map(|other| NetworkEdge { one, other })
        })
        .filter(|edge| edge.other < count)
        .collect();
    let links = edges
        .iter()
        .filter(|edge| edge.one == 0)
        .zip([LinkKind::Local, LinkKind::Relayed])
        .map(|(edge, kind)| NetworkLink {
            peer: nodes[edge.other as usize].peer,
            name: None,
            kind: Some(kind),
            round_trip: Some(Duration::from_millis(27)),
            eager: kind == LinkKind::Local,
            age: Duration::from_secs(420),
        })
        .collect();
    Network {
        size: count + if state.server_lost { 2 } else { 0 },
        nodes,
        edges,
        links,
    }
}

const SPACE: Space = Space {
    used_bytes: 3_000_000,
    left_bytes: 40_000_000_000,
};

fn peer(number: u8) -> PeerId {
    Identity::from_secret(&[number; 32]).peer_id()
}

fn registered() -> Event {
    Event::Server {
        server: ServerId(0),
        state: ServerState::Registered { room_size: 3 },
    }
}

fn person(number: u8, name: Option<&str>, state: PersonState) -> Event {
    let person = Person {
        peer: peer(number),
        name: name.map(str::to_owned),
        linked: number % 2 == 1,
        state,
        round_trip: Some(Duration::from_millis(27)),
        archive: false,
    };
    Event::Person { person }
}

/// A message of `author` (0 is us), and how far it got.
fn said(id: u8, author: u8, name: &str, whisper_to: Option<u8>, text: &str, delivery: Option<Delivery>) -> Vec<Event> {
    let order = Timestamp::from_unix_millis(id.into());
    let id = MessageId::from_bytes([id; 16]);
    let message = Message {
        id,
        order,
        author: peer(author),
        author_name: name.to_owned(),
        own: author == 0,
        whisper_to: whisper_to.map(peer),
        unix_millis: this_minute(),
        dated_ahead: false,
        recent: false,
        text: text.to_owned(),
        file: None,
        reply_to: None,
        vanish: None,
        deleted: false,
    };
    let delivery = delivery.map(|delivery| Event::Delivery { id, delivery });
    [Event::Message { message }].into_iter().chain(delivery).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the clock's milliseconds are whole and positive"
)]
fn this_minute() -> u64 {
    js_sys::Date::now() as u64
}

const ALL: Option<Delivery> = Some(Delivery::Sent { delivered: 3, of: 3 });

fn conversation() -> Vec<Event> {
    [
        vec![
            registered(),
            person(1, Some("Grace"), PersonState::Here),
            person(2, Some("ليلى"), PersonState::Here),
            person(3, Some("Jörg 🦜"), PersonState::Reconnecting),
            person(4, Some("Tomás"), PersonState::Left),
            person(5, None, PersonState::Connecting),
        ],
        said(
            1,
            1,
            "Grace",
            None,
            "Morning! The link worked at once on my phone.",
            None,
        ),
        said(
            2,
            1,
            "Grace",
            None,
            "Notes from yesterday: https://notes.example/dusk?page=2 (read the second part)",
            None,
        ),
        said(
            3,
            0,
            "Ada",
            None,
            "Lovely. I pulled the plug on the server a minute ago, and you did not even notice.",
            ALL,
        ),
        said(4, 2, "ليلى", None, "صباح الخير! كل شيء يعمل هنا أيضًا ✨", None),
        said(
            5,
            3,
            "Jörg 🦜",
            None,
            "<b>bold?</b> <img src=x onerror=alert(1)>\nNo: it stays text.",
            None,
        ),
        said(
            6,
            1,
            "Grace",
            Some(0),
            "Between us: is Jörg's parrot typing again?",
            None,
        ),
        said(
            7,
            0,
            "Ada",
            Some(1),
            "It has better punctuation than most of us.",
            Some(Delivery::Sent { delivered: 1, of: 1 }),
        ),
        said(8, 0, "Ada", None, "👍", Some(Delivery::Sent { delivered: 2, of: 3 })),
    ]
    .concat()
}

fn trouble() -> Vec<Event> {
    let mut events = conversation();
    let retry_at = Instant::from_millis(4_000);
    events.push(Event::Server {
        server: ServerId(0),
        state: ServerState::Waiting { retry_at },
    });
    for alert in [
        Alert::NameTaken {
            name: "Grace".to_owned(),
            known: peer(1),
            now: peer(6),
        },
        Alert::Tampering { dropped: 4 },
    ] {
        events.push(Event::Alert { alert });
    }
    events.extend(said(9, 0, "Ada", Some(3), "Are you there?", Some(Delivery::Failed)));
    events.extend(said(10, 0, "Ada", None, "Is anyone?", Some(Delivery::Waiting)));
    events
}

fn many() -> Vec<Event> {
    let mut events = vec![registered()];
    let name = "Wolfeschlegelsteinhausenbergerdo";
    events.extend((1..9).map(|number| person(number, Some(name), PersonState::Here)));
    events.extend(said(1, 1, name, None, &"0123456789abcdef".repeat(4_096), None));
    events.extend((2..60).flat_map(|id| said(id, id % 5, "Somebody", None, "A line, and another one after it.", ALL)));
    events
}
