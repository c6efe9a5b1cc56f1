//! The page's components in a real browser: what a person sees and can do, by role and accessible name.

#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{cell::RefCell, rc::Rc};

use mesh::io::{
    Alert, Delivery, Event, Invitation, InvitationError, LinkKind, Message, Network, NetworkEdge, NetworkLink,
    NetworkNode, Person, PersonState, SendError, ServerId, ServerState, Timestamp,
};
use shared::{MessageId, PeerId, RoomCode};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web::{
    components::composer::Outgoing,
    pages::{
        room::view::{RoomView, RoomViewProps},
        start::{Entered, StartPage, StartPageProps},
    },
    state::{
        connection::standing,
        notice::{Level, Notice, NoticeAction},
        room::{RoomAction, RoomState, reduce},
    },
};
use web_sys::{
    Element, EventInit, HtmlElement, HtmlInputElement, HtmlTextAreaElement, KeyboardEvent, KeyboardEventInit,
};
use yew::{AppHandle, AttrValue, BaseComponent, Callback, Renderer};

wasm_bindgen_test_configure!(run_in_browser);

/// A component in the page; gone when dropped.
struct Shown<C: BaseComponent> {
    root: Element,
    app: Option<AppHandle<C>>,
}

impl<C: BaseComponent> Shown<C> {
    async fn new(props: C::Properties) -> Self {
        let document = web_sys::window().unwrap().document().unwrap();
        let root = document.create_element("div").unwrap();
        document.body().unwrap().append_child(&root).unwrap();
        let app = Renderer::<C>::with_root_and_props(root.clone(), props).render();
        let shown = Self { root, app: Some(app) };
        settle().await;
        shown
    }

    async fn update(&mut self, props: C::Properties) {
        self.app.as_mut().unwrap().update(props);
        settle().await;
    }

    fn all(&self, selector: &str) -> Vec<HtmlElement> {
        let found = self.root.query_selector_all(selector).unwrap();
        (0..found.length())
            .map(|index| found.item(index).unwrap().unchecked_into())
            .collect()
    }

    fn one(&self, selector: &str) -> HtmlElement {
        let mut all = self.all(selector);
        assert_eq!(all.len(), 1, "{selector}");
        all.remove(0)
    }

    /// The button with this accessible name.
    fn button(&self, name: &str) -> HtmlElement {
        let named = |button: &HtmlElement| match button.get_attribute("aria-label") {
            Some(label) => label == name,
            None => button.text_content().unwrap().trim() == name,
        };
        self.all("button")
            .into_iter()
            .find(named)
            .unwrap_or_else(|| panic!("no button {name:?}"))
    }

    async fn click(&self, name: &str) {
        self.button(name).click();
        settle().await;
    }

    fn message_box(&self) -> HtmlTextAreaElement {
        self.one(".composer textarea").unchecked_into()
    }

    async fn write(&self, text: &str) {
        let message_box = self.message_box();
        message_box.set_value(text);
        input_event(&message_box).await;
    }

    async fn press(&self, init: &KeyboardEventInit) {
        init.set_bubbles(true);
        init.set_cancelable(true);
        let event = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", init).unwrap();
        self.message_box().dispatch_event(&event).unwrap();
        settle().await;
    }

    async fn fill(&self, id: &str, text: &str) {
        let field: HtmlInputElement = self.one(&format!("input#{id}")).unchecked_into();
        field.set_value(text);
        input_event(&field).await;
    }

    fn text(&self, selector: &str) -> String {
        self.one(selector).text_content().unwrap()
    }
}

impl<C: BaseComponent> Drop for Shown<C> {
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            app.destroy();
        }
        self.root.remove();
    }
}

async fn input_event(element: &HtmlElement) {
    let init = EventInit::new();
    init.set_bubbles(true);
    let event = web_sys::Event::new_with_event_init_dict("input", &init).unwrap();
    element.dispatch_event(&event).unwrap();
    settle().await;
}

/// Until yew has rendered everything that was asked for.
async fn settle() {
    yew::scheduler::flush().await;
}

fn key(name: &str) -> KeyboardEventInit {
    let init = KeyboardEventInit::new();
    init.set_key(name);
    init
}

fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

