//! What the linker says of the memory that a module begins with: which things lie in it, and which of its words are addresses.
//!
//! Only the linker knows. See the conventions of WebAssembly's tools for `linking` and `reloc.*`:
//! <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>.

use super::module;
use crate::sections;
use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use wasmparser::{KnownCustom, Linking, Operator, Parser, Payload, RelocationEntry, RelocationType, SymbolInfo};

/// What the linker says of a module. Every address is one of memory.
#[derive(Debug, Default)]
pub(super) struct Linked {
    /// Where each thing lies, by address. What lies over another is one with it.
    pub(super) things: Vec<Range<u32>>,
    /// The words that have the slot of a function in the table.
    pub(super) slot_words: BTreeSet<u32>,
    /// The words that have the address of something.
    pub(super) address_words: BTreeSet<u32>,
    /// The addresses that code and memory name, and which thing each belongs to: it may lie before that thing, or behind.
    named: BTreeMap<u32, BTreeSet<usize>>,
}

impl Linked {
    /// Reads what the linker wrote with `--emit-relocs`.
    pub(super) fn of(module: &[u8]) -> Result<Self> {
        let raw = Raw::of(module)?;
        let mut linked = Self {
            things: disjoint(raw.symbols.iter().flatten().cloned()),
            ..Self::default()
        };
        let mut slots_named = 0;
        for (section, entry) in &raw.relocations {
            let (in_code, in_data) = (*section == raw.code, *section == raw.data);
            let is = |kind| entry.ty == kind;
            if in_code && is(RelocationType::TableIndexSleb) {
                slots_named += 1;
            } else if in_data && is(RelocationType::TableIndexI32) {
                linked.slot_words.insert(raw.address_of(entry)?);
            } else if in_data && is(RelocationType::MemoryAddrI32) {
                linked.address_words.insert(raw.address_of(entry)?);
                linked.name(&raw, entry)?;
            } else if in_code && (is(RelocationType::MemoryAddrLeb) || is(RelocationType::MemoryAddrSleb)) {
                linked.name(&raw, entry)?;
            } else if in_data {
                bail!("the linker writes {:?} into memory", entry.ty);
            }
        }
        ensure!(
            slots_named == raw.slot_numbers,
            "{} numbers look like one of the {slots_named} slots that code names: choose another `TABLE_BASE`",
            raw.slot_numbers
        );
        Ok(linked)
    }

    fn name(&mut self, raw: &Raw, entry: &RelocationEntry) -> Result<()> {
        let symbol = raw.symbols.get(usize::try_from(entry.index)?);
        // What is nowhere, or at no place that is written, holds nothing.
        let Some(Some(symbol)) = symbol else { return Ok(()) };
        let address = i64::from(symbol.start) + entry.addend;
        if let (Ok(address), Some(thing)) = (u32::try_from(address), self.thing_at(symbol.start)) {
            self.named.entry(address).or_default().insert(thing);
        }
        Ok(())
    }

    /// The thing that lies at this address.
    fn thing_at(&self, address: u32) -> Option<usize> {
        let thing = self
            .things
            .partition_point(|thing| thing.start <= address)
            .checked_sub(1)?;
        self.things[thing].contains(&address).then_some(thing)
    }

    /// All things that whoever has this number may mean by it.
    pub(super) fn meant_by(&self, number: u32) -> BTreeSet<usize> {
        let Some((first, last)) = self.things.first().zip(self.things.last()) else {
            return BTreeSet::new();
        };
        let mut meant = self.named.get(&number).cloned().unwrap_or_default();
        meant.extend(self.thing_at(number));
        // No address of the linker: one that was computed later from such, or no address at all.
        if meant.is_empty() && (first.start..last.end).contains(&number) {
            let next = self.things.partition_point(|thing| thing.start <= number);
            meant.extend([next.saturating_sub(1), next]);
        }
        meant
    }
}

