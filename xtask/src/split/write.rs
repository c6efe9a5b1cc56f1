//! The two modules written.

use super::linked::Linked;
use super::module::Module;
use super::reach::{Named, Reach};
use super::{FIRST, Parts};
use anyhow::{Context, Result, anyhow};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ops::Range;
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType, ExportKind, ExportSection,
    FunctionSection, GlobalSection, ImportSection, Instruction, MemorySection, TableSection, TableType, TypeSection,
};
use wasmparser::{ExternalKind, FunctionBody, Operator};

/// Fewer bytes than this are left in the first part: to name them takes as much.
const DATA_MOVED_MIN: usize = 12;

/// Writes both parts.
pub(super) fn parts(module: &Module<'_>, linked: &Linked, reach: &Reach) -> Result<Parts> {
    let plan = Plan::of(module, reach)?;
    let memory = Memory::of(module, linked, reach, &plan);
    Ok(Parts {
        first: first(module, reach, &plan, &memory)?,
        later: later(module, reach, &plan, &memory)?,
        table: Shared::Table(0).name(module),
    })
}

/// What the later part needs of the first one, and how the table is shared.
struct Plan {
    /// By the old number of each slot, the new one.
    slots: BTreeMap<u32, u32>,
    /// The functions of the slots, from the second one on: the first stays empty, for it is what a missing function is.
    order: Vec<u32>,
    /// How many of these belong to the first part.
    first_slots: usize,
    /// A new slot of each function that has any.
    slot_of: BTreeMap<u32, u32>,
    /// What the later part names.
    named: Named,
}

impl Plan {
    fn of(module: &Module<'_>, reach: &Reach) -> Result<Self> {
        let mut named = Named::default();
        for (function, body) in module.bodies() {
            if !reach.functions.contains(&function) {
                let more = Named::of(body)?;
                named.functions.extend(more.functions);
                named.types.extend(more.types);
                named.globals.extend(more.globals);
                named.tables.extend(more.tables);
                named.types.extend(module.type_of(function));
            }
        }
        // Both fill the table.
        named.tables.insert(0);
        let is_first = |function: &u32| reach.functions.contains(function);
        let is_own = |function: &u32| *function >= module.imported();
        // What the page hands to every module may be in the table without the first part calling it.
        let belongs_to_first = |function: &u32| is_first(function) || !is_own(function);
        let (first, later): (Vec<_>, Vec<_>) = module
            .slots
            .iter()
            .partition(|(_, function)| belongs_to_first(function));
        let in_table: BTreeSet<u32> = module.slots.values().copied().collect();
        let without_slot = |functions: &BTreeSet<u32>| -> Vec<u32> {
            functions
                .iter()
                .copied()
                .filter(|function| !in_table.contains(function))
                .collect()
        };
        let needed = named
            .functions
            .iter()
            .copied()
            .filter(|function| is_first(function) && is_own(function));
        let needed = without_slot(&needed.collect());
        let mut plan = Self {
            slots: BTreeMap::new(),
            order: Vec::new(),
            first_slots: first.len() + needed.len(),
            slot_of: BTreeMap::new(),
            named,
        };
        let old = |(slot, function): (&u32, &u32)| (Some(*slot), *function);
        let new = |function: u32| (None, function);
        let order = first.into_iter().map(old);
        let order = order
            .chain(needed.into_iter().map(new))
            .chain(later.into_iter().map(old));
        for (slot, function) in order.chain(without_slot(&reach.entries).into_iter().map(new)) {
            plan.order.push(function);
            let place = u32::try_from(plan.order.len())?;
            plan.slots.extend(slot.map(|slot| (slot, place)));
            plan.slot_of.insert(function, place);
        }
        Ok(plan)
    }

    /// Everything of the first part that is no function and that the later part needs.
    fn shared(&self) -> impl Iterator<Item = Shared> + '_ {
        let tables = self.named.tables.iter().copied().map(Shared::Table);
        let globals = self.named.globals.iter().copied().map(Shared::Global);
        std::iter::once(Shared::Memory).chain(tables).chain(globals)
    }
}

/// What both parts have together, by number; there is one memory.
#[derive(Debug, Clone, Copy)]
enum Shared {
    Memory,
    Table(u32),
    Global(u32),
}

