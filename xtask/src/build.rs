//! `cargo xtask build`: the release web app, ready to be served.

use crate::shell::{self, Sink};
use crate::tools::{self, Browser, Tool};
use crate::{dist, script, size, worker, workspace};
use anyhow::Result;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::{env, fs};

/// The tools that build the web app.
pub(crate) const TOOLS: [Tool; 5] = [
    Tool::WasmTarget,
    Tool::Trunk,
    Tool::WasmBindgen,
    Tool::WasmOpt,
    Tool::Esbuild,
];

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
    // Relative, so that the app runs under any path.
    trunk.args(["--public-url", "./", "--dist"]);
    trunk.arg(workspace::dist());
    trunk.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", without_paths());
    // Trunk takes only `true` and `false` in this variable and stops at the customary `1`.
    trunk.env_remove("NO_COLOR");
    sink.run(&mut trunk)?;
    script::minify(&workspace::dist(), sink)?;
    let files = workspace::dist().join("files.js");
    fs::copy(workspace::root().join("web/worker/files.js"), &files)?;
    script::squeeze(&files, &[], sink)?;
    worker::write(&workspace::root().join("web/worker/sw.js"), &workspace::dist(), sink)?;
    dist::compress(&workspace::dist())
}

/// Flags by which the places of a panic name crates and not this machine's folders: everybody downloads them. Cargo adds the flags
/// to those of its configuration.
fn without_paths() -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let registries = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok());
    let folders = registries
        .into_iter()
        .flatten()
        .flatten()
        .map(|registry| registry.path());
    // The variable is split at spaces.
    let folders = folders.filter_map(|folder| folder.to_str().map(str::to_owned));
    let folders = folders.filter(|folder| !folder.contains(char::is_whitespace));
    let flags: Vec<_> = folders
        .map(|folder| format!("--remap-path-prefix={folder}/="))
        .collect();
    flags.join(" ")
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
