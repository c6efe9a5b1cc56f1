//! Servers with TLS.

use std::fs;

use client::room::RoomState;
use mesh::model::ServerState;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use shared::RoomCode;
use signal::Config;
use terminal::tls::Tls;
use tests::native::{Peer, identities};
use tokio::task::LocalSet;

use crate::server::Server;

fn is_registered(room: &RoomState) -> bool {
    room.servers
        .values()
        .any(|server| matches!(server, ServerState::Registered { .. }))
}

fn waits(room: &RoomState) -> bool {
    room.servers
        .values()
        .any(|server| matches!(server, ServerState::Waiting { .. }))
}

#[tokio::test]
async fn a_server_is_believed_by_its_certificate_alone() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [chain, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    fs::write(&chain, cert.pem()).unwrap();
    fs::write(&key, signing_key.serialize_pem()).unwrap();
    let all = async {
        let config = Config {
            tls: Some(signal::tls::Tls::load(chain, key).unwrap()),
            ..Config::default()
        };
        let server = Server::start_with(config).await;
        let code = RoomCode::parse("a-room-behind-tls").unwrap();
        let [by_name, by_address] =
            ["localhost", "127.0.0.1"].map(|host| format!("wss://{host}:{}/ws", server.address.port()));
        let trust = Tls::trusting([cert.der().clone()]).unwrap();
        let [ann, ben, cid] = <[_; 3]>::try_from(identities(3)).unwrap();
        let mut ann = Peer::enter_trusting(ann, "Ann", &code, &by_name, trust.clone()).await;
        ann.until("the server", is_registered).await;
        // Another name than that of the certificate.
        let mut ben = Peer::enter_trusting(ben, "Ben", &code, &by_address, trust).await;
        ben.until("the server's refusal", waits).await;
        // Nobody vouches for the certificate.
        let mut cid = Peer::enter(cid, "Cid", &code, &by_name).await;
        cid.until("the server's refusal", waits).await;
        ann.leave().await;
    };
    LocalSet::new().run_until(all).await;
}