impl Shared {
    fn export(self) -> (ExternalKind, ExportKind, u32) {
        match self {
            Self::Memory => (ExternalKind::Memory, ExportKind::Memory, 0),
            Self::Table(table) => (ExternalKind::Table, ExportKind::Table, table),
            Self::Global(global) => (ExternalKind::Global, ExportKind::Global, global),
        }
    }

    /// The name by which it is exported already.
    fn exported<'a>(self, module: &Module<'a>) -> Option<&'a str> {
        let (kind, _, index) = self.export();
        let mut exports = module.exports.iter();
        let export = exports.find(|export| export.kind == kind && export.index == index);
        export.map(|export| export.name)
    }

    /// The name by which the later part gets it.
    fn name(self, module: &Module<'_>) -> String {
        let new = || match self {
            Self::Memory => "$m".to_owned(),
            Self::Table(table) => format!("$t{table}"),
            Self::Global(global) => format!("$g{global}"),
        };
        self.exported(module).map_or_else(new, str::to_owned)
    }
}

/// What memory begins with, by part.
struct Memory {
    first: Vec<(u32, Vec<u8>)>,
    later: Vec<(u32, Vec<u8>)>,
}

impl Memory {
    fn of(module: &Module<'_>, linked: &Linked, reach: &Reach, plan: &Plan) -> Self {
        let mut first: Vec<_> = module
            .data
            .iter()
            .map(|(address, bytes)| (*address, bytes.to_vec()))
            .collect();
        for word in &linked.slot_words {
            if let Some(place) = plan.slots.get(&module.word(*word)) {
                put(&mut first, *word, &place.to_le_bytes());
            }
        }
        let mut later = Vec::<(u32, Vec<u8>)>::new();
        let things = linked.things.iter().enumerate();
        for (_, Range { start, end }) in things.filter(|(thing, _)| !reach.things.contains(thing)) {
            for (address, bytes) in &mut first {
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let (from, to) = ((*start).max(*address), (*end).min(address.saturating_add(length)));
                let place = |place: u32| usize::try_from(place.saturating_sub(*address)).unwrap_or(usize::MAX);
                let Some(moved) = (from < to).then(|| place(from)..place(to)) else {
                    continue;
                };
                if moved.len() < DATA_MOVED_MIN {
                    continue;
                }
                match later.last_mut() {
                    Some((before, last)) if u32::try_from(last.len()).is_ok_and(|length| *before + length == from) => {
                        last.extend(&bytes[moved.clone()]);
                    }
                    Some(_) | None => later.push((from, bytes[moved.clone()].to_vec())),
                }
                // Nothing compresses better.
                bytes[moved].fill(0);
            }
        }
        Self { first, later }
    }
}

fn put(data: &mut [(u32, Vec<u8>)], address: u32, bytes: &[u8]) {
    for (byte, address) in bytes.iter().zip(address..) {
        for (start, part) in data.iter_mut() {
            let offset = address
                .checked_sub(*start)
                .and_then(|offset| usize::try_from(offset).ok());
            if let Some(place) = offset.and_then(|offset| part.get_mut(offset)) {
                *place = *byte;
            }
        }
    }
}

/// Gives everything the number that it has in one of the parts.
struct Renumber<'a> {
    functions: BTreeMap<u32, u32>,
    types: BTreeMap<u32, u32>,
    globals: BTreeMap<u32, u32>,
    tables: BTreeMap<u32, u32>,
    module: &'a Module<'a>,
    plan: &'a Plan,
}

