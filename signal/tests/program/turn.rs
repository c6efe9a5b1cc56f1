//! The flags `--turn` and `--turn-secret-file`: what a client is told, what the log says, and what is said if one of them is wrong.

use std::{fs, io::Write};

use tempfile::NamedTempFile;

use crate::{
    run::{Program, command},
    stun::welcome,
};

const URL: &str = "turn:turn.example:3478?transport=tcp";

fn secret_file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("a file that is written");
    file
}

#[tokio::test]
async fn a_client_gets_credentials_of_its_own_and_the_log_has_neither_them_nor_the_secret() {
    let file = secret_file("north-wind\n");
    let path = file.path().to_str().expect("a path of text");
    let arguments = ["--listen", "127.0.0.1:0", "--turn", URL, "--turn-secret-file", path];
    let program = Program::start_with_log(&arguments, "trace");
    let ice_servers = welcome(&program, "rooms.example").await;
    assert_eq!(ice_servers.len(), 1);
    assert_eq!(ice_servers[0].urls, [URL]);
    let username = ice_servers[0].username.clone().expect("a name");
    let credential = ice_servers[0].credential.clone().expect("a credential");
    let log = program.log();
    assert!(log.contains("naming TURN servers") && log.contains(URL), "{log}");
    for word in ["north-wind", &username, &credential] {
        assert!(!log.contains(word), "{word} is in the log");
    }
}

#[test]
fn what_does_not_go_together_or_cannot_be_read_is_told_in_words_and_ends_the_program() {
    let (empty, good) = (secret_file(" \n"), secret_file("north-wind"));
    let gone = secret_file("north-wind").into_temp_path();
    let path = |path: &std::path::Path| path.to_str().expect("a path of text").to_owned();
    let gone_path = path(&gone);
    fs::remove_file(&gone).expect("the file was there");
    for (arguments, words) in [
        (vec!["--turn", URL], "--turn-secret-file is missing"),
        (vec!["--turn-secret-file", &path(good.path())], "--turn is missing"),
        (
            vec!["--turn", URL, "--turn-secret-file", &path(empty.path())],
            "it is empty",
        ),
        (
            vec!["--turn", URL, "--turn-secret-file", &gone_path],
            "cannot read the secret of the TURN server",
        ),
        (
            vec!["--turn", "turn.example", "--turn-secret-file", &path(good.path())],
            "a TURN server is written like",
        ),
    ] {
        let output = command(&[&["--listen", "127.0.0.1:0"], &arguments[..]].concat())
            .output()
            .expect("the program starts");
        assert!(!output.status.success(), "{arguments:?}");
        assert!(output.stdout.is_empty(), "it does not listen");
        let said = String::from_utf8(output.stderr).expect("text");
        assert!(said.contains(words), "{said}");
    }
}
