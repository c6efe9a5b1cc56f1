//! A processor for the servers and another for what asks them, so that neither takes time from the other.

use std::{
    io,
    process::{Child, Command},
    sync::OnceLock,
    thread,
};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Those of the servers and of this program; nothing where there is only one.
static CORES: OnceLock<Option<[usize; 2]>> = OnceLock::new();

/// Pins this thread, and those that it starts from now on, to the processor of what asks. To be called first.
pub(crate) fn pin() {
    let usable = || {
        let set = sched_getaffinity(None).ok()?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core));
        Some([cores.next()?, cores.next()?])
    };
    if let Some([_, own]) = *CORES.get_or_init(usable) {
        pin_to(own);
    }
}

/// Whether there are two.
pub(crate) fn are_apart() -> bool {
    CORES.get().is_some_and(Option::is_some)
}

/// Starts a process on the servers' processor: it has the one of the thread that starts it.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    let starter = move || {
        if let Some(Some([servers, _])) = CORES.get() {
            pin_to(*servers);
        }
        command.spawn()
    };
    thread::scope(|scope| match scope.spawn(starter).join() {
        Ok(child) => child,
        Err(_) => Err(io::Error::other("the thread that starts it has failed")),
    })
}

fn pin_to(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    // Refused only where the processor has just gone; the figures are then those of a machine that shares.
    _ = sched_setaffinity(None, &set);
}