/// The ranges by their beginnings, those that overlap as one.
fn disjoint(ranges: impl Iterator<Item = Range<u32>>) -> Vec<Range<u32>> {
    let mut ranges: Vec<_> = ranges.filter(|range| !range.is_empty()).collect();
    ranges.sort_by_key(|range| range.start);
    let mut merged = Vec::<Range<u32>>::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            Some(_) | None => merged.push(range),
        }
    }
    merged
}

/// The linker's sections as they stand there.
#[derive(Default)]
struct Raw {
    /// Section and entry.
    relocations: Vec<(u32, RelocationEntry)>,
    /// The numbers of the sections.
    code: u32,
    data: u32,
    /// In the module.
    data_start: u64,
    /// Of each segment: address, length, and where it begins in the module.
    segments: Vec<(u32, u32, u64)>,
    /// By number: where a thing lies, if it is one, and is somewhere.
    symbols: Vec<Option<Range<u32>>>,
    /// How many constants of the code are numbers of slots.
    slot_numbers: usize,
}

impl Raw {
    fn of(module: &[u8]) -> Result<Self> {
        let mut raw = Self::default();
        let mut section = 0;
        let mut table = 0..0;
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            let range = payload.as_section().map(|(_, range)| range);
            let is_section = range.is_some();
            if let Payload::ElementSection(elements) = payload {
                let slots = module::slots(elements)?;
                if let (Some((first, _)), Some((last, _))) = (slots.first_key_value(), slots.last_key_value()) {
                    table = *first..last + 1;
                }
            } else if let Payload::CodeSectionStart { .. } = payload {
                raw.code = section;
            } else if let Payload::CodeSectionEntry(body) = payload {
                for operator in body.get_operators_reader()? {
                    if let Operator::I32Const { value } = operator? {
                        raw.slot_numbers += usize::from(table.contains(&value.cast_unsigned()));
                    }
                }
            } else if let Payload::DataSection(data) = payload {
                raw.data = section;
                raw.data_start = range.map_or(0, |range| range.start);
                for (address, bytes, start) in sections::segments(data)? {
                    raw.segments.push((address, u32::try_from(bytes.len())?, start));
                }
            } else if let Payload::CustomSection(custom) = payload {
                raw.read(custom.as_known())?;
            }
            section += u32::from(is_section);
        }
        ensure!(
            !raw.relocations.is_empty() && !raw.symbols.is_empty(),
            "the linker tells nothing of its module"
        );
        Ok(raw)
    }

    fn read(&mut self, known: KnownCustom<'_>) -> Result<()> {
        if let KnownCustom::Reloc(relocations) = known {
            let section = relocations.section_index();
            for entry in relocations.entries() {
                self.relocations.push((section, entry?));
            }
        } else if let KnownCustom::Linking(linking) = known {
            for part in linking.subsections() {
                let Linking::SymbolTable(symbols) = part? else {
                    continue;
                };
                for symbol in symbols {
                    let place = self.place_of(&symbol?)?;
                    self.symbols.push(place);
                }
            }
        }
        Ok(())
    }

    fn place_of(&self, symbol: &SymbolInfo<'_>) -> Result<Option<Range<u32>>> {
        let SymbolInfo::Data {
            symbol: Some(place), ..
        } = symbol
        else {
            return Ok(None);
        };
        // What begins as zero has a segment that is not written.
        let segment = self.segments.get(usize::try_from(place.index)?);
        let at = |(address, ..): &(u32, u32, u64)| address + place.offset..address + place.offset + place.size;
        Ok(segment.map(at))
    }

    /// Where in memory the word lies that this is about.
    fn address_of(&self, entry: &RelocationEntry) -> Result<u32> {
        let place = self.data_start + u64::from(entry.offset);
        let found = self.segments.iter().find_map(|(address, length, start)| {
            let offset = u32::try_from(place.checked_sub(*start)?).ok()?;
            (offset < *length).then_some(address + offset)
        });
        found.context("a word lies outside of memory")
    }
}

/// Which entries to the later part the linker saw.
pub(super) fn entries(module: &[u8]) -> Result<BTreeSet<String>> {
    let names = sections::names(module)?;
    let entries = names.values().filter_map(|name| module::entry(name));
    Ok(entries.map(str::to_owned).collect())
}
