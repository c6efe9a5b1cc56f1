//! The parts of the directory, each of which is in one slot of a cluster with everything that belongs to it.
//!
//! A script of Redis may look at the keys of one slot alone. So a cluster has some *sections*: each room belongs to one, and each section has its own keys of
//! rooms, its own record of the nodes that live, and a channel for each node. A slot that moves takes a whole section with it. A Redis that is no
//! cluster has one section. All nodes of a network count alike.

use shared::RoomId;

/// Sections of a cluster. Each node beats in each, so there are not many; and there are enough for a cluster of some servers to have about the same work.
// No limit: nodes of one network have to count alike.
const IN_CLUSTER: u16 = 32;

/// The slots of a cluster.
// No limit: of the specification.
pub(super) const SLOTS: u16 = 16_384;

/// A part of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// What its keys and channels begin with.
    pub(super) prefix: String,
    /// Where all of them are in a cluster.
    pub(super) slot: u16,
}

/// All sections of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sections(Vec<Section>);

impl Sections {
    /// Of a Redis that is no cluster.
    pub(super) fn alone() -> Self {
        Self(vec![Section {
            prefix: "starling:".to_owned(),
            slot: 0,
        }])
    }

    /// Of a cluster: spread over its slots evenly, for its servers have ranges of these.
    pub(super) fn in_cluster() -> Self {
        let tags = (0..IN_CLUSTER).map(|number| {
            let is_there = |tag: &u32| slot_of(tag.to_string().as_bytes()) / (SLOTS / IN_CLUSTER) == number;
            (0..u32::MAX).find(is_there).unwrap_or_default()
        });
        let section = |tag: u32| Section {
            // Of a key with braces, only what stands between them counts for the slot.
            prefix: format!("starling:{{{tag}}}:"),
            slot: slot_of(tag.to_string().as_bytes()),
        };
        Self(tags.map(section).collect())
    }

    pub(super) fn all(&self) -> &[Section] {
        &self.0
    }

    /// The place of the section that a room belongs to. Ids of rooms are hashes, so each section has about as many.
    pub(super) fn place_of(&self, room: &RoomId) -> usize {
        usize::from(room.as_bytes()[0]) % self.0.len()
    }
}

/// The slot that Redis puts a tag into: its CRC-16 (polynomial 0x1021, from 0), by the Redis cluster specification.
fn slot_of(tag: &[u8]) -> u16 {
    let step = |crc: u16, _| {
        if crc & 0x8000 == 0 {
            crc << 1
        } else {
            (crc << 1) ^ 0x1021
        }
    };
    let byte = |crc: u16, byte: &u8| (0..8).fold(crc ^ (u16::from(*byte) << 8), step);
    tag.iter().fold(0, byte) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(slot_of(b"123456789"), 0x31C3);
        assert_eq!(slot_of(b"foo"), 12_182);
    }

    #[test]
    fn each_server_of_a_cluster_has_about_as_many_sections() {
        let sections = Sections::in_cluster();
        for servers in 3..=8 {
            let mut counts = vec![0; servers];
            for section in sections.all() {
                counts[usize::from(section.slot) * servers / usize::from(SLOTS)] += 1;
            }
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            assert!(most - least <= 2, "{counts:?}");
        }
    }

    #[test]
    fn each_section_has_rooms() {
        for sections in [Sections::alone(), Sections::in_cluster()] {
            let mut counts = vec![0; sections.all().len()];
            for first in 0..=u8::MAX {
                counts[sections.place_of(&RoomId::from_bytes([first; 32]))] += 1;
            }
            let each = 256 / sections.all().len();
            assert!(counts.iter().all(|count| *count == each), "{counts:?}");
        }
    }
}
