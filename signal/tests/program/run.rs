//! The program as a process of its own.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// Ends the program also when a test fails.
pub(crate) struct Program {
    child: Child,
    /// Where it listens, as it says itself.
    pub(crate) address: String,
}

/// The program with these arguments, not started yet.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signal"));
    command
        .args(arguments)
        .env("STARLING_DRAIN_TIMEOUT_MILLIS", "3000")
        .env("RUST_LOG", "info");
    command
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with_log(arguments, "info")
    }

    /// With this level of its log.
    pub(crate) fn start_with_log(arguments: &[&str], level: &str) -> Self {
        let mut command = command(arguments);
        command.env("RUST_LOG", level);
        Self::spawn(command)
    }

    /// Starts what becomes the program.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the program prints a line");
        let address = line
            .trim()
            .strip_prefix("listening on http")
            .and_then(|rest| rest.trim_start_matches('s').strip_prefix("://"))
            .expect("the line names the address")
            .to_owned();
        Self { child, address }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id");
        kill_process(pid, signal).expect("the program runs");
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("the program ends")
    }

    /// Waits until it logs a line with this in it.
    pub(crate) fn logs(&mut self, text: &str) {
        let stderr = BufReader::new(self.child.stderr.as_mut().expect("piped"));
        let is_meant = |line: std::io::Result<String>| line.expect("text").contains(text);
        assert!(stderr.lines().any(is_meant), "the program ends without: {text}");
    }

    /// Ends it; gives what it has logged, which has to be little.
    pub(crate) fn log(mut self) -> String {
        _ = self.child.kill();
        let mut log = String::new();
        let stderr = self.child.stderr.as_mut().expect("piped");
        stderr.read_to_string(&mut log).expect("text");
        log
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
