//! Finds the servers that have the sections of the directory at present.
//!
//! Sentinels and clusters say which servers are masters. Whatever they say may be out of date: then the server that they name cannot be reached, or refuses, and the
//! bus asks again. So nothing is remembered from one connection to the next.

use std::collections::HashMap;

use futures_util::{StreamExt, stream::FuturesUnordered};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, RedisConnectionInfo, Value,
    aio::MultiplexedConnection,
};
use tokio::time::timeout;

use super::{
    redis::Fault,
    section::{SLOTS, Section, Sections},
};
use crate::config::{REDIS_TIMEOUT, RedisKind, RedisUrl};

/// A server, and the places of the sections that it has.
pub(super) struct Found {
    pub(super) info: ConnectionInfo,
    pub(super) sections: Vec<usize>,
}

impl RedisUrl {
    /// The sections that the directory has there.
    pub(super) fn sections(&self) -> Sections {
        match self.kind {
            RedisKind::Alone | RedisKind::Sentinel { .. } => Sections::alone(),
            RedisKind::Cluster => Sections::in_cluster(),
        }
    }

    /// The servers that have them.
    pub(super) async fn find(&self, sections: &Sections) -> Result<Vec<Found>, Fault> {
        match &self.kind {
            RedisKind::Alone => {
                let server = self.servers.first().cloned();
                let found = server.map(|info| Found {
                    info,
                    sections: vec![0],
                });
                Ok(found.into_iter().collect())
            }
            RedisKind::Sentinel { master, password } => {
                let info = find_master(&self.servers, master, password.as_deref()).await?;
                Ok(vec![Found {
                    info,
                    sections: vec![0],
                }])
            }
            RedisKind::Cluster => find_shards(&self.servers, sections.all()).await,
        }
    }
}

/// Connects within the time that there is for it.
pub(super) async fn connect(
    info: ConnectionInfo,
    config: &AsyncConnectionConfig,
) -> Result<MultiplexedConnection, Fault> {
    let client = Client::open(info)?;
    let connected = client.get_multiplexed_async_connection_with_config(config);
    Ok(timeout(REDIS_TIMEOUT * 2, connected)
        .await
        .map_err(|_| Fault::Silent)??)
}

/// Asks one server some questions.
async fn ask<const COUNT: usize>(info: ConnectionInfo, questions: [Cmd; COUNT]) -> Result<[Value; COUNT], Fault> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(REDIS_TIMEOUT))
        .set_response_timeout(Some(REDIS_TIMEOUT));
    let mut connection = connect(info, &config).await?;
    let mut pipe = redis::pipe();
    for question in questions {
        pipe.add_command(question);
    }
    let answers: Vec<Value> = pipe.query_async(&mut connection).await?;
    answers.try_into().map_err(|_| Fault::Nonsense)
}

/// The same server's way of being spoken to, at another address.
fn at(info: &ConnectionInfo, host: String, port: u16) -> ConnectionInfo {
    let address = if let ConnectionAddr::TcpTls {
        insecure, tls_params, ..
    } = info.addr()
    {
        ConnectionAddr::TcpTls {
            host,
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        }
    } else {
        ConnectionAddr::Tcp(host, port)
    };
    info.clone().set_addr(address)
}

/// Asks all sentinels which Redis is the master, and believes what more than half of them say; or what most say, of those that answer.
async fn find_master(
    servers: &[ConnectionInfo],
    master: &str,
    password: Option<&str>,
) -> Result<ConnectionInfo, Fault> {
    let question = |server: &ConnectionInfo| {
        let mut settings = RedisConnectionInfo::default().set_protocol(server.redis_settings().protocol());
        if let Some(password) = password {
            settings = settings.set_password(password);
        }
        let mut question = redis::cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(master);
        ask(server.clone().set_redis_settings(settings), [question])
    };
    let mut answers: FuturesUnordered<_> = servers.iter().map(question).collect();
    let mut votes: HashMap<(String, u16), usize> = HashMap::new();
    let mut fault = Fault::Nobody;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok([Value::Nil]) => fault = Fault::UnknownMaster,
            Ok([answer]) => match redis::from_redis_value(answer) {
                Ok(address) => {
                    let count = votes.entry(address).or_default();
                    *count += 1;
                    if *count * 2 > servers.len() {
                        break;
                    }
                }
                Err(_) => fault = Fault::Nonsense,
            },
            Err(error) => fault = error,
        }
    }
    let most = votes.into_iter().max_by_key(|(_, count)| *count);
    match (most, servers) {
        (Some(((host, port), _)), [server, ..]) => Ok(at(server, host, port)),
        (Some(_) | None, _) => Err(fault),
    }
}

