//! The lint `compat`: what the page uses and a browser lacks that the page has to work in.
//!
//! What browsers have is read from `@mdn/browser-compat-data`. What the page uses is found in what was built:
//!
//! | read | found | how |
//! |---|---|---|
//! | the module and its glue script, before names are shortened | web APIs that Rust calls | the module's name section tells the interface, the glue's function the member |
//! | the module | extensions of WebAssembly | its section `target_features` |
//! | inline scripts of `index.html`, `sw.js`, `files.js` | globals, members, events, options, late operators | tokens |
//! | the style sheet | at-rules, selectors, properties, words and functions of values, units | tokens |
//! | `index.html`, `html!` in `web/src` | elements, attributes, some of their values, events | tokens |
//! | `web/src` | properties that are looked up by name (`field`, `has_global`), events that are listened to | tokens |
//!
//! A use that an engine lacks fails the lint, unless [`config::ALLOWED`] names the way round. An entry there fails, too, when no use needs
//! it, or when the code that it names is gone.
//!
//! Of a member whose object has an unknown type, all interfaces count that `web/Cargo.toml` enables and that have such a member (in the
//! worker: [`config::WORKER`]); if there is none, the member passes in an engine in which any interface has it.
//!
//! What the lint cannot see:
//! - what the data does not have or has wrong, such as the behaviour of a method that is there, or a bug of one version;
//! - whether a browser that has a feature lets this page use it: some want a secure context, a click or a permission;
//! - names that are computed at run time, elements too, and what a text holds: selectors and media queries in scripts, regular expressions, `style`
//!   attributes, the values of enumerations;
//! - syntax of JavaScript but for a few operators; a global that a script hides by a name of its own is not told from that name;
//! - options that are made in one file for a function that another one calls;
//! - a value that an engine knows in another place only: the words of a shorthand are looked up below the shorthand alone, and
//!   combinations of words not at all; the value of a custom property is only searched for functions and units;
//! - whether a call is reached: all that the glue script has counts as used;
//! - pictures, the manifest, and HTTP headers.

mod config;
mod data;
mod imports;
mod javascript;
mod markup;
mod quoted;
mod style;
mod usage;

use crate::shell::Sink;
use crate::{dist, packages, workspace};
use anyhow::{Context, Result, bail, ensure};
use config::{ALLOWED, Allowed, ENGINES, FILE_WORKER, WORKER, WayRound};
use data::{Data, Engine, Lack};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::Path;
use usage::{Use, Uses};

/// How many places of one finding are named.
const PLACES_SHOWN_MAX: usize = 3;

