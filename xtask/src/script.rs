//! What `wasm-bindgen` generates, made small: the script, which Trunk cannot minify, the names by which the module imports
//! from it, which carry a hash each and do not compress, the files of libraries that a panic would name, and the order of its functions
//! ([`likeness`]).
//!
//! Both files get names by their new content, and index.html the new names and hashes. So a browser that keeps files by name
//! never has one that does not fit.

mod likeness;

use crate::dist;
use crate::sections;
use crate::shell::{self, Sink};
use crate::split::{self, FIRST, TABLE_BASE};
use anyhow::{Context, Result, bail, ensure};
use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha384};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::OsStr;
use std::fs;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{ImportSection, Module};

/// Makes the only script and the only module in `folder` small, and takes what comes later out of the module. `linked` is what the linker
/// made.
pub(crate) fn minify(folder: &Path, linked: &Path, sink: &Sink) -> Result<()> {
    let (script, module) = (only(folder, "js")?, only(folder, "wasm")?);
    let page = folder.join("index.html");
    let mut html = fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    let before = [dist::read(&script)?, dist::read(&module)?];

    let (mut small_module, names) = with_short_imports(&before[1])?;
    let blanked = blank_library_paths(&mut small_module);
    blank_library_places(&mut small_module, &blanked)?;
    let parts = split::split(&dist::read(linked)?, &small_module)?;
    fs::write(&module, likeness::arrange(&parts.first)?)?;
    let later = likeness::arrange(&parts.later)?;
    let old_name = module.file_name().and_then(OsStr::to_str);
    let later_name = old_name.and_then(|name| name_of(&name.replace("_bg.wasm", LATER_ENDING), &later));
    let later_name = later_name.context("Trunk names files otherwise than before")?;
    fs::write(folder.join(&later_name), &later)?;
    let text = std::str::from_utf8(&before[0]).context("the script is no text")?;
    let text = renamed(text, &names)? + &loader(text, &parts.table, (&later_name, &later))?;
    fs::write(&script, text)?;
    squeeze(&script, &["--format=esm"], sink)?;
    let squeezed = fs::read_to_string(&script)?;
    ensure!(
        !squeezed.contains(&TABLE_BASE.to_string()[..5]),
        "the script names a slot of the table, which has another number now"
    );

    for (file, before) in [script, module].iter().zip(before) {
        let after = dist::read(file)?;
        ensure!(
            html.contains(&integrity(&before)),
            "index.html does not have the hash of {}: Trunk writes it otherwise than before",
            file.display()
        );
        let old_name = file.file_name().and_then(OsStr::to_str);
        let old_name = old_name.context("a file's name is no text")?;
        let new_name = name_of(old_name, &after).context("Trunk names files otherwise than before")?;
        fs::rename(file, file.with_file_name(&new_name))?;
        html = html.replace(&integrity(&before), &integrity(&after));
        html = html.replace(old_name, &new_name);
    }
    fs::write(&page, html)?;
    Ok(())
}

/// What brings the later part ([`split`]) when the app asks for it; what is asked for again after it could not be had is tried again.
fn loader(script: &str, table: &str, (name, later): (&str, &[u8])) -> Result<String> {
    let integrity = integrity(later);
    // Written by `wasm-bindgen`: what a module is given, and the exports of the first one.
    for needed in ["function __wbg_get_imports(", "wasm = instance.exports;"] {
        ensure!(
            script.contains(needed),
            "the script has no `{needed}`: `wasm-bindgen` writes it otherwise"
        );
    }
    Ok(format!(
        r#"
let later;
globalThis.{LOADER} = () => later ??= (async () => {{
  const response = await fetch(new URL("{name}", import.meta.url), {{ integrity: "{integrity}" }});
  const module = await WebAssembly.compile(await response.arrayBuffer());
  const {FIRST} = {{ ...wasm }};
  for (const {{ module: from, name, kind }} of WebAssembly.Module.imports(module))
    if (from === "{FIRST}" && kind === "function") {FIRST}[name] = wasm[{table:?}].get(+name);
  await WebAssembly.instantiate(module, {{ ...__wbg_get_imports(), {FIRST} }});
}})().catch((error) => {{
  later = undefined;
  throw error;
}});
"#
    ))
}

