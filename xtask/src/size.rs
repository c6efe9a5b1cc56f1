//! The size budgets: the download until one can talk, and what comes later.
//!
//! Counted is everything in `dist/` as a browser that takes brotli gets it, without HTTP headers. The first load is all of it but the later part
//! of the module ([`split`](crate::split)) and the list of emoji, which nobody waits for: an upper bound, for a visit does not need all of these files.
//! What comes later has a budget of its own, so nothing can slip past by being loaded later.

mod wasm;

use crate::script::LATER_ENDING;
use crate::shell::{self, Sink};
use crate::{dist, workspace};
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// The budget of a first visit, in bytes. The whole app was 250 KB while a room was a full mesh, and came to 428 KB with everything that was asked of it
/// since; then what is neither shown first nor needed to join and talk went into the later part.
pub(crate) const BUDGET_BYTES: u64 = 364_000;

/// The budget of the later part, in bytes.
const LATER_BUDGET_BYTES: u64 = 130_000;

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

impl File {
    /// Whether nobody waits for it: the later part, and the list of emoji, which is asked for by those who choose from it.
    fn is_later(&self) -> bool {
        self.name.ends_with(LATER_ENDING) || self.name == "emoji.txt"
    }
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
    if files.is_empty() {
        bail!("dist is empty: run `cargo xtask build`");
    }
    verdict(&files)
}

/// Both parts against their budgets, and together.
fn verdict(files: &[File]) -> Result<String> {
    let sent = |is_later| -> u64 {
        let part = files.iter().filter(|file| file.is_later() == is_later);
        part.map(|file| file.sent_bytes).sum()
    };
    let (first, later) = (sent(false), sent(true));
    let verdict = format!(
        "first load {} of {} KB brotli, later {} of {} KB, together {}",
        kilobytes(first),
        kilobytes(BUDGET_BYTES),
        kilobytes(later),
        kilobytes(LATER_BUDGET_BYTES),
        kilobytes(first + later)
    );
    for (bytes, budget) in [(first, BUDGET_BYTES), (later, LATER_BUDGET_BYTES)] {
        if bytes > budget {
            bail!("{verdict}: {} bytes too many", bytes - budget);
        }
    }
    if later == 0 {
        bail!("{verdict}: there is no later part");
    }
    Ok(verdict)
}

/// Which files a row counts.
type IsCounted = fn(&File) -> bool;

/// The files with their sizes and the share each has in the first load.
pub(crate) fn table(files: &[File]) -> String {
    let width = files.iter().map(|file| file.name.len()).chain([10]).max().unwrap_or(10);
    let mut text = format!(
        "{:<width$}  {:>10}  {:>10}  {:>10}  {:>6}\n",
        "file", "bytes", "gzip", "brotli", "share"
    );
    let sum = |is_counted: fn(&File) -> bool, bytes: fn(&File) -> u64| {
        let counted = files.iter().filter(|file| is_counted(file));
        counted.map(bytes).sum::<u64>()
    };
    let sent = sum(|_| true, |file| file.sent_bytes);
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
    let parts: [(&str, IsCounted); 3] = [
        ("first load", |file| !file.is_later()),
        ("later", File::is_later),
        ("together", |_| true),
    ];
    for (name, is_counted) in parts {
        let [plain, gzip, brotli]: [fn(&File) -> u64; 3] =
            [|file| file.plain_bytes, |file| file.gzip_bytes, |file| file.sent_bytes];
        row(
            name,
            sum(is_counted, plain),
            sum(is_counted, gzip),
            sum(is_counted, brotli),
        );
    }
    let _ = write!(
        text,
        "budgets: {BUDGET_BYTES} bytes brotli first ({} used), {LATER_BUDGET_BYTES} later ({} used)",
        share(sum(|file| !file.is_later(), |file| file.sent_bytes), BUDGET_BYTES),
        share(sum(File::is_later, |file| file.sent_bytes), LATER_BUDGET_BYTES)
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
        let files = [
            file("web_bg.wasm", 900, 300, 330),
            file("index.html", 100, 100, 70),
            file("web-0123_later.wasm", 50, 10, 12),
        ];
        let text = table(&files);
        let row = |line| -> Vec<_> { text.lines().nth(line).unwrap().split_whitespace().collect() };
        assert_eq!(row(4), ["first", "load", "1000", "400", "400", "97.5", "%"]);
        assert_eq!(row(5), ["later", "50", "12", "10", "2.4", "%"]);
        assert_eq!(row(6), ["together", "1050", "412", "410", "100.0", "%"]);
        assert!(text.contains(&format!(
            "{BUDGET_BYTES} bytes brotli first ({} used)",
            share(400, BUDGET_BYTES)
        )));
        assert!(verdict(&files).is_ok());
        assert!(verdict(&files[..2]).is_err(), "without a later part");
        let mut large = files;
        large[2].sent_bytes = LATER_BUDGET_BYTES + 1;
        assert!(verdict(&large).is_err());
    }
}
