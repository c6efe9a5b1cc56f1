//! The region "Network": its map, its table, its size.

use std::{cell::RefCell, rc::Rc};

use client::{check::Check, standing::standing};
use mesh::io::{LinkKind, TransportPolicy};
use mesh::model::{Network, NetworkEdge, NetworkLink, NetworkNode, PersonState};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web::pages::room::view::{RoomView, RoomViewProps};
use yew::Callback;

use crate::{
    setup::{Outbox, peer, person, room},
    shown::{Shown, texts},
};

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
        ["Ada", "relayed", "27 ms", "2 min", "backup"]
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
    page.click("Larger map").await;
    assert_eq!(
        texts(&page, "dialog.wide .map-name"),
        ["You", "Ada August…", &*fingerprint]
    );
    page.click("Done").await;
    assert_eq!(page.all("dialog .map").len(), 0);
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
    let before = *looks.borrow();
    gloo_timers::future::TimeoutFuture::new(1_500).await;
    assert_eq!(*looks.borrow(), before);
}

#[wasm_bindgen_test]
async fn a_folded_network_says_how_many_there_are_and_that_it_is_folded_is_told() {
    let folded = Rc::new(RefCell::new(Vec::new()));
    let sink = folded.clone();
    let props = RoomViewProps {
        folded: true,
        on_fold: Callback::from(move |is| sink.borrow_mut().push(is)),
        ..networked(network(1, 2))
    };
    let page = Shown::<RoomView>::new(props).await;
    assert_eq!(page.all(".map").len(), 0);
    assert!(page.text(".network").contains("Network size: 2"));
    page.click("Network").await;
    page.one(".map");
    page.click("Network").await;
    assert_eq!(*folded.borrow(), [false, true]);
}

#[wasm_bindgen_test]
async fn what_kind_of_network_this_is_is_found_out_each_time_one_asks() {
    let asked = Rc::new(RefCell::new(Vec::<Callback<Check>>::new()));
    let props = RoomViewProps {
        on_check: {
            let asked = asked.clone();
            Callback::from(move |told| asked.borrow_mut().push(told))
        },
        ..networked(network(1, 2))
    };
    let page = Shown::<RoomView>::new(props).await;
    for times in 1..=2 {
        page.click("Room menu").await;
        page.click("Check connection").await;
        assert!(page.text("dialog[open] [role=status]").starts_with("Checking"));
        assert_eq!(
            (asked.borrow().len(), page.all("dialog[open] textarea").len()),
            (times, 0)
        );
        let told = asked.borrow()[times - 1].clone();
        told.emit(Check::of(&[], TransportPolicy::All, Some(&[]), [None; 3]));
        page.settle().await;
        assert!(
            page.text("dialog[open] [role=status]")
                .starts_with("This server connects people within one network")
        );
        let area: web_sys::HtmlTextAreaElement = page.one("dialog[open] textarea").unchecked_into();
        assert!(area.value().starts_with("Server: connect"), "{}", area.value());
        page.click("Done").await;
    }
}

#[wasm_bindgen_test]
async fn diagnostics_can_be_copied_or_are_selected_to_be_copied_by_hand() {
    let times = Rc::new(RefCell::new(0));
    let props = || {
        let times = times.clone();
        RoomViewProps {
            on_diagnose: Callback::from(move |()| {
                *times.borrow_mut() += 1;
                format!("what happened: {}", times.borrow()).into()
            }),
            ..networked(network(1, 2))
        }
    };
    let mut page = Shown::<RoomView>::new(props()).await;
    page.click("Room menu").await;
    page.click("Copy diagnostics").await;
    let area: web_sys::HtmlTextAreaElement = page.one("dialog[open] textarea").unchecked_into();
    assert_eq!((area.value().as_str(), area.read_only()), ("what happened: 1", true));
    page.click("Copy").await;
    // Whether a page without a person may write to the clipboard is the browser's choice.
    let said = || texts(&page, "dialog[open] .notice").concat();
    while said().is_empty() {
        gloo_timers::future::TimeoutFuture::new(10).await;
    }
    assert!(
        said().starts_with("Copied") || said().contains("The text is selected"),
        "{}",
        said()
    );
    // The room goes on meanwhile, and the text stays as it is, selected.
    page.update(props()).await;
    assert_eq!(area.value(), "what happened: 1");
    assert_eq!(
        (area.selection_start(), area.selection_end()),
        (Ok(Some(0)), Ok(Some(16)))
    );
    page.click("Done").await;
    assert_eq!(page.all("dialog[open]").len(), 0);
}
