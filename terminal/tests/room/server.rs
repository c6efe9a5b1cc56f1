//! The rendezvous server, on a free port.

use std::net::SocketAddr;

use signal::{App, Config, app, serve::serve};
use tokio::{net::TcpListener, task::JoinHandle};

/// A server. It ends when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
    _app: App,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(Config::default()).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        let app = app(config).expect("the server can be put together");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(serve(listener, app.clone(), std::future::pending()));
        Self {
            address,
            task,
            _app: app,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
