//! The worker that keeps files in the browser's origin-private file system: `web/worker/files.js`.
//!
//! It is started by the first operation, and answers in the order in which it is asked. Where there is no such file system (plain http, private windows of
//! some browsers), every operation is [`None`], and the database keeps files instead.

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

use crate::js;

const WORKER: &str = "files.js";

/// The errors of a browser that lets the page have no such file system: it has none, forbids it, or cannot start the worker.
const DENIED: [&str; 4] = ["NotSupportedError", "SecurityError", "TypeError", "WorkerError"];

type Answer = oneshot::Sender<Array>;

/// The worker, once it is needed.
#[derive(Debug, Default)]
pub struct FileWorker {
    started: OnceCell<Option<Started>>,
    is_denied: Cell<bool>,
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

    /// A file, which stays on disk.
    pub(super) async fn whole(&self, path: &str) -> Option<Result<Blob, JsValue>> {
        let file = self.ask("whole", path, &[], &Array::new()).await?;
        Some(file.and_then(JsCast::dyn_into))
    }

    /// Keeps nothing there any longer.
    pub(super) async fn forget(&self, path: &str) -> Option<Result<(), JsValue>> {
        Some(self.ask("forget", path, &[], &Array::new()).await?.map(|_| ()))
    }

    async fn ask(
        &self,
        operation: &str,
        path: &str,
        rest: &[JsValue],
        transferred: &Array,
    ) -> Option<Result<JsValue, JsValue>> {
        if self.is_denied.get() {
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
        let answer = if asked { answer.await.ok() } else { None };
        let (value, name) = answer.map_or((JsValue::UNDEFINED, "WorkerError".into()), |answer| {
            (answer.get(0), answer.get(1).as_string().unwrap_or_default())
        });
        if name.is_empty() {
            return Some(Ok(value));
        }
        if DENIED.contains(&name.as_str()) {
            if !self.is_denied.replace(true) {
                js::log(&format!("files are kept in the database: {name}"));
            }
            return None;
        }
        Some(Err(js::object([("name", name.into())]).into()))
    }

    fn start(&self) -> Option<Started> {
        let worker = Worker::new(WORKER).ok()?;
        let waiting = Rc::clone(&self.waiting);
        let on_message = EventListener::new(&worker, "message", move |event| {
            let answer = event.unchecked_ref::<MessageEvent>().data().unchecked_into();
            // The borrow ends with this statement.
            let first = waiting.borrow_mut().pop_front();
            if let Some(first) = first {
                // Whoever asked may be gone.
                let _ = first.send(answer);
            }
        });
        let waiting = Rc::clone(&self.waiting);
        let on_error = EventListener::new(&worker, "error", move |_| waiting.borrow_mut().clear());
        Some(Started {
            worker,
            _listeners: [on_message, on_error],
        })
    }
}

/// A place in a file, as JavaScript counts.
fn place(at: u64) -> JsValue {
    #[expect(clippy::cast_precision_loss, reason = "exact: a file has less than 2^53 bytes")]
    let at = at as f64;
    at.into()
}
