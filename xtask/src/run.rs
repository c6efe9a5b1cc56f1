//! `cargo xtask run`: the release app and its server, as a person would run them.

use crate::shell::{self, Sink};
use crate::{build, workspace};
use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// Arguments of `cargo xtask run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address and port to serve on; port 0 takes a free one, which the server then prints
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Further arguments of the server (`cargo run -p signal -- --help` lists them)
    #[arg(last = true, value_name = "SERVER ARGUMENT")]
    server: Vec<String>,
}

/// Builds the app and the server, then becomes the server.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    build::app(&Sink::Screen)?;
    build::server(&Sink::Screen)?;
    if let Some(address) = address_to_open(args.listen) {
        println!("\nOpen {address} (Ctrl-C stops the server)\n");
    }
    let mut server = shell::program(workspace::server("release"));
    server
        .arg("--listen")
        .arg(args.listen.to_string())
        .arg("--web-root")
        .arg(workspace::dist())
        .args(&args.server);
    become_program(server)
}

/// The address to type into a browser. `localhost` rather than the number: browsers treat both as secure, people read one.
fn address_to_open(listen: SocketAddr) -> Option<String> {
    let (ip, port) = (listen.ip(), listen.port());
    let host = if ip.is_loopback() || ip.is_unspecified() {
        "localhost".to_owned()
    } else {
        ip.to_string()
    };
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    (port != 0).then(|| format!("http://{host}:{port}"))
}

/// Replaces this process, so that signals meant for the server reach it and nothing is left behind.
fn become_program(mut command: Command) -> Result<ExitCode> {
    Err(command.exec()).context("cannot start the server")
}

#[cfg(test)]
mod tests {
    use super::address_to_open;

    #[test]
    fn the_address_to_open_is_one_a_browser_understands() {
        let open = |listen: &str| address_to_open(listen.parse().unwrap());
        assert_eq!(open("127.0.0.1:8080").as_deref(), Some("http://localhost:8080"));
        assert_eq!(open("0.0.0.0:80").as_deref(), Some("http://localhost:80"));
        assert_eq!(open("192.0.2.7:8080").as_deref(), Some("http://192.0.2.7:8080"));
        assert_eq!(open("[2001:db8::7]:8080").as_deref(), Some("http://[2001:db8::7]:8080"));
        assert_eq!(open("127.0.0.1:0"), None);
    }
}
