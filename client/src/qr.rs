//! A text as a QR code (ISO/IEC 18004), drawn as one path.
//!
//! Deviation: one mask for all texts, instead of the best of eight (§7.8.3). Trying them is a sixth of the encoder, and no
//! mask suits sealed texts, which are as good as random, better than another.

use std::fmt::Write;

use qrcodegen::{Mask, QrCode, QrCodeEcc, QrSegment, Version};

use crate::config::QR_QUIET_ZONE;

/// A QR code, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// How wide and high it is, in modules, with the quiet zone.
    pub side: i32,
    /// What is black: one SVG path of bars a module high, from 0 to `side`.
    pub path: String,
}

/// Draws `text`, or `None` if it is longer than the 2,953 bytes that the largest code takes.
#[must_use]
pub fn draw(text: &str) -> Option<Drawing> {
    let code = QrCode::encode_segments_advanced(
        &[QrSegment::make_bytes(text.as_bytes())],
        QrCodeEcc::Low,
        Version::MIN,
        Version::MAX,
        Some(Mask::new(0)),
        false,
    )
    .ok()?;
    let size = code.size();
    let mut path = String::new();
    for y in 0..size {
        let mut x = 0;
        while x < size {
            let start = x;
            // Beyond the edge all is light.
            while code.get_module(x, y) {
                x += 1;
            }
            let (length, left, top) = (x - start, start + QR_QUIET_ZONE, y + QR_QUIET_ZONE);
            if length > 0 {
                // A string takes whatever is written to it.
                let _ = write!(path, "M{left} {top}h{length}v1h-{length}");
            }
            x += 1;
        }
    }
    Some(Drawing {
        side: size + 2 * QR_QUIET_ZONE,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels to a module, for the scanner.
    const SCALE: usize = 3;

    /// The longest text that there is a code for.
    const LONGEST: usize = 2_953;

    /// The picture that the path makes, row by row.
    fn picture(drawing: &Drawing) -> Vec<Vec<bool>> {
        let side = usize::try_from(drawing.side).unwrap();
        let mut picture = vec![vec![false; side]; side];
        for bar in drawing.path.split('M').skip(1) {
            let numbers: Vec<usize> = bar
                .split([' ', 'h', 'v', '-'])
                .filter_map(|number| number.parse().ok())
                .collect();
            let [x, y, length, 1, back] = numbers[..] else {
                panic!("not a bar: {bar}");
            };
            assert_eq!(bar, format!("{x} {y}h{length}v1h-{back}"));
            assert_eq!(length, back);
            for module in &mut picture[y][x..x + length] {
                assert!(!*module, "drawn twice");
                *module = true;
            }
        }
        picture
    }

    /// What a camera in front of the drawing reads.
    fn scan(drawing: &Drawing) -> String {
        let picture = picture(drawing);
        let side = picture.len() * SCALE;
        let mut image = rqrr::PreparedImage::prepare_from_bitmap(side, side, |x, y| picture[y / SCALE][x / SCALE]);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    /// As long and as random as what is sealed.
    fn sealed(bytes: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut state: u32 = 1;
        (0..bytes)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from(ALPHABET[(state >> 26) as usize])
            })
            .collect()
    }

    #[test]
    fn a_scanner_reads_the_text() {
        for text in ["a", "https://example.org/#/r/town%20hall", "Zoë 🦜"] {
            assert_eq!(scan(&draw(text).unwrap()), text);
        }
        for bytes in [100, 900, 1_500, LONGEST] {
            let text = sealed(bytes);
            assert_eq!(scan(&draw(&text).unwrap()), text);
        }
    }

    #[test]
    fn three_corners_have_a_finder_pattern_and_all_sides_a_quiet_zone() {
        const FINDER: [&str; 7] = [
            "#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######",
        ];
        let picture = picture(&draw("a").unwrap());
        // Version 1: 21 modules.
        assert_eq!(picture.len(), 4 + 21 + 4);
        for (left, top) in [(4, 4), (4 + 14, 4), (4, 4 + 14)] {
            for (y, row) in FINDER.iter().enumerate() {
                let drawn: String = picture[top + y][left..left + 7]
                    .iter()
                    .map(|black| if *black { '#' } else { '.' })
                    .collect();
                assert_eq!(drawn, *row);
            }
        }
        let black = |x: usize, y: usize| picture[y][x];
        for along in 0..29 {
            for edge in [0, 1, 2, 3, 25, 26, 27, 28] {
                assert!(!black(along, edge) && !black(edge, along));
            }
        }
    }

    #[test]
    fn the_code_is_as_small_as_the_text_allows() {
        // Capacities in bytes at the lowest correction, from the standard's table 7.
        for (bytes, version) in [(17, 1), (18, 2), (271, 10), (858, 20), (1_732, 30), (LONGEST, 40)] {
            assert_eq!(draw(&sealed(bytes)).unwrap().side, 17 + 4 * version + 8, "{bytes}");
        }
    }

    #[test]
    fn there_is_no_code_for_a_longer_text() {
        assert_eq!(draw(&sealed(LONGEST + 1)), None);
        assert_eq!(draw(&sealed(100_000)), None);
    }
}
