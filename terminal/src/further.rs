//! Further rendezvous servers: those that a server names in its `/api/config`. Its page asks there, too.

use axum::body::{Body, to_bytes};
use client::servers;
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use crate::{
    config::{CONFIG_BYTES_MAX, CONFIG_WAIT_MAX},
    signaller,
    task::Task,
    tls::Tls,
};

/// The servers that a person named, and behind them those that the first one names. Whoever names none, or does not answer in time, is asked alone.
pub async fn add(asked: &[String], tls: &Tls) -> Vec<String> {
    let Some(own) = asked.first() else {
        return Vec::new();
    };
    let config = timeout(CONFIG_WAIT_MAX, config(own, tls)).await.ok().flatten();
    let is_server = |server: &String| server.starts_with("ws://") || server.starts_with("wss://");
    let named = servers::merge(own.clone(), config.as_ref());
    let mut all = asked.to_vec();
    for server in named.into_iter().filter(is_server) {
        if !all.contains(&server) {
            all.push(server);
        }
    }
    all
}

/// What is behind `/api/config`, beside the socket.
async fn config(socket: &str, tls: &Tls) -> Option<shared::signal::Json> {
    let address = format!("{}api/config", socket.strip_suffix("ws")?);
    let request = Request::get(&address).body(Body::empty()).ok()?;
    let host = servers::host(socket);
    let stream = signaller::reach(request.uri(), tls).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    // It ends with this.
    let _connection = Task::start(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a server was asked in vain for further ones");
        }
    });
    let (mut parts, body) = request.into_parts();
    parts.headers.insert(header::HOST, host.parse().ok()?);
    parts.uri = parts.uri.path().parse().ok()?;
    let answer = sender.send_request(Request::from_parts(parts, body)).await.ok()?;
    if !answer.status().is_success() {
        return None;
    }
    let body = to_bytes(Body::new(answer.into_body()), CONFIG_BYTES_MAX).await.ok()?;
    serde_json::from_slice(&body).ok()
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        task::LocalSet,
    };

    use super::*;

    /// What comes of a server that answers so.
    async fn added(answer: &str) -> (Vec<String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("ws://{}/chat/ws", listener.local_addr().unwrap());
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4_096];
            let read = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        };
        let all = async {
            let tls = Tls::trusting([]).unwrap();
            let asked = [own.clone(), "ws://other/ws".to_owned()];
            tokio::join!(add(&asked, &tls), serve)
        };
        let (mut servers, request) = LocalSet::new().run_until(all).await;
        assert_eq!(servers.remove(0), own);
        assert_eq!(servers.remove(0), "ws://other/ws");
        (servers, request)
    }

    #[tokio::test]
    async fn a_server_is_asked_once_for_others_and_what_is_no_answer_names_none() {
        let body = r#"{"servers":["wss://b.example/ws","http://c.example/","ws://other/ws"]}"#;
        let length = body.len();
        let (named, request) = added(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")).await;
        assert_eq!(named, ["wss://b.example/ws"]);
        assert!(request.starts_with("GET /chat/api/config HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("host: 127.0.0.1:"), "{request}");
        for answer in [
            format!("HTTP/1.1 404 Not Found\r\ncontent-length: {length}\r\n\r\n{body}"),
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n<doctype>".to_owned(),
            format!("HTTP/1.1 200 OK\r\n\r\n{}", " ".repeat(CONFIG_BYTES_MAX + 1)),
            "nonsense".to_owned(),
            String::new(),
        ] {
            assert_eq!(added(&answer).await.0, Vec::<String>::new());
        }
    }
}
