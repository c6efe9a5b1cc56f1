//! Keeps a hub in touch with Redis: one connection, over which it asks, tells and hears (RESP3); to a cluster, one to each server that has a section.
//!
//! If a connection fails in any way, all are given up, and with them the node's id: the next ones tell everything anew. So there is one way to mend all that can
//! have happened, and it is gone every time: also if another Redis has become the master, or a section has moved to another server of the cluster.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream};
use prometheus_client::metrics::counter::Counter;
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, Pipeline, PushInfo, PushKind, RedisError, ServerErrorKind, Value,
    aio::MultiplexedConnection,
};
use thiserror::Error;
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        watch,
    },
    time::{Instant, sleep, timeout},
};

use super::{
    Cause, Word,
    find::{Found, connect},
    script::{Script, Scripts, listen, read_answer, read_nodes},
    section::{Section, Sections},
    word::NodeId,
};
use crate::{
    config::{
        ARRIVED_BATCH_MAX, ARRIVED_BYTES_MAX, ARRIVED_MAX, BEAT, CARRIED_BATCHES_MAX, CHANGES_MAX, FAREWELL_TIMEOUT,
        NODE_LIFE, REDIS_RETRY_MAX, REDIS_RETRY_MIN, REDIS_TIMEOUT, RedisKind, RedisUrl,
    },
    hub::Carried,
    shared_hub::SharedHub,
};

