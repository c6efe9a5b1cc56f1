//! The scripts in a real Redis do what the model does that the hubs are tested with (`tests/network_model`).

#[expect(dead_code, reason = "shared with a test that needs all of it")]
#[path = "../../tests/network_model/directory.rs"]
mod directory;
#[expect(dead_code, reason = "shared with tests that need all of it")]
#[path = "../../tests/network/redis.rs"]
mod server;

use std::time::{Duration, Instant};

use chacha20::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use redis::{Client, Value, aio::MultiplexedConnection};
use shared::{PeerId, RoomId};

use super::{
    directory::{Answer, Change, Joined, News},
    script::{Script, Scripts, read_answer, read_nodes},
    section::Sections,
    word::{NodeId, Share, Word},
};
use directory::Directory;
use server::Redis;

// No limit: of this test.
const NODES: u8 = 3;
// No limit: of this test.
const STEPS: u32 = 600;

struct Both {
    connection: MultiplexedConnection,
    scripts: Scripts,
    sections: Sections,
    model: Directory,
    rng: ChaCha8Rng,
    /// No two registrations are of the same time.
    next_age: Vec<u32>,
    sequence: u64,
}

impl Both {
    async fn new(redis: &Redis, seed: u8) -> Self {
        let client = Client::open(redis.directory().url).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut hashes = Vec::new();
        for script in [Script::Beat, Script::Change, Script::Send] {
            let mut load = redis::cmd("SCRIPT");
            load.arg("LOAD").arg(script.source());
            hashes.push(load.query_async(&mut connection).await.unwrap());
        }
        let [beat, change, send] = hashes.try_into().unwrap();
        let mut rng = ChaCha8Rng::from_seed([seed; 32]);
        let mut next_age: Vec<u32> = (1..=STEPS * 4).collect();
        for index in (1..next_age.len()).rev() {
            let other = usize::try_from(rng.next_u32()).unwrap() % (index + 1);
            next_age.swap(index, other);
        }
        Self {
            connection,
            scripts: Scripts { beat, change, send },
            sections: Sections::alone(),
            model: Directory::default(),
            rng,
            next_age,
            sequence: 0,
        }
    }

    fn draw(&mut self, count: u8) -> u8 {
        u8::try_from(self.rng.next_u64() % u64::from(count)).unwrap()
    }

    fn peer(&mut self) -> PeerId {
        PeerId::from_bytes([self.draw(4); 32])
    }

    fn change(&mut self) -> Change {
        let mut joined: Vec<Joined> = Vec::new();
        for _ in 0..self.draw(3) {
            let (peer, since) = (self.peer(), Instant::now());
            let age = Duration::from_secs(self.next_age.pop().unwrap().into()) * 100;
            if joined.iter().all(|other| other.peer != peer) {
                joined.push(Joined { peer, since, age });
            }
        }
        let left: Vec<PeerId> = (0..self.draw(2)).map(|_| self.peer()).collect();
        self.sequence += 1;
        let peers = self.draw(3).into();
        Change {
            room: RoomId::from_bytes([self.draw(2); 32]),
            share: Share {
                sequence: self.sequence,
                peers,
                sites: peers,
                sample: vec![self.peer()],
            },
            news: [News::Changed, News::Refreshed][usize::from(self.draw(2))],
            left: left
                .into_iter()
                .filter(|peer| joined.iter().all(|other| other.peer != *peer))
                .collect(),
            joined,
            closing: (self.draw(100) == 0).then(|| format!("closed in {}", self.sequence)),
        }
    }

    async fn ask(&mut self, command: redis::Cmd) -> Value {
        command.query_async(&mut self.connection).await.unwrap()
    }

    async fn step(&mut self) {
        let node = NodeId([self.draw(NODES); 16]);
        let (now, room) = (Instant::now(), RoomId::from_bytes([self.draw(2); 32]));
        match self.draw(10) {
            0 => {
                let beat = self.scripts.first_beat(&self.sections.all()[0], node, &[]);
                let nodes = read_nodes(self.ask(beat).await);
                assert_eq!(sorted(nodes), self.model.first_beat(now, node, None));
            }
            1 => {
                let beat = self.scripts.beat(&self.sections.all()[0], node);
                let nodes = read_nodes(self.ask(beat).await);
                assert_eq!(sorted(nodes), self.model.beat(now, node));
            }
            2 | 3 => {
                let peer = self.peer();
                let word = Word::Doubted { room, peer };
                assert!(
                    self.scripts.send(&self.sections, node, &word).is_none(),
                    "it is for a node"
                );
                let word = Word::Relayed {
                    room,
                    to: peer,
                    from: peer,
                    site: 1,
                    payload: "sealed".to_owned(),
                };
                let (_, send) = self.scripts.send(&self.sections, node, &word).unwrap();
                // Nobody listens to the channels here, so the answer is none; that it was sent is counted.
                assert_eq!(self.ask(send).await, Value::Int(0));
                self.model.send(now, node, &word);
            }
            _ => {
                let change = self.change();
                let section = &self.sections.all()[0];
                let command = self.scripts.change(section, node, &change, Duration::from_secs(3_600));
                let mut answer = read_answer(&self.ask(command).await).unwrap();
                answer.others.sort_by_key(|(node, _)| *node);
                let expected: Answer = self.model.change(now, node, &change);
                assert_eq!(answer, expected, "{change:?}");
            }
        }
    }
}

fn sorted(mut nodes: Vec<NodeId>) -> Vec<NodeId> {
    nodes.sort();
    nodes
}

#[tokio::test]
async fn the_scripts_do_what_their_model_does() {
    for seed in 0..4 {
        let redis = Redis::start();
        let mut both = Both::new(&redis, seed).await;
        for _ in 0..STEPS {
            both.step().await;
        }
        let published = u64::try_from(both.model.published.len()).unwrap();
        assert!(published > 100, "{published}");
        assert_eq!(redis.calls("spublish"), published);
    }
}
