//! The disks of machines: what nodes want kept is on them a moment later, unless the machine dies before.

use std::collections::BTreeMap;

use super::{Body, Happening, Life, Simulation, Who};
use crate::io::{Change, Input};

/// What a machine keeps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    pub(crate) records: BTreeMap<Vec<u8>, Vec<u8>>,
    /// When the last change that is under way is done: they are done in order.
    busy_until: u64,
    /// How many changes the node has asked for in this life.
    asked: u64,
    /// Nothing can be stored any more.
    pub(crate) is_full: bool,
}

impl Disk {
    fn apply(&mut self, change: Change) {
        match change.value {
            Some(value) => self.records.insert(change.key, value.to_vec()),
            None => self.records.remove(&change.key),
        };
    }
}

impl<B: Body> Simulation<B> {
    /// A node wants something kept.
    pub(super) fn store(&mut self, who: Who, change: Change) {
        let after = self.chance(who, 1, 20);
        let machine = &mut self.machines[who];
        let disk = &mut machine.disk;
        disk.asked += 1;
        disk.busy_until = disk.busy_until.max(self.millis + after);
        let (life, changes, after) = (machine.life, disk.asked, disk.busy_until - self.millis);
        self.schedule(
            after,
            Happening::Stored {
                who,
                life,
                change,
                changes,
            },
        );
    }

    /// It is on the disk, or cannot be.
    pub(super) fn on_stored(&mut self, who: Who, life: Life, change: Change, changes: u64) {
        let machine = &mut self.machines[who];
        if !machine.alive || machine.life != life {
            return;
        }
        let input = if machine.disk.is_full {
            Input::NotStored
        } else {
            machine.disk.apply(change);
            Input::Stored { changes }
        };
        self.happen(Happening::Input {
            from: who,
            who,
            life,
            input,
        });
    }

    /// A node that was just made goes on from what its machine kept.
    pub(super) fn restore(&mut self, who: Who) {
        if !self.disks {
            return;
        }
        let now = self.now_of(who);
        let machine = &mut self.machines[who];
        (machine.disk.asked, machine.disk.busy_until) = (0, 0);
        let records = machine.disk.records.iter();
        let records = records.map(|(key, value)| (key.clone(), value.clone())).collect();
        machine.body.restore(now, records);
    }
}
