//! Nodes that have an address each: a welcome says where the room is to be.

use std::collections::BTreeSet;

use shared::signal::{Event, Nodes};

use crate::{
    client::{Client, Heard, identity, open_room},
    node::Node,
    redis::{Redis, free_port},
};

const ROOMS: u16 = 12;

/// What the welcome at a node says of a room's nodes.
async fn named(node: &Node, number: u16, room: &str) -> Option<Nodes> {
    let mut client = Client::greet(node.address, &identity(number), &open_room(room)).await;
    match client.hear().await {
        Heard::Event(Event::Welcome { nodes, .. }) => nodes,
        other @ (Heard::Event(_) | Heard::Closed(_)) => panic!("not welcome: {other:?}"),
    }
}

async fn check(redis: Option<&Redis>, stay_at: u8) {
    let listen: Vec<String> = (0..4).map(|_| format!("127.0.0.1:{}", free_port())).collect();
    let mut urls: Vec<String> = listen.iter().map(|address| format!("ws://{address}")).collect();
    let all: Vec<String> = urls.iter().map(|url| format!("{url}/ws")).collect();
    let mut nodes = Vec::new();
    for listen in &listen {
        // In another order at each, and not all written in the same way.
        urls.rotate_left(1);
        let list = format!("{}/ws,{}", urls[0], urls[1..].join(","));
        let flags = ["--node", &list];
        nodes.push(match redis {
            Some(redis) => Node::start_at(listen, &redis.directory(), &flags).await,
            None => Node::start_alone(listen, &flags),
        });
    }
    let mut firsts = BTreeSet::new();
    for number in 0..ROOMS {
        let name = format!("room {number}");
        let expected = Nodes::of_room(&open_room(&name).id(), &all, stay_at);
        for node in &nodes {
            assert_eq!(named(node, number, &name).await.as_ref(), Some(&expected));
        }
        firsts.insert(expected.servers[0].clone());
    }
    assert!(firsts.len() > 1, "rooms are spread");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_names_the_same_nodes_for_a_room() {
    check(Some(&Redis::start()), 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_people_are_to_stay_at_two() {
    check(None, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_without_addresses_name_none() {
    let node = Node::start(&Redis::start()).await;
    assert_eq!(named(&node, 1, "room").await, None);
}
