//! Reads just enough of a WebAssembly module to tell where its bytes go.
//!
//! See the WebAssembly specification, sections 5.5 (binary format of modules) and 7.4.1 (name section).

use std::collections::BTreeMap;

/// Where the bytes of a module are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Breakdown {
    /// Section and bytes, the largest first; the name section is left out since what is served has none.
    pub(super) sections: Vec<(String, u64)>,
    /// Crate and bytes of code, the largest first.
    pub(super) crates: Vec<(String, u64)>,
}

const CUSTOM: u8 = 0;
const IMPORT: u8 = 2;
const CODE: u8 = 10;
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

/// Takes a module apart; `None` if it is not one.
pub(super) fn breakdown(module: &[u8]) -> Option<Breakdown> {
    let mut rest = Reader(module.strip_prefix(b"\0asm\x01\0\0\0")?);
    let mut sections = BTreeMap::new();
    let (mut imported, mut bodies, mut names) = (0, Vec::new(), BTreeMap::new());
    while !rest.0.is_empty() {
        let id = rest.byte()?;
        let content = rest.sized()?;
        let mut reader = Reader(content);
        let mut label = SECTIONS.get(usize::from(id)).copied().unwrap_or("unknown").to_owned();
        match id {
            CUSTOM => {
                let name = String::from_utf8_lossy(reader.sized()?).into_owned();
                if name == "name" {
                    names = function_names(reader)?;
                    continue;
                }
                label = format!("custom {name}");
            }
            IMPORT => imported = imported_functions(reader)?,
            CODE => {
                for _ in 0..reader.number()? {
                    bodies.push(u64::try_from(reader.sized()?.len()).ok()?);
                }
            }
            _ => {}
        }
        *sections.entry(label).or_insert(0) += u64::try_from(content.len()).ok()?;
    }
    let mut crates = BTreeMap::new();
    for (index, bytes) in (imported..).zip(bodies) {
        let name = names.get(&index).and_then(|name| crate_of(name)).unwrap_or("(no name)");
        *crates.entry(name.to_owned()).or_insert(0) += bytes;
    }
    Some(Breakdown {
        sections: largest_first(sections),
        crates: largest_first(crates),
    })
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

/// Function index and name.
fn function_names(mut section: Reader<'_>) -> Option<BTreeMap<u64, String>> {
    const FUNCTIONS: u8 = 1;
    let mut names = BTreeMap::new();
    while !section.0.is_empty() {
        let kind = section.byte()?;
        let mut reader = Reader(section.sized()?);
        if kind == FUNCTIONS {
            for _ in 0..reader.number()? {
                let index = reader.number()?;
                names.insert(index, String::from_utf8_lossy(reader.sized()?).into_owned());
            }
        }
    }
    Some(names)
}

/// Imported functions come first in the numbering of functions.
fn imported_functions(mut section: Reader<'_>) -> Option<u64> {
    let mut functions = 0;
    for _ in 0..section.number()? {
        section.sized()?;
        section.sized()?;
        match section.byte()? {
            0x00 => {
                functions += 1;
                section.number()?;
            }
            // A table: the type of its elements, then limits.
            0x01 => {
                section.byte()?;
                section.limits()?;
            }
            0x02 => section.limits()?,
            // A global: type and mutability.
            0x03 => {
                section.byte()?;
                section.byte()?;
            }
            // A tag: attribute and type.
            0x04 => {
                section.byte()?;
                section.number()?;
            }
            _ => return None,
        }
    }
    Some(functions)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// An unsigned LEB128 number.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Bytes with their number in front.
    fn sized(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn limits(&mut self) -> Option<()> {
        let has_maximum = self.byte()? & 1 == 1;
        self.number()?;
        if has_maximum {
            self.number()?;
        }
        Some(())
    }
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
        // One imported function "m" "f" of type 0, then bodies of 2 and 3 bytes.
        section(2, &[1, 1, b'm', 1, b'f', 0, 0]);
        section(10, &[2, 2, 0, 0x0b, 3, 0, 0x01, 0x0b]);
        // The names of functions 1 and 2.
        section(0, b"\x04name\x01\x0d\x02\x01\x04a::b\x02\x04c::d");
        let parts = breakdown(&module).unwrap();
        assert_eq!(parts.crates, [("c".to_owned(), 3), ("a".to_owned(), 2)]);
        assert_eq!(parts.sections, [("code".to_owned(), 8), ("import".to_owned(), 7)]);
    }

    #[test]
    fn garbage_is_refused() {
        assert_eq!(breakdown(b"<html>"), None);
        assert_eq!(breakdown(b"\0asm\x01\0\0\0\x0a\xff"), None);
        assert_eq!(breakdown(b"\0asm\x01\0\0\0\x0a\x02\x09\x09"), None);
    }
}
