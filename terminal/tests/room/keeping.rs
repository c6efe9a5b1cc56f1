//! What a process keeps, and for whom: a passphrase, what is forgotten, and a reader who pauses.

use std::time::Duration;

use tokio::time::timeout;

use crate::program::{Machine, free_port};

/// Stands for what is heard once a file is paused.
const PAUSED: &str = "paused";

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_put_under_a_passphrase_that_is_changed_and_removed() {
    let machine = Machine::start().await;
    let [one, other] = ["one", "other"].map(|name| {
        let path = machine.folder.path().join(name);
        std::fs::write(&path, format!("{name}\n")).unwrap();
        path.display().to_string()
    });
    let who = async |more: &[&str]| {
        let arguments = [&["chat", "tea", "--no-server", "--json", "--wait", "0"], more].concat();
        machine.run(&arguments, "/status\n").await
    };
    let id = |printed: &str| {
        let status = printed
            .lines()
            .find(|line| line.contains("\"status\""))
            .unwrap()
            .to_owned();
        serde_json::from_str::<serde_json::Value>(&status).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (code, printed, words) = who(&["--name", "Ann"]).await;
    assert_eq!(code, 0, "{words}");
    let me = id(&printed);
    let (code, _, words) = machine
        .run(&["passphrase", "set", "--new-passphrase-file", &one], "")
        .await;
    assert_eq!(code, 0, "{words}");
    let sealed = machine.folder.path().join("0/identity.sealed");
    assert!(std::fs::read(&sealed).unwrap().starts_with(b"starling sealed 1\n"));

    let (code, _, words) = who(&[]).await;
    assert_eq!((code, words.contains("--passphrase-file")), (1, true), "{words}");
    let (code, _, words) = who(&["--passphrase-file", &other]).await;
    assert_eq!(
        (code, words.contains("this is not the passphrase")),
        (1, true),
        "{words}"
    );
    let (code, printed, words) = who(&["--passphrase-file", &one]).await;
    assert_eq!((code, id(&printed) == me), (0, true), "{words}");
    let set = [
        "passphrase",
        "set",
        "--passphrase-file",
        &one,
        "--new-passphrase-file",
        &other,
    ];
    let (code, _, words) = machine.run(&set, "").await;
    assert_eq!(code, 0, "{words}");
    let (code, _, _) = who(&["--passphrase-file", &one]).await;
    assert_eq!(code, 1);
    let (code, _, words) = machine
        .run(&["passphrase", "remove", "--passphrase-file", &other], "")
        .await;
    assert_eq!((code, sealed.exists()), (0, false), "{words}");
    let (_, printed, words) = who(&[]).await;
    assert_eq!(id(&printed), me, "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_found_by_its_id_and_paused_resumed_and_forgotten_and_so_is_the_room() {
    let machine = Machine::start().await;
    let at = format!("127.0.0.1:{}", free_port());
    let mut ann = machine.talk("files", "Ann", &["--listen", &at, "--as", "1"]);
    ann.hear("* Only you are here.").await;
    let mut bob = machine.talk("files", "Bob", &["--bootnodes", &at, "--as", "2", "--json"]);
    ann.hear("* Bob is here").await;
    let source = machine.folder.path().join("notes.txt");
    std::fs::write(&source, "what is in it").unwrap();
    ann.type_in(&format!("/send {}", source.display())).await;
    bob.hear("{\"type\":\"message\"").await;
    let offer: serde_json::Value = serde_json::from_str(bob.heard.last().unwrap()).unwrap();
    let id = offer["file"]["id"].as_str().unwrap().to_owned();
    ann.type_in("to be forgotten").await;
    bob.hear("{\"type\":\"message\"").await;
    assert_eq!(ann.end().await, 0);

    // Nobody is there who has it.
    let short = &id[..8];
    for (line, expected) in [
        (format!("/pause {short}"), "{\"type\":\"refused\""),
        (
            format!("/get {short}"),
            "{\"type\":\"done\",\"text\":\"Fetching notes.txt",
        ),
        (
            format!("/pause {short}"),
            "{\"type\":\"done\",\"text\":\"notes.txt waits until",
        ),
        ("/files".to_owned(), PAUSED),
        ("/pause 1".to_owned(), "{\"type\":\"refused\""),
        (
            "/resume 1".to_owned(),
            "{\"type\":\"done\",\"text\":\"Fetching notes.txt",
        ),
        (
            format!("/cancel {id}"),
            "{\"type\":\"done\",\"text\":\"Nothing of notes.txt",
        ),
        (
            format!("/get {}", &id[..5]),
            "{\"type\":\"refused\",\"text\":\"there is no file",
        ),
        (
            "/forget".to_owned(),
            "{\"type\":\"refused\",\"text\":\"this leaves the room",
        ),
        (
            "/forget yes".to_owned(),
            "{\"type\":\"done\",\"text\":\"Leaving, and forgetting",
        ),
    ] {
        if expected == PAUSED {
            // It shows in the room a moment later.
            let is_paused = |line: &String| line.contains("\"state\":\"paused\"");
            while !bob.heard.last().is_some_and(is_paused) {
                bob.hear("{\"type\":\"file\"").await;
            }
            continue;
        }
        bob.type_in(&line).await;
        bob.hear(expected).await;
    }
    bob.end().await;
    assert!(!remembers(&machine, "2").await && remembers(&machine, "1").await);
}

/// Whether a person still has what was said in the room of the files.
async fn remembers(machine: &Machine, who: &str) -> bool {
    let again = ["chat", "files", "--no-server", "--as", who, "--wait", "0"];
    let (_, printed, _) = machine.run(&again, "/history\n").await;
    printed.contains("to be forgotten")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_pauses_does_not_stop_the_program() {
    let machine = Machine::start().await;
    let at = format!("127.0.0.1:{}", free_port());
    let mut ann = machine.talk("pauses", "Ann", &["--listen", &at, "--as", "1"]);
    ann.hear("* Only you are here.").await;
    // Nobody reads what this one prints.
    let bob = machine.talk("pauses", "Bob", &["--bootnodes", &at, "--as", "2"]);
    ann.hear("* Bob is here").await;
    // More than a pipe takes.
    let long = "x".repeat(60_000);
    for _ in 0..8 {
        ann.type_in(&long).await;
    }
    ann.type_in("the last").await;
    ann.hear("* “the last”: delivered to 1 of 1").await;
    // The rest comes once it is read.
    let mut bob = bob;
    let lines = async {
        let mut lines = 0;
        while let Some(line) = bob.printed.next_line().await.unwrap() {
            lines += usize::from(line.starts_with("Ann: xxx"));
            if line == "Ann: the last" {
                break;
            }
        }
        lines
    };
    assert_eq!(timeout(Duration::from_secs(20), lines).await.unwrap(), 8);
    for talker in [ann, bob] {
        talker.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_goes_to_another_machine_by_a_file_under_a_passphrase() {
    let (one, other) = (Machine::start().await, Machine::start().await);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (file, passphrase, wrong) = (at("ann.identity"), at("passphrase"), at("wrong"));
    std::fs::write(&passphrase, "correct horse\n").unwrap();
    std::fs::write(&wrong, "correct horses\n").unwrap();
    let founded = |printed: &str| printed.trim().to_owned();

    let (code, link, words) = one.run(&["new", "--no-server", "--name", "Ann"], "").await;
    assert_eq!(code, 0, "{words}");
    let export = ["identity", "export", &file, "--new-passphrase-file", &passphrase];
    let (code, _, words) = one.run(&export, "").await;
    assert_eq!((code, words.contains("ann.identity")), (0, true), "{words}");
    let (code, _, words) = one.run(&export, "").await;
    assert_eq!((code, words.contains("cannot be used")), (1, true), "{words}");

    let import = ["identity", "import", &file, "--file-passphrase-file"];
    let (code, _, words) = other.run(&[&import[..], &[&wrong]].concat(), "").await;
    assert_eq!((code, words.contains("not the passphrase")), (1, true), "{words}");
    let (code, _, words) = other.run(&[&import[..], &[&passphrase]].concat(), "").await;
    assert_eq!((code, words.contains("from now on")), (0, true), "{words}");
    // Nobody is lost without a word.
    let (code, _, words) = other.run(&[&import[..], &[&passphrase]].concat(), "").await;
    assert_eq!((code, words.contains("--replace")), (1, true), "{words}");
    let (code, _, words) = other
        .run(&[&import[..], &[&passphrase, "--replace"]].concat(), "")
        .await;
    assert_eq!(code, 0, "{words}");

    // The founder's rights are there with the key.
    let chat = ["chat", &founded(&link), "--no-server", "--json", "--wait", "0"];
    let (code, printed, words) = other.run(&chat, "/retention hour\n/status\n").await;
    assert_eq!((code, printed.contains("\"Ann\"")), (0, true), "{printed}{words}");
    assert!(printed.contains("Saved."), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_exported_is_brought_back_by_somebody_else_in_the_same_room_only() {
    let (one, other) = (Machine::start().await, Machine::start().await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tea.json").display().to_string();
    let chat = async |machine: &Machine, room: &str, typed: &str| {
        let arguments = ["chat", room, "--no-server", "--json", "--wait", "5"];
        machine.run(&arguments, typed).await
    };
    chat(&one, "tea", "hello\n").await;
    // At the next visit it is known to be kept, and has its signature.
    let (_, printed, words) = chat(&one, "tea", &format!("/export {file}\n/export {file}\n")).await;
    assert!(printed.contains("All that is shown here is in"), "{printed}{words}");
    assert!(printed.contains("is there already"), "{printed}");
    assert!(std::fs::read_to_string(&file).unwrap().contains("\"record\""));

    let import = format!("/import {file}\n");
    let (_, printed, words) = chat(&other, "milk", &import).await;
    assert!(printed.contains("export of another room"), "{printed}{words}");
    let (_, printed, words) = chat(&other, "tea", &import).await;
    assert!(printed.contains("1 message is back"), "{printed}{words}");
    let (_, printed, words) = chat(&other, "tea", "/history\n").await;
    assert!(printed.contains("\"hello\""), "{printed}{words}");
    let large = std::fs::File::create(format!("{file}.large")).unwrap();
    large.set_len(300_000_000).unwrap();
    let (_, printed, words) = chat(&other, "tea", &format!("/import {file}.large\n")).await;
    assert!(printed.contains("larger than any export"), "{printed}{words}");
    let (_, printed, _) = chat(&other, "tea", &format!("{import}/import {file}.not\n")).await;
    assert!(printed.contains("Nothing in this file was new"), "{printed}");
    assert!(printed.contains("cannot be read"), "{printed}");
}
