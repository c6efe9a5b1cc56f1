//! Flags on how people reach the server.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;
use signal::{
    config::{Acquaintance, AllowedOrigin, BasePath, HostName, NodeUrl, OwnHosts, RedisUrl, TrustedProxies},
    tls::{Tls, TlsError},
};

/// How people reach the server, and what is between.
#[derive(Debug, Parser)]
#[command(next_help_heading = "Hosting")]
pub(crate) struct HostingArgs {
    /// Name by which people reach this server, with its port if that is not 80 or 443, like chat.example.org; may be given several times (in
    /// the variable: separated by commas). Requests for other names are refused, so that no page elsewhere can pass for one of this server, and no other
    /// server can register its visitors here as themselves [default: on 127.0.0.1 without --trusted-proxies localhost, else any]
    #[arg(long = "host", value_name = "HOST", value_delimiter = ',', env = "STARLING_HOST")]
    hosts: Vec<HostName>,

    /// File with the certificate for https and those of its issuers (PEM). Without it, the server speaks http: put a proxy in front. Read again at SIGHUP
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "STARLING_TLS_CERT")]
    tls_cert: Option<PathBuf>,

    /// File with the certificate's key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "STARLING_TLS_KEY")]
    tls_key: Option<PathBuf>,

    /// Tell browsers to come by https only, for a year. Say so once https works: there is no way back
    #[arg(long, env = "STARLING_HSTS")]
    pub(crate) hsts: bool,

    /// Path under which everything is, like /chat, if a proxy hands on paths as they are. A proxy that takes the path off needs no such flag here
    #[arg(long, value_name = "PATH", env = "STARLING_BASE_PATH")]
    pub(crate) base_path: Option<BasePath>,

    /// Origin whose pages may connect, like https://example.org, or * for any; may be given several times (in the variable: separated
    /// by commas). Pages from the host of this server always may
    #[arg(
        long = "allow-origin",
        value_name = "ORIGIN",
        value_delimiter = ',',
        env = "STARLING_ALLOW_ORIGIN"
    )]
    pub(crate) origins_allowed: Vec<AllowedOrigin>,

    /// Proxies in front of this server: their networks, like 127.0.0.1 or 10.0.0.0/8,fd00::/8, or how many there are one behind the other, mostly 1.
    /// Their word in X-Forwarded-For is taken for a client's address. Set it behind a proxy (else all clients share the limits of one
    /// address), and only there (else a client can forge its address)
    #[arg(long, value_name = "NETWORKS or COUNT", env = "STARLING_TRUSTED_PROXIES")]
    trusted_proxies: Option<TrustedProxies>,

    /// Address and port for operators alone: /metrics (Prometheus) and /api/status (JSON) are there and nowhere else [default: none]
    #[arg(long, value_name = "ADDRESS:PORT", env = "STARLING_ADMIN_LISTEN")]
    pub(crate) admin_listen: Option<SocketAddr>,

    /// Redis (7 or later) by which several servers are one network, like redis://redis.example.org:6379; rediss:// for TLS. With sentinels, like
    /// redis+sentinel://one.example.org:26379,two.example.org:26379/NAME; a cluster, like redis+cluster://one.example.org:6379,two.example.org:6379. All servers
    /// of the network name the same one. Whoever can write there is trusted. Say a password in the variable rather than here, where all programs of the machine see it
    /// [default: none, this server is alone]
    #[arg(long, value_name = "URL", env = "STARLING_REDIS", hide_env_values = true)]
    pub(crate) redis: Option<RedisUrl>,

    /// Node of the network that has an address of its own, like wss://a.example.org (wss://a.example.org/chat/ws under a path); may be given several times (in
    /// the variable: separated by commas). Say all nodes at each of them, this one among them, in any order: each room is at one of them, and people go there by
    /// themselves. Goes with --redis, and without it: then people stay registered at two nodes [default: none, people stay where they come to]
    #[arg(long = "node", value_name = "URL", value_delimiter = ',', env = "STARLING_NODE")]
    pub(crate) nodes: Vec<NodeUrl>,
}

impl HostingArgs {
    pub(crate) fn trusted_proxies(&self) -> TrustedProxies {
        self.trusted_proxies.clone().unwrap_or_default()
    }

    /// Whether the nodes of the network know each other's people.
    pub(crate) const fn acquaintance(&self) -> Acquaintance {
        match self.redis {
            Some(_) => Acquaintance::Known,
            None => Acquaintance::Strangers,
        }
    }

    /// The certificate, if one was named.
    ///
    /// # Errors
    /// If it cannot be used.
    pub(crate) fn tls(&self) -> Result<Option<Tls>, TlsError> {
        let files = self.tls_cert.clone().zip(self.tls_key.clone());
        files.map(|(certificate, key)| Tls::load(certificate, key)).transpose()
    }

    /// The names to answer to, for a server that listens on `listen`.
    pub(crate) fn hosts(&self, listen: SocketAddr) -> OwnHosts {
        if !self.hosts.is_empty() {
            OwnHosts::Listed(self.hosts.clone())
        } else if listen.ip().to_canonical().is_loopback() && self.trusted_proxies.is_none() {
            OwnHosts::Local
        } else {
            OwnHosts::Any
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_for_its_own_machine_answers_to_localhost_alone() {
        let hosts = |listen: &str, flags: &[&str]| {
            let args = HostingArgs::parse_from(std::iter::once("signal").chain(flags.iter().copied()));
            args.hosts(listen.parse().unwrap())
        };
        assert_eq!(hosts("127.0.0.1:8080", &[]), OwnHosts::Local);
        assert_eq!(hosts("[::1]:8080", &[]), OwnHosts::Local);
        assert_eq!(hosts("0.0.0.0:8080", &[]), OwnHosts::Any);
        assert_eq!(hosts("127.0.0.1:8080", &["--trusted-proxies", "1"]), OwnHosts::Any);
        let listed = hosts("127.0.0.1:8080", &["--host", "a.example,b.example"]);
        assert_eq!(listed.listed().len(), 2);
    }
}
