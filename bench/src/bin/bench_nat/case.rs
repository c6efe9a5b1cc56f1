//! The cases: which homes there are, what is awaited in them, and what is promised of it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bench::{
    pages::{run_bare, run_ours, web_root},
    percentile,
};
use clap::ValueEnum;
use tests::{
    browser::{BOTH, CHROMIUM, Engine, Engines, FIREFOX},
    homes::{Lab, Nat, Transport},
    page::Page,
    room::others_here,
};

use crate::people::{browsers, gather, start, tabs};

/// A try that takes longer has failed, whatever is promised.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why nobody is reached whose router is as symmetric as one's own.
const BOTH_SYMMETRIC: &str = "neither router lets a direct connection in";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// Two homes behind ordinary routers, and the server as anybody starts it
    Ordinary,
    /// Two symmetric NATs, and a TURN server
    SymmetricRelayed,
    /// No UDP out of one home, and a TURN server by TCP
    UdpBlockedRelayed,
    /// Two symmetric NATs, and a third person in the open
    Third,
    /// Two symmetric NATs and nothing that helps: both are told why
    Nothing,
    /// A home gets another address while people talk: they hear each other again, and nothing is lost
    Moved,
}

/// What is promised.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// Each try takes no longer.
    Within(Duration),
    /// The median is no more than so many times that of the bare page.
    Ratio(f64),
}

/// What came of the tries of a case.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) tries: usize,
    /// Of the tries that came to what was awaited.
    pub(crate) seconds: Vec<f64>,
    /// Of the bare page.
    pub(crate) bare: Vec<f64>,
    pub(crate) bound: Bound,
    /// What became of the others.
    pub(crate) failures: Vec<String>,
}

impl Measured {
    fn new(tries: usize, bound: Bound) -> Self {
        Self {
            tries,
            seconds: Vec::new(),
            bare: Vec::new(),
            bound,
            failures: Vec::new(),
        }
    }

    /// A try has come to an end; number 0 is not counted.
    fn note(&mut self, number: usize, seconds: Result<f64>) {
        match seconds {
            _ if number == 0 => {}
            Ok(seconds) => self.seconds.push(seconds),
            Err(error) => self.failures.push(format!("try {number}: {error:#}")),
        }
    }

    /// Of our median to that of the bare page.
    pub(crate) fn ratio(&self) -> f64 {
        percentile(&self.seconds, 50) / percentile(&self.bare, 50)
    }

    /// Whether all is as promised.
    pub(crate) fn keeps(&self) -> bool {
        let in_bound = match self.bound {
            Bound::Within(most) => self.seconds.iter().all(|seconds| *seconds <= most.as_secs_f64()),
            Bound::Ratio(most) => self.ratio() <= most,
        };
        in_bound && self.seconds.len() == self.tries
    }
}

impl Case {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary routers",
            Self::SymmetricRelayed => "symmetric NATs, TURN",
            Self::UdpBlockedRelayed => "no UDP in one home, TURN by TCP",
            Self::Third => "symmetric NATs, a third person",
            Self::Nothing => "symmetric NATs and no help: told why",
            Self::Moved => "another address: heard again",
        }
    }

    const fn bound(self) -> Bound {
        match self {
            Self::Ordinary => Bound::Ratio(1.3),
            Self::SymmetricRelayed | Self::UdpBlockedRelayed => Bound::Within(Duration::from_secs(6)),
            Self::Third => Bound::Within(Duration::from_secs(5)),
            Self::Nothing => Bound::Within(Duration::from_secs(12)),
            Self::Moved => Bound::Within(Duration::from_secs(8)),
        }
    }

    /// The browsers of the two people.
    pub(crate) fn engines(self) -> Vec<Engines> {
        match self {
            Self::Ordinary => vec![CHROMIUM, FIREFOX, BOTH],
            Self::SymmetricRelayed | Self::UdpBlockedRelayed | Self::Third | Self::Nothing | Self::Moved => {
                vec![CHROMIUM, FIREFOX]
            }
        }
    }

    pub(crate) async fn measure(self, engines: Engines, tries: usize) -> Result<Measured> {
        let measured = Measured::new(tries, self.bound());
        match self {
            Self::Ordinary => ordinary(engines, measured).await,
            Self::SymmetricRelayed => {
                let nats = [Nat::Symmetric; 2];
                relayed(engines, nats, Transport::Udp, measured).await
            }
            Self::UdpBlockedRelayed => {
                let nats = [Nat::UdpBlocked, Nat::PortRestricted];
                relayed(engines, nats, Transport::Tcp, measured).await
            }
            Self::Third => third(engines, measured).await,
            Self::Nothing => nothing(engines, measured).await,
            Self::Moved => moved(engines, measured).await,
        }
    }
}

