//! Where the Redis is by which several servers are one network: alone, looked after by sentinels, or a cluster.

use std::{fmt, str::FromStr};

use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

use super::ParseFlagError;

/// The port of a sentinel that is named without one.
const SENTINEL_PORT: u16 = 26_379;

/// Where Redis is. It may have a password in it, so it is in no log.
#[derive(Clone)]
pub struct RedisUrl {
    pub(crate) kind: RedisKind,
    /// What leads to each one that is named, with the user, the password and the database of all that are found by them; one at least.
    pub(crate) servers: Vec<ConnectionInfo>,
}

/// What is at the addresses.
#[derive(Clone)]
pub(crate) enum RedisKind {
    /// The one Redis that there is.
    Alone,
    /// Sentinels, which know which Redis is the master at present.
    Sentinel {
        /// How they name it.
        master: String,
        /// For the sentinels themselves.
        password: Option<String>,
    },
    /// Some of the servers of a cluster.
    Cluster,
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisUrl(…)")
    }
}

impl FromStr for RedisUrl {
    type Err = ParseFlagError;

    fn from_str(text: &str) -> Result<Self, ParseFlagError> {
        let (scheme, rest) = text.split_once("://").ok_or(ParseFlagError::Redis)?;
        let (protocol, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        if !["redis", "rediss"].contains(&protocol) {
            return Err(ParseFlagError::Redis);
        }
        match kind {
            "" => Ok(Self {
                kind: RedisKind::Alone,
                servers: vec![server(text, None)?],
            }),
            "sentinel" => sentinel(protocol, rest),
            "cluster" => cluster(protocol, rest),
            _ => Err(ParseFlagError::Redis),
        }
    }
}

/// `[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]/MASTER[/DATABASE][?sentinel_password=PASSWORD]`
fn sentinel(protocol: &str, text: &str) -> Result<RedisUrl, ParseFlagError> {
    let (text, query) = text.split_once('?').unwrap_or((text, ""));
    let password = match query.split_once('=') {
        None if query.is_empty() => None,
        // Read as the other password is, which may have signs in it that are written as % and a number.
        Some(("sentinel_password", password)) => {
            let settings = server(&format!("redis://:{password}@localhost"), None)?;
            settings.redis_settings().password().map(ToOwned::to_owned)
        }
        Some(_) | None => return Err(ParseFlagError::Redis),
    };
    let (hosts, path) = text.split_once('/').ok_or(ParseFlagError::RedisMaster)?;
    let (master, database) = path.split_once('/').unwrap_or((path, ""));
    if master.is_empty() {
        return Err(ParseFlagError::RedisMaster);
    }
    Ok(RedisUrl {
        kind: RedisKind::Sentinel {
            master: master.to_owned(),
            password,
        },
        servers: servers(protocol, hosts, database, Some(SENTINEL_PORT))?,
    })
}

/// `[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]`
fn cluster(protocol: &str, text: &str) -> Result<RedisUrl, ParseFlagError> {
    let (hosts, database) = text.split_once('/').unwrap_or((text, ""));
    if !["", "0"].contains(&database) {
        return Err(ParseFlagError::RedisClusterDatabase);
    }
    Ok(RedisUrl {
        kind: RedisKind::Cluster,
        servers: servers(protocol, hosts, "", None)?,
    })
}

fn servers(
    protocol: &str,
    text: &str,
    database: &str,
    port: Option<u16>,
) -> Result<Vec<ConnectionInfo>, ParseFlagError> {
    let (user, hosts) = text
        .rsplit_once('@')
        .map_or((String::new(), text), |(user, hosts)| (format!("{user}@"), hosts));
    let each = hosts.split(',');
    each.map(|host| server(&format!("{protocol}://{user}{host}/{database}"), port))
        .collect()
}

/// Reads an address of one server, which gets this port if it has none.
fn server(text: &str, port: Option<u16>) -> Result<ConnectionInfo, ParseFlagError> {
    let mut url = redis::parse_redis_url(text).ok_or(ParseFlagError::Redis)?;
    if url.port().is_none() && port.is_some() {
        url.set_port(port).map_err(|()| ParseFlagError::Redis)?;
    }
    let info = url.into_connection_info().map_err(|_| ParseFlagError::Redis)?;
    // Words from other nodes come unasked, which older protocols know nothing of.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_redis_settings(settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (RedisKind, Vec<String>) {
        let url: RedisUrl = text.parse().unwrap();
        assert_eq!(format!("{url:?}"), "RedisUrl(…)", "its password is shown to nobody");
        let server = |info: &ConnectionInfo| {
            let settings = info.redis_settings();
            let password = settings.password().unwrap_or("-");
            format!("{} {password} {}", info.addr(), settings.db())
        };
        let servers = url.servers.iter().map(server).collect();
        (url.kind, servers)
    }

    #[test]
    fn one_redis_is_named() {
        let (kind, servers) = read("rediss://:secret@redis.example.org:6380/1");
        assert!(matches!(kind, RedisKind::Alone));
        assert_eq!(servers, ["redis.example.org:6380 secret 1"]);
    }

    #[test]
    fn sentinels_are_named_and_the_master_that_they_look_after() {
        let (kind, servers) = read("redis+sentinel://:se%2Fcret@one.example.org,two.example.org:5000/chat/2");
        assert!(matches!(kind, RedisKind::Sentinel { master, password: None } if master == "chat"));
        let expected = ["one.example.org:26379 se/cret 2", "two.example.org:5000 se/cret 2"];
        assert_eq!(servers, expected);
        let (kind, servers) = read("rediss+sentinel://[::1]:26380/chat?sentinel_password=w%40tch");
        assert!(matches!(kind, RedisKind::Sentinel { password: Some(password), .. } if password == "w@tch"));
        assert_eq!(servers, ["::1:26380 - 0"]);
    }

    #[test]
    fn servers_of_a_cluster_are_named() {
        let (kind, servers) = read("redis+cluster://user:secret@10.0.0.1:7000,10.0.0.2");
        assert!(matches!(kind, RedisKind::Cluster));
        assert_eq!(servers, ["10.0.0.1:7000 secret 0", "10.0.0.2:6379 secret 0"]);
    }

    #[test]
    fn a_mistake_is_told_in_words_that_name_it() {
        for text in [
            "",
            "redis",
            "http://redis.example.org",
            "unix:///run/redis",
            "redis+unix:///run/redis",
            "redis+other://one.example.org",
            "redis+cluster://",
            "redis+cluster://one.example.org,,two.example.org",
            "redis+cluster://one.example.org:none",
            "redis+sentinel:///chat",
            "redis+sentinel://one.example.org/chat/second",
            "redis+sentinel://one.example.org/chat?password=secret",
        ] {
            assert_eq!(text.parse::<RedisUrl>().unwrap_err(), ParseFlagError::Redis, "{text}");
        }
        for text in ["redis+sentinel://one.example.org", "redis+sentinel://one.example.org/"] {
            assert_eq!(text.parse::<RedisUrl>().unwrap_err(), ParseFlagError::RedisMaster);
        }
        let text = "redis+cluster://one.example.org/1";
        assert_eq!(
            text.parse::<RedisUrl>().unwrap_err(),
            ParseFlagError::RedisClusterDatabase
        );
    }
}
