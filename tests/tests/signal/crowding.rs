//! Members who are many, or send much, so that others are not found, not heard or thrown out.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use shared::{
    Identity,
    signal::{CloseCode, Event, Refusal, Request},
};
use signal::config::{Limits, Rate};
use tokio::{io::AsyncWriteExt, time::timeout};

use crate::{
    bystanders::beside_bystanders,
    client::{Client, Heard, PATIENCE, connect_at},
    setup::{ROOM, hello, identity, limits, peer, relay, server},
};

/// From where attacks come. Everybody honest is at another address.
const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn made_up(number: u32) -> Identity {
    let mut secret = [0xff; 32];
    secret[..4].copy_from_slice(&number.to_be_bytes());
    Identity::from_secret(&secret)
}

/// Registers one made-up member, or says what the server says instead. The socket has to be kept.
async fn crowd(own: Ipv4Addr, address: SocketAddr, number: u32) -> Option<Client> {
    let stream = connect_at(own, address).await.ok()?;
    let mut client = Client::connect_with(stream, &[]).await.ok()?;
    let nonce = client.challenge().await;
    client.send(Request::from(hello(&made_up(number), ROOM, &nonce))).await;
    let welcome = matches!(client.hear().await, Heard::Event(Event::Welcome { .. }));
    welcome.then_some(client)
}

#[tokio::test]
async fn nobody_throws_a_member_off_by_relays() {
    // The rates are not what is tried here: several senders could share the work.
    let limits = Limits {
        socket_rate: Rate::Unlimited,
        ..limits()
    };
    let server = server(limits).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let mut victim = Client::join(address, &identity(1), ROOM).await;
        let mut friend = Client::join(address, &identity(3), ROOM).await;
        let mut attacker = Client::join_at(ATTACKER, address, &identity(2), ROOM).await;
        let payload = "x".repeat(60_000);
        // More than the buffers of the system take, so that the queue is full.
        let mut refused = 0;
        for _ in 0..400 {
            attacker.send(relay(1, payload.clone())).await;
            attacker.send(Request::Ping {}).await;
            loop {
                match attacker.hear().await {
                    Heard::Event(Event::Pong {}) => break,
                    Heard::Event(Event::Refused { refusal }) => {
                        assert_eq!(refusal, Refusal::PeerBusy { to: peer(1) });
                        refused += 1;
                    }
                    other @ (Heard::Event(_) | Heard::Closed(_) | Heard::Gone) => panic!("{other:?}"),
                }
            }
        }
        assert!(refused > 0, "the queue is full");
        // Others find room in it, and what they say arrives.
        friend.send(relay(1, "are you there?")).await;
        victim.send(Request::Ping {}).await;
        let (mut heard_friend, mut heard_pong) = (false, false);
        while !(heard_friend && heard_pong) {
            match victim.hear().await {
                Heard::Event(Event::Relayed { from, .. }) => heard_friend |= from == peer(3),
                Heard::Event(Event::Pong {}) => heard_pong = true,
                other @ (Heard::Event(_) | Heard::Closed(_) | Heard::Gone) => panic!("{other:?}"),
            }
        }
        friend.send(Request::Ping {}).await;
        assert_eq!(friend.hear().await, Heard::Event(Event::Pong {}));
    })
    .await;
}

#[tokio::test]
async fn bytes_are_counted_as_well_as_messages() {
    let limits = Limits {
        socket_bytes_rate: Limits::default().socket_bytes_rate,
        ..limits()
    };
    let server = server(limits).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let _recipient = Client::join(address, &identity(1), ROOM).await;
        let mut greedy = Client::join(address, &identity(2), ROOM).await;
        let payload = "x".repeat(60_000);
        // Fewer messages than a socket may send at once.
        for _ in 0..100 {
            greedy.send(relay(9, payload.clone())).await;
        }
        let mut carried_out = 0;
        for _ in 0..100 {
            match greedy.hear().await {
                Heard::Event(Event::Refused {
                    refusal: Refusal::TooFast { retry_after_millis },
                }) => assert!(retry_after_millis > 0),
                Heard::Event(Event::Refused {
                    refusal: Refusal::PeerNotHere { .. },
                }) => carried_out += 1,
                other @ (Heard::Event(_) | Heard::Closed(_) | Heard::Gone) => panic!("{other:?}"),
            }
        }
        assert!((10..60).contains(&carried_out), "{carried_out} of 100");
    })
    .await;
}