/// Until all the others are "Here" on each of these pages.
async fn meet(pages: &[Page], room: &str) -> Result<f64> {
    gather(pages, room).await?;
    let started = Instant::now();
    for page in pages {
        page.wait_for(PATIENCE, "everyone here", |view| others_here(view) == pages.len() - 1)
            .await?;
    }
    Ok(started.elapsed().as_secs_f64())
}

/// Try after try.
async fn meets(pages: &[Page], room: &str, mut measured: Measured) -> Result<Measured> {
    for number in 0..=measured.tries {
        let seconds = meet(pages, &format!("#/r/{room}{number}")).await;
        measured.note(number, seconds);
    }
    Ok(measured)
}

async fn ordinary(engines: Engines, mut measured: Measured) -> Result<Measured> {
    let mut lab = Lab::new()?;
    let hosts = lab.two_homes(Nat::PortRestricted)?;
    let web_root = web_root()?;
    let server = lab.server_of(web_root.path(), &[]).await?;
    let browsers = browsers(&server, &engines, hosts.each_ref()).await?;
    let tabs = tabs(&server, &browsers).await?;
    for number in 0..=measured.tries {
        // Each is the newcomer in turn: the lower key makes the offer.
        let [one, other] = [number % 2, 1 - number % 2];
        for tab in &tabs {
            start(&server, tab).await?;
        }
        let times = run_ours(&tabs[one], &tabs[other], &format!("#/r/ordinary{number}")).await;
        measured.note(number, times.map(|times| times.channel() / 1_000.0));
        let times = run_bare(&server, &tabs[one], &tabs[other], number).await?;
        if number > 0 {
            measured.bare.push(times.channel() / 1_000.0);
        }
    }
    Ok(measured)
}

async fn relayed(engines: Engines, nats: [Nat; 2], transport: Transport, measured: Measured) -> Result<Measured> {
    let mut lab = Lab::new()?;
    let (here, there) = (lab.home(nats[0])?, lab.home(nats[1])?);
    let hosts = [lab.host(&here)?, lab.host(&there)?];
    let server = lab.server_with_relay(transport).await?;
    let browsers = browsers(&server, &engines, hosts.each_ref()).await?;
    let pages = tabs(&server, &browsers).await?;
    meets(&pages, "relayed", measured).await
}

async fn third(engines: Engines, measured: Measured) -> Result<Measured> {
    let mut lab = Lab::new()?;
    let [here, there] = lab.two_homes(Nat::Symmetric)?;
    let hosts = [here, lab.open_host()?, there];
    let server = lab.server().await?;
    let engines = [engines[0], Engine::Chromium, engines[1]];
    let browsers = browsers(&server, &engines, hosts.each_ref()).await?;
    let pages = tabs(&server, &browsers).await?;
    meets(&pages, "third", measured).await
}

async fn nothing(engines: Engines, mut measured: Measured) -> Result<Measured> {
    let mut lab = Lab::new()?;
    let hosts = lab.two_homes(Nat::Symmetric)?;
    let server = lab.server().await?;
    let browsers = browsers(&server, &engines, hosts.each_ref()).await?;
    let pages = tabs(&server, &browsers).await?;
    for number in 0..=measured.tries {
        let told = async {
            gather(&pages, &format!("#/r/nothing{number}")).await?;
            let started = Instant::now();
            for page in &pages {
                page.wait_for(PATIENCE, BOTH_SYMMETRIC, |view| view.connection_says(BOTH_SYMMETRIC))
                    .await?;
            }
            anyhow::Ok(started.elapsed().as_secs_f64())
        };
        measured.note(number, told.await);
    }
    Ok(measured)
}

async fn moved(engines: Engines, mut measured: Measured) -> Result<Measured> {
    let mut lab = Lab::new()?;
    let (here, mut there) = (lab.home(Nat::PortRestricted)?, lab.home(Nat::PortRestricted)?);
    let hosts = [lab.host(&here)?, lab.host(&there)?];
    let server = lab.server().await?;
    let browsers = browsers(&server, &engines, hosts.each_ref()).await?;
    let pages = tabs(&server, &browsers).await?;
    meet(&pages, "#/r/moved").await?;
    for number in 0..=measured.tries {
        lab.move_router(&mut there)?;
        let heard = async {
            let started = Instant::now();
            let texts = [format!("from one {number}"), format!("from the other {number}")];
            for (page, text) in pages.iter().zip(&texts) {
                page.say(text).await?;
            }
            for (page, text) in pages.iter().rev().zip(&texts) {
                page.wait_for(PATIENCE, text, |view| view.has(text)).await?;
            }
            let seconds = started.elapsed().as_secs_f64();
            for page in &pages {
                let view = page
                    .wait_for(PATIENCE, "the other here", |view| others_here(view) == 1)
                    .await?;
                ensure!(view.people.len() == 2, "somebody came back as another person");
            }
            Ok(seconds)
        };
        measured.note(number, heard.await);
    }
    Ok(measured)
}
