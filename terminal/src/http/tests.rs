//! Requests over real sockets to a person in a room.

use std::rc::Rc;

use serde_json::Value;
use shared::RoomCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Notify,
    task::{LocalSet, spawn_local},
};

use super::*;
use crate::{
    cable::Cable,
    config::{ASKS_WAITING_MAX, BODY_BYTES_MAX, EVENTS_WAITING_MAX, LATE_WAITING_MAX},
    desk::Desk,
    line::plain::Plain,
    run::{End, Format, Inlets, Plan, Printer, Show, Start, Visit, commands},
    store::DiskStore,
};

const TOKEN: &str = "abc";

/// Somebody in a room, and the address at which they answer.
async fn with_person(story: impl AsyncFnOnce(SocketAddr, &broadcast::Sender<Report>, &Path)) {
    with_person_by(Access::Token(TOKEN.into()), story).await;
}

async fn with_person_by(access: Access, story: impl AsyncFnOnce(SocketAddr, &broadcast::Sender<Report>, &Path)) {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(&folder.path().join("store.redb")).unwrap();
    let everything = async {
        let code = RoomCode::parse("requests").unwrap();
        let changed = Rc::new(Notify::new());
        let session = Cable::default().enter(&code, 1, "Ann", &store, Rc::clone(&changed));
        let (late_sender, late) = mpsc::channel(LATE_WAITING_MAX);
        let (asks_sender, asks) = mpsc::channel(ASKS_WAITING_MAX);
        let (events, _) = broadcast::channel(EVENTS_WAITING_MAX);
        let inlets = Inlets {
            typed: commands(Vec::new()),
            late,
            asks,
            changed,
            stop: Rc::new(Notify::new()),
        };
        let plan = Plan {
            start: Start::AtOnce,
            end: End::Never,
            show: Show::Answers,
        };
        let desk = Desk::new(session, store, code.open().id(), "link".to_owned(), late_sender);
        let printer = Printer::new(Format::Plain(Plain::new(None)), io::sink());
        spawn_local(Visit::new(desk, inlets, printer, events.clone(), plan).run());
        let address = ([127, 0, 0, 1], 0).into();
        let server = Server::listen(address, Beyond::Loopback, access, asks_sender, events.clone())
            .await
            .unwrap();
        let At::Tcp(address) = server.at() else {
            panic!("another place")
        };
        spawn_local(server.run());
        story(address, &events, folder.path()).await;
    };
    LocalSet::new().run_until(everything).await;
}

