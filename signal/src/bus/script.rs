//! The three scripts, with what goes into them and what comes out, as Redis has it.

use std::time::Duration;

use redis::{Cmd, Value};
use shared::PeerId;

use super::{
    directory::{Answer, Change, News},
    section::{Section, Sections},
    word::{NodeId, Share, Word},
};
use crate::config::{NODE_LIFE, ROOM_LIFE};

/// Runs in Redis, and nothing else runs meanwhile.
#[derive(Debug, Clone, Copy)]
pub(super) enum Script {
    /// A node lives.
    Beat,
    /// A room has changed.
    Change,
    /// Something is for a peer.
    Send,
}

impl Script {
    /// As Redis is told it once a connection.
    pub(super) const fn source(self) -> &'static str {
        match self {
            Self::Beat => include_str!("beat.lua"),
            Self::Change => include_str!("change.lua"),
            Self::Send => include_str!("send.lua"),
        }
    }
}

/// The scripts as one connection knows them: by their hashes.
#[derive(Debug, Clone)]
pub(super) struct Scripts {
    pub(super) beat: String,
    pub(super) change: String,
    pub(super) send: String,
}

/// A script with the keys that it is about, which tell a cluster where it belongs.
fn call(hash: &str, section: &Section, keys: &[&[&[u8]]]) -> Cmd {
    let mut command = redis::cmd("EVALSHA");
    command.arg(hash).arg(keys.len());
    for key in keys {
        command.arg([&[section.prefix.as_bytes()], *key].concat().concat());
    }
    command
}

/// The key of the nodes that live.
const NODES: &[&[u8]] = &[b"nodes"];

impl Scripts {
    /// `node` begins to live, and not as any of these any more.
    pub(super) fn first_beat(&self, section: &Section, node: NodeId, before: &[NodeId]) -> Cmd {
        let mut command = call(&self.beat, section, &[NODES]);
        command.arg(&node.0[..]).arg(NODE_LIFE.as_millis().to_string()).arg(1);
        for before in before {
            command.arg(&before.0[..]);
        }
        command
    }

    /// `node` lives.
    pub(super) fn beat(&self, section: &Section, node: NodeId) -> Cmd {
        let mut command = call(&self.beat, section, &[NODES]);
        command.arg(&node.0[..]).arg(NODE_LIFE.as_millis().to_string()).arg(0);
        command
    }

    /// `node` lives no more.
    pub(super) fn last_beat(&self, section: &Section, node: NodeId) -> Cmd {
        let mut command = call(&self.beat, section, &[NODES]);
        command.arg(&node.0[..]).arg(0).arg(0).arg(&node.0[..]);
        command
    }

    pub(super) fn change(&self, section: &Section, node: NodeId, change: &Change, closing_kept: Duration) -> Cmd {
        let room: &[u8] = change.room.as_bytes();
        let keys: [&[&[u8]]; 4] = [
            NODES,
            &[b"room:", room],
            &[b"peers:", room, &node.0],
            &[b"closing:", room],
        ];
        let mut command = call(&self.change, section, &keys);
        command
            .arg(&section.prefix)
            .arg(&node.0[..])
            .arg(room)
            .arg(ROOM_LIFE.as_millis().to_string())
            .arg(change.share.to_bytes())
            .arg(u8::from(change.news == News::Changed))
            .arg(change.closing.as_deref().unwrap_or_default())
            .arg(closing_kept.as_millis().to_string())
            .arg(change.joined.len());
        for joined in &change.joined {
            command
                .arg(joined.peer.as_bytes())
                .arg(joined.age.as_micros().to_string());
        }
        for peer in &change.left {
            command.arg(peer.as_bytes());
        }
        command
    }

    /// With the place of its section. `None` if the word is for nobody in particular.
    pub(super) fn send(&self, sections: &Sections, node: NodeId, word: &Word) -> Option<(usize, Cmd)> {
        let (room, peer) = word.recipient()?;
        let place = sections.place_of(&room);
        let section = &sections.all()[place];
        let room: &[u8] = room.as_bytes();
        let mut command = call(&self.send, section, &[NODES, &[b"room:", room]]);
        command
            .arg(&section.prefix)
            .arg(&node.0[..])
            .arg(room)
            .arg(peer.as_bytes())
            .arg(word.to_bytes());
        Some((place, command))
    }
}

/// Has what is said to `node` come over the connection. One channel of a node is in each section.
pub(super) fn listen(section: &Section, node: NodeId) -> Cmd {
    let mut command = redis::cmd("SSUBSCRIBE");
    command.arg([section.prefix.as_bytes(), b"node:", &node.0].concat());
    command
}

/// Reads what a beat gives; leaves out what is no id.
pub(super) fn read_nodes(value: Value) -> Vec<NodeId> {
    let Value::Array(nodes) = value else {
        return Vec::new();
    };
    nodes.iter().filter_map(read_node).collect()
}

fn bytes(value: &Value) -> Option<&[u8]> {
    if let Value::BulkString(bytes) = value {
        Some(bytes)
    } else {
        None
    }
}

fn read_node(value: &Value) -> Option<NodeId> {
    bytes(value)?.try_into().ok().map(NodeId)
}

fn read_peer(value: &Value) -> Option<PeerId> {
    bytes(value)?.try_into().ok().map(PeerId::from_bytes)
}

/// Reads what a change gives; `None` if it is not that. Shares that cannot be read are left out: another version of this program may have written them.
pub(super) fn read_answer(value: &Value) -> Option<Answer> {
    let Value::Array(parts) = value else {
        return None;
    };
    let [
        closing,
        Value::Int(entries),
        Value::Array(superseded),
        Value::Array(others),
    ] = parts.as_slice()
    else {
        return None;
    };
    let (others, _) = others.as_chunks();
    Some(Answer {
        closing: bytes(closing).and_then(|text| String::from_utf8(text.to_vec()).ok()),
        entries: u32::try_from(*entries).ok()?,
        superseded: superseded.iter().filter_map(read_peer).collect(),
        others: others
            .iter()
            .filter_map(|[node, share]| Some((read_node(node)?, Share::from_bytes(bytes(share)?)?)))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_what_is_none_is_not() {
        let bulk = |bytes: &[u8]| Value::BulkString(bytes.to_vec());
        let share = Share {
            sequence: 3,
            peers: 1,
            sites: 1,
            sample: vec![PeerId::from_bytes([7; 32])],
        };
        let answer = |node: &[u8]| {
            Value::Array(vec![
                Value::Nil,
                Value::Int(2),
                Value::Array(vec![bulk(&[5; 32]), bulk(b"nobody")]),
                Value::Array(vec![bulk(node), bulk(&share.to_bytes()), bulk(&[2; 16]), bulk(b"?")]),
            ])
        };
        let read = Answer {
            closing: None,
            entries: 2,
            superseded: vec![PeerId::from_bytes([5; 32])],
            others: vec![(NodeId([1; 16]), share.clone())],
        };
        assert_eq!(read_answer(&answer(&[1; 16])), Some(read));
        assert_eq!(read_answer(&answer(b"short")).unwrap().others, []);
        assert_eq!(read_answer(&Value::Okay), None);
        assert_eq!(read_answer(&Value::Array(vec![Value::Nil; 4])), None);
        assert_eq!(
            read_nodes(Value::Array(vec![bulk(&[1; 16]), Value::Nil])),
            [NodeId([1; 16])]
        );
    }
}
