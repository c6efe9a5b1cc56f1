//! The data on what browsers can do: finds a feature, and says whether an engine has it.
//!
//! The data is `@mdn/browser-compat-data`. A feature is named by its path there, `css.properties.text-wrap.balance`. Its support by a
//! browser is one statement or several: since which version, until which, behind a prefix, behind a flag, only in part.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

/// A browser in the oldest version that the page has to work in.
#[derive(Debug)]
pub(super) struct Engine {
    /// For a person.
    pub(super) name: &'static str,
    /// The browser's key in the data.
    pub(super) browser: &'static str,
    /// As the data writes it.
    pub(super) version: &'static str,
}

/// How an engine falls short of a feature.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lack {
    /// The engine has the feature, but not all of it. The data says what is missing.
    Partly { notes: String },
    /// The engine's first version with the feature is a later one.
    Later { version: String },
    /// The person would have to turn the feature on.
    Flag,
    /// No version of the engine has the feature.
    Never,
    /// An older version of the engine had the feature.
    Removed { version: String },
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partly { notes } => write!(f, "only in part: {notes}"),
            Self::Later { version } => write!(f, "not before version {version}"),
            Self::Flag => f.write_str("only behind a flag"),
            Self::Never => f.write_str("in no version"),
            Self::Removed { version } => write!(f, "not since version {version}"),
        }
    }
}

/// The data, and its interfaces by name.
#[derive(Debug)]
pub(super) struct Data {
    root: Value,
    /// `RTCPeerConnection` by `rtcpeerconnection`: `web-sys` writes names otherwise.
    interfaces: BTreeMap<String, String>,
}

impl Data {
    /// Reads the package's file.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::new(serde_json::from_slice(&text).context("the data on browsers is no JSON")?)
    }

    fn new(root: Value) -> Result<Self> {
        let api = root.get("api").and_then(Value::as_object);
        let names = api.context("the data on browsers has no web APIs")?.keys();
        // Lower-case keys are globals, `performance` beside `Performance`.
        let interfaces = names.filter(|name| name.starts_with(|first: char| first.is_ascii_uppercase()));
        let interfaces = interfaces.map(|name| (name.to_lowercase(), name.clone())).collect();
        Ok(Self { root, interfaces })
    }

    /// Fails if the data does not know the engine's version.
    pub(super) fn check(&self, engine: &Engine) -> Result<()> {
        let Engine { browser, version, .. } = engine;
        let known = &self.root["browsers"][browser]["releases"][version];
        ensure!(known.is_object(), "the data does not know {browser} {version}");
        Ok(())
    }

    /// The path of a feature, if the data has it.
    pub(super) fn find(&self, path: &[&str]) -> Option<String> {
        let node = path.iter().try_fold(&self.root, |node, key| node.get(key))?;
        node.get("__compat")?;
        Some(path.join("."))
    }

    /// The interface of that name, whatever the case of its letters.
    pub(super) fn interface(&self, name: &str) -> Option<&str> {
        self.interfaces.get(&name.to_lowercase()).map(String::as_str)
    }

    /// All interfaces, those of the language too.
    pub(super) fn interfaces(&self) -> impl Iterator<Item = &str> {
        let builtins = self.root["javascript"]["builtins"].as_object();
        let builtins = builtins.into_iter().flat_map(|builtins| builtins.keys());
        self.interfaces.values().chain(builtins).map(String::as_str)
    }

    /// The keys right below a path.
    pub(super) fn keys(&self, path: &str) -> impl Iterator<Item = &str> {
        let node = self.node(path).and_then(Value::as_object);
        let keys = node.into_iter().flat_map(|node| node.keys());
        keys.map(String::as_str).filter(|key| *key != "__compat")
    }

    /// How `engine` falls short of the feature; `None` if it has the feature.
    ///
    /// `names` are the names under which the feature is used, such as `-webkit-mask`; none means its own name.
    ///
    /// # Panics
    /// If the data does not have the feature: paths come from [`find`](Self::find).
    pub(super) fn lack(&self, feature: &str, names: &[String], engine: &Engine) -> Option<Lack> {
        let node = self
            .node(feature)
            .expect("invariant: only features of the data are used");
        let support = &node["__compat"]["support"][engine.browser];
        let statements = support.as_array().map_or(std::slice::from_ref(support), Vec::as_slice);
        let own = feature.rsplit('.').next().unwrap_or(feature);
        let is_meant = |statement: &&Value| {
            let text = |key: &str| statement[key].as_str();
            let name = match (text("alternative_name"), text("prefix")) {
                (Some(name), _) => name.to_owned(),
                (None, Some(prefix)) => format!("{prefix}{own}"),
                (None, None) => own.to_owned(),
            };
            names.contains(&name) || (names.is_empty() && name == own)
        };
        let each = statements
            .iter()
            .filter(is_meant)
            .map(|statement| judge(statement, engine));
        // The least lack counts, and none is less than any.
        each.min().unwrap_or(Some(Lack::Never))
    }

    fn node(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.root, |node, key| node.get(key))
    }
}