impl Reencode for Renumber<'_> {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<Infallible>> {
        Ok(self.functions[&function])
    }

    fn type_index(&mut self, kind: u32) -> Result<u32, reencode::Error<Infallible>> {
        Ok(self.types[&kind])
    }

    fn global_index(&mut self, global: u32) -> Result<u32, reencode::Error<Infallible>> {
        Ok(self.globals[&global])
    }

    fn table_index(&mut self, table: u32) -> Result<u32, reencode::Error<Infallible>> {
        Ok(self.tables[&table])
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, reencode::Error<Infallible>> {
        if let Operator::I32Const { value } = operator
            && let Some(slot) = self.plan.slots.get(&value.cast_unsigned())
        {
            return Ok(Instruction::I32Const(slot.cast_signed()));
        }
        reencode::utils::instruction(self, operator)
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            if let Operator::Call { function_index } = operator
                && !self.functions.contains_key(&function_index)
                && let Some(slot) = self.plan.slot_of.get(&function_index)
                && let Some(kind) = self.module.type_of(function_index)
            {
                // An entry: the function is in the table once the later part is there.
                function.instruction(&Instruction::I32Const(slot.cast_signed()));
                let (type_index, table_index) = (self.types[&kind], self.tables[&0]);
                function.instruction(&Instruction::CallIndirect {
                    type_index,
                    table_index,
                });
            } else {
                function.instruction(&self.instruction(operator)?);
            }
        }
        code.function(&function);
        Ok(())
    }
}

/// New numbers, in the order of the old ones.
fn numbered(old: impl IntoIterator<Item = u32>) -> BTreeMap<u32, u32> {
    old.into_iter().zip(0..).collect()
}

impl<'a> Renumber<'a> {
    fn types(&mut self) -> Result<TypeSection> {
        let mut section = TypeSection::new();
        for kind in self.types.clone().into_keys() {
            let kind = self
                .module
                .types
                .get(usize::try_from(kind)?)
                .context("a type is missing")?;
            section.ty().func_type(&self.func_type(kind.clone()).map_err(unread)?);
        }
        Ok(section)
    }

    fn code(&mut self, functions: &[u32]) -> Result<(FunctionSection, CodeSection)> {
        let (mut kinds, mut code) = (FunctionSection::new(), CodeSection::new());
        for function in functions {
            let own = usize::try_from(function - self.module.imported())?;
            let (kind, body) = self.module.functions.get(own).context("a function is missing")?;
            kinds.function(self.types[kind]);
            self.parse_function_body(&mut code, body.clone()).map_err(unread)?;
        }
        Ok((kinds, code))
    }

    /// The type of a table. The first one has room for both parts.
    fn table(&mut self, table: u32) -> Result<TableType> {
        let kind = self.module.tables[usize::try_from(table)?];
        let mut kind = self.table_type(kind).map_err(unread)?;
        if table == 0 {
            kind.minimum = u64::try_from(self.plan.order.len())? + 1;
            kind.maximum = kind.maximum.map(|_| kind.minimum);
        }
        Ok(kind)
    }

    /// Fills the slots from this one on.
    fn elements(&self, slot: usize, functions: &[u32]) -> Result<ElementSection> {
        let functions = functions.iter().map(|function| self.functions[function]).collect();
        let mut section = ElementSection::new();
        let table = Some(self.tables[&0]).filter(|table| *table > 0);
        let slot = ConstExpr::i32_const(i32::try_from(slot + 1)?);
        section.active(table, &slot, Elements::Functions(Cow::Owned(functions)));
        Ok(section)
    }
}

fn unread(error: reencode::Error<Infallible>) -> anyhow::Error {
    anyhow!("the module cannot be read: {error:?}")
}

fn data(segments: &[(u32, Vec<u8>)]) -> DataSection {
    let mut section = DataSection::new();
    for (address, bytes) in segments {
        section.active(0, &ConstExpr::i32_const(address.cast_signed()), bytes.iter().copied());
    }
    section
}

