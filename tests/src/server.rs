//! The real server program, serving the built app.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::Child,
    time::timeout,
};

use crate::{authority::Authority, homes::Place};

/// A start that takes longer has failed.
const START: Duration = Duration::from_secs(20);

/// Where a server in a network of its own tells operators how it is.
pub(crate) const ADMIN: &str = "127.0.0.1:9090";

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    place: Place,
    address: SocketAddr,
    web_root: PathBuf,
    arguments: Vec<String>,
    /// Certificates that it trusts instead of those that this machine trusts.
    trusted: Option<PathBuf>,
}

impl Server {
    /// Starts the server on a free port with the built app.
    ///
    /// # Errors
    /// If the program or the app is not built, or does not start.
    pub async fn start() -> Result<Self> {
        Self::start_with(&dist()?, &[]).await
    }

    /// Starts the server on a free port with the files in `web_root` and further arguments.
    ///
    /// # Errors
    /// If the program is not built, or does not start.
    pub async fn start_with(web_root: &Path, arguments: &[&str]) -> Result<Self> {
        Self::start_at(Place::Here, "127.0.0.1:0", web_root, arguments, None).await
    }

    /// Starts the server on an address of this machine, with the files in `web_root` and further arguments.
    ///
    /// # Errors
    /// If the program is not built, or does not start.
    pub async fn start_on(listen: &str, web_root: &Path, arguments: &[&str]) -> Result<Self> {
        Self::start_at(Place::Here, listen, web_root, arguments, None).await
    }

    /// Starts the server in some place and has it listen on an address of that place.
    pub(crate) async fn start_at(
        place: Place,
        listen: &str,
        web_root: &Path,
        arguments: &[&str],
        authority: Option<&Authority>,
    ) -> Result<Self> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let trusted = authority.map(Authority::certificate);
        let (child, address) = spawn(&place, listen, web_root, &arguments, trusted.as_deref()).await?;
        Ok(Self {
            trusted,
            child,
            place,
            address,
            web_root: web_root.to_owned(),
            arguments,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the start page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// What operators read, of a server of a lab that has a TURN server, too.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn metrics(&self) -> Result<String> {
        let mut stream = self.place.clone().connect(ADMIN.parse()?).await?;
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {ADMIN}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// Kills the server, which gets no chance to say anything.
    ///
    /// # Errors
    /// If it had ended already.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("the server had ended already")
    }

    /// Starts it again on the same port; gives the moment from which on it listens.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn restart(&mut self) -> Result<Instant> {
        let (address, trusted) = (self.address.to_string(), self.trusted.as_deref());
        let (child, _) = spawn(&self.place, &address, &self.web_root, &self.arguments, trusted).await?;
        self.child = child;
        Ok(Instant::now())
    }
}

/// The folder of the built app: `STARLING_TEST_DIST`, or `dist` of this repository.
///
/// # Errors
/// If no app was built.
pub fn dist() -> Result<PathBuf> {
    let folder = env::var_os("STARLING_TEST_DIST").map_or_else(|| repository().join("dist"), PathBuf::from);
    if !folder.join("index.html").is_file() {
        bail!("{} has no index.html: run `cargo xtask build`", folder.display());
    }
    Ok(folder)
}

/// The folder for what a person may want to look at after a run.
///
/// # Errors
/// If it cannot be made.
pub fn output_folder(name: &str) -> Result<PathBuf> {
    let folder = repository().join("target").join(name);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or_else(|| Path::new("."))
}

/// `STARLING_TEST_SIGNAL`, or the program that was built beside this one.
fn program() -> Result<PathBuf> {
    if let Some(program) = env::var_os("STARLING_TEST_SIGNAL") {
        return Ok(program.into());
    }
    let own = env::current_exe().context("cannot tell where this program is")?;
    // A test program is in `deps`, one below the others.
    own.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("signal"))
        .find(|program| program.is_file())
        .context("the server is not built: run `cargo build -p signal` first")
}

async fn spawn(
    place: &Place,
    listen: &str,
    web_root: &Path,
    arguments: &[String],
    trusted: Option<&Path>,
) -> Result<(Child, SocketAddr)> {
    let program = program()?;
    let mut child = place
        .command(&program)
        .args(["--listen", listen, "--web-root"])
        .arg(web_root)
        .args(arguments)
        .env("RUST_LOG", "error")
        .envs(trusted.map(|file| ("SSL_CERT_FILE", file)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let line = first_line(&mut child, "listening on http://").await?;
    let address = line.parse().with_context(|| format!("not an address: {line}"))?;
    Ok((child, address))
}

/// The text behind `prefix` in the first line of a program's output that contains the prefix. Later output is read and dropped, so that
/// the program never waits for a reader.
pub(crate) async fn first_line(child: &mut Child, prefix: &str) -> Result<String> {
    let output = child.stdout.take().context("the output is not piped")?;
    let mut lines = BufReader::new(output).lines();
    let found = async {
        while let Some(line) = lines.next_line().await.context("cannot read the output")? {
            if let Some((_, rest)) = line.split_once(prefix) {
                return Ok(rest.trim().to_owned());
            }
        }
        bail!("it ended without saying “{prefix}…”")
    };
    let found = timeout(START, found)
        .await
        .with_context(|| format!("it did not say “{prefix}…” in time"))??;
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(found)
}
