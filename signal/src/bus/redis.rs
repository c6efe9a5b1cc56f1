//! Keeps a hub in touch with Redis: one connection, over which it asks, tells and hears (RESP3).
//!
//! A connection that fails in any way is given up, and with it the node's id: the next one tells everything anew. So there is one way to mend all that can
//! have happened, and it is gone every time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use prometheus_client::metrics::counter::Counter;
use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind, RedisError, Value,
    aio::MultiplexedConnection,
};
use thiserror::Error;
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        watch,
    },
    time::{sleep, timeout},
};

use super::{
    Cause, Word,
    script::{Script, Scripts, channel, read_answer, read_nodes},
    word::NodeId,
};
use crate::{
    config::{
        ARRIVED_BATCH_MAX, ARRIVED_BYTES_MAX, ARRIVED_MAX, BEAT, CARRIED_BATCHES_MAX, CHANGES_MAX, FAREWELL_TIMEOUT,
        REDIS_RETRY_MAX, REDIS_RETRY_MIN, REDIS_TIMEOUT, RedisUrl,
    },
    hub::Carried,
    shared_hub::SharedHub,
};

/// Why a connection to Redis is given up.
#[derive(Debug, Error)]
enum Fault {
    #[error("Redis cannot be reached, or refuses")]
    Redis(#[from] RedisError),
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
    let (mut pause, mut is_told, mut before) = (REDIS_RETRY_MIN, false, None);
    loop {
        let connected = tokio::select! {
            connected = Session::connect(hub, url, &mut before) => connected,
            _ = stop.changed() => return,
        };
        let fault = match connected {
            Err(fault) => fault,
            Ok(mut session) => {
                (pause, is_told) = (REDIS_RETRY_MIN, false);
                let fault = tokio::select! {
                    fault = session.serve(hub) => fault,
                    _ = stop.changed() => {
                        // If that fails, the id ends by itself.
                        _ = timeout(FAREWELL_TIMEOUT, session.farewell()).await;
                        return;
                    }
                };
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

/// One connection.
struct Session {
    node: NodeId,
    connection: MultiplexedConnection,
    scripts: Scripts,
    arrivals: Arrivals,
    arrived: mpsc::Receiver<Arrival>,
}

/// Something that has come over the connection unasked.
enum Arrival {
    Word(Word),
    End,
}

impl Session {
    /// Connects under a new id, in place of the one `before`.
    async fn connect(hub: &SharedHub, url: &RedisUrl, before: &mut Option<NodeId>) -> Result<Self, Fault> {
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
        let info = url.as_str().into_connection_info()?;
        let with_pushes = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(with_pushes))?;
        let mut connection = timeout(
            REDIS_TIMEOUT * 2,
            client.get_multiplexed_async_connection_with_config(&config),
        )
        .await
        .map_err(|_| Fault::Silent)??;
        let scripts = Scripts {
            beat: load(&mut connection, Script::Beat).await?,
            change: load(&mut connection, Script::Change).await?,
            send: load(&mut connection, Script::Send).await?,
        };
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        let node = NodeId(id);
        let beat = scripts.first_beat(node, *before);
        *before = Some(node);
        connection.subscribe(channel(node)).await?;
        let nodes = read_nodes(beat.query_async(&mut connection).await?);
        let others = nodes.len().saturating_sub(1);
        hub.call(|hub, now, _| hub.handle_connected(now, node, nodes));
        tracing::info!(others, "in touch with the other nodes");
        Ok(Self {
            node,
            connection,
            scripts,
            arrivals,
            arrived,
        })
    }

    /// Carries what there is until something fails.
    async fn serve(&mut self, hub: &SharedHub) -> Fault {
        let Self {
            node,
            connection,
            scripts,
            arrivals,
            arrived,
        } = self;
        let line = Line {
            hub,
            node: *node,
            connection,
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
    async fn farewell(&mut self) -> Result<(), Fault> {
        let beat = self.scripts.last_beat(self.node);
        Ok(beat.exec_async(&mut self.connection).await?)
    }
}

async fn load(connection: &mut MultiplexedConnection, script: Script) -> Result<String, Fault> {
    let mut command = redis::cmd("SCRIPT");
    command.arg("LOAD").arg(script.source());
    Ok(command.query_async(connection).await?)
}

/// What goes out over a connection.
struct Line<'a> {
    hub: &'a SharedHub,
    node: NodeId,
    connection: &'a MultiplexedConnection,
    scripts: &'a Scripts,
}

impl Line<'_> {
    /// Says again and again that this node lives.
    async fn beat(&self) -> Result<(), Fault> {
        loop {
            sleep(BEAT).await;
            let beat = self.scripts.beat(self.node);
            let nodes = read_nodes(beat.query_async(&mut self.connection.clone()).await?);
            if !nodes.contains(&self.node) {
                return Err(Fault::Forgotten);
            }
            self.hub.call(|hub, _, _| hub.handle_nodes(nodes));
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
            let mut pipe = redis::pipe();
            for change in &changes {
                pipe.add_command(self.scripts.change(self.node, change, closing_kept));
            }
            let answers: Vec<Value> = pipe.query_async(&mut self.connection.clone()).await?;
            let answers: Option<Vec<_>> = answers.iter().map(read_answer).collect();
            let answers = answers.filter(|answers| answers.len() == changes.len());
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
        let mut pipe = redis::pipe();
        for carried in &batch {
            if let Some(command) = self.scripts.send(self.node, &carried.word) {
                pipe.add_command(command);
            }
        }
        let receivers: Vec<u32> = pipe.query_async(&mut self.connection.clone()).await?;
        let (mut sent, mut strayed) = (0, Vec::new());
        for (carried, receivers) in batch.into_iter().zip(receivers) {
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
        if kind == PushKind::Disconnection {
            // If there is no room for it, whoever asks Redis next finds out.
            _ = self.sender.try_send(Arrival::End);
        }
        if kind != PushKind::Message {
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
