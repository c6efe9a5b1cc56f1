//! Style sheets: which at-rules, selectors, properties, values, functions and units they use.
//!
//! The sheet is cut into rules and declarations, as in CSS Syntax Module Level 3, but without a grammar of values: a word of a value is
//! looked up below its property, a function below all types. A style that an older browser does without counts as one with a fallback:
//! inside `@supports`, or behind a declaration of the same property that has another value.

mod syntax;

use super::usage::{Use, Uses};
use std::collections::BTreeSet;
use syntax::{Piece, is_word, items, pieces, without_brackets, without_comments, without_prefix};

/// Where a rule's selector is cut in the place of a use.
const SELECTOR_SHOWN_MAX: usize = 60;

/// Records what a style sheet uses. What no data knows is in the answer.
pub(super) fn scan(sheet: &str, uses: &mut Uses<'_>) -> BTreeSet<String> {
    let mut reader = Reader {
        uses,
        unknown: BTreeSet::new(),
    };
    let context = Context {
        place: "the style sheet".to_owned(),
        at_rule: String::new(),
        is_in_rule: false,
        has_fallback: false,
    };
    reader.block(&without_comments(sheet), &context);
    reader.unknown
}

/// Around a piece of the sheet.
#[derive(Debug, Clone)]
struct Context {
    place: String,
    /// The nearest at-rule.
    at_rule: String,
    is_in_rule: bool,
    has_fallback: bool,
}

struct Reader<'r, 'd> {
    uses: &'r mut Uses<'d>,
    unknown: BTreeSet<String>,
}

impl Reader<'_, '_> {
    fn note(&mut self, path: &[&str], context: &Context) -> bool {
        let feature = self.uses.data.find(path);
        let is_known = feature.is_some();
        if let Some(feature) = feature {
            self.add(feature, Vec::new(), context.has_fallback, context);
        }
        is_known
    }

    fn add(&mut self, feature: String, names: Vec<String>, has_fallback: bool, context: &Context) {
        self.uses.found.push(Use {
            names,
            has_fallback,
            ..Use::of(feature, &context.place)
        });
    }

    fn block(&mut self, text: &str, context: &Context) {
        let mut declarations = Vec::new();
        for (head, body) in items(text) {
            match (head.strip_prefix('@'), body) {
                (Some(rule), body) => self.at_rule(rule, body, context),
                (None, Some(body)) => self.rule(head, body, context),
                (None, None) => declarations.extend(
                    head.split_once(':')
                        .map(|(name, value)| (name.trim().to_lowercase(), value.trim())),
                ),
            }
        }
        self.declarations(&declarations, context);
    }

    fn at_rule(&mut self, rule: &str, body: Option<&str>, context: &Context) {
        let name_end = rule.find(|letter| !is_word(letter)).unwrap_or(rule.len());
        let (name, head) = rule.split_at(name_end);
        if !self.note(&["css", "at-rules", name], context) && !self.prefixed(&["css", "at-rules"], name, &[], context) {
            self.unknown.insert(format!("@{name}"));
        }
        match name {
            "media" => self.conditions(head, &["css", "at-rules", "media"], context),
            "container" => {
                for query in ["style", "scroll-state"] {
                    if head.contains(&format!("{query}(")) {
                        let key = if query == "style" {
                            "style_queries_for_custom_properties"
                        } else {
                            "scroll-state_queries"
                        };
                        self.note(&["css", "at-rules", "container", key], context);
                    }
                }
                self.conditions(head, &["css", "at-rules", "container"], context);
            }
            _ => {}
        }
        let Some(body) = body else {
            return;
        };
        let is_not = head.trim_start().starts_with("not");
        let inner = Context {
            at_rule: name.to_owned(),
            has_fallback: context.has_fallback || (name == "supports" && !is_not),
            ..context.clone()
        };
        self.block(body, &inner);
    }

    /// The conditions of a media or container query.
    fn conditions(&mut self, head: &str, path: &[&str], context: &Context) {
        if head.contains(['<', '>', '=']) {
            self.note(&[path, &["range_syntax"]].concat(), context);
        }
        let mut feature = None;
        for piece in pieces(head) {
            match piece {
                Piece::Word(word) => {
                    let name = word
                        .strip_prefix("min-")
                        .or_else(|| word.strip_prefix("max-"))
                        .unwrap_or(word);
                    if self.note(&[path, &[name]].concat(), context) {
                        feature = Some(name);
                    } else if let Some(feature) = feature {
                        self.note(&[path, &[feature, word]].concat(), context);
                    }
                }
                Piece::Unit(unit) => self.unit(unit, context),
                Piece::Function(_) | Piece::Close | Piece::Hash(_) | Piece::Mark(_) => {}
            }
        }
    }