/// One text message that never ends: a first fragment, and then empty ones.
#[tokio::test]
async fn a_message_of_endless_empty_fragments_ends_its_socket() {
    let server = server(limits()).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let mut client = Client::join_at(ATTACKER, address, &identity(1), ROOM).await;
        let stream = client.socket.get_mut();
        let mask = [0; 4];
        stream.write_all(&[0x01, 0x81]).await.unwrap();
        stream.write_all(&mask).await.unwrap();
        stream.write_all(b"{").await.unwrap();
        let empty = [0x00, 0x80, 0, 0, 0, 0].repeat(1_000);
        let flood = async { while stream.write_all(&empty).await.is_ok() {} };
        timeout(PATIENCE, flood)
            .await
            .expect("the server does not read for ever");
    })
    .await;
    let text = server.fetch_admin("/metrics").await;
    let counted = format!("starling_closed_total{{code=\"{}\"}} 1", CloseCode::Malformed.code());
    assert!(text.text().contains(&counted), "{}", text.text());
}

#[tokio::test]
async fn a_message_in_some_fragments_is_one_message() {
    let server = server(limits()).await;
    let mut client = Client::join(server.address, &identity(1), ROOM).await;
    let stream = client.socket.get_mut();
    let text = br#"{"ping":{}}"#;
    for (index, byte) in text.iter().enumerate() {
        let first = if index == 0 { 0x01 } else { 0x00 };
        let last = if index + 1 == text.len() { 0x80 } else { 0x00 };
        stream
            .write_all(&[first | last, 0x81, 0, 0, 0, 0, *byte])
            .await
            .unwrap();
    }
    assert_eq!(client.hear().await, Heard::Event(Event::Pong {}));
}

#[tokio::test]
async fn made_up_members_of_one_address_do_not_hide_the_others() {
    let server = server(limits()).await;
    let address = server.address;
    let mut honest = Vec::new();
    for who in 10..20 {
        honest.push(Client::join_at(Ipv4Addr::new(127, 0, 0, who), address, &identity(who), ROOM).await);
    }
    let mut made_up = Vec::new();
    for number in 0..150 {
        made_up.extend(crowd(ATTACKER, address, number).await);
    }
    assert!(made_up.len() > 100, "{}", made_up.len());
    let mut newcomer = Client::connect(address).await;
    let named = newcomer.hello(&identity(1), ROOM).await;
    let known: Vec<_> = (10..20).map(peer).collect();
    let count = named.iter().filter(|peer| known.contains(peer)).count();
    assert!(count >= 6, "{count} of {} are honest", named.len());
}

#[tokio::test]
async fn four_addresses_do_not_fill_a_room() {
    let limits = Limits {
        peers_per_room_max: 40,
        ..limits()
    };
    let server = server(limits).await;
    let address = server.address;
    let mut made_up = Vec::new();
    for number in 0..40 {
        for last in 2..6u8 {
            let own = Ipv4Addr::new(127, 0, 0, last);
            made_up.extend(crowd(own, address, number * 4 + u32::from(last)).await);
        }
    }
    let own = Ipv4Addr::new(127, 0, 0, 10);
    Client::join_at(own, address, &identity(1), ROOM).await;
}

#[tokio::test]
async fn the_rooms_of_one_address_leave_room_for_others() {
    let limits = Limits {
        connections_max: 40,
        rooms_max: 40,
        ..limits()
    };
    let server = server(limits).await;
    let mut clients = Vec::new();
    for number in 0..60 {
        let stream = connect_at(ATTACKER, server.address).await.unwrap();
        if let Ok(mut client) = Client::connect_with(stream, &[]).await {
            client.hello(&made_up(number), &format!("room {number}")).await;
            clients.push(client);
        }
    }
    assert!((10..=20).contains(&clients.len()), "{}", clients.len());
    Client::join(server.address, &identity(1), ROOM).await;
}

#[tokio::test]
async fn registrations_are_rated_by_address() {
    // A burst of 200, and 20 a second.
    let server = server(limits()).await;
    let address = server.address;
    beside_bystanders(&server, async move {
        let attack = async {
            let (mut registered, started) = (0, Instant::now());
            for number in 0..450 {
                registered += u32::from(crowd(ATTACKER, address, number).await.is_some());
            }
            (registered, 200 + 20 * (1 + started.elapsed().as_secs()) + 5)
        };
        let (registered, most) = timeout(PATIENCE + Duration::from_secs(10), attack).await.unwrap();
        assert!(registered >= 100, "{registered} of 450");
        assert!(u64::from(registered) <= most, "{registered} of 450, at most {most}");
    })
    .await;
}