/// What one statement says of an engine.
fn judge(statement: &Value, engine: &Engine) -> Option<Lack> {
    let is_past = |version: &str| numbers(version) <= numbers(engine.version);
    let Some(added) = statement["version_added"].as_str().filter(|added| *added != "preview") else {
        return Some(Lack::Never);
    };
    if statement["flags"].as_array().is_some_and(|flags| !flags.is_empty()) {
        return Some(Lack::Flag);
    }
    if !is_past(added) {
        let version = added.to_owned();
        return Some(Lack::Later { version });
    }
    if let Some(removed) = statement["version_removed"].as_str().filter(|removed| is_past(removed)) {
        let version = removed.to_owned();
        return Some(Lack::Removed { version });
    }
    (statement["partial_implementation"] == true).then(|| Lack::Partly {
        // The first of several.
        notes: match statement["notes"].as_array() {
            Some(notes) => notes.first().and_then(Value::as_str).map(plain).unwrap_or_default(),
            None => statement["notes"].as_str().map(plain).unwrap_or_default(),
        },
    })
}

/// A note without the tags in it.
fn plain(note: &str) -> String {
    let mut pieces = note.split('<');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain += piece.split_once('>').map_or(piece, |(_, text)| text);
    }
    plain
}

/// `16.4` in a form that compares; `≤79` is taken for 79.
fn numbers(version: &str) -> Vec<u32> {
    let parts = version.trim_start_matches('≤').split('.');
    parts.map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    pub(in super::super) const SAFARI: Engine = Engine {
        name: "Safari 16.4",
        browser: "safari",
        version: "16.4",
    };

    fn compat(support: &Value) -> Value {
        json!({ "__compat": { "support": { "safari": support } } })
    }

    fn since(version: &str) -> Value {
        compat(&json!({ "version_added": version }))
    }

    /// A part of the data in small, with made-up versions.
    pub(in super::super) fn small() -> Data {
        let mut root = json!({
            "browsers": { "safari": { "releases": { "16.4": {} } } },
            "api": {
                "structuredClone": since("15.4"), "fetch": since("10.1"), "caches": since("11"),
                "Navigator": since("1"), "RTCPeerConnection": since("11"), "EventTarget": since("1"), "Window": since("1"),
                "CacheStorage": since("11"), "HTMLDialogElement": since("15.4"), "HTMLElement": since("1"),
            },
            "javascript": {
                "builtins": { "Promise": since("8"), "Array": since("1") },
                "operators": { "nullish_coalescing": since("13.1") },
                "regular_expressions": { "lookbehind_assertion": since("16.4") },
            },
            "webassembly": { "reference-types": since("15"), "tail-calls": since("18.2") },
            "css": {
                "properties": {
                    "text-wrap": since("17.4"), "width": since("1"), "color": since("1"), "content": since("1"), "anchor-name": since("26"),
                    "mask": compat(&json!([{ "version_added": "18" }, { "prefix": "-webkit-", "version_added": "4" }])),
                    "custom-property": since("9.1"), "animation": since("9"),
                },
                "selectors": { "has": since("15.4"), "open": { "__compat": null }, "nesting": since("17.2"), "hover": since("2") },
                "at-rules": {
                    "media": since("3"), "starting-style": since("17.5"), "supports": since("9"), "keyframes": since("9"), "container": since("16"),
                },
                "types": { "length": since("1"), "color": since("1"), "env": since("11.1"), "sin": since("15.4"), "random": since("26.2") },
            },
            "html": {
                "elements": { "dialog": since("15.4"), "button": since("1"), "input": since("1"), "link": since("1") },
                "global_attributes": { "popover": since("17"), "class": since("1") },
            },
            "svg": { "elements": { "path": since("3") }, "global_attributes": { "class": since("3") } },
        });
        root["api"]["Navigator"]["share"] = since("12.1");
        root["api"]["Navigator"]["setAppBadge"] = since("17");
        root["api"]["RTCPeerConnection"]["addIceCandidate"] = since("11");
        root["api"]["RTCPeerConnection"]["sctp"] = since("17");
        root["api"]["RTCPeerConnection"]["generateCertificate_static"] = since("17");
        root["api"]["RTCPeerConnection"]["icecandidate_event"] = since("11");
        root["api"]["EventTarget"]["addEventListener"] = since("1");
        root["api"]["EventTarget"]["addEventListener"]["options_parameter"] = since("10");
        root["api"]["EventTarget"]["addEventListener"]["options_parameter"]["options_signal_parameter"] = since("17");
        root["api"]["Window"]["scrollend_event"] = since("26.2");
        root["api"]["HTMLElement"]["click_event"] = since("1");
        root["api"]["CacheStorage"]["match"] = since("11");
        root["api"]["HTMLDialogElement"]["requestClose"] = since("18.4");
        root["javascript"]["builtins"]["Promise"]["try_static"] = since("18.2");
        root["javascript"]["builtins"]["Array"]["at"] = since("15.4");
        root["css"]["properties"]["text-wrap"]["balance"] = since("17.5");
        root["css"]["properties"]["width"]["stretch"] = since("26");
        root["css"]["properties"]["content"]["alt_text"] = since("17.4");
        root["css"]["selectors"]["open"] = since("26.5");
        root["css"]["at-rules"]["media"]["range_syntax"] = since("16.4");
        root["css"]["at-rules"]["media"]["scripting"] = since("17");
        root["css"]["types"]["length"]["viewport_percentage_units_dynamic"] = since("15.4");
        root["css"]["types"]["length"]["rcap"] = since("17.2");
        root["css"]["types"]["color"]["light-dark"] = since("17.5");
        root["html"]["elements"]["dialog"]["closedby"] = compat(&json!({ "version_added": false }));
        root["html"]["elements"]["input"]["type_week"] = since("26");
        root["html"]["elements"]["link"]["rel"] = since("1");
        root["html"]["elements"]["link"]["rel"]["modulepreload"] = since("17");
        Data::new(root).unwrap()
    }

    #[test]
    fn an_engine_has_what_its_version_or_an_older_one_brought() {
        let data = small();
        assert_eq!(data.lack("css.at-rules.media.range_syntax", &[], &SAFARI), None);
        let version = "17.5".to_owned();
        assert_eq!(
            data.lack("css.properties.text-wrap.balance", &[], &SAFARI),
            Some(Lack::Later { version })
        );
        assert_eq!(
            data.lack("html.elements.dialog.closedby", &[], &SAFARI),
            Some(Lack::Never)
        );
    }

    #[test]
    fn a_prefix_counts_where_it_is_used() {
        let data = small();
        let lacks = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            data.lack("css.properties.mask", &names, &SAFARI).is_some()
        };
        assert!(lacks(&[]) && lacks(&["mask"]));
        assert!(!lacks(&["-webkit-mask"]) && !lacks(&["mask", "-webkit-mask"]));
    }

    #[test]
    fn a_statement_is_judged_by_all_that_it_says() {
        let judged = |statement| judge(&statement, &SAFARI).map(|lack| lack.to_string());
        assert_eq!(judged(json!({ "version_added": "≤4" })), None);
        assert_eq!(judged(json!({ "version_added": "9", "version_removed": "17" })), None);
        for (statement, words) in [
            (json!({ "version_added": "preview" }), "in no version"),
            (json!({ "version_added": "16.10" }), "not before version 16.10"),
            (
                json!({ "version_added": "9", "version_removed": "16" }),
                "not since version 16",
            ),
            (json!({ "version_added": "9", "flags": [{}] }), "only behind a flag"),
            (
                json!({ "version_added": "9", "partial_implementation": true, "notes": ["No <b>red</b>.", "No blue."] }),
                "only in part: No red.",
            ),
        ] {
            assert_eq!(judged(statement).as_deref(), Some(words));
        }
    }

    #[test]
    fn an_unknown_version_of_an_engine_is_refused() {
        let data = small();
        assert!(data.check(&SAFARI).is_ok());
        assert!(
            data.check(&Engine {
                version: "16.11",
                ..SAFARI
            })
            .is_err()
        );
    }
}
