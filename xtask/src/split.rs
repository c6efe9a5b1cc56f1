//! The app's module in two: what a visit begins with, and what comes later.
//!
//! The later part has everything that only the entries lead to: functions whose names begin with `later_`. Such a function takes a
//! `web::later::Part`, which nobody has before the later part is there; so it is never called before. Both parts have one memory and one
//! table. The first part calls an entry by its slot in the table; the later part gets functions of the first one from there, too.
//!
//! What leads where is read in the optimised module: calls, slots of the table and addresses, each of which may be in code or in memory. Which words of
//! memory are one or the other, and where a thing ends, only the linker knows (`linked`). A number in the code that may be an address counts
//! as one: then something stays in the first part without need, and nothing else. For slots to be told from other numbers, the linker begins the
//! table at [`TABLE_BASE`]; the parts have them from one on.
//!
//! So the two parts do what the whole does, whatever the entries are.

mod linked;
mod module;
mod reach;
mod write;

use anyhow::{Result, ensure};

/// The first slot of the linker's table: within what is the stack, of which code names no address, and no number that code has for another reason,
/// which [`split`] checks.
pub(crate) const TABLE_BASE: u32 = 765_432;

/// The name under which the later part imports from the first one: a function by its slot, all else by the name of the export.
pub(crate) const FIRST: &str = "first";

/// Both modules.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) first: Vec<u8>,
    pub(crate) later: Vec<u8>,
    /// The name under which the first one exports the table.
    pub(crate) table: String,
}

/// Splits a `module` that has the names of its functions still. `linked` is what the linker made of it first.
pub(crate) fn split(linked: &[u8], module: &[u8]) -> Result<Parts> {
    let entries = linked::entries(linked)?;
    ensure!(!entries.is_empty(), "nothing leads into a later part");
    let module = module::Module::of(module)?;
    ensure!(
        module.shared.is_empty() && module.memories.len() == 1 && !module.tables.is_empty(),
        "the module has not one memory and a table of its own: Rust builds it otherwise than before"
    );
    for entry in &entries {
        let mut names = module.names.values().filter_map(|name| module::entry(name));
        ensure!(
            names.any(|name| name == entry),
            "{entry} was put into another function, or is one with another: it has to be `#[inline(never)]`, and more than a call"
        );
    }
    let linked = linked::Linked::of(linked)?;
    let reach = reach::Reach::of(&module, &linked)?;
    write::parts(&module, &linked, &reach)
}

#[cfg(test)]
mod tests {
    use super::module::Module;
    use super::*;
    use wasm_encoder::{
        CodeSection, ConstExpr, CustomSection, DataSection, DataSymbolDefinition, ElementSection, Elements, EntityType,
        ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection,
        InstructionSink, LinkingSection, MemorySection, MemoryType, NameMap, NameSection, RefType, SymbolTable,
        TableSection, TableType, TypeSection, ValType,
    };
    use wasmparser::{Operator, Parser, Payload};

    /// Where the module's memory begins, and its two things there: one of the first part, one of the later.
    const DATA: u32 = 1_024;
    const FIRST_THING: i32 = 1_024;
    const LATER_THING: i32 = 1_032;
    const LATER_BYTES: usize = 16;