/// What the name of the later part ends with.
pub(crate) const LATER_ENDING: &str = "_later.wasm";

/// The global function by which the app asks for its later part: see `web/src/later.rs`.
const LOADER: &str = "starlingLater";

/// Minifies a script in place.
pub(crate) fn squeeze(script: &Path, flags: &[&str], sink: &Sink) -> Result<()> {
    let mut esbuild = shell::program("esbuild");
    esbuild
        .arg(script)
        .args(["--minify", "--allow-overwrite"])
        .args(flags)
        .arg(format!("--outfile={}", script.display()));
    sink.run(&mut esbuild)
}

fn only(folder: &Path, extension: &str) -> Result<PathBuf> {
    let mut files = dist::files(folder)?;
    files.retain(|file| file.extension() == Some(OsStr::new(extension)));
    match <[PathBuf; 1]>::try_from(files) {
        Ok([file]) => Ok(file),
        Err(files) => bail!("{} should have one .{extension}, not {}", folder.display(), files.len()),
    }
}

/// `web-OLDHASH_bg.wasm` with the hash of this content.
fn name_of(old: &str, content: &[u8]) -> Option<String> {
    let (stem, rest) = old.split_once('-')?;
    let end = rest.find(|letter: char| !letter.is_ascii_hexdigit())?;
    Some(format!(
        "{stem}-{}{}",
        &HEXLOWER.encode(&Sha384::digest(content))[..16],
        &rest[end..]
    ))
}

/// Gives each import a short name.
#[derive(Default)]
struct Shortener(BTreeMap<String, String>);

impl Reencode for Shortener {
    type Error = Infallible;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        // In base 36, behind a letter: an identifier of JavaScript, and no word of its.
        let digit = |digit: usize| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[digit % 36]);
        for import in section.into_imports() {
            let import = import?;
            let next = self.0.len();
            let short = String::from_iter(['$', digit(next / 36), digit(next)]);
            let what = self.entity_type(import.ty)?;
            let name = self.0.entry(import.name.to_owned()).or_insert(short);
            imports.import(import.module, name, what);
        }
        Ok(())
    }
}

/// The module with short names for its imports, and which name each had.
fn with_short_imports(module: &[u8]) -> Result<(Vec<u8>, BTreeMap<String, String>)> {
    let mut shortener = Shortener::default();
    let mut short = Module::new();
    shortener
        .parse_core_module(&mut short, wasmparser::Parser::new(0), module)
        .map_err(|error| anyhow::anyhow!("the module cannot be read: {error:?}"))?;
    Ok((short.finish(), shortener.0))
}

/// Blanks the paths of files that are not ours, such as `/rustc/HASH/library/core/src/fmt.rs` and the part of `yew-0.23.0/src/html.rs`
/// after the name: where a panic in there came from is in its stack. Nothing moves. Gives where the blanks are.
fn blank_library_paths(module: &mut [u8]) -> Vec<Range<usize>> {
    const END: &[u8] = b".rs";
    const PATH_MAX: usize = 120;
    let is_path = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    let (mut at, mut blanked) = (0, Vec::new());
    while let Some(found) = module[at..].windows(END.len()).position(|bytes| bytes == END) {
        let end = at + found + END.len();
        let first = at.max(end.saturating_sub(PATH_MAX));
        // Paths stand one behind the other, and behind words: only what is a path for sure is taken for one.
        let path = &module[first..end];
        let from = path
            .iter()
            .rposition(|byte| !is_path(byte))
            .map_or(0, |other| other + 1);
        if let Some(start) = library_path(&path[from..]) {
            let blank = first + from + start..end;
            module[blank.clone()].fill(b' ');
            blanked.push(blank);
        }
        at = end;
    }
    blanked
}

