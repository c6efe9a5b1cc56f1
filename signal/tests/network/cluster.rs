//! Several servers by a cluster of Redis: three masters, and a replica of the first.

use redis::Commands;
use tempfile::TempDir;

use crate::{
    client::{Client, PATIENCE, eventually, identity, open_room, within},
    node::Node,
    redis::{Directory, Redis, free_port},
};

const MASTERS: usize = 3;
// No limit: of each cluster.
const SLOTS: usize = 16_384;

struct Cluster {
    /// The masters, and last the replica of the first.
    servers: Vec<Redis>,
    _folder: TempDir,
}

impl Cluster {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut servers = Vec::new();
        for number in 0..=MASTERS {
            let own = folder.path().join(number.to_string());
            std::fs::create_dir(&own).expect("a folder");
            let server = Redis::start_as(|| {
                let flags = format!(
                    "--cluster-enabled yes --cluster-node-timeout 1000 --cluster-port {} --dir {}",
                    free_port(),
                    own.display()
                );
                flags.split(' ').map(ToOwned::to_owned).collect()
            });
            servers.push(server);
        }
        for (number, server) in servers.iter().enumerate() {
            if number < MASTERS {
                let (first, last) = (SLOTS * number / MASTERS, SLOTS * (number + 1) / MASTERS - 1);
                expect_ok(server, &format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
            }
            expect_ok(server, &format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1));
        }
        for server in &servers[1..] {
            let (port, bus) = (server.address().port(), server.flag("--cluster-port"));
            expect_ok(&servers[0], &format!("CLUSTER MEET 127.0.0.1 {port} {bus}"));
        }
        let cluster = Self {
            servers,
            _folder: folder,
        };
        cluster.until_all_say("CLUSTER INFO", "cluster_known_nodes:4").await;
        let first = id(&cluster.servers[0]);
        let replica = &cluster.servers[MASTERS];
        eventually("the replica knows its master", async || {
            replica
                .command(&format!("CLUSTER REPLICATE {first}"))
                .starts_with("+OK")
        })
        .await;
        eventually("the replica is up to date", async || {
            replica.command("INFO replication").contains("master_link_status:up")
        })
        .await;
        cluster.until_all_say("CLUSTER INFO", "cluster_state:ok").await;
        cluster.until_all_say("CLUSTER NODES", "slave").await;
        cluster
    }

    async fn until_all_say(&self, command: &str, text: &str) {
        let say_so = async || self.servers.iter().all(|server| server.command(command).contains(text));
        within(PATIENCE, text, say_so).await;
    }

    /// One server is enough to find all others; more are named for when it is away.
    fn directory(&self) -> Directory {
        let servers: Vec<String> = self.servers.iter().map(|server| server.address().to_string()).collect();
        Directory {
            url: format!("redis+cluster://{}", servers.join(",")),
            certificate: None,
        }
    }
}

fn expect_ok(server: &Redis, command: &str) {
    let answer = server.command(command);
    assert!(answer.starts_with("+OK"), "{command}: {answer}");
}

fn id(server: &Redis) -> String {
    let answer = server.command("CLUSTER MYID");
    answer.lines().nth(1).expect("an id").to_owned()
}

async fn nodes(cluster: &Cluster) -> [Node; 2] {
    let directory = cluster.directory();
    [Node::start_in(&directory).await, Node::start_in(&directory).await]
}

/// More rooms than there are sections, so that all servers have some.
const ROOMS: u16 = 96;

/// Two people come to each room, at different nodes.
async fn fill(nodes: &[Node; 2]) -> Vec<[Client; 2]> {
    let mut pairs = Vec::new();
    for number in 0..ROOMS {
        let room = open_room(&format!("room {number}"));
        let (ann, ..) = Client::join(nodes[0].address, &identity(number * 2), &room).await;
        let (ben, size, named) = Client::join(nodes[1].address, &identity(number * 2 + 1), &room).await;
        assert_eq!((size, named), (2, vec![ann.peer]));
        pairs.push([ann, ben]);
    }
    pairs
}

/// Each of them reaches the other.
async fn check(pairs: &mut [[Client; 2]]) {
    for [ann, ben] in pairs {
        ann.discover_until(2).await;
        ben.discover_until(2).await;
        ann.reach(ben, "to you").await;
        ben.reach(ann, "and back").await;
    }
}

async fn until_ready(nodes: &[Node]) {
    within(PATIENCE, "the nodes are in touch", async || {
        nodes.iter().all(|node| node.readiness() == "ready\n")
    })
    .await;
}

