//! A task that ends with whoever started it.

use tokio::task::{AbortHandle, spawn_local};

/// A task of this thread. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Task(AbortHandle);

impl Task {
    /// Starts a task. Has to be called within a [`LocalSet`](tokio::task::LocalSet).
    pub(crate) fn start(work: impl Future<Output = ()> + 'static) -> Self {
        Self(spawn_local(work).abort_handle())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
