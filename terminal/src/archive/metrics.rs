//! What an archive tells whoever runs it, in the text format of Prometheus. Counts alone: no name, text, key or link.

use std::{fmt::Write as _, net::SocketAddr};

use axum::{Router, routing::get};
use mesh::model::{FileState, PersonState};
use tokio::{net::TcpListener, sync::watch, task::spawn_local};

use super::{ArchiveError, KeptRoom, patient::Disk};

/// The last metrics, and where they are.
pub(super) struct Metrics {
    address: Option<SocketAddr>,
    text: watch::Sender<String>,
}

impl Metrics {
    /// Answers requests of this machine, if an address is given.
    pub(super) async fn listen(address: Option<SocketAddr>) -> Result<Self, ArchiveError> {
        let (text, shown) = watch::channel(String::new());
        let Some(address) = address else {
            return Ok(Self { address, text });
        };
        if !address.ip().is_loopback() {
            return Err(ArchiveError::NotLoopback(address));
        }
        let failed = |source| ArchiveError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = Some(listener.local_addr().map_err(failed)?);
        let answer = move || {
            let text = shown.borrow().clone();
            async move { ([("content-type", "text/plain; version=0.0.4")], text) }
        };
        let app = Router::new().route("/metrics", get(answer));
        spawn_local(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "metrics are answered no more");
            }
        });
        Ok(Self { address, text })
    }

    /// Where they are.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// How it stands now.
    pub(super) fn set(&self, rooms: &[KeptRoom], disk: &Disk) {
        if self.address.is_some() {
            // Nobody may listen.
            self.text.send_replace(text(rooms, disk));
        }
    }
}

fn text(rooms: &[KeptRoom], disk: &Disk) -> String {
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, of: &dyn Fn(&KeptRoom) -> u64| {
        let full = format!("starling_archive_{name}");
        // Nothing fails here: it is a text in memory.
        let _ = write!(text, "# HELP {full} {help}\n# TYPE {full} {kind}\n");
        for room in rooms {
            let _ = writeln!(text, "{full}{{room=\"{}\"}} {}", room.number, of(room));
        }
    };
    metric("kept", "gauge", "Whether what is said is stored.", &|room| {
        u64::from(room.session.room().kept)
    });
    metric("people_here", "gauge", "Other people who are here.", &|room| {
        let state = room.session.room();
        let here = state.people.iter().filter(|person| person.state == PersonState::Here);
        here.count() as u64
    });
    metric("links", "gauge", "Open links.", &|room| {
        room.session.network().links.len() as u64
    });
    metric(
        "messages_shown",
        "gauge",
        "Messages in view, the last ones kept.",
        &|room| room.session.room().messages.len() as u64,
    );
    metric("files_whole", "gauge", "Files of which all is here.", &|room| {
        let state = room.session.room();
        let whole = state.files.values().filter(|file| file.state == FileState::Whole);
        whole.count() as u64
    });
    metric("file_bytes", "gauge", "Bytes of files that are here.", &|room| {
        room.session.room().files.values().map(|file| file.bytes_have).sum()
    });
    metric("sent_bytes_total", "counter", "Bytes of datagrams sent.", &|room| {
        room.running.traffic().sent
    });
    metric(
        "received_bytes_total",
        "counter",
        "Bytes of datagrams received.",
        &|room| room.running.traffic().received,
    );
    let full = u8::from(disk.is_full());
    text += "# HELP starling_archive_disk_full Whether nothing can be stored for want of space.\n# TYPE starling_archive_disk_full gauge\n";
    text + &format!("starling_archive_disk_full {full}\n")
}
