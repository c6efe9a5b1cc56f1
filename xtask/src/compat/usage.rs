//! A use of a feature, and which feature a name in a program means.

use super::config::{INSTANCES, LANGUAGE};
use super::data::Data;
use std::collections::BTreeSet;
use std::mem;

/// One use of a feature.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Use {
    /// Paths in the data. More than one where the data alone cannot tell which is meant: an engine that has one of them passes.
    pub(super) any_of: Vec<String>,
    /// The names under which the feature is used, such as `-webkit-mask`; none means its own name.
    pub(super) names: Vec<String>,
    /// Whether an engine without the feature is told beside it what to do instead.
    pub(super) has_fallback: bool,
    /// Where, for a person.
    pub(super) place: String,
}

impl Use {
    /// The plain use of one feature.
    pub(super) fn of(feature: String, place: &str) -> Self {
        Self {
            any_of: vec![feature],
            names: Vec::new(),
            has_fallback: false,
            place: place.to_owned(),
        }
    }
}

/// What programs use, as it is found.
#[derive(Debug)]
pub(super) struct Uses<'a> {
    pub(super) data: &'a Data,
    /// The interfaces that a value of unknown type is taken for.
    pub(super) listed: Vec<String>,
    /// Names that are the program's own, whatever the data says.
    pub(super) own: BTreeSet<String>,
    /// All uses.
    pub(super) found: Vec<Use>,
    /// The names of options, in objects that are handed to functions.
    pub(super) options: BTreeSet<String>,
}

impl<'a> Uses<'a> {
    /// Nothing yet. `interfaces` are those that the program works with, besides the language's own.
    pub(super) fn new(data: &'a Data, interfaces: &[&str]) -> Self {
        let known = interfaces.iter().filter_map(|name| data.interface(name));
        Self {
            data,
            listed: known.chain(LANGUAGE).map(str::to_owned).collect(),
            own: BTreeSet::new(),
            found: Vec::new(),
            options: BTreeSet::new(),
        }
    }

    /// Records a use if the data has the feature.
    pub(super) fn note(&mut self, path: &[&str], place: &str) -> bool {
        let feature = self.data.find(path);
        let is_known = feature.is_some();
        self.found.extend(feature.map(|feature| Use::of(feature, place)));
        is_known
    }

    /// Records the use of a member of a known interface. Where the interface has no such member, one that inherits from it may.
    pub(super) fn member(&mut self, interface: &str, member: &str, place: &str) {
        match self.on(interface, member) {
            Some(feature) => self.found.push(Use::of(feature, place)),
            None => self.member_of_any(member, place),
        }
    }

    /// Records the use of a member of a value whose type is unknown: of each listed interface that has such a member, or else of
    /// any interface that has one. A name that no interface has is the program's own.
    pub(super) fn member_of_any(&mut self, member: &str, place: &str) {
        self.any(member, place, |uses, interface| uses.on(interface, member));
    }

    /// Records that a program listens to an event, on a target of unknown type.
    pub(super) fn event(&mut self, name: &str, place: &str) {
        let key = format!("{name}_event");
        self.any(name, place, |uses, interface| uses.data.find(&["api", interface, &key]));
    }

    fn any(&mut self, name: &str, place: &str, find: impl Fn(&Self, &str) -> Option<String>) {
        let listed: Vec<_> = self
            .listed
            .iter()
            .filter_map(|interface| find(self, interface))
            .collect();
        if !listed.is_empty() {
            self.found
                .extend(listed.into_iter().map(|feature| Use::of(feature, place)));
            return;
        }
        let any_of: Vec<_> = self
            .data
            .interfaces()
            .filter_map(|interface| find(self, interface))
            .collect();
        if !any_of.is_empty() {
            self.found.push(Use {
                any_of,
                names: Vec::new(),
                has_fallback: false,
                place: format!("{place}, as `{name}` of an unknown type"),
            });
        }
    }

