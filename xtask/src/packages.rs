//! The packages that building and testing need: which, in what version, and in which folder each of them is kept.
//!
//! Each package has a folder of its own, `~/.cache/starling/tools/NAME-VERSION` (or under `XDG_CACHE_HOME`), never in the
//! person's own cargo folder. This module only knows the folders; [`tools`](crate::tools) fills them.

mod lock;

use crate::workspace;
use anyhow::{Context, Result};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a package comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Registry {
    /// crates.io, with further arguments of `cargo install`.
    Cargo { arguments: &'static [&'static str] },
    /// The npm registry.
    Npm,
}

/// A package that is installed into a folder of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    /// `None`: the version that Cargo.lock has of the crate `follows`, because the two talk a private language.
    version: Option<&'static str>,
    follows: &'static str,
    pub(crate) registry: Registry,
    /// A file that is there when the package is: in `bin`, or for npm in `node_modules`.
    pub(crate) program: &'static str,
    /// How long a machine with two cores takes, to tell the person who waits.
    pub(crate) minutes: u32,
}

/// All versions in one place. `binaryen` comes from npm since Debian's is too old to read what rustc writes.
const PACKAGES: [Package; 14] = [
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
        name: "esbuild",
        version: Some("0.28.2"),
        follows: "",
        registry: Registry::Npm,
        program: ".bin/esbuild",
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
    Package {
        name: COMPAT_DATA,
        version: Some("8.1.9"),
        follows: "",
        registry: Registry::Npm,
        program: "@mdn/browser-compat-data/data.json",
        minutes: 1,
    },
    // What our server is measured beside, so this one is built as its makers do.
    Package {
        name: "matchbox_server",
        version: Some("0.15.0"),
        follows: "",
        registry: Registry::Cargo {
            arguments: &["--locked", "--config", "profile.release.opt-level=3"],
        },
        program: "matchbox_server",
        minutes: 2,
    },
    Package {
        name: "peer",
        version: Some("1.0.2"),
        follows: "",
        registry: Registry::Npm,
        program: ".bin/peerjs",
        minutes: 1,
    },
    // One server: socket.io, and by what several of it are one network.
    Package {
        name: "socket.io",
        version: Some("4.8.4"),
        follows: "",
        registry: Registry::Npm,
        program: "socket.io/package.json",
        minutes: 1,
    },
    Package {
        name: "@socket.io/redis-adapter",
        version: Some("8.3.0"),
        follows: "",
        registry: Registry::Npm,
        program: "@socket.io/redis-adapter/package.json",
        minutes: 1,
    },
    Package {
        name: "redis",
        version: Some("6.3.1"),
        follows: "",
        registry: Registry::Npm,
        program: "redis/package.json",
        minutes: 1,
    },
    Package {
        name: BUN,
        version: Some("1.4.5"),
        follows: "",
        registry: Registry::Npm,
        program: BUN_PROGRAM,
        minutes: 1,
    },
];

/// What each browser can do, since which version.
pub(crate) const COMPAT_DATA: &str = "@mdn/browser-compat-data";

/// For processors of any age.
#[cfg(not(target_arch = "aarch64"))]
pub(crate) const BUN: &str = "@oven/bun-linux-x64-baseline";
#[cfg(target_arch = "aarch64")]
pub(crate) const BUN: &str = "@oven/bun-linux-aarch64";

/// It is no link in `.bin`: the package `bun`, which makes one, would run a script of its own for that.
#[cfg(not(target_arch = "aarch64"))]
const BUN_PROGRAM: &str = "@oven/bun-linux-x64-baseline/bin/bun";
#[cfg(target_arch = "aarch64")]
const BUN_PROGRAM: &str = "@oven/bun-linux-aarch64/bin/bun";

/// The folders of all tools' programs, whether they are installed yet or not.
pub(crate) fn folders() -> impl Iterator<Item = PathBuf> {
    PACKAGES
        .iter()
        .filter_map(|package| Some(package.programs(&package.folder().ok()?)))
}

/// PATH with the folders of the tools in front.
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

/// Where a package's program is, whether it is installed yet or not.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let package = package(name);
    Ok(package.proof(&package.folder()?))
}

/// The folders in which Node.js finds these packages, as it reads them from `NODE_PATH`.
pub(crate) fn node_path(names: &[&str]) -> Result<OsString> {
    let folders: Result<Vec<PathBuf>> = names
        .iter()
        .map(|name| Ok(package(name).folder()?.join("node_modules")))
        .collect();
    env::join_paths(folders?).context("a folder of these packages has a colon in its name")
}

/// Where the data on browsers is, whether it is installed yet or not.
pub(crate) fn compat_data() -> Result<PathBuf> {
    let package = package(COMPAT_DATA);
    Ok(package.proof(&package.folder()?))
}

/// Where Bun is, whether it is installed yet or not.
pub(crate) fn bun() -> Result<PathBuf> {
    let package = package(BUN);
    Ok(package.proof(&package.folder()?))
}

/// The package of that name.
///
/// # Panics
/// If the table has no such package.
pub(crate) fn package(name: &str) -> &'static Package {
    PACKAGES
        .iter()
        .find(|package| package.name == name)
        .expect("invariant: every package named here is in the table")
}

impl Package {
    /// The version that is wanted.
    pub(crate) fn version(&self) -> Result<String> {
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

    /// The folder of this package in this version.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        Ok(cache()?
            .join("tools")
            .join(format!("{}-{}", self.file_name(), self.version()?)))
    }

    /// The name as part of a file's: npm's scopes have a slash.
    pub(crate) fn file_name(&self) -> String {
        self.name.replace('/', "+")
    }

    /// The folder of the package's programs inside `folder`.
    fn programs(&self, folder: &Path) -> PathBuf {
        match self.registry {
            Registry::Cargo { .. } => folder.join("bin"),
            Registry::Npm => folder.join("node_modules/.bin"),
        }
    }

    /// The file that proves the package to be installed in `folder`.
    pub(crate) fn proof(&self, folder: &Path) -> PathBuf {
        match self.registry {
            Registry::Cargo { .. } => {
                let program = format!("{}{}", self.program, env::consts::EXE_SUFFIX);
                folder.join("bin").join(program)
            }
            Registry::Npm => folder.join("node_modules").join(self.program),
        }
    }
}

/// The user's cache folder for Starling.
pub(crate) fn cache() -> Result<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".cache")))
        .map(|folder| folder.join("starling"))
        .context("neither XDG_CACHE_HOME nor HOME says where to keep tools")
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