/// Asks the servers of a cluster which of them has which slots, and believes the first that sees the cluster whole.
async fn find_shards(servers: &[ConnectionInfo], sections: &[Section]) -> Result<Vec<Found>, Fault> {
    let mut answers: FuturesUnordered<_> = servers.iter().map(|server| ask_cluster(server, sections)).collect();
    let mut fault = Fault::Nobody;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(found) => return Ok(found),
            Err(error) => fault = error,
        }
    }
    Err(fault)
}

async fn ask_cluster(server: &ConnectionInfo, sections: &[Section]) -> Result<Vec<Found>, Fault> {
    let question = |what: &str| {
        let mut question = redis::cmd("CLUSTER");
        question.arg(what);
        question
    };
    let [state, slots] = ask(server.clone(), [question("INFO"), question("SLOTS")]).await?;
    let state: String = redis::from_redis_value(state).map_err(|_| Fault::Nonsense)?;
    if !state.lines().any(|line| line == "cluster_state:ok") {
        return Err(Fault::Incomplete);
    }
    let ranges = read_ranges(slots).ok_or(Fault::Nonsense)?;
    let mut found: Vec<(&Range, Vec<usize>)> = Vec::new();
    for (place, section) in sections.iter().enumerate() {
        let has_it = |range: &&Range| (range.first..=range.last).contains(&section.slot);
        let range = ranges.iter().find(has_it).ok_or(Fault::Incomplete)?;
        let known = found
            .iter_mut()
            .find(|(other, _)| (&other.host, other.port) == (&range.host, range.port));
        match known {
            Some((_, places)) => places.push(place),
            None => found.push((range, vec![place])),
        }
    }
    let (ConnectionAddr::Tcp(own_host, _) | ConnectionAddr::TcpTls { host: own_host, .. }) = server.addr() else {
        return Err(Fault::Nonsense);
    };
    let found = found.into_iter().map(|(range, sections)| {
        let host = range.host.as_ref().unwrap_or(own_host);
        let info = at(server, host.clone(), range.port);
        Found { info, sections }
    });
    Ok(found.collect())
}

/// Slots that one server of a cluster has.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    first: u16,
    last: u16,
    /// `None`: that of the server which was asked.
    host: Option<String>,
    port: u16,
}

/// Reads what `CLUSTER SLOTS` gives; `None` if it is not that.
fn read_ranges(answer: Value) -> Option<Vec<Range>> {
    let Value::Array(ranges) = answer else {
        return None;
    };
    let read = |range: Value| {
        let Value::Array(parts) = range else {
            return None;
        };
        let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = parts.as_slice() else {
            return None;
        };
        let [host, Value::Int(port), ..] = master.as_slice() else {
            return None;
        };
        let host: Option<String> = redis::from_redis_value(host.clone()).ok()?;
        let slot = |slot: &i64| u16::try_from(*slot).ok().filter(|slot| *slot < SLOTS);
        Some(Range {
            first: slot(first)?,
            last: slot(last)?,
            host: host.filter(|host| !host.is_empty()),
            port: u16::try_from(*port).ok()?,
        })
    };
    ranges.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_of_a_cluster_are_read_and_what_is_no_answer_is_not() {
        let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let master = |host: Value| Value::Array(vec![host, Value::Int(7_000), bulk("id"), Value::Array(Vec::new())]);
        let answer = |host: Value, last: i64| {
            Value::Array(vec![Value::Array(vec![
                Value::Int(0),
                Value::Int(last),
                master(host),
                master(bulk("10.0.0.9")),
            ])])
        };
        let range = |host: Option<&str>| Range {
            first: 0,
            last: 5_460,
            host: host.map(ToOwned::to_owned),
            port: 7_000,
        };
        let read = |host: Value| read_ranges(answer(host, 5_460));
        assert_eq!(read(bulk("10.0.0.1")), Some(vec![range(Some("10.0.0.1"))]));
        for unnamed in [bulk(""), Value::Nil] {
            assert_eq!(read(unnamed), Some(vec![range(None)]));
        }
        assert_eq!(read_ranges(answer(bulk("10.0.0.1"), 16_384)), None);
        assert_eq!(read_ranges(Value::Okay), None);
        assert_eq!(read_ranges(Value::Array(vec![Value::Array(Vec::new())])), None);
    }
}
