//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

/// The target that the browser runs.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// The checkout that this program was built from.
pub(crate) fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// The built web app.
pub(crate) fn dist() -> PathBuf {
    root().join("dist")
}

/// Cargo's output folder, wherever the person has put it.
pub(crate) fn target() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// The log of one step or installation; its folder is made on first use.
pub(crate) fn log(name: &str) -> PathBuf {
    target().join("xtask-logs").join(format!("{name}.log"))
}

/// The rendezvous server as built with the profile whose folder is `profile`.
pub(crate) fn server(profile: &str) -> PathBuf {
    program("signal", profile)
}

/// A program of ours as built with the profile whose folder is `profile`.
pub(crate) fn program(name: &str, profile: &str) -> PathBuf {
    target()
        .join(profile)
        .join(format!("{name}{}", env::consts::EXE_SUFFIX))
}
