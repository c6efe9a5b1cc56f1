//! The script that `wasm-bindgen` generates, made small: Trunk cannot minify it.
//!
//! The file gets a name by its new content, and index.html the new name and hash. So a browser that keeps files by name never
//! has one that does not fit.

use crate::dist;
use crate::shell::{self, Sink};
use anyhow::{Context, Result, bail};
use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha384};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// Minifies the only script in `folder`.
pub(crate) fn minify(folder: &Path, sink: &Sink) -> Result<()> {
    let files = dist::files(folder)?;
    let mut scripts = files.iter().filter(|file| file.extension() == Some(OsStr::new("js")));
    let (Some(script), None) = (scripts.next(), scripts.next()) else {
        bail!("{} should have one script", folder.display());
    };
    let before = fs::read(script).with_context(|| format!("cannot read {}", script.display()))?;
    let mut esbuild = shell::program("esbuild");
    esbuild
        .arg(script)
        .args(["--minify", "--format=esm", "--allow-overwrite"])
        .arg(format!("--outfile={}", script.display()));
    sink.run(&mut esbuild)?;
    let after = fs::read(script).with_context(|| format!("cannot read {}", script.display()))?;

    let old_name = script
        .file_name()
        .and_then(OsStr::to_str)
        .context("the script's name is no text")?;
    let stem = old_name.split_once('-').map_or(old_name, |(stem, _)| stem);
    let new_name = format!("{stem}-{}.js", &HEXLOWER.encode(&Sha384::digest(&after))[..16]);
    fs::rename(script, script.with_file_name(&new_name))?;

    let page = folder.join("index.html");
    let html = fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    if !html.contains(&integrity(&before)) {
        bail!("index.html does not have the script's hash: Trunk writes it otherwise than before");
    }
    let html = html.replace(&integrity(&before), &integrity(&after));
    fs::write(&page, html.replace(old_name, &new_name))?;
    Ok(())
}

/// As browsers compare it (Subresource Integrity).
fn integrity(content: &[u8]) -> String {
    format!("sha384-{}", BASE64.encode(&Sha384::digest(content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrity_is_the_hash_that_browsers_compare() {
        // The example of the specification, section 3.1.
        assert_eq!(
            integrity(b"alert('Hello, world.');"),
            "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO"
        );
    }
}
