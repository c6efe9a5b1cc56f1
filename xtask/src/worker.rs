//! The service worker: it keeps the page for when there is no server. Written after everything else, for it names all files of the build.

use crate::shell::Sink;
use crate::{dist, script};
use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha384};
use std::fs;
use std::path::Path;

/// Where a build's name and files stand in the source.
const BUILD: &str = "\"THE BUILD'S NAME\"";
const FILES: &str = "[\"THE BUILD'S FILES\"]";

/// Writes `sw.js` into `folder`, made of `source`.
pub(crate) fn write(source: &Path, folder: &Path, sink: &Sink) -> Result<()> {
    let source = fs::read_to_string(source).with_context(|| format!("cannot read {}", source.display()))?;
    let worker = folder.join("sw.js");
    let mut files = Vec::new();
    let mut build = Sha384::new();
    for file in dist::files(folder)? {
        let name = file
            .strip_prefix(folder)?
            .to_str()
            .context("a file's name is no text")?;
        if file == worker || name.ends_with(".br") || name.ends_with(".gz") {
            continue;
        }
        build.update(name);
        build.update(dist::read(&file)?);
        files.push(path(name));
    }
    let build = &HEXLOWER.encode(&build.finalize())[..16];
    fs::write(&worker, filled(&source, build, &files)?)?;
    script::squeeze(&worker, &[], sink)
}

/// The path under which the server has a file, beside the worker.
fn path(name: &str) -> String {
    if name == "index.html" {
        "./".to_owned()
    } else {
        name.to_owned()
    }
}

fn filled(source: &str, build: &str, files: &[String]) -> Result<String> {
    if source.matches(BUILD).count() != 1 || source.matches(FILES).count() != 1 {
        bail!("the service worker has no place for the build's name or files");
    }
    Ok(source
        .replace(BUILD, &format!("{build:?}"))
        .replace(FILES, &format!("{files:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_and_its_files_are_put_in_their_places() {
        let source = format!("const a = {BUILD}; const b = {FILES};");
        let files = [path("index.html"), path("web-0123.js")];
        let filled = filled(&source, "0123", &files).unwrap();
        assert_eq!(filled, r#"const a = "0123"; const b = ["./", "web-0123.js"];"#);
        assert!(super::filled("nothing", "0123", &files).is_err());
    }
}
