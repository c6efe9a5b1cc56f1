//! Where the files of the web app come from.

use std::path::PathBuf;

/// The built web app, as `cargo xtask build` makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmbeddedFile {
    /// The path below the root, with `/` between its parts, like `index.html`.
    pub path: &'static str,
    /// What is in the file.
    pub content: &'static [u8],
}

/// Where the server finds the web app.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum WebApp {
    /// Nowhere: a page says how to build the app.
    #[default]
    Absent,
    /// In a folder. The files are read at the start, and again when they change.
    Folder(PathBuf),
    /// In the program itself.
    Embedded(&'static [EmbeddedFile]),
}
