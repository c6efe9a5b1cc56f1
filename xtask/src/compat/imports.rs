//! What the module imports: the web APIs that Rust calls.
//!
//! `wasm-bindgen` writes a function of the glue script for each import, `__wbg_addIceCandidate_82f7e20613c35bf1`. The function's body
//! says which member of its argument the import is, and the module's name section of which type the argument is:
//! `web_sys::features::gen_RtcPeerConnection::RtcPeerConnection::…::__wbg_addIceCandidate_82f7e20613c35bf1`. Both files are those
//! that Trunk keeps of the build, before names are shortened and removed.

use super::config::{CLASSES, GLUE};
use super::javascript::{self, Arguments, Scope, Token};
use super::usage::Uses;
use crate::sections;
use anyhow::{Context, Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use wasmparser::{BinaryReader, Parser, Payload, TypeRef};

/// Records what a module imports through its glue script, and what the script uses besides.
///
/// # Errors
/// If module and script do not have the form that is known.
pub(super) fn scan(module: &[u8], glue: &str, uses: &mut Uses<'_>) -> Result<()> {
    let module = read(module)?;
    let tokens = javascript::tokens(glue);
    let (functions, rest) = functions(&tokens, &module.types);
    ensure!(
        functions.len() == module.types.len(),
        "of {} imports the glue script has {}: wasm-bindgen writes it otherwise than before",
        module.types.len(),
        functions.len()
    );
    uses.piece(|uses| {
        for (import, body) in functions {
            import_scan(import, module.types[import].as_ref(), body, uses);
        }
    });
    let mut helpers = Uses::new(uses.data, &GLUE);
    helpers.own = module.exports;
    let scope = Scope {
        global: "Window",
        arguments: Arguments::Unknown,
        place: "the glue script",
    };
    javascript::scan(&rest, &scope, &mut helpers);
    uses.found.append(&mut helpers.found);
    for feature in module.features {
        uses.note(&["webassembly", webassembly(&feature)], "the module");
    }
    Ok(())
}

/// Records what one import uses.
fn import_scan(import: &str, of: Option<&Type>, body: &[Token<'_>], uses: &mut Uses<'_>) {
    let name = of.map_or("", |of| of.name.as_str());
    let place = match name {
        "" => format!("the import {import}"),
        name => format!("an import of {name}"),
    };
    let class = CLASSES.iter().find(|(rust, _)| *rust == name);
    let class = class.map_or(name, |(_, class)| class);
    let is_builtin = uses.data.find(&["javascript", "builtins", class]).is_some();
    let interface = if is_builtin {
        Some(class)
    } else {
        uses.data.interface(class)
    };
    let arguments = match interface {
        Some(interface) => Arguments::Of(interface),
        // A dictionary: the data has its members below the functions that take it.
        None if of.is_some_and(|of| of.is_of_web) => Arguments::Options,
        None => Arguments::Unknown,
    };
    let scope = Scope {
        global: "Window",
        arguments,
        place: &place,
    };
    javascript::scan(body, &scope, uses);
}

/// A type in Rust.
#[derive(Debug, PartialEq, Eq)]
struct Type {
    name: String,
    /// Whether `web-sys` has it.
    is_of_web: bool,
}

/// A module as far as it matters here.
struct Imports {
    /// The name of each import, and the type that it is a method of.
    types: BTreeMap<String, Option<Type>>,
    /// What the glue script can call of the module.
    exports: BTreeSet<String>,
    /// What the compiler was told to use of WebAssembly.
    features: Vec<String>,
}

fn read(bytes: &[u8]) -> Result<Imports> {
    let mut imports = Vec::new();
    let names = sections::names(bytes).context("the module cannot be read")?;
    let mut exports = BTreeSet::new();
    let mut features = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        #[expect(clippy::wildcard_enum_match_arm, reason = "most of a module does not matter here")]
        match payload.context("the module cannot be read")? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    if matches!(import.ty, TypeRef::Func(_)) {
                        imports.push(import.name.to_owned());
                    }
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    exports.insert(export?.name.to_owned());
                }
            }
            Payload::CustomSection(section) if section.name() == "target_features" => {
                features = target_features(section.data())?;
            }
            _ => {}
        }
    }
    ensure!(
        !imports.is_empty() && !names.is_empty(),
        "the module has no imports, or no names"
    );
    let types = (0..).zip(imports);
    let types = types.map(|(index, import)| (import, names.get(&index).and_then(|name| type_of(name))));
    Ok(Imports {
        types: types.collect(),
        exports,
        features,
    })
}

