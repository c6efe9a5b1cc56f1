//! A module taken apart.

use crate::sections;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use wasmparser::{
    ElementItems, ElementKind, ElementSectionReader, Export, FuncType, FunctionBody, Global, MemoryType, Operator,
    Parser, Payload, TableType, TypeRef,
};

/// What the names of functions that lead into the later part begin with.
const ENTRY: &str = "later_";

/// A module, as far as one of ours goes: one memory, whose contents are at fixed places, and one table of functions, the first.
#[derive(Default)]
pub(super) struct Module<'a> {
    pub(super) types: Vec<FuncType>,
    /// Module, name and type of each function that is imported.
    pub(super) imports: Vec<(&'a str, &'a str, u32)>,
    /// The names of what else is imported.
    pub(super) shared: Vec<&'a str>,
    /// Type and body of each function of its own.
    pub(super) functions: Vec<(u32, FunctionBody<'a>)>,
    pub(super) tables: Vec<TableType>,
    pub(super) memories: Vec<MemoryType>,
    pub(super) globals: Vec<Global<'a>>,
    pub(super) exports: Vec<Export<'a>>,
    pub(super) start: Option<u32>,
    /// Which function each slot of the table has.
    pub(super) slots: BTreeMap<u32, u32>,
    /// Where in memory these bytes are.
    pub(super) data: Vec<(u32, &'a [u8])>,
    pub(super) names: BTreeMap<u32, &'a str>,
}

impl<'a> Module<'a> {
    pub(super) fn of(module: &'a [u8]) -> Result<Self> {
        let mut found = Self {
            names: sections::names(module)?,
            ..Self::default()
        };
        let mut types = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            if let Payload::TypeSection(section) = payload {
                found.types = section.into_iter_err_on_gc_types().collect::<Result<_, _>>()?;
            } else if let Payload::ImportSection(section) = payload {
                for import in section.into_imports() {
                    let import = import?;
                    if let TypeRef::Func(kind) = import.ty {
                        found.imports.push((import.module, import.name, kind));
                    } else {
                        found.shared.push(import.name);
                    }
                }
            } else if let Payload::FunctionSection(section) = payload {
                types = section.into_iter().collect::<Result<_, _>>()?;
            } else if let Payload::TableSection(section) = payload {
                for table in section {
                    found.tables.push(table?.ty);
                }
            } else if let Payload::MemorySection(section) = payload {
                found.memories = section.into_iter().collect::<Result<_, _>>()?;
            } else if let Payload::GlobalSection(section) = payload {
                found.globals = section.into_iter().collect::<Result<_, _>>()?;
            } else if let Payload::ExportSection(section) = payload {
                found.exports = section.into_iter().collect::<Result<_, _>>()?;
            } else if let Payload::StartSection { func, .. } = payload {
                found.start = Some(func);
            } else if let Payload::ElementSection(section) = payload {
                found.slots = slots(section)?;
            } else if let Payload::CodeSectionEntry(body) = payload {
                let kind = types.get(found.functions.len()).context("a body has no type")?;
                found.functions.push((*kind, body));
            } else if let Payload::DataSection(section) = payload {
                let segments = sections::segments(section)?.into_iter();
                found.data = segments.map(|(address, bytes, _)| (address, bytes)).collect();
            }
        }
        Ok(found)
    }

    /// How many functions come before its own in the numbering.
    pub(super) fn imported(&self) -> u32 {
        u32::try_from(self.imports.len()).unwrap_or(u32::MAX)
    }

    /// The numbers and bodies of its own functions.
    pub(super) fn bodies(&self) -> impl Iterator<Item = (u32, &FunctionBody<'a>)> {
        (self.imported()..).zip(self.functions.iter().map(|(_, body)| body))
    }

    /// The type of a function.
    pub(super) fn type_of(&self, function: u32) -> Option<u32> {
        let index = usize::try_from(function).ok()?;
        let imported = self.imports.get(index).map(|(.., kind)| *kind);
        imported.or_else(|| Some(self.functions.get(index.checked_sub(self.imports.len())?)?.0))
    }

    /// The word at this address of memory; zero where nothing is written.
    pub(super) fn word(&self, address: u32) -> u32 {
        let mut word = [0; 4];
        for (byte, address) in word.iter_mut().zip(address..) {
            let found = self.data.iter().find_map(|(start, bytes)| {
                let offset = usize::try_from(address.checked_sub(*start)?).ok()?;
                bytes.get(offset)
            });
            *byte = found.copied().unwrap_or(0);
        }
        u32::from_le_bytes(word)
    }
}

/// Which function each slot has.
pub(super) fn slots(section: ElementSectionReader<'_>) -> Result<BTreeMap<u32, u32>> {
    let mut slots = BTreeMap::new();
    for element in section {
        let element = element?;
        let ElementKind::Active {
            table_index: None | Some(0),
            offset_expr,
        } = element.kind
        else {
            bail!("not every slot of the table is filled at the start");
        };
        let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? else {
            bail!("a slot of the table is at no fixed place");
        };
        let functions = match element.items {
            ElementItems::Functions(functions) => functions.into_iter().collect::<Result<Vec<_>, _>>()?,
            ElementItems::Expressions(..) => bail!("a slot of the table is filled with what is computed"),
        };
        slots.extend((value.cast_unsigned()..).zip(functions));
    }
    Ok(slots)
}

/// The name of an entry to the later part, if this names one: `web::page::later_page::h0123456789abcdef`, or the same as the compiler writes
/// it, `_ZN3web4page10later_page17h0123456789abcdefE`.
pub(super) fn entry(name: &str) -> Option<&str> {
    let last = match name.strip_prefix("_ZN") {
        Some(mangled) => {
            let mut rest = mangled;
            let mut parts = Vec::new();
            while rest.starts_with(|letter: char| letter.is_ascii_digit()) {
                let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
                let (length, after) = rest.split_at(digits);
                let (part, after) = after.split_at_checked(length.parse().ok()?)?;
                parts.push(part);
                rest = after;
            }
            // The last part is a hash.
            parts.into_iter().rev().nth(1)?
        }
        None => {
            let mut parts = name.rsplit("::");
            let last = parts.next()?;
            let is_hash = last.len() == 17 && last.starts_with('h');
            if is_hash { parts.next()? } else { last }
        }
    };
    last.starts_with(ENTRY).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_known_by_their_names() {
        for (name, expected) in [
            ("web::page::later_page::h0123456789abcdef", Some("later_page")),
            ("web::page::later_page", Some("later_page")),
            ("_ZN3web4page10later_page17h0123456789abcdefE", Some("later_page")),
            ("web::page::later_page::{{closure}}::h0123456789abcdef", None),
            (
                "_ZN3web4page10later_page28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
                None,
            ),
            ("web::later_page::go::h0123456789abcdef", None),
            ("memcpy", None),
            ("_ZN", None),
        ] {
            assert_eq!(entry(name), expected, "{name}");
        }
    }
}
