//! How many pixels a picture has, by its beginning: what is decoded is bounded before anything decodes it, for a small file can hold a huge picture.
//!
//! The format is told by the first bytes, as browsers tell it, and not by what its sender says. PNG (§5, §11.2.2), JPEG (ITU-T T.81, annex B), GIF89a
//! (§18, §20), WebP (RFC 9649) and BMP are known; what is none of them has no area, and is not shown.

/// How many pixels a picture has that begins like this; `None` if it is of no known format, or its beginning does not say.
#[must_use]
pub fn area(head: &[u8]) -> Option<u64> {
    let (width, height) = match head {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => png(head),
        [0xff, 0xd8, ..] => jpeg(head),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => gif(head),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp(head),
        [b'B', b'M', ..] => bmp(head),
        [..] => None,
    }?;
    Some(u64::from(width) * u64::from(height))
}

type Sides = Option<(u32, u32)>;

fn bytes<const N: usize>(head: &[u8], at: usize) -> Option<[u8; N]> {
    head.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn big(head: &[u8], at: usize) -> Option<u32> {
    bytes(head, at).map(u32::from_be_bytes)
}

fn little(head: &[u8], at: usize) -> Option<u32> {
    bytes(head, at).map(u32::from_le_bytes)
}

fn little_16(head: &[u8], at: usize) -> Option<u32> {
    bytes(head, at).map(|bytes| u16::from_le_bytes(bytes).into())
}

fn png(head: &[u8]) -> Sides {
    (bytes(head, 12)? == *b"IHDR").then_some(())?;
    Some((big(head, 16)?, big(head, 20)?))
}

/// The first frame header says it; what comes before it has lengths.
fn jpeg(head: &[u8]) -> Sides {
    let mut at = 2;
    loop {
        let [0xff, marker] = bytes(head, at)? else { return None };
        match marker {
            // Padding.
            0xff => at += 1,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let side = |at| bytes(head, at).map(|bytes| u32::from(u16::from_be_bytes(bytes)));
                return Some((side(at + 7)?, side(at + 5)?));
            }
            // Stand alone.
            0x01 | 0xd0..=0xd8 => at += 2,
            // Pixels before their frame.
            0xd9..=0xda => return None,
            _ => at += 2 + usize::from(u16::from_be_bytes(bytes(head, at + 2)?)),
        }
    }
}

/// The screen, or the first picture on it if that reaches beyond: browsers enlarge the screen then.
fn gif(head: &[u8]) -> Sides {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut at = 13 + table(*head.get(10)?);
    loop {
        match head.get(at)? {
            // An extension: blocks with their lengths, up to an empty one.
            0x21 => {
                at += 2;
                loop {
                    let length = usize::from(*head.get(at)?);
                    at += 1 + length;
                    if length == 0 {
                        break;
                    }
                }
            }
            0x2c => {
                let side = |screen, place| {
                    let end = little_16(head, at + place)? + little_16(head, at + place + 4)?;
                    little_16(head, screen).map(|screen| screen.max(end))
                };
                return Some((side(6, 1)?, side(8, 3)?));
            }
            _ => return None,
        }
    }
}

fn webp(head: &[u8]) -> Sides {
    match &bytes(head, 12)? {
        b"VP8 " => Some((little_16(head, 26)? & 0x3fff, little_16(head, 28)? & 0x3fff)),
        b"VP8L" => {
            let sides = little(head, 21)?;
            Some(((sides & 0x3fff) + 1, (sides >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => {
            let side = |at| little(head, at).map(|side| (side & 0x00ff_ffff) + 1);
            // The byte after the second side belongs to the next chunk.
            Some((side(24)?, side(27)?))
        }
        _ => None,
    }
}

/// Its height is negative where its rows go down.
fn bmp(head: &[u8]) -> Sides {
    if little(head, 14)? == 12 {
        return Some((little_16(head, 18)?, little_16(head, 20)?));
    }
    let side = |at| bytes(head, at).map(|bytes| i32::from_le_bytes(bytes).unsigned_abs());
    Some((side(18)?, side(22)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(parts: &[&[u8]]) -> Vec<u8> {
        let mut head = parts.concat();
        head.resize(head.len() + 8, 0);
        head
    }

    #[test]
    fn every_format_says_how_many_pixels_it_has() {
        let png = padded(&[b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &[0, 1, 0, 0], &[0, 0, 0, 3]]);
        assert_eq!(area(&png), Some(65_536 * 3));
        // Application data, a comment, padding, a Huffman table, then a progressive frame.
        let jpeg = padded(&[
            &[
                0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xfe, 0, 2, 0xff, 0xff, 0xc4, 0, 3, 9,
            ],
            &[0xff, 0xc2, 0, 17, 8, 0x12, 0x34, 0x01, 0x02],
        ]);
        assert_eq!(area(&jpeg), Some(0x1234 * 0x0102));
        let screen = |flags: u8| [b"GIF89a".as_slice(), &[16, 0, 8, 0, flags, 0, 0]].concat();
        let frame = [0x2c, 4, 0, 0, 0, 20, 0, 2, 0];
        assert_eq!(area(&padded(&[&screen(0), &frame])), Some(24 * 8));
        let extension = [0x21, 0xf9, 2, 7, 7, 1, 7, 0];
        assert_eq!(
            area(&padded(&[&screen(0x80), &[1; 6], &extension, &frame])),
            Some(24 * 8)
        );
        let webp = |chunk: &[u8; 4], fields: &[u8]| padded(&[b"RIFF\0\0\0\0WEBP", chunk, &[0; 4], fields]);
        let lossy = webp(b"VP8 ", &[0, 0, 0, 0x9d, 1, 0x2a, 0x10, 0x40, 0x20, 0x80]);
        assert_eq!(area(&lossy), Some(16 * 32), "scaling is no part of it");
        let lossless = webp(b"VP8L", &[0x2f, 0x0f, 0xc0, 0x07, 0]);
        assert_eq!(area(&lossless), Some(16 * 32));
        let extended = webp(b"VP8X", &[0, 0, 0, 0, 0xff, 0xff, 0xff, 9, 0, 0]);
        assert_eq!(area(&extended), Some(16_777_216 * 10));
        let bmp = padded(&[b"BM", &[0; 12], &[40, 0, 0, 0], &[16, 0, 0, 0], &(-8_i32).to_le_bytes()]);
        assert_eq!(area(&bmp), Some(16 * 8));
        let old = padded(&[b"BM", &[0; 12], &[12, 0, 0, 0], &[16, 0, 8, 0]]);
        assert_eq!(area(&old), Some(16 * 8));
    }

    #[test]
    fn what_is_no_picture_or_is_cut_off_has_no_area() {
        for head in [
            b"".as_slice(),
            b"<svg width='9' height='9'>",
            b"\0\0\0\x1cftypavif",
            b"\xff\xd8\xff\xda\0\x02",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIDAT\0\0\0\x01\0\0\0\x01",
        ] {
            assert_eq!(area(head), None);
        }
    }

    #[test]
    fn whatever_follows_a_beginning_is_read_within_bounds() {
        let starts: [&[u8]; 5] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"BM"];
        let mut state = 1_u32;
        for round in 0..20_000 {
            let rest = (0..round % 97).map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Often what formats have at the beginning of their parts.
                [0xff, 0x21, 0x2c, 0xc0, state.to_le_bytes()[3]][(state as usize >> 8) % 5]
            });
            let head: Vec<u8> = starts[round % 5].iter().copied().chain(rest).collect();
            assert!(area(&head).is_none_or(|area| area < 1 << 62));
        }
    }
}