    /// A member of an interface, or of the class itself.
    fn on(&self, interface: &str, member: &str) -> Option<String> {
        if self.own.contains(member) {
            return None;
        }
        if interface == "Window"
            && let Some(global) = self.data.find(&["api", member])
        {
            return Some(global);
        }
        let of_class = format!("{member}_static");
        let roots = match interface {
            "WebAssembly" => vec![vec!["webassembly", "api"]],
            _ => vec![vec!["api", interface], vec!["javascript", "builtins", interface]],
        };
        let paths = roots
            .iter()
            .flat_map(|root| [member, &of_class].map(|key| [root.as_slice(), &[key]].concat()));
        paths.into_iter().find_map(|path| self.data.find(&path))
    }

    /// Records a global that the page has by itself: `interface` is that of the page's or the worker's global object. The answer is
    /// the interface of what the global is, where that is known.
    pub(super) fn global(&mut self, name: &str, interface: &str, place: &str) -> Option<String> {
        let is_known = self.note(&["api", name], place)
            || self.note(&["api", interface, name], place)
            || self.note(&["javascript", "builtins", name], place)
            || (name == "WebAssembly" && self.note(&["webassembly", "api"], place));
        if is_known && name.starts_with(|first: char| first.is_ascii_uppercase()) {
            return Some(name.to_owned());
        }
        let instance = INSTANCES.iter().find(|(instance, _)| *instance == name);
        instance.map(|(_, interface)| (*interface).to_owned())
    }

    /// Reads one piece of the program: options that are named in the piece belong to functions that are used in the piece.
    pub(super) fn piece<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let around = mem::take(&mut self.options);
        let from = self.found.len();
        let answer = read(self);
        let mut more = Vec::new();
        for used in &self.found[from..] {
            for feature in &used.any_of {
                // Options of anything else are not told apart from values.
                if feature.starts_with("api.") {
                    self.options_below(feature, &used.place, &mut more);
                }
            }
        }
        self.found.append(&mut more);
        self.options = around;
        answer
    }

    fn options_below(&self, path: &str, place: &str, more: &mut Vec<Use>) {
        for key in self.data.keys(path) {
            let below = format!("{path}.{key}");
            let is_parameter = below.contains("_parameter");
            let name = key.trim_end_matches("_parameter").rsplit('_').next().unwrap_or(key);
            if is_parameter && self.options.contains(name) && self.data.find(&parts(&below)).is_some() {
                let mut used = Use::of(below.clone(), place);
                used.place += &format!(", with an option `{name}`");
                more.push(used);
            }
            if is_parameter {
                self.options_below(&below, place, more);
            }
        }
    }
}

fn parts(path: &str) -> Vec<&str> {
    path.split('.').collect()
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::small;
    use super::*;

    fn found(uses: &Uses<'_>) -> Vec<String> {
        uses.found.iter().map(|used| used.any_of.join(" or ")).collect()
    }

    #[test]
    fn a_member_of_unknown_type_is_that_of_each_listed_interface() {
        let data = small();
        let mut uses = Uses::new(&data, &["Navigator", "RtcPeerConnection"]);
        uses.member_of_any("share", "");
        uses.member_of_any("requestClose", "");
        uses.member_of_any("ours", "");
        uses.event("icecandidate", "");
        assert_eq!(
            found(&uses),
            [
                "api.Navigator.share",
                "api.HTMLDialogElement.requestClose",
                "api.RTCPeerConnection.icecandidate_event",
            ]
        );
    }

    #[test]
    fn a_member_may_be_of_the_class_or_inherited() {
        let data = small();
        let mut uses = Uses::new(&data, &[]);
        uses.member("RTCPeerConnection", "generateCertificate", "");
        uses.member("RTCPeerConnection", "addEventListener", "");
        assert_eq!(
            found(&uses),
            [
                "api.RTCPeerConnection.generateCertificate_static",
                "api.EventTarget.addEventListener"
            ]
        );
    }

    #[test]
    fn options_are_those_of_functions_in_the_same_piece() {
        let data = small();
        let mut uses = Uses::new(&data, &[]);
        uses.piece(|uses| uses.options.insert("signal".into()));
        uses.piece(|uses| uses.member("EventTarget", "addEventListener", ""));
        assert_eq!(uses.found.len(), 1);
        uses.piece(|uses| {
            uses.member("EventTarget", "addEventListener", "");
            uses.options.insert("signal".into());
        });
        let path = "api.EventTarget.addEventListener.options_parameter.options_signal_parameter";
        assert_eq!(found(&uses)[2..], [path]);
    }
}
