//! Bystanders: whatever bad clients do, they must not notice.

use std::{future::Future, net::SocketAddr, time::Duration};

use shared::signal::Event;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::{
    client::{Client, Heard, PATIENCE, Server},
    setup::{BYSTANDERS_ROOM, identity, peer, relay},
};

/// Runs an attack while bystanders talk, then checks that they still can.
pub(crate) async fn beside_bystanders<T: Send + 'static>(
    server: &Server,
    attack: impl Future<Output = T> + Send + 'static,
) -> T {
    let mut bystanders = Bystanders::join(server.address).await;
    let mut attack = tokio::spawn(attack);
    let mut pace = interval(Duration::from_millis(20));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let result = loop {
        tokio::select! {
            result = &mut attack => break result,
            _ = pace.tick() => bystanders.talk().await,
        }
    };
    bystanders.talk().await;
    result.expect("the attack ends as expected")
}

/// Two peers of another room. They are not to notice anything.
struct Bystanders {
    one: Client,
    other: Client,
}

impl Bystanders {
    async fn join(address: SocketAddr) -> Self {
        let one = Client::join(address, &identity(101), BYSTANDERS_ROOM).await;
        let other = Client::join(address, &identity(102), BYSTANDERS_ROOM).await;
        Self { one, other }
    }

    async fn talk(&mut self) {
        tell((101, &mut self.one), (102, &mut self.other)).await;
        tell((102, &mut self.other), (101, &mut self.one)).await;
    }
}

async fn tell((from, sender): (u8, &mut Client), (to, recipient): (u8, &mut Client)) {
    sender.send(relay(to, "hello")).await;
    let relayed = Event::Relayed {
        from: peer(from),
        payload: "hello".to_owned(),
    };
    // A machine under load has its pauses; an attack that works lasts longer.
    let heard = timeout(PATIENCE, recipient.hear()).await;
    assert_eq!(heard.expect("bystanders are served at once"), Heard::Event(relayed));
}
