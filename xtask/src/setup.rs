//! `cargo xtask setup`: the tools for a shell of one's own, e.g. for `trunk serve`.

use crate::packages;
use crate::tools::{self, Browser, Tool};
use anyhow::Result;
use std::process::ExitCode;

/// Installs everything and says how to use it.
pub(crate) fn run() -> Result<ExitCode> {
    tools::ensure(&[
        Tool::WasmTarget,
        Tool::Trunk,
        Tool::WasmBindgen,
        Tool::WasmOpt,
        Tool::Esbuild,
        Tool::CargoDeny,
        Tool::Tmux,
        Tool::Browser(Browser::Chromium),
        Tool::Browser(Browser::Firefox),
    ])?;
    let own: Vec<_> = packages::folders().map(|folder| folder.display().to_string()).collect();
    println!("To use the tools in this shell:");
    println!("export PATH=\"{}:$PATH\"", own.join(":"));
    for browser in [Browser::Chromium, Browser::Firefox] {
        println!(
            "export {}=\"{}\"",
            browser.driver_variable(),
            browser.driver()?.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}