    fn rule(&mut self, selector: &str, body: &str, context: &Context) {
        let mut shown: String = selector.chars().take(SELECTOR_SHOWN_MAX).collect();
        if shown.len() < selector.len() {
            shown.push('…');
        }
        let inner = Context {
            place: format!("the style sheet, in `{shown}`"),
            is_in_rule: true,
            ..context.clone()
        };
        if context.is_in_rule {
            self.note(&["css", "selectors", "nesting"], &inner);
        }
        // Those of keyframes are moments.
        if !context.at_rule.ends_with("keyframes") {
            self.selector(selector, &inner);
        }
        self.block(body, &inner);
    }

    fn selector(&mut self, selector: &str, context: &Context) {
        let plain = without_brackets(selector);
        let mut parts = plain.split(':');
        parts.next();
        for part in parts {
            // Between the two colons of a pseudo-element is nothing.
            let end = part.find(|letter| !is_word(letter)).unwrap_or(part.len());
            let (name, rest) = part.split_at(end);
            if name.is_empty() {
                continue;
            }
            let function = format!("{name}function");
            let path = ["css", "selectors"];
            let is_known = (rest.starts_with('(') && self.note(&[path.as_slice(), &[&function]].concat(), context))
                || self.note(&[path.as_slice(), &[name]].concat(), context)
                || self.prefixed(&path, name, &[], context);
            if !is_known {
                self.unknown.insert(format!(":{name}"));
            }
        }
    }

    /// A name with a vendor's prefix that the data has under the name without.
    fn prefixed(&mut self, path: &[&str], name: &str, block: &[String], context: &Context) -> bool {
        let Some(feature) = self.uses.data.find(&[path, &[without_prefix(name)]].concat()) else {
            return false;
        };
        let mut names = block.to_vec();
        names.push(name.to_owned());
        self.add(feature, names, context.has_fallback, context);
        true
    }

    fn declarations(&mut self, declarations: &[(String, &str)], context: &Context) {
        // An engine takes what it knows of `mask` and `-webkit-mask`.
        let same = |one: &str, other: &str| without_prefix(one) == without_prefix(other);
        let mut before: Vec<(&str, BTreeSet<String>)> = Vec::new();
        for (name, value) in declarations {
            let names: Vec<String> = declarations
                .iter()
                .map(|(other, _)| other)
                .filter(|other| same(name, other))
                .cloned()
                .collect();
            let property = self.property(name, &names, context);
            let features = self.value(property, value);
            for feature in &features {
                let other_before = before
                    .iter()
                    .any(|(earlier, used)| earlier == name && !used.contains(feature));
                self.add(
                    feature.clone(),
                    Vec::new(),
                    context.has_fallback || other_before,
                    context,
                );
            }
            before.push((name, features));
        }
    }

