//! The database on real files.

use std::{
    io::{self, BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
};

use client::contract;
use redb::{StorageBackend, backends::FileBackend};
use shared::RoomCode;
use tokio::task::LocalSet;

use super::*;

fn certificate() -> Certificate {
    Certificate {
        certificate: vec![7; 300],
        private_key: vec![8; 100].into(),
    }
}

fn room() -> RoomId {
    RoomCode::parse("store").unwrap().open().id()
}

fn me() -> PeerId {
    PeerId::from_bytes([3; 32])
}

fn file() -> FileId {
    FileId::from_bytes([4; 32])
}

fn change(number: u32) -> Change {
    Change {
        owner: Owner::Room,
        key: number.to_be_bytes().to_vec(),
        value: Some(number.to_be_bytes().repeat(50).into()),
    }
}

#[tokio::test]
async fn the_disk_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(&folder.path().join("store.redb")).unwrap();
    contract::store(store, certificate(), PartialEq::eq).await;
}

#[tokio::test]
async fn what_was_stored_is_there_again_and_a_closed_store_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = DiskStore::open(&path).unwrap();
    store
        .write(&room(), &me(), &[change(1)], Durability::Relaxed)
        .await
        .unwrap();
    store.write_piece(&room(), &me(), (file(), 9), b"piece").await.unwrap();
    store.close().await;
    assert_eq!(store.closed().await, Err(StoreError::Stalled));
    let refused = store.write(&room(), &me(), &[change(2)], Durability::Relaxed).await;
    assert_eq!(refused, Err(StoreError::Stalled));
    store.close().await;
    // The former one is not dropped yet: its lock is gone all the same.
    let again = DiskStore::open(&path).unwrap();
    assert_eq!(again.records(&room(), &me()).await.unwrap().len(), 1);
    let piece = again.read_piece(&room(), &me(), (file(), 9)).await.unwrap();
    assert_eq!(piece.as_deref(), Some(b"piece".as_slice()));
}

