//! What a person chooses to send: files, and folders, each of which becomes one file (`client::zip`) when it is sent.
//!
//! A folder that is dropped is gone through by the File and Directory Entries API; one that is picked comes as a list of files that know where they
//! are in it. What is packed is not copied: the archive is made of parts, and its files stay on disk until they are read.

use std::{cell::Cell, rc::Rc};

use client::{
    config::FOLDER_FILES_MAX,
    files::TakeError,
    zip::{Crc, Packer},
};
use futures_channel::oneshot;
use gloo_events::EventListener;
use js_sys::{Array, Function, Promise, Uint8Array};
use mesh::config::PIECE_BYTES;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, HtmlElement};

use crate::{
    files::{demand_bytes, read_part, size},
    js::{self, field},
};

/// What is to be sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Chosen {
    /// A file.
    File(File),
    /// A folder that was dropped.
    Dropped {
        /// What it is called.
        name: String,
        /// The entry, as the browser has it.
        entry: JsValue,
    },
    /// The files of a folder that was picked.
    Picked {
        /// What the folder is called; nobody tells of one without files.
        name: String,
        /// All of them.
        files: Vec<File>,
    },
}

impl Chosen {
    /// What it is called once it is sent.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(file) => file.name(),
            Self::Dropped { name, .. } | Self::Picked { name, .. } => format!("{name}.zip"),
        }
    }

    /// Whether it is known that there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Picked { files, .. } if files.is_empty())
    }

    /// The file to be sent. A folder is read once for that.
    pub(crate) async fn into_file(self, on_progress: &impl Fn(u32)) -> Result<File, TakeError> {
        let name = self.name();
        match self {
            Self::File(file) => Ok(file),
            Self::Dropped { entry, .. } => pack(&name, found(entry).await?, on_progress).await,
            Self::Picked { files, .. } => {
                let path = |file: &File| text(file, "webkitRelativePath").unwrap_or_else(|| file.name());
                let files = files.into_iter().map(|file| (path(&file), file));
                pack(&name, files.collect(), on_progress).await
            }
        }
    }
}

/// What is dropped or pasted.
pub(crate) fn chosen(event: &JsValue) -> Vec<Chosen> {
    let data = field(event, "dataTransfer").or_else(|| field(event, "clipboardData"));
    let items = data.and_then(|data| field(&data, "items"));
    let items = items.map_or_else(Array::new, |items| Array::from(&items));
    // What an event carries is gone once it is over: nothing waits here.
    let folders: Vec<_> = items.iter().filter_map(|item| folder(&item)).collect();
    let names: Vec<_> = folders.iter().map(Chosen::name).collect();
    // Browsers list a folder among the files, too.
    let is_folder = |file: &File| file.type_().is_empty() && names.contains(&format!("{}.zip", file.name()));
    let files = js::files_of(event).into_iter().filter(|file| !is_folder(file));
    files.map(Chosen::File).chain(folders).collect()
}

fn folder(item: &JsValue) -> Option<Chosen> {
    let entry: Function = field(item, "webkitGetAsEntry")?.dyn_into().ok()?;
    let entry = entry.call0(item).ok()?;
    is_folder(&entry).then_some(())?;
    let name = text(&entry, "name")?;
    Some(Chosen::Dropped { name, entry })
}

fn is_folder(entry: &JsValue) -> bool {
    field(entry, "isDirectory").is_some_and(|is_it| is_it.is_truthy())
}

fn text(object: &JsValue, name: &str) -> Option<String> {
    field(object, name)?.as_string().filter(|text| !text.is_empty())
}

/// Has the person pick a folder. Call it right after a click.
pub(crate) async fn pick() -> Option<Chosen> {
    let files = pick_folder().await?;
    let path = files.first().and_then(|file| text(file, "webkitRelativePath"));
    let name = path.as_deref().and_then(|path| path.split('/').next());
    let name = name.unwrap_or_default().to_owned();
    Some(Chosen::Picked { name, files })
}

