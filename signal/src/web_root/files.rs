//! The files of the app, in memory.
//!
//! Whoever asks for a path gets what was read at the start or nothing. So a request opens no file: it needs no descriptor, cannot leave the folder, and
//! finds no file whose name begins with a dot and nothing behind a symbolic link, for these are not read. The app is about 2 MB.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use axum::{body::Bytes, http::HeaderValue};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::config::{EmbeddedFile, WEB_APP_BYTES_MAX, WEB_APP_FILES_MAX};

/// Why the folder of the app cannot be served.
#[derive(Debug, Error)]
pub enum WebAppError {
    /// The folder or a file in it cannot be read. See to its permissions.
    #[error("cannot read {path}")]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// This is not the folder of the built app. Name the right one.
    #[error("{path} has more in it than the web app: is it the folder that `cargo xtask build` made?")]
    TooLarge {
        /// The folder.
        path: PathBuf,
    },
}

/// One file, and the smaller forms of it that the build made.
#[derive(Debug)]
pub(super) struct File {
    pub(super) kind: HeaderValue,
    pub(super) plain: Form,
    pub(super) brotli: Option<Form>,
    pub(super) gzip: Option<Form>,
}

/// What is sent of a file.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) content: Bytes,
    /// Changes with the content.
    pub(super) tag: HeaderValue,
}

/// All files of one build.
#[derive(Debug, Default)]
pub(super) struct Files(BTreeMap<String, File>);

impl Files {
    /// The file at this path, without the `/` at its start.
    pub(super) fn find(&self, path: &str) -> Option<&File> {
        self.0.get(path)
    }

    pub(super) fn embedded(files: &'static [EmbeddedFile]) -> Self {
        let content = |file: &EmbeddedFile| (file.path.to_owned(), Bytes::from_static(file.content));
        Self::from_contents(files.iter().map(content).collect())
    }

    /// Reads the files of a folder.
    ///
    /// # Errors
    /// See [`WebAppError`].
    pub(super) fn read(root: &Path, listing: &Listing) -> Result<Self, WebAppError> {
        let read = |path: &String| {
            let path = root.join(path);
            fs::read(&path).map_err(|source| WebAppError::Unreadable { path, source })
        };
        let contents = listing.0.keys().map(|path| Ok((path.clone(), read(path)?.into())));
        Ok(Self::from_contents(contents.collect::<Result<_, WebAppError>>()?))
    }

    fn from_contents(mut contents: BTreeMap<String, Bytes>) -> Self {
        let is_form = |path: &str, ending: &str| path.strip_suffix(ending).map(str::to_owned);
        let (mut brotli, mut gzip) = (BTreeMap::new(), BTreeMap::new());
        for (ending, forms) in [(".br", &mut brotli), (".gz", &mut gzip)] {
            let names: Vec<_> = contents.keys().filter_map(|path| is_form(path, ending)).collect();
            forms.extend(
                names
                    .into_iter()
                    .filter_map(|name| Some((name.clone(), contents.remove(&(name + ending))?))),
            );
        }
        let file = |(path, content): (String, Bytes)| {
            let file = File {
                kind: HeaderValue::from_static(kind(&path)),
                plain: Form::new(content),
                brotli: brotli.remove(&path).map(Form::new),
                gzip: gzip.remove(&path).map(Form::new),
            };
            (path, file)
        };
        Self(contents.into_iter().map(file).collect())
    }
}

impl Form {
    fn new(content: Bytes) -> Self {
        let hash = HEXLOWER.encode(&Sha256::digest(&content)[..16]);
        // Hexadecimal digits can stand in a header.
        let tag = HeaderValue::from_str(&format!("\"{hash}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        Self { content, tag }
    }
}

/// Which files a folder has, and of when: it tells one build from another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing(BTreeMap<String, (SystemTime, u64)>);

impl Listing {
    /// Looks into the folder. A folder that does not exist is an empty one: the app may be built later. The root itself may be a symbolic link.
    ///
    /// # Errors
    /// See [`WebAppError`].
    pub(super) fn of(root: &Path) -> Result<Self, WebAppError> {
        let mut this = Self::default();
        let mut bytes = 0;
        let mut folders = vec![(root.to_owned(), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            let unreadable = |source| WebAppError::Unreadable {
                path: folder.clone(),
                source,
            };
            let entries = match fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries.map_err(unreadable)?,
            };
            for entry in entries {
                let entry = entry.map_err(unreadable)?;
                let Some(name) = public_name(&entry.file_name()) else {
                    continue;
                };
                let path = format!("{prefix}{name}");
                // Of the link itself, if it is one.
                let meta = entry.metadata().map_err(unreadable)?;
                if meta.is_dir() {
                    folders.push((entry.path(), format!("{path}/")));
                } else if meta.is_file() {
                    bytes += meta.len();
                    let changed = meta.modified().map_err(unreadable)?;
                    this.0.insert(path, (changed, meta.len()));
                }
                if bytes > WEB_APP_BYTES_MAX || this.0.len() + folders.len() > WEB_APP_FILES_MAX {
                    return Err(WebAppError::TooLarge { path: root.to_owned() });
                }
            }
        }
        Ok(this)
    }
}

/// The name of something that the whole world may see.
fn public_name(name: &OsStr) -> Option<String> {
    let name = name.to_str()?;
    (!name.starts_with('.')).then(|| name.to_owned())
}

/// The media type of a file, by its ending.
fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript",
        "css" => "text/css",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(paths: &[&str]) -> BTreeMap<String, Bytes> {
        let content = |path: &&str| ((*path).to_owned(), Bytes::from((*path).to_owned()));
        paths.iter().map(content).collect()
    }

    #[test]
    fn smaller_forms_stand_beside_their_file_and_nowhere_else() {
        let files = Files::from_contents(contents(&["a.js", "a.js.br", "a.js.gz", "b.js", "c.js.br"]));
        let paths: Vec<_> = files.0.keys().map(String::as_str).collect();
        assert_eq!(paths, ["a.js", "b.js"]);
        let file = files.find("a.js").unwrap();
        assert_eq!(file.brotli.as_ref().unwrap().content, "a.js.br");
        assert_eq!(file.gzip.as_ref().unwrap().content, "a.js.gz");
        assert!(files.find("b.js").unwrap().brotli.is_none());
    }

    #[test]
    fn a_folder_of_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..=WEB_APP_FILES_MAX {
            fs::write(folder.path().join(number.to_string()), "").unwrap();
        }
        let refused = Listing::of(folder.path());
        assert!(matches!(refused, Err(WebAppError::TooLarge { .. })), "{refused:?}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Listing::of(&folder.path().join("dist")).unwrap(), Listing::default());
    }
}
