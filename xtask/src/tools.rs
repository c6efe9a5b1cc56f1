//! Installs the programs that building and testing need, once a user and version.
//!
//! They live in `~/.cache/starling/tools/NAME-VERSION` (or under `XDG_CACHE_HOME`), never in the person's own cargo
//! folder. An installation happens in a temporary folder that is renamed when it is complete, so that one cut short is
//! not taken for done. Cargo's tools are built without optimisation: how long a fresh machine waits matters more than
//! how fast they are.

mod browsers;
mod lock;

pub(crate) use browsers::Browser;

use crate::shell::{self, Sink};
use crate::workspace;
use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Pauses between attempts, for registries that are slow or refuse for a moment.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(20)];

/// Something that is not part of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// A part of the toolchain with a cargo subcommand: `rustfmt` or `clippy`.
    Component(&'static str),
    /// Rust's standard library for the browser.
    WasmTarget,
    /// `trunk`, which bundles the web app.
    Trunk,
    /// `wasm-bindgen` and `wasm-bindgen-test-runner`.
    WasmBindgen,
    /// `wasm-opt`.
    WasmOpt,
    /// `cargo deny`.
    CargoDeny,
    /// `axe.min.js`, which looks a page over for what assistive technology cannot use.
    AxeCore,
    /// A browser and the driver that remote-controls it.
    Browser(Browser),
}

/// Where a package comes from.
#[derive(Debug, Clone, Copy)]
enum Registry {
    /// crates.io, with further arguments of `cargo install`.
    Cargo { arguments: &'static [&'static str] },
    /// The npm registry.
    Npm,
}

/// A package that is installed into a folder of its own.
#[derive(Debug, Clone, Copy)]
struct Package {
    name: &'static str,
    /// `None`: the version that Cargo.lock has of the crate `follows`, because the two talk a private language.
    version: Option<&'static str>,
    follows: &'static str,
    registry: Registry,
    /// A file that is there when the package is: in `bin`, or for npm in `node_modules`.
    program: &'static str,
    /// How long a machine with two cores takes, to tell the person who waits.
    minutes: u32,
}

/// All versions in one place. `binaryen` comes from npm since Debian's is too old to read what rustc writes.
const PACKAGES: [Package; 6] = [
    Package {
        name: "trunk",
        version: Some("0.21.14"),
        follows: "",
        registry: Registry::Cargo {
            arguments: &["--locked", "--no-default-features", "--features", "rustls"],
        },
        program: "trunk",
        minutes: 4,
    },
    Package {
        name: "wasm-bindgen-cli",
        version: None,
        follows: "wasm-bindgen",
        // Its own lock file names crates that a registry need not have any more; newer ones do as well.
        registry: Registry::Cargo { arguments: &[] },
        program: "wasm-bindgen-test-runner",
        minutes: 4,
    },
    Package {
        name: "geckodriver",
        version: Some("0.37.1"),
        follows: "",
        registry: Registry::Cargo {
            arguments: &["--locked"],
        },
        program: "geckodriver",
        minutes: 2,
    },
    Package {
        name: "cargo-deny",
        version: Some("0.20.2"),
        follows: "",
        registry: Registry::Cargo {
            arguments: &["--locked"],
        },
        program: "cargo-deny",
        minutes: 5,
    },
    Package {
        name: "binaryen",
        version: Some("132.0.0"),
        follows: "",
        registry: Registry::Npm,
        program: ".bin/wasm-opt",
        minutes: 1,
    },
    Package {
        name: "axe-core",
        version: Some("4.14.1"),
        follows: "",
        registry: Registry::Npm,
        program: "axe-core/axe.min.js",
        minutes: 1,
    },
];

/// Installs what is missing of `tools`.
///
/// # Errors
/// A sentence that says what could not be installed and where its log is, or what the person has to install.
pub(crate) fn ensure(tools: &[Tool]) -> Result<()> {
    for tool in tools {
        match tool {
            Tool::Component(name) => ensure_component(name)?,
            Tool::WasmTarget => ensure_wasm_target()?,
            Tool::Trunk => package("trunk").ensure()?,
            Tool::WasmBindgen => package("wasm-bindgen-cli").ensure()?,
            Tool::WasmOpt => package("binaryen").ensure()?,
            Tool::CargoDeny => package("cargo-deny").ensure()?,
            Tool::AxeCore => package("axe-core").ensure()?,
            Tool::Browser(browser) => {
                browser.ensure()?;
                if *browser == Browser::Firefox {
                    package("geckodriver").ensure()?;
                }
            }
        }
    }
    Ok(())
}

/// The folders of all tools' programs, whether they are installed yet or not.
pub(crate) fn folders() -> impl Iterator<Item = PathBuf> {
    PACKAGES
        .iter()
        .filter_map(|package| Some(package.programs(&package.folder().ok()?)))
}

/// PATH with the tools in front.
pub(crate) fn search_path() -> OsString {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let all: Vec<PathBuf> = folders().chain(env::split_paths(&inherited)).collect();
    // A folder with a colon in its name cannot be on a PATH: then only what the machine has is found.
    env::join_paths(all).unwrap_or(inherited)
}

