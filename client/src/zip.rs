//! A folder as one file: a ZIP archive (PKWARE APPNOTE 6.3.10) whose entries are stored as they are.
//!
//! So a folder is offered, fetched and verified like any other file, and every system opens it. Here are only the parts between the files;
//! whoever packs puts each file after its [`Packer::header`], and [`Packer::finish`] behind them all.
//!
//! Nothing is compressed, for what is large is compressed already. There is no ZIP64: an archive has [`FOLDER_BYTES_MAX`] bytes and
//! [`FOLDER_FILES_MAX`] files at most. Empty folders are left out, and so are dates and permissions: the same files in the same order make the same archive.

use litemap::LiteMap;

use crate::{
    config::{FOLDER_BYTES_MAX, FOLDER_FILES_MAX},
    files::saved_name,
};

/// A file is in no archive: it would be too large, or have too many of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// The check sum of a file, as ZIP has it (CRC-32 of IEEE 802.3).
#[derive(Debug, Clone)]
pub struct Crc {
    table: [u32; 256],
    sum: u32,
}

impl Default for Crc {
    fn default() -> Self {
        let mut table = [0; 256];
        for (byte, entry) in (0_u32..).zip(&mut table) {
            let step = |sum: u32, _| sum >> 1 ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
            *entry = (0..8).fold(byte, step);
        }
        let sum = u32::MAX;
        Self { table, sum }
    }
}

impl Crc {
    /// Takes the next part.
    pub fn update(&mut self, part: &[u8]) {
        self.sum = part.iter().fold(self.sum, |sum, byte| {
            let [low, ..] = sum.to_le_bytes();
            sum >> 8 ^ self.table[usize::from(low ^ byte)]
        });
    }

    /// The sum of all parts.
    #[must_use]
    pub const fn finish(&self) -> u32 {
        !self.sum
    }
}

/// Makes an archive, file by file.
#[derive(Debug, Default)]
pub struct Packer {
    names: LiteMap<String, ()>,
    directory: Vec<u8>,
    /// How long the archive is so far.
    bytes: u64,
}

impl Packer {
    /// What stands before the next file. `path`: where it is in its folder, with `/` between the parts. A path that leads out of the folder, or
    /// that some system gives a meaning of its own, is made harmless; two of the same name are told apart.
    ///
    /// # Errors
    /// [`Full`], and nothing has changed.
    pub fn header(&mut self, path: &str, bytes: u64, crc: u32) -> Result<Vec<u8>, Full> {
        let mut name = harmless(path);
        while self.names.contains_key(&name) {
            name.insert(0, '_');
        }
        let length = u16::try_from(name.len()).map_err(|_| Full)?;
        let header_bytes = 30 + u64::from(length);
        // Each name is there twice, and there is an end.
        let directory = self.directory.len() as u64 + 46 + u64::from(length) + 22;
        let all = self.bytes.saturating_add(header_bytes).saturating_add(bytes);
        if all.saturating_add(directory) > FOLDER_BYTES_MAX || self.names.len() == FOLDER_FILES_MAX {
            return Err(Full);
        }
        let [offset, bytes] = [self.bytes, bytes].map(u32::try_from);
        let (offset, bytes) = (offset.map_err(|_| Full)?, bytes.map_err(|_| Full)?);
        // Version 2.0, names in UTF-8, stored, midnight of 1980-01-01.
        let mut fields = vec![20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0];
        for field in [crc, bytes, bytes] {
            fields.extend(field.to_le_bytes());
        }
        fields.extend(length.to_le_bytes());
        fields.extend([0, 0]);
        self.directory.extend(b"PK\x01\x02\x14\0");
        self.directory.extend(&fields);
        // No comment, the first disk, no attributes.
        self.directory.extend([0; 10]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.bytes = all;
        let header = [b"PK\x03\x04", fields.as_slice(), name.as_bytes()].concat();
        self.names.insert(name, ());
        Ok(header)
    }

    /// What stands behind all files.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let files = u16::try_from(self.names.len()).unwrap_or(u16::MAX).to_le_bytes();
        let [length, offset] = [self.directory.len() as u64, self.bytes]
            .map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes());
        let end = [
            b"PK\x05\x06\0\0\0\0".as_slice(),
            &files,
            &files,
            &length,
            &offset,
            &[0, 0],
        ];
        let mut tail = self.directory;
        tail.extend(end.concat());
        tail
    }
}

