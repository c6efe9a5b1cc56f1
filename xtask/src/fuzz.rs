//! `cargo xtask fuzz`: the property tests, which are part of every `cargo xtask test` too, with many times as many cases and new ones
//! each time: every decoder with any bytes, a node with any sequence of inputs, small worlds with any sequence of faults against the
//! reference model.

use crate::shell::{self, Sink};
use anyhow::Result;
use std::process::ExitCode;

/// How many cases a property test has that does not say otherwise.
const CASES_USUAL: u32 = 256;

/// Arguments of `cargo xtask fuzz`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many times as many cases as `cargo xtask test` runs; with 10 it takes some minutes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..10_000))]
    times: u32,
}

/// Runs the property tests, and the others of their crates along with them, which take no time beside.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut command = shell::cargo(&[
        "test",
        "--release",
        "--package",
        "shared",
        "--package",
        "mesh",
        "--package",
        "signal",
    ]);
    command
        .args(["--features", "mesh/sim"])
        .env("PROPTEST_CASES", (CASES_USUAL * args.times).to_string())
        .env("STARLING_CASES_TIMES", args.times.to_string());
    // The tests have said already which case failed.
    let status = Sink::Screen.status(&mut command)?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
