//! What the person who hosts a server relies on: whom it answers, what it shows to whom, and what it keeps to itself.

use std::{fs, os::unix::fs::symlink};

use signal::{Config, config::WebApp};

use crate::client::Server;

#[tokio::test]
async fn only_the_apps_own_files_are_served() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = folder.path();
    fs::write(root.join("index.html"), "the app").unwrap();
    fs::write(root.join(".env"), "SECRET=1").unwrap();
    fs::create_dir(root.join(".git")).unwrap();
    fs::write(root.join(".git/config"), "secret").unwrap();
    fs::write(elsewhere.path().join("secret.txt"), "secret").unwrap();
    symlink(elsewhere.path().join("secret.txt"), root.join("note.txt")).unwrap();
    symlink(elsewhere.path(), root.join("notes")).unwrap();
    let config = Config {
        web_app: WebApp::Folder(root.to_owned()),
        ..Config::default()
    };
    let server = Server::start(config).await;
    assert_eq!(server.fetch("/", &[]).await.text(), "the app");
    for path in [
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/note.txt",
        "/notes/secret.txt",
        "/notes/",
    ] {
        let reply = server.fetch(path, &[]).await;
        assert_eq!((reply.status, reply.text()), (404, "there is nothing here\n"), "{path}");
    }
}

#[tokio::test]
async fn a_link_whose_hash_was_encoded_is_explained_and_leads_on() {
    let server = Server::start(Config::default()).await;
    for (path, way) in [
        ("/%23/r/1.secret", "href=\"../../#/r/1.secret\""),
        ("/%2523%252Fr%252Ftea", "href=\"./#%252Fr%252Ftea\""),
        ("/r/1.secret", "href=\"../#/r/1.secret\""),
    ] {
        let reply = server.fetch(path, &[]).await;
        assert_eq!((reply.status, reply.header("location")), (404, ""), "{path}");
        assert!(reply.text().contains("damaged on its way"), "{path}: {}", reply.text());
        assert!(reply.text().contains(way), "{path}: {}", reply.text());
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
    }
}