/// A path within its folder, each part of which every file system takes.
fn harmless(path: &str) -> String {
    let parts = path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
    let parts: Vec<_> = parts.map(saved_name).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc(content: &[u8]) -> u32 {
        let mut crc = Crc::default();
        for part in content.chunks(3) {
            crc.update(part);
        }
        crc.finish()
    }

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut packer = Packer::default();
        let mut archive = Vec::new();
        for (path, content) in files {
            archive.extend(packer.header(path, content.len() as u64, crc(content)).unwrap());
            archive.extend(*content);
        }
        archive.extend(packer.finish());
        archive
    }

    #[test]
    fn the_check_sum_is_that_of_the_standard() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc(b""), 0);
    }

    #[test]
    fn an_archive_has_every_file_where_its_directory_says() {
        let files: [(&str, &[u8]); 3] = [("a/é.txt", b"hello"), ("a/empty", b""), ("b.bin", &[7; 300])];
        let archive = packed(&files);
        let number = |at: usize, length: usize| {
            let bytes = archive[at..at + length].iter().rev();
            bytes.fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
        };
        let end = archive.len() - 22;
        assert_eq!(&archive[end..end + 4], b"PK\x05\x06");
        assert_eq!((number(end + 8, 2), number(end + 10, 2)), (3, 3));
        let mut at = number(end + 16, 4);
        assert_eq!(at + number(end + 12, 4), end);
        for (name, content) in files {
            assert_eq!(&archive[at..at + 4], b"PK\x01\x02");
            let (length, local) = (number(at + 28, 2), number(at + 42, 4));
            assert_eq!(&archive[at + 46..at + 46 + length], name.as_bytes());
            assert_eq!(
                (number(at + 16, 4), number(at + 24, 4)),
                (crc(content) as usize, content.len())
            );
            assert_eq!(&archive[local..local + 4], b"PK\x03\x04");
            // All that both have is the same.
            assert_eq!(archive[local + 4..local + 30], archive[at + 6..at + 32]);
            let start = local + 30 + number(local + 26, 2);
            assert_eq!(&archive[start..start + content.len()], content);
            at += 46 + length;
        }
        assert_eq!(at, end);
    }

    #[test]
    fn paths_stay_in_their_folder_and_are_told_apart() {
        for (path, name) in [
            ("photos/one.jpg", "photos/one.jpg"),
            ("../../etc/passwd", "_/_/etc/passwd"),
            ("/etc/./passwd", "etc/passwd"),
            ("C:\\con\\a", "C_/_con/a"),
            ("a/..", "a/_"),
        ] {
            assert_eq!(harmless(path), name);
        }
        let mut packer = Packer::default();
        let mut name = |path| String::from_utf8(packer.header(path, 0, 0).unwrap()[30..].to_vec()).unwrap();
        assert_eq!(["a:b", "a?b", "a*b"].map(&mut name), ["a_b", "_a_b", "__a_b"]);
    }

    #[test]
    fn an_archive_that_would_be_too_large_is_refused_and_nothing_changes() {
        let mut packer = Packer::default();
        assert_eq!(packer.header("a", u64::MAX, 0), Err(Full));
        packer.header("a", FOLDER_BYTES_MAX - 200, 0).unwrap();
        assert_eq!(packer.header("b", 200, 0), Err(Full));
        assert!(packer.header("b", 1, 0).is_ok());
        for number in 2..FOLDER_FILES_MAX {
            packer.directory.clear();
            packer.bytes = 0;
            packer.header(&number.to_string(), 0, 0).unwrap();
        }
        assert_eq!(packer.header("c", 0, 0), Err(Full));
    }
}
