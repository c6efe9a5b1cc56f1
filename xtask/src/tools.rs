//! Installs the programs that building and testing need, once for each user and version.
//!
//! An installation happens in a temporary folder that is renamed when it is complete, so that one cut short is not taken for
//! done. Cargo's tools are built without optimisation: how long a fresh machine waits matters more than how fast they are.

mod browsers;
mod debian;
mod namespaces;
mod retry;

pub(crate) use browsers::Browser;

use crate::packages::{self, Package, Registry, package};
use crate::shell;
use crate::workspace;
use anyhow::{Context, Result, bail};
use retry::with_retries;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Something that is not part of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// A part of the toolchain with a cargo subcommand: `rustfmt` or `clippy`.
    Component(&'static str),
    /// Rust's standard library for the browser.
    WasmTarget,
    /// The same as source.
    RustSource,
    /// `trunk`, which bundles the web app.
    Trunk,
    /// `wasm-bindgen` and `wasm-bindgen-test-runner`.
    WasmBindgen,
    /// `wasm-opt`.
    WasmOpt,
    /// `esbuild`, which makes the generated script small.
    Esbuild,
    /// `cargo deny`.
    CargoDeny,
    /// `axe.min.js`, which looks a page over for what assistive technology cannot use.
    AxeCore,
    /// What each browser can do, as data.
    CompatData,
    /// Bun, for the engine in it.
    Bun,
    /// Another project's server, which ours is measured beside: the name of its package.
    OtherServer(&'static str),
    /// A browser and the driver that remote-controls it.
    Browser(Browser),
    /// `redis-server`, by which several of our servers are one network.
    Redis,
    /// `haproxy`, a balancer in front of them.
    Haproxy,
    /// `tmux`, a terminal that tests type into.
    Tmux,
    /// `ip`, `nft` and `turnserver`, and the right to make network namespaces with them.
    Namespaces,
}

/// Installs what is missing of `tools`.
///
/// # Errors
/// A sentence that says what could not be installed and where its log is, or what the person has to install.
pub(crate) fn ensure(tools: &[Tool]) -> Result<()> {
    for tool in tools {
        match tool {
            Tool::Component(name) => ensure_component(name)?,
            Tool::WasmTarget => rustup_add("target", workspace::WASM, has_wasm_target)?,
            Tool::RustSource => rustup_add("component", "rust-src", has_rust_source)?,
            Tool::Trunk => install(package("trunk"))?,
            Tool::WasmBindgen => install(package("wasm-bindgen-cli"))?,
            Tool::WasmOpt => install(package("binaryen"))?,
            Tool::Esbuild => install(package("esbuild"))?,
            Tool::CargoDeny => install(package("cargo-deny"))?,
            Tool::AxeCore => install(package("axe-core"))?,
            Tool::CompatData => install(package(packages::COMPAT_DATA))?,
            Tool::Bun => install(package(packages::BUN))?,
            Tool::OtherServer(name) => install(package(name))?,
            Tool::Browser(browser) => {
                browser.ensure()?;
                if *browser == Browser::Firefox {
                    install(package("geckodriver"))?;
                }
            }
            Tool::Tmux => debian::install("`tmux`", "tmux", || shell::find("tmux").is_some())?,
            Tool::Redis => debian::install_service("redis-server", "redis-server", "redis-server.service")?,
            Tool::Haproxy => debian::install_service("haproxy", "haproxy", "haproxy.service")?,
            Tool::Namespaces => namespaces::ensure()?,
        }
    }
    Ok(())
}

fn is_installed(package: &Package, folder: &Path) -> bool {
    package.proof(folder).exists()
}

fn install(package: &Package) -> Result<()> {
    let folder = package.folder()?;
    if is_installed(package, &folder) {
        return Ok(());
    }
    if matches!(package.registry, Registry::Npm) && (shell::find("npm").is_none() || shell::find("node").is_none()) {
        bail!(
            "{} comes from npm: install Node.js with npm (nodejs.org, or `apt-get install nodejs npm`)",
            package.name
        );
    }
    let tools = packages::cache()?.join("tools");
    fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
    // Two of us at once would fight over the temporary folder.
    let guard = File::create(tools.join(".lock"))?;
    guard.lock().context("cannot lock the tools folder")?;
    if is_installed(package, &folder) {
        return Ok(());
    }
    let version = package.version()?;
    let temporary = tools.join(format!(".{}-{version}.part", package.file_name()));
    remove(&temporary)?;
    remove(&folder)?;
    println!(
        "installing {} {version} (once; about {} min)",
        package.name, package.minutes
    );
    with_retries(&format!("install-{}", package.file_name()), || match package.registry {
        Registry::Cargo { arguments } => cargo_install(package.name, &version, arguments, &temporary),
        Registry::Npm => Ok(npm_install(package.name, &version, &temporary)),
    })?;
    if !is_installed(package, &temporary) {
        bail!("the package {} {version} has no `{}`", package.name, package.program);
    }
    fs::rename(&temporary, &folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn cargo_install(name: &str, version: &str, arguments: &[&str], into: &Path) -> Result<Command> {
    let mut command = shell::cargo(&["install", name, "--version", version, "--no-track", "--root"]);
    command
        .arg(into)
        .args(arguments)
        // One build folder for all tools: what they have in common is compiled once.
        .env("CARGO_TARGET_DIR", packages::cache()?.join("build"))
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env("CARGO_NET_RETRY", "5")
        // Flags meant for the workspace, such as -D warnings, are no concern of other people's code.
        .env_remove("RUSTFLAGS");
    Ok(command)
}

fn npm_install(name: &str, version: &str, into: &Path) -> Command {
    let mut command = shell::program("npm");
    command
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--fetch-retries=5",
            "--prefix",
        ])
        .arg(into)
        .arg(format!("{name}@{version}"));
    command
}

/// rust-toolchain.toml names targets and components, but rustup heeds it only where it may install by itself.
fn rustup_add(what: &'static str, name: &str, is_there: impl Fn() -> Result<bool>) -> Result<()> {
    if is_there()? {
        return Ok(());
    }
    if shell::find("rustup").is_none() {
        bail!("this Rust lacks the {what} {name}: install it, or install Rust through rustup");
    }
    println!("installing the {what} {name} (once)");
    with_retries(&format!("install-{name}"), || {
        let mut command = shell::program("rustup");
        command.args([what, "add", name]);
        Ok(command)
    })?;
    if !is_there()? {
        bail!("rustup has added the {what} {name} to another toolchain than the one in use");
    }
    Ok(())
}

fn ensure_component(name: &str) -> Result<()> {
    let subcommand = if name == "rustfmt" { "fmt" } else { name };
    rustup_add("component", name, || {
        Ok(shell::cargo(&[subcommand, "--version"]).output()?.status.success())
    })
}

fn has_wasm_target() -> Result<bool> {
    let folder = rustc_prints("target-libdir", &["--target", workspace::WASM])?;
    Ok(folder.is_some_and(|folder| folder.is_dir()))
}

fn has_rust_source() -> Result<bool> {
    let folder = rustc_prints("sysroot", &[])?;
    Ok(folder.is_some_and(|folder| folder.join("lib/rustlib/src/rust/library/Cargo.lock").exists()))
}

/// A folder of the compiler's.
fn rustc_prints(what: &str, arguments: &[&str]) -> Result<Option<PathBuf>> {
    let output = shell::program("rustc")
        .args(["--print", what])
        .args(arguments)
        .output()
        .context("cannot start `rustc`")?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success().then(|| PathBuf::from(folder.trim())))
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}
