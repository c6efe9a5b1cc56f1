//! Where a process of a test runs.

use std::{io, net::SocketAddr, path::Path};

use anyhow::Result;
use tokio::{net::TcpStream, process::Command, task::spawn_blocking};

use super::Namespace;

/// Where a process runs: its network is that of the place.
#[derive(Debug, Clone, Default)]
pub enum Place {
    /// Where the test runs.
    #[default]
    Here,
    /// In a network namespace.
    Inside(Namespace),
}

impl Place {
    /// A command that starts `program` there.
    pub(crate) fn command(&self, program: &Path) -> Command {
        match self {
            Self::Here => Command::new(program),
            Self::Inside(namespace) => {
                // `ip` becomes the program, and so the program has the id of the child.
                let mut command = Command::new("ip");
                command.args(["netns", "exec", &namespace.to_string()]).arg(program);
                command
            }
        }
    }

    /// Opens a connection from there.
    pub(crate) async fn connect(self, address: SocketAddr) -> Result<TcpStream> {
        match self {
            Self::Here => Ok(TcpStream::connect(address).await?),
            Self::Inside(namespace) => {
                let connect = move || -> io::Result<_> {
                    let stream = std::net::TcpStream::connect(address)?;
                    stream.set_nonblocking(true)?;
                    Ok(stream)
                };
                let stream = spawn_blocking(move || namespace.inside(connect)).await???;
                Ok(TcpStream::from_std(stream)?)
            }
        }
    }
}
