//! Where the bytes of a WebAssembly module go.

use crate::sections;
use anyhow::Result;
use std::collections::BTreeMap;
use std::ops::Range;
use wasmparser::{Parser, Payload, TypeRef};

/// Where the bytes of a module are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Breakdown {
    /// Section and bytes, the largest first; the name section is left out since what is served has none.
    pub(super) sections: Vec<(String, u64)>,
    /// Crate and bytes of code, the largest first.
    pub(super) crates: Vec<(String, u64)>,
}

const SECTIONS: [&str; 14] = [
    "custom",
    "type",
    "import",
    "function",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "element",
    "code",
    "data",
    "data count",
    "tag",
];

/// Takes a module apart.
///
/// # Errors
/// If it is not one.
pub(super) fn breakdown(bytes: &[u8]) -> Result<Breakdown> {
    let names = sections::names(bytes)?;
    let mut found = BTreeMap::new();
    let (mut imported, mut bodies) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        if let Payload::CodeSectionEntry(body) = payload {
            bodies.push(length(&body.range()));
            continue;
        }
        let Some((id, range)) = payload.as_section() else {
            continue;
        };
        let mut label = SECTIONS.get(usize::from(id)).copied().unwrap_or("unknown").to_owned();
        if let Payload::CustomSection(section) = &payload {
            if section.name() == "name" {
                continue;
            }
            label = format!("custom {}", section.name());
        } else if let Payload::ImportSection(section) = payload {
            for import in section.into_imports() {
                imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
            }
        }
        *found.entry(label).or_insert(0) += length(&range);
    }
    let mut crates = BTreeMap::new();
    // Imported functions come first in the numbering of functions.
    for (index, bytes) in (imported..).zip(bodies) {
        let name = names.get(&index).and_then(|name| crate_of(name)).unwrap_or("(no name)");
        *crates.entry(name.to_owned()).or_insert(0) += bytes;
    }
    Ok(Breakdown {
        sections: largest_first(found),
        crates: largest_first(crates),
    })
}

fn length(range: &Range<u64>) -> u64 {
    range.end - range.start
}

fn largest_first(parts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    parts
}

/// The crate that a demangled function name begins with, through references, `dyn` and the like.
fn crate_of(name: &str) -> Option<&str> {
    let mut rest = name;
    // The type or trait in `<Type as Trait>::function`; a type parameter names no crate, so then the trait decides.
    if let Some(inside) = name.strip_prefix('<') {
        return leading_crate(inside).or_else(|| leading_crate(inside.split_once(" as ")?.1));
    }
    for prefix in ["core::ptr::drop_in_place<", "core::ptr::drop_glue<"] {
        // The glue that drops a type belongs to the crate of the type.
        if let Some(inside) = name.strip_prefix(prefix) {
            rest = inside;
        }
    }
    leading_crate(rest).or_else(|| leading_crate(name))
}

fn leading_crate(path: &str) -> Option<&str> {
    let mut path = path;
    while let Some(shorter) = ["&", "<", "(", "[", "mut ", "dyn ", "*const ", "*mut "]
        .iter()
        .find_map(|prefix| path.strip_prefix(prefix))
    {
        path = shorter;
    }
    let end = path.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')?;
    let (name, after) = path.split_at(end);
    // A disambiguator, as in `web[5f3a]::app`, may follow the name.
    let is_path = after.starts_with("::") || (after.starts_with('[') && after.contains("]::"));
    (is_path && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_is_found_behind_types_and_traits() {
        for (name, expected) in [
            ("web::app::render::h0123456789abcdef", Some("web")),
            ("web[5f3a91]::app::render", Some("web")),
            ("<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop", Some("alloc")),
            ("<&mut web::state::State as core::fmt::Debug>::fmt", Some("web")),
            ("<T as yew::html::IntoComponent>::into", Some("yew")),
            ("core::ptr::drop_in_place<mesh::node::Node>", Some("mesh")),
            ("core::ptr::drop_in_place<[u8]>", Some("core")),
            ("<dyn core::any::Any>::is", Some("core")),
            ("__wbindgen_malloc", None),
            ("", None),
        ] {
            assert_eq!(crate_of(name), expected, "{name}");
        }
    }

    #[test]
    fn code_is_added_up_by_crate_behind_the_imports() {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        let mut section = |id: u8, content: &[u8]| {
            module.extend([id, u8::try_from(content.len()).unwrap()]);
            module.extend(content);
        };
        // One imported function "m" "f" of type 0, two of our own of that type, with bodies of 2 and 3 bytes.
        section(1, &[1, 0x60, 0, 0]);
        section(2, &[1, 1, b'm', 1, b'f', 0, 0]);
        section(3, &[2, 0, 0]);
        section(10, &[2, 2, 0, 0x0b, 3, 0, 0x01, 0x0b]);
        // The names of functions 1 and 2.
        section(0, b"\x04name\x01\x0d\x02\x01\x04a::b\x02\x04c::d");
        let parts = breakdown(&module).unwrap();
        assert_eq!(parts.crates, [("c".to_owned(), 3), ("a".to_owned(), 2)]);
        let expected = [("code", 8), ("import", 7), ("type", 4), ("function", 3)];
        assert_eq!(parts.sections, expected.map(|(name, bytes)| (name.to_owned(), bytes)));
    }

    #[test]
    fn garbage_is_refused() {
        assert!(breakdown(b"<html>").is_err());
        assert!(breakdown(b"\0asm\x01\0\0\0\x0a\xff").is_err());
        assert!(breakdown(b"\0asm\x01\0\0\0\x0a\x02\x09\x09").is_err());
    }
}