/// A feature that the page uses and engines lack.
#[derive(Debug)]
struct Finding {
    feature: String,
    /// What is lacking, and in which engines.
    lacks: Vec<(Lack, Vec<&'static str>)>,
    places: BTreeSet<String>,
}

impl Finding {
    fn add(&mut self, lack: Lack, engine: &'static str) {
        match self.lacks.iter_mut().find(|(known, _)| *known == lack) {
            // Two uses may differ in what engines make of them, by their prefixes.
            Some((_, engines)) if engines.contains(&engine) => {}
            Some((_, engines)) => engines.push(engine),
            None => self.lacks.push((lack, vec![engine])),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is lacking", self.feature)?;
        for (lack, engines) in &self.lacks {
            write!(f, ", in {} (there {lack})", engines.join(", "))?;
        }
        let shown: Vec<_> = self.places.iter().take(PLACES_SHOWN_MAX).map(String::as_str).collect();
        write!(f, "; used in {}", shown.join("; "))?;
        match self.places.len().saturating_sub(PLACES_SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// Checks the built page, and writes each finding.
///
/// # Errors
/// If there are findings, or the build or the data cannot be read.
pub(crate) fn check(sink: &Sink) -> Result<String> {
    let built = workspace::target().join("wasm-bindgen/release");
    check_page(workspace::root(), &workspace::dist(), &built, sink)
}

fn check_page(root: &Path, dist: &Path, built: &Path, sink: &Sink) -> Result<String> {
    let data = Data::read(&packages::compat_data()?)?;
    ENGINES.iter().try_for_each(|engine| data.check(engine))?;
    let (uses, unknown) = uses(&data, root, dist, built)?;
    let findings = findings(&data, &uses, &ENGINES);
    let mut wrong = Vec::new();
    for finding in findings.values() {
        match ALLOWED.iter().find(|allowed| allowed.covers(&finding.feature)) {
            Some(allowed) => sink.say(&format!("allowed: {finding}\n    there is a way round: {allowed}"))?,
            None => wrong.push(finding.to_string()),
        }
    }
    let needed = |allowed: &&Allowed| findings.keys().any(|feature| allowed.covers(feature));
    let (_, idle): (Vec<_>, Vec<_>) = ALLOWED.iter().partition(needed);
    wrong.extend(
        idle.iter()
            .map(|allowed| format!("{}: allowed, but used no more, or lacking nowhere", allowed.feature)),
    );
    wrong.extend(unchecked(root, built)?);
    wrong.extend(
        unknown
            .iter()
            .map(|name| format!("{name}: the data on browsers does not know it; used in the style sheet")),
    );
    let counts = counts(&uses);
    sink.say(&counts)?;
    wrong.iter().try_for_each(|line| sink.say(line))?;
    if !wrong.is_empty() {
        let names: Vec<_> = ENGINES.iter().map(|engine| engine.name).collect();
        bail!(
            "{} findings (see the log): the page has to work in {}",
            wrong.len(),
            names.join(", ")
        );
    }
    Ok(counts)
}

/// All uses of the page, and names in its style sheet that the data does not have.
fn uses(data: &Data, root: &Path, dist: &Path, built: &Path) -> Result<(Vec<Use>, BTreeSet<String>)> {
    let manifest = read(&root.join("web/Cargo.toml"))?;
    let enabled = enabled(&manifest);
    ensure!(
        !enabled.is_empty(),
        "web/Cargo.toml enables no interfaces in the form that is known"
    );
    let mut page = Uses::new(data, &enabled);
    imports::scan(
        &dist::read(&built.join("web_bg.wasm"))?,
        &read(&built.join("web.js"))?,
        &mut page,
    )?;
    for file in dist::files(&root.join("web/src"))? {
        let place = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        markup::rust(&read(&file)?, &place, &mut page)?;
    }
    markup::page(&read(&dist.join("index.html"))?, "index.html", &mut page);
    let mut sheets = dist::files(dist)?;
    sheets.retain(|file| file.extension() == Some(OsStr::new("css")));
    ensure!(!sheets.is_empty(), "{} has no style sheet", dist.display());
    let mut unknown = BTreeSet::new();
    for sheet in sheets {
        unknown.extend(style::scan(&read(&sheet)?, &mut page));
    }

    for (place, global, interfaces) in [
        ("sw.js", "ServiceWorkerGlobalScope", &WORKER[..]),
        ("files.js", "DedicatedWorkerGlobalScope", &FILE_WORKER[..]),
    ] {
        let mut worker = Uses::new(data, interfaces);
        let scope = javascript::Scope {
            global,
            arguments: javascript::Arguments::Unknown,
            place,
        };
        javascript::script(&read(&dist.join(place))?, &scope, &mut worker);
        page.found.append(&mut worker.found);
    }
    Ok((page.found, unknown))
}

/// The features of `web-sys` that a manifest enables for the page.
fn enabled(manifest: &str) -> Vec<&str> {
    let section = manifest
        .split("\n[")
        .find(|section| section.starts_with("dependencies.web-sys]"));
    let lines = section.unwrap_or_default().lines();
    lines
        .filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","))
        .collect()
}

/// What engines lack of what is used, by feature.
fn findings(data: &Data, uses: &[Use], engines: &[Engine]) -> BTreeMap<String, Finding> {
    let mut findings = BTreeMap::new();
    for used in uses.iter().filter(|used| !used.has_fallback) {
        for engine in engines {
            let each = used
                .any_of
                .iter()
                .map(|feature| data.lack(feature, &used.names, engine));
            let Some(lack) = each.min().flatten() else {
                continue;
            };
            let feature = used.any_of[0].clone();
            let finding = findings.entry(feature.clone()).or_insert_with(|| Finding {
                feature,
                lacks: Vec::new(),
                places: BTreeSet::new(),
            });
            finding.add(lack, engine.name);
            finding.places.insert(used.place.clone());
        }
    }
    findings
}

impl Allowed {
    fn covers(&self, feature: &str) -> bool {
        let below = feature.strip_prefix(self.feature);
        below.is_some_and(|below| below.is_empty() || below.starts_with('.'))
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        match self.way_round {
            WayRound::Checked { file, .. } => write!(f, " ({file} looks)"),
            WayRound::CheckedInGlue { .. } => write!(f, " (the glue script looks)"),
            WayRound::Enhancement => Ok(()),
        }
    }
}

/// Entries of the allow list whose check is not in the code.
fn unchecked(root: &Path, built: &Path) -> Result<Vec<String>> {
    let mut unchecked = Vec::new();
    for Allowed { feature, way_round, .. } in ALLOWED {
        let (path, code) = match way_round {
            WayRound::Checked { file, code } => (root.join(file), code),
            WayRound::CheckedInGlue { code } => (built.join("web.js"), code),
            WayRound::Enhancement => continue,
        };
        if !read(&path)?.contains(code) {
            unchecked.push(format!(
                "{feature}: allowed because of `{code}`, which is not in {}",
                path.display()
            ));
        }
    }
    Ok(unchecked)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// How many features of each kind are used.
fn counts(uses: &[Use]) -> String {
    let features: BTreeSet<_> = uses.iter().map(|used| used.any_of[0].as_str()).collect();
    let count = |kinds: &[&str]| {
        let is_meant = |feature: &&&str| kinds.contains(&feature.split('.').next().unwrap_or_default());
        features.iter().filter(is_meant).count()
    };
    format!(
        "{} APIs, {} CSS features, {} of HTML and SVG, {} of the language and WebAssembly checked",
        count(&["api"]),
        count(&["css"]),
        count(&["html", "svg"]),
        count(&["javascript", "webassembly"])
    )
}

#[cfg(test)]
mod tests {
    use super::data::tests::{SAFARI, small};
    use super::*;

    #[test]
    fn a_made_up_use_is_a_finding() {
        let data = small();
        let mut uses = Uses::new(&data, &[]);
        let scope = javascript::Scope {
            global: "Window",
            arguments: javascript::Arguments::Unknown,
            place: "a script",
        };
        javascript::script("structuredClone(Promise.try(f))", &scope, &mut uses);
        style::scan(
            ".a{anchor-name:--b;mask:none;-webkit-mask:none}.c{mask:none}",
            &mut uses,
        );
        let findings = findings(&data, &uses.found, &[SAFARI]);
        let lines: Vec<_> = findings.values().map(Finding::to_string).collect();
        assert_eq!(
            lines,
            [
                "css.properties.anchor-name is lacking, in Safari 16.4 (there not before version 26); used in the style sheet, in `.a`",
                "css.properties.mask is lacking, in Safari 16.4 (there not before version 18); used in the style sheet, in `.c`",
                "javascript.builtins.Promise.try_static is lacking, in Safari 16.4 (there not before version 18.2); used in a script",
            ]
        );
        assert_eq!(
            counts(&uses.found),
            "1 APIs, 2 CSS features, 0 of HTML and SVG, 2 of the language and WebAssembly checked"
        );
    }

    #[test]
    fn the_enabled_interfaces_are_those_of_the_page() {
        let manifest = "[dependencies]\na = 1\n\n[dependencies.web-sys]\nfeatures = [\n    # b\n    \"Window\",\n    \"Event\",\n]\n\n[dev-dependencies.web-sys]\nfeatures = [\"NodeList\"]\n";
        assert_eq!(enabled(manifest), ["Window", "Event"]);
    }

    #[test]
    fn an_allowed_feature_covers_what_is_below_it() {
        let [allowed, ..] = ALLOWED else {
            return;
        };
        let feature = allowed.feature;
        assert!(allowed.covers(feature) && allowed.covers(&format!("{feature}.part")));
        assert!(!allowed.covers(&format!("{feature}2")) && !allowed.covers("api"));
    }
}
