//! What several steps read in a WebAssembly module: the names of its functions, and what memory begins with.

use anyhow::{Result, bail};
use std::collections::BTreeMap;
use wasmparser::{DataKind, DataSectionReader, KnownCustom, Name, Operator, Parser, Payload};

/// The names of functions, if the module has any.
pub(crate) fn names(module: &[u8]) -> Result<BTreeMap<u32, &str>> {
    let mut names = BTreeMap::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::CustomSection(custom) = payload? else {
            continue;
        };
        let KnownCustom::Name(sections) = custom.as_known() else {
            continue;
        };
        for section in sections {
            if let Name::Function(functions) = section? {
                for naming in functions {
                    let naming = naming?;
                    names.insert(naming.index, naming.name);
                }
            }
        }
    }
    Ok(names)
}

/// Of each segment: address, bytes, and where these begin in the module.
pub(crate) fn segments(section: DataSectionReader<'_>) -> Result<Vec<(u32, &[u8], u64)>> {
    let mut segments = Vec::new();
    for data in section {
        let data = data?;
        let DataKind::Active { offset_expr, .. } = data.kind else {
            bail!("not all of memory is filled at the start");
        };
        let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? else {
            bail!("a part of memory is at no fixed place");
        };
        let start = data.range.end - u64::try_from(data.data.len())?;
        segments.push((value.cast_unsigned(), data.data, start));
    }
    Ok(segments)
}