#[tokio::test]
async fn in_a_cluster_each_word_goes_by_the_one_shard_that_has_the_room() {
    let cluster = Cluster::start().await;
    let nodes = nodes(&cluster).await;
    check(&mut fill(&nodes).await).await;
    for (number, server) in cluster.servers[..MASTERS].iter().enumerate() {
        assert!(server.calls("spublish") > 0, "{number} carries some");
        let sent = server.command("CLUSTER INFO");
        assert!(
            !sent.contains("stats_messages_publish_sent"),
            "{number} told all of the cluster"
        );
        let to_replica = sent.contains("stats_messages_publishshard_sent");
        assert_eq!(to_replica, number == 0, "only the replica hears of it");
    }
}

#[tokio::test]
async fn a_master_of_a_cluster_dies_and_all_is_told_anew_when_another_has_its_place() {
    let mut cluster = Cluster::start().await;
    let nodes = nodes(&cluster).await;
    let mut pairs = fill(&nodes).await;
    cluster.servers[0].kill();
    within(PATIENCE, "the nodes say so", async || {
        nodes.iter().all(|node| node.readiness().starts_with("degraded"))
    })
    .await;
    // Two who come meanwhile to two nodes know nothing of each other.
    let porch = open_room("porch");
    let (dan, size, _) = Client::join(nodes[0].address, &identity(1_000), &porch).await;
    assert_eq!(size, 1);
    let (eve, ..) = Client::join(nodes[1].address, &identity(1_001), &porch).await;
    until_ready(&nodes).await;
    assert!(cluster.servers[MASTERS].command("ROLE").contains("master"));
    pairs.push([dan, eve]);
    check(&mut pairs).await;
}

/// Moves all slots of one server that have something in them, as the tools of Redis do.
fn move_slots(from: &Redis, to: &Redis, told: &[Redis]) -> usize {
    let client = redis::Client::open(from.directory().url).expect("an address");
    let mut connection = client.get_connection().expect("it listens");
    let (from_id, to_id) = (id(from), id(to));
    let mut moved = 0;
    for slot in 0..SLOTS {
        let mut list = redis::cmd("CLUSTER");
        list.arg("GETKEYSINSLOT").arg(slot).arg(10_000);
        if list.query::<Vec<Vec<u8>>>(&mut connection).expect("a list").is_empty() {
            continue;
        }
        expect_ok(to, &format!("CLUSTER SETSLOT {slot} IMPORTING {from_id}"));
        expect_ok(from, &format!("CLUSTER SETSLOT {slot} MIGRATING {to_id}"));
        loop {
            let keys: Vec<Vec<u8>> = list.query(&mut connection).expect("a list");
            if keys.is_empty() {
                break;
            }
            let mut migrate = redis::cmd("MIGRATE");
            migrate
                .arg("127.0.0.1")
                .arg(to.address().port())
                .arg("")
                .arg(0)
                .arg(5_000);
            migrate.arg("KEYS").arg(keys);
            migrate.exec(&mut connection).expect("they move");
        }
        for server in [to, from].into_iter().chain(told) {
            expect_ok(server, &format!("CLUSTER SETSLOT {slot} NODE {to_id}"));
        }
        moved += 1;
    }
    moved
}

#[tokio::test]
async fn parts_of_a_cluster_move_to_another_server_and_nobody_is_lost() {
    let cluster = Cluster::start().await;
    let nodes = nodes(&cluster).await;
    let mut pairs = fill(&nodes).await;
    let [first, second, third, _] = cluster.servers.as_slice() else {
        panic!("as many as were started")
    };
    let moved = move_slots(second, third, &[]);
    assert!(moved >= 10, "{moved} of 32 sections");
    let before = second.calls("spublish");
    // Each node has a channel in each section.
    let channels = |server: &Redis| {
        let answer = server.command("PUBSUB SHARDCHANNELS");
        let count = answer.lines().next().and_then(|line| line.strip_prefix('*'));
        count.and_then(|count| count.parse().ok()).unwrap_or(0_u32)
    };
    within(PATIENCE, "the nodes listen where the sections are now", async || {
        channels(second) == 0 && channels(first) + channels(third) == 2 * 32
    })
    .await;
    until_ready(&nodes).await;
    check(&mut pairs).await;
    assert_eq!(second.calls("spublish"), before, "it has no rooms any more");
    let mut left: redis::Connection = redis::Client::open(second.directory().url)
        .and_then(|client| client.get_connection())
        .expect("it listens");
    let left: Vec<Vec<u8>> = left.keys("*").expect("a list");
    assert!(left.is_empty(), "{} keys", left.len());
    assert!(first.calls("spublish") > 0);
}
