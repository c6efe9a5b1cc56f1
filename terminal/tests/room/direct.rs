//! Processes that meet without any server.

use crate::program::{Machine, free_port, http, text};

/// So many free ports of this machine.
fn ports<const N: usize>() -> [String; N] {
    std::array::from_fn(|_| free_port().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn three_peers_meet_by_bootnodes_and_go_on_when_one_is_killed() {
    let machine = Machine::start().await;
    let (code, room, words) = machine.run(&["new", "--listen", "8001"], "").await;
    assert_eq!((code, room.starts_with("1.")), (0, true), "{room}{words}");
    let room = room.trim();
    let [one, two, three, asked] = ports();
    let both = format!("localhost:{one},127.0.0.1:{two}");
    let asked = format!("127.0.0.1:{asked}");
    let on_loopback = |port: &str| format!("127.0.0.1:{port}");
    let (one, two, three) = (on_loopback(&one), on_loopback(&two), on_loopback(&three));

    // The same list for all: each leaves itself out.
    let mut ann = machine.talk(room, "Ann", &["--listen", &one, "--bootnodes", &both]);
    ann.hear("* Only you are here.").await;
    let mut ben = machine.talk(room, "Ben", &["--listen", &two, "--bootnodes", &both]);
    ben.hear("* Ann is here").await;
    let mut cid = machine.talk(
        room,
        "Cid",
        &["--listen", &three, "--bootnodes", &both, "--http", &asked, "--as", "5"],
    );
    cid.hear("* ").await;
    ann.hear("* Cid is here").await;
    ben.hear("* Cid is here").await;

    ann.type_in("to all").await;
    ben.hear("Ann: to all").await;
    cid.hear("Ann: to all").await;
    let token = text(&machine.folder.path().join("5/http-token"));
    let answer = http(&asked, "GET", "/whisper?name=Ann&message=hello", &token, "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    ann.hear("Cid whispers: hello").await;
    let answer = http(&asked, "GET", "/whisper?name=foo&message=hello", &token, "").await;
    assert!(
        answer.contains("request cannot be fulfilled: nobody called foo is here"),
        "{answer}"
    );

    ann.child.kill().await.unwrap();
    ben.type_in("we go on").await;
    cid.hear("Ben: we go on").await;
    // Whoever comes now comes by the other one, and is told of the one that is not there.
    let mut dot = machine.talk(room, "Dot", &["--bootnodes", &both, "--as", "6"]);
    dot.hear("* localhost:").await;
    dot.type_in("am I in?").await;
    cid.hear("Dot: am I in?").await;
    // The one that was killed comes back to its port, and all find each other again.
    let mut ann = machine.talk(room, "Ann", &["--listen", &one, "--bootnodes", &both, "--as", "0"]);
    ann.hear("Ben: we go on").await;
    ann.type_in("I am back").await;
    for other in [&mut ben, &mut cid, &mut dot] {
        other.hear("Ann: I am back").await;
    }
    // Who leaves before it has said what it has leaves the author waiting for that.
    ann.hear("* “I am back”: delivered to 3 of 3").await;
    // Ann last: the others wait until she has what they said.
    for talker in [ben, cid, dot, ann] {
        assert_eq!(talker.end().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_by_a_bootnode_waits_until_it_knows_who_is_there() {
    let machine = Machine::start().await;
    let [one, other, nobody] = ports();
    let bootnodes = format!("127.0.0.1:{one},127.0.0.1:{nobody}");
    let mut ann = machine.talk("tea", "Ann", &["--listen", &format!("127.0.0.1:{one}")]);
    ann.hear("* Only you are here.").await;
    let (code, printed, words) = machine.run(&["say", "tea", "hi", "--bootnodes", &bootnodes], "").await;
    assert_eq!(code, 0, "{printed}{words}");
    ann.hear("Someone: hi").await;
    let listening = format!("127.0.0.1:{other}");
    let (code, printed, words) = machine
        .run(
            &["people", "tea", "--bootnodes", &bootnodes, "--listen", &listening],
            "",
        )
        .await;
    assert_eq!((code, printed.contains("Ann  Here")), (0, true), "{printed}{words}");
    // Another room is not served there.
    let mut eve = machine.talk("coffee", "Eve", &["--bootnodes", &bootnodes]);
    eve.hear("* A server, or a peer that was named as a bootnode, takes nobody more")
        .await;
    for (arguments, words) in [
        (vec!["people", "tea", "--listen", "host:1"], "write a port"),
        (vec!["people", "tea", "--bootnodes", "host"], "write a host with a port"),
        (vec!["people", "tea"], "--bootnodes HOST:PORT"),
    ] {
        let (code, _, printed) = machine.run(&arguments, "").await;
        assert_eq!((code, printed.contains(words)), (2, true), "{printed}");
    }
    let taken = format!("127.0.0.1:{one}");
    let (code, _, printed) = machine.run(&["people", "tea", "--listen", &taken], "").await;
    assert_eq!(
        (code, printed.contains("another program may have that port")),
        (1, true),
        "{printed}"
    );
    assert_eq!(ann.end().await, 0);
}