fn first(module: &Module<'_>, reach: &Reach, plan: &Plan, memory: &Memory) -> Result<Vec<u8>> {
    let own: Vec<u32> = module
        .bodies()
        .map(|(function, _)| function)
        .filter(|function| reach.functions.contains(function))
        .collect();
    let in_slots: BTreeSet<u32> = plan.order[..plan.first_slots].iter().copied().collect();
    let imported: Vec<u32> = (0..module.imported())
        .filter(|function| reach.functions.contains(function) || in_slots.contains(function))
        .collect();
    let mut types: BTreeSet<u32> = imported
        .iter()
        .filter_map(|function| module.type_of(*function))
        .collect();
    types.extend(reach.entries.iter().filter_map(|function| module.type_of(*function)));
    for (function, body) in module.bodies() {
        if reach.functions.contains(&function) {
            types.extend(Named::of(body)?.types);
            types.extend(module.type_of(function));
        }
    }
    let mut renumber = Renumber {
        functions: numbered(imported.iter().chain(&own).copied()),
        types: numbered(types),
        globals: numbered(0..u32::try_from(module.globals.len())?),
        tables: numbered(0..u32::try_from(module.tables.len())?),
        module,
        plan,
    };
    let mut imports = ImportSection::new();
    for function in imported {
        let (from, name, kind) = module.imports[usize::try_from(function)?];
        imports.import(from, name, EntityType::Function(renumber.types[&kind]));
    }
    let mut tables = TableSection::new();
    for table in 0..u32::try_from(module.tables.len())? {
        tables.table(renumber.table(table)?);
    }
    let mut memories = MemorySection::new();
    for memory in &module.memories {
        memories.memory(renumber.memory_type(*memory).map_err(unread)?);
    }
    let mut globals = GlobalSection::new();
    for global in &module.globals {
        renumber.parse_global(&mut globals, global.clone()).map_err(unread)?;
    }
    let exports = exports(module, plan, &mut renumber)?;
    let (kinds, code) = renumber.code(&own)?;
    let elements = renumber.elements(0, &plan.order[..plan.first_slots])?;
    let mut written = wasm_encoder::Module::new();
    written.section(&renumber.types()?).section(&imports).section(&kinds);
    written
        .section(&tables)
        .section(&memories)
        .section(&globals)
        .section(&exports);
    if let Some(start) = module.start {
        let function_index = renumber.functions[&start];
        written.section(&wasm_encoder::StartSection { function_index });
    }
    written.section(&elements).section(&code).section(&data(&memory.first));
    Ok(written.finish())
}

fn exports(module: &Module<'_>, plan: &Plan, renumber: &mut Renumber<'_>) -> Result<ExportSection> {
    let mut section = ExportSection::new();
    for export in &module.exports {
        renumber.parse_export(&mut section, *export).map_err(unread)?;
    }
    for shared in plan.shared().filter(|shared| shared.exported(module).is_none()) {
        let (_, kind, index) = shared.export();
        section.export(&shared.name(module), kind, index);
    }
    Ok(section)
}

fn later(module: &Module<'_>, reach: &Reach, plan: &Plan, memory: &Memory) -> Result<Vec<u8>> {
    let own: Vec<u32> = reach.later(module).collect();
    let is_own: BTreeSet<u32> = own.iter().copied().collect();
    let of_first: Vec<u32> = plan
        .named
        .functions
        .iter()
        .copied()
        .filter(|function| !is_own.contains(function))
        .collect();
    let mut types = plan.named.types.clone();
    types.extend(of_first.iter().filter_map(|function| module.type_of(*function)));
    let mut renumber = Renumber {
        functions: numbered(of_first.iter().chain(&own).copied()),
        types: numbered(types),
        globals: numbered(plan.named.globals.iter().copied()),
        tables: numbered(plan.named.tables.iter().copied()),
        module,
        plan,
    };
    let mut imports = ImportSection::new();
    for function in of_first {
        let kind = module.type_of(function).context("a function is missing")?;
        let kind = EntityType::Function(renumber.types[&kind]);
        match module.imports.get(usize::try_from(function)?) {
            // What the page hands to every module.
            Some((from, name, _)) => imports.import(from, name, kind),
            None => imports.import(FIRST, &plan.slot_of[&function].to_string(), kind),
        };
    }
    for shared in plan.shared() {
        let kind = match shared {
            Shared::Memory => EntityType::Memory(renumber.memory_type(module.memories[0]).map_err(unread)?),
            Shared::Table(table) => EntityType::Table(renumber.table(table)?),
            Shared::Global(global) => {
                let global = module.globals[usize::try_from(global)?].ty;
                EntityType::Global(renumber.global_type(global).map_err(unread)?)
            }
        };
        imports.import(FIRST, &shared.name(module), kind);
    }
    let (kinds, code) = renumber.code(&own)?;
    let elements = renumber.elements(plan.first_slots, &plan.order[plan.first_slots..])?;
    let mut written = wasm_encoder::Module::new();
    written.section(&renumber.types()?).section(&imports).section(&kinds);
    written.section(&elements).section(&code).section(&data(&memory.later));
    Ok(written.finish())
}
