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

    /// Whether its work is done.
    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, rc::Rc};

    use tokio::task::{LocalSet, yield_now};

    use super::*;

    #[tokio::test]
    async fn a_task_is_finished_with_its_work_and_ends_when_it_is_dropped() {
        let all = async {
            let done = Task::start(async {});
            let held = Rc::new(());
            let of_task = Rc::clone(&held);
            let endless = Task::start(async move {
                pending::<()>().await;
                drop(of_task);
            });
            yield_now().await;
            assert!(done.is_finished() && !endless.is_finished());
            drop(endless);
            yield_now().await;
            assert_eq!(Rc::strong_count(&held), 1);
        };
        LocalSet::new().run_until(all).await;
    }
}