fn person(number: u8, name: &str, state: PersonState) -> Event {
    Event::Person {
        person: Person {
            peer: peer(number),
            name: Some(name.to_owned()),
            state,
            linked: true,
            round_trip: None,
        },
    }
}

fn message(number: u8, author: u8, whisper_to: Option<u8>, text: &str) -> Event {
    Event::Message {
        message: Message {
            id: MessageId::from_bytes([number; 16]),
            author: peer(author),
            author_name: if author == 0 { "Me" } else { "Ada" }.to_owned(),
            own: author == 0,
            whisper_to: whisper_to.map(peer),
            order: Timestamp::from_unix_millis(number.into()),
            unix_millis: 1_700_000_000_000,
            text: text.to_owned(),
        },
    }
}

/// What the person sent, and what sending it gave.
#[derive(Clone)]
struct Outbox {
    sent: Rc<RefCell<Vec<Outgoing>>>,
    answer: Result<(), SendError>,
}

impl Outbox {
    fn new(answer: Result<(), SendError>) -> Self {
        Self {
            sent: Rc::default(),
            answer,
        }
    }

    fn sent(&self) -> Vec<Outgoing> {
        self.sent.borrow().clone()
    }
}

fn room(events: impl IntoIterator<Item = Event>, outbox: &Outbox) -> RoomViewProps {
    let registered = Event::Server {
        server: ServerId(0),
        state: ServerState::Registered { room_size: 1 },
    };
    let state = [registered]
        .into_iter()
        .chain(events)
        .fold(RoomState::new(peer(0), "Me".to_owned()), |state, event| {
            reduce(&state, RoomAction::Event { event, hidden: false })
        });
    let Outbox { sent, answer } = outbox.clone();
    RoomViewProps {
        standing: standing(&state, None),
        state: Rc::new(state),
        open_name: None,
        link: AttrValue::from("http://host/#/r/x"),
        network: None,
        founder: false,
        retry_in: None,
        leaving: false,
        on_send: Callback::from(move |outgoing| {
            sent.borrow_mut().push(outgoing);
            answer
        }),
        on_retry: Callback::noop(),
        on_look: Callback::noop(),
        on_invite: Callback::from(|()| Ok(())),
        on_take: Callback::from(|_| Err(InvitationError::Damaged)),
        on_close: Callback::noop(),
        on_leave: Callback::noop(),
        on_dismiss: Callback::noop(),
        on_action: Callback::noop(),
        safety_number: Callback::from(|_| "12345 67890".to_owned()),
    }
}

async fn show(events: impl IntoIterator<Item = Event>) -> Shown<RoomView> {
    Shown::new(room(events, &Outbox::new(Ok(())))).await
}

#[wasm_bindgen_test]
async fn markup_in_names_and_messages_stays_text() {
    let evil = "<img src=x onerror=alert(1)><b>bold</b>&amp;";
    let page = show([person(1, evil, PersonState::Here), message(1, 1, None, evil)]).await;
    assert_eq!(page.text(".message-text"), evil);
    assert_eq!(page.all("img, b, script").len(), 0);
    assert!(page.text("ul[aria-label=People]").contains(evil));
}

#[wasm_bindgen_test]
async fn only_web_links_can_be_clicked_and_they_tell_nothing() {
    let page = show([message(
        1,
        1,
        None,
        "https://a.example/x?y javascript:alert(1) data:text/html,x",
    )])
    .await;
    let link = page.one(".message-text a");
    assert_eq!(link.get_attribute("href").as_deref(), Some("https://a.example/x?y"));
    assert_eq!(link.get_attribute("target").as_deref(), Some("_blank"));
    assert_eq!(
        link.get_attribute("rel").as_deref(),
        Some("noopener noreferrer nofollow")
    );
}

#[wasm_bindgen_test]
async fn names_and_texts_are_isolated_and_keep_their_characters() {
    let text = "\u{202e}evil\u{5d0}\n🦜 e\u{301}\u{301}";
    let page = show([person(1, "\u{202e}Ada", PersonState::Here), message(1, 1, None, text)]).await;
    assert_eq!(page.text(".message-text"), text);
    assert_eq!(page.one(".message-text").get_attribute("dir").as_deref(), Some("auto"));
    assert_eq!(page.one("article .author bdi").text_content().as_deref(), Some("Ada"));
    assert_eq!(
        page.all(".person-name bdi")[1].text_content().as_deref(),
        Some("\u{202e}Ada")
    );
}

