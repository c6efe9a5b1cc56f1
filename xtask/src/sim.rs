//! `cargo xtask sim`: rooms in virtual time. The program itself is `bench/src/bin/sim/main.rs`; it is built optimised, and not as a part
//! of this one, which has to be compiled before anything else can happen.

use crate::shell::{self, Sink};
use anyhow::Result;
use std::process::ExitCode;

/// Arguments of `cargo xtask sim`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Handed on: `--scenario NAME`, `--peers N`, `--seeds A..B`, `--threads N`, `--digest`, `--json`; see `cargo xtask sim -- --help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs the simulator.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut command = shell::cargo(&["run", "--quiet", "--release", "--package", "bench", "--bin", "sim"]);
    command.args(["--features", "sim", "--"]).args(&args.arguments);
    // The simulator has said already which bound is broken.
    let status = Sink::Screen.status(&mut command)?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
