//! A server in a process of its own, with the memory and the processor time of that process.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use clap::Subcommand;
use tokio::net::TcpListener;

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Role {
    /// Be our server (used by the program itself)
    #[command(hide = true)]
    Ours,
    /// Be our server as the public meets it, with its limits (used by the program itself)
    #[command(hide = true)]
    Public,
    /// Be the bare server (used by the program itself)
    #[command(hide = true)]
    Bare,
}

/// A running server. Its process ends with this value.
pub(crate) struct Server {
    role: Role,
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts this program again, as a server.
    pub(crate) fn start(role: Role) -> Result<Self> {
        let name = match role {
            Role::Ours => "ours",
            Role::Public => "public",
            Role::Bare => "bare",
        };
        let mut child = Command::new(std::env::current_exe()?)
            .arg(name)
            // When this pipe closes, the server ends: nobody needs the server any more.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().context("no output")?).read_line(&mut line)?;
        let address = line.trim().parse().context("the server prints its address")?;
        Ok(Self { role, child, address })
    }

    pub(crate) const fn role(&self) -> Role {
        self.role
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How much memory the process has in use.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        let kilobytes: u64 = line.split_whitespace().next().context("no number")?.parse()?;
        Ok(kilobytes * 1024)
    }

    /// How long the threads of the process have run, in the kernel too.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The second field is the program's name, in parentheses; 14 and 15 are user and system time.
        let (_, fields) = stat.rsplit_once(')').context("no name")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks: u64 = ticks.sum::<Result<_, _>>()?;
        // Linux counts in hundredths of a second for programs, whatever it uses itself.
        Ok(Duration::from_millis(ticks * 10))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Listens and prints the address. Ends the process when the process that started it has gone.
pub(crate) async fn announce() -> Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(|| {
        _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    Ok(listener)
}
