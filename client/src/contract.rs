//! What tests of several crates hold themselves to: the suite that every store passes, and that limits are declared in one file
//! (feature `contract`).

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::missing_panics_doc, reason = "a panic is how a test fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    pin::pin,
    task::{Context, Poll, Waker},
};

use shared::{PeerId, RoomCode};
use zeroize::Zeroizing;

use crate::store::{IdentityRecord, Lease, Store};

/// Checks an empty store, with a certificate of its platform; `is_same` tells whether the store gave that one back.
pub async fn store<S: Store>(
    store: S,
    certificate: S::Certificate,
    is_same: impl Fn(&S::Certificate, &S::Certificate) -> bool,
) {
    identities(&store, certificate, is_same).await;
    leases(&store).await;
    names(&store).await;
    closed_rooms(&store).await;
}

async fn identities<S: Store>(
    store: &S,
    certificate: S::Certificate,
    is_same: impl Fn(&S::Certificate, &S::Certificate) -> bool,
) {
    assert!(store.identity(0).await.unwrap().is_none());
    let record = IdentityRecord {
        secret: Zeroizing::new([7; 32]),
        certificate: Some(certificate.clone()),
        name: Some("Ann 🦜".into()),
    };
    store.save_identity(0, &record).await.unwrap();
    let read = store.identity(0).await.unwrap().unwrap();
    assert_eq!((*read.secret, read.name.as_deref()), ([7; 32], Some("Ann 🦜")));
    assert!(read.certificate.is_some_and(|read| is_same(&read, &certificate)));
    assert!(store.identity(1).await.unwrap().is_none());
    let nameless = IdentityRecord {
        certificate: None,
        name: None,
        ..record
    };
    store.save_identity(0, &nameless).await.unwrap();
    let read = store.identity(0).await.unwrap().unwrap();
    assert!(read.name.is_none() && read.certificate.is_none());
}

async fn leases(store: &impl Store) {
    let lease = |owner: &str, until| Lease {
        owner: owner.into(),
        until_unix_millis: until,
    };
    assert!(store.take_lease(0, &lease("a", 100), 0).await.unwrap());
    assert!(!store.take_lease(0, &lease("b", 200), 99).await.unwrap(), "held");
    assert!(store.take_lease(0, &lease("a", 150), 99).await.unwrap(), "renewed");
    assert!(
        !store.take_lease(0, &lease("b", 200), 149).await.unwrap(),
        "held for longer"
    );
    assert!(store.take_lease(0, &lease("b", 200), 150).await.unwrap(), "over");
    assert!(store.take_lease(1, &lease("a", 100), 0).await.unwrap(), "another slot");
}

async fn names(store: &impl Store) {
    let [lobby, attic] = ["lobby", "attic"].map(|name| RoomCode::parse(name).unwrap().open().id());
    let [ann, bob] = [1, 2].map(|byte| PeerId::from_bytes([byte; 32]));
    assert_eq!(store.names(&lobby).await.unwrap(), []);
    store.save_name(&lobby, &ann, "Ann of the lobby").await.unwrap();
    store.save_name(&lobby, &bob, "Bob").await.unwrap();
    store.save_name(&lobby, &bob, "Bobby").await.unwrap();
    store.save_name(&attic, &ann, "Anna").await.unwrap();
    let mut names = store.names(&lobby).await.unwrap();
    names.sort();
    assert_eq!(names, [(ann, "Ann of the lobby".into()), (bob, "Bobby".into())]);
}

async fn closed_rooms(store: &impl Store) {
    let [lobby, attic] = ["lobby", "attic"].map(|name| RoomCode::parse(name).unwrap().open().id());
    assert_eq!(store.closed().await.unwrap(), []);
    store.save_closed(&lobby, &[1, 2]).await.unwrap();
    store.save_closed(&lobby, &[0, 255]).await.unwrap();
    store.save_closed(&attic, &[]).await.unwrap();
    let mut closed = store.closed().await.unwrap();
    closed.sort();
    let mut expected = [(lobby, vec![0, 255]), (attic, vec![])];
    expected.sort();
    assert_eq!(closed, expected);
}

/// The result of something that only seems to take time.
pub fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits for something that does not happen"),
    }
}

/// Where the sources below `root/src` declare a limit outside of `config.rs`, as `FILE:LINE: TEXT`.
///
/// A limit is any constant that is a number or a span of time. What is a number by its nature and no limit (a key code, a protocol's own
/// number) stands where it is used, or in `config.rs`, too. Tests have numbers of their own: files and modules called
/// `tests` are left out.
#[must_use]
pub fn stray_limits(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    assert!(!files.is_empty(), "there is nothing to search in {}", root.display());
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        // Tests stand last.
        let code = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in (1..).zip(code.lines()) {
            if is_limit(line.trim_start()) {
                let file = file.strip_prefix(root).unwrap_or(&file);
                found.push(format!("{}:{number}: {}", file.display(), line.trim()));
            }
        }
    }
    found
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match name {
            "tests" | "tests.rs" | "config.rs" => {}
            _ if path.is_dir() => sources(&path, files),
            _ => files.extend(name.ends_with(".rs").then_some(path)),
        }
    }
}

/// Whether a line declares a constant of a number or a span of time.
fn is_limit(line: &str) -> bool {
    // `pub`, `pub(crate)` and so on.
    let line = match line.strip_prefix("pub") {
        Some(rest) => rest.split_once("const ").map_or("", |(before, _)| {
            if before.trim_start().is_empty() || before.ends_with(") ") {
                &rest[before.len()..]
            } else {
                ""
            }
        }),
        None => line,
    };
    let Some((name, rest)) = line.strip_prefix("const ").and_then(|rest| rest.split_once(": ")) else {
        return false;
    };
    let kind: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    let numbers = [
        "usize", "u64", "u32", "u16", "u8", "isize", "i64", "i32", "i16", "i8", "f64", "f32", "Duration",
    ];
    let is_name = |char: char| char.is_ascii_uppercase() || char.is_ascii_digit() || char == '_';
    name.chars().all(is_name) && numbers.contains(&kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::is_limit;

    #[test]
    fn constants_of_numbers_and_times_are_limits() {
        for line in [
            "const A: usize = 1;",
            "pub const A_MAX: u32 = 1;",
            "pub(crate) const A: f32 = 0.5;",
            "pub(in crate::room) const A: Duration = Duration::ZERO;",
        ] {
            assert!(is_limit(line), "{line}");
        }
        for line in [
            "const NAME: &str = \"a\";",
            "const _: () = assert!(true);",
            "pub const fn a(b: usize) -> usize {",
            "pub(crate) const STORES: [&str; 4] = [];",
            "let a: usize = 1;",
            "pub fn b(c: u8) {}",
        ] {
            assert!(!is_limit(line), "{line}");
        }
    }
}
