//! The size budget: the download of a first visit.
//!
//! Counted is everything in `dist/` as a browser that takes brotli gets it, without HTTP headers. The sum is an upper bound:
//! a file that a visit does not need counts too, so nothing can slip past the budget by being loaded later.

mod wasm;

use crate::shell::{self, Sink};
use crate::{dist, workspace};
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// The budget of a first visit, in bytes. The budget was 250 KB while a room was a full mesh; the mesh itself, its map and
/// the ways in by hand cost 55 KB more, which no economy found so far makes up for, what a room remembers and exports 23 KB, that it forgets and lists people as
/// it should 2 KB, and that files are shown, listed, measured and kept by a worker 6 KB.
/// That folders are packed, sounds, videos and texts shown, pictures measured, and files carried for others costs 13 KB more,
/// what is kept and vanishes 9 KB, what defends a room 4 KB, and marks, retries and reasons 3 KB. That identities are taken along, exports brought back, logs compared
/// by ranges and long histories read in parts costs 14 KB, that addresses can be hidden 2 KB. That functions stand beside those that they resemble won 10 KB back, and that wasm-opt flattens first 1 KB.
/// That each way to a relay is tried alone, and that a tab finds out whether it is still itself, costs 3 KB. A standard library of its own, and panics without words, won 29 KB back; that messages are answered, changed and marked costs 15 KB.
pub(crate) const BUDGET_BYTES: u64 = 432_000;

/// How many crates of the WebAssembly module the report names.
const CRATES_SHOWN_MAX: usize = 16;

/// One file of the app.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// Relative to `dist/`.
    name: String,
    plain_bytes: u64,
    /// As sent: the brotli sibling, or the file itself where there is none.
    sent_bytes: u64,
    gzip_bytes: u64,
}

/// Measures the app in `folder`.
pub(crate) fn measure(folder: &Path) -> Result<Vec<File>> {
    let length = |path: &Path| fs::metadata(path).map(|file| file.len());
    let mut measured = Vec::new();
    for path in dist::files(folder).context("the app is not built: run `cargo xtask build`")? {
        if matches!(path.extension().and_then(OsStr::to_str), Some("br" | "gz")) {
            continue;
        }
        let plain_bytes = length(&path)?;
        measured.push(File {
            name: path.strip_prefix(folder).unwrap_or(&path).display().to_string(),
            plain_bytes,
            sent_bytes: length(&dist::sibling(&path, "br")).unwrap_or(plain_bytes),
            gzip_bytes: length(&dist::sibling(&path, "gz")).unwrap_or(plain_bytes),
        });
    }
    measured.sort_by(|a, b| b.sent_bytes.cmp(&a.sent_bytes).then_with(|| a.name.cmp(&b.name)));
    Ok(measured)
}

/// Writes the whole report, then holds the total against the budget.
///
/// # Errors
/// When the app is not built or passes the budget.
pub(crate) fn check(sink: &Sink) -> Result<String> {
    let files = measure(&workspace::dist())?;
    sink.say(&table(&files))?;
    sink.say(&match crates(sink) {
        Ok(text) => text,
        // The breakdown helps to find what has grown; the budget holds without it.
        Err(error) => format!("no breakdown by crate: {error:#}"),
    })?;
    let sent: u64 = files.iter().map(|file| file.sent_bytes).sum();
    let verdict = format!(
        "first load {} of {} KB brotli",
        kilobytes(sent),
        kilobytes(BUDGET_BYTES)
    );
    if files.is_empty() {
        bail!("dist is empty: run `cargo xtask build`");
    }
    if sent > BUDGET_BYTES {
        bail!("{verdict}: {} bytes too many", sent - BUDGET_BYTES);
    }
    Ok(verdict)
}

