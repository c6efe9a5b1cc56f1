//! What waits for the driver.
//!
//! Bound: [`OUTBOX_BYTES_MAX`] bytes of fragments. A link whose frame would go beyond is closed as a slow reader, and nothing more is sent
//! on it. All other outputs are few for each input. So memory stays bounded even under a driver that drains late.

use std::{collections::VecDeque, rc::Rc};

use crate::{
    config::OUTBOX_BYTES_MAX,
    io::{LinkId, Output},
    wire::fragment::Fragments,
};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    outputs: VecDeque<Output>,
    /// Of the fragments among them.
    bytes: usize,
    /// The links that were to carry more than fits, in the order in which that happened.
    overflowed: Vec<LinkId>,
}

impl Outbox {
    /// Anything but a fragment.
    pub(crate) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// A frame on a link, whole or not at all.
    pub(crate) fn transmit(&mut self, link: LinkId, frame: &Fragments) {
        if self.overflowed.contains(&link) {
            return;
        }
        if self.bytes + frame.bytes() > OUTBOX_BYTES_MAX {
            self.overflowed.push(link);
            return;
        }
        self.bytes += frame.bytes();
        for bytes in frame.iter() {
            let bytes = Rc::clone(bytes);
            self.outputs.push_back(Output::Transmit { link, bytes });
        }
    }

    /// The next thing for the driver to do.
    pub(crate) fn pop(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front()?;
        if let Output::Transmit { bytes, .. } = &output {
            self.bytes -= bytes.len();
        }
        Some(output)
    }

    /// A link that has to be closed, since it was to carry more than fits.
    pub(crate) fn pop_overflowed(&mut self) -> Option<LinkId> {
        (!self.overflowed.is_empty()).then(|| self.overflowed.remove(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame::Frame;

    fn frame(bytes: usize) -> Fragments {
        let message = vec![0; bytes];
        let wires = vec![message.as_slice().into()];
        Fragments::of(&Frame::Entries { wires })
    }

    #[test]
    fn outputs_come_out_in_order() {
        let mut outbox = Outbox::default();
        outbox.push(Output::HangUp { link: LinkId(1) });
        outbox.transmit(LinkId(2), &frame(1));
        assert_eq!(outbox.pop(), Some(Output::HangUp { link: LinkId(1) }));
        assert!(matches!(outbox.pop(), Some(Output::Transmit { link: LinkId(2), .. })));
        assert_eq!(outbox.pop(), None);
    }

    #[test]
    fn a_frame_beyond_the_bound_closes_its_link_and_no_other() {
        let mut outbox = Outbox::default();
        let large = frame(64 * 1024);
        let fits = OUTBOX_BYTES_MAX / large.bytes();
        for _ in 0..fits {
            outbox.transmit(LinkId(1), &large);
        }
        assert_eq!(outbox.pop_overflowed(), None);
        outbox.transmit(LinkId(2), &large);
        outbox.transmit(LinkId(2), &frame(1));
        outbox.transmit(LinkId(1), &frame(1));
        assert_eq!(
            (outbox.pop_overflowed(), outbox.pop_overflowed()),
            (Some(LinkId(2)), None)
        );
        while let Some(output) = outbox.pop() {
            assert!(matches!(output, Output::Transmit { link: LinkId(1), .. }));
        }
        assert_eq!(outbox.bytes, 0);
    }
}
