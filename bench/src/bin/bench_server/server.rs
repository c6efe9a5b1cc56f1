//! A server in a process of its own, with the memory and the processor time of that process.

use std::{
    env,
    ffi::OsString,
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use tokio::net::TcpListener;

use crate::{PATIENCE, cores};

/// Which server it is. Those of other projects are programs of their own, all others are this program again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Ours without limits on rates
    Ours,
    /// The same with TLS
    Tls,
    /// Ours as the public meets it, with its limits
    Public,
    /// The least that relays
    Bare,
    /// The least that relays on axum's own WebSocket, with small buffers
    Axum,
    /// `matchbox_server`
    #[value(skip)]
    Matchbox,
    /// `peer`, the server of PeerJS
    #[value(skip)]
    PeerJs,
}

impl Role {
    /// As it stands in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Tls => "ours with TLS",
            Self::Public => "ours with limits",
            Self::Bare => "bare",
            Self::Axum => "axum",
            Self::Matchbox => "matchbox",
            Self::PeerJs => "peer",
        }
    }

    /// The program of another project; nothing if it is not there.
    fn program(self) -> Option<OsString> {
        match self {
            Self::Matchbox => env::var_os("STARLING_BENCH_MATCHBOX"),
            Self::PeerJs => env::var_os("STARLING_BENCH_PEER"),
            Self::Ours | Self::Tls | Self::Public | Self::Bare | Self::Axum => None,
        }
    }

    /// Whether there is anything to start.
    pub(crate) fn is_there(self) -> bool {
        !matches!(self, Self::Matchbox | Self::PeerJs) || self.program().is_some()
    }
}

/// A running server. Its process ends with this value.
pub(crate) struct Server {
    role: Role,
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a server that is [there](Role::is_there).
    pub(crate) fn start(role: Role) -> Result<Self> {
        Self::start_with(role, &[])
    }

    /// The same, with variables for its process.
    pub(crate) fn start_with(role: Role, variables: &[(&str, PathBuf)]) -> Result<Self> {
        match role.program() {
            Some(program) => Self::start_foreign(role, &program),
            None => {
                let mut command = Command::new(env::current_exe()?);
                let role_name = role.to_possible_value().context("a program of its own")?;
                command.args(["--be", role_name.get_name()]);
                command.envs(variables.iter().map(|(name, value)| (name, value)));
                Self::start_announced(role, &mut command)
            }
        }
    }

    /// Starts our own program, as it is built.
    pub(crate) fn start_program(program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).stderr(Stdio::null());
        Self::start_announced(Role::Public, &mut command)
    }

    /// Starts a server that prints its address.
    fn start_announced(role: Role, command: &mut Command) -> Result<Self> {
        // When the pipe closes, the server ends: nobody needs the server any more.
        let mut child = cores::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().context("no output")?).read_line(&mut line)?;
        let address = line.trim().rsplit('/').next().unwrap_or_default();
        let address = address.parse().context("the server prints its address")?;
        Ok(Self { role, child, address })
    }

    /// Starts a server that is told its address, and waits until it listens.
    fn start_foreign(role: Role, program: &OsString) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(program);
        if role == Role::PeerJs {
            command.args(["--host", "127.0.0.1", "--port", &address.port().to_string()]);
        } else {
            command.arg(address.to_string());
        }
        // Logs would be part of what a relay costs.
        command.env("RUST_LOG", "off");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let this = Self {
            role,
            child: cores::spawn(&mut command).with_context(|| format!("cannot start {}", program.display()))?,
            address,
        };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            ensure!(start.elapsed() < PATIENCE, "{} does not listen", role.name());
            sleep(Duration::from_millis(20));
        }
        Ok(this)
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
        processor_time(self.child.id())
    }
}

/// How long the threads of a process have run, in the kernel too.
pub(crate) fn processor_time(process: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the program's name, in parentheses; 14 and 15 are user and system time.
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<Result<_, _>>()?;
    // Linux counts in hundredths of a second for programs, whatever it uses itself.
    Ok(Duration::from_millis(ticks * 10))
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL: it says goodbye to nobody.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// An address that nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The program of our server, with the app in it.
pub(crate) fn our_program() -> Result<PathBuf> {
    let path = env::var_os("STARLING_TEST_SIGNAL").map(PathBuf::from);
    path.context(
        "the variable STARLING_TEST_SIGNAL does not say where the server is: `cargo xtask bench server` sets it",
    )
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
