//! `cargo xtask build`: the release web app, ready to be served.

use crate::shell::{self, Sink};
use crate::split::TABLE_BASE;
use crate::tools::{self, Browser, Tool};
use crate::{dist, script, size, worker, workspace};
use anyhow::Result;
use std::fs;
use std::process::{Command, ExitCode};

/// The tools that build the web app.
pub(crate) const TOOLS: [Tool; 5] = [
    Tool::RustSource,
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
    sink.run(with_own_std(&mut shell::cargo(&["fetch", "--target", workspace::WASM])))?;
    let mut trunk = shell::program("trunk");
    trunk.args(["build", "--release", "--cargo-profile", "web", "--offline"]);
    // Relative, so that the app runs under any path.
    trunk.args(["--public-url", "./", "--dist"]);
    trunk.arg(workspace::dist());
    with_own_std(&mut trunk);
    trunk.env(
        "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
        format!("{WITHOUT_MESSAGES} -Clink-arg=--emit-relocs -Clink-arg=--table-base={TABLE_BASE}"),
    );
    // Trunk takes only `true` and `false` in this variable and stops at the customary `1`.
    trunk.env_remove("NO_COLOR");
    sink.run(&mut trunk)?;
    let linked = workspace::target().join(workspace::WASM).join("web/web.wasm");
    script::minify(&workspace::dist(), &linked, sink)?;
    let files = workspace::dist().join("files.js");
    fs::copy(workspace::root().join("web/worker/files.js"), &files)?;
    script::squeeze(&files, &[], sink)?;
    worker::write(&workspace::root().join("web/worker/sw.js"), &workspace::dist(), sink)?;
    dist::compress(&workspace::dist())
}

/// A panic stops the program where it is, without a message: nobody reads it there, and everybody downloads it. So nothing that a person
/// is shown may come from `Debug` either. The browser's console has the numbers of functions; a debug build (`trunk serve`)
/// says what happened in words.
///
/// The names of functions are as the stable compiler has them: the steps `compat` and `size` read them.
const WITHOUT_MESSAGES: &str = "-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none -Zfmt-debug=none \
    -Csymbol-mangling-version=legacy";

/// Has cargo build Rust's standard library with the app, as small as the app: the one that comes built has messages and code that is fast
/// first. The options are unstable, but the compiler's version is pinned, and they do not change under it.
fn with_own_std(command: &mut Command) -> &mut Command {
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
        .env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size")
}

/// Builds the rendezvous server that people run.
pub(crate) fn server(sink: &Sink) -> Result<()> {
    sink.run(&mut shell::cargo(&[
        "build",
        "--package",
        "signal",
        "--bin",
        "signal",
        "--release",
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
