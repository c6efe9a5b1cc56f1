//! A WebAssembly module made easier to compress; nothing that it does is changed.
//!
//! Its functions are put in an order in which each follows one that it resembles: brotli remembers best what was just there. Any order
//! will do for a browser.

use anyhow::{Context, Result, ensure};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, FunctionSection, MemArg, Module, RawSection};
use wasmparser::{Parser, Payload};

/// What two functions have in common is counted in pieces of this length.
const PIECE_BYTES: usize = 4;

/// What more functions than this have tells nothing about any of them, and takes long to look at.
const SHARED_MAX: usize = 1_000;

/// Added to the size of what two functions have together: a few instructions alike are no likeness yet.
const SIZE_BIAS: usize = 20;

/// The same module in an order that compresses better.
pub(super) fn arrange(module: &[u8]) -> Result<Vec<u8>> {
    let functions = Functions::of(module)?;
    let order = functions.by_likeness();
    let mut places = vec![0; order.len()];
    for (place, function) in (functions.imported..).zip(&order) {
        places[*function] = place;
    }
    let mut renumbered = Module::new();
    let mut renumber = Renumber {
        imported: functions.imported,
        places,
    };
    renumber
        .parse_core_module(&mut renumbered, Parser::new(0), module)
        .map_err(|error| anyhow::anyhow!("the module cannot be read: {error:?}"))?;
    reordered(&renumbered.finish(), &order)
}

/// The functions that a module has itself.
struct Functions<'a> {
    /// How many imported ones come before them in the numbering.
    imported: u32,
    types: Vec<u32>,
    bodies: Vec<&'a [u8]>,
}

impl<'a> Functions<'a> {
    fn of(module: &'a [u8]) -> Result<Self> {
        let mut found = Self {
            imported: 0,
            types: Vec::new(),
            bodies: Vec::new(),
        };
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            if let Payload::ImportSection(section) = payload {
                for import in section.into_imports() {
                    found.imported += u32::from(matches!(import?.ty, wasmparser::TypeRef::Func(_)));
                }
            } else if let Payload::FunctionSection(section) = payload {
                found.types = section.into_iter().collect::<Result<_, _>>()?;
            } else if let Payload::CodeSectionEntry(body) = payload {
                found.bodies.push(body.as_bytes());
            }
        }
        ensure!(
            found.types.len() == found.bodies.len(),
            "the module has {} bodies for {} functions",
            found.bodies.len(),
            found.types.len()
        );
        Ok(found)
    }

    /// The numbers of the functions, each behind the one that is most like it among those that are left: the share that two have of
    /// what either has (Jaccard's index), looked for greedily.
    fn by_likeness(&self) -> Vec<usize> {
        let pieces = |body: &&[u8]| body.windows(PIECE_BYTES).map(<[u8]>::to_vec).collect::<BTreeSet<_>>();
        let pieces: Vec<_> = self.bodies.iter().map(pieces).collect();
        let mut with = HashMap::<&[u8], Vec<usize>>::new();
        for (function, pieces) in pieces.iter().enumerate() {
            for piece in pieces {
                with.entry(piece).or_default().push(function);
            }
        }
        with.retain(|_, functions| functions.len() < SHARED_MAX);

        // From the back, where nothing is alike: small ones of one type first.
        let mut left: Vec<_> = (0..self.bodies.len()).collect();
        left.sort_by_key(|function| Reverse((self.types[*function], self.bodies[*function].len(), *function)));
        let mut is_placed = vec![false; self.bodies.len()];
        let mut order = Vec::with_capacity(self.bodies.len());
        let mut next = None;
        while let Some(function) = next.take().or_else(|| left.pop()) {
            if is_placed[function] {
                continue;
            }
            is_placed[function] = true;
            order.push(function);
            let mut shared = HashMap::<usize, usize>::new();
            let alike = pieces[function].iter().filter_map(|piece| with.get(piece.as_slice()));
            for other in alike.flatten().filter(|other| !is_placed[**other]) {
                *shared.entry(*other).or_default() += 1;
            }
            let likeness = |(other, shared): (usize, usize)| {
                let either = pieces[function].len() + pieces[other].len() - shared + SIZE_BIAS;
                // As a fraction of a million: whole numbers have an order.
                (shared * 1_000_000 / either, Reverse(other))
            };
            next = shared.into_iter().map(likeness).max().map(|(_, Reverse(other))| other);
        }
        order
    }
}