/// Why a connection to Redis is given up.
#[derive(Debug, Error)]
pub(super) enum Fault {
    #[error("Redis cannot be reached, or refuses")]
    Redis(#[from] RedisError),
    #[error("this Redis is one of a cluster: say redis+cluster:// in the place of redis://")]
    IsCluster,
    #[error("no sentinel knows a master of this name")]
    UnknownMaster,
    #[error("nobody says which Redis to ask")]
    Nobody,
    #[error("the cluster has parts that no server has at present")]
    Incomplete,
    #[error("Redis does not answer in time")]
    Silent,
    #[error("Redis has ended the connection")]
    Ended,
    #[error("Redis does not know this node any more")]
    Forgotten,
    #[error("what answers there is not what is expected")]
    Nonsense,
    #[error("the system gives no randomness")]
    Randomness(#[from] getrandom::Error),
}

/// See [`Bus::run`](super::Bus::run).
pub(super) async fn run(hub: &Arc<SharedHub>, url: &RedisUrl, mut stop: watch::Receiver<()>) {
    // Where more than one is built in, as in tests, the client of Redis would not know which to take. Whoever has chosen before has chosen.
    _ = rustls::crypto::ring::default_provider().install_default();
    let (mut pause, mut is_told, mut before) = (REDIS_RETRY_MIN, false, Former::default());
    loop {
        let connected = tokio::select! {
            connected = Session::connect(hub, url, &mut before) => connected,
            _ = stop.changed() => return,
        };
        let fault = match connected {
            Err(fault) => fault,
            Ok(mut session) => {
                is_told = false;
                let since = Instant::now();
                let fault = tokio::select! {
                    fault = session.serve(hub) => fault,
                    _ = stop.changed() => {
                        // If that fails, the id ends by itself.
                        _ = timeout(FAREWELL_TIMEOUT, session.farewell(hub)).await;
                        return;
                    }
                };
                // As long as a part of a cluster is on its way to another server, connections end soon.
                if since.elapsed() > REDIS_RETRY_MAX {
                    pause = REDIS_RETRY_MIN;
                }
                before.push(session.node);
                hub.metrics().bus.breaks.inc();
                hub.call(|hub, now, outbox| hub.handle_cut_off(now, outbox));
                give_back(hub, hub.carried().clear(), Cause::Busy);
                fault
            }
        };
        if !is_told {
            let cause = std::error::Error::source(&fault).map(ToString::to_string);
            tracing::warn!(%fault, cause, "cut off from the other nodes: rooms go on here; Redis is tried again and again");
            is_told = true;
        }
        sleep(pause).await;
        pause = (pause * 2).min(REDIS_RETRY_MAX);
    }
}

/// Tells the hub that these went nowhere.
fn give_back(hub: &SharedHub, carried: Vec<Carried>, cause: Cause) {
    for Carried { sender, word } in carried {
        hub.call(|hub, _, outbox| hub.handle_not_carried(sender.conn, &word, cause, outbox));
    }
}

/// The ids as which this node may be taken for another one that lives: all that it had a while ago, not just the last one. A Redis that takes the place of another
/// may have missed that one of them was given up.
#[derive(Debug, Default)]
struct Former(Vec<(NodeId, Instant)>);

impl Former {
    /// Notes an id that was in use until now. They are not many: there is a pause between two connections.
    fn push(&mut self, node: NodeId) {
        self.0.retain(|(_, until)| until.elapsed() < NODE_LIFE * 2);
        self.0.push((node, Instant::now()));
    }

    fn ids(&self) -> Vec<NodeId> {
        self.0.iter().map(|(node, _)| *node).collect()
    }
}

/// The connections under one id.
struct Session {
    node: NodeId,
    sections: Sections,
    shards: Vec<Shard>,
    scripts: Scripts,
    arrivals: Arrivals,
    arrived: mpsc::Receiver<Arrival>,
}

/// One server.
struct Shard {
    connection: MultiplexedConnection,
    /// The places of the sections that it has.
    sections: Vec<usize>,
}

/// Something that has come over a connection unasked.
enum Arrival {
    Word(Word),
    End,
}

impl Session {
    /// Connects under a new id, in place of those `before`.
    async fn connect(hub: &SharedHub, url: &RedisUrl, before: &mut Former) -> Result<Self, Fault> {
        let (sender, arrived) = mpsc::channel(ARRIVED_MAX);
        let arrivals = Arrivals {
            sender,
            bytes: Arc::default(),
            lost: hub.metrics().bus.lost.clone(),
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(REDIS_TIMEOUT))
            .set_response_timeout(Some(REDIS_TIMEOUT))
            .set_push_sender({
                let arrivals = arrivals.clone();
                move |push| arrivals.take(push)
            });
        let sections = url.sections();
        let found = url.find(&sections).await?.into_iter();
        let connected = try_join_all(found.map(|found| Shard::connect(found, &config))).await?;
        let (shards, scripts): (Vec<Shard>, Vec<Scripts>) = connected.into_iter().unzip();
        // All servers know a script by the same name: its hash.
        let scripts = scripts.into_iter().next().ok_or(Fault::Nobody)?;
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        let session = Self {
            node: NodeId(id),
            sections,
            shards,
            scripts,
            arrivals,
            arrived,
        };
        let former = before.ids();
        // It may be known by this one even if that fails.
        before.push(session.node);
        let nodes = session.begin(hub, &former).await;
        let nodes = nodes.map_err(|fault| fault.of_kind(&url.kind))?;
        let others = nodes.len().saturating_sub(1);
        hub.call(|hub, now, _| hub.handle_connected(now, session.node, nodes));
        tracing::info!(others, "in touch with the other nodes");
        Ok(session)
    }

    /// Listens, and begins to live. Gives the nodes that live.
    async fn begin(&self, hub: &SharedHub, before: &[NodeId]) -> Result<Vec<NodeId>, Fault> {
        let line = self.line(hub);
        line.ask_all(|section| listen(section, self.node)).await?;
        let beat = |section: &Section| self.scripts.first_beat(section, self.node, before);
        let lists = line.ask_all(beat).await?.into_iter().map(read_nodes);
        Ok(all_of(lists))
    }

    /// Carries what there is until something fails.
    async fn serve(&mut self, hub: &SharedHub) -> Fault {
        let Self {
            node,
            sections,
            shards,
            scripts,
            arrivals,
            arrived,
        } = self;
        let line = Line {
            hub,
            node: *node,
            sections,
            shards,
            scripts,
        };
        let ended = tokio::select! {
            ended = line.beat() => ended,
            ended = line.tell() => ended,
            ended = line.send() => ended,
            ended = hear(hub, arrivals, arrived) => ended,
        };
        ended.err().unwrap_or(Fault::Ended)
    }

    /// Tells the others that this node is gone.
    async fn farewell(&self, hub: &SharedHub) -> Result<(), Fault> {
        let beat = |section: &Section| self.scripts.last_beat(section, self.node);
        self.line(hub).ask_all(beat).await.map(|_| ())
    }

    fn line<'a>(&'a self, hub: &'a SharedHub) -> Line<'a> {
        Line {
            hub,
            node: self.node,
            sections: &self.sections,
            shards: &self.shards,
            scripts: &self.scripts,
        }
    }
}

impl Shard {
    async fn connect(found: Found, config: &AsyncConnectionConfig) -> Result<(Self, Scripts), Fault> {
        let Found { info, sections } = found;
        let mut connection = connect(info, config).await?;
        let scripts = Scripts {
            beat: load(&mut connection, Script::Beat).await?,
            change: load(&mut connection, Script::Change).await?,
            send: load(&mut connection, Script::Send).await?,
        };
        Ok((Self { connection, sections }, scripts))
    }
}

async fn load(connection: &mut MultiplexedConnection, script: Script) -> Result<String, Fault> {
    let mut command = redis::cmd("SCRIPT");
    command.arg("LOAD").arg(script.source());
    Ok(command.query_async(connection).await?)
}

impl Fault {
    /// Says more of it to whoever wrote the address.
    fn of_kind(self, kind: &RedisKind) -> Self {
        let Self::Redis(error) = &self else { return self };
        let has_moved = error.kind() == ErrorKind::Server(ServerErrorKind::Moved);
        match kind {
            RedisKind::Alone if has_moved => Self::IsCluster,
            RedisKind::Alone | RedisKind::Sentinel { .. } | RedisKind::Cluster => self,
        }
    }
}

/// Each node once that is in one of the lists. One that dies ends in all sections at about the same time.
fn all_of(lists: impl IntoIterator<Item = Vec<NodeId>>) -> Vec<NodeId> {
    let nodes: BTreeSet<NodeId> = lists.into_iter().flatten().collect();
    nodes.into_iter().collect()
}

/// What goes out over the connections.
struct Line<'a> {
    hub: &'a SharedHub,
    node: NodeId,
    sections: &'a Sections,
    shards: &'a [Shard],
    scripts: &'a Scripts,
}

impl Line<'_> {
    /// Says again and again that this node lives.
    async fn beat(&self) -> Result<(), Fault> {
        loop {
            sleep(BEAT).await;
            let beats = self.ask_all(|section| self.scripts.beat(section, self.node)).await?;
            let lists: Vec<Vec<NodeId>> = beats.into_iter().map(read_nodes).collect();
            if !lists.iter().all(|nodes| nodes.contains(&self.node)) {
                return Err(Fault::Forgotten);
            }
            self.hub.call(|hub, _, _| hub.handle_nodes(all_of(lists)));
        }
    }

