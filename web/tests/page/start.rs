//! The start page: a name, and a new room, an existing one or an invitation.

use std::{cell::RefCell, rc::Rc};

use client::telling::Told;
use mesh::io::TransportPolicy;
use shared::{Portable, RoomCode};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web::{
    appearance::transport_policy,
    components::take_along::{Move, Moved},
    pages::start::{Entered, StartPage, StartPageProps},
    rooms::KnownRoom,
};
use web_sys::HtmlInputElement;
use yew::Callback;

use crate::shown::Shown;

async fn start(name: Option<&str>, invitation: Option<RoomCode>) -> (Shown<StartPage>, Rc<RefCell<Vec<Entered>>>) {
    let entered = Rc::new(RefCell::new(Vec::new()));
    let sink = entered.clone();
    let on_enter = Callback::from(move |choice| sink.borrow_mut().push(choice));
    (Shown::new(props(name, invitation, on_enter)).await, entered)
}

fn props(name: Option<&str>, invitation: Option<RoomCode>, on_enter: Callback<Entered>) -> StartPageProps {
    StartPageProps {
        name: name.map(str::to_owned),
        invitation,
        me: None,
        on_move: Callback::noop(),
        room_error: None,
        rooms: Vec::new(),
        open: Vec::new(),
        notice: None,
        usable: true,
        on_enter,
        on_forget: Callback::noop(),
        on_leave: Callback::noop(),
        on_dismiss: Callback::noop(),
    }
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
        (&*"x".repeat(33), "tea", "name", "This one has 33"),
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
async fn one_goes_back_to_a_room_by_the_name_in_the_form_or_forgets_it() {
    let entered = Rc::new(RefCell::new(Vec::new()));
    let forgotten = Rc::new(RefCell::new(Vec::new()));
    let left = Rc::new(RefCell::new(Vec::new()));
    let (enter, forget, leave) = (entered.clone(), forgotten.clone(), left.clone());
    let private = RoomCode::Generated {
        secret: [7; 16],
        founder: shared::PeerId::from_bytes([1; 32]),
    };
    let with = "Bo, Cy".to_owned();
    let page = Shown::<StartPage>::new(StartPageProps {
        rooms: vec![
            KnownRoom {
                code: private.clone(),
                name: String::new(),
                with,
                unread: 3,
                told: Told::default(),
            },
            KnownRoom {
                code: open("tea party"),
                name: String::new(),
                with: String::new(),
                unread: 0,
                told: Told::default(),
            },
        ],
        on_forget: Callback::from(move |code| forget.borrow_mut().push(code)),
        // Only what this tab is in can be left.
        open: vec![open("tea party")],
        on_leave: Callback::from(move |code| leave.borrow_mut().push(code)),
        ..props(
            None,
            None,
            Callback::from(move |choice| enter.borrow_mut().push(choice)),
        )
    })
    .await;
    page.click("Private room with Bo, Cy (3 unread)").await;
    assert!(entered.borrow().is_empty() && page.text("#name-error").contains("Type a name"));
    page.fill("name", "Ada").await;
    page.click("Private room with Bo, Cy (3 unread)").await;
    let name = "Ada".to_owned();
    assert_eq!(
        *entered.borrow(),
        [Entered {
            name,
            code: Some(private)
        }]
    );
    page.button("Forget Private room with Bo, Cy");
    page.button("tea party");
    page.click("Leave tea party").await;
    assert_eq!(*left.borrow(), [open("tea party")]);
    assert_eq!(page.all(".known-rooms [aria-label^='Leave ']").len(), 1);
    page.click("Forget tea party").await;
    assert_eq!(*forgotten.borrow(), [open("tea party")]);
    assert_eq!(entered.borrow().len(), 1);
}

#[wasm_bindgen_test]
async fn who_hides_their_address_finds_that_kept() {
    let choices = async || {
        let (page, _) = start(None, None).await;
        let radios = page.all(".privacy input");
        let radios = radios.into_iter().map(JsCast::unchecked_into::<HtmlInputElement>);
        (radios.collect::<Vec<_>>(), page)
    };
    let (radios, page) = choices().await;
    assert!(radios[0].checked() && transport_policy() == TransportPolicy::All);
    radios[1].click();
    page.settle().await;
    assert_eq!(transport_policy(), TransportPolicy::Relay);
    drop(page);
    let (radios, page) = choices().await;
    assert!(radios[1].checked() && !radios[0].checked());
    radios[0].click();
    page.settle().await;
    assert_eq!(transport_policy(), TransportPolicy::All);
}

#[wasm_bindgen_test]
async fn an_identity_is_saved_under_a_passphrase_and_another_takes_its_place_only_once_that_is_confirmed() {
    let moves = Rc::new(RefCell::new(Vec::new()));
    let sink = moves.clone();
    let page = Shown::<StartPage>::new(StartPageProps {
        me: Some("Ada (AAAA-BBBB)".into()),
        on_move: Callback::from(move |(what, told): (Move, Callback<Moved>)| {
            sink.borrow_mut().push(format!("{what:?}"));
            told.emit(match what {
                Move::Save(_) => Moved::Found(Portable {
                    secret: [7; 32].into(),
                    name: Some("Bo".to_owned()),
                }),
                Move::Read(..) | Move::Become(_) => Moved::Said("told"),
            });
        }),
        ..props(Some("Ada"), None, Callback::noop())
    })
    .await;
    page.fill("passphrase", "correct horse").await;
    page.click("Save identity").await;
    assert_eq!(moves.borrow().len(), 1);
    assert!(moves.borrow()[0].contains("correct horse"), "{moves:?}");
    // Stands for a file that was read.
    let text = page.text(".take-along");
    assert!(text.contains("Ada (AAAA-BBBB)") && text.contains("Bo"), "{text}");
    page.click("Be that person here").await;
    assert_eq!(moves.borrow()[1..], ["Become(Portable(a secret))"]);
    assert!(page.text(".take-along").contains("told"));
}