/// Makes one of all places in a library at which a panic could happen: a line and a column say nothing without the file. `blanked`: where
/// the paths of libraries were.
fn blank_library_places(module: &mut [u8], blanked: &[Range<usize>]) -> Result<()> {
    let segments = data_segments(module)?;
    // As rustc lays out a `core::panic::Location`: the address of the path, its length, line and column.
    const WORD: usize = size_of::<u32>();
    // What only looks like a place, such as a path in a list of texts, is followed by an address, which is higher, or by nothing.
    const LINES: RangeInclusive<usize> = 1..=65_535;
    const COLUMNS: RangeInclusive<usize> = 1..=1_000;
    let mut firsts = BTreeMap::<Vec<u8>, [u8; 2 * WORD]>::new();
    let mut found = 0;
    for Segment { address, bytes } in &segments {
        let mut at = bytes.start + address.next_multiple_of(WORD) - address;
        while at + 4 * WORD <= bytes.end {
            let word = |place: usize| {
                let start = at + place * WORD;
                let word = module[start..start + WORD].try_into().map(u32::from_le_bytes);
                word.ok().and_then(|word| usize::try_from(word).ok())
            };
            let path = word(0)
                .zip(word(1))
                .and_then(|(path, length)| bytes_at(&segments, path, length));
            let path = path.filter(|path| {
                let blank = blanked.iter().find(|blank| blank.end == path.end);
                blank.is_some_and(|blank| path.start <= blank.start)
            });
            let is_of_file = word(2).is_some_and(|line| LINES.contains(&line))
                && word(3).is_some_and(|column| COLUMNS.contains(&column));
            let Some(path) = path.filter(|_| is_of_file) else {
                at += WORD;
                continue;
            };
            let mut place = [0; 2 * WORD];
            place.copy_from_slice(&module[at..at + 2 * WORD]);
            // What is left of the path: the name of the library, if it is not the standard one.
            let first = *firsts.entry(module[path].trim_ascii_end().to_owned()).or_insert(place);
            module[at..at + 2 * WORD].copy_from_slice(&first);
            module[at + 2 * WORD..at + 4 * WORD].fill(0);
            (at, found) = (at + 4 * WORD, found + 1);
        }
    }
    ensure!(
        found > 0 || blanked.is_empty(),
        "no place of a library is in the module: rustc writes them otherwise than before"
    );
    Ok(())
}

/// A part of the memory that the module begins with.
struct Segment {
    /// In memory.
    address: usize,
    /// In the module.
    bytes: Range<usize>,
}

fn data_segments(bytes: &[u8]) -> Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(bytes) {
        let wasmparser::Payload::DataSection(section) = payload? else {
            continue;
        };
        for (address, bytes, start) in sections::segments(section)? {
            let start = usize::try_from(start)?;
            segments.push(Segment {
                address: usize::try_from(address)?,
                bytes: start..start + bytes.len(),
            });
        }
    }
    Ok(segments)
}

/// Where in the module so many bytes of memory are.
fn bytes_at(segments: &[Segment], address: usize, length: usize) -> Option<Range<usize>> {
    segments.iter().find_map(|segment| {
        let start = segment.bytes.start + address.checked_sub(segment.address)?;
        let end = start.checked_add(length)?;
        (end <= segment.bytes.end).then_some(start..end)
    })
}

/// Where the path of a library begins in the end of this text, if it is one.
fn library_path(text: &[u8]) -> Option<usize> {
    const STANDARD: &[u8] = b"/rustc/";
    const SOURCES: &[u8] = b"/src/";
    if let Some(start) = text.windows(STANDARD.len()).position(|bytes| bytes == STANDARD) {
        return Some(start);
    }
    let sources = text.windows(SOURCES.len()).position(|bytes| bytes == SOURCES)?;
    let start = text[..sources].iter().rposition(|byte| *byte == b'-')?;
    let is_version = |version: &[u8]| version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    is_version(&text[start + 1..sources]).then_some(start)
}