    /// Tells the directory what has changed, and the hub what it answers. One batch after the other, so that what is told last holds.
    async fn tell(&self) -> Result<(), Fault> {
        let closing_kept = self.hub.limits().closing_kept;
        loop {
            let mut changes = Vec::new();
            self.hub
                .call(|hub, now, _| changes = hub.poll_changes(now.instant, CHANGES_MAX));
            if changes.is_empty() {
                self.hub.changed().await;
                continue;
            }
            let questions = changes.iter().map(|change| {
                let place = self.sections.place_of(&change.room);
                let section = &self.sections.all()[place];
                (place, self.scripts.change(section, self.node, change, closing_kept))
            });
            let answers = self.ask(questions).await?;
            let answers: Option<Vec<_>> = answers.iter().map(read_answer).collect();
            let answers = answers.ok_or(Fault::Nonsense)?;
            self.hub.metrics().bus.changes.inc_by(changes.len() as u64);
            self.hub.call(|hub, now, outbox| {
                for (change, answer) in changes.iter().zip(answers) {
                    hub.handle_answer(now, self.node, change, answer, outbox);
                }
            });
        }
    }

    /// Sends payloads to the nodes that have their recipients: some batches at once, for each waits for Redis.
    async fn send(&self) -> Result<(), Fault> {
        let batches = stream::repeat(()).then(|()| self.hub.carried().take());
        let batches = batches.map(Ok::<_, Fault>);
        let sent = batches.try_for_each_concurrent(CARRIED_BATCHES_MAX, |batch| self.send_batch(batch));
        sent.await
    }

