//! How our sockets look from outside, by STUN servers (RFC 8445 §5.1.1.2). str0m does not ask.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    rc::{Rc, Weak},
};

use futures_util::future::join_all;
use mesh::io::{Candidate as Line, Input, LinkId};
use shared::signal::IceServer;
use str0m::Candidate;
use tokio::{net::lookup_host, sync::oneshot, time::timeout};

use super::{Shared, stun};
use crate::config::{LOOK_UP_MAX, STUN_QUERIES_MAX, STUN_RETRIES, STUN_SERVERS_MAX};

/// No limit: where a STUN server listens that names no port (RFC 7064 §3.2).
const PORT: u16 = 3478;

/// The requests that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Asked(BTreeMap<stun::TransactionId, oneshot::Sender<SocketAddr>>);

impl Asked {
    /// Waits for an answer; `None` if too many are waited for.
    fn expect(&mut self, id: stun::TransactionId) -> Option<oneshot::Receiver<SocketAddr>> {
        self.0.retain(|_, answer| !answer.is_closed());
        if self.0.len() >= STUN_QUERIES_MAX {
            return None;
        }
        let (answer, answered) = oneshot::channel();
        self.0.insert(id, answer);
        Some(answered)
    }

    /// Takes an answer. Says whether somebody waited for it.
    pub(super) fn answer(&mut self, id: stun::TransactionId, bytes: &[u8]) -> bool {
        let Some(waiting) = self.0.remove(&id) else {
            return false;
        };
        if let Some(address) = stun::mapped_address(bytes) {
            let _ = waiting.send(address);
        }
        true
    }
}

/// The host and port of each STUN server. TURN servers are left out, for there is no relaying here; whoever can only be
/// reached by a relay is reached through other people.
pub(super) fn servers(ice_servers: &[IceServer]) -> Vec<String> {
    let urls = ice_servers.iter().flat_map(|server| &server.urls);
    let servers = urls.filter_map(|url| url.strip_prefix("stun:"));
    servers.take(STUN_SERVERS_MAX).map(with_port).collect()
}

fn with_port(host: &str) -> String {
    let after_address = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
    if after_address.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:{PORT}")
    }
}

/// Asks each server from each socket, and tells the peer what comes; at last, that there is no more.
pub(super) async fn gather(shared: Weak<Shared>, link: LinkId, servers: Vec<String>) {
    let addresses = join_all(servers.iter().map(|server| look_up(server))).await;
    let Some(sockets) = shared.upgrade().map(|shared| shared.state.borrow().sockets.addresses()) else {
        return;
    };
    let mut asking = Vec::new();
    for server in addresses.into_iter().flatten() {
        for local in &sockets {
            // From loopback nobody else is reached, and nobody else reaches it.
            if local.is_ipv4() == server.is_ipv4() && local.ip().is_loopback() == server.ip().is_loopback() {
                asking.push(ask(&shared, link, *local, server));
            }
        }
    }
    join_all(asking).await;
    if let Some(shared) = shared.upgrade() {
        let candidates = vec![Line::end()];
        shared.events.input(Input::LocalCandidates { link, candidates });
    }
}

/// The addresses of a server: one of each family.
async fn look_up(server: &str) -> Vec<SocketAddr> {
    match timeout(LOOK_UP_MAX, lookup_host(server)).await {
        Ok(Ok(found)) => {
            let found = Vec::from_iter(found);
            let of_family = |is_v4: bool| found.iter().copied().find(|address| address.is_ipv4() == is_v4);
            [of_family(true), of_family(false)].into_iter().flatten().collect()
        }
        Ok(Err(error)) => {
            tracing::debug!(%server, %error, "a STUN server is not found");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

/// Asks one server from one socket.
async fn ask(shared: &Weak<Shared>, link: LinkId, local: SocketAddr, server: SocketAddr) {
    let mut id = stun::TransactionId::default();
    if getrandom::fill(&mut id).is_err() {
        return;
    }
    let expect = |shared: Rc<Shared>| shared.state.borrow_mut().asked.expect(id);
    let Some(mut answered) = shared.upgrade().and_then(expect) else {
        return;
    };
    for wait in STUN_RETRIES {
        if let Some(shared) = shared.upgrade() {
            let request = stun::request(id);
            shared.state.borrow().sockets.send_from(local, server, &request);
        }
        if let Ok(answer) = timeout(wait, &mut answered).await {
            if let (Ok(mapped), Some(shared)) = (answer, shared.upgrade()) {
                add(&shared, link, local, mapped);
            }
            return;
        }
    }
}

/// Tells the peer how a socket looks from outside, unless that is how it looks from here.
fn add(shared: &Shared, link: LinkId, local: SocketAddr, mapped: SocketAddr) {
    if mapped != local
        && let Ok(candidate) = Candidate::server_reflexive(mapped, local, "udp")
    {
        let told = shared.with(link, |connection, _| Ok(connection.add_own([candidate])));
        shared.tell_own(link, told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stun_servers_are_asked_and_relays_are_not() {
        let server = |urls: &[&str]| IceServer {
            urls: urls.iter().map(|&url| url.to_owned()).collect(),
            username: None,
            credential: None,
        };
        let named = [
            server(&["stun:stun.example", "turn:turn.example:3478"]),
            server(&["stun:192.0.2.1:19302", "stuns:stun.example"]),
            server(&["stun:[2001:db8::1]", "stun:[2001:db8::1]:9"]),
        ];
        let expected = [
            "stun.example:3478",
            "192.0.2.1:19302",
            "[2001:db8::1]:3478",
            "[2001:db8::1]:9",
        ];
        assert_eq!(servers(&named), expected);
    }
}