/// The script with the new names. Each has to be in it once: as the name of what is handed to the module.
fn renamed(script: &str, names: &BTreeMap<String, String>) -> Result<String> {
    let mut text = String::with_capacity(script.len());
    let mut found = 0;
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
    let mut rest = script;
    while let Some(start) = rest.find(is_part) {
        let (before, word) = rest.split_at(start);
        let (word, after) = word.split_at(word.find(|letter| !is_part(letter)).unwrap_or(word.len()));
        found += usize::from(names.contains_key(word));
        text += before;
        text += names.get(word).map_or(word, String::as_str);
        rest = after;
    }
    text += rest;
    ensure!(
        found == names.len(),
        "of {} imports the script names {found}: wasm-bindgen writes it otherwise than before",
        names.len()
    );
    Ok(text)
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

    #[test]
    fn paths_of_libraries_are_blanked_and_nothing_else() {
        let hash = "5".repeat(40);
        let text = format!(
            "unreachableyew-0.23.0/src/html.rs/rustc/{hash}/library/core/src/fmt/mod.rs no.rs mesh/src/room-2.rs\0x-y/src/a.rsweb/src/js.rs"
        );
        let blank = |length| " ".repeat(length);
        let expected = format!(
            "unreachableyew{}{} no.rs mesh/src/room-2.rs\0x-y/src/a.rsweb/src/js.rs",
            blank("-0.23.0/src/html.rs".len()),
            blank(format!("/rustc/{hash}/library/core/src/fmt/mod.rs").len()),
        );
        let mut bytes = text.into_bytes();
        blank_library_paths(&mut bytes);
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn places_in_libraries_are_one_a_library_and_ours_stay() {
        let paths = ["yew-0.23.0/src/a.rs", "yew-0.23.0/src/bc.rs", "web/src/room.rs"];
        let place = |path: usize, line: u32| {
            let before: usize = paths[..path].iter().map(|path| path.len()).sum();
            let words = [1_048_576 + before, paths[path].len()].map(|word| u32::try_from(word).unwrap());
            [words[0], words[1], line, 7].map(u32::to_le_bytes).concat()
        };
        let module = |places: &[Vec<u8>]| {
            let mut data = wasm_encoder::DataSection::new();
            data.active(
                0,
                &wasm_encoder::ConstExpr::i32_const(1_048_576),
                paths.concat().into_bytes(),
            );
            // Not at the beginning of a word.
            data.active(
                0,
                &wasm_encoder::ConstExpr::i32_const(1_049_598),
                [vec![0; 2], places.concat()].concat(),
            );
            let mut module = Module::new();
            module.section(&data);
            module.finish()
        };
        // A list of two texts.
        let text = |path| place(path, 0)[..8].to_vec();
        let list = [text(0), text(1)].concat();
        let mut bytes = module(&[place(1, 5), place(2, 6), place(0, 7), list.clone()]);
        let blanked = blank_library_paths(&mut bytes);
        blank_library_places(&mut bytes, &blanked).unwrap();
        let nowhere = |path| [&place(path, 0)[..12], &[0; 4]].concat();
        let mut expected = module(&[nowhere(1), place(2, 6), nowhere(1), list]);
        blank_library_paths(&mut expected);
        assert_eq!(bytes, expected);
        assert!(blank_library_places(&mut module(&[place(2, 6)]), &blanked).is_err());
    }

    #[test]
    fn imports_get_short_names_in_module_and_script() {
        let mut imports = ImportSection::new();
        for name in ["__wbg_log_0123", "__wbg_log_0123_more"] {
            imports.import("./web_bg.js", name, wasm_encoder::EntityType::Function(0));
        }
        let mut types = wasm_encoder::TypeSection::new();
        types.ty().function([], []);
        let mut module = Module::new();
        module.section(&types).section(&imports);
        let module = module.finish();

        let (short, names) = with_short_imports(&module).unwrap();
        assert!(short.len() < module.len());
        assert!(short.windows(3).any(|part| part == b"$00") && short.windows(3).any(|part| part == b"$01"));
        let script = "({ __wbg_log_0123: f, __wbg_log_0123_more(x) { '__wbg_log' } })";
        assert_eq!(renamed(script, &names).unwrap(), "({ $00: f, $01(x) { '__wbg_log' } })");
        assert!(renamed("({ __wbg_log_0123: f })", &names).is_err());
        assert!(with_short_imports(b"<html>").is_err());
    }

    #[test]
    fn a_name_has_the_hash_of_its_content() {
        let name = name_of("web-182327630b0d68fc_bg.wasm", b"alert('Hello, world.');").unwrap();
        assert_eq!(name, "web-1fc05187c8f8f0ef_bg.wasm");
        assert_eq!(name_of("web.js", b""), None);
    }
}