/// Where `axe.min.js` is, whether it is installed yet or not.
pub(crate) fn axe_core() -> Result<PathBuf> {
    let package = package("axe-core");
    Ok(package.proof(&package.folder()?))
}

fn package(name: &str) -> &'static Package {
    PACKAGES
        .iter()
        .find(|package| package.name == name)
        .expect("invariant: every package named here is in the table")
}

impl Package {
    fn version(&self) -> Result<String> {
        match self.version {
            Some(version) => Ok(version.to_owned()),
            None => {
                let path = workspace::root().join("Cargo.lock");
                let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                lock::version_of(&text, self.follows)
                    .with_context(|| format!("Cargo.lock does not name one version of {}", self.follows))
            }
        }
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(cache()?
            .join("tools")
            .join(format!("{}-{}", self.name, self.version()?)))
    }

    /// The folder of its programs inside `folder`.
    fn programs(&self, folder: &Path) -> PathBuf {
        match self.registry {
            Registry::Cargo { .. } => folder.join("bin"),
            Registry::Npm => folder.join("node_modules/.bin"),
        }
    }

    /// The file that proves the package to be installed in `folder`.
    fn proof(&self, folder: &Path) -> PathBuf {
        match self.registry {
            Registry::Cargo { .. } => {
                let program = format!("{}{}", self.program, env::consts::EXE_SUFFIX);
                folder.join("bin").join(program)
            }
            Registry::Npm => folder.join("node_modules").join(self.program),
        }
    }

    fn is_installed(&self, folder: &Path) -> bool {
        self.proof(folder).exists()
    }

    fn ensure(&self) -> Result<()> {
        let folder = self.folder()?;
        if self.is_installed(&folder) {
            return Ok(());
        }
        if matches!(self.registry, Registry::Npm) && (shell::find("npm").is_none() || shell::find("node").is_none()) {
            bail!(
                "{} comes from npm: install Node.js with npm (nodejs.org, or `apt-get install nodejs npm`)",
                self.name
            );
        }
        let tools = cache()?.join("tools");
        fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
        // Two of us at once would fight over the temporary folder.
        let guard = File::create(tools.join(".lock"))?;
        guard.lock().context("cannot lock the tools folder")?;
        if self.is_installed(&folder) {
            return Ok(());
        }
        let version = self.version()?;
        let temporary = tools.join(format!(".{}-{version}.part", self.name));
        remove(&temporary)?;
        remove(&folder)?;
        println!("installing {} {version} (once; about {} min)", self.name, self.minutes);
        with_retries(&format!("install-{}", self.name), || match self.registry {
            Registry::Cargo { arguments } => cargo_install(self.name, &version, arguments, &temporary),
            Registry::Npm => Ok(npm_install(self.name, &version, &temporary)),
        })?;
        if !self.is_installed(&temporary) {
            bail!("the package {} {version} has no `{}`", self.name, self.program);
        }
        fs::rename(&temporary, &folder).with_context(|| format!("cannot make {}", folder.display()))
    }
}

fn cargo_install(name: &str, version: &str, arguments: &[&str], into: &Path) -> Result<Command> {
    let mut command = shell::cargo(&["install", name, "--version", version, "--no-track", "--root"]);
    command
        .arg(into)
        .args(arguments)
        // One build folder for all tools: what they have in common is compiled once.
        .env("CARGO_TARGET_DIR", cache()?.join("build"))
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

/// Runs a command that talks to a registry, again after a pause when it failed.
fn with_retries(log: &str, command: impl Fn() -> Result<Command>) -> Result<()> {
    let sink = Sink::log(log)?;
    let mut pauses = RETRY_PAUSES.iter();
    loop {
        let Err(error) = sink.run(&mut command()?) else {
            return Ok(());
        };
        let Some(pause) = pauses.next() else {
            let path = workspace::log(log);
            bail!(
                "{error:#}\n{}\nthe whole log: {}",
                shell::tail(&path, 20),
                path.display()
            );
        };
        thread::sleep(*pause);
    }
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

fn ensure_wasm_target() -> Result<()> {
    rustup_add("target", workspace::WASM, has_wasm_target)
}

fn ensure_component(name: &str) -> Result<()> {
    let subcommand = if name == "rustfmt" { "fmt" } else { name };
    rustup_add("component", name, || {
        Ok(shell::cargo(&[subcommand, "--version"]).output()?.status.success())
    })
}

fn has_wasm_target() -> Result<bool> {
    let output = shell::program("rustc")
        .args(["--print", "target-libdir", "--target", workspace::WASM])
        .output()
        .context("cannot start `rustc`")?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(folder.trim()).is_dir())
}

/// The user's cache folder for Starling.
fn cache() -> Result<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".cache")))
        .map(|folder| folder.join("starling"))
        .context("neither XDG_CACHE_HOME nor HOME says where to keep tools")
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_has_a_version() {
        for package in &PACKAGES {
            let version = package.version().unwrap();
            assert!(version.split('.').count() == 3, "{} {version}", package.name);
        }
    }

    #[test]
    fn tools_come_before_the_machines_programs() {
        let first = env::split_paths(&search_path()).next().unwrap();
        assert!(first.ends_with("trunk-0.21.14/bin"), "{}", first.display());
    }
}
