//! A line to Redis that is slow, or cut, or loses what is said from node to node.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// Ends when dropped.
pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    is_cut: watch::Sender<bool>,
    loses: Arc<AtomicBool>,
    running: JoinHandle<()>,
}

/// Makes words from other nodes something that nobody knows: they are lost, and what Redis answers is not.
fn lose_words(piece: &mut [u8]) {
    const KIND: &[u8] = b"message\r\n";
    let words: Vec<usize> = (0..piece.len()).filter(|at| piece[*at..].starts_with(KIND)).collect();
    for at in words {
        piece[at] = b'?';
    }
}

/// Hands on what comes, each piece so much later, and after this was done to it.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    delay: Duration,
    change: impl Fn(&mut [u8]),
) {
    let (sender, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(1_024);
    let read = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
            change(&mut buffer[..bytes]);
            let piece = (Instant::now() + delay, buffer[..bytes].to_vec());
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((at, piece)) = pieces.recv().await {
            sleep_until(at).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}

impl Line {
    /// Leads to this address; what goes over it takes so long each way.
    pub(crate) async fn start(to: SocketAddr, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (is_cut, cut) = watch::channel(false);
        let loses = Arc::new(AtomicBool::new(false));
        let is_losing = Arc::clone(&loses);
        let running = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (mut cut, loses) = (cut.clone(), Arc::clone(&is_losing));
                tokio::spawn(async move {
                    if *cut.borrow() {
                        return;
                    }
                    let Ok(far) = TcpStream::connect(to).await else {
                        return;
                    };
                    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
                    let lose = |piece: &mut [u8]| {
                        if loses.load(Ordering::Relaxed) {
                            lose_words(piece);
                        }
                    };
                    tokio::select! {
                        () = pump(near_read, far_write, delay, |_| ()) => {}
                        () = pump(far_read, near_write, delay, lose) => {}
                        _ = cut.wait_for(|is_cut| *is_cut) => {}
                    }
                });
            }
        });
        Self {
            address,
            is_cut,
            loses,
            running,
        }
    }

    pub(crate) fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    pub(crate) fn mend(&self) {
        self.is_cut.send_replace(false);
    }

    /// Has it lose all that other nodes say.
    pub(crate) fn lose_words(&self) {
        self.loses.store(true, Ordering::Relaxed);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.running.abort();
    }
}