/// Gives each function the number of its new place, and each access to memory the alignment that its kind mostly has: by the
/// specification that is a hint, which says nothing about what is accessed.
struct Renumber {
    imported: u32,
    places: Vec<u32>,
}

impl Reencode for Renumber {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<Infallible>> {
        let own = function.checked_sub(self.imported);
        let place = own.and_then(|own| self.places.get(usize::try_from(own).ok()?));
        Ok(place.copied().unwrap_or(function))
    }

    fn mem_arg(&mut self, arg: wasmparser::MemArg) -> Result<MemArg, reencode::Error<Infallible>> {
        let align = arg.max_align;
        reencode::utils::mem_arg(self, wasmparser::MemArg { align, ..arg })
    }
}

/// The module with its functions, which are numbered for it already, in this order.
fn reordered(module: &[u8], order: &[usize]) -> Result<Vec<u8>> {
    let functions = Functions::of(module)?;
    let mut reordered = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::FunctionSection(_) = payload {
            let mut section = FunctionSection::new();
            for function in order {
                section.function(functions.types[*function]);
            }
            reordered.section(&section);
        } else if let Payload::CodeSectionStart { .. } = payload {
            let mut section = CodeSection::new();
            for function in order {
                section.raw(functions.bodies[*function]);
            }
            reordered.section(&section);
        } else if let Some((id, range)) = payload.as_section() {
            let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
            let data = module.get(range).context("a section ends behind the module")?;
            reordered.section(&RawSection { id, data });
        }
    }
    Ok(reordered.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{
        EntityType, ExportKind, ExportSection, Function, ImportSection, InstructionSink, MemorySection, MemoryType,
        TypeSection,
    };

    /// A module of these functions, each exported by its number, behind one that is imported.
    fn module(functions: &[&dyn Fn(&mut InstructionSink<'_>)]) -> Vec<u8> {
        let (mut types, mut imports, mut own) = (TypeSection::new(), ImportSection::new(), FunctionSection::new());
        let (mut memories, mut exports, mut code) = (MemorySection::new(), ExportSection::new(), CodeSection::new());
        types.ty().function([], []);
        imports.import("page", "log", EntityType::Function(0));
        memories.memory(MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        for (number, write) in (1..).zip(functions) {
            own.function(0);
            exports.export(&number.to_string(), ExportKind::Func, number);
            let mut function = Function::new([]);
            write(&mut function.instructions());
            function.instructions().end();
            code.function(&function);
        }
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&own);
        module.section(&memories).section(&exports).section(&code);
        module.finish()
    }

    /// By the names of the exports: the place and the body of each function.
    fn exported(module: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let functions = Functions::of(module).unwrap();
        let mut found = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            if let Payload::ExportSection(exports) = payload.unwrap() {
                for export in exports {
                    let place = export.unwrap().index;
                    let own = usize::try_from(place - functions.imported).unwrap();
                    found.push((place, functions.bodies[own].to_vec()));
                }
            }
        }
        found
    }

    fn numbers(code: &mut InstructionSink<'_>, from: i32) {
        for number in from..from + 20 {
            code.i32_const(number).drop();
        }
    }

    #[test]
    fn what_is_alike_stands_together_and_calls_reach_whom_they_reached() {
        let before = module(&[&|code| numbers(code, 0), &|code| numbers(code, 1_000), &|code| {
            numbers(code, 1);
            code.call(0).call(2);
        }]);
        let arranged = arrange(&before).unwrap();
        let [first, other, third] = <[_; 3]>::try_from(exported(&arranged)).unwrap();
        assert_eq!(first.0.abs_diff(third.0), 1, "{first:?} {other:?} {third:?}");
        let [was_first, was_other, _] = <[_; 3]>::try_from(exported(&before)).unwrap();
        assert_eq!([&first.1, &other.1], [&was_first.1, &was_other.1]);
        let calls = [[0x10, 0], [0x10, u8::try_from(other.0).unwrap()]].concat();
        assert!(third.1.ends_with(&[&calls[..], &[0x0b]].concat()), "{third:?}");
        assert_eq!(arrange(&before).unwrap(), arranged, "the same comes of the same");
    }

    #[test]
    fn accesses_have_the_alignment_of_their_kind() {
        let load = |align| {
            module(&[&|code| {
                code.i32_const(0)
                    .i32_load(MemArg {
                        offset: 8,
                        align,
                        target: wasm_encoder::MemArgTarget::Memory(0),
                        ordering: None,
                    })
                    .drop();
            }])
        };
        assert_eq!(arrange(&load(0)).unwrap(), load(2));
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(arrange(b"<html>").is_err());
    }
}
