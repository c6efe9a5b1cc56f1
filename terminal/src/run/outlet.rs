//! The standard output, or whatever else is read by somebody who may pause.
//!
//! A thread of its own writes, so only that thread waits for the reader; the room goes on. What waits is bounded by [`OUTPUT_BYTES_MAX`]. Past it lines are
//! dropped, the new ones, and once the reader goes on a line in their place says how many. A screen drops nothing: it draws once all before is
//! [taken](Outlet::taken).

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::sync::Notify;

use crate::config::OUTPUT_BYTES_MAX;

/// Takes what is to be read. Clones write to the same reader, and what one of them was given is handed on whole at each flush.
#[derive(Debug)]
pub struct Outlet {
    shared: Arc<Shared>,
    /// Not flushed yet.
    begun: Vec<u8>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// The same, for one that does not block.
    written: Notify,
    /// Says that so many were dropped.
    missed_line: fn(u64) -> String,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Vec<u8>>,
    /// Of all that is queued.
    bytes: usize,
    missed: u64,
    /// Something is being written.
    is_writing: bool,
    /// The reader is gone.
    failed: Option<io::ErrorKind>,
    /// Nobody writes any more.
    ended: bool,
}

impl Outlet {
    /// To a reader. `missed_line` makes the line that says how many were dropped.
    ///
    /// # Errors
    /// What the system says if there are no more threads.
    pub fn start(out: impl Write + Send + 'static, missed_line: fn(u64) -> String) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            written: Notify::new(),
            missed_line,
        });
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("stdout".to_owned());
        thread.spawn(move || of_thread.write_all(out))?;
        let begun = Vec::new();
        Ok(Self { shared, begun })
    }

    /// Waits until the reader has all that was not dropped, or is gone. Blocks.
    pub fn finish(self) {
        let mut state = self.shared.lock();
        state.ended = true;
        self.shared.changed.notify_all();
        while !state.is_taken() {
            state = self.shared.wait(state);
        }
    }

    /// Waits until the reader has all that was not dropped, or is gone. For one at a time.
    pub async fn taken(&self) {
        loop {
            let written = self.shared.written.notified();
            if self.shared.lock().is_taken() {
                return;
            }
            written.await;
        }
    }

    /// The same for so long at most. Blocks.
    pub fn wait_taken(&self, at_most: Duration) {
        let waits = |state: &mut State| !state.is_taken();
        // Whoever reads too slowly is not waited for.
        let _ = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), at_most, waits);
    }
}

impl Clone for Outlet {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            begun: Vec::new(),
        }
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.begun);
        let mut state = self.shared.lock();
        if let Some(kind) = state.failed {
            return Err(kind.into());
        }
        if bytes.is_empty() {
            return Ok(());
        }
        // One alone may be longer: an answer to somebody who reads.
        if !state.queue.is_empty() && state.bytes + bytes.len() > OUTPUT_BYTES_MAX {
            state.missed += 1;
            return Ok(());
        }
        if state.missed > 0 {
            let line = (self.shared.missed_line)(std::mem::take(&mut state.missed));
            state.push(line.into_bytes());
        }
        state.push(bytes);
        self.shared.changed.notify_all();
        Ok(())
    }
}

impl State {
    fn is_taken(&self) -> bool {
        self.failed.is_some() || !self.is_writing && self.queue.is_empty() && self.missed == 0
    }

    fn push(&mut self, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.queue.push_back(bytes);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of the thread.
    fn write_all(&self, mut out: impl Write) {
        while let Some(bytes) = self.next() {
            let written = out.write_all(&bytes).and_then(|()| out.flush());
            let mut state = self.lock();
            state.is_writing = false;
            if let Err(error) = written {
                state.failed = Some(error.kind());
                state.queue.clear();
            }
            let is_over = state.failed.is_some();
            drop(state);
            self.changed.notify_all();
            self.written.notify_one();
            if is_over {
                return;
            }
        }
    }

    fn next(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        loop {
            if let Some(bytes) = state.queue.pop_front() {
                state.bytes -= bytes.len();
                state.is_writing = true;
                return Some(bytes);
            }
            if state.missed > 0 {
                state.is_writing = true;
                return Some((self.missed_line)(std::mem::take(&mut state.missed)).into_bytes());
            }
            if state.ended {
                return None;
            }
            state = self.wait(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A reader that takes one write for each permit, and says what it took.
    struct Slow {
        permits: mpsc::Receiver<()>,
        taken: mpsc::Sender<String>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.permits.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            self.taken.send(String::from_utf8_lossy(bytes).into_owned()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Outlet, mpsc::Sender<()>, mpsc::Receiver<String>) {
        let (permit, permits) = mpsc::channel();
        let (taken, took) = mpsc::channel();
        let outlet = Outlet::start(Slow { permits, taken }, |missed| format!("{missed} missed\n")).unwrap();
        (outlet, permit, took)
    }

    #[test]
    fn a_reader_that_pauses_stops_nobody_and_is_told_how_much_it_missed() {
        let (mut outlet, permit, took) = slow();
        let line = "x".repeat(OUTPUT_BYTES_MAX / 4);
        for _ in 0..10 {
            writeln!(outlet, "{line}").unwrap();
            outlet.flush().unwrap();
        }
        // Three wait at most, and one is being written, perhaps.
        for _ in 0..7 {
            permit.send(()).unwrap();
        }
        let other = outlet.clone();
        let finishing = thread::spawn(move || other.finish());
        let mut missed = 0;
        let mut lines = 0;
        while lines + missed < 10 {
            let taken = took.recv().unwrap();
            match taken.strip_suffix(" missed\n") {
                Some(number) => missed += number.parse::<usize>().unwrap(),
                None => lines += 1,
            }
        }
        assert!((3..=4).contains(&lines), "{lines} lines came");
        finishing.join().unwrap();
    }

    #[tokio::test]
    async fn who_waits_until_all_is_taken_waits_for_the_reader_alone() {
        let (mut outlet, permit, took) = slow();
        outlet.taken().await;
        for picture in ["one", "two"] {
            outlet.write_all(picture.as_bytes()).unwrap();
            outlet.flush().unwrap();
        }
        // Nobody reads: this comes back nevertheless.
        outlet.wait_taken(Duration::from_millis(10));
        permit.send(()).unwrap();
        assert_eq!(took.recv().unwrap(), "one");
        assert!(futures_util::FutureExt::now_or_never(outlet.taken()).is_none());
        permit.send(()).unwrap();
        outlet.taken().await;
        assert_eq!(took.recv().unwrap(), "two");
    }

    #[test]
    fn who_writes_to_nobody_is_told() {
        let (mut outlet, permit, _took) = slow();
        drop(permit);
        let mut failed = Ok(());
        while failed.is_ok() {
            writeln!(outlet, "anybody?").unwrap();
            failed = outlet.flush();
        }
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        outlet.finish();
    }
}
