//! The screen on a real terminal: real processes in tmux, and a real server.

use std::{
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::time::sleep;

use crate::program::Machine;

/// Anything that takes longer has failed. Never waited for in a test that passes.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a terminal is looked at.
const STEP: Duration = Duration::from_millis(50);

/// A tmux server of our own, with a shell for each person. It ends with this.
struct Terminals {
    machine: Machine,
    folder: TempDir,
}

impl Terminals {
    async fn start() -> Self {
        let machine = Machine::start().await;
        let folder = tempfile::tempdir().unwrap();
        Self { machine, folder }
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command
            .arg("-S")
            .arg(self.folder.path().join("tmux"))
            .args(["-f", "/dev/null"]);
        command.args(arguments).env_remove("TMUX");
        let output = command.output();
        output.expect("tmux is needed: `cargo xtask test --only native` installs it, or `apt-get install tmux`")
    }

    /// Somebody at a terminal of 80 by 24.
    fn open(&self, name: &'static str) -> Seat<'_> {
        let program = Path::new(env!("CARGO_BIN_EXE_starling"));
        let shell = "env PS1='$ ' ENV= sh";
        let folder = self.folder.path().to_str().unwrap();
        let size = ["-x", "80", "-y", "24", "-c", folder, shell];
        let output = self.tmux(&[&["new-session", "-d", "-s", name][..], &size].concat());
        assert!(output.status.success(), "{output:?}");
        let seat = Seat { all: self, name };
        let data = self.folder.path().join("data");
        seat.types(&format!(
            "STARLING_DATA_DIR={} {} chat {} --name {name}",
            data.display(),
            program.display(),
            self.machine.link()
        ));
        seat.presses("Enter");
        seat
    }
}

/// The terminals of a tmux server, none of which reads anything until this is dropped.
struct Deaf(String);

impl Deaf {
    fn make(terminals: &Terminals) -> Self {
        let output = terminals.tmux(&["display-message", "-p", "#{pid}"]);
        let deaf = Self(String::from_utf8(output.stdout).unwrap().trim().to_owned());
        deaf.signal("-STOP");
        deaf
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.0]).status().unwrap();
        assert!(sent.success(), "{signal}");
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

impl Drop for Terminals {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

struct Seat<'a> {
    all: &'a Terminals,
    name: &'static str,
}

impl Seat<'_> {
    fn types(&self, text: &str) {
        self.all.tmux(&["send-keys", "-t", self.name, "-l", "--", text]);
    }

    fn presses(&self, key: &str) {
        self.all.tmux(&["send-keys", "-t", self.name, key]);
    }

    fn says(&self, text: &str) {
        self.types(text);
        self.presses("Enter");
    }

    fn pastes(&self, text: &str) {
        self.all.tmux(&["set-buffer", "-b", "paste", "--", text]);
        self.all.tmux(&["paste-buffer", "-p", "-b", "paste", "-t", self.name]);
    }

    fn shown(&self) -> String {
        let output = self.all.tmux(&["capture-pane", "-p", "-t", self.name]);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Whether the terminal is as a shell has it: not the other screen, and the cursor shown.
    fn flags(&self) -> String {
        let format = "#{alternate_on} #{cursor_flag} #{pane_width}x#{pane_height} #{pane_current_command}";
        let output = self.all.tmux(&["display-message", "-p", "-t", self.name, format]);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The process that the shell waits for.
    fn child(&self) -> String {
        let output = self
            .all
            .tmux(&["display-message", "-p", "-t", self.name, "#{pane_pid}"]);
        let shell = String::from_utf8(output.stdout).unwrap();
        let children = format!("/proc/{0}/task/{0}/children", shell.trim());
        std::fs::read_to_string(children).unwrap().trim().to_owned()
    }

    /// Waits until something is shown.
    async fn sees(&self, part: &str) -> String {
        self.until(part, |shown| shown.contains(part)).await
    }

    async fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let started = Instant::now();
        loop {
            let shown = self.shown();
            if is_so(&shown) {
                return shown;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "{} does not see {what:?}, but:\n{shown}",
                self.name
            );
            sleep(STEP).await;
        }
    }

    /// Waits until the shell has the terminal, as it was.
    async fn is_back(&self) {
        self.until("a shell", |_| {
            let flags = self.flags();
            flags.starts_with("0 1 80x24 ") && !flags.ends_with(" starling")
        })
        .await;
        self.says("stty -a | grep -o ' icanon\\| echo '; echo is back");
        let shown = self
            .until("the terminal as it was", |shown| shown.contains("\nis back"))
            .await;
        assert!(shown.contains(" icanon\n echo\n"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_talk_whisper_and_leave_their_terminals_as_they_were() {
    let terminals = Terminals::start().await;
    let ann = terminals.open("Ann");
    ann.sees("Only you are here.").await;
    let bob = terminals.open("Bob");
    ann.sees("= Bob").await;
    bob.sees("= Ann").await;
    assert!(ann.flags().starts_with("1 "), "{}", ann.flags());

    ann.says("hello all");
    bob.sees("Ann: hello all").await;
    ann.sees("You: hello all (delivered to 1 of 1)").await;
    // To the only other one, by the list of people.
    bob.presses("F2");
    bob.sees("Enter write to them").await;
    bob.presses("Down");
    bob.presses("Enter");
    bob.sees("── whispering to Ann").await;
    bob.says("psst");
    ann.sees("Bob whispers: psst").await;
    bob.sees("You whisper to Ann: psst (delivered)").await;
    // What a terminal would obey is shown; what looks like a line of another stands below a margin.
    bob.pastes("all is well\n10:00 Ann: no\n\u{1b}]0;title\u{7}");
    bob.sees("10:00 Ann: no").await;
    assert!(!ann.shown().contains("all is well"));
    bob.presses("Enter");
    let shown = ann.sees("      10:00 Ann: no").await;
    assert!(shown.contains("Bob whispers: all is well"), "{shown}");

    for (size, keys) in [
        (["40", "12"], "F3 files"),
        (["200", "60"], "^D leave"),
        (["80", "24"], "Tab complete"),
    ] {
        let [width, height] = size;
        terminals.tmux(&["resize-window", "-t", "Ann", "-x", width, "-y", height]);
        let shown = ann.until(keys, |shown| {
            shown.contains(keys) && shown.lines().count() == height.parse::<usize>().unwrap()
        });
        assert!(shown.await.contains("── to everyone"));
    }

    ann.says("/quit");
    ann.is_back().await;
    bob.sees("- Ann").await;
    bob.presses("C-d");
    bob.is_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_fetched_from_the_list() {
    let terminals = Terminals::start().await;
    let [ann, bob] = ["Ann", "Bob"].map(|name| terminals.open(name));
    ann.sees("= Bob").await;
    bob.sees("= Ann").await;
    let source = terminals.folder.path().join("notes \u{1b}[2J.txt");
    std::fs::write(&source, "what is in it").unwrap();
    ann.types("/send notes ");
    ann.pastes("\u{1b}[2J.txt");
    ann.presses("Enter");
    ann.sees("You offer file 1: notes").await;
    bob.sees("Ann offers file 1: notes").await;
    bob.presses("F3");
    bob.sees("Files: 1").await;
    bob.presses("Enter");
    bob.sees("complete").await;
    bob.sees("is in").await;
    assert!(
        bob.flags().starts_with("1 ") && bob.shown().contains("Files: 1"),
        "{}",
        bob.shown()
    );
    let saved = std::fs::read_dir(terminals.folder.path()).unwrap();
    let saved: Vec<_> = saved.map(|entry| entry.unwrap().path()).collect();
    let is_copy =
        |path: &&std::path::PathBuf| **path != source && path.extension().is_some_and(|ending| ending == "txt");
    let copy = saved.iter().find(is_copy).expect("a copy");
    assert_eq!(std::fs::read_to_string(copy).unwrap(), "what is in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_as_it_was_after_a_stop_and_a_signal() {
    let terminals = Terminals::start().await;
    let ann = terminals.open("Ann");
    ann.sees("Only you are here.").await;
    ann.presses("C-z");
    ann.is_back().await;
    ann.says("fg");
    ann.sees("Only you are here.").await;
    ann.says("after");
    ann.sees("You: after").await;
    let killed = Command::new("kill").args(["-TERM", &ann.child()]).status().unwrap();
    assert!(killed.success());
    ann.is_back().await;

    // A terminal that is closed ends the program.
    let bob = terminals.open("Bob");
    bob.sees("Only you are here.").await;
    let process = format!("/proc/{}", bob.child());
    terminals.tmux(&["kill-session", "-t", "Bob"]);
    let started = Instant::now();
    while Path::new(&process).exists() {
        assert!(started.elapsed() < PATIENCE, "it goes on without a terminal");
        sleep(STEP).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_does_not_read_stops_neither_its_program_nor_the_end_of_it() {
    let terminals = Terminals::start().await;
    let ann = terminals.open("Ann");
    ann.sees("Only you are here.").await;
    let mut bob = terminals.machine.chat("Bob", &[]);
    bob.hear("* Ann is here").await;
    ann.sees("= Bob").await;
    let process = ann.child();

    let deaf = Deaf::make(&terminals);
    // Each is a picture of its own, and a terminal that does not read takes 64 KiB of them at most.
    for number in 0..40 {
        let letter = char::from(b'a' + number % 26);
        let text = format!("{number} {}", String::from(letter).repeat(1_500));
        bob.type_in(&text).await;
        bob.hear(&format!("* “{}…”: delivered to 1 of 1", &text[..30])).await;
    }
    drop(deaf);
    bob.type_in("can you see this?").await;
    ann.sees("Bob: can you see this?").await;
    ann.says("still here");
    bob.hear("Ann: still here").await;

    let deaf = Deaf::make(&terminals);
    for number in 0..40 {
        let letter = char::from(b'a' + number % 26);
        bob.type_in(&format!("{number} {}", String::from(letter).repeat(1_500)))
            .await;
    }
    let killed = Command::new("kill").args(["-TERM", &process]).status().unwrap();
    assert!(killed.success());
    bob.hear("* Ann left").await;
    let started = Instant::now();
    while Path::new(&format!("/proc/{process}")).exists() {
        assert!(started.elapsed() < PATIENCE, "it waits for its terminal");
        sleep(STEP).await;
    }
    drop(deaf);
}