/// The files with their sizes and the share each has in the first load.
pub(crate) fn table(files: &[File]) -> String {
    let width = files.iter().map(|file| file.name.len()).chain([10]).max().unwrap_or(10);
    let mut text = format!(
        "{:<width$}  {:>10}  {:>10}  {:>10}  {:>6}\n",
        "file", "bytes", "gzip", "brotli", "share"
    );
    let sum = |bytes: fn(&File) -> u64| files.iter().map(bytes).sum::<u64>();
    let sent = sum(|file| file.sent_bytes);
    let mut row = |name: &str, plain: u64, gzip: u64, brotli: u64| {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{name:<width$}  {plain:>10}  {gzip:>10}  {brotli:>10}  {:>6}",
            share(brotli, sent)
        );
    };
    for file in files {
        row(&file.name, file.plain_bytes, file.gzip_bytes, file.sent_bytes);
    }
    row(
        "first load",
        sum(|file| file.plain_bytes),
        sum(|file| file.gzip_bytes),
        sent,
    );
    let _ = write!(
        text,
        "budget: {BUDGET_BYTES} bytes brotli ({} used)",
        share(sent, BUDGET_BYTES)
    );
    text
}

/// The parts of the WebAssembly module.
///
/// The module that is served has no names left. The one that `wasm-bindgen` wrote before still has them, so it is
/// optimised once more, with names kept, and its functions are added up by the crate that their name begins with.
/// A generic function counts for the crate that defines it, and inlined code for the function that took it in.
fn crates(sink: &Sink) -> Result<String> {
    let named = workspace::target().join("wasm-bindgen/release/web_bg.wasm");
    // Beside its source, which is there in any case.
    let optimised = named.with_file_name("web-named.wasm");
    let mut wasm_opt = shell::program("wasm-opt");
    wasm_opt
        .args(["-Oz", "--debuginfo", "--output"])
        .arg(&optimised)
        .arg(&named);
    sink.run(&mut wasm_opt)?;
    let bytes = dist::read(&optimised)?;
    let parts = wasm::breakdown(&bytes).context("the module cannot be read")?;
    let total: u64 = parts.sections.iter().map(|(_, bytes)| bytes).sum();
    let mut text = String::from("\nthe WebAssembly module by section (bytes before compression; names left out)\n");
    for (name, bytes) in &parts.sections {
        let _ = writeln!(text, "{name:<24}  {bytes:>10}  {:>6}", share(*bytes, total));
    }
    text.push_str("\nits code by crate\n");
    let code: u64 = parts.crates.iter().map(|(_, bytes)| bytes).sum();
    for (name, bytes) in parts.crates.iter().take(CRATES_SHOWN_MAX) {
        let _ = writeln!(text, "{name:<24}  {bytes:>10}  {:>6}", share(*bytes, code));
    }
    let rest: u64 = parts.crates.iter().skip(CRATES_SHOWN_MAX).map(|(_, bytes)| bytes).sum();
    if rest > 0 {
        let _ = writeln!(text, "{:<24}  {rest:>10}  {:>6}", "(smaller ones)", share(rest, code));
    }
    Ok(text)
}

fn kilobytes(bytes: u64) -> String {
    format!("{}.{}", bytes / 1000, bytes % 1000 / 100)
}

fn share(part: u64, whole: u64) -> String {
    let permille = (part * 1000).checked_div(whole).unwrap_or(0);
    format!("{}.{} %", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_adds_up() {
        let file = |name: &str, plain, sent, gzip| File {
            name: name.into(),
            plain_bytes: plain,
            sent_bytes: sent,
            gzip_bytes: gzip,
        };
        let text = table(&[file("web_bg.wasm", 900, 300, 330), file("index.html", 100, 100, 70)]);
        let last: Vec<&str> = text.lines().nth(3).unwrap().split_whitespace().collect();
        assert_eq!(last, ["first", "load", "1000", "400", "400", "100.0", "%"]);
        let budget = format!(
            "budget: {BUDGET_BYTES} bytes brotli ({} used)",
            share(400, BUDGET_BYTES)
        );
        assert!(text.ends_with(&budget), "{text}");
    }
}
