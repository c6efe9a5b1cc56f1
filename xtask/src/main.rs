//! `cargo xtask`: everything a person or CI has to type.
//!
//! Each subcommand installs by itself what it needs and is missing (see [`tools`]), so that a fresh machine with rustup,
//! Node and root is enough. It is compiled before anything else can happen, hence the few dependencies.

#![expect(clippy::print_stdout, reason = "a command-line program talks on standard output")]

mod bench;
mod build;
mod fuzz;
mod run;
mod setup;
mod shell;
mod sim;
mod size;
mod test;
mod tools;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Builds, runs, tests and measures Starling", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the release app and serve it, with everything a room needs, on one address
    Run(run::Args),
    /// Build the release web app into dist/, with compressed copies beside the files
    Build,
    /// Run every check and every test, in real browsers too
    Test(test::Args),
    /// Measure, and compare with a bare calibration in the same run
    Bench(bench::Args),
    /// Simulate rooms of any size in virtual time, with faults
    Sim(sim::Args),
    /// Run the property tests with many more cases: decoders, nodes and small worlds that anything happens to
    Fuzz(fuzz::Args),
    /// Install the tools and print the line that puts them on a shell's PATH
    Setup,
}

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Build => build::run(),
        Command::Test(args) => test::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Sim(args) => sim::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Setup => setup::run(),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
