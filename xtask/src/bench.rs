//! `cargo xtask bench`: the figures that Starling promises, each beside a bare calibration of the same run.

use crate::shell::{self, Sink};
use crate::tools::{self, Browser, Tool};
use crate::{build, packages, size, workspace};
use anyhow::Result;
use std::process::ExitCode;

/// Arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this one
    #[arg(value_enum)]
    name: Option<Bench>,
    /// What is passed on to its program, after `--`
    #[arg(last = true)]
    arguments: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Bench {
    /// Bytes of the first load
    Size,
    /// The server beside others: memory of idle sockets, the cost of a relay, starts, and what honest people notice of attacks
    Server,
    /// From a click on a room's link to the first open channel, in real browsers
    Join,
    /// A file from one browser to another, beside a bare data channel
    Files,
    /// How people in homes behind routers of every kind come together, try after try, in network namespaces: needs root
    Nat,
    /// Native peers and browsers in one room, how fast they link, and a file between two terminals
    Room,
    /// How a message spreads over 100 and 1,000 nodes, in virtual time
    Mesh,
    /// A room with a long history is opened, in real browsers, beside a bare page
    Page,
    /// What it costs to find out what two histories lack, beside another reconciliation
    Sync,
}

/// Other projects' servers, and where the benchmark finds them.
const OTHER_SERVERS: [(&str, &str); 2] = [
    ("matchbox_server", "STARLING_BENCH_MATCHBOX"),
    ("peer", "STARLING_BENCH_PEER"),
];

/// Another project's server that is not one program: the packages in which its parts are looked for, and where the benchmark finds those.
const SOCKET_IO: ([&str; 3], &str) = (
    ["socket.io", "@socket.io/redis-adapter", "redis"],
    "STARLING_BENCH_SOCKET_IO",
);

/// Runs the benchmarks one after the other; one that fails or breaks its bound fails the whole, at the end.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let sink = Sink::Screen;
    let chosen = match args.name {
        Some(bench) => vec![bench],
        None => vec![
            Bench::Size,
            Bench::Server,
            Bench::Join,
            Bench::Files,
            Bench::Nat,
            Bench::Room,
            Bench::Mesh,
            Bench::Page,
            Bench::Sync,
        ],
    };
    let needs = |benches: &[Bench]| benches.iter().any(|bench| chosen.contains(bench));
    // The one file that is started has the app in it.
    let needs_some_app = needs(&[Bench::Server]) && !workspace::dist().join("index.html").exists();
    let in_browsers = [Bench::Join, Bench::Files, Bench::Nat, Bench::Room, Bench::Page];
    if needs_some_app || needs(&[Bench::Size]) || needs(&in_browsers) {
        build::app(&sink)?;
    }
    if needs(&[Bench::Server]) || needs(&in_browsers) {
        build::server(&sink)?;
    }
    let mut code = ExitCode::SUCCESS;
    for bench in chosen {
        println!("\n# {bench:?}");
        if let Err(error) = bench.run(&sink, &args.arguments) {
            println!("{bench:?} FAILED: {error:#}");
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

impl Bench {
    fn run(self, sink: &Sink, arguments: &[String]) -> Result<()> {
        match self {
            Self::Size => {
                println!("{}", size::check(sink)?);
                Ok(())
            }
            Self::Server => {
                tools::ensure(&[Tool::Redis])?;
                let mut command = shell::cargo(&["run", "--release", "--package", "bench", "--bin", "bench_server"]);
                command.args(["--features", "server"]);
                for (name, variable) in OTHER_SERVERS {
                    // Without it, its row says so: what others publish is not ours to repair.
                    match tools::ensure(&[Tool::OtherServer(name)]) {
                        Ok(()) => _ = command.env(variable, packages::program(name)?),
                        Err(error) => println!("measuring without {name}: {error:#}"),
                    }
                }
                let (parts, variable) = SOCKET_IO;
                match tools::ensure(&parts.map(Tool::OtherServer)) {
                    Ok(()) => _ = command.env(variable, packages::node_path(&parts)?),
                    Err(error) => println!("measuring without socket.io: {error:#}"),
                }
                command.arg("--").args(arguments);
                sink.run(command.env("STARLING_TEST_SIGNAL", workspace::server("release")))
            }
            Self::Join => browsers("bench_join", "join", arguments, sink),
            Self::Files => browsers("bench_files", "files", arguments, sink),
            Self::Nat => {
                tools::ensure(&[Tool::Namespaces])?;
                browsers("bench_nat", "nat", arguments, sink)
            }
            Self::Room => {
                sink.run(&mut shell::cargo(&[
                    "build",
                    "--release",
                    "--package",
                    "terminal",
                    "--bin",
                    "starling",
                ]))?;
                let mut simulator = shell::cargo(&["build", "--release", "--package", "bench", "--bin", "sim"]);
                sink.run(simulator.args(["--features", "sim"]))?;
                browsers("bench_room", "room", arguments, sink)
            }
            Self::Page => browsers("bench_page", "page", arguments, sink),
            Self::Mesh => simulated("bench_mesh", "broadcast", sink),
            Self::Sync => simulated("bench_sync", "sync", sink),
        }
    }
}

/// Runs a program that needs nothing but this machine.
fn simulated(program: &str, feature: &str, sink: &Sink) -> Result<()> {
    let mut command = shell::cargo(&["run", "--release", "--package", "bench", "--bin", program]);
    sink.run(command.args(["--features", feature]))
}

/// Runs a program that drives browsers.
fn browsers(program: &str, feature: &str, arguments: &[String], sink: &Sink) -> Result<()> {
    tools::ensure(&[Tool::Browser(Browser::Chromium), Tool::Browser(Browser::Firefox)])?;
    let mut command = shell::cargo(&["run", "--release", "--package", "bench", "--bin", program]);
    command.args(["--features", feature]);
    build::with_browsers(&mut command, "release")?;
    command
        .env("STARLING_BENCH_TERMINAL", workspace::program("starling", "release"))
        .env("STARLING_BENCH_SIM", workspace::program("sim", "release"));
    sink.run(command.arg("--").args(arguments))
}
