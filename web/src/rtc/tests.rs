//! Two connections of one page: a real data channel in a real browser.

use std::collections::BTreeMap;

use client::driver::{DriverEvent, EventQueue};
use mesh::{config::FRAGMENT_BYTES_MAX, io::LinkKind};
use wasm_bindgen_test::wasm_bindgen_test;

use super::*;
use crate::profile::tests::certificate;

const LOW: LinkId = LinkId(1);
const HIGH: LinkId = LinkId(2);

/// Two connections of this page, and what carries descriptions and candidates between them.
struct Pair {
    connections: BTreeMap<LinkId, Connection>,
    events: EventQueue,
    descriptions: BTreeMap<LinkId, String>,
    early: Vec<(LinkId, Vec<u8>)>,
    kinds: BTreeMap<LinkId, LinkKind>,
}

impl Pair {
    fn new(certificate: Option<&RtcCertificate>) -> Self {
        let (sender, events) = Events::channel();
        let connect = |link| {
            (
                link,
                Connection::new(link, &[], TransportPolicy::All, certificate, &sender).unwrap(),
            )
        };
        let pair = Self {
            connections: [LOW, HIGH].map(connect).into(),
            events,
            descriptions: BTreeMap::new(),
            early: Vec::new(),
            kinds: BTreeMap::new(),
        };
        pair.connections[&LOW].push(Step::Offer);
        pair
    }

    /// Signals until something else happens, and gives that.
    async fn next(&mut self) -> Input {
        loop {
            let event = input(&mut self.events).await;
            match event {
                Input::LocalDescription { link: LOW, sdp } => {
                    self.descriptions.insert(LOW, sdp.clone());
                    self.connections[&HIGH].push(Step::Accept { sdp });
                }
                Input::LocalDescription { link, sdp } => {
                    self.descriptions.insert(link, sdp.clone());
                    self.connections[&LOW].push(Step::Answer { sdp });
                }
                Input::LocalCandidates { link, candidates } => {
                    let other = if link == LOW { HIGH } else { LOW };
                    // They may still be found for one that was hung up.
                    if let Some(connection) = self.connections.get(&other) {
                        connection.push(Step::Candidates { candidates });
                    }
                }
                // Both channels open at one time, in no order.
                Input::LinkPath { .. } | Input::FilesOpen { .. } => {}
                Input::LinkKind { link, kind } => {
                    self.kinds.insert(link, kind);
                }
                event => return event,
            }
        }
    }

    async fn open(&mut self) {
        let mut open = 0;
        while open < 2 {
            match self.next().await {
                Input::LinkOpen { .. } => open += 1,
                // One side's channel may open, and what waited for it arrive, before the other's event is seen.
                Input::Fragment { link, bytes } => self.early.push((link, bytes.to_vec())),
                event => panic!("{event:?} before both channels were open"),
            }
        }
    }

    async fn packets(&mut self, count: usize) -> Vec<(LinkId, Vec<u8>)> {
        let mut packets = std::mem::take(&mut self.early);
        while packets.len() < count {
            match self.next().await {
                Input::Fragment { link, bytes } => packets.push((link, bytes.to_vec())),
                event => panic!("{event:?} instead of a packet"),
            }
        }
        packets
    }
}

fn fingerprint(sdp: &str) -> &str {
    sdp.lines().find(|line| line.starts_with("a=fingerprint")).unwrap()
}

#[wasm_bindgen_test]
async fn channels_open_and_carry_packets_both_ways_at_once() {
    let mut pair = Pair::new(None);
    pair.open().await;
    assert_eq!(pair.connections[&LOW].send(b"from low"), Ok(()));
    assert_eq!(pair.connections[&HIGH].send(b"from high"), Ok(()));
    let mut packets = pair.packets(2).await;
    packets.sort();
    assert_eq!(packets, [(LOW, b"from high".to_vec()), (HIGH, b"from low".to_vec())]);
}

#[wasm_bindgen_test]
async fn an_ice_server_that_the_browser_does_not_take_costs_no_connection() {
    let (events, _queue) = Events::channel();
    let nonsense = IceServer {
        urls: vec!["nonsense".to_owned()],
        username: None,
        credential: None,
    };
    assert!(Connection::new(LOW, &[nonsense], TransportPolicy::All, None, &events).is_ok());
}

#[wasm_bindgen_test]
async fn an_open_link_says_how_it_reaches_its_peer() {
    let mut pair = Pair::new(None);
    pair.open().await;
    // It may be known only after the channels are open.
    while pair.kinds.len() < 2 {
        if let Input::LinkKind { link, kind } = input(&mut pair.events).await {
            pair.kinds.insert(link, kind);
        }
    }
    // Within one page; but a path may have been tried before its candidate was told.
    assert!(pair.kinds.values().all(|kind| *kind != LinkKind::Relayed));
}