/// The features with a plus in front (tool conventions of WebAssembly, "Target features section").
fn target_features(data: &[u8]) -> Result<Vec<String>> {
    let mut reader = BinaryReader::new(data, 0);
    let mut used = Vec::new();
    for _ in 0..reader.read_var_u32()? {
        let is_used = reader.read_u8()? == b'+';
        let name = reader.read_string()?;
        if is_used {
            used.push(name.to_owned());
        }
    }
    Ok(used)
}

/// How the data on browsers calls a feature of WebAssembly. What it does not list, every browser with WebAssembly has.
fn webassembly(feature: &str) -> &str {
    match feature {
        "bulk-memory" => "bulk-memory-operations",
        "multivalue" => "multi-value",
        "nontrapping-fptoint" => "non-trapping-float-to-int-conversions",
        "sign-ext" => "sign-extension-operations",
        "simd128" => "fixed-width-SIMD",
        "relaxed-simd" => "relaxed-SIMD",
        "tail-call" => "tail-calls",
        "atomics" => "threads-and-atomics",
        "extended-const" => "extended-constant-expressions",
        "multimemory" => "multiMemory",
        other => other,
    }
}

/// `Type` of `krate::module::Type<T>::method::__wbg_name_hash::hash`.
fn type_of(symbol: &str) -> Option<Type> {
    let (path, _) = symbol.split_once("::__wbg_")?;
    let mut depth = 0_i32;
    let mut segments = vec![0];
    for (at, letter) in path.char_indices() {
        depth += i32::from(letter == '<') - i32::from(letter == '>');
        if depth == 0 && path[at..].starts_with("::") {
            segments.push(at + 2);
        }
    }
    // The last segment is the method.
    let [.., start, end] = segments.as_slice() else {
        return None;
    };
    let name = &path[*start..end - 2];
    let name = name.split('<').next().filter(|name| !name.is_empty())?;
    Some(Type {
        name: name.to_owned(),
        is_of_web: symbol.starts_with("web_sys::"),
    })
}

/// The body of each import's function, and everything else.
fn functions<'a, 't>(
    tokens: &'t [Token<'a>],
    imports: &BTreeMap<String, Option<Type>>,
) -> (BTreeMap<&'a str, &'t [Token<'a>]>, Vec<Token<'a>>) {
    let mut functions = BTreeMap::new();
    let mut rest = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match (token, tokens.get(at + 1)) {
            (Token::Word(name), Some(Token::Mark(":"))) if imports.contains_key(*name) => {
                let length = value_length(&tokens[at + 2..]);
                functions.insert(*name, &tokens[at + 2..at + 2 + length]);
                at += 2 + length;
            }
            _ => {
                rest.push(*token);
                at += 1;
            }
        }
    }
    (functions, rest)
}

