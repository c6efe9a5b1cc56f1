//! Puts the built web app into the released server, if there is one.
//!
//! A debug build has none: it serves `dist`, so that a page that was built anew needs no new server.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).unwrap_or_default();
    let dist = variable("CARGO_MANIFEST_DIR").join("../dist");
    let is_release = variable("PROFILE") == Path::new("release");
    let mut files = Vec::new();
    if is_release {
        // As long as the folder is missing, every build looks again.
        println!("cargo::rerun-if-changed={}", dist.display());
        if dist.join("index.html").is_file() {
            find(&dist, "", &mut files)?;
            files.sort();
        } else {
            println!(
                "cargo::warning=the server is built without the web app; for one with it, run `cargo xtask build` before"
            );
        }
    }
    let list: String = files
        .iter()
        .map(|(name, path)| format!("EmbeddedFile {{ path: {name:?}, content: include_bytes!({path:?}) }},\n"))
        .collect();
    fs::write(variable("OUT_DIR").join("web_app.rs"), format!("&[\n{list}]\n"))
}

/// Adds each file in the folder, as its name below the root and its path.
fn find(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        // What is hidden is not for the public, and the names of a build are text.
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
            continue;
        };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            find(&entry.path(), &format!("{prefix}{name}/"), files)?;
        } else if kind.is_file() {
            files.push((format!("{prefix}{name}"), entry.path().canonicalize()?));
        }
    }
    Ok(())
}
