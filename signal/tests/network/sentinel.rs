//! Several servers by a Redis that sentinels look after: a master, a replica, and three sentinels.

use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{
    client::{Client, PATIENCE, identity, open_room, within},
    node::Node,
    redis::{self, Directory, Redis, free_port},
};

/// Ends when dropped, also when a test fails.
struct Sentinel {
    child: Child,
    address: std::net::SocketAddr,
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Sentinel {
    fn start(folder: &std::path::Path, master: &Redis) -> Self {
        let (port, watched) = (free_port(), master.address().port());
        let config = folder.join(format!("{port}.conf"));
        let text = format!(
            "bind 127.0.0.1\nport {port}\ndir {}\nsentinel monitor chat 127.0.0.1 {watched} 2\n\
             sentinel down-after-milliseconds chat 1000\nsentinel failover-timeout chat 3000\n",
            folder.display()
        );
        std::fs::write(&config, text).expect("it is written");
        let child = Command::new("redis-server")
            .arg(&config)
            .arg("--sentinel")
            .stdout(Stdio::null())
            .stdin(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        Self {
            child,
            address: ([127, 0, 0, 1], port).into(),
        }
    }

    fn ask(&self, command: &str) -> String {
        redis::ask(self.address, command).unwrap_or_default()
    }
}

struct Watched {
    servers: [Redis; 2],
    sentinels: Vec<Sentinel>,
    _folder: TempDir,
}

impl Watched {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let master = Redis::start();
        let port = master.address().port().to_string();
        let replica = Redis::start_as(|| ["--replicaof", "127.0.0.1", &port].map(ToOwned::to_owned).to_vec());
        let sentinels = (0..3).map(|_| Sentinel::start(folder.path(), &master)).collect();
        let watched = Self {
            servers: [master, replica],
            sentinels,
            _folder: folder,
        };
        watched.until_master_is(0).await;
        watched
    }

    /// Until all sentinels know of each other, of this master, and of the other as its replica.
    async fn until_master_is(&self, server: usize) {
        let state = format!(
            "status=ok,address={},slaves=1,sentinels=3",
            self.servers[server].address()
        );
        within(PATIENCE, &state, async || {
            let say_so = |sentinel: &Sentinel| sentinel.ask("INFO sentinel").contains(&state);
            self.sentinels.iter().all(say_so)
        })
        .await;
    }

    fn directory(&self) -> Directory {
        let sentinels: Vec<String> = self
            .sentinels
            .iter()
            .map(|sentinel| sentinel.address.to_string())
            .collect();
        Directory {
            url: format!("redis+sentinel://{}/chat", sentinels.join(",")),
            certificate: None,
        }
    }
}

async fn check(clients: &mut [Client; 2]) {
    let [ann, ben] = clients;
    ann.discover_until(2).await;
    ben.discover_until(2).await;
    ann.reach(ben, "to you").await;
}

/// Until both nodes are in touch by this Redis.
async fn until_at(nodes: &[Node; 2], server: &Redis) {
    within(PATIENCE, "the nodes are in touch", async || {
        // It hangs up on everybody when it becomes the master.
        let channels = redis::ask(server.address(), "PUBSUB SHARDCHANNELS").unwrap_or_default();
        channels.starts_with("*2\r\n") && nodes.iter().all(|node| node.readiness() == "ready\n")
    })
    .await;
}

#[tokio::test]
async fn the_nodes_follow_the_master_that_sentinels_name_also_when_it_was_killed() {
    let mut watched = Watched::start().await;
    let directory = watched.directory();
    let nodes = [Node::start_in(&directory).await, Node::start_in(&directory).await];
    let lobby = open_room("lobby");
    let (ann, ..) = Client::join(nodes[0].address, &identity(1), &lobby).await;
    let (ben, size, _) = Client::join(nodes[1].address, &identity(2), &lobby).await;
    assert_eq!(size, 2);
    let mut clients = [ann, ben];
    check(&mut clients).await;
    // Somebody has the replica take over, for instance to start the master anew.
    assert!(watched.sentinels[0].ask("SENTINEL FAILOVER chat").starts_with("+OK"));
    watched.until_master_is(1).await;
    until_at(&nodes, &watched.servers[1]).await;
    check(&mut clients).await;
    watched.servers[1].kill();
    until_at(&nodes, &watched.servers[0]).await;
    check(&mut clients).await;
}