#[wasm_bindgen_test]
async fn a_long_message_is_shown_in_full_on_demand() {
    let long = "0123456789abcdef".repeat(4_096);
    let page = show([message(1, 1, None, &long)]).await;
    assert!(page.text(".message-text").len() < 2_000);
    page.click("Show all").await;
    assert_eq!(page.text(".message-text"), long);
    page.click("Show less").await;
    assert!(page.text(".message-text").len() < 2_000);
}

#[wasm_bindgen_test]
async fn own_other_and_whispered_messages_are_told_apart_in_words() {
    let page = show([
        person(1, "Ada", PersonState::Here),
        message(1, 0, None, "mine"),
        Event::Delivery {
            id: MessageId::from_bytes([1; 16]),
            delivery: Delivery::Sent { delivered: 2, of: 3 },
        },
        message(2, 1, None, "theirs"),
        message(3, 1, Some(0), "psst"),
        message(4, 0, Some(1), "what?"),
    ])
    .await;
    let texts: Vec<_> = page
        .all("article")
        .iter()
        .map(|article| article.text_content().unwrap())
        .collect();
    assert!(
        texts[0].starts_with("Me (you)") && texts[0].ends_with("delivered to 2 of 3"),
        "{texts:?}"
    );
    assert!(texts[1].starts_with("Ada ") && !texts[1].contains("Whisper"));
    assert!(texts[2].contains("Whisper to you"));
    assert!(texts[3].contains("Whisper to Ada") && texts[3].ends_with("waiting for the connection"));
    assert!(
        page.all("article")
            .iter()
            .all(|article| article.query_selector("time").unwrap().is_some())
    );
}

#[wasm_bindgen_test]
async fn delivery_changes_in_place() {
    let outbox = Outbox::new(Ok(()));
    let mut page = Shown::<RoomView>::new(room([message(1, 0, None, "x")], &outbox)).await;
    assert_eq!(page.text(".delivery"), "waiting for someone to connect");
    let delivery = Delivery::Sent { delivered: 1, of: 1 };
    let delivered = Event::Delivery {
        id: MessageId::from_bytes([1; 16]),
        delivery,
    };
    page.update(room([message(1, 0, None, "x"), delivered], &outbox)).await;
    assert_eq!(page.text(".delivery"), "delivered to 1 of 1");
}

#[wasm_bindgen_test]
async fn people_have_names_and_states_and_oneself_is_marked() {
    let page = show([
        person(1, "Ada", PersonState::Here),
        person(2, "Bo", PersonState::Reconnecting),
        person(3, "Cy", PersonState::Gone),
        person(4, "Di", PersonState::Left),
    ])
    .await;
    let items: Vec<_> = page
        .all("ul[aria-label=People] > li")
        .iter()
        .map(|item| item.text_content().unwrap())
        .collect();
    assert!(items[0].contains("Me (you)"));
    for (item, words) in items[1..]
        .iter()
        .zip(["AdaHere", "BoReconnecting…", "CyGone", "DiLeft"])
    {
        assert!(item.contains(words), "{item}");
    }
    assert_eq!(
        page.text("p[aria-label=Connection]"),
        "Connected to 1 person. The server introduces newcomers."
    );
}

#[wasm_bindgen_test]
async fn the_safety_number_is_there_on_demand() {
    let page = show([person(1, "Ada", PersonState::Here)]).await;
    assert_eq!(page.all(".safety-number").len(), 0);
    // What the browser says once a disclosure was opened, some time after the click.
    page.one("details")
        .dispatch_event(&web_sys::Event::new("toggle").unwrap())
        .unwrap();
    settle().await;
    assert_eq!(page.text(".safety-number"), "12345 67890");
}

#[wasm_bindgen_test]
async fn alone_the_page_says_what_to_do() {
    let page = show([]).await;
    assert!(page.text("[role=log]").contains("Copy the link"));
    assert!(page.text("p[aria-label=Connection]").starts_with("You are alone here"));
    page.button("Copy link");
}

