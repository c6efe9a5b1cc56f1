//! A room that is kept: people go, an archive stays, and others find everything.

use std::{pin::pin, process::Stdio, time::Duration};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    time::{Instant, sleep, timeout},
};

use super::{Machine, PATIENCE, Talker, free_port, http, text};

/// The person that the archive is.
const AS: &str = "60";

impl Machine {
    /// An archive of the room, with metrics at a port.
    fn archive(&self, port: u16) -> Talker {
        let (link, metrics) = (self.link(), format!("127.0.0.1:{port}"));
        // A file that may not grow is then an error, as on a full disk, and no signal.
        let mut command = self.command(&[]);
        let program = command.as_std().get_program().to_owned();
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(program);
        shell.args(["archive", &link, "--as", AS, "--metrics", &metrics]);
        shell
            .env("STARLING_DATA_DIR", self.folder.path())
            .env_remove("STARLING_SERVER");
        command = shell;
        command.kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        Talker {
            typed: child.stdin.take().unwrap(),
            printed: BufReader::new(child.stdout.take().unwrap()).lines(),
            heard: Vec::new(),
            child,
        }
    }

    fn person(&self, name: &str, slot: &str) -> Talker {
        self.chat(name, &["--as", slot])
    }
}

impl Talker {
    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap()
    }

    async fn stops(mut self) -> i32 {
        kill_process(self.pid(), Signal::TERM).unwrap();
        let ended = timeout(PATIENCE, self.child.wait()).await.expect("it ends");
        ended.unwrap().code().unwrap()
    }

    async fn quits(mut self) {
        self.type_in("/quit").await;
        timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap();
    }
}

/// Waits until a metric of the only room has a value.
async fn until_metric(port: u16, name: &str, is_so: impl Fn(u64) -> bool) {
    let (address, until) = (format!("127.0.0.1:{port}"), Instant::now() + PATIENCE);
    let line = format!("starling_archive_{name}{{room=\"1\"}} ");
    loop {
        let answer = http(&address, "GET", "/metrics", "", "").await;
        let value = answer.lines().find_map(|text| text.strip_prefix(&line)?.parse().ok());
        if value.is_some_and(&is_so) {
            return;
        }
        assert!(Instant::now() < until, "{name} is not so in\n{answer}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_five_have_left_behind_is_there_the_next_morning() {
    let machine = Machine::start().await;
    let port = free_port();
    let mut archive = machine.archive(port);
    archive.hear("* this archive reads and keeps all").await;
    archive.hear("* room 1 : kept").await;
    let mut ann = machine.person("Ann", "0");
    ann.hear("* Archive is here").await;
    let mut others = Vec::new();
    for (name, slot) in [("Ben", "1"), ("Cid", "2"), ("Dot", "3"), ("Eve", "4")] {
        let mut person = machine.person(name, slot);
        ann.hear(&format!("* {name} is here")).await;
        person.hear("* Ann is here").await;
        person.type_in(&format!("this is {name}")).await;
        ann.hear(&format!("{name}: this is {name}")).await;
        others.push(person);
    }
    ann.type_in("/people").await;
    ann.hear("    Archive  Here, keeps this room").await;
    let (source, target) = (
        machine.folder.path().join("plan.txt"),
        machine.folder.path().join("got"),
    );
    std::fs::write(&source, "what was planned").unwrap();
    ann.type_in(&format!("/send {}", source.display())).await;
    others.pop().unwrap().quits().await;
    ann.hear("* Eve left").await;
    ann.type_in("/whisper Eve see you").await;
    ann.type_in("to all").await;
    until_metric(port, "files_whole", |count| count == 1).await;
    until_metric(port, "messages_shown", |count| count == 6).await;
    ann.quits().await;
    for person in others {
        person.quits().await;
    }
    until_metric(port, "people_here", |count| count == 0).await;
    // The night: the archive is started anew.
    assert_eq!(archive.stops().await, 0);
    let mut archive = machine.archive(port);
    archive.hear("* room 1 : kept, 6 messages shown").await;

    let mut eve = machine.person("Eve", "4");
    eve.hear("Ann whispers: see you").await;
    eve.hear("Ann: to all").await;
    let mut zoe = machine.person("Zoe", "5");
    for name in ["Ben", "Cid", "Dot", "Eve"] {
        zoe.hear(&format!("{name}: this is {name}")).await;
    }
    zoe.hear("Ann: to all").await;
    let target = target.display().to_string();
    let (code, printed, words) = machine
        .run(&["get", &machine.link(), "1", &target, "--as", "6"], "")
        .await;
    assert_eq!(
        (code, text(target.as_ref()).as_str()),
        (0, "what was planned"),
        "{printed}{words}"
    );
    assert_eq!(archive.stops().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_killed_in_the_middle_of_writing_goes_on() {
    let machine = Machine::start().await;
    let port = free_port();
    let mut archive = machine.archive(port);
    let mut ann = machine.person("Ann", "0");
    ann.hear("* Archive is here").await;
    for line in 0..100 {
        ann.type_in(&format!("line {line}")).await;
    }
    until_metric(port, "messages_shown", |count| count > 10).await;
    archive.child.kill().await.unwrap();
    let mut archive = machine.archive(port);
    archive.hear("* metrics at").await;
    until_metric(port, "messages_shown", |count| count == 100).await;
    ann.quits().await;
    until_metric(port, "people_here", |count| count == 0).await;
    let mut zoe = machine.person("Zoe", "5");
    for line in 0..100 {
        zoe.hear(&format!("Ann: line {line}")).await;
    }
    let said = zoe.heard.iter().filter(|line| line.starts_with("Ann: line")).count();
    assert_eq!(said, 100);
    assert_eq!(archive.stops().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_on_a_full_disk_goes_on_and_keeps_what_waited_once_there_is_room() {
    let machine = Machine::start().await;
    let port = free_port();
    let mut archive = machine.archive(port);
    archive.hear("* room 1 : kept").await;
    let mut ann = machine.person("Ann", "0");
    ann.hear("* Archive is here").await;
    let database = machine.folder.path().join(format!("{AS}/store.redb"));
    let limit = |bytes| Rlimit {
        current: bytes,
        maximum: None,
    };
    let bytes = std::fs::metadata(&database).unwrap().len();
    prlimit(Some(archive.pid()), Resource::Fsize, limit(Some(bytes))).unwrap();
    let long = "x".repeat(40_000);
    let mut count = 0;
    {
        let mut full = pin!(archive.hear("* the disk is full"));
        loop {
            ann.type_in(&format!("{count} {long}")).await;
            count += 1;
            if timeout(Duration::from_millis(200), &mut full).await.is_ok() {
                break;
            }
        }
    }
    // It hears, hands on and serves all the same.
    until_metric(port, "messages_shown", |shown| shown == count).await;
    let mut bob = machine.person("Bob", "1");
    bob.hear(&format!("Ann: {} x", count - 1)).await;
    prlimit(Some(archive.pid()), Resource::Fsize, limit(None)).unwrap();
    archive.hear("* there is room on the disk again").await;
    ann.hear(&format!("* “{} x", count - 1)).await;
    ann.quits().await;
    bob.quits().await;
    assert_eq!(archive.stops().await, 0);
    let mut archive = machine.archive(port);
    archive.hear(&format!("* room 1 : kept, {count} messages shown")).await;
    assert_eq!(archive.stops().await, 0);
}
