//! A text as a QR code that a terminal draws: two modules a letter, one above the other, black on white whatever the terminal's own colours are.

use client::config::QR_QUIET_ZONE;
use qrcodegen::{QrCode, QrCodeEcc};

/// 24-bit black on white, for a terminal's own black may be no black.
const BLACK_ON_WHITE: &str = "\u{1b}[38;2;0;0;0;48;2;255;255;255m";
const AS_BEFORE: &str = "\u{1b}[0m";

/// Draws `text`. Nothing if the code is wider than `columns`, or the text too long for one.
#[must_use]
pub(super) fn qr_code(text: &str, columns: usize) -> Option<String> {
    let lines = modules(text).filter(|lines| lines.iter().all(|line| line.chars().count() <= columns))?;
    let coloured = |line: &String| format!("{BLACK_ON_WHITE}{line}{AS_BEFORE}");
    Some(lines.iter().map(coloured).collect::<Vec<_>>().join("\n"))
}

/// The lines of the code, to be drawn black on white. Nothing if the text is too long for one.
#[must_use]
pub fn modules(text: &str) -> Option<Vec<String>> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let all = -QR_QUIET_ZONE..code.size() + QR_QUIET_ZONE;
    let line = |top: i32| {
        // Beyond the edge all is light.
        let letters = all
            .clone()
            .map(|x| match (code.get_module(x, top), code.get_module(x, top + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        letters.collect()
    };
    Some(all.clone().step_by(2).map(line).collect())
}

/// How many columns the code of a text takes. Nothing if there is none for it.
#[must_use]
pub(super) fn columns_needed(text: &str) -> Option<usize> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    usize::try_from(code.size() + 2 * QR_QUIET_ZONE).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels to a module, for the scanner.
    const SCALE: usize = 3;

    #[test]
    fn a_scanner_reads_what_is_drawn() {
        let invitation = "Ab1-".repeat(250);
        for (text, columns) in [("http://localhost:8080/#/r/tea", 33), (invitation.as_str(), 200)] {
            let drawn = qr_code(text, columns).unwrap();
            let lines: Vec<Vec<char>> = drawn
                .lines()
                .map(|line| {
                    let line = line.strip_prefix(BLACK_ON_WHITE).unwrap();
                    line.strip_suffix(AS_BEFORE).unwrap().chars().collect()
                })
                .collect();
            let side = lines[0].len();
            let is_black = |x: usize, y: usize| {
                let letter = lines[y / 2][x];
                letter == '█' || letter == if y.is_multiple_of(2) { '▀' } else { '▄' }
            };
            let pixels = side * SCALE;
            let mut image =
                rqrr::PreparedImage::prepare_from_bitmap(pixels, pixels, |x, y| is_black(x / SCALE, y / SCALE));
            assert_eq!(image.detect_grids()[0].decode().unwrap().1, text);
        }
    }

    #[test]
    fn what_does_not_fit_is_not_drawn() {
        assert_eq!(qr_code("http://localhost:8080/#/r/tea", 32), None);
        assert_eq!(qr_code(&"x".repeat(5_000), 1_000), None);
    }
}
