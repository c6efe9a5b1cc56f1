//! The terminal while the screen is up, and as it was before.
//!
//! A terminal may not read: it was stopped, or a connection to it hangs. So a thread of its own writes, the next picture waits until all before was
//! [taken](Stage::taken), and whoever gives the terminal back waits [`RESTORE_MAX`] at most.
//!
//! Invariant: the terminal is as it was after an error, at the usual end and at `SIGTERM`, `SIGINT` and `SIGHUP` by [`Drop`], after a panic by a hook,
//! before `exit` by [`restore`]. Any other signal that ends a program leaves it as it is.

use std::{
    io, panic,
    sync::{Mutex, MutexGuard, Once, PoisonError},
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
use crate::{config::RESTORE_MAX, run::Outlet};

/// Where is written what gives the terminal back, while it is not as it was.
static UP: Mutex<Option<Outlet>> = Mutex::new(None);

/// See the [module documentation](self). There is one at a time.
#[derive(Debug)]
pub(super) struct Stage {
    terminal: Terminal<CrosstermBackend<Outlet>>,
    outlet: Outlet,
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
        // Nothing is dropped: see `Outlet`.
        let mut outlet = Outlet::start(io::stdout(), |_| String::new())?;
        match enter(&mut outlet).and_then(|()| Terminal::new(CrosstermBackend::new(outlet.clone()))) {
            Ok(terminal) => Ok(Self { terminal, outlet }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    /// Waits until the terminal has taken all that was drawn, or is gone.
    pub(super) async fn taken(&self) {
        self.outlet.taken().await;
    }

    /// Draws what has changed since the last picture, once that is [taken](Self::taken).
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn draw(&mut self, state: &State) -> io::Result<()> {
        if !is_up() {
            // A panic that the program outlived gave the terminal back.
            self.resume()?;
        }
        // The terminal shows all of it at once, if it can.
        execute!(self.outlet, BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| draw(state, frame))?;
        execute!(self.outlet, EndSynchronizedUpdate)
    }

    /// Forgets what the terminal shows: the next picture is drawn whole.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn begin_anew(&mut self) -> io::Result<()> {
        execute!(self.outlet, Clear(ClearType::All))?;
        self.terminal = Terminal::new(CrosstermBackend::new(self.outlet.clone()))?;
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
        enter(&mut self.outlet)?;
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
    up().is_some()
}

impl Drop for Stage {
    fn drop(&mut self) {
        restore();
    }
}

fn up() -> MutexGuard<'static, Option<Outlet>> {
    // No code that can panic runs under this lock.
    UP.lock().unwrap_or_else(PoisonError::into_inner)
}

fn enter(outlet: &mut Outlet) -> io::Result<()> {
    *up() = Some(outlet.clone());
    terminal::enable_raw_mode()?;
    execute!(
        outlet,
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange,
        Clear(ClearType::All)
    )
}

/// Gives the terminal back as it was, if it is not.
pub fn restore() {
    let Some(mut outlet) = up().take() else { return };
    // A terminal that is gone needs nothing.
    let _ = execute!(
        outlet,
        DisableFocusChange,
        DisableBracketedPaste,
        SetAttribute(Attribute::Reset),
        ResetColor,
        LeaveAlternateScreen,
        cursor::Show
    );
    outlet.wait_taken(RESTORE_MAX);
    let _ = terminal::disable_raw_mode();
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        process::Command,
        time::{Duration, Instant},
    };

    use super::{super::tests::three, *};

    /// Set for the process that has the terminal.
    const ON_STAGE: &str = "STARLING_TEST_ON_STAGE";

    /// Runs a test of this file again, in a terminal of tmux. Whether that shows another screen and the cursor, and what it shows.
    fn in_a_terminal(test: &str) -> (String, String) {
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
        let program = env::current_exe().unwrap();
        let command = format!(
            "RUST_BACKTRACE=0 {ON_STAGE}=1 {} --exact screen::stage::tests::{test} --nocapture; stty -a; echo over; exec cat",
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
        (flags.trim().to_owned(), shown)
    }

    #[test]
    fn a_terminal_is_as_it_was_after_a_panic() {
        if env::var_os(ON_STAGE).is_some() {
            let _stage = Stage::open().unwrap();
            panic!("on purpose");
        }
        let (flags, shown) = in_a_terminal("a_terminal_is_as_it_was_after_a_panic");
        assert_eq!(flags, "0 1", "{shown}");
        // The words of the panic are not lost with the screen.
        for part in ["on purpose", " icanon", " echo "] {
            assert!(shown.contains(part), "{part}\n{shown}");
        }
    }

    #[test]
    fn a_panic_that_is_outlived_does_not_take_the_screen() {
        if env::var_os(ON_STAGE).is_some() {
            let mut stage = Stage::open().unwrap();
            panic::catch_unwind(|| panic!("on purpose")).unwrap_err();
            assert!(!is_up());
            stage.draw(&three(100, 50).state).unwrap();
            assert!(is_up());
            drop(stage);
            panic!("was drawn again");
        }
        let (flags, shown) = in_a_terminal("a_panic_that_is_outlived_does_not_take_the_screen");
        assert_eq!(flags, "0 1", "{shown}");
        assert!(shown.contains("was drawn again"), "{shown}");
    }
}