#[wasm_bindgen_test]
async fn what_is_sent_before_the_channel_opens_arrives_in_order() {
    let mut pair = Pair::new(None);
    for byte in 0..5 {
        assert_eq!(pair.connections[&LOW].send(&[byte; FRAGMENT_BYTES_MAX]), Ok(()));
    }
    pair.open().await;
    let packets = pair.packets(5).await;
    let bytes: Vec<u8> = packets.iter().map(|(_, packet)| packet[0]).collect();
    assert_eq!(bytes, [0, 1, 2, 3, 4]);
}

#[wasm_bindgen_test]
async fn a_peer_that_does_not_take_its_data_costs_a_bounded_queue() {
    let pair = Pair::new(None);
    let sent = (0..10_000)
        .take_while(|_| pair.connections[&LOW].send(&[0; FRAGMENT_BYTES_MAX]).is_ok())
        .count();
    assert_eq!(sent, 512, "8 MiB in packets of 16 KiB");
}

#[wasm_bindgen_test]
async fn more_than_the_browser_buffers_flows_through() {
    let mut pair = Pair::new(None);
    pair.open().await;
    for byte in 0..250 {
        assert_eq!(pair.connections[&LOW].send(&[byte; FRAGMENT_BYTES_MAX]), Ok(()));
    }
    let packets = pair.packets(250).await;
    assert!(
        (0..)
            .zip(&packets)
            .all(|(byte, (link, packet))| *link == HIGH && packet == &[byte; FRAGMENT_BYTES_MAX])
    );
}

#[wasm_bindgen_test]
async fn a_hung_up_connection_is_silent_and_its_peer_is_told() {
    let mut pair = Pair::new(None);
    pair.open().await;
    pair.connections.remove(&LOW).unwrap().hang_up();
    match pair.next().await {
        Input::LinkClosed {
            link: HIGH,
            end: LinkEnd::ClosedByPeer,
        } => {}
        event => panic!("{event:?}"),
    }
}

#[wasm_bindgen_test]
async fn a_stored_certificate_gives_every_connection_the_same_fingerprint() {
    let certificate = certificate().await;
    let mut fingerprints = Vec::new();
    for _ in 0..2 {
        let mut pair = Pair::new(Some(&certificate));
        pair.open().await;
        fingerprints.extend(pair.descriptions.values().map(|sdp| fingerprint(sdp).to_owned()));
    }
    assert_eq!(fingerprints.len(), 4);
    assert!(
        fingerprints.iter().all(|known| *known == fingerprints[0]),
        "{fingerprints:?}"
    );
}

#[wasm_bindgen_test]
async fn an_ice_restart_keeps_the_channel_open_and_asks_the_servers_of_now() {
    let certificate = certificate().await;
    let mut pair = Pair::new(Some(&certificate));
    pair.open().await;
    let before = pair.descriptions.clone();
    let ice_servers = vec![IceServer {
        urls: vec!["turn:127.0.0.1:3478".into()],
        username: Some("x".into()),
        credential: Some("x".into()),
    }];
    pair.connections[&LOW].push(Step::Servers { ice_servers });
    pair.connections[&LOW].push(Step::Restart);
    // The channel carries packets throughout; wait until both sides have described themselves anew.
    while pair.descriptions.iter().any(|(link, sdp)| before[link] == *sdp) {
        assert_eq!(pair.connections[&HIGH].send(&[1]), Ok(()));
        pair.packets(1).await;
    }
    assert_eq!(pair.connections[&LOW].send(&[2]), Ok(()));
    assert_eq!(pair.packets(1).await, [(HIGH, vec![2])]);
    let configuration = pair.connections[&LOW].peer_connection.get_configuration();
    let configuration = String::from(js_sys::JSON::stringify(&configuration).unwrap());
    assert!(configuration.contains("turn:127.0.0.1:3478"), "{configuration}");
}

#[wasm_bindgen_test]
async fn an_offer_the_browser_refuses_ends_the_connection() {
    let mut pair = Pair::new(None);
    pair.connections[&HIGH].push(Step::Accept {
        sdp: "v=0\r\nthis is no session description".into(),
    });
    loop {
        match input(&mut pair.events).await {
            Input::LinkClosed {
                link: HIGH,
                end: LinkEnd::Failed,
            } => return,
            Input::LocalDescription { .. } | Input::LocalCandidates { .. } => {}
            event => panic!("{event:?}"),
        }
    }
}

/// The next thing for the node that the connections report.
async fn input(events: &mut EventQueue) -> Input {
    match events.next().await.unwrap() {
        DriverEvent::Input(input) => input,
        event => panic!("{event:?} is none of a connection's"),
    }
}
