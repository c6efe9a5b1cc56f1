//! How a QR code in a page is read.

use anyhow::{Result, bail};
use serde::Deserialize;

/// An image as a camera sees it.
pub(super) const SCAN: &str = include_str!("scan.js");

/// How many pixels a module of a QR code has for the scanner, across.
const SCAN_SCALE: usize = 3;

/// An image, a pixel to a module.
#[derive(Debug, Deserialize)]
pub(super) struct Picture {
    width: usize,
    height: usize,
    /// 0 is black, 255 is white; row by row.
    light: Vec<u8>,
}

impl Picture {
    /// Finds the one QR code and reads it.
    pub(super) fn read(&self) -> Result<String> {
        let [width, height] = [self.width, self.height].map(|side| side * SCAN_SCALE);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            self.light[y / SCAN_SCALE * self.width + x / SCAN_SCALE]
        });
        let codes = image.detect_grids();
        let [code] = &codes[..] else {
            bail!("it has {} QR codes", codes.len());
        };
        Ok(code.decode()?.1)
    }
}