    async fn send_batch(&self, batch: Vec<Carried>) -> Result<(), Fault> {
        let question = |carried: &Carried| self.scripts.send(self.sections, self.node, &carried.word);
        let answers = self.ask(batch.iter().filter_map(question)).await?;
        let (mut sent, mut strayed) = (0, Vec::new());
        for (carried, receivers) in batch.into_iter().zip(answers) {
            let Value::Int(receivers) = receivers else {
                return Err(Fault::Nonsense);
            };
            if receivers > 0 {
                sent += 1;
            } else {
                strayed.push(carried);
            }
        }
        self.hub.metrics().bus.sent.inc_by(sent);
        give_back(self.hub, strayed, Cause::NotHere);
        Ok(())
    }

    /// Asks in all sections. Gives the answers.
    async fn ask_all(&self, question: impl Fn(&Section) -> Cmd) -> Result<Vec<Value>, Fault> {
        let sections = self.sections.all().iter().enumerate();
        self.ask(sections.map(|(place, section)| (place, question(section))))
            .await
    }

    /// Asks each question in the section at its place. Gives the answers in the order of the questions.
    async fn ask(&self, questions: impl IntoIterator<Item = (usize, Cmd)>) -> Result<Vec<Value>, Fault> {
        let mut asked: Vec<(Pipeline, Vec<usize>)> = Vec::new();
        asked.resize_with(self.shards.len(), Default::default);
        for (number, (place, question)) in questions.into_iter().enumerate() {
            let has_it = |shard: &Shard| shard.sections.contains(&place);
            let shard = self.shards.iter().position(has_it).ok_or(Fault::Incomplete)?;
            asked[shard].0.add_command(question);
            asked[shard].1.push(number);
        }
        let asked = self.shards.iter().zip(asked);
        let asked = asked.filter(|(_, (_, numbers))| !numbers.is_empty());
        let answered = asked.map(async |(shard, (pipe, numbers))| {
            let answers: Vec<Value> = pipe.query_async(&mut shard.connection.clone()).await?;
            if answers.len() == numbers.len() {
                Ok(numbers.into_iter().zip(answers))
            } else {
                Err(Fault::Nonsense)
            }
        });
        let mut answers: Vec<(usize, Value)> = try_join_all(answered).await?.into_iter().flatten().collect();
        answers.sort_unstable_by_key(|(number, _)| *number);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }
}

/// Hands on to the hub what other nodes say.
async fn hear(hub: &SharedHub, arrivals: &Arrivals, arrived: &mut mpsc::Receiver<Arrival>) -> Result<(), Fault> {
    let mut batch = Vec::new();
    loop {
        if arrived.recv_many(&mut batch, ARRIVED_BATCH_MAX).await == 0 {
            return Err(Fault::Ended);
        }
        for arrival in batch.drain(..) {
            match arrival {
                Arrival::Word(word) => {
                    arrivals.bytes.fetch_sub(word.bytes(), Ordering::Relaxed);
                    hub.metrics().bus.received.inc();
                    hub.call(|hub, now, outbox| hub.handle_word(now, word, outbox));
                }
                Arrival::End => return Err(Fault::Ended),
            }
        }
    }
}

/// Where the connection puts what comes unasked. Bounded: beyond that it is lost, as words may be.
#[derive(Clone)]
struct Arrivals {
    sender: mpsc::Sender<Arrival>,
    bytes: Arc<AtomicUsize>,
    lost: Counter,
}

/// Nobody listens any more.
struct Over;

impl Arrivals {
    fn take(&self, push: PushInfo) -> Result<(), Over> {
        let PushInfo { kind, data } = push;
        // The other one comes unasked if the section has moved to another server.
        if [PushKind::Disconnection, PushKind::SUnsubscribe].contains(&kind) {
            // If there is no room for it, whoever asks Redis next finds out.
            _ = self.sender.try_send(Arrival::End);
        }
        if kind != PushKind::SMessage {
            return Ok(());
        }
        let word = match data.last() {
            Some(Value::BulkString(bytes)) => Word::from_bytes(bytes),
            Some(_) | None => None,
        };
        let Some(word) = word else {
            self.lost.inc();
            return Ok(());
        };
        let bytes = word.bytes();
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) > ARRIVED_BYTES_MAX {
            self.give_up(bytes);
            return Ok(());
        }
        match self.sender.try_send(Arrival::Word(word)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                self.give_up(bytes);
                Ok(())
            }
            Err(TrySendError::Closed(_)) => Err(Over),
        }
    }

    fn give_up(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.lost.inc();
    }
}
