//! A server and browsers: on this machine as it is, or each browser in a network of its own, with what leaves it shaped.

use std::fs;

use anyhow::Result;
use tempfile::TempDir;
use tests::{
    browser::{Browser, Engine, Setup},
    homes::Lab,
    server::{Server, dist},
};

use crate::Args;

/// Ends with all that runs in it.
#[derive(Debug)]
pub(crate) struct Site {
    // Browsers end before the networks that they are in.
    pub(crate) browsers: Vec<Browser>,
    pub(crate) server: Server,
    _lab: Option<Lab>,
    _web_root: TempDir,
}

impl Site {
    pub(crate) async fn start(engine: Engine, args: &Args, count: usize) -> Result<Self> {
        let web_root = tempfile::tempdir()?;
        for entry in fs::read_dir(dist()?)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), web_root.path().join(entry.file_name()))?;
            }
        }
        fs::write(web_root.path().join("pump.html"), include_str!("pump.html"))?;
        fs::write(web_root.path().join("pump.js"), include_str!("pump.js"))?;
        let (mut browsers, mut lab) = (Vec::new(), None);
        let server = if let Some(queue) = args.queue() {
            let lab = lab.insert(Lab::new()?);
            let server = lab.server_of(web_root.path(), &[]).await?;
            for _ in 0..count {
                let host = lab.open_host()?;
                host.shape(&queue)?;
                browsers.push(Browser::start(&trusting(Setup::new(engine).inside(&host), engine, &server)).await?);
            }
            server
        } else {
            for _ in 0..count {
                browsers.push(Browser::start(&Setup::new(engine)).await?);
            }
            Server::start_with(web_root.path(), &[]).await?
        };
        Ok(Self {
            browsers,
            server,
            _lab: lab,
            _web_root: web_root,
        })
    }
}

/// The server has no certificate there, and is taken for one that has: else files would be kept in the database.
fn trusting(setup: Setup, engine: Engine, server: &Server) -> Setup {
    let url = server.url();
    let origin = url.trim_end_matches('/');
    match engine {
        Engine::Chromium => setup.argument(&format!("--unsafely-treat-insecure-origin-as-secure={origin}")),
        Engine::Firefox => setup.preference("dom.securecontext.allowlist", server.address().ip().to_string()),
    }
}