async fn connect(address: SocketAddr, method: &str, target: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// The status and the body.
async fn ask(address: SocketAddr, method: &str, target: &str, body: &str) -> (u16, String) {
    let mut stream = connect(address, method, target, body).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

async fn ask_json(address: SocketAddr, method: &str, target: &str, body: &str) -> (u16, Value) {
    let (status, body) = ask(address, method, target, body).await;
    (
        status,
        serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status}: {body}")),
    )
}

#[tokio::test]
async fn what_cannot_be_is_a_problem_with_words() {
    with_person(async |address, _, _| {
        let (status, problem) = ask_json(address, "GET", "/whisper?name=foo&message=hello", "").await;
        assert_eq!((status, problem["status"].as_u64()), (409, Some(409)));
        let words = "request cannot be fulfilled: nobody called foo is here. You are alone";
        assert_eq!(problem["detail"], words);
        for (method, target, body, expected) in [
            ("POST", "/say", "{}", 400),
            ("POST", "/say", "not json", 400),
            ("POST", "/say", r#"{"text":" "}"#, 422),
            ("GET", "/whisper?name=foo", "", 400),
            ("GET", "/messages?since=nothing", "", 404),
            ("GET", "/network?format=gif", "", 400),
            ("GET", "/nowhere", "", 404),
            ("DELETE", "/say", "", 405),
        ] {
            let (status, problem) = ask_json(address, method, target, body).await;
            assert_eq!(
                (status, problem["status"].as_u64()),
                (expected, Some(expected.into())),
                "{target}"
            );
            assert!(
                problem["title"].is_string() && problem["detail"].is_string(),
                "{problem}"
            );
        }
        let long = format!("{{\"text\":\"{}\"}}", "x".repeat(70_000));
        assert_eq!(ask_json(address, "POST", "/say", &long).await.0, 413);
        // No more than is read before it is refused: else the connection may be reset before the answer is read.
        let longest = "x".repeat(BODY_BYTES_MAX + 1);
        assert_eq!(ask_json(address, "POST", "/say", &longest).await.0, 413);
    })
    .await;
}

#[tokio::test]
async fn without_a_token_a_link_whispers_nothing() {
    with_person_by(Access::Open, async |address, _, _| {
        for method in ["GET", "HEAD"] {
            let (status, _) = ask(address, method, "/whisper?name=foo&message=hello", "").await;
            assert_eq!(status, 403, "{method}");
        }
        let (_, problem) = ask_json(address, "GET", "/whisper?name=foo&message=hello", "").await;
        assert!(problem["detail"].as_str().unwrap().contains("Use POST"), "{problem}");
        let whispered = r#"{"name":"foo","text":"hello"}"#;
        let (status, problem) = ask_json(address, "POST", "/whisper", whispered).await;
        assert_eq!(status, 409, "{problem}");
        assert_eq!(ask(address, "GET", "/people", "").await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn what_was_said_is_told_to_who_listens_and_to_who_asks_later() {
    with_person(async |address, _, _| {
        let mut listener = connect(address, "GET", "/events", "").await;
        let mut told = String::new();
        let mut hear = async |part: &str| {
            while !told.contains(part) {
                let mut bytes = [0; 4_096];
                let count = listener.read(&mut bytes).await.unwrap();
                assert!(count > 0, "{told}");
                told += std::str::from_utf8(&bytes[..count]).unwrap();
            }
        };
        hear("text/event-stream").await;
        let (status, said) = ask_json(address, "POST", "/say", r#"{"text":"one"}"#).await;
        assert_eq!((status, &said["type"]), (200, &"said".into()));
        hear("event: message\ndata: {").await;
        hear("\"text\":\"one\"").await;
        ask(address, "POST", "/say", r#"{"text":"two"}"#).await;
        let (_, all) = ask_json(address, "GET", "/messages", "").await;
        let texts = |history: &Value| {
            let messages = history["messages"].as_array().unwrap();
            messages
                .iter()
                .map(|message| message["text"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(&all), ["one", "two"]);
        let since = all["messages"][0]["id"].as_str().unwrap();
        let cursor = all["cursor"].as_str().unwrap();
        let (_, later) = ask_json(address, "GET", &format!("/messages?since={since}"), "").await;
        assert_eq!(texts(&later), ["two"]);
        let (_, later) = ask_json(address, "GET", &format!("/messages?since={cursor}"), "").await;
        assert_eq!((texts(&later), later["cursor"].as_str()), (Vec::new(), Some(cursor)));
        // Of another start of the program.
        let (status, _) = ask_json(address, "GET", "/messages?since=1-1", "").await;
        assert_eq!(status, 404);
        // As escapes, wherever it is told.
        let harmful = "three\u{9b}2J\u{202e}";
        let said = serde_json::json!({ "text": harmful }).to_string();
        ask(address, "POST", "/say", &said).await;
        hear(r"three\u009b2J\u202e").await;
        let (_, body) = ask(address, "GET", "/messages", "").await;
        assert!(body.contains(r"three\u009b2J\u202e"), "{body}");
        assert_eq!(texts(&serde_json::from_str(&body).unwrap())[2], harmful);
    })
    .await;
}

#[tokio::test]
async fn a_socket_in_the_file_system_has_the_same_guard_and_is_open_to_this_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listen = || {
        let (asks, mut asked) = mpsc::channel::<Ask>(ASKS_WAITING_MAX);
        let (events, _) = broadcast::channel(EVENTS_WAITING_MAX);
        let server = Server::listen_at(&path, Access::Token(TOKEN.into()), asks, events);
        // Whatever is asked, somebody was there.
        spawn_local(async move {
            while let Some(ask) = asked.recv().await {
                let people = Vec::new();
                let _ = ask
                    .reply
                    .send(Ok(crate::run::Answer::Report(Box::new(Report::People { people }))));
            }
        });
        server
    };
    let ask = async |headers: &str| {
        let mut stream = tokio::net::UnixStream::connect(&path).await.unwrap();
        let request = format!("GET /people HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    let everything = async {
        let server = listen().unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        assert!(
            matches!(listen(), Err(HttpError::Socket { .. })),
            "another one answers there"
        );
        let serving = spawn_local(server.run());
        let token = format!("authorization: Bearer {TOKEN}\r\n");
        for (headers, status) in [
            (format!("host: localhost\r\n{token}"), "200"),
            ("host: localhost\r\n".to_owned(), "401"),
            (format!("host: evil.example\r\n{token}"), "421"),
            (
                format!("host: localhost\r\norigin: http://evil.example\r\n{token}"),
                "403",
            ),
        ] {
            assert_eq!(ask(&headers).await, status, "{headers}");
        }
        serving.abort();
        let _ = serving.await;
        assert!(!path.exists(), "its file goes with it");
        // One that was killed leaves its file behind.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists() && listen().is_ok());
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "of somebody").unwrap();
        assert!(matches!(listen(), Err(HttpError::Socket { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"of somebody");
    };
    LocalSet::new().run_until(everything).await;
}

#[tokio::test]
async fn who_listens_too_slowly_is_told_how_much_was_missed() {
    with_person(async |address, events, _| {
        let mut listener = connect(address, "GET", "/events", "").await;
        let mut head = [0; 12];
        listener.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        // Without a moment in which the server could write.
        for _ in 0..EVENTS_WAITING_MAX + 7 {
            events.send(Report::Left).unwrap();
        }
        let mut told = String::new();
        while !told.contains("event: left") {
            let mut bytes = [0; 4_096];
            let count = listener.read(&mut bytes).await.unwrap();
            told += &String::from_utf8_lossy(&bytes[..count]);
        }
        assert!(told.contains("event: lagged\ndata: {\"missed\":"), "{told}");
    })
    .await;
}

#[tokio::test]
async fn the_description_is_what_is_answered() {
    with_person(async |address, _, folder| {
        let file = folder.join("file");
        std::fs::write(&file, "content").unwrap();
        let (_, description) = ask_json(address, "GET", "/openapi.json", "").await;
        for (path, methods) in description["paths"].as_object().unwrap() {
            let methods = methods.as_object().unwrap();
            for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
                let Some(described) = methods.get(&method.to_lowercase()) else {
                    assert_eq!(ask(address, method, path, "").await.0, 405, "{method} {path}");
                    continue;
                };
                if path == "/events" {
                    continue;
                }
                let parameters = described["parameters"].as_array().into_iter().flatten();
                let needed = parameters.filter(|parameter| parameter["required"] == true);
                let query: Vec<_> = needed
                    .map(|known| format!("{}=x", known["name"].as_str().unwrap()))
                    .collect();
                let target = format!("{path}?{}", query.join("&"));
                let schema = &described["requestBody"]["content"]["application/json"]["schema"];
                let fields = schema["required"].as_array().into_iter().flatten();
                let body: serde_json::Map<_, _> = fields
                    .map(|field| (field.as_str().unwrap().to_owned(), file.display().to_string().into()))
                    .collect();
                let body = if schema.is_null() {
                    String::new()
                } else {
                    Value::from(body).to_string()
                };
                let (status, answer) = ask(address, method, &target, &body).await;
                let response = &described["responses"][status.to_string()];
                assert!(!response.is_null(), "{method} {path} answers {status}: {answer}");
                let expected = &response["content"]["application/json"]["schema"]["properties"]["type"]["const"];
                if !expected.is_null() {
                    let answer: Value = serde_json::from_str(&answer).unwrap();
                    assert_eq!(answer["type"], *expected, "{method} {path}");
                }
                // What is needed is needed.
                if !query.is_empty() || !schema.is_null() {
                    assert_eq!(ask(address, method, path, "{}").await.0, 400, "{method} {path}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn only_the_machine_itself_is_listened_to_unless_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let listen = async |beyond| {
        let (asks, _) = mpsc::channel(1);
        let (events, _) = broadcast::channel(1);
        let address = ([0, 0, 0, 0], 0).into();
        Server::listen(address, beyond, Access::Open, asks, events).await
    };
    let refused = listen(Beyond::Loopback).await.unwrap_err();
    assert!(refused.to_string().contains("--http-beyond-loopback"), "{refused}");
    assert!(listen(Beyond::Network).await.is_ok());
    let path = folder.path().join("token");
    let [one, two] = [(); 2].map(|()| new_token(&path).unwrap());
    assert_eq!((one.len(), one == two), (64, false));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), two);
}
