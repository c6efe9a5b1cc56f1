//! The program itself: real processes, a real server, and what they print.

mod archive;
mod load;

use std::{
    path::Path,
    process::Stdio,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::server::Server;

/// Anything that takes longer has failed. Never waited for in a test that passes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A machine with a server, a data folder and a room.
pub(crate) struct Machine {
    server: Server,
    pub(crate) folder: TempDir,
}

impl Machine {
    pub(crate) async fn start() -> Self {
        Self {
            server: Server::start().await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn link(&self) -> String {
        format!("http://{}/#/r/processes", self.server.address)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_starling"));
        command.args(arguments).env("STARLING_DATA_DIR", self.folder.path());
        command.env_remove("STARLING_SERVER").kill_on_drop(true);
        command
    }

    /// Runs a command to its end. Gives its exit code, what it printed, and what it complained of.
    pub(crate) async fn run(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // One that does not read may be gone.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.unwrap_or_else(|_| panic!("{arguments:?} does not end")).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Somebody who talks.
    pub(crate) fn chat(&self, name: &str, more: &[&str]) -> Talker {
        self.talk(&self.link(), name, more)
    }

    /// The same in any room.
    pub(crate) fn talk(&self, room: &str, name: &str, more: &[&str]) -> Talker {
        let mut command = self.command(&[&["chat", room, "--name", name], more].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        Talker {
            typed: child.stdin.take().unwrap(),
            printed: BufReader::new(child.stdout.take().unwrap()).lines(),
            heard: Vec::new(),
            child,
        }
    }
}

pub(crate) struct Talker {
    typed: ChildStdin,
    pub(crate) printed: Lines<BufReader<ChildStdout>>,
    pub(crate) heard: Vec<String>,
    pub(crate) child: Child,
}

impl Talker {
    pub(crate) async fn type_in(&mut self, line: &str) {
        self.typed.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Waits for a line; those before it are skipped.
    pub(crate) async fn hear(&mut self, line: &str) {
        let hear = async {
            while let Some(next) = self.printed.next_line().await.unwrap() {
                self.heard.push(next);
                if self.heard.last().is_some_and(|last| last.starts_with(line)) {
                    return;
                }
            }
            panic!("it ended");
        };
        if timeout(PATIENCE, hear).await.is_err() {
            panic!("{line:?} is not printed, but:\n{}", self.heard.join("\n"));
        }
    }

    pub(crate) async fn end(self) -> i32 {
        let Self {
            typed,
            mut printed,
            mut heard,
            mut child,
        } = self;
        drop(typed);
        let ended = async {
            while let Some(next) = printed.next_line().await.unwrap() {
                heard.push(next);
            }
            child.wait().await.unwrap().code().unwrap()
        };
        let code = timeout(PATIENCE, ended).await.ok();
        code.unwrap_or_else(|| panic!("it does not end, but prints:\n{}", heard.join("\n")))
    }
}

pub(crate) async fn http(address: &str, method: &str, target: &str, token: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A port that is free. Below the ports that the system hands out, so that it stays free, and elsewhere in each process.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = 25_000 + u16::try_from(std::process::id() % 400).expect("it is below 400") * 10;
    loop {
        let port = base + NEXT.fetch_add(1, Ordering::Relaxed);
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

pub(crate) fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_talk_whisper_by_name_and_answer_by_http() {
    let machine = Machine::start().await;
    let address = format!("127.0.0.1:{}", free_port());
    let mut ann = machine.chat("Ann", &["--http", &address]);
    ann.hear("* Only you are here.").await;
    let mut bob = machine.chat("Bob", &[]);
    ann.hear("* Bob is here").await;
    let mut cy = machine.chat("Cy", &[]);
    cy.hear("* Ann is here").await;
    bob.hear("* Cy is here").await;
    ann.hear("* Cy is here").await;

    ann.type_in("hello all").await;
    ann.hear("You: hello all").await;
    ann.hear("* “hello all”: delivered to 2 of 2").await;
    bob.hear("Ann: hello all").await;
    cy.hear("Ann: hello all").await;
    cy.type_in("/whisper Bob psst\u{1b}[2J").await;
    bob.hear("Cy whispers: psst<U+001B>[2J").await;
    bob.type_in("/whisper foo hello").await;
    bob.hear("* request cannot be fulfilled: nobody called foo is here. Here are: ")
        .await;
    bob.type_in("/people").await;
    bob.hear("* People").await;
    bob.hear("    ").await;

    let token = text(&machine.folder.path().join("0/http-token"));
    let answer = http(&address, "GET", "/whisper?name=Cy&message=hello", &token, "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    cy.hear("Ann whispers: hello").await;
    let answer = http(&address, "GET", "/whisper?name=foo&message=hello", &token, "").await;
    assert!(answer.starts_with("HTTP/1.1 409"), "{answer}");
    assert!(
        answer.contains("request cannot be fulfilled: nobody called foo is here"),
        "{answer}"
    );
    let answer = http(&address, "POST", "/say", &token, r#"{"text":"by HTTP"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    bob.hear("Ann: by HTTP").await;
    let answer = http(&address, "GET", "/people", "guessed", "").await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");

    assert!(!bob.heard.iter().any(|line| line.contains("whispers: hello")));
    cy.type_in("/quit").await;
    bob.hear("* Cy left").await;
    // Bob asked for something that cannot be.
    for (talker, code) in [(ann, 0), (bob, 5), (cy, 0)] {
        assert_eq!(talker.end().await, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_last_is_answered_marked_changed_and_deleted() {
    let machine = Machine::start().await;
    let mut ann = machine.chat("Ann", &[]);
    ann.hear("* Only you are here.").await;
    let mut bob = machine.chat("Bob", &[]);
    for (one, other) in [(&mut ann, "Bob"), (&mut bob, "Ann")] {
        one.hear(&format!("* {other} is here")).await;
    }
    bob.type_in("/reply Ann well?").await;
    bob.hear("* request cannot be fulfilled: Ann has said nothing to everyone that is here")
        .await;
    bob.type_in("/edit what?").await;
    bob.hear("* request cannot be fulfilled: nothing that you said to everyone is here")
        .await;

    ann.type_in("teh plan").await;
    bob.hear("Ann: teh plan").await;
    bob.type_in("/reply Ann which one?").await;
    ann.hear("* Bob answers Ann: “teh plan”").await;
    ann.hear("Bob: which one?").await;
    bob.type_in("/react Ann 👍").await;
    bob.hear("* Said: 👍 for “teh plan”.").await;
    ann.hear("* “teh plan” has 👍 1 from Bob").await;
    bob.type_in("/react Ann 👍").await;
    bob.hear("* Taken back: 👍 for “teh plan”.").await;
    ann.hear("* “teh plan” has no reactions any more").await;
    ann.type_in("/edit the plan").await;
    bob.hear("* Ann changed a message. It says now:").await;
    bob.hear("Ann: the plan").await;
    // Nothing was asked yet.
    ann.type_in("/delete yes").await;
    ann.hear("* request cannot be fulfilled: this deletes “the plan” for everyone. Type /delete yes if you are sure")
        .await;
    ann.type_in("/delete").await;
    ann.hear("* request cannot be fulfilled: this deletes “the plan” for everyone. Type /delete yes if you are sure")
        .await;
    // What was asked about is what goes.
    ann.type_in("one more thing").await;
    bob.hear("Ann: one more thing").await;
    ann.type_in("/delete yes").await;
    ann.hear("* Deleted, for everyone: “the plan”.").await;
    bob.hear("* Ann deleted a message").await;
    bob.type_in("/search plan").await;
    bob.hear("* There is no such message").await;
    for (talker, code) in [(ann, 5), (bob, 5)] {
        assert_eq!(talker.end().await, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_says_by_its_exit_code_what_became_of_it() {
    let machine = Machine::start().await;
    let link = machine.link();
    let (code, _, words) = machine.run(&["chat", &link, "--wait", "1"], "anyone?\n").await;
    assert_eq!((code, words.contains("nobody was there")), (4, true), "{words}");
    let (code, _, words) = machine.run(&["say", "tea", "hi"], "").await;
    assert_eq!((code, words.contains("--server")), (2, true), "{words}");
    let (code, printed, _) = machine.run(&["new", "--server", "http://rooms.example"], "").await;
    assert_eq!(
        (code, printed.starts_with("http://rooms.example/#/r/1.")),
        (0, true),
        "{printed}"
    );

    let mut bob = machine.chat("Bob", &["--as", "7"]);
    bob.hear("* Only you are here.").await;
    let (code, printed, _) = machine.run(&["chat", &link, "--name", "Ann"], "hi\n/people\n").await;
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("* “hi”: delivered to 1 of 1"), "{printed}");
    bob.hear("Ann: hi").await;
    let (code, printed, _) = machine.run(&["say", &link, "--json", "--to", "Bob", "psst"], "").await;
    assert_eq!(
        (code, printed.starts_with(r#"{"type":"said","id":""#)),
        (0, true),
        "{printed}"
    );
    bob.hear("Ann whispers: psst").await;
    let (code, printed, _) = machine.run(&["say", &link], "/people\nis what I typed\n").await;
    assert_eq!(code, 0, "{printed}");
    bob.hear("Ann: /people").await;
    bob.hear("Ann: is what I typed").await;
    let (code, printed, _) = machine.run(&["say", &link, "--to", "foo", "hi"], "").await;
    assert_eq!(
        (code, printed.contains("nobody called foo is here")),
        (5, true),
        "{printed}"
    );
    let (code, printed, _) = machine.run(&["send", &link, "/nothing"], "").await;
    assert_eq!((code, printed.contains("can't be read")), (5, true), "{printed}");
    let (code, printed, _) = machine.run(&["people", &link], "").await;
    assert_eq!((code, printed.contains("Bob  Here")), (0, true), "{printed}");
    let (code, printed, _) = machine.run(&["map", &link, "--format", "dot"], "").await;
    assert_eq!((code, printed.contains(" -- ")), (0, true), "{printed}");
    let (code, _, words) = machine.run(&["people", &link, "--as", "7"], "").await;
    assert_eq!(
        (code, words.contains("in use by another instance")),
        (1, true),
        "{words}"
    );
    assert_eq!(bob.end().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_makes_a_room_names_it_and_closes_it() {
    let machine = Machine::start().await;
    let server = format!("http://{}", machine.server.address);
    let (code, link, words) = machine
        .run(&["new", "--server", &server, "--room", "Tea & talk"], "")
        .await;
    assert_eq!(code, 0, "{words}");
    let link = link.trim();
    let (code, printed, _) = machine.run(&["chat", link], "/status\n/close\n/close yes\n").await;
    // The first /close only asks.
    assert_eq!(code, 5, "{printed}");
    assert!(printed.contains("* This room is called Tea & talk"), "{printed}");
    assert!(printed.contains("Type /close yes if you are sure"), "{printed}");
    let (_, printed, _) = machine
        .run(&["chat", link, "--as", "3", "--wait", "1"], "hello\n")
        .await;
    assert!(printed.contains("closed by its founder"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_killed_comes_back_as_the_same_person_with_what_was_said_and_a_file_is_fetched() {
    let machine = Machine::start().await;
    let link = machine.link();
    let mut ann = machine.chat("Ann", &[]);
    ann.hear("* Only you are here.").await;
    let mut bob = machine.chat("Bob", &[]);
    bob.hear("* Ann is here").await;
    ann.type_in("before").await;
    bob.hear("Ann: before").await;
    ann.hear("* “before”: delivered to 1 of 1").await;
    bob.child.kill().await.unwrap();

    let mut bob = machine.chat("Bob", &[]);
    bob.hear("Ann: before").await;
    bob.hear("* Ann is here").await;
    ann.type_in("after").await;
    bob.hear("Ann: after").await;
    ann.hear("* “after”: delivered to 1 of 1").await;
    bob.type_in("/status").await;
    bob.hear("* You are Bob.").await;
    // Else there were three by now.
    ann.type_in("/people").await;
    ann.hear("* People").await;
    ann.hear("    Bob  Here").await;

    let (source, target) = (
        machine.folder.path().join("notes.txt"),
        machine.folder.path().join("got"),
    );
    std::fs::write(&source, "what is in it").unwrap();
    ann.type_in(&format!("/send {}", source.display())).await;
    bob.hear("* Ann offers file 1: notes.txt").await;
    let (code, printed, words) = machine
        .run(&["get", &link, "1", &target.display().to_string()], "")
        .await;
    assert_eq!(code, 0, "{printed}{words}");
    assert_eq!(text(&target), "what is in it");
    assert_eq!(ann.end().await, 0);
    // Nobody is there any more who has it.
    let (code, printed, words) = machine.run(&["get", &link, "1", "--wait", "1", "--as", "9"], "").await;
    assert_eq!(
        (code, words.contains("not everything was done")),
        (3, true),
        "{printed}{words}"
    );
    assert_eq!(bob.end().await, 0);
}
