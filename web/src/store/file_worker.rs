//! The worker that keeps files in the browser's origin-private file system: `web/worker/files.js`.
//!
//! It is started by the first operation, and answers in the order in which it is asked. Where there is no such file system (plain http, private windows of
//! some browsers), and where the worker cannot be loaded, every operation is [`None`], and the database keeps files instead. A later visit may have
//! both: so what is not found here is looked for in the database, too.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use futures_channel::oneshot;
use gloo_events::EventListener;
use js_sys::{Array, Uint8Array};
use shared::{FileId, PeerId, RoomId};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, MessageEvent, Worker};

use crate::{config::FILE_WORKER_MAX, js};

const WORKER: &str = "files.js";

/// The error of a browser that lets the page have no such file system.
const NO_FILE_SYSTEM: &str = "NoFileSystem";

/// The error of a worker that cannot be loaded.
const NO_WORKER: &str = "WorkerError";

/// Why nothing is asked of the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absence {
    /// There is no such file system.
    FileSystem,
    /// The worker cannot be loaded. Files of earlier visits may be there.
    Worker,
}

type Answer = oneshot::Sender<Array>;

/// The worker, once it is needed.
#[derive(Debug, Default)]
pub struct FileWorker {
    started: OnceCell<Option<Started>>,
    absence: Cell<Option<Absence>>,
    /// Whether it has ever answered.
    answers: Rc<Cell<bool>>,
    /// Those who wait for an answer, in order.
    waiting: Rc<RefCell<VecDeque<Answer>>>,
}

#[derive(Debug)]
struct Started {
    worker: Worker,
    _listeners: [EventListener; 2],
}

impl Drop for Started {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

/// Where a file is, or where many of them are.
pub(super) fn path(room: &RoomId, of: Option<(&PeerId, FileId)>) -> String {
    let mut path = room.to_text();
    if let Some((me, file)) = of {
        for part in [me.to_text(), file.to_text()] {
            path += "/";
            path += &part;
        }
    }
    path
}

impl FileWorker {
    /// One that no browser has.
    #[cfg(test)]
    pub(super) fn absent() -> Self {
        Self {
            absence: Cell::new(Some(Absence::FileSystem)),
            ..Self::default()
        }
    }

    /// Whether there may be files that cannot be read in this visit.
    pub(super) fn may_hide(&self) -> bool {
        self.absence.get() == Some(Absence::Worker)
    }

    /// Writes what is `bytes` into a file.
    pub(super) async fn write(&self, path: &str, at: u64, bytes: &[u8]) -> Option<Result<(), JsValue>> {
        let bytes = Uint8Array::from(bytes);
        let buffer = bytes.buffer();
        let message = [place(at), bytes.into()];
        Some(
            self.ask("write", path, &message, &Array::of1(&buffer))
                .await?
                .map(|_| ()),
        )
    }

    /// Reads a part of a file, or what there is of it.
    pub(super) async fn read(&self, path: &str, at: u64, length: usize) -> Option<Result<Option<Vec<u8>>, JsValue>> {
        #[expect(clippy::cast_possible_truncation, reason = "a piece is small")]
        let message = [place(at), JsValue::from(length as u32)];
        let read = self.ask("read", path, &message, &Array::new()).await?;
        Some(read.map(|bytes| {
            let bytes = bytes.unchecked_into::<Uint8Array>().to_vec();
            (!bytes.is_empty()).then_some(bytes)
        }))
    }

    /// A file, which stays on disk, if it is there.
    pub(super) async fn whole(&self, path: &str) -> Result<Option<Blob>, JsValue> {
        let file = self.ask("whole", path, &[], &Array::new()).await.transpose()?;
        Ok(file.and_then(|file| file.dyn_into().ok()))
    }

    /// Keeps nothing there any longer.
    pub(super) async fn forget(&self, path: &str) -> Result<(), JsValue> {
        match self.ask("forget", path, &[], &Array::new()).await {
            Some(forgotten) => forgotten.map(|_| ()),
            None if self.may_hide() => Err(named(NO_WORKER)),
            None => Ok(()),
        }
    }

    async fn ask(
        &self,
        operation: &str,
        path: &str,
        rest: &[JsValue],
        transferred: &Array,
    ) -> Option<Result<JsValue, JsValue>> {
        if self.absence.get().is_some() {
            return None;
        }
        let message = Array::of2(&operation.into(), &path.into());
        for part in rest {
            message.push(part);
        }
        let (sender, answer) = oneshot::channel();
        let asked = self
            .started
            .get_or_init(|| self.start())
            .as_ref()
            .is_some_and(|started| {
                self.waiting.borrow_mut().push_back(sender);
                started.worker.post_message_with_transfer(&message, transferred).is_ok()
            });
        // Nobody answers once the worker has failed.
        let answer = if asked {
            let Some(answer) = js::within(FILE_WORKER_MAX, answer).await else {
                return Some(Err(named("TimeoutError")));
            };
            answer.ok()
        } else {
            None
        };
        let (value, name) = answer.map_or((JsValue::UNDEFINED, NO_WORKER.into()), |answer| {
            (answer.get(0), answer.get(1).as_string().unwrap_or_default())
        });
        if name.is_empty() {
            return Some(Ok(value));
        }
        let absence = match name.as_str() {
            NO_FILE_SYSTEM => Absence::FileSystem,
            NO_WORKER if !self.answers.get() => Absence::Worker,
            _ => return Some(Err(named(&name))),
        };
        if self.absence.replace(Some(absence)).is_none() {
            js::log(&format!("files are kept in the database: {name}"));
        }
        None
    }

    fn start(&self) -> Option<Started> {
        let worker = Worker::new(WORKER).ok()?;
        let (waiting, answers) = (Rc::clone(&self.waiting), Rc::clone(&self.answers));
        let on_message = EventListener::new(&worker, "message", move |event| {
            answers.set(true);
            let answer = event.unchecked_ref::<MessageEvent>().data().unchecked_into();
            // The borrow ends with this statement.
            let first = waiting.borrow_mut().pop_front();
            if let Some(first) = first {
                // Whoever asked may be gone.
                let _ = first.send(answer);
            }
        });
        let (waiting, answers) = (Rc::clone(&self.waiting), Rc::clone(&self.answers));
        let on_error = EventListener::new(&worker, "error", move |_| {
            // A worker that is there goes on, and answers in order.
            if !answers.get() {
                waiting.borrow_mut().clear();
            }
        });
        Some(Started {
            worker,
            _listeners: [on_message, on_error],
        })
    }
}

/// An error, as the DOM has them.
fn named(name: &str) -> JsValue {
    js::object([("name", name.into())]).into()
}

/// A place in a file, as JavaScript counts.
fn place(at: u64) -> JsValue {
    #[expect(clippy::cast_precision_loss, reason = "exact: a file has less than 2^53 bytes")]
    let at = at as f64;
    at.into()
}
