//! `cargo xtask build`: the release web app, ready to be served.

use crate::shell::{self, Sink};
use crate::tools::{self, Browser, Tool};
use crate::{dist, size, workspace};
use anyhow::Result;
use std::process::{Command, ExitCode};

/// The tools that build the web app.
pub(crate) const TOOLS: [Tool; 4] = [Tool::WasmTarget, Tool::Trunk, Tool::WasmBindgen, Tool::WasmOpt];

/// Builds the app and shows its sizes.
pub(crate) fn run() -> Result<ExitCode> {
    app(&Sink::Screen)?;
    let files = size::measure(&workspace::dist())?;
    println!("\n{}", size::table(&files));
    Ok(ExitCode::SUCCESS)
}

/// Builds the release web app into `dist/`, with a `.br` and a `.gz` beside each file that they make smaller.
pub(crate) fn app(sink: &Sink) -> Result<()> {
    tools::ensure(&TOOLS)?;
    // Trunk's `--offline` keeps it from downloading tools, but is handed on to cargo, which then cannot fetch crates.
    sink.run(&mut shell::cargo(&["fetch", "--target", workspace::WASM]))?;
    let mut trunk = shell::program("trunk");
    trunk.args(["build", "--release", "--cargo-profile", "web", "--offline"]);
    // Trunk takes only `true` and `false` in this variable and stops at the customary `1`.
    trunk.env_remove("NO_COLOR");
    sink.run(&mut trunk)?;
    dist::compress(&workspace::dist())
}

/// Builds the rendezvous server with the `dev` or `release` profile.
pub(crate) fn server(sink: &Sink, profile: &str) -> Result<()> {
    sink.run(&mut shell::cargo(&[
        "build",
        "--package",
        "signal",
        "--bin",
        "signal",
        "--profile",
        profile,
    ]))
}

/// Tells a program that drives browsers where the app, the server of that profile and the browsers' drivers are.
pub(crate) fn with_browsers(command: &mut Command, profile: &str) -> Result<()> {
    command
        .env("STARLING_TEST_DIST", workspace::dist())
        .env("STARLING_TEST_SIGNAL", workspace::server(profile));
    for browser in [Browser::Chromium, Browser::Firefox] {
        command.env(browser.driver_variable(), browser.driver()?);
    }
    Ok(())
}