#[wasm_bindgen_test]
async fn enter_sends_and_shift_enter_does_not() {
    let outbox = Outbox::new(Ok(()));
    let page = Shown::<RoomView>::new(room([], &outbox)).await;
    page.write("hello").await;
    let shift_enter = key("Enter");
    shift_enter.set_shift_key(true);
    page.press(&shift_enter).await;
    let composing = key("Enter");
    composing.set_is_composing(true);
    page.press(&composing).await;
    assert_eq!(outbox.sent(), []);
    page.press(&key("Enter")).await;
    assert_eq!(
        outbox.sent(),
        [Outgoing {
            to: None,
            text: "hello".to_owned()
        }]
    );
    assert_eq!(page.message_box().value(), "");
    page.write("again").await;
    page.click("Send").await;
    assert_eq!(outbox.sent().len(), 2);
}

#[wasm_bindgen_test]
async fn a_whisper_goes_to_one_person_and_escape_leads_back() {
    let outbox = Outbox::new(Ok(()));
    let page = Shown::<RoomView>::new(room([person(1, "Ada", PersonState::Here)], &outbox)).await;
    page.click("Whisper to Ada").await;
    assert_eq!(
        page.message_box().get_attribute("aria-label").as_deref(),
        Some("Whisper to Ada")
    );
    page.write("psst").await;
    page.press(&key("Enter")).await;
    assert_eq!(
        outbox.sent(),
        [Outgoing {
            to: Some(peer(1)),
            text: "psst".to_owned()
        }]
    );
    page.press(&key("Escape")).await;
    assert_eq!(
        page.message_box().get_attribute("aria-label").as_deref(),
        Some("Message")
    );
    page.click("Whisper to Ada").await;
    page.click("Back to everyone").await;
    assert_eq!(
        page.message_box().get_attribute("aria-label").as_deref(),
        Some("Message")
    );
}

#[wasm_bindgen_test]
async fn a_whisper_that_cannot_be_sent_keeps_its_text_and_says_so() {
    let outbox = Outbox::new(Err(SendError::NotReachable));
    let page = Shown::<RoomView>::new(room([person(1, "Ada", PersonState::Gone)], &outbox)).await;
    page.click("Whisper to Ada").await;
    page.write("psst").await;
    page.press(&key("Enter")).await;
    assert_eq!(page.message_box().value(), "psst");
    assert!(
        page.text("#composer-notice")
            .contains("cannot be reached now, so nothing was sent")
    );
    assert_eq!(
        page.message_box().get_attribute("aria-describedby").as_deref(),
        Some("composer-notice")
    );
    assert_eq!(
        page.message_box().get_attribute("aria-invalid").as_deref(),
        Some("true")
    );
}

#[wasm_bindgen_test]
async fn alerts_are_alerts_and_name_what_to_compare() {
    let alert = Alert::NameTaken {
        name: "Ada".to_owned(),
        known: peer(1),
        now: peer(2),
    };
    let page = show([Event::Alert { alert }]).await;
    let text = page.text("[role=alert]");
    assert!(text.contains(&peer(1).fingerprint()) && text.contains(&peer(2).fingerprint()));
    page.click("Show people").await;
    assert_eq!(page.all(".room.people-open").len(), 1);
}

#[wasm_bindgen_test]
async fn a_notice_can_be_acted_on_and_dismissed() {
    let done = Rc::new(RefCell::new(Vec::new()));
    let (acted, dismissed) = (done.clone(), done.clone());
    let mut props = room([], &Outbox::new(Ok(())));
    let notice = Notice::new(Level::Warning, "<i>words</i>").with_action(NoticeAction::Reload);
    props.state = Rc::new(reduce(&props.state, RoomAction::Notify { notice }));
    props.on_action = Callback::from(move |action: NoticeAction| acted.borrow_mut().push(action.label()));
    props.on_dismiss = Callback::from(move |_| dismissed.borrow_mut().push("dismissed"));
    let page = Shown::<RoomView>::new(props).await;
    assert_eq!(page.text("[role=alert] p"), "<i>words</i>");
    page.click("Reload the page").await;
    page.click("Dismiss").await;
    assert_eq!(*done.borrow(), ["Reload the page", "dismissed"]);
}