    type Write<'a> = &'a dyn Fn(&mut InstructionSink<'_>);

    /// A module of such functions behind one that is imported, of which the first is exported; with two slots, whose functions are the last two.
    fn whole(functions: &[(&str, Write<'_>)]) -> wasm_encoder::Module {
        let (mut types, mut imports, mut own) = (TypeSection::new(), ImportSection::new(), FunctionSection::new());
        let (mut code, mut names, mut named) = (CodeSection::new(), NameSection::new(), NameMap::new());
        types.ty().function([ValType::I64], []);
        types.ty().function([], []);
        imports.import("./web_bg.js", "$00", EntityType::Function(1));
        for (number, (name, write)) in (1..).zip(functions) {
            own.function(1);
            named.append(number, name);
            let mut function = Function::new([]);
            write(&mut function.instructions());
            function.instructions().end();
            code.function(&function);
        }
        names.functions(&named);
        let (mut tables, mut memories, mut globals) = (TableSection::new(), MemorySection::new(), GlobalSection::new());
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            minimum: u64::from(TABLE_BASE) + 2,
            maximum: Some(u64::from(TABLE_BASE) + 2),
            table64: false,
            shared: false,
        });
        memories.memory(MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let stack = GlobalType {
            val_type: ValType::I32,
            mutable: true,
            shared: false,
        };
        globals.global(stack, &ConstExpr::i32_const(1_024));
        let (mut exports, mut elements, mut data) = (ExportSection::new(), ElementSection::new(), DataSection::new());
        exports.export("memory", ExportKind::Memory, 0);
        exports.export("run", ExportKind::Func, 1);
        let last = u32::try_from(functions.len()).unwrap();
        let slots = Elements::Functions(vec![last - 1, last].into());
        elements.active(None, &ConstExpr::i32_const(TABLE_BASE.cast_signed()), slots);
        let mut bytes = [TABLE_BASE, 7].map(u32::to_le_bytes).concat();
        bytes.extend((TABLE_BASE + 1).to_le_bytes());
        bytes.extend(b"later words.");
        data.active(0, &ConstExpr::i32_const(DATA.cast_signed()), bytes);
        let mut module = wasm_encoder::Module::new();
        module.section(&types).section(&imports).section(&own);
        module
            .section(&tables)
            .section(&memories)
            .section(&globals)
            .section(&exports);
        module.section(&elements).section(&code).section(&data).section(&names);
        module
    }

    /// The same as it comes from the linker, which says where the two things and the slots in them are.
    fn with_links(module: wasm_encoder::Module) -> Vec<u8> {
        const TABLE_INDEX_I32: u8 = 2;
        let mut module = module;
        let (mut section, mut start) = (0, 0);
        let mut sections = 0;
        for payload in Parser::new(0).parse_all(module.as_slice()) {
            let payload = payload.unwrap();
            let range = payload.as_section().map(|(_, range)| range);
            if let Payload::DataSection(data) = payload {
                let segment = crate::sections::segments(data).unwrap()[0].2;
                section = sections;
                start = u8::try_from(segment - range.clone().unwrap().start).unwrap();
            }
            sections += u8::from(range.is_some());
        }
        let mut symbols = SymbolTable::new();
        for (name, offset, size) in [("first", 0, 8), ("later", 8, 16)] {
            let place = DataSymbolDefinition { index: 0, offset, size };
            symbols.data(0, name, Some(place));
        }
        let mut linking = LinkingSection::new();
        linking.symbol_table(&symbols);
        module.section(&linking);
        let words = [section, 2, TABLE_INDEX_I32, start, 0, TABLE_INDEX_I32, start + 8, 0];
        module.section(&CustomSection {
            name: "reloc.DATA".into(),
            data: (&words[..]).into(),
        });
        module.finish()
    }

    fn apart(functions: &[(&str, Write<'_>)]) -> Result<Parts> {
        split(&with_links(whole(functions)), &whole(functions).finish())
    }

    const RUN: (&str, Write<'_>) = ("run", &|code| {
        code.call(2).call(3).i32_const(FIRST_THING).drop();
    });
    const SHARED: (&str, Write<'_>) = ("shared", &|code| {
        code.nop();
    });
    const ENTRY: (&str, Write<'_>) = ("web::later_go::h0123456789abcdef", &|code| {
        code.call(4).call(2).call(0).i32_const(LATER_THING).drop();
    });
    const HELPER: (&str, Write<'_>) = ("helper", &|code| {
        code.global_get(0).drop();
    });
    const OF_FIRST: (&str, Write<'_>) = ("of the first thing", &|code| {
        code.i32_const(1).drop();
    });
    const OF_LATER: (&str, Write<'_>) = ("of the later thing", &|code| {
        code.i32_const(2).drop();
    });

    /// All instructions of each function.
    fn code<'a>(module: &Module<'a>) -> Vec<Vec<Operator<'a>>> {
        let body = |(_, body)| -> Vec<_> {
            let body: &wasmparser::FunctionBody<'a> = body;
            let mut all: Vec<_> = body
                .get_operators_reader()
                .unwrap()
                .into_iter()
                .collect::<Result<_, _>>()
                .unwrap();
            all.pop();
            all
        };
        module.bodies().map(body).collect()
    }

    #[test]
    fn what_only_entries_lead_to_comes_later() {
        let parts = apart(&[RUN, SHARED, ENTRY, HELPER, OF_FIRST, OF_LATER]).unwrap();
        let (first, later) = (Module::of(&parts.first).unwrap(), Module::of(&parts.later).unwrap());
        assert!(first.imports.is_empty(), "only the later part calls what is imported");
        let entry_slot = i32::try_from(first.slots.len() + 2).unwrap();
        assert_eq!(
            code(&first),
            [
                vec![
                    Operator::Call { function_index: 1 },
                    Operator::I32Const { value: entry_slot },
                    Operator::CallIndirect {
                        type_index: 0,
                        table_index: 0
                    },
                    Operator::I32Const { value: FIRST_THING },
                    Operator::Drop,
                ],
                vec![Operator::Nop],
                vec![Operator::I32Const { value: 1 }, Operator::Drop],
            ]
        );
        // Of the first thing, shared; of the later thing, the entry.
        assert_eq!(first.slots, [(1, 2), (2, 1)].into());
        let imported = [("./web_bg.js", "$00", 0), (FIRST, "2", 0)];
        assert_eq!(later.imports, imported);
        assert_eq!(later.shared, ["memory", "$t0", "$g0"]);
        assert_eq!(parts.table, "$t0");
        assert_eq!(later.slots, [(3, 4), (4, 2)].into());
        assert_eq!(
            code(&later),
            [
                vec![
                    Operator::Call { function_index: 3 },
                    Operator::Call { function_index: 1 },
                    Operator::Call { function_index: 0 },
                    Operator::I32Const { value: LATER_THING },
                    Operator::Drop,
                ],
                vec![Operator::GlobalGet { global_index: 0 }, Operator::Drop],
                vec![Operator::I32Const { value: 2 }, Operator::Drop],
            ]
        );
    }

    #[test]
    fn each_part_brings_its_own_memory_with_the_new_slots() {
        let parts = apart(&[RUN, SHARED, ENTRY, HELPER, OF_FIRST, OF_LATER]).unwrap();
        let (first, later) = (Module::of(&parts.first).unwrap(), Module::of(&parts.later).unwrap());
        assert_eq!((first.word(DATA), first.word(DATA + 4)), (1, 7));
        let (_, bytes) = first.data[0];
        assert_eq!(bytes[8..], [0; LATER_BYTES]);
        let (address, bytes) = later.data[0];
        assert_eq!((address.cast_signed(), bytes.len()), (LATER_THING, LATER_BYTES));
        assert_eq!(later.word(address), 3);
        assert!(bytes.ends_with(b"later words."));
    }

    #[test]
    fn whatever_may_be_meant_stays() {
        // Within the later thing, as an address of an access would be.
        let looks: (&str, Write<'_>) = ("run", &|code| {
            code.call(2).call(3).i32_const(LATER_THING + 5).drop();
        });
        let parts = apart(&[looks, SHARED, ENTRY, HELPER, OF_FIRST, OF_LATER]).unwrap();
        let (first, later) = (Module::of(&parts.first).unwrap(), Module::of(&parts.later).unwrap());
        assert_eq!(
            (first.functions.len(), later.functions.len()),
            (3, 3),
            "of the later thing, not of the first"
        );
        assert_eq!(
            code(&first)[2],
            code(&Module::of(&whole(&[OF_LATER, OF_LATER]).finish()).unwrap())[0]
        );
        assert!(first.data[0].1.ends_with(b"later words."));
    }

    #[test]
    fn an_entry_that_was_put_into_another_function_is_told_of() {
        let functions = [RUN, SHARED, ENTRY, HELPER, OF_FIRST, OF_LATER];
        let mut renamed = functions;
        renamed[2].0 = "another";
        let error = split(&with_links(whole(&functions)), &whole(&renamed).finish()).unwrap_err();
        assert!(error.to_string().starts_with("later_go was put"), "{error}");
        let error = split(&with_links(whole(&renamed)), &whole(&renamed).finish()).unwrap_err();
        assert_eq!(error.to_string(), "nothing leads into a later part");
    }

    #[test]
    fn a_number_that_looks_like_a_slot_is_told_of() {
        let numbers: (&str, Write<'_>) = ("numbers", &|code| {
            code.i32_const(TABLE_BASE.cast_signed()).drop();
        });
        let error = apart(&[RUN, SHARED, ENTRY, numbers, OF_FIRST, OF_LATER]).unwrap_err();
        assert!(error.to_string().contains("TABLE_BASE"), "{error}");
        assert!(split(b"<html>", b"<html>").is_err());
        let module = whole(&[RUN, SHARED, ENTRY, HELPER, OF_FIRST, OF_LATER]).finish();
        assert!(split(&module, &module).is_err(), "the linker was not asked");
    }
}
