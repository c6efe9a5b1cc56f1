//! All nodes are started anew, one after the other, behind a balancer that knows nothing of rooms, while people are there.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use shared::signal::{CloseCode, Event};
use tokio::sync::watch;

use crate::{
    balancer::Balancer,
    client::{Client, Heard, identity, open_room},
    node::Node,
    redis::{Redis, free_port},
};

const PEERS: u16 = 1_500;
const ROOMS: u16 = 150;
/// Everybody is back after this.
const BACK: Duration = Duration::from_secs(15);
const FLAGS: [&str; 4] = ["--trusted-proxies", "127.0.0.1", "--drain-spread-millis", "1000"];

/// A page: comes back at once when its server restarts. Gives its last connection, how often it came back, and the longest it was away.
async fn stay(balancer: Arc<Balancer>, number: u16, mut over: watch::Receiver<()>) -> (Client, u32, Duration) {
    let (identity, room) = (identity(number), open_room(&format!("room {}", number % ROOMS)));
    let (mut comings, mut away_longest, mut away_since) = (0, Duration::ZERO, Instant::now());
    loop {
        // If it were refused, or answered by a 503, the test would end here.
        let (mut client, ..) = Client::join(balancer.address, &identity, &room).await;
        away_longest = away_longest.max(away_since.elapsed());
        loop {
            let heard = tokio::select! {
                _ = over.changed() => return (client, comings, away_longest),
                heard = client.hear_at_last() => heard,
            };
            match heard {
                Heard::Event(Event::Draining {}) => away_since = Instant::now(),
                Heard::Closed(code) => {
                    assert_eq!(code, CloseCode::Restart.code());
                    break;
                }
                Heard::Event(_) => {}
            }
        }
        comings += 1;
    }
}

/// Somebody looks into each room until all are registered there, at nodes that live.
async fn until_all_are_there(balancer: &Balancer) {
    for number in 0..ROOMS {
        let (visitor, room) = (identity(PEERS + number), open_room(&format!("room {number}")));
        let (mut visitor, ..) = Client::join(balancer.address, &visitor, &room).await;
        visitor.discover_until(u32::from(PEERS / ROOMS) + 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_nodes_are_started_anew_and_nobody_is_refused_and_no_room_lost() {
    let redis = Redis::start();
    let directory = redis.directory();
    let listen: Vec<String> = (0..3).map(|_| format!("127.0.0.1:{}", free_port())).collect();
    let mut nodes = Vec::new();
    for listen in &listen {
        nodes.push(Node::start_at(listen, &directory, &FLAGS).await);
    }
    let addresses: Vec<_> = nodes.iter().map(|node| node.address).collect();
    let balancer = Arc::new(Balancer::start(&addresses).await);
    let (end, over) = watch::channel(());
    let pages: Vec<_> = (0..PEERS)
        .map(|number| tokio::spawn(stay(Arc::clone(&balancer), number, over.clone())))
        .collect();
    until_all_are_there(&balancer).await;
    for (node, listen) in nodes.iter_mut().zip(&listen) {
        node.terminate();
        tokio::task::block_in_place(|| node.wait());
        *node = Node::start_at(listen, &directory, &FLAGS).await;
    }
    let started = Instant::now();
    until_all_are_there(&balancer).await;
    assert!(started.elapsed() < BACK, "{:?}", started.elapsed());
    _ = end.send(());
    let mut comings = 0;
    let mut clients = Vec::new();
    for page in pages {
        let (client, came, away) = page.await.expect("nobody was refused");
        assert!(away < BACK, "{away:?}");
        comings += came;
        clients.push(client);
    }
    assert!(comings >= u32::from(PEERS), "all nodes had people: {comings}");
    for client in &mut clients {
        client.discover_until(u32::from(PEERS / ROOMS)).await;
    }
}
