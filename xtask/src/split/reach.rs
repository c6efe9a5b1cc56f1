//! What can be reached without the later part.

use super::linked::Linked;
use super::module::{self, Module};
use anyhow::{Result, anyhow, ensure};
use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use wasm_encoder::MemArg;
use wasm_encoder::reencode::{self, Reencode};
use wasmparser::{ExternalKind, FunctionBody, Operator};

/// What belongs to which part.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// The functions that belong to the first part.
    pub(super) functions: BTreeSet<u32>,
    /// The things in memory that the first part may look at.
    pub(super) things: BTreeSet<usize>,
    /// The functions that lead into the later part.
    pub(super) entries: BTreeSet<u32>,
}

impl Reach {
    /// Follows everything that the module begins with, and stops at the entries.
    pub(super) fn of(module: &Module<'_>, linked: &Linked) -> Result<Self> {
        let entries = module.names.iter().filter(|(_, name)| module::entry(name).is_some());
        let mut reach = Self {
            entries: entries.map(|(function, _)| *function).collect(),
            ..Self::default()
        };
        let exported = module.exports.iter().filter(|export| export.kind == ExternalKind::Func);
        let mut functions: VecDeque<u32> = exported.map(|export| export.index).chain(module.start).collect();
        let is_outside = |word: &&u32| !linked.things.iter().any(|thing| thing.contains(word));
        for word in linked.slot_words.iter().filter(is_outside) {
            functions.extend(module.slots.get(&module.word(*word)));
        }
        let mut things = VecDeque::new();
        for word in linked.address_words.iter().filter(is_outside) {
            things.extend(linked.meant_by(module.word(*word)));
        }
        loop {
            if let Some(function) = functions.pop_front() {
                if reach.entries.contains(&function) || !reach.functions.insert(function) {
                    continue;
                }
                let own = function.checked_sub(module.imported());
                let Some((_, body)) = own.and_then(|own| module.functions.get(usize::try_from(own).ok()?)) else {
                    continue;
                };
                let named = Named::of(body)?;
                functions.extend(named.functions);
                for number in named.numbers {
                    functions.extend(module.slots.get(&number));
                    things.extend(linked.meant_by(number));
                }
            } else if let Some(thing) = things.pop_front() {
                // One behind the last may be meant where nothing is.
                let Some(range) = linked.things.get(thing).filter(|_| reach.things.insert(thing)) else {
                    continue;
                };
                for word in linked.slot_words.range(range.clone()) {
                    functions.extend(module.slots.get(&module.word(*word)));
                }
                for word in linked.address_words.range(range.clone()) {
                    things.extend(linked.meant_by(module.word(*word)));
                }
            } else {
                return Ok(reach);
            }
        }
    }

    /// The module's own functions that belong to the later part.
    pub(super) fn later<'a>(&'a self, module: &'a Module<'_>) -> impl Iterator<Item = u32> + 'a {
        let own = module.bodies().map(|(function, _)| function);
        own.filter(|function| !self.functions.contains(function))
    }
}

/// Everything that a function names.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) functions: BTreeSet<u32>,
    pub(super) types: BTreeSet<u32>,
    pub(super) globals: BTreeSet<u32>,
    pub(super) tables: BTreeSet<u32>,
    /// Constants, and where accesses to memory begin: what may be an address or a slot.
    numbers: BTreeSet<u32>,
    /// What cannot be told apart by number.
    has_segments: bool,
}

impl Named {
    pub(super) fn of(body: &FunctionBody<'_>) -> Result<Self> {
        let mut named = Self::default();
        // Written anew for nowhere: so every kind of instruction is known.
        let mut nowhere = wasm_encoder::CodeSection::new();
        named
            .parse_function_body(&mut nowhere, body.clone())
            .map_err(|error| anyhow!("a function cannot be read: {error:?}"))?;
        ensure!(!named.has_segments, "a function fills memory or a table by itself");
        Ok(named)
    }
}

impl Reencode for Named {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<Infallible>> {
        self.functions.insert(function);
        Ok(function)
    }

    fn type_index(&mut self, kind: u32) -> Result<u32, reencode::Error<Infallible>> {
        self.types.insert(kind);
        Ok(kind)
    }

    fn global_index(&mut self, global: u32) -> Result<u32, reencode::Error<Infallible>> {
        self.globals.insert(global);
        Ok(global)
    }

    fn table_index(&mut self, table: u32) -> Result<u32, reencode::Error<Infallible>> {
        self.tables.insert(table);
        Ok(table)
    }

    fn data_index(&mut self, data: u32) -> Result<u32, reencode::Error<Infallible>> {
        self.has_segments = true;
        Ok(data)
    }

    fn element_index(&mut self, element: u32) -> Result<u32, reencode::Error<Infallible>> {
        self.has_segments = true;
        Ok(element)
    }

    fn mem_arg(&mut self, arg: wasmparser::MemArg) -> Result<MemArg, reencode::Error<Infallible>> {
        self.numbers.extend(u32::try_from(arg.offset));
        reencode::utils::mem_arg(self, arg)
    }

    fn instruction<'a>(
        &mut self,
        operator: Operator<'a>,
    ) -> Result<wasm_encoder::Instruction<'a>, reencode::Error<Infallible>> {
        if let Operator::I32Const { value } = operator {
            self.numbers.insert(value.cast_unsigned());
        }
        reencode::utils::instruction(self, operator)
    }
}
