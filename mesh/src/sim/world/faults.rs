//! What goes wrong between machines, and what can be looked at or slipped in there.

use std::{collections::BTreeMap, rc::Rc};

use crate::io::{Input, LinkEnd, LinkId, Path};

use super::{
    Body, Simulation, Who, pair,
    wire::{Alteration, Happening},
};

impl<B: Body> Simulation<B> {
    /// Nothing gets through between the two, on old links and new ones.
    pub(crate) fn block(&mut self, one: Who, other: Who) {
        self.net.blocked.insert(pair(one, other));
    }

    pub(crate) fn unblock(&mut self, one: Who, other: Who) {
        self.net.blocked.remove(&pair(one, other));
        for connection in self.connections_between(one, other) {
            self.flush_held(connection);
        }
    }

    /// Their present link dies without a sign.
    pub(crate) fn clog(&mut self, one: Who, other: Who) {
        for connection in self.connections_between(one, other) {
            self.net.connections[connection].clogged = true;
        }
    }

    /// Their present link loses its path, and ICE notices.
    pub(crate) fn break_path(&mut self, one: Who, other: Who) {
        for connection in self.connections_between(one, other) {
            self.net.connections[connection].broken = true;
            self.schedule_wire(
                500,
                Happening::Path {
                    connection,
                    path: Path::Disconnected,
                },
            );
        }
    }

    /// The path comes back by itself.
    pub(crate) fn regain_path(&mut self, one: Who, other: Who) {
        for connection in self.connections_between(one, other) {
            self.net.connections[connection].broken = false;
            self.schedule_wire(
                100,
                Happening::Path {
                    connection,
                    path: Path::Connected,
                },
            );
            self.flush_held(connection);
        }
    }

    /// The browser of `who` gives up the present link, which `other` sees as closed.
    pub(crate) fn fail_link(&mut self, who: Who, other: Who) {
        let links: Vec<_> = self
            .open_links(who)
            .into_iter()
            .filter(|(_, far)| *far == other)
            .collect();
        for (link, _) in links {
            self.close_end(who, link);
            self.input(
                who,
                Input::LinkClosed {
                    link,
                    end: LinkEnd::Failed,
                },
            );
        }
    }

    /// From now on every fragment that `who` sends is made something else.
    pub(crate) fn alter_fragments(&mut self, who: Who, alter: Alteration) {
        self.net.altered.insert(who, alter);
    }

    /// The fragments that `from` sent to `to`, kept since [`Simulation::record`].
    pub(crate) fn recorded(&self, from: Who, to: Who) -> Vec<Rc<[u8]>> {
        let recorded = self.net.recorded.iter();
        let between = recorded.filter(|(sender, recipient, _)| (*sender, *recipient) == (from, to));
        between.map(|(_, _, bytes)| Rc::clone(bytes)).collect()
    }

    /// The fragments that anybody sent, kept since [`Simulation::record`].
    pub(crate) fn all_recorded(&self) -> impl Iterator<Item = &[u8]> {
        self.net.recorded.iter().map(|(_, _, bytes)| &**bytes)
    }

    pub(crate) fn record(&mut self) {
        self.net.records = true;
    }

    /// Sends `bytes` on the open link from `from` to `to`, whatever they are. Says whether there is one.
    pub(crate) fn inject_fragment(&mut self, from: Who, to: Who, bytes: Vec<u8>) -> bool {
        for connection in self.connections_between(from, to) {
            let side = usize::from(self.net.connections[connection].sides[1].0 == to);
            let (_, _, link) = self.net.connections[connection].sides[side];
            if self.machines[to].ends.get(&link).is_some_and(|end| end.open) {
                self.send(connection, side, bytes.into());
                return true;
            }
        }
        false
    }

    /// The open links of `who`, with whom they reach.
    pub(crate) fn open_links(&self, who: Who) -> Vec<(LinkId, Who)> {
        let ends = self.machines[who].ends.iter().filter(|(_, end)| end.open);
        ends.filter_map(|(link, end)| {
            let sides = self.net.connections[end.connection?].sides;
            Some((
                *link,
                sides.into_iter().find(|side| (side.0, side.2) != (who, *link))?.0,
            ))
        })
        .collect()
    }

    /// How many connections were ever made.
    pub(crate) fn connections_made(&self) -> usize {
        self.net.connections.len()
    }

    /// Nothing gets through between those on different sides; without sides, everything does again.
    pub(crate) fn partition(&mut self, sides: BTreeMap<Who, u8>) {
        self.net.sides = sides;
        let mut connections: Vec<_> = (0..self.net.connections.len()).collect();
        connections.sort_by_key(|connection| self.net.connections[*connection].sides.map(|side| side.0));
        for connection in connections {
            self.flush_held(connection);
        }
    }

    /// From now on only those who came one after the other can reach each other.
    pub(crate) fn make_chain(&mut self) {
        self.net.chain = true;
    }
}
