//! The terminal while the screen is up, and as it was before.
//!
//! Invariant: whatever ends the program, but `SIGKILL`, the terminal is as it was: after an error and at the usual end by [`Drop`], after a panic by a
//! hook, before `exit` by [`restore`].

use std::{
    io::{self, Stdout},
    panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor,
        event::{DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange},
        execute,
        style::{Attribute, ResetColor, SetAttribute},
        terminal::{
            self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
            LeaveAlternateScreen,
        },
    },
    layout::Size,
};
use rustix::process::{Signal, getpgrp, kill_process_group};

use super::{draw::draw, state::State};

/// Whether the terminal is not as it was.
static IS_UP: AtomicBool = AtomicBool::new(false);

/// See the [module documentation](self). There is one at a time.
#[derive(Debug)]
pub(super) struct Stage {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Stage {
    /// Takes the terminal.
    ///
    /// # Errors
    /// What the system says; the terminal is as it was.
    pub(super) fn open() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                restore();
                before(panic);
            }));
        });
        match enter().and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout()))) {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    /// Draws what has changed since the last picture.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn draw(&mut self, state: &State) -> io::Result<()> {
        if !is_up() {
            // A panic that the program outlived gave the terminal back.
            self.resume()?;
        }
        // The terminal shows all of it at once, if it can.
        execute!(io::stdout(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| draw(state, frame))?;
        execute!(io::stdout(), EndSynchronizedUpdate)
    }

    /// Forgets what the terminal shows: the next picture is drawn whole.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn begin_anew(&mut self) -> io::Result<()> {
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(())
    }

    /// Gives the terminal back and stops the program. It may go on for a moment: the shell's `fg` is told by `SIGCONT`.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        restore();
        Ok(kill_process_group(getpgrp(), Signal::TSTP)?)
    }

    /// Takes the terminal again.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        enter()?;
        self.begin_anew()
    }

    /// How large the terminal is.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }
}

/// Whether the screen has the terminal.
#[must_use]
pub fn is_up() -> bool {
    IS_UP.load(Ordering::SeqCst)
}

impl Drop for Stage {
    fn drop(&mut self) {
        restore();
    }
}

fn enter() -> io::Result<()> {
    IS_UP.store(true, Ordering::SeqCst);
    terminal::enable_raw_mode()?;
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange,
        Clear(ClearType::All)
    )
}

/// Gives the terminal back as it was, if it is not.
pub fn restore() {
    if !IS_UP.swap(false, Ordering::SeqCst) {
        return;
    }
    // A terminal that is gone needs nothing.
    let _ = execute!(
        io::stdout(),
        DisableFocusChange,
        DisableBracketedPaste,
        SetAttribute(Attribute::Reset),
        ResetColor,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = terminal::disable_raw_mode();
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        process::Command,
        time::{Duration, Instant},
    };

    use super::*;

    /// Set for the process that panics.
    const PANICS: &str = "STARLING_TEST_PANICS";

    /// This test runs itself again in a terminal of tmux, and there it panics.
    #[test]
    fn a_terminal_is_as_it_was_after_a_panic() {
        if env::var_os(PANICS).is_some() {
            let _stage = Stage::open().unwrap();
            panic!("on purpose");
        }
        let folder = tempfile::tempdir().unwrap();
        let tmux = |arguments: &[&str]| {
            let mut command = Command::new("tmux");
            command
                .arg("-S")
                .arg(folder.path().join("tmux"))
                .args(["-f", "/dev/null"]);
            let output = command.args(arguments).env_remove("TMUX").output();
            String::from_utf8(output.expect("tmux is there").stdout).unwrap()
        };
        let name = "screen::stage::tests::a_terminal_is_as_it_was_after_a_panic";
        let program = env::current_exe().unwrap();
        let command = format!(
            "RUST_BACKTRACE=0 {PANICS}=1 {} --exact {name} --nocapture; stty -a; echo over; exec cat",
            program.display()
        );
        tmux(&["new-session", "-d", "-s", "it", "-x", "100", "-y", "50", &command]);
        let started = Instant::now();
        let shown = loop {
            let shown = tmux(&["capture-pane", "-p", "-t", "it"]);
            if shown.contains("over") || started.elapsed() > Duration::from_secs(20) {
                break shown;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let flags = tmux(&["display-message", "-p", "-t", "it", "#{alternate_on} #{cursor_flag}"]);
        tmux(&["kill-server"]);
        assert_eq!(flags.trim(), "0 1", "{shown}");
        // The words of the panic are not lost with the screen.
        for part in ["on purpose", " icanon", " echo "] {
            assert!(shown.contains(part), "{part}\n{shown}");
        }
    }
}
