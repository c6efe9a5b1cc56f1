//! The files of the built app: which there are, and their compressed copies.

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Extensions of files that shrink when compressed.
const COMPRESSIBLE: [&str; 10] = [
    "css",
    "html",
    "ico",
    "js",
    "json",
    "mjs",
    "svg",
    "txt",
    "wasm",
    "webmanifest",
];

/// What is in a file.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Writes the compressed siblings of all files below `folder`.
pub(crate) fn compress(folder: &Path) -> Result<()> {
    for file in files(folder)? {
        if !file
            .extension()
            .and_then(OsStr::to_str)
            .is_some_and(|extension| COMPRESSIBLE.contains(&extension))
        {
            continue;
        }
        let plain = read(&file)?;
        for (extension, packed) in [("br", brotli(&plain)?), ("gz", gzip(&plain)?)] {
            let sibling = sibling(&file, extension);
            if packed.len() < plain.len() {
                File::create(&sibling)?.write_all(&packed)?;
            } else if sibling.exists() {
                fs::remove_file(&sibling)?;
            }
        }
    }
    Ok(())
}

/// `file` with a further extension.
pub(crate) fn sibling(file: &Path, extension: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// All files below `folder` but hidden ones, in a stable order.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        // Trunk prepares the next build in a hidden folder, and leaves it there when that fails.
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn brotli(plain: &[u8]) -> Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        // A window as large as the format allows in HTTP: everything fits in.
        lgwin: 24,
        size_hint: plain.len(),
        ..Default::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*plain, &mut packed, &parameters)?;
    Ok(packed)
}

fn gzip(plain: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_can_be_undone() {
        let plain = b"a flock of starlings is a murmuration ".repeat(50);
        let mut from_brotli = Vec::new();
        brotli::BrotliDecompress(&mut &*brotli(&plain).unwrap(), &mut from_brotli).unwrap();
        assert_eq!(from_brotli, plain);
        let mut from_gzip = Vec::new();
        flate2::write::GzDecoder::new(&mut from_gzip)
            .write_all(&gzip(&plain).unwrap())
            .unwrap();
        assert_eq!(from_gzip, plain);
    }

    #[test]
    fn a_sibling_keeps_the_whole_name() {
        assert_eq!(
            sibling(Path::new("dist/web-0123_bg.wasm"), "br"),
            Path::new("dist/web-0123_bg.wasm.br")
        );
    }
}