#[tokio::test]
async fn writes_that_wait_together_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(&folder.path().join("store.redb")).unwrap();
    let (room, me) = (room(), me());
    // As a platform does it: each in a task of its own, in order. More than fit into the queue at once.
    let tasks = LocalSet::new();
    for number in 0..200 {
        let store = store.clone();
        tasks.spawn_local(async move {
            let written = store.write_piece(&room, &me, (file(), 0), &[number]).await;
            written.unwrap();
        });
    }
    let forgetting = store.clone();
    tasks.spawn_local(async move { forgetting.forget_file(&room, &me, file()).await.unwrap() });
    let writing = store.clone();
    tasks.spawn_local(async move { writing.write_piece(&room, &me, (file(), 1), b"after").await.unwrap() });
    tasks.await;
    assert_eq!(store.read_piece(&room, &me, (file(), 0)).await.unwrap(), None);
    assert!(store.read_piece(&room, &me, (file(), 1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_database_in_use_a_damaged_one_and_a_newer_one_are_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let words = |path: &Path| DiskStore::open(path).unwrap_err().to_string();
    let store = DiskStore::open(&path).unwrap();
    assert!(words(&path).contains("in use by another instance"), "{}", words(&path));
    store.close().await;

    let damaged = folder.path().join("damaged.redb");
    std::fs::write(&damaged, [7; 8_192]).unwrap();
    assert!(words(&damaged).contains("is damaged"), "{}", words(&damaged));
    // All but its head is lost.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4_096..].fill(0xa5);
    std::fs::write(&damaged, &bytes).unwrap();
    assert!(words(&damaged).contains("is damaged"), "{}", words(&damaged));

    tables::set_version(&path, 2);
    assert!(words(&path).contains("newer version"), "{}", words(&path));
    let nowhere = folder.path().join("no/such/folder");
    assert!(words(&nowhere).contains("cannot be opened"));
}

#[tokio::test]
async fn a_piece_takes_no_more_of_the_disk_than_it_has_and_a_shorter_one_takes_its_place_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = DiskStore::open(&path).unwrap();
    const PIECES: u32 = 100;
    for number in 0..PIECES {
        let piece = vec![7; mesh::config::PIECE_BYTES];
        store
            .write_piece(&room(), &me(), (file(), number), &piece)
            .await
            .unwrap();
    }
    for bytes in [vec![1; 3], vec![]] {
        store.write_piece(&room(), &me(), (file(), 0), &bytes).await.unwrap();
        let read = store.read_piece(&room(), &me(), (file(), 0)).await.unwrap();
        assert_eq!(read, Some(bytes));
    }
    let whole = store.read_piece(&room(), &me(), (file(), 1)).await.unwrap().unwrap();
    assert_eq!(whole.len(), mesh::config::PIECE_BYTES);
    store.close().await;
    let used = std::fs::metadata(&path).unwrap().len();
    let content = u64::from(PIECES) * mesh::config::PIECE_BYTES as u64;
    // The file grows by steps, so some of it is free. Uncut, pieces alone would take more than twice their content.
    assert!(used * 10 < content * 18, "{used} bytes for {content}");
}

/// A file on a disk that can be full.
#[derive(Debug)]
struct Narrow(FileBackend);

static IS_FULL: AtomicBool = AtomicBool::new(false);

impl StorageBackend for Narrow {
    fn len(&self) -> Result<u64, io::Error> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.0.read(offset, out)
    }
    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.0.set_len(len)
    }
    fn sync_data(&self) -> Result<(), io::Error> {
        self.0.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        if IS_FULL.load(Ordering::SeqCst) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.0.write(offset, data)
    }
    fn close(&self) -> Result<(), io::Error> {
        self.0.close()
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_is_written_once_there_is_space_again_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let disk = Disk::open(&path, |path| Ok(Narrow(disk::file(path)?))).unwrap();
    let store = DiskStore::start(disk).unwrap();
    let write = async |number| store.write(&room(), &me(), &[change(number)], Durability::Strict).await;
    write(1).await.unwrap();
    IS_FULL.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        assert_eq!(write(2).await, Err(StoreError::Full));
    }
    IS_FULL.store(false, Ordering::SeqCst);
    // What is kept can be read at once, and not only after the next write.
    assert_eq!(store.records(&room(), &me()).await.unwrap().len(), 1);
    write(3).await.unwrap();
    let mut kept = store.records(&room(), &me()).await.unwrap();
    kept.sort();
    let keys: Vec<_> = kept.into_iter().map(|record| record.key).collect();
    assert_eq!(keys, [1_u32, 3].map(|number| number.to_be_bytes().to_vec()));
}

/// Says to the child of the next test where it is to write.
const CHILD: &str = "STARLING_STORE_TEST";

/// Writes until it is killed, and says after each write how many there were.
#[tokio::test]
async fn child_that_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store = DiskStore::open(Path::new(&path)).unwrap();
    for number in 0.. {
        let batch = [2 * number, 2 * number + 1].map(change);
        store.write(&room(), &me(), &batch, Durability::Relaxed).await.unwrap();
        store
            .write_piece(&room(), &me(), (file(), number), &[7; 50_000])
            .await
            .unwrap();
        // Not by `println`, which the harness takes.
        writeln!(io::stderr(), "written {number}").unwrap();
    }
}

#[tokio::test]
async fn what_was_answered_outlives_a_kill_in_the_middle_of_writing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    for round in 1..=4 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::child_that_is_killed", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let numbers = lines.map(|line| line.unwrap().strip_prefix("written ")?.parse::<u32>().ok());
        let mut numbers = numbers.flatten();
        let enough = numbers.find(|number| *number >= 20 * round).unwrap();
        // SIGKILL, while it goes on writing.
        child.kill().unwrap();
        let written = numbers.last().unwrap_or(enough);
        child.wait().unwrap();

        let store = DiskStore::open(&path).unwrap();
        let mut records = store.records(&room(), &me()).await.unwrap();
        records.sort();
        let batches = u32::try_from(records.len() / 2).unwrap();
        assert!(
            batches > written,
            "{batches} batches are kept, and {written} was answered"
        );
        assert_eq!(records.len() % 2, 0, "a batch is whole");
        for (record, number) in records.iter().zip(0..) {
            assert_eq!(Some(&*record.value), change(number).value.as_deref());
        }
        for number in 0..=written {
            let piece = store.read_piece(&room(), &me(), (file(), number)).await.unwrap();
            assert_eq!(piece, Some(vec![7; 50_000]), "{number}");
        }
        store.close().await;
    }
}