async fn start(name: Option<&str>, invitation: Option<RoomCode>) -> (Shown<StartPage>, Rc<RefCell<Vec<Entered>>>) {
    let entered = Rc::new(RefCell::new(Vec::new()));
    let sink = entered.clone();
    let props = StartPageProps {
        name: name.map(str::to_owned),
        invitation,
        room_error: None,
        notice: None,
        usable: true,
        on_enter: Callback::from(move |choice| sink.borrow_mut().push(choice)),
        on_dismiss: Callback::noop(),
    };
    (Shown::new(props).await, entered)
}

fn open(name: &str) -> RoomCode {
    RoomCode::Open { name: name.to_owned() }
}

#[wasm_bindgen_test]
async fn a_new_room_needs_only_a_name() {
    let (page, entered) = start(None, None).await;
    page.fill("name", " Ada ").await;
    page.click("New room").await;
    assert_eq!(
        *entered.borrow(),
        [Entered {
            name: "Ada".to_owned(),
            code: None
        }]
    );
}

#[wasm_bindgen_test]
async fn a_room_is_joined_by_name_or_link() {
    let (page, entered) = start(Some("Ada"), None).await;
    for text in ["Tea  party", "https://host/#/r/tea%20party"] {
        page.fill("room", text).await;
        page.click("Join room").await;
    }
    assert!(
        entered
            .borrow()
            .iter()
            .all(|entered| entered.code == Some(open("tea party")))
    );
    assert_eq!(entered.borrow().len(), 2);
}

#[wasm_bindgen_test]
async fn what_is_wrong_is_said_at_the_field_and_the_cursor_goes_there() {
    let (page, entered) = start(None, None).await;
    for (name, room, wrong, words) in [
        ("", "tea", "name", "Type a name"),
        (&*"x".repeat(33), "tea", "name", "33 characters"),
        ("Ada", "", "room", "Type the name of a room"),
        ("Ada", &*"x".repeat(65), "room", "too long"),
        ("Ada", "1.cut", "room", "damaged"),
    ] {
        page.fill("name", name).await;
        page.fill("room", room).await;
        page.click("Join room").await;
        let field = page.one(&format!("#{wrong}"));
        assert!(page.text(&format!("#{wrong}-error")).contains(words), "{words}");
        assert_eq!(field.get_attribute("aria-invalid").as_deref(), Some("true"));
        assert!(
            field
                .get_attribute("aria-describedby")
                .unwrap()
                .contains(&format!("{wrong}-error"))
        );
        let focused = web_sys::window().unwrap().document().unwrap().active_element().unwrap();
        assert_eq!(focused.id(), wrong);
    }
    assert!(entered.borrow().is_empty());
}

#[wasm_bindgen_test]
async fn an_invitation_asks_only_for_the_name() {
    let (page, entered) = start(None, Some(open("tea party"))).await;
    assert_eq!(page.text("h1"), "You are invited to a room");
    assert_eq!(page.all("#room").len(), 0);
    assert!(
        page.text(".room-kind")
            .contains("anyone who guesses the name can come in")
    );
    page.fill("name", "Bo").await;
    page.click("Join room").await;
    assert_eq!(
        *entered.borrow(),
        [Entered {
            name: "Bo".to_owned(),
            code: Some(open("tea party"))
        }]
    );
}

#[wasm_bindgen_test]
async fn the_page_says_how_it_stands_with_the_server_and_offers_to_try_now() {
    let retry_at = mesh::io::Instant::from_millis(4_000);
    let lost = Event::Server {
        server: ServerId(0),
        state: ServerState::Waiting { retry_at },
    };
    let tried = Rc::new(RefCell::new(0));
    let counter = tried.clone();
    let props = RoomViewProps {
        retry_in: Some(4),
        on_retry: Callback::from(move |()| *counter.borrow_mut() += 1),
        ..room([person(1, "Ada", PersonState::Here), lost], &Outbox::new(Ok(())))
    };
    let page = Shown::<RoomView>::new(props).await;
    assert_eq!(
        page.text("p[aria-label=Connection]"),
        "Connected to 1 person. The server is unreachable; the room goes on without it. New people can be invited by hand. \
         Trying again in 4 s."
    );
    page.click("Try now").await;
    assert_eq!(*tried.borrow(), 1);
}