/// Has the person pick a folder, and gives its files; nothing if there is no such picker (see [`picks_folders`]), or none is picked.
async fn pick_folder() -> Option<Vec<File>> {
    let input = js::document().create_element("input").ok()?;
    // Fails only for names that are none.
    let _ = input.set_attribute("type", "file");
    let _ = input.set_attribute("webkitdirectory", "");
    let (picked, is_over) = oneshot::channel();
    let picked = Rc::new(Cell::new(Some(picked)));
    let cancelled = Rc::clone(&picked);
    let _listeners = [
        EventListener::new(&input, "change", move |_| {
            // Nobody waits once the page is left.
            let _ = picked.take().map(|picked| picked.send(()));
        }),
        EventListener::new(&input, "cancel", move |_| drop(cancelled.take())),
    ];
    input.unchecked_ref::<HtmlElement>().click();
    is_over.await.ok()?;
    Some(js::files_of(&input))
}

/// Whether the person can pick folders here. On phones the picker has none, or ends the browser.
pub(crate) fn picks_folders() -> bool {
    let input = js::document().create_element("input");
    !js::is_touched() && input.is_ok_and(|input| field(&input, "webkitdirectory").is_some())
}

/// All files in a folder that was dropped, with their paths.
async fn found(entry: JsValue) -> Result<Vec<(String, File)>, TakeError> {
    let (mut found, mut left) = (Vec::new(), vec![entry]);
    while let Some(entry) = left.pop() {
        if found.len() + left.len() >= FOLDER_FILES_MAX {
            return Err(TakeError::Folder);
        }
        if is_folder(&entry) {
            let reader = method(field(&entry, "createReader"))?;
            let reader = reader.call0(&entry).map_err(|_| TakeError::Unreadable)?;
            // Some at a time, until there are none.
            loop {
                let some = answer(&reader, field(&reader, "readEntries")).await?;
                let some = Array::from(&some);
                if some.length() == 0 {
                    break;
                }
                left.extend(some.iter());
            }
        } else {
            let file = answer(&entry, field(&entry, "file"))
                .await?
                .dyn_into()
                .map_err(|_| TakeError::Unreadable)?;
            found.push((text(&entry, "fullPath").unwrap_or_default(), file));
        }
    }
    Ok(found)
}

fn method(found: Option<JsValue>) -> Result<Function, TakeError> {
    let method = found.and_then(|method| method.dyn_into().ok());
    method.ok_or(TakeError::Unreadable)
}

/// What a method gives to the first of its two callbacks.
async fn answer(object: &JsValue, method: Option<JsValue>) -> Result<JsValue, TakeError> {
    let method = self::method(method)?;
    let promise = Promise::new(&mut |done, failed| {
        if let Err(error) = method.call2(object, &done, &failed) {
            // What rejects does not throw.
            let _ = failed.call1(&JsValue::UNDEFINED, &error);
        }
    });
    JsFuture::from(promise).await.map_err(|_| TakeError::Unreadable)
}

/// Makes one file of all that is in a folder.
async fn pack(name: &str, files: Vec<(String, File)>, on_progress: &impl Fn(u32)) -> Result<File, TakeError> {
    if files.is_empty() {
        return Err(TakeError::EmptyFolder);
    }
    let all: u64 = files.iter().map(|(_, file)| size(file)).sum();
    demand_bytes(all)?;
    let (mut packer, parts, mut done) = (Packer::default(), Array::new(), 0);
    for (path, file) in files {
        let (bytes, mut crc, mut at) = (size(&file), Crc::default(), 0);
        while at < bytes {
            let length = usize::try_from(bytes - at).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            crc.update(&read_part(&file, at, length).await?);
            at += length as u64;
            on_progress(u32::try_from((done + at) * 100 / all.max(1)).unwrap_or(0));
        }
        done += bytes;
        let header = packer.header(&path, bytes, crc.finish());
        let header = header.map_err(|_| TakeError::Folder)?;
        parts.push(&Uint8Array::from(header.as_slice()));
        parts.push(&file);
    }
    parts.push(&Uint8Array::from(packer.finish().as_slice()));
    js::file_of(&parts, name, "application/zip").map_err(|_| TakeError::Unreadable)
}