    /// Records a property, and says under which name the data has the property.
    fn property<'n>(&mut self, name: &'n str, names: &[String], context: &Context) -> &'n str {
        let path = ["css", "properties"];
        if name.starts_with("--") {
            self.note(&["css", "properties", "custom-property"], context);
            return name;
        }
        // Within `@font-face` and the like stand no properties.
        if !context.at_rule.is_empty() && self.note(&["css", "at-rules", &context.at_rule, name], context) {
            return name;
        }
        let is_own = self.uses.data.find(&["css", "properties", name]).is_some();
        if is_own && without_prefix(name) != name {
            self.note(&["css", "properties", name], context);
            return name;
        }
        if !self.prefixed(&path, name, names, context) {
            self.unknown.insert(name.to_owned());
        }
        without_prefix(name)
    }

    /// The features of a value.
    fn value(&self, property: &str, value: &str) -> BTreeSet<String> {
        let data = self.uses.data;
        let mut features = BTreeSet::new();
        let mut functions: Vec<String> = Vec::new();
        for piece in pieces(value) {
            match piece {
                Piece::Function(name) => {
                    let feature = self.function(property, &name.to_lowercase());
                    features.extend(feature.clone());
                    functions.push(feature.unwrap_or_default());
                }
                Piece::Close => {
                    functions.pop();
                }
                Piece::Word(word) => {
                    let word = &word.to_lowercase();
                    let inside = functions
                        .last()
                        .map(|function| function.split('.').chain([word.as_str()]).collect::<Vec<_>>());
                    let paths = [
                        inside.unwrap_or_default(),
                        vec!["css", "properties", property, word],
                        vec!["css", "types", "color", word],
                        vec!["css", "types", "color", "system-color", word],
                        vec!["css", "types", "global_keywords", word],
                    ];
                    // A custom property may be meant for anything.
                    let is_text = property.starts_with("--") && functions.is_empty();
                    if !is_text {
                        features.extend(paths.iter().find_map(|path| data.find(path)));
                    }
                }
                Piece::Unit(unit) => features.extend(self.unit_feature(unit)),
                Piece::Hash(4 | 8) => {
                    let path = [
                        "css",
                        "types",
                        "color",
                        "rgb_hexadecimal_notation",
                        "alpha_hexadecimal_notation",
                    ];
                    features.extend(data.find(&path));
                }
                Piece::Mark('/') if property == "content" => {
                    features.extend(data.find(&["css", "properties", "content", "alt_text"]));
                }
                Piece::Hash(_) | Piece::Mark(_) => {}
            }
        }
        features
    }

    fn function(&self, property: &str, name: &str) -> Option<String> {
        let data = self.uses.data;
        let as_function = format!("{name}_function");
        let of_property = [name, &as_function].map(|key| ["css", "properties", property, key]);
        of_property
            .iter()
            .find_map(|path| data.find(path))
            .or_else(|| data.find(&["css", "types", name]))
            .or_else(|| {
                data.keys("css.types")
                    .find_map(|kind| data.find(&["css", "types", kind, name]))
            })
    }

    fn unit(&mut self, unit: &str, context: &Context) {
        if let Some(feature) = self.unit_feature(unit) {
            self.add(feature, Vec::new(), context.has_fallback, context);
        }
    }

    fn unit_feature(&self, unit: &str) -> Option<String> {
        let unit = unit.to_lowercase();
        let sized = |prefix: &str| {
            unit.strip_prefix(prefix)
                .is_some_and(|rest| ["w", "h", "i", "b", "min", "max"].contains(&rest))
        };
        let key = match unit.as_str() {
            "fr" => return self.uses.data.find(&["css", "types", "flex"]),
            _ if sized("dv") => "viewport_percentage_units_dynamic",
            _ if sized("sv") => "viewport_percentage_units_small",
            _ if sized("lv") => "viewport_percentage_units_large",
            _ if sized("cq") => "container_query_length_units",
            unit => unit,
        };
        let kinds = ["length", "angle", "time", "resolution"];
        kinds
            .iter()
            .find_map(|kind| self.uses.data.find(&["css", "types", kind, key]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::{SAFARI, small};
    use super::*;

    /// What is used and lacking, and what is unknown.
    fn lacking(sheet: &str) -> Vec<String> {
        let data = small();
        let mut uses = Uses::new(&data, &[]);
        let unknown = scan(sheet, &mut uses);
        let lacks = |used: &&Use| !used.has_fallback && data.lack(&used.any_of[0], &used.names, &SAFARI).is_some();
        let found = uses.found.iter().filter(lacks).map(|used| used.any_of[0].clone());
        found.chain(unknown).collect()
    }

    #[test]
    fn made_up_uses_are_found() {
        for (sheet, expected) in [
            ("a{anchor-name:--b}", "css.properties.anchor-name"),
            ("a{text-wrap:balance}", "css.properties.text-wrap"),
            ("a{width:stretch}", "css.properties.width.stretch"),
            ("a{--b:light-dark(red,blue)}", "css.types.color.light-dark"),
            ("a{width:1rcap}", "css.types.length.rcap"),
            ("@media (width<=1rcap){}", "css.types.length.rcap"),
            ("@media (scripting:none){}", "css.at-rules.media.scripting"),
            ("@media print{a:hover:open{width:1px}}", "css.selectors.open"),
            ("a{&:hover{width:1px}}", "css.selectors.nesting"),
            ("a{@starting-style{width:1px}}", "css.at-rules.starting-style"),
            ("a{content:\"b\"/\"\"}", "css.properties.content.alt_text"),
            ("a{mask:none}", "css.properties.mask"),
            ("a{colour:red}", "colour"),
            ("a::-x-b{}", ":-x-b"),
            (
                "@supports not (width:1px){a{width:random(1px,2px)}}",
                "css.types.random",
            ),
        ] {
            assert_eq!(lacking(sheet)[0], expected, "{sheet}");
        }
    }

    #[test]
    fn what_an_engine_has_or_has_a_fallback_for_passes() {
        for sheet in [
            "a{width:100dvh;color:#1234}/* b{anchor-name:--c} */",
            "a{width:calc(1px + 2%)}a:has(>b[title=':open']){color:red}",
            "@media (width<=54rem) and (10px<=width){a{width:1px}}",
            "a{mask:none;-webkit-mask:none}",
            "a{content:\"b\";content:\"b\"/\"\"}",
            "@supports (anchor-name:--a){a{anchor-name:--a}}",
            "@keyframes b{0%{width:1px}to{width:2px}}",
            "a{content:\"{anchor-name:--a}\";--text-wrap:balance}",
        ] {
            assert_eq!(lacking(sheet), [] as [&str; 0], "{sheet}");
        }
    }
}
