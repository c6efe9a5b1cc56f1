//! In a simulation, a thousand nodes of one process get the same record. Each distinct one is checked once, and what came of it
//! is shared.

#[expect(clippy::disallowed_types, reason = "its order is never looked at")]
use std::collections::HashMap;
use std::{any::Any, cell::RefCell, rc::Rc};

use shared::{Label, Room, RoomId, Signature};

use super::{Content, Record, ShortId, Unchecked};
use crate::{config::SIM_RECORDS_MAX, wire::codec::DecodeError};

/// What is checked, as what, of how many bytes, and in which room: everything that a check depends on, author and content by their hash,
/// what travels beside by its own.
type Inputs = (Label, [u8; 32], Signature, usize, RoomId, [u8; 32]);

/// What came of it; a record's type is known by the label.
type Checked = Result<Rc<dyn Any>, DecodeError>;

thread_local! {
    #[expect(clippy::disallowed_types, reason = "its order is never looked at")]
    static MEMO: RefCell<HashMap<ShortId, (Inputs, Checked)>> = RefCell::default();
}

pub(super) fn check<T: Content>(record: &Unchecked<'_>, room: &Room) -> Result<Rc<Record<T>>, DecodeError> {
    let (body, deletion) = (record.body.unwrap_or_default(), record.deletion);
    let beside = match &deletion {
        None => blake3::hash(body),
        Some(deletion) => blake3::keyed_hash(&[1; 32], deletion.as_bytes()),
    };
    let inputs = (
        T::LABEL,
        record.id,
        record.signature,
        record.wire.len(),
        room.id(),
        *beside.as_bytes(),
    );
    if let Some(known) = known(&inputs) {
        return known.map(|record| {
            let record = record.downcast();
            record.expect("invariant: each type of record has its own label")
        });
    }
    let result = record.check_in_full(room);
    note(inputs, result.clone().map(|record| record as Rc<dyn Any>));
    result
}

fn known(inputs: &Inputs) -> Option<Checked> {
    MEMO.with_borrow(|memo| {
        let (known, result) = memo.get(&ShortId::of(&inputs.1))?;
        (known == inputs).then(|| result.clone())
    })
}

fn note(inputs: Inputs, result: Checked) {
    MEMO.with_borrow_mut(|memo| {
        if memo.len() >= SIM_RECORDS_MAX {
            memo.clear();
        }
        memo.insert(ShortId::of(&inputs.1), (inputs, result));
    });
}
