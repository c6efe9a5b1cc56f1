//! What the person thinks of others. It is known to this machine alone, and told to nobody.

use std::fmt::Write as _;

use litemap::LiteMap;
use shared::PeerId;

use crate::config::MARKED_MAX;

/// What the person thinks of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// They have compared the safety number, and it is the same.
    pub verified: bool,
    /// They want to see nothing of what this one says.
    pub muted: bool,
}

/// Of whom the person thinks something.
pub type Marks = LiteMap<PeerId, Mark>;

/// Marks somebody, or takes a mark back. Of too many the mark is not taken.
pub fn set(marks: &mut Marks, peer: PeerId, mark: Mark) {
    if mark == Mark::default() {
        marks.remove(&peer);
    } else if marks.len() < MARKED_MAX || marks.contains_key(&peer) {
        marks.insert(peer, mark);
    }
}

/// A text to keep: a line each.
#[must_use]
pub fn to_text(marks: &Marks) -> String {
    let mut text = String::new();
    for (peer, Mark { verified, muted }) in marks {
        // A string takes whatever is written to it.
        let _ = writeln!(text, "{} {} {}", peer.to_text(), u8::from(*verified), u8::from(*muted));
    }
    text
}

/// The marks of a text. What is damaged is left out.
#[must_use]
pub fn from_text(text: &str) -> Marks {
    let mut marks = Marks::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let peer = words.next().and_then(|peer| peer.parse().ok());
        let mut is_set = || words.next() == Some("1");
        let mark = Mark {
            verified: is_set(),
            muted: is_set(),
        };
        if let Some(peer) = peer {
            set(&mut marks, peer, mark);
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(byte: u8) -> PeerId {
        PeerId::from_bytes([byte; 32])
    }

    const VERIFIED: Mark = Mark {
        verified: true,
        muted: false,
    };
    const MUTED: Mark = Mark {
        verified: false,
        muted: true,
    };

    #[test]
    fn marks_survive_as_text_and_what_is_damaged_is_left_out() {
        let mut marks = Marks::new();
        set(&mut marks, peer(1), VERIFIED);
        set(&mut marks, peer(2), MUTED);
        let text = to_text(&marks);
        assert_eq!(from_text(&text), marks);
        assert_eq!(
            from_text(&format!("\nx 1 1\n{text}{} 1", &peer(3).to_text()[1..])),
            marks
        );
    }

    #[test]
    fn a_mark_is_taken_back_and_their_number_is_bounded() {
        let mut marks = Marks::new();
        set(&mut marks, peer(1), MUTED);
        set(&mut marks, peer(1), Mark::default());
        assert!(marks.is_empty());
        for number in 0..u16::try_from(MARKED_MAX).unwrap() + 1 {
            let [high, low] = number.to_be_bytes();
            let mut bytes = [0; 32];
            (bytes[0], bytes[1]) = (high, low);
            set(&mut marks, PeerId::from_bytes(bytes), MUTED);
        }
        assert_eq!(marks.len(), MARKED_MAX);
        set(&mut marks, PeerId::from_bytes([0; 32]), VERIFIED);
        assert_eq!(
            marks.get(&PeerId::from_bytes([0; 32])),
            Some(&VERIFIED),
            "it is there already"
        );
    }
}
