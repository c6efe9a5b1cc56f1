//! Several servers, each a process of its own, that are one network: by a real Redis, by an address for each, or by both.

mod addresses;
mod balancer;
mod client;
mod cluster;
mod line;
mod node;
mod redis;
mod rolling;
mod sentinel;

use std::time::Duration;

use client::{Client, Heard, MENDED, eventually, identity, open_room};
use futures_util::{StreamExt, stream};
use line::Line;
use node::Node;
use redis::{Directory, Redis};
use rustix::process::Signal;
use shared::{
    Closing, RoomCode,
    signal::{CloseCode, Event, Refusal, Request},
};

async fn nodes(redis: &Redis, count: usize) -> Vec<Node> {
    let starts = (0..count).map(|_| Node::start(redis));
    futures_util::future::join_all(starts).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_peers_who_are_spread_blindly_find_each_other_and_their_rooms_have_true_sizes() {
    const PEERS: u16 = 2_000;
    const ROOMS: u16 = 300;
    let redis = Redis::start();
    let nodes = nodes(&redis, 3).await;
    let join = async |number: u16| {
        // Neither the node nor the room says anything of the other.
        let address = nodes[usize::from(number) % 3].address;
        let room = open_room(&format!("room {}", u32::from(number) * 7 % u32::from(ROOMS)));
        Client::join(address, &identity(number), &room).await.0
    };
    let clients: Vec<Client> = stream::iter(0..PEERS).map(join).buffered(32).collect().await;
    let room_of = |number: usize| number * 7 % usize::from(ROOMS);
    let mut rooms = vec![Vec::new(); usize::from(ROOMS)];
    for number in 0..clients.len() {
        rooms[room_of(number)].push(number);
    }
    let peers: Vec<_> = clients.iter().map(|client| client.peer).collect();
    let numbered = |clients: Vec<Client>| stream::iter(clients.into_iter().enumerate());
    let check = async |(number, mut client): (usize, Client)| {
        let members = u32::try_from(rooms[room_of(number)].len()).expect("few");
        client.discover_until(members).await;
        client
    };
    let clients: Vec<Client> = numbered(clients).map(check).buffered(64).collect().await;
    let talk = async |(number, mut client): (usize, Client)| {
        // To the next one of the room, who is mostly at another node.
        let members = &rooms[room_of(number)];
        let at = members.iter().position(|member| *member == number).expect("a member");
        let next = members[(at + 1) % members.len()];
        client.relay(peers[next], &number.to_string()).await;
        client
    };
    let clients: Vec<Client> = numbered(clients).map(talk).buffered(64).collect().await;
    let hear = async |mut client: Client| client.hear_payload().await;
    let heard: Vec<_> = stream::iter(clients).map(hear).buffered(64).collect().await;
    for (number, (from, payload)) in heard.into_iter().enumerate() {
        let sender: usize = payload.parse().expect("a number");
        assert_eq!((from, room_of(sender)), (peers[sender], room_of(number)));
    }
}

#[tokio::test]
async fn of_a_room_that_is_at_one_node_nothing_is_sent_to_the_others() {
    let redis = Redis::start();
    let nodes = nodes(&redis, 2).await;
    let lobby = open_room("lobby");
    let (mut ann, size, _) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    assert_eq!(size, 1);
    let (mut ben, size, named) = Client::join(nodes[0].address, &identity(2), &lobby).await;
    assert_eq!((size, named), (2, vec![ann.peer]));
    let (_other, size, _) = Client::join(nodes[1].address, &identity(3), &open_room("attic")).await;
    assert_eq!(size, 1);
    for _ in 0..20 {
        ann.relay(ben.peer, "hello").await;
        assert_eq!(ben.hear_payload().await, (ann.peer, "hello".to_owned()));
    }
    ann.relay(identity(9).peer_id(), "anybody?").await;
    let to = identity(9).peer_id();
    let refusal = Refusal::PeerNotHere { to };
    assert_eq!(ann.hear().await, Heard::Event(Event::Refused { refusal }));
    assert_eq!(redis.calls("spublish"), 0);
    // And it is counted at all.
    let (_, size, _) = Client::join(nodes[1].address, &identity(4), &lobby).await;
    assert_eq!(size, 3);
    assert!(redis.calls("spublish") > 0);
}

#[tokio::test]
async fn a_payload_crosses_and_whoever_is_nowhere_is_said_to_be() {
    let redis = Redis::start();
    let nodes = nodes(&redis, 2).await;
    let lobby = open_room("lobby");
    let (mut ann, ..) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    let (mut ben, size, named) = Client::join(nodes[1].address, &identity(2), &lobby).await;
    assert_eq!(
        (size, named),
        (2, vec![ann.peer]),
        "the welcome knows of the other node"
    );
    ben.relay(ann.peer, &"x".repeat(60_000)).await;
    assert_eq!(ann.hear_payload().await, (ben.peer, "x".repeat(60_000)));
    ann.relay(ben.peer, "back").await;
    assert_eq!(ben.hear_payload().await, (ann.peer, "back".to_owned()));
    let to = identity(9).peer_id();
    ben.relay(to, "anybody?").await;
    let refusal = Refusal::PeerNotHere { to };
    assert_eq!(ben.hear().await, Heard::Event(Event::Refused { refusal }));
}

#[tokio::test]
async fn a_recipient_at_another_node_that_does_not_read_is_said_to_be_busy() {
    let redis = Redis::start();
    let nodes = nodes(&redis, 2).await;
    let lobby = open_room("lobby");
    let (mut ann, ..) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    let (ben, ..) = Client::join(nodes[1].address, &identity(2), &lobby).await;
    ann.discover_until(2).await;
    let payload = "x".repeat(60_000);
    let refusal = Refusal::PeerBusy { to: ben.peer };
    for _ in 0..30 {
        ann.relay(ben.peer, &payload).await;
    }
    // A client that is slow is not closed for what others send it.
    assert_eq!(ann.hear().await, Heard::Event(Event::Refused { refusal }));
}

#[tokio::test]
async fn the_newer_connection_of_a_peer_wins_at_whatever_node() {
    let redis = Redis::start();
    let nodes = nodes(&redis, 2).await;
    let lobby = open_room("lobby");
    let (mut ann, ..) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    let (mut older, ..) = Client::join(nodes[0].address, &identity(2), &lobby).await;
    let (mut newer, ..) = Client::join(nodes[1].address, &identity(2), &lobby).await;
    assert_eq!(older.hear().await, Heard::Closed(CloseCode::Superseded.code()));
    ann.discover_until(2).await;
    newer.discover_until(2).await;
    ann.relay(newer.peer, "to you").await;
    assert_eq!(newer.hear_payload().await, (ann.peer, "to you".to_owned()));
    // And back again.
    let (mut newest, ..) = Client::join(nodes[0].address, &identity(2), &lobby).await;
    assert_eq!(newer.hear().await, Heard::Closed(CloseCode::Superseded.code()));
    newest.discover_until(2).await;
}

#[tokio::test]
async fn a_room_that_its_founder_closes_at_one_node_is_closed_at_all() {
    let redis = Redis::start();
    let nodes = nodes(&redis, 3).await;
    let founder = identity(1);
    let code = RoomCode::Generated {
        secret: [7; 16],
        founder: founder.peer_id(),
    };
    let room = code.open();
    let (mut ann, ..) = Client::join(nodes[0].address, &founder, &room).await;
    let (mut ben, ..) = Client::join(nodes[1].address, &identity(2), &room).await;
    let closing = Closing::sign(&founder, &room, 5).to_text();
    let request = closing.clone();
    ann.send(Request::Close { closing: request }).await;
    for client in [&mut ann, &mut ben] {
        let closing = closing.clone();
        assert_eq!(client.hear().await, Heard::Event(Event::Closed { closing }));
        assert_eq!(client.hear().await, Heard::Closed(CloseCode::RoomClosed.code()));
    }
    // A node that never had the room.
    let mut late = Client::greet(nodes[2].address, &identity(3), &room).await;
    assert_eq!(late.hear().await, Heard::Event(Event::Closed { closing }));
}

#[tokio::test]
async fn of_a_node_that_was_killed_nobody_is_told_for_long_and_its_people_come_back_elsewhere() {
    let redis = Redis::start();
    let mut nodes = nodes(&redis, 3).await;
    let lobby = open_room("lobby");
    let (mut ann, ..) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    let (_ben, ..) = Client::join(nodes[1].address, &identity(2), &lobby).await;
    let (cas, size, _) = Client::join(nodes[2].address, &identity(3), &lobby).await;
    assert_eq!(size, 3);
    nodes[2].kill();
    ann.relay(cas.peer, "are you there?").await;
    let refusal = Refusal::PeerNotHere { to: cas.peer };
    assert_eq!(ann.hear().await, Heard::Event(Event::Refused { refusal }));
    ann.discover_until(2).await;
    let (mut cas, ..) = Client::join(nodes[1].address, &identity(3), &lobby).await;
    cas.discover_until(3).await;
    ann.discover_until(3).await;
    ann.relay(cas.peer, "welcome back").await;
    assert_eq!(cas.hear_payload().await.1, "welcome back");
}

#[tokio::test]
async fn a_node_that_is_told_to_stop_is_named_to_nobody_any_more() {
    let redis = Redis::start();
    let nodes = nodes(&redis, 2).await;
    let lobby = open_room("lobby");
    let (mut ann, ..) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    let (mut ben, ..) = Client::join(nodes[1].address, &identity(2), &lobby).await;
    nodes[1].terminate();
    assert_eq!(ben.hear().await, Heard::Event(Event::Draining {}));
    assert_eq!(ben.hear().await, Heard::Closed(CloseCode::Restart.code()));
    let (_ben, size, named) = Client::join(nodes[0].address, &identity(2), &lobby).await;
    assert!((2..=3).contains(&size));
    assert!(named.contains(&ann.peer));
    ann.discover_until(2).await;
}

/// Until all of them say that they are cut off.
async fn until_degraded(nodes: &[Node]) {
    let is_degraded = |node: &Node| node.readiness().starts_with("degraded");
    eventually("the nodes say so", async || nodes.iter().all(is_degraded)).await;
}

#[tokio::test]
async fn while_redis_is_away_rooms_of_one_node_go_on_and_all_is_mended_when_it_is_back() {
    let mut redis = Redis::start();
    let nodes = nodes(&redis, 2).await;
    let lobby = open_room("lobby");
    let (mut ann, ..) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    let (mut ben, ..) = Client::join(nodes[0].address, &identity(2), &lobby).await;
    let (cas, ..) = Client::join(nodes[1].address, &identity(3), &lobby).await;
    ann.discover_until(3).await;
    redis.kill();
    until_degraded(&nodes).await;
    ann.relay(ben.peer, "still here").await;
    assert_eq!(ben.hear_payload().await, (ann.peer, "still here".to_owned()));
    ann.relay(cas.peer, "and you?").await;
    let Heard::Event(Event::Refused { refusal }) = ann.hear().await else {
        panic!("it cannot have been carried")
    };
    let (to, peer) = (cas.peer, cas.peer);
    assert!([Refusal::PeerBusy { to }, Refusal::PeerNotHere { to: peer }].contains(&refusal));
    // Two who come meanwhile to two nodes know nothing of each other.
    let porch = open_room("porch");
    let (mut dan, size, _) = Client::join(nodes[0].address, &identity(4), &porch).await;
    assert_eq!(size, 1);
    let (mut eve, size, _) = Client::join(nodes[1].address, &identity(5), &porch).await;
    assert_eq!(size, 1);
    ann.discover_until(2).await;
    redis.restart();
    eventually("the nodes are in touch", async || {
        nodes.iter().all(|node| node.readiness() == "ready\n")
    })
    .await;
    // The part whose node is in touch last is told without asking: a part of a room that has enough links would never ask.
    let told = tokio::select! {
        told = dan.hear() => (told, eve.peer),
        told = eve.hear() => (told, dan.peer),
    };
    let (room_size, peers) = (2, vec![told.1]);
    assert_eq!(told.0, Heard::Event(Event::Peers { room_size, peers }));
    dan.relay(eve.peer, "there you are").await;
    assert_eq!(eve.hear_payload().await.1, "there you are");
}

#[tokio::test]
async fn a_redis_that_is_far_away_tells_no_untruth() {
    let redis = Redis::start();
    let line = Line::start(redis.address(), Duration::from_millis(100)).await;
    let far = Directory::at(line.address);
    let nodes = [Node::start_in(&far).await, Node::start_in(&far).await];
    let lobby = open_room("lobby");
    let (mut ann, size, _) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    assert_eq!(size, 1);
    // The welcome waits for the answer, which takes 200 ms.
    let (mut ben, size, named) = Client::join(nodes[1].address, &identity(2), &lobby).await;
    assert_eq!((size, named), (2, vec![ann.peer]));
    ben.relay(ann.peer, "from afar").await;
    assert_eq!(ann.hear_payload().await.1, "from afar");
    ann.discover_until(2).await;
}

/// Two nodes, of which the second reaches Redis by a line only.
async fn second_behind_a_line(redis: &Redis) -> (Line, [Node; 2]) {
    let line = Line::start(redis.address(), Duration::ZERO).await;
    let second = Node::start_in(&Directory::at(line.address)).await;
    (line, [Node::start(redis).await, second])
}

#[tokio::test]
async fn a_node_that_is_cut_off_alone_is_dead_to_the_others_and_comes_back_with_its_people() {
    let redis = Redis::start();
    let (line, nodes) = second_behind_a_line(&redis).await;
    let lobby = open_room("lobby");
    let (mut ann, ..) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    let (mut ben, ..) = Client::join(nodes[1].address, &identity(2), &lobby).await;
    let (mut cas, ..) = Client::join(nodes[1].address, &identity(3), &lobby).await;
    ann.discover_until(3).await;
    line.cut();
    ann.discover_until(1).await;
    ben.discover_until(2).await;
    assert!(nodes[1].readiness().starts_with("degraded"));
    assert_eq!(nodes[0].readiness(), "ready\n");
    // One of them comes to the other node meanwhile. That is the later registration, also when the cut-off node tells of its own again.
    let (mut newer, ..) = Client::join(nodes[0].address, &identity(3), &lobby).await;
    line.mend();
    let mut heard = cas.hear().await;
    // They may be told of the others first.
    if matches!(heard, Heard::Event(Event::Peers { .. })) {
        heard = cas.hear().await;
    }
    assert_eq!(heard, Heard::Closed(CloseCode::Superseded.code()));
    ann.discover_until(3).await;
    newer.relay(ben.peer, "back together").await;
    assert_eq!(ben.hear_payload().await.1, "back together");
}

#[tokio::test]
async fn what_a_lost_word_was_about_is_mended_within_ten_seconds_also_in_a_room_that_changes_all_the_time() {
    let redis = Redis::start();
    let (line, nodes) = second_behind_a_line(&redis).await;
    let lobby = open_room("lobby");
    let (_ann, ..) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    let (mut ben, ..) = Client::join(nodes[1].address, &identity(2), &lobby).await;
    let (mut older, size, _) = Client::join(nodes[1].address, &identity(3), &lobby).await;
    assert_eq!(size, 3);
    line.lose_words();
    let (_newer, ..) = Client::join(nodes[0].address, &identity(3), &lobby).await;
    let (_dan, ..) = Client::join(nodes[0].address, &identity(4), &lobby).await;
    // The other node has heard of neither.
    assert_eq!(ben.discover().await.0, 3);
    let come_and_go = async {
        loop {
            let (guest, ..) = Client::join(nodes[1].address, &identity(5), &lobby).await;
            drop(guest);
            // Not to flood it.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let mended = tokio::time::timeout(MENDED, older.hear());
    let heard = tokio::select! {
        heard = mended => heard.expect("in time"),
        () = come_and_go => unreachable!("it never ends"),
    };
    assert_eq!(heard, Heard::Closed(CloseCode::Superseded.code()));
    ben.discover_until(4).await;
}

#[tokio::test]
async fn redis_is_spoken_to_by_tls() {
    let redis = Redis::start_tls();
    let nodes = nodes(&redis, 2).await;
    let lobby = open_room("lobby");
    let (mut ann, ..) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    let (mut ben, size, _) = Client::join(nodes[1].address, &identity(2), &lobby).await;
    assert_eq!(size, 2);
    ben.relay(ann.peer, "sealed twice").await;
    assert_eq!(ann.hear_payload().await.1, "sealed twice");
}

#[tokio::test]
async fn a_redis_that_stands_still_is_as_good_as_away() {
    let redis = Redis::start();
    let nodes = nodes(&redis, 2).await;
    let lobby = open_room("lobby");
    let (_ann, ..) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    redis.signal(Signal::STOP);
    // Nobody waits for long, also before the node has found out.
    let (mut ben, size, _) = Client::join(nodes[1].address, &identity(2), &lobby).await;
    assert_eq!(size, 1);
    until_degraded(&nodes).await;
    redis.signal(Signal::CONT);
    ben.discover_until(2).await;
}

#[tokio::test]
async fn a_redis_that_is_full_is_as_good_as_away() {
    let redis = Redis::start();
    let nodes = nodes(&redis, 2).await;
    let lobby = open_room("lobby");
    let (mut ann, ..) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    assert!(redis.command("CONFIG SET maxmemory 1").starts_with("+OK"));
    until_degraded(&nodes).await;
    let (mut ben, size, _) = Client::join(nodes[0].address, &identity(2), &lobby).await;
    assert_eq!(size, 2);
    ben.relay(ann.peer, "here it goes on").await;
    assert_eq!(ann.hear_payload().await.1, "here it goes on");
    assert!(redis.command("CONFIG SET maxmemory 0").starts_with("+OK"));
    let (mut cas, ..) = Client::join(nodes[1].address, &identity(3), &lobby).await;
    cas.discover_until(3).await;
}