#[wasm_bindgen_test]
async fn only_the_latest_messages_are_in_the_page_until_asked_for() {
    let events = (0..600u16).map(|number| {
        let mut event = message(0, 1, None, "x");
        if let Event::Message { message } = &mut event {
            let [high, low] = number.to_be_bytes();
            message.id = MessageId::from_bytes([high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        event
    });
    let page = show(events).await;
    assert_eq!(page.all("article").len(), 500);
    page.click("Show earlier").await;
    assert_eq!(page.all("article").len(), 600);
}

/// The texts of all elements that fit.
fn texts<C: BaseComponent>(page: &Shown<C>, selector: &str) -> Vec<String> {
    page.all(selector)
        .iter()
        .map(|element| element.text_content().unwrap())
        .collect()
}

#[wasm_bindgen_test]
async fn messages_are_shown_in_the_order_of_the_room_wherever_they_come_from() {
    let outbox = Outbox::new(Ok(()));
    let first = [message(2, 1, None, "two"), message(5, 1, None, "five")];
    let mut page = Shown::<RoomView>::new(room(first.clone(), &outbox)).await;
    let late = [message(4, 2, None, "four"), message(1, 2, None, "one")];
    page.update(room(first.into_iter().chain(late), &outbox)).await;
    assert_eq!(texts(&page, ".message-text"), ["one", "two", "four", "five"]);
}

#[wasm_bindgen_test]
async fn who_is_reached_through_others_is_here_and_can_be_whispered_to() {
    let mut event = person(1, "Ada", PersonState::Here);
    if let Event::Person { person } = &mut event {
        person.linked = false;
    }
    let page = show([event]).await;
    let state = page.all(".person-state").remove(1);
    assert_eq!(state.text_content().as_deref(), Some("Here"));
    assert_eq!(state.get_attribute("title").as_deref(), Some("Reached through others"));
    page.click("Whisper to Ada").await;
    assert_eq!(page.all(".notice").len(), 0);
}

/// A network of us, Ada, and as many of whom nothing is known but that they are linked in a row.
fn network(others: u8, size: u32) -> Network {
    let nodes = (0..=others).map(|number| NetworkNode {
        peer: peer(number),
        name: (number == 1).then(|| "Ada Augusta King".to_owned()),
        on_server: number != 1,
    });
    Network {
        nodes: nodes.collect(),
        edges: (0..u32::from(others))
            .map(|one| NetworkEdge { one, other: one + 1 })
            .collect(),
        links: vec![NetworkLink {
            peer: peer(1),
            name: None,
            kind: Some(LinkKind::Relayed),
            round_trip: Some(std::time::Duration::from_millis(27)),
            eager: false,
            age: std::time::Duration::from_secs(130),
        }],
        size,
    }
}

fn networked(network: Network) -> RoomViewProps {
    let props = room([person(1, "Ada", PersonState::Here)], &Outbox::new(Ok(())));
    RoomViewProps {
        standing: standing(&props.state, Some(&network)),
        network: Some(Rc::new(network)),
        ..props
    }
}

#[wasm_bindgen_test]
async fn the_network_has_a_map_a_table_and_a_size() {
    let page = Shown::<RoomView>::new(networked(network(2, 3))).await;
    let region = "section[aria-label=Network]";
    assert_eq!(texts(&page, &format!("{region} p"))[0], "Network size: 3");
    assert_eq!(
        page.all(&format!("{region} svg[role=img][aria-label=\"Network map\"]"))
            .len(),
        1
    );
    assert_eq!(
        texts(&page, &format!("{region} thead th")),
        ["Person", "Kind", "Round trip", "Since", "Messages"]
    );
    assert_eq!(
        texts(&page, "table[aria-label=Links] tbody tr > *"),
        ["Ada", "Relayed", "27 ms", "2 min", "in reserve"]
    );
    let fingerprint = peer(2).fingerprint();
    assert_eq!(texts(&page, ".map-name"), ["You", "Ada August…", &*fingerprint]);
    assert_eq!(texts(&page, ".map-time"), ["27 ms"]);
    let paths = |class: &str| page.one(class).get_attribute("d").unwrap().matches('M').count();
    assert_eq!(
        (paths(".map-dots"), paths(".map-rings"), paths(".map-reserve")),
        (3, 1, 1)
    );
    assert_eq!(paths(".map-first"), 0);
    page.click("Network").await;
    assert_eq!(page.all("svg[role=img], table").len(), 0);
}

#[wasm_bindgen_test]
async fn a_split_network_says_so_twice() {
    let page = Shown::<RoomView>::new(networked(network(6, 9))).await;
    assert!(page.text(".network-split").starts_with("7 of 9 reachable"));
    assert!(page.text("p[aria-label=Connection]").contains("7 of 9 reachable."));
}

#[wasm_bindgen_test]
async fn the_map_moves_until_it_has_settled() {
    let page = Shown::<RoomView>::new(networked(network(99, 100))).await;
    let dots = || page.one(".map-dots").get_attribute("d").unwrap();
    let before = dots();
    gloo_timers::future::TimeoutFuture::new(200).await;
    assert_ne!(dots(), before);
    assert_eq!(
        texts(&page, ".map-name").len(),
        2,
        "only ours and who is linked with us"
    );
}

#[wasm_bindgen_test]
async fn only_a_network_in_view_is_looked_at() {
    let looks = Rc::new(RefCell::new(0));
    let counter = looks.clone();
    let props = RoomViewProps {
        on_look: Callback::from(move |()| *counter.borrow_mut() += 1),
        ..networked(network(1, 2))
    };
    let page = Shown::<RoomView>::new(props).await;
    assert_eq!(*looks.borrow(), 1);
    gloo_timers::future::TimeoutFuture::new(1_500).await;
    assert_eq!(*looks.borrow(), 2);
    page.click("Network").await;
    gloo_timers::future::TimeoutFuture::new(1_500).await;
    assert_eq!(*looks.borrow(), 2);
}

/// Writes into a box of the dialog.
fn paste(page: &Shown<RoomView>, label: &str, text: &str) {
    let area: HtmlTextAreaElement = page
        .one(&format!("dialog textarea[aria-label='{label}']"))
        .unchecked_into();
    area.set_value(text);
}

#[wasm_bindgen_test]
async fn an_invitation_is_made_handed_over_and_answered() {
    let taken = Rc::new(RefCell::new(Vec::new()));
    let sink = taken.clone();
    let props = |events: Vec<Event>| {
        let sink = sink.clone();
        RoomViewProps {
            on_take: Callback::from(move |text| {
                sink.borrow_mut().push(text);
                Ok(Invitation::Answered)
            }),
            ..room(events, &Outbox::new(Ok(())))
        }
    };
    let mut page = Shown::<RoomView>::new(props(Vec::new())).await;
    assert_eq!(page.all("dialog textarea").len(), 0);
    page.click("Invite by hand").await;
    assert!(page.one("dialog[aria-labelledby=invite-title]").has_attribute("open"));
    page.click("Make an invitation").await;
    assert!(page.text("dialog .notice").contains("One moment"));
    let text = "made-here".to_owned();
    page.update(props(vec![Event::Invitation { text }])).await;
    assert_eq!(page.all("dialog .notice").len(), 0);
    let shown: HtmlTextAreaElement = page.one("textarea[aria-label=Invitation]").unchecked_into();
    assert_eq!((shown.value().as_str(), shown.read_only()), ("made-here", true));
    page.button("Copy invitation");
    paste(&page, "Answer", "their-answer");
    page.click("Connect").await;
    assert_eq!(*taken.borrow(), ["their-answer"]);
    assert!(page.text("dialog .notice").contains("connection is being made"));
}

#[wasm_bindgen_test]
async fn instead_of_a_qr_code_for_too_long_a_text_there_is_advice() {
    let text = "x".repeat(2_954);
    let page = Shown::<RoomView>::new(room([Event::Invitation { text }], &Outbox::new(Ok(())))).await;
    page.click("Invite by hand").await;
    assert!(page.text("dialog details p").contains("Copy it and send it instead"));
    assert_eq!(page.all("dialog [role=img]").len(), 0);
}

#[wasm_bindgen_test]
async fn an_invitation_is_taken_and_its_answer_shown_or_it_says_what_is_wrong() {
    let outbox = Outbox::new(Ok(()));
    let mut page = Shown::<RoomView>::new(room([], &outbox)).await;
    page.click("Invite by hand").await;
    paste(&page, "Paste an invitation", "cut off");
    page.click("Use invitation").await;
    assert!(page.text("dialog [role=alert]").contains("Copy all of it again"));
    let area: HtmlTextAreaElement = page.one("textarea[aria-label='Paste an invitation']").unchecked_into();
    assert_eq!(area.value(), "cut off", "it can be mended");
    let props = |events: Vec<Event>| RoomViewProps {
        on_take: Callback::from(|_| Ok(Invitation::Invited)),
        ..room(events, &outbox)
    };
    page.update(props(Vec::new())).await;
    page.click("Use invitation").await;
    let text = "my-answer".to_owned();
    page.update(props(vec![Event::InvitationAnswer { text }])).await;
    let shown: HtmlTextAreaElement = page.one("textarea[aria-label='Your answer']").unchecked_into();
    assert_eq!((shown.value().as_str(), shown.read_only()), ("my-answer", true));
    page.button("Copy answer");
}

#[wasm_bindgen_test]
async fn only_the_founder_can_close_the_room_and_is_asked_first() {
    assert!(
        !texts(&show([]).await, "button")
            .iter()
            .any(|text| text.contains("Close"))
    );
    let closed = Rc::new(RefCell::new(0));
    let counter = closed.clone();
    let props = RoomViewProps {
        founder: true,
        on_close: Callback::from(move |()| *counter.borrow_mut() += 1),
        ..room([], &Outbox::new(Ok(())))
    };
    let page = Shown::<RoomView>::new(props).await;
    page.click("Close room").await;
    assert!(
        page.one("dialog[open]")
            .text_content()
            .unwrap()
            .contains("cannot be undone")
    );
    page.click("Keep it open").await;
    assert_eq!((*closed.borrow(), page.all("dialog[open]").len()), (0, 0));
    page.click("Close room").await;
    page.click("Close for everyone").await;
    assert_eq!((*closed.borrow(), page.all("dialog[open]").len()), (1, 0));
}

#[wasm_bindgen_test]
async fn a_closed_room_can_be_read_and_says_why_nothing_can_be_sent() {
    let page = show([message(1, 1, None, "hello"), Event::RoomClosed, Event::Left]).await;
    assert_eq!(texts(&page, ".message-text"), ["hello"]);
    assert_eq!(
        page.text("p[aria-label=Connection]"),
        "This room was closed by its founder."
    );
    assert!(page.message_box().disabled());
    assert!(page.button("Send").has_attribute("disabled"));
    assert!(page.text("#composer-notice").contains("closed by its founder"));
    page.button("Leave room");
    let buttons = texts(&page, "button");
    assert!(
        !buttons
            .iter()
            .any(|text| text.contains("Copy link") || text.contains("Invite"))
    );
}

#[wasm_bindgen_test]
async fn a_text_over_the_limit_stays_in_the_box_with_the_limit_in_words() {
    for length in [300 * 1024, 2 * 1024 * 1024] {
        let refused = SendError::TooLong {
            bytes: length,
            max: 64 * 1024,
        };
        let page = Shown::<RoomView>::new(room([], &Outbox::new(Err(refused)))).await;
        page.write(&"x".repeat(length)).await;
        page.press(&key("Enter")).await;
        assert_eq!(page.message_box().value().len(), length);
        assert!(page.text("#composer-notice").contains("64 KB at most"));
    }
}

#[wasm_bindgen_test]
async fn open_rooms_are_shown_as_such() {
    let props = RoomViewProps {
        open_name: Some("tea party".into()),
        ..room([], &Outbox::new(Ok(())))
    };
    let page = Shown::<RoomView>::new(props).await;
    assert_eq!(page.text("h1"), "tea party");
    assert_eq!(
        page.text("header .room-kind"),
        "Open room: anyone who guesses the name can come in"
    );
}