/// How many tokens the value of a property has.
fn value_length(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark("(" | "[" | "{") => depth += 1,
            Token::Mark("," | ")" | "]" | "}") if depth == 0 => return at,
            Token::Mark(")" | "]" | "}") => depth -= 1,
            Token::Mark(_) | Token::Word(_) | Token::Text(_) | Token::Number | Token::Pattern => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::small;
    use super::*;
    use wasm_encoder::{CustomSection, EntityType, ImportSection, Module, NameMap, NameSection, TypeSection};

    fn module(imports: &[(&str, &str)]) -> Vec<u8> {
        let mut section = ImportSection::new();
        let mut functions = NameMap::new();
        for (index, (import, symbol)) in (0..).zip(imports) {
            section.import("./web_bg.js", import, EntityType::Function(0));
            functions.append(index, symbol);
        }
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut names = NameSection::new();
        names.functions(&functions);
        let features = CustomSection {
            name: "target_features".into(),
            data: b"\x03+\x0freference-types+\x09tail-call-\x07simd128".into(),
        };
        let mut module = Module::new();
        module
            .section(&types)
            .section(&section)
            .section(&names)
            .section(&features);
        module.finish()
    }

    #[test]
    fn an_import_is_a_member_of_the_type_in_its_symbol() {
        let module = module(&[
            (
                "__wbg_sctp_01",
                "web_sys::features::gen_RtcPeerConnection::RtcPeerConnection::sctp::__wbg_sctp_01::h2",
            ),
            (
                "__wbg_set_signal_02",
                "web_sys::gen_AddEventListenerOptions::AddEventListenerOptions::set_signal::__wbg_set_signal_02",
            ),
            ("__wbg_at_03", "js_sys::Array<T>::at::__wbg_at_03::h2"),
            (
                "__wbg_add_05",
                "web_sys::features::gen_EventTarget::EventTarget::add::__wbg_add_05::h2",
            ),
            ("__wbg_new_04", "no symbol"),
        ]);
        let glue = "const import0 = {
            __wbg_sctp_01: function(arg0) { const ret = arg0.sctp; return f({ a: ret }); },
            __wbg_set_signal_02: function() { return handleError(function (arg0, arg1) { arg0.signal = arg1; }, arguments); },
            __wbg_add_05: function(arg0, arg1) { arg0.addEventListener(arg1); },
            __wbg_at_03: function(arg0) { return arg0.at(1); },
            __wbg_new_04: function(arg0) { return Promise.try(arg0); },
        }; structuredClone(1);";
        let data = small();
        let mut uses = Uses::new(&data, &[]);
        scan(&module, glue, &mut uses).unwrap();
        let found: Vec<_> = uses
            .found
            .iter()
            .map(|used| format!("{}: {}", used.place, used.any_of[0]))
            .collect();
        assert_eq!(
            found,
            [
                "an import of EventTarget: api.EventTarget.addEventListener",
                "an import of Array: javascript.builtins.Array.at",
                "the import __wbg_new_04: javascript.builtins.Promise",
                "the import __wbg_new_04: javascript.builtins.Promise.try_static",
                "an import of RtcPeerConnection: api.RTCPeerConnection.sctp",
                "an import of EventTarget, with an option `signal`: \
                 api.EventTarget.addEventListener.options_parameter.options_signal_parameter",
                "the glue script: api.structuredClone",
                "the module: webassembly.reference-types",
                "the module: webassembly.tail-calls",
            ]
        );
        assert!(scan(&module, "", &mut uses).is_err());
        assert!(scan(b"<html>", glue, &mut uses).is_err());
    }

    #[test]
    fn the_type_is_found_in_a_symbol() {
        for (symbol, expected) in [
            ("js_sys::Map<K,V>::get::__wbg_get_57b9::h7ba", Some("Map")),
            ("js_sys::Array<T>::to_vec::__wbg_slice_984d", Some("Array")),
            (
                "web_sys::features::gen_console::console::warn_1::__wbg_warn_2282::h5e",
                Some("console"),
            ),
            (
                "js_sys::_::<impl wasm_bindgen::JsCast for js_sys::Object<T>>::instanceof::__wbg_instanceof_Object_97",
                None,
            ),
            ("web::app", None),
            ("f::__wbg_f", None),
        ] {
            let name = type_of(symbol).map(|of| of.name);
            assert_eq!(name.as_deref(), expected, "{symbol}");
        }
    }
}
